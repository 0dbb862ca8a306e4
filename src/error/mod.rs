//! The one error that a tool call can end in, and the words the agent reads.
//!
//! The clients below speak statuses and codes; `advice` is the only place that turns them into words
//! for an agent.

mod advice;
mod failure;

use std::error::Error as StdError;

use rmcp::model::{CallToolResult, ContentBlock, InputRequest};
use url::Url;

use crate::bitbucket::RepositoryId;

/// A [`std::result::Result`] whose error is [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a tool call failed, told so that an agent can act on it.
///
/// `Display` is one sentence without a full stop; [`Error::hint`] is the next step. The codes are
/// fixed: agents and scripts rely on them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The arguments do not fit the tool's schema, or contradict each other.
    #[error("{0}")]
    InvalidArguments(String),
    /// Nobody is signed in at Auth0.
    #[error("nobody is signed in")]
    NotSignedIn {
        /// The page that signs the person in and links their account in one trip.
        url: Option<Url>,
    },
    /// Auth0 does not accept the caller's access token any more.
    #[error("Auth0 no longer accepts the access token that came with this call")]
    TokenEnded,
    /// The person has no Bitbucket account in the vault, or one that Bitbucket no longer accepts.
    #[error("{says}")]
    NotLinked {
        /// What is the matter with the link.
        says: &'static str,
        /// The page that links an account.
        url: Option<Url>,
    },
    /// The linked account did not grant a scope.
    #[error("the linked Bitbucket account did not grant {}", list(.missing))]
    MissingScope {
        /// The scopes that are lacking.
        missing: Vec<String>,
        /// Whether linking again can bring them.
        relink: bool,
    },
    /// There is no such thing, or the person may not see it.
    #[error("{says}")]
    NotFound {
        /// What was looked for.
        says: String,
        /// What to do next.
        hint: String,
    },
    /// The person may not do this, whatever the scopes.
    #[error("{says}")]
    Forbidden {
        /// What was refused.
        says: String,
        /// What to do next.
        hint: String,
    },
    /// The thing changed under the agent, or is already as asked.
    #[error("{says}")]
    Conflict {
        /// What stands against it.
        says: String,
        /// What to do next.
        hint: String,
    },
    /// Bitbucket, a setting or the person said no.
    #[error("{says}")]
    Refused {
        /// Who refused what.
        says: String,
        /// What to do next.
        hint: String,
    },
    /// A person must say yes first, and nobody could be asked.
    #[error("this needs a person's approval, and this client has no way to ask for it: {question}")]
    ApprovalNeeded {
        /// What they would have been asked.
        question: String,
    },
    /// A rate limit is reached.
    #[error("the rate limit of {service} is reached")]
    RateLimited {
        /// Whose limit.
        service: &'static str,
        /// When to try again, in words: `in 30 seconds`, `at the latest at 14:20 UTC`.
        when: Option<String>,
    },
    /// The service failed, and trying again may help.
    #[error("{service} is not working right now")]
    Unavailable {
        /// Which service.
        service: &'static str,
    },
    /// The service answered, but with something else than it should.
    #[error("{service}'s answer could not be used: {why}")]
    Unusable {
        /// Which service.
        service: &'static str,
        /// What is wrong with it. Never the answer's own text.
        why: String,
    },
    /// The call's time is over.
    #[error("{says}")]
    TimedOut {
        /// What took too long.
        says: String,
        /// What to do next.
        hint: String,
    },
    /// The server's own set-up at Auth0 is wrong: an admin must act.
    #[error("{says}")]
    Misconfigured {
        /// What is wrong.
        says: String,
        /// What an admin does about it.
        hint: String,
    },
    /// The client no longer wants the call.
    #[error("the call was cancelled")]
    Cancelled,
    /// Our own fault. The source is logged, never shown.
    #[error("the server failed; its log has the reason")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
    /// Not a failure: the client is to ask the person and then call again (revision 2026-07-28).
    #[error("the person is being asked")]
    Suspended(Box<Suspension>),
}

/// A question that the client takes to the person before it calls again.
#[derive(Debug)]
pub struct Suspension {
    /// The key under which the answer comes back.
    pub key: &'static str,
    /// What to ask.
    pub request: InputRequest,
    /// Whether the person has approved the call already, so that its next try need not ask.
    pub approved: bool,
}

impl Error {
    /// The stable word for this failure (contract of all tools).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidArguments(_) => "invalid_arguments",
            Self::NotSignedIn { .. } | Self::TokenEnded => "not_signed_in",
            Self::NotLinked { .. } => "not_linked",
            Self::MissingScope { .. } => "missing_scope",
            Self::NotFound { .. } => "not_found",
            Self::Forbidden { .. } => "forbidden",
            Self::Conflict { .. } => "conflict",
            Self::Refused { .. } | Self::Cancelled => "refused",
            Self::ApprovalNeeded { .. } | Self::Suspended(_) => "approval_needed",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable { .. } | Self::Unusable { .. } | Self::Misconfigured { .. } => {
                "unavailable"
            }
            Self::TimedOut { .. } => "timed_out",
            Self::Internal(_) => "internal",
        }
    }

    /// What to do next, if there is anything to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::InvalidArguments(_) => "read the tool's input schema, then call again".into(),
            Self::NotSignedIn { url: Some(url) } | Self::NotLinked { url: Some(url), .. } => {
                format!(
                    "ask the user to open {url} in their browser and finish there, then call again"
                )
            }
            Self::NotSignedIn { url: None } => {
                "ask the user to run `bitbucket-vault-mcp login`, then call again".into()
            }
            Self::TokenEnded => {
                "ask the user to sign in to this server again in their MCP client, then call again"
                    .into()
            }
            Self::NotLinked { url: None, .. } => {
                "call `link_account`, or ask the user to run `bitbucket-vault-mcp link`".into()
            }
            Self::MissingScope { relink: true, .. } => {
                "call `link_account` with `again: true` so that the user can grant it".into()
            }
            Self::MissingScope { missing, .. } => format!(
                "linking again will not help: an admin must tick {} on the Bitbucket OAuth consumer, \
                 and then the user links again",
                list(missing)
            ),
            Self::NotFound { hint, .. }
            | Self::Forbidden { hint, .. }
            | Self::Conflict { hint, .. }
            | Self::Refused { hint, .. }
            | Self::TimedOut { hint, .. }
            | Self::Misconfigured { hint, .. } => hint.clone(),
            Self::ApprovalNeeded { .. } => {
                "ask the user to do it themselves at bitbucket.org, or to run the server with \
                 `BITBUCKET_MCP_APPROVAL=off` if the agent may do it unasked"
                    .into()
            }
            Self::RateLimited { when: Some(when), .. } => format!("call again {when}"),
            Self::RateLimited { when: None, .. } => {
                "how long is unknown, at most an hour; do other work first".into()
            }
            Self::Unavailable { .. } => "call again in a minute".into(),
            Self::Unusable { service, .. } => format!(
                "call again in a minute, but read what became of a change before you repeat it; if \
                 it stays so, the user looks at what stands between this server and {service}, \
                 such as a proxy"
            ),
            Self::Cancelled | Self::Internal(_) | Self::Suspended(_) => return None,
        })
    }

    /// All that the agent reads: code, sentence, and the next step on a line of its own.
    #[must_use]
    pub fn words(&self) -> String {
        let mut text = format!("{}: {self}", self.code());
        if let Some(hint) = self.hint() {
            text.push_str("\nhint: ");
            text.push_str(&hint);
        }
        text
    }

    /// Whether linking an account is what is missing.
    #[must_use]
    pub fn wants_link(&self) -> bool {
        matches!(self, Self::NotLinked { .. } | Self::NotSignedIn { .. })
    }

    /// Our own fault, with its cause.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// See [`Error::NotFound`].
    pub fn not_found(says: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::NotFound { says: says.into(), hint: hint.into() }
    }

    /// See [`Error::Conflict`].
    pub fn conflict(says: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Conflict { says: says.into(), hint: hint.into() }
    }

    /// See [`Error::Refused`].
    pub fn refused(says: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused { says: says.into(), hint: hint.into() }
    }

    /// The repository is not there, hidden from the person, or outside the allow-list: which of them
    /// is not told.
    pub(crate) fn no_repository(id: &RepositoryId) -> Self {
        Self::not_found(
            format!("no repository `{id}`, or no access to it"),
            "call `list_repositories` for the ones that can be reached",
        )
    }

    /// No account is linked.
    pub(crate) fn unlinked() -> Self {
        Self::NotLinked { says: "no Bitbucket account is linked for this user", url: None }
    }

    /// An account is linked that Bitbucket does not accept any more.
    pub(crate) fn link_broken() -> Self {
        Self::NotLinked {
            says: "Bitbucket no longer accepts the linked account, so it must be linked again",
            url: None,
        }
    }

    /// No account is linked, and `url` is the page that links one.
    pub(crate) fn not_linked(url: Url) -> Self {
        Self::NotLinked { says: "no Bitbucket account is linked for this user", url: Some(url) }
    }

    /// The person was asked to link and did not want to.
    pub(crate) fn link_declined() -> Self {
        Self::refused(
            "the user did not agree to link a Bitbucket account",
            "do not ask again unless the user wants it; `link_account` starts over",
        )
    }

    /// The person was asked to unlink and did not want to.
    pub(crate) fn unlink_declined() -> Self {
        Self::refused(
            "the user did not agree to unlink the Bitbucket account",
            "the account stays linked as it is; do not ask again unless the user wants it",
        )
    }

    /// Unlinking is for the person to do, at `url`.
    pub(crate) fn only_by_page(url: &Url) -> Self {
        Self::refused(
            "only the user can unlink, on a page in their browser; until then the account stays \
             linked as it is",
            format!(
                "ask the user to open {url} in their browser and finish there; then call \
                 `get_account` to see that it is gone"
            ),
        )
    }

    /// Keeps the first reason for a missing link, since the page alone does not tell it.
    pub(crate) fn because(self, first: &Self) -> Self {
        match (self, first) {
            (Self::NotLinked { url, .. }, Self::NotLinked { says, .. }) => {
                Self::NotLinked { says, url }
            }
            (Self::NotLinked { url, .. }, Self::NotSignedIn { .. }) => Self::NotSignedIn { url },
            (other, _) => other,
        }
    }
}

impl From<serde_json::Error> for Error {
    /// Arguments that pass the schema but not a type's own check, such as a slug of two dots.
    fn from(error: serde_json::Error) -> Self {
        Self::InvalidArguments(crate::text::clean_line(&error.to_string(), 300))
    }
}

impl From<Error> for CallToolResult {
    /// Text only: clients check `structuredContent` against the tool's output schema even on an
    /// error, so an error carries none.
    fn from(error: Error) -> Self {
        if let Error::Internal(source) = &error {
            tracing::error!(error = %chain(source.as_ref()), "tool call failed");
        }
        Self::error(vec![ContentBlock::text(error.words())])
    }
}

/// An error and its causes on one line, for the log.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    line
}

fn list(scopes: &[String]) -> String {
    let quoted: Vec<String> = scopes.iter().map(|scope| format!("`{scope}`")).collect();
    quoted.join(", ")
}

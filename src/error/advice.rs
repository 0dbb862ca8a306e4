//! Where a status of Bitbucket, a code of Auth0 or a state of the vault becomes advice.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Error, chain};
use crate::auth0::{self, IdTokenProblem, ManagementProblem, MyAccountProblem};
use crate::text::Foreign;
use crate::{bitbucket, broker, identity};

impl From<bitbucket::Error> for Error {
    /// Where a status of Bitbucket becomes advice.
    fn from(error: bitbucket::Error) -> Self {
        use bitbucket::Error as Wire;
        match error {
            Wire::Token(bitbucket::TokenError(inner)) => match inner.downcast::<broker::Error>() {
                Ok(ours) => (*ours).into(),
                Err(foreign) => Self::Internal(foreign),
            },
            Wire::Unauthorized => broker::Error::LinkBroken.into(),
            Wire::MissingScope { required, granted } => {
                let missing: Vec<String> =
                    required.iter().filter(|scope| !granted.contains(scope)).cloned().collect();
                let missing = if missing.is_empty() { required } else { missing };
                Self::MissingScope { missing, relink: false }
            }
            Wire::NotFound { message } => Self::not_found(
                format!("Bitbucket found nothing, or this user may not see it{}", said(message)),
                "check the names and numbers; `list_repositories` shows what can be reached",
            ),
            Wire::Gone { announcement, .. } => Self::refused(
                "Bitbucket no longer offers this",
                announcement.map_or_else(
                    || "there is no use in trying again".to_owned(),
                    |page| {
                        format!("there is no use in trying again; Atlassian explains it at {page}")
                    },
                ),
            ),
            Wire::RateLimited { after, until, .. } => Self::RateLimited {
                service: "Bitbucket",
                when: after.map(|after| format!("in {} seconds", after.as_secs().max(1))).or_else(
                    || {
                        until.map(|until| {
                            format!("at the latest at {}", until.strftime("%H:%M UTC"))
                        })
                    },
                ),
            },
            Wire::TimedOut => Self::TimedOut {
                says: "Bitbucket did not finish in time".into(),
                hint: "ask for less at once; read what became of it before you repeat a change"
                    .into(),
            },
            Wire::Deadline => Self::TimedOut {
                says: "the call's time is over".into(),
                hint: "ask for less at once; read what became of it before you repeat a change"
                    .into(),
            },
            Wire::Cancelled => Self::Cancelled,
            Wire::Unaddressable { .. } => Self::InvalidArguments(error.to_string()),
            Wire::Status { status: 403, message, detail, .. } => Self::Forbidden {
                hint: forbidden(message.as_ref()).into(),
                says: format!(
                    "Bitbucket does not let this user do that{}{}",
                    said(message),
                    said(detail)
                ),
            },
            Wire::Status { status: 409, message, detail, .. } => Self::conflict(
                format!(
                    "something changed meanwhile or exists already{}{}",
                    said(message),
                    said(detail)
                ),
                "read it again before another try",
            ),
            Wire::Status { status: 400..500, message, detail, fields } => {
                let fields = fields
                    .iter()
                    .map(|(name, why)| format!("; {}: {}", name.quoted(), why.quoted()))
                    .collect::<String>();
                Self::refused(
                    format!("Bitbucket refused{}{}{fields}", said(message), said(detail)),
                    "change what it names, then call again",
                )
            }
            Wire::Unreadable { .. } | Wire::Redirect(_) => {
                tracing::warn!(error = %chain(&error), "Bitbucket's answer could not be used");
                let why = match error {
                    Wire::Redirect(refusal) => format!("it redirected the request {refusal}"),
                    Wire::Unreadable { why } => why,
                    other => other.to_string(),
                };
                Self::Unusable { service: "Bitbucket", why }
            }
            Wire::Status { .. } | Wire::Transport(_) => {
                tracing::warn!(error = %chain(&error), "Bitbucket failed");
                Self::Unavailable { service: "Bitbucket" }
            }
            Wire::TooLarge { limit } => Self::refused(
                format!("Bitbucket's answer is larger than {limit} bytes"),
                "ask for less at once",
            ),
        }
    }
}

impl From<broker::Error> for Error {
    fn from(error: broker::Error) -> Self {
        use broker::Error as Broker;
        match error {
            Broker::NotSignedIn => Self::NotSignedIn { url: None },
            Broker::TokenEnded => Self::TokenEnded,
            Broker::NotLinked => Self::unlinked(),
            Broker::LinkBroken => Self::link_broken(),
            Broker::SeveralAccounts(_) => Self::conflict(
                error.to_string(),
                "call `unlink_account` with the id of the one that is not wanted",
            ),
            Broker::UnknownAccount(_) => {
                Self::not_found(error.to_string(), "call `get_account` for the linked accounts")
            }
            Broker::AnotherPerson => Self::conflict(error.to_string(), "call again"),
            Broker::Cancelled => Self::Cancelled,
            Broker::TimedOut => {
                Self::TimedOut { says: error.to_string(), hint: "call again in a minute".into() }
            }
            Broker::Interrupted => Self::Unavailable { service: "Auth0" },
            Broker::Auth0(inner) => inner.as_ref().into(),
            Broker::Identity(inner) => inner.as_ref().into(),
            Broker::Bitbucket(inner) => match Arc::try_unwrap(inner) {
                Ok(inner) => inner.into(),
                Err(shared) => {
                    tracing::warn!(error = %chain(shared.as_ref()), "Bitbucket failed");
                    Self::Unavailable { service: "Bitbucket" }
                }
            },
        }
    }
}

impl From<identity::Error> for Error {
    fn from(error: identity::Error) -> Self {
        (&error).into()
    }
}

impl From<&identity::Error> for Error {
    fn from(error: &identity::Error) -> Self {
        use identity::Error as Identity;
        match error {
            Identity::Auth0(inner) | Identity::NotRevoked(inner) => inner.into(),
            Identity::Storage { .. } => {
                tracing::warn!(error = %chain(error), "the sign-in could not be kept or read");
                Self::refused(
                    error.to_string(),
                    "the user makes that folder writable, or sets `BITBUCKET_MCP_STATE_DIR`",
                )
            }
            Identity::NoPort { .. } => Self::refused(
                error.to_string(),
                "the user closes what uses these ports, for example another sign-in that is still open",
            ),
            Identity::OtherSignIn
            | Identity::Refused
            | Identity::Ended(_)
            | Identity::NoCode
            | Identity::NotTheCallback { .. } => Self::refused(
                error.to_string(),
                "the user starts over with `bitbucket-vault-mcp login`",
            ),
        }
    }
}

impl From<auth0::Error> for Error {
    fn from(error: auth0::Error) -> Self {
        (&error).into()
    }
}

impl From<&auth0::Error> for Error {
    fn from(error: &auth0::Error) -> Self {
        use auth0::Error as Auth0;
        let misconfigured = |hint: &str| {
            tracing::warn!(error = %chain(error), "Auth0 is not set up for this");
            Self::Misconfigured { says: error.to_string(), hint: hint.to_owned() }
        };
        match error {
            Auth0::NotLinked => broker::Error::NotLinked.into(),
            Auth0::LinkBroken => broker::Error::LinkBroken.into(),
            Auth0::SignedOut => Self::NotSignedIn { url: None },
            Auth0::RateLimited { after } => Self::RateLimited {
                service: "Auth0",
                when: Some(after.map_or_else(
                    || "in a minute".to_owned(),
                    |after| format!("in {} seconds", after.as_secs().max(1)),
                )),
            },
            Auth0::CodeRejected
            | Auth0::LinkExpired
            | Auth0::AlreadyLinked
            | Auth0::MyAccountTokenRejected => {
                Self::refused(error.to_string(), "call `link_account` to start over")
            }
            Auth0::Denied => Self::Forbidden {
                says: error.to_string(),
                hint: "an Auth0 Action or policy refuses this user; an admin sees why in the tenant's log"
                    .to_owned(),
            },
            Auth0::MfaRequired => misconfigured(
                "an admin sets the tenant's MFA policy to `Never` or drives it by an Action that spares \
                 token exchanges",
            ),
            Auth0::VaultDisabled => misconfigured(
                "an admin turns on Connected Accounts for Token Vault on the Bitbucket connection",
            ),
            Auth0::GrantMissing => misconfigured(
                "an admin adds the grants Authorization Code, Refresh Token and Token Vault to the application",
            ),
            Auth0::BadClient => misconfigured(
                "check `AUTH0_CLIENT_ID` and `AUTH0_CLIENT_SECRET` against the application at Auth0",
            ),
            Auth0::BadApiClient => misconfigured(
                "check `AUTH0_API_CLIENT_ID` and `AUTH0_API_CLIENT_SECRET` against the Custom API Client \
                 at Auth0",
            ),
            Auth0::ApiClientUnfit => misconfigured(
                "an admin makes the application of `AUTH0_API_CLIENT_ID` the Custom API Client of the API \
                 `AUTH0_AUDIENCE`, and adds the grant Token Vault to it",
            ),
            Auth0::Management(problem) => misconfigured(&management(problem)),
            Auth0::CallbackNotAllowed => misconfigured(
                "an admin adds to the application's allowed callback URLs: for one person, \
                 `http://127.0.0.1:18484/callback` to `http://127.0.0.1:18489/callback`; for `http`, \
                 `/link/signed-in` and `/link/connected` behind `BITBUCKET_MCP_PUBLIC_URL`",
            ),
            Auth0::MyAccountUnavailable(problem) => misconfigured(match problem {
                MyAccountProblem::RefreshPolicy => {
                    "an admin adds the My Account API to the application's multi-resource refresh token \
                     policy"
                }
                MyAccountProblem::Grant | MyAccountProblem::Scope => {
                    "an admin grants the application the three `me:connected_accounts` scopes of the My \
                     Account API"
                }
                MyAccountProblem::NotFound => {
                    "an admin activates the My Account API and enables the connection for the application"
                }
            }),
            Auth0::ForeignUrl(_)
            | Auth0::Issuer
            | Auth0::IdToken(IdTokenProblem::Issuer)
            | Auth0::Invalid(_) => {
                misconfigured("check `AUTH0_DOMAIN`: it must be the domain that the tenant itself uses")
            }
            Auth0::SigningKey => misconfigured(
                "check `AUTH0_CLIENT_SIGNING_KEY`, and for `http` `AUTH0_API_CLIENT_SIGNING_KEY`: each must \
                 be its application's RSA private key in PEM",
            ),
            Auth0::AccessToken(_) => Self::TokenEnded,
            Auth0::Keys(error) => Self::from(error.as_ref()),
            Auth0::IdToken(problem) => misconfigured(id_token(*problem)),
            Auth0::Unexpected { status: status @ 400..500, code } if *status != 408 => {
                tracing::warn!(error = %chain(error), "Auth0 refused in an unexpected way");
                Self::Misconfigured {
                    says: match code.as_deref().filter(|code| OAUTH_CODES.contains(code)) {
                        Some(code) => format!("Auth0 refused the request (HTTP {status}, `{code}`)"),
                        None => format!("Auth0 refused the request (HTTP {status})"),
                    },
                    hint: "there is no use in trying again: an admin finds the reason in the tenant's \
                           log; check `AUTH0_CONNECTION` and the application's settings too"
                        .into(),
                }
            }
            Auth0::Unavailable { .. }
            | Auth0::Unexpected { .. }
            | Auth0::Unreadable(_)
            | Auth0::Transport(_) => {
                tracing::warn!(error = %chain(error), "Auth0 failed");
                Self::Unavailable { service: "Auth0" }
            }
        }
    }
}

/// What to do about a 403 of Bitbucket. What a workspace asks of everybody is known by the sentence alone.
/// <https://confluence.atlassian.com/bbkb/error-403-when-performing-git-operations-1155479141.html>
fn forbidden(message: Option<&Foreign>) -> &'static str {
    let message = message.map(|message| message.as_str().to_ascii_lowercase()).unwrap_or_default();
    let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
    if says(&["whitelist your ip", "allowlist your ip"]) {
        "the workspace has an IP allow-list that this server's address is not on: a workspace admin adds \
         it under \"Access controls\"; other workspaces are not affected"
    } else if says(&["two-step"]) {
        "the workspace requires two-step verification: the user turns it on for their Atlassian account, \
         then call again"
    } else if says(&["single sign-on"]) {
        "the user's organization enforces single sign-on: the user signs in to bitbucket.org through it, \
         then links again with `link_account`"
    } else {
        "a person with more rights in the repository or workspace can; an IP allow-list or enforced single \
         sign-on of the workspace can be the reason too"
    }
}

/// What to do about a Management API that does not answer as it should.
fn management(problem: &ManagementProblem) -> Cow<'static, str> {
    use ManagementProblem as Problem;
    let advice = match problem {
        Problem::BadClient => {
            "check `AUTH0_MANAGEMENT_CLIENT_ID` and `AUTH0_MANAGEMENT_CLIENT_SECRET` against the \
             machine-to-machine application at Auth0"
        }
        Problem::Grant => {
            "an admin authorizes the application of `AUTH0_MANAGEMENT_CLIENT_ID` for the Management API \
             with `read:users`, and for the set-up with the scopes that its guide lists"
        }
        Problem::Scope { any_of } => {
            let scope = any_of
                .first()
                .map_or("the scope that is needed".to_owned(), |scope| format!("`{scope}`"));
            return format!(
                "an admin authorizes the application of `AUTH0_MANAGEMENT_CLIENT_ID` for the Management \
                 API with {scope}"
            )
            .into();
        }
        Problem::NotFound | Problem::TokenRejected => {
            "check `AUTH0_MANAGEMENT_DOMAIN`: it must be the tenant's own domain, not a custom one"
        }
        Problem::UnknownUser => "check that `AUTH0_MANAGEMENT_DOMAIN` is of the same tenant",
        Problem::Absent | Problem::Conflict(_) => {
            "somebody else may be changing the tenant; look at it again with `check_connection`"
        }
        Problem::NotOffered(_) => "an admin looks at what the tenant's subscription includes",
        Problem::Invalid(_) => {
            "an admin makes this change in Auth0's dashboard; `check_connection` says what must be there"
        }
    };
    advice.into()
}

/// What to do about an ID token that does not hold.
fn id_token(problem: IdTokenProblem) -> &'static str {
    use IdTokenProblem as Problem;
    match problem {
        Problem::Expired | Problem::Future => {
            "check the clock of this machine: it must be right to within a minute; then sign in again"
        }
        Problem::Audience => {
            "check `AUTH0_CLIENT_ID`: the sign-in was made for another application"
        }
        Problem::Organization => {
            "sign in with the organization that `AUTH0_ORGANIZATION` names, or check that setting"
        }
        Problem::Nonce => "sign in once more, in one browser, from the start",
        Problem::NotFresh => "sign in once more, with the password, when Auth0 asks for it",
        Problem::Algorithm => {
            "an admin sets the application's JSON Web Token signature algorithm to RS256"
        }
        Problem::Malformed | Problem::UnknownKey | Problem::Signature | Problem::Issuer => {
            "sign in once more; if it stays, an admin looks at the tenant's signing keys"
        }
    }
}

/// The codes of RFC 6749 §5.2 and RFC 8693 §2.2.2. Any other could hold anything.
const OAUTH_CODES: [&str; 4] =
    ["invalid_request", "invalid_scope", "unsupported_grant_type", "unsupported_response_type"];

/// What a service said, quoted, behind our own words.
fn said(message: Option<Foreign>) -> String {
    message.map(|message| format!(": {}", message.quoted())).unwrap_or_default()
}

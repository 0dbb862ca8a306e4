//! What a running call may reach. A tool sees clients and people, never tokens or transports.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::turns::Turn;
use crate::bitbucket::{self, Consumer, RepositoryId, Resume};
use crate::broker::Probe;
use crate::broker::link::{LinkedAccount, Offer, Outcome, Unlinked};
use crate::identity::Identity;
use crate::seal::{Binding, Seal};
use crate::setup::Setup;
use crate::{Error, Result};

/// How long a cursor opens.
const CURSOR_LIFE: Duration = Duration::from_secs(60 * 60);

/// Everything that one call may reach. Made for the call and dropped after it.
#[derive(Clone)]
pub struct Context {
    pub(super) parts: Arc<ContextParts>,
    client: Arc<OnceCell<bitbucket::Client>>,
}

/// What a [`Context`] is made of: each transport brings its own.
pub struct ContextParts {
    /// The person the call is made for.
    pub person: Arc<dyn Person>,
    /// How to ask them.
    pub ask: Arc<dyn Ask>,
    /// Where to say how far the call is.
    pub progress: Arc<dyn Progress>,
    /// Which repositories exist for the agent.
    pub repositories: RepositoryPolicy,
    /// Whether nothing may be changed.
    pub read_only: bool,
    /// Sets the tenant up, where the settings have what that needs.
    pub setup: Option<Setup>,
    /// Signs cursors.
    pub seal: Seal,
    /// Its turn among the calls that run at the same time.
    pub turn: Arc<Turn>,
    /// Which call this is.
    pub label: CallLabel,
    /// When the call must have ended.
    pub deadline: Instant,
    /// Ends the call when the client no longer wants it.
    pub cancel: CancellationToken,
}

/// Which call something belongs to.
#[derive(Clone, Debug)]
pub struct CallLabel {
    /// The caller, in one string.
    pub caller: String,
    /// The tool's name.
    pub tool: &'static str,
    /// [`crate::seal::digest`] of the arguments without those that change from page to page.
    pub arguments: String,
}

/// The person a call is made for, as far as tools may know them.
pub trait Person: Send + Sync {
    /// Who it is, in one string that no other person has; cursors and states are bound to it.
    fn caller(&self) -> BoxFuture<'_, String>;
    /// Bitbucket, as this person.
    fn bitbucket(&self, limits: bitbucket::Limits) -> BoxFuture<'_, Result<bitbucket::Client>>;
    /// Who is signed in.
    fn identity(&self) -> BoxFuture<'_, Result<Option<Identity>>>;
    /// Which Bitbucket accounts are linked.
    fn accounts(&self) -> BoxFuture<'_, Result<Vec<LinkedAccount>>>;
    /// A page where the person can link an account, signing in first where needed.
    fn offer_link(&self) -> BoxFuture<'_, Result<Offer>>;
    /// What has become of that page, waiting `patience` for it at most.
    fn link_outcome(&self, patience: Duration) -> BoxFuture<'_, Outcome>;
    /// Waits until the page that was offered last has come to its end, and tells whether to a good one.
    ///
    /// It outlives the call, so nothing of the call is kept in it. Where no client can be told later,
    /// there is nothing to wait for.
    fn page_done(&self) -> BoxFuture<'static, bool> {
        Box::pin(std::future::ready(false))
    }
    /// Whether linking again can bring a scope that is missing.
    fn relinking_can_help<'a>(&'a self, missing: &'a str) -> BoxFuture<'a, bool>;
    /// Tries the connection for this person step by step: sign-in, exchange, Bitbucket.
    fn probe(&self, limits: bitbucket::Limits) -> BoxFuture<'_, Probe>;
    /// A page where an administrator enters the Bitbucket consumer's key and secret. `callback` is the
    /// callback URL that the consumer must have, for the page to say.
    fn offer_consumer_page<'a>(&'a self, callback: &'a Url) -> BoxFuture<'a, Result<Offer>>;
    /// What was entered on that page, waiting `patience` for it at most. Handed out once.
    fn consumer(&self, patience: Duration) -> BoxFuture<'_, Option<Consumer>>;
    /// Removes a linked account.
    fn unlink<'a>(&'a self, account: Option<&'a str>) -> BoxFuture<'a, Result<Unlinked>>;
}

/// Asks the person at the other end, where the client can do that.
///
/// On protocol revision 2026-07-28 a question ends the call with [`Error::Suspended`], and the
/// client calls again with the answer: so ask before anything is changed.
pub trait Ask: Send + Sync {
    /// Asks for a yes or no.
    fn confirm<'a>(&'a self, question: &'a str) -> BoxFuture<'a, Result<Answered>>;
    /// Asks the person to open a page.
    fn open<'a>(&'a self, visit: &'a Visit) -> BoxFuture<'a, Result<Answered>>;
    /// Whether the client comes back from a page that this very call asked for.
    fn is_back(&self) -> bool {
        false
    }
    /// Whether the call brings the answer to a yes-or-no question with it, so that nobody will be shown
    /// the question.
    fn is_answered(&self) -> bool {
        false
    }
    /// Tells the client that the page of an earlier [`open`](Self::open) is done with.
    fn opened<'a>(&'a self, visit: &'a Visit) -> BoxFuture<'a, ()>;
}

/// A page that the person is asked to open.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Why, in one sentence.
    pub message: String,
    /// The page: our own, never a third party's, without anything about the person in it.
    pub url: Url,
}

/// What came of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// The person agreed.
    Yes,
    /// The person did not agree.
    No,
    /// Nobody could be asked: the client has no way to.
    Nobody,
}

/// Tells the client how far a long call is.
pub trait Progress: Send + Sync {
    /// `done` of `total`, with a word on what is going on.
    fn report(&self, done: u32, total: Option<u32>, message: &str);
}

/// Which repositories exist for the agent: all, or those that a glob names.
#[derive(Clone, Debug, Default)]
pub struct RepositoryPolicy {
    allowed: Option<GlobSet>,
}

impl RepositoryPolicy {
    /// Only repositories whose `workspace/repository` matches one of `globs`; all if there is none.
    ///
    /// # Errors
    /// When a glob cannot be read.
    pub fn new(globs: &[String]) -> std::result::Result<Self, globset::Error> {
        if globs.is_empty() {
            return Ok(Self::default());
        }
        let mut set = GlobSetBuilder::new();
        for glob in globs {
            set.add(GlobBuilder::new(&glob.to_ascii_lowercase()).literal_separator(true).build()?);
        }
        Ok(Self { allowed: Some(set.build()?) })
    }

    /// Whether there is no list, so that every repository exists.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.allowed.is_none()
    }

    /// Whether the repository exists for the agent, by its real `workspace/repository`.
    #[must_use]
    pub fn allows(&self, full_name: &str) -> bool {
        self.allowed.as_ref().is_none_or(|set| set.is_match(full_name.to_ascii_lowercase()))
    }
}

impl Context {
    /// The context of one call.
    #[must_use]
    pub fn new(parts: ContextParts) -> Self {
        Self { parts: Arc::new(parts), client: Arc::default() }
    }

    /// Bitbucket, as the person of this call.
    ///
    /// Where no account is linked, the person is asked to link one, and the call goes on once they
    /// have. Tools call this before they change anything.
    ///
    /// # Errors
    /// [`Error::NotLinked`] or [`Error::NotSignedIn`] with the page to open, where nobody could be
    /// asked or the person did not finish in time.
    pub async fn bitbucket(&self) -> Result<&bitbucket::Client> {
        self.client
            .get_or_try_init(|| async {
                match self.parts.person.bitbucket(self.limits()).await {
                    Err(error) if error.wants_link() => {
                        self.link().await.map_err(|refused| refused.because(&error))?;
                        self.parts.person.bitbucket(self.limits()).await
                    }
                    other => other,
                }
            })
            .await
    }

    /// A repository, if it exists for the agent.
    ///
    /// With an allow-list, the name is first resolved to the one that Bitbucket uses, so that
    /// neither a uuid nor an old name leads around the list.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a repository outside the allow-list: it does not exist for the agent.
    pub async fn repository(&self, id: &RepositoryId) -> Result<bitbucket::Repository<'_>> {
        let repository = self.bitbucket().await?.repository(id);
        if !self.parts.repositories.is_open() {
            let real = match repository.get().await {
                Ok(real) => real.full_name,
                // In the same words, so that nobody can tell what is hidden from what is not there.
                Err(error) if error.is_not_found() => return Err(Error::no_repository(id)),
                Err(error) => return Err(error.into()),
            };
            if !self.parts.repositories.allows(&real) {
                return Err(Error::no_repository(id));
            }
        }
        Ok(repository)
    }

    /// The set-up of the tenant.
    ///
    /// # Errors
    /// [`Error::Refused`] where the settings do not name a management application.
    pub fn setup(&self) -> Result<&Setup> {
        self.parts.setup.as_ref().ok_or_else(|| {
            Error::refused(
                "this server has no credentials for Auth0's Management API",
                "an administrator sets `AUTH0_MANAGEMENT_CLIENT_ID` and \
                 `AUTH0_MANAGEMENT_CLIENT_SECRET`",
            )
        })
    }

    /// Tries the connection for the person of this call, step by step.
    pub async fn probe(&self) -> Probe {
        self.parts.person.probe(self.limits()).await
    }

    /// Which repositories exist for the agent, for tools that list them.
    #[must_use]
    pub fn repositories(&self) -> &RepositoryPolicy {
        &self.parts.repositories
    }

    /// Whether nothing may be changed, for a tool that can do both.
    #[must_use]
    pub fn read_only(&self) -> bool {
        self.parts.read_only
    }

    /// The person of this call.
    #[must_use]
    pub fn person(&self) -> &dyn Person {
        self.parts.person.as_ref()
    }

    /// Asks the person for a yes or no.
    ///
    /// # Errors
    /// See [`Ask::confirm`].
    pub async fn confirm(&self, question: &str) -> Result<Answered> {
        self.parts.turn.lend(self.parts.ask.confirm(question)).await?
    }

    /// See [`Ask::is_answered`].
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.parts.ask.is_answered()
    }

    /// Says how far the call is.
    pub fn progress(&self, done: u32, total: Option<u32>, message: &str) {
        self.parts.progress.report(done, total, message);
    }

    /// Seals where a list goes on into a cursor for the agent.
    ///
    /// # Errors
    /// [`Error::Internal`] if the place cannot be written.
    pub fn cursor(&self, next: Option<Resume>) -> Result<Option<String>> {
        next.map(|next| {
            self.parts.seal.close(&next, &self.binding(), CURSOR_LIFE).map_err(Error::internal)
        })
        .transpose()
    }

    /// Opens a cursor that [`cursor`](Self::cursor) made for the same call.
    ///
    /// # Errors
    /// [`Error::InvalidArguments`] for a cursor of another call, person or day.
    pub fn resume(&self, cursor: Option<&str>) -> Result<Option<Resume>> {
        // Models send an empty cursor for the first page.
        cursor
            .filter(|cursor| !cursor.is_empty())
            .map(|cursor| {
                self.parts.seal.open(cursor, &self.binding()).map_err(|broken| {
                    Error::InvalidArguments(format!(
                        "`cursor`: {broken}; leave it out to start from the first page, and keep \
                         the other arguments as they were when you pass one on"
                    ))
                })
            })
            .transpose()
    }

    /// The time that is left for this call.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.parts.deadline.saturating_duration_since(Instant::now())
    }

    /// Waits, unless the client no longer wants the call.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if it does not.
    pub async fn pause(&self, duration: Duration) -> Result<()> {
        tokio::select! {
            () = tokio::time::sleep(duration) => Ok(()),
            () = self.parts.cancel.cancelled() => Err(Error::Cancelled),
        }
    }

    pub(super) fn limits(&self) -> bitbucket::Limits {
        bitbucket::Limits { deadline: self.parts.deadline, cancel: self.parts.cancel.clone() }
    }

    fn binding(&self) -> Binding<'_> {
        let label = &self.parts.label;
        Binding {
            kind: "cursor",
            caller: &label.caller,
            tool: label.tool,
            arguments: &label.arguments,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allow_list_names_whole_repositories() {
        let policy = RepositoryPolicy::new(&["acme/*".into(), "side/notes".into()]).unwrap();
        for (name, allowed) in [
            ("acme/shop", true),
            ("ACME/Shop", true),
            ("side/notes", true),
            ("side/notes2", false),
            ("acme-evil/shop", false),
            ("acme/shop/extra", false),
        ] {
            assert_eq!(policy.allows(name), allowed, "{name}");
        }
        assert!(RepositoryPolicy::new(&[]).unwrap().allows("any/thing"));
    }
}

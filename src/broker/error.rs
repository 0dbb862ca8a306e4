//! Why a caller gets no Bitbucket client: what is missing, but no advice.

use std::sync::Arc;

use crate::text::Foreign;
use crate::{auth0, bitbucket, identity};

/// A caller whom the broker could not help.
///
/// It is cheap to clone: everybody who waited for one exchange is told the same.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// There is no Auth0 session, or Auth0 has ended it.
    #[error("nobody is signed in")]
    NotSignedIn,
    /// Auth0 does not accept the access token any more that the caller has shown: it has ended, or was
    /// taken back. A new one comes from the caller's client.
    #[error("Auth0 no longer accepts the access token that came with this call")]
    TokenEnded,
    /// The vault holds no Bitbucket account of this person.
    #[error("no Bitbucket account is linked")]
    NotLinked,
    /// The vault holds an account, but Bitbucket refuses what it holds; only a new link helps.
    #[error("Bitbucket no longer accepts the linked account")]
    LinkBroken,
    /// The vault holds several Bitbucket accounts of this person, and nobody said which one to use.
    #[error("several Bitbucket accounts are linked: {}", .0.join(", "))]
    SeveralAccounts(Vec<String>),
    /// None of the linked accounts has this id.
    #[error("no linked account has the id {}", Foreign::line(.0, 80).quoted())]
    UnknownAccount(String),
    /// The person who is signed in changed while a link was being made.
    #[error("somebody else has signed in meanwhile")]
    AnotherPerson,
    /// The vault did not answer within the call's time.
    #[error("Auth0 did not answer within the call's time")]
    TimedOut,
    /// The caller does not want the answer any more.
    #[error("the call was cancelled")]
    Cancelled,
    /// The exchange ended without an answer, because the process is shutting down.
    #[error("the exchange was interrupted")]
    Interrupted,
    /// Auth0 did not do what it was asked.
    #[error(transparent)]
    Auth0(Arc<auth0::Error>),
    /// The session could not be read or kept, or the loopback page could not be served.
    #[error(transparent)]
    Identity(Arc<identity::Error>),
    /// Bitbucket did not do what it was asked.
    #[error(transparent)]
    Bitbucket(Arc<bitbucket::Error>),
}

impl Error {
    /// Whether it tells of the person's session or link, and not of a passing failure.
    pub(crate) fn is_final(&self) -> bool {
        matches!(
            self,
            Self::NotSignedIn | Self::NotLinked | Self::LinkBroken | Self::SeveralAccounts(_)
        )
    }
}

impl From<auth0::Error> for Error {
    /// The three answers that every caller has to tell apart get variants of their own.
    fn from(error: auth0::Error) -> Self {
        match error {
            auth0::Error::NotLinked => Self::NotLinked,
            auth0::Error::LinkBroken => Self::LinkBroken,
            auth0::Error::SignedOut => Self::NotSignedIn,
            other => Self::Auth0(Arc::new(other)),
        }
    }
}

impl From<identity::Error> for Error {
    fn from(error: identity::Error) -> Self {
        match error {
            identity::Error::Auth0(inner) => inner.into(),
            other => Self::Identity(Arc::new(other)),
        }
    }
}

impl From<bitbucket::Error> for Error {
    /// An error that the broker itself handed to the client comes back as it was.
    fn from(error: bitbucket::Error) -> Self {
        match error {
            bitbucket::Error::Token(bitbucket::TokenError(inner)) => match inner.downcast() {
                Ok(ours) => *ours,
                Err(foreign) => Self::Bitbucket(Arc::new(bitbucket::TokenError(foreign).into())),
            },
            bitbucket::Error::Unauthorized => Self::LinkBroken,
            other => Self::Bitbucket(Arc::new(other)),
        }
    }
}

//! Who is asking.
//!
//! Where one person works at one machine, they sign in once, in a browser, and their Auth0 refresh
//! token is kept for them; nothing is read before the first call needs it. Where many people share a
//! server, each request shows a token of its own: see [`bearer`].

pub mod bearer;
mod file;
mod guard;
mod keyring;
mod login;
mod loopback;
mod page;
mod session;
mod store;
#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests;

use std::path::PathBuf;

use crate::auth0::{self, RefreshToken};

pub use crate::auth0::Identity;
pub use guard::CspNonce;
pub(crate) use guard::{Site, guard as guard_page};
pub use login::{CallbackQuery, PendingLogin, Question};
pub use loopback::{Loopback, PORTS};
pub(crate) use page::{Page, escape, render as render_page};
pub use session::Session;
pub use store::{Keep, Kind};

/// A person as the rest of the server tells people apart.
///
/// It is the key of every cache, so it stays the same while the process lives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The tenant.
    pub issuer: String,
    /// The person there. With a token from the settings, before Auth0 was ever asked: `headless:`
    /// and a fingerprint of the token.
    pub subject: String,
    /// The organization they act in.
    pub organization: Option<String>,
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who, for caches and bindings.
    pub caller: Caller,
    /// What their tokens are made from.
    pub refresh_token: RefreshToken,
    /// Who, for people. Unknown for a token from the settings until
    /// [`Session::identify`] has asked.
    pub identity: Option<Identity>,
}

/// What went wrong with signing in, staying in or signing out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Auth0 refused, or could not be asked.
    #[error(transparent)]
    Auth0(#[from] auth0::Error),
    /// The sign-in could not be kept or read.
    #[error("the sign-in cannot be kept in `{}`", path.display())]
    Storage {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Signed out here, but Auth0 does not know.
    #[error("signed out on this machine, but Auth0 could not be told")]
    NotRevoked(#[source] auth0::Error),
    /// No port for the browser to come back to.
    #[error("the ports {first} to {last} on 127.0.0.1 are all in use")]
    NoPort {
        /// The first that was tried.
        first: u16,
        /// The last.
        last: u16,
    },
    /// The answer carries another state than the question did.
    #[error("the answer belongs to another sign-in")]
    OtherSignIn,
    /// The person, or the tenant, said no.
    #[error("the sign-in was refused or cancelled")]
    Refused,
    /// Auth0 ended the sign-in.
    #[error("Auth0 ended the sign-in with `{0}`")]
    Ended(String),
    /// The answer has neither a code nor an error.
    #[error("the answer holds no sign-in code")]
    NoCode,
    /// What was pasted is not the URL that the browser ended on.
    #[error("this is not a URL that starts with `{expected}`")]
    NotTheCallback {
        /// What it has to start with.
        expected: String,
    },
}

//! Sets the tenant up: what Token Vault for Bitbucket needs of it, what is there, and the way from the
//! one to the other.
//!
//! There is one list of requirements. Each looks at a [`snapshot`](Snapshot) of the tenant and says how
//! it stands as a [`Row`], and, where we can mend it, by which `Edit`s. `check` shows the rows, `plan`
//! the edits, `apply` carries them out: none of the three can disagree with another.

mod apply;
mod choice;
mod digest;
mod edit;
mod guide;
mod keep;
mod place;
mod plan;
mod requirements;
mod row;
mod scopes;
mod shown;
mod snapshot;
mod snippet;
mod target;
mod wanted;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use url::Url;

use crate::auth0::Management;
use crate::bitbucket::Consumer;

pub use apply::{Applied, ApplyError, WRITTEN};
pub use choice::{Choice, Transports};
pub use digest::Digest;
pub use edit::{Action, Change};
pub use guide::{DomainStanding, Guide, GuideStep, Occasion, TickBox};
pub use keep::{Keep, KeepError, Kept};
pub use plan::Plan;
pub use requirements::{ManagementScope, management_scopes};
pub use row::{Report, Row, State};
pub use scopes::{BitbucketScope, minimal, permission};
pub use shown::{Line, lines};
pub use snapshot::Snapshot;
pub use snippet::{
    EnvironmentVariable, Snippet, SnippetFile, SnippetKind, SnippetNames, UnfitName,
};

/// The set-up of one tenant. Clones share everything.
#[derive(Clone)]
pub struct Setup {
    inner: Arc<Settings>,
    proof: Arc<Proof>,
    /// Held by the one apply that may write.
    applying: Arc<tokio::sync::Mutex<()>>,
}

/// When an exchange has worked last. Nothing but an exchange can show that one works.
#[derive(Debug, Default)]
struct Proof(Mutex<Option<SystemTime>>);

/// What the server knows of the tenant that it sets up.
pub struct Settings {
    /// The Management API, by an application that has just the scopes that are needed.
    pub management: Management,
    /// The domain that people and applications use: the tenant's, or a custom one. Ends in a slash.
    pub domain: Url,
    /// The name of the Bitbucket connection.
    pub connection: String,
    /// The web application that the settings name, and the transport that uses it.
    pub application: Option<(Transports, String)>,
    /// The Custom API Client that the settings name.
    pub api_client: Option<String>,
    /// Where `http` is reached, where that is known: scheme, host and port.
    pub public_url: Option<Url>,
    /// The organization that people sign in to.
    pub organization: Option<String>,
    /// What the Bitbucket connection needs, where the settings have it.
    pub consumer: Option<Consumer>,
    /// The Bitbucket scopes that the tools need which exist.
    pub scopes: Vec<&'static str>,
    /// What is set up where nobody says.
    pub transports: Transports,
    /// Where the secrets go that Auth0 makes.
    pub keep: Option<Keep>,
}

impl Setup {
    /// The set-up that `settings` describe. Nothing is sent yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { inner: Arc::new(settings), proof: Arc::default(), applying: Arc::default() }
    }

    /// Notes that Token Vault has given out a token at this time, and Bitbucket taken it.
    pub fn proved(&self, at: SystemTime) {
        *self.proof.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    pub(crate) fn proved_at(&self) -> Option<SystemTime> {
        *self.proof.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The Bitbucket scopes that the tools need which exist.
    #[must_use]
    pub fn scopes(&self) -> &[&'static str] {
        &self.inner.scopes
    }

    /// The domain that people and applications use, as it is shown: without scheme and slash.
    #[must_use]
    pub fn domain(&self) -> String {
        let domain = &self.inner.domain;
        let port = domain.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}{port}", domain.host_str().unwrap_or_default())
    }

    /// The callback URL that the Bitbucket consumer must have.
    #[must_use]
    pub fn consumer_callback(&self) -> Url {
        let mut url = self.inner.domain.clone();
        url.set_path("/login/callback");
        url
    }
}

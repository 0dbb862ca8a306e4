//! Linking over HTTP: many people, each in a browser of their own, which is on another machine than
//! the server.

use std::time::Duration;

use axum::Router;
use url::Url;

use super::{Offer, Outcome};
use crate::auth0::Tenant;
use crate::broker::{Broker, Error};
use crate::identity::Caller;
use crate::text::Foreign;

/// Links and unlinks people's Bitbucket accounts by pages of ours. Clones share everything.
#[derive(Clone)]
pub struct WebLinker {
    web: Tenant,
    broker: Broker,
    settings: WebSettings,
}

/// What a [`WebLinker`] goes by.
#[derive(Clone, Debug)]
pub struct WebSettings {
    /// Where people reach this server: scheme, host and port.
    pub public_url: Url,
    /// The identifier of our own API.
    pub audience: String,
    /// The name of the Bitbucket connection.
    pub connection: String,
}

/// The application that asks for a link, for the person to recognise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asker {
    /// Its client id at Auth0, as the caller's token says.
    pub client_id: Option<String>,
    /// What it calls itself, which is not checked.
    pub name: Option<Foreign>,
}

impl WebLinker {
    /// A linker with no page open. `web` is the tenant as the application sees it that signs people in.
    #[must_use]
    pub fn new(web: Tenant, broker: Broker, settings: WebSettings) -> Self {
        Self { web, broker, settings }
    }

    /// The pages, at `/link/…`.
    pub fn router(&self) -> Router {
        Router::new()
    }

    /// A page where `caller` can link an account. While one is open, it is the same.
    ///
    /// # Errors
    /// When no page can be made.
    pub async fn offer(&self, caller: &Caller, asker: &Asker) -> Result<Offer, Error> {
        let _ = (&self.web, &self.broker, &self.settings, caller, asker);
        Err(Error::Interrupted)
    }

    /// A page where `caller` can take an account out of the vault; `account` says which when there are
    /// several.
    ///
    /// # Errors
    /// When no page can be made.
    pub async fn offer_unlink(
        &self,
        caller: &Caller,
        asker: &Asker,
        account: Option<&str>,
    ) -> Result<Offer, Error> {
        let _ = (caller, asker, account);
        Err(Error::Interrupted)
    }

    /// What has come of the caller's last page, after a wait of `patience` at most.
    pub async fn outcome(&self, caller: &Caller, patience: Duration) -> Outcome {
        let _ = (caller, patience);
        Outcome::Expired
    }
}

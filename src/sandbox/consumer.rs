//! Bitbucket's OAuth consumer: what the Auth0 tenant is to Bitbucket.

use super::auth0::Object;
use super::people::CONSUMER_SCOPES;
use super::world::random;

/// A consumer, as somebody has added it on Bitbucket's page.
#[derive(Clone)]
pub(crate) struct Consumer {
    pub(crate) key: String,
    pub(crate) secret: String,
    /// The one callback address; what a request names must begin with it.
    pub(crate) callback: String,
    /// What everybody is asked for, whatever a request names.
    pub(crate) scopes: Vec<String>,
}

impl Consumer {
    /// A consumer for the tenant at `domain`.
    pub(super) fn new(domain: &str) -> Self {
        Self {
            key: random(18),
            secret: random(32),
            callback: format!("{domain}/login/callback"),
            scopes: CONSUMER_SCOPES.iter().map(|scope| (*scope).to_owned()).collect(),
        }
    }

    /// Whether Bitbucket shows its consent page for a client of this id that wants people back at
    /// `callback`; or what it says instead.
    pub(super) fn admits(&self, client_id: &str, callback: &str) -> Result<(), String> {
        if client_id != self.key {
            return Err(format!("Invalid OAuth client credentials: no consumer `{client_id}`."));
        }
        if !callback.starts_with(&self.callback) {
            return Err(format!("Invalid redirect_uri: {callback} is not the consumer's."));
        }
        Ok(())
    }

    /// Whether the consumer has a scope, by itself or with the one that may write.
    pub(super) fn has(&self, scope: &str) -> bool {
        let writing = format!("{scope}:write");
        self.scopes.iter().any(|one| one == scope || *one == writing)
    }

    /// Whether a connection of the tenant has the consumer's key and secret.
    pub(super) fn trusts(&self, connection: &Object) -> bool {
        connection.option("client_id") == self.key
            && connection.option("client_secret") == self.secret
    }
}

//! Bitbucket's OAuth consumer: what the Auth0 tenant is to Bitbucket.

use super::auth0::Object;
use super::people::CONSUMER_SCOPES;
use super::world::{World, random};

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

impl World {
    /// Puts another address in the place of the consumer's callback.
    pub fn set_consumer_callback(&self, callback: &str) {
        callback.clone_into(&mut self.lock().consumer.callback);
    }

    /// Ticks other boxes on the consumer's page. Links keep what they were granted before.
    pub fn set_consumer_scopes(&self, scopes: &[&str]) {
        self.lock().consumer.scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    }
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

    /// What somebody who would grant `scopes` grants this consumer: where it only reads, they let it
    /// read; where it writes and they do not, they let it read too.
    pub(super) fn granted(&self, scopes: &[&str]) -> Vec<String> {
        let asked = |scope: &str| self.scopes.iter().any(|one| one == scope);
        let granted = scopes.iter().filter_map(|scope| {
            let reading = scope.strip_suffix(":write").unwrap_or(scope);
            let writing = format!("{reading}:write");
            if asked(scope) || asked(&writing) {
                Some((*scope).to_owned())
            } else {
                asked(reading).then(|| reading.to_owned())
            }
        });
        granted.collect()
    }

    /// Whether a connection of the tenant has the consumer's key and secret.
    pub(super) fn trusts(&self, connection: &Object) -> bool {
        connection.option("client_id") == self.key
            && connection.option("client_secret") == self.secret
    }
}

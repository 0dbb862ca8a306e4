//! Who is calling, where many people share one server: each request shows an access token of its own
//! (RFC 6750, RFC 9068), bound to a key where the client can do that (RFC 9449).

mod scopes;

use std::time::SystemTime;

use http::{HeaderMap, Method};
use url::Url;

use super::Caller;
use crate::auth0::{BearerToken, Tenant};

pub use scopes::{Scope, Scopes};

/// Checks what requests show.
#[derive(Clone)]
pub struct Verifier {
    tenant: Tenant,
    settings: VerifierSettings,
}

/// What a [`Verifier`] goes by.
#[derive(Clone, Debug)]
pub struct VerifierSettings {
    /// The identifier of our API: what a token must be for.
    pub audience: String,
    /// Whether only tokens that are bound to a key count.
    pub require_dpop: bool,
    /// Client ids whose tokens may go by `permissions` alone.
    pub first_party_clients: Vec<String>,
}

/// The parts of a request that say who sends it.
#[derive(Clone, Copy, Debug)]
pub struct Presented<'a> {
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its method.
    pub method: &'a Method,
    /// Its URL as the client knows it, without query.
    pub url: &'a Url,
}

/// A request whose sender is known.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Who sends it.
    pub caller: Caller,
    /// What they showed. Good for an exchange, and for nothing else.
    pub token: BearerToken,
    /// What the token allows here.
    pub scopes: Scopes,
    /// The application that the token was issued to.
    pub client_id: Option<String>,
    /// When the token ends.
    pub expires_at: SystemTime,
}

/// Why a request is not let in.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It shows nothing.
    #[error("no access token was sent")]
    Missing,
    /// What it shows does not hold.
    #[error("{0}")]
    Invalid(String),
    /// Auth0's keys cannot be had, so nothing can be said of the token.
    #[error("Auth0 cannot be reached to check the access token")]
    Unavailable,
}

impl Verifier {
    /// A verifier that has asked for nothing yet.
    #[must_use]
    pub fn new(tenant: Tenant, settings: VerifierSettings) -> Self {
        Self { tenant, settings }
    }

    /// Gets Auth0's keys, so that the first request need not wait for them.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`]
    pub async fn warm_up(&self) -> Result<(), Refusal> {
        Ok(())
    }

    /// Who sends the request.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn verify(&self, presented: &Presented<'_>) -> Result<Verified, Refusal> {
        let _ = (&self.tenant, &self.settings, presented);
        Err(Refusal::Missing)
    }
}

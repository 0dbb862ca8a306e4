//! Who is calling, where many people share one server: each request shows an access token of its own
//! (RFC 6750, RFC 9068), bound to a key where the client can do that (RFC 9449).

mod challenge;
mod scopes;

use std::time::SystemTime;

use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::Caller;
use crate::auth0::{BearerToken, Tenant};

pub use challenge::{Challenge, Scheme};
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

/// Why a request is not let in. [`challenge`](Self::challenge) has what it is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It shows no token, or shows something in a way that we do not know.
    #[error("no access token was sent")]
    Missing(Scheme),
    /// It contradicts itself.
    #[error("{0}")]
    Ambiguous(&'static str),
    /// The token that it shows does not hold.
    #[error("{words}")]
    Token {
        /// How a token has to be shown.
        scheme: Scheme,
        /// What is wrong.
        words: String,
    },
    /// The proof that belongs to the token does not hold.
    #[error("{0}")]
    Proof(String),
    /// Auth0's keys cannot be had, so nothing can be said of the token.
    #[error("Auth0 cannot be reached to check the access token")]
    Unavailable,
}

impl Refusal {
    /// What to answer. None when nothing is wrong with the request: then the answer is 503, and the
    /// same request may go through later.
    #[must_use]
    pub fn challenge(&self) -> Option<Challenge> {
        let (status, scheme, error) = match self {
            Self::Missing(scheme) => (StatusCode::UNAUTHORIZED, *scheme, None),
            Self::Ambiguous(_) => {
                (StatusCode::BAD_REQUEST, Scheme::Bearer, Some("invalid_request"))
            }
            Self::Token { scheme, .. } => {
                (StatusCode::UNAUTHORIZED, *scheme, Some("invalid_token"))
            }
            Self::Proof(_) => (StatusCode::UNAUTHORIZED, Scheme::Dpop, Some("invalid_dpop_proof")),
            Self::Unavailable => return None,
        };
        let description = error.map(|_| self.to_string());
        Some(Challenge { status, scheme, error, description })
    }
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
        Err(Refusal::Missing(Scheme::Bearer))
    }
}

//! Who is calling, where many people share one server: each request shows an access token of its own
//! (RFC 6750, RFC 9068), bound to a key where the client can do that (RFC 9449).

mod challenge;
mod dpop;
mod scopes;
#[cfg(test)]
mod tests;

use std::time::SystemTime;

use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::Caller;
use crate::auth0::{AccessClaims, BearerToken, Error, Tenant};

pub use challenge::{Challenge, Scheme};
use dpop::Proofs;
pub use scopes::{Scope, Scopes};

/// Auth0's own are shorter than 64 characters; other identity providers' can be longer.
const LONGEST_NAME: usize = 255;

/// Checks what requests show.
#[derive(Clone)]
pub struct Verifier {
    tenant: Tenant,
    settings: VerifierSettings,
    proofs: Proofs,
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
    /// How they showed it.
    pub scheme: Scheme,
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
    /// It shows more than one thing.
    #[error("more than one Authorization header was sent")]
    Ambiguous(Scheme),
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
            Self::Ambiguous(scheme) => (StatusCode::BAD_REQUEST, *scheme, Some("invalid_request")),
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
        Self { tenant, settings, proofs: Proofs::new() }
    }

    /// Gets Auth0's keys, unless they are there: until this has worked once, nobody is let in.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] when Auth0 gives none.
    pub async fn warm_up(&self) -> Result<(), Refusal> {
        self.tenant.warm_up_keys().await.map_err(|error| {
            tracing::debug!(%error, "Auth0's keys could not be had");
            Refusal::Unavailable
        })
    }

    /// Who sends the request.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn verify(&self, presented: &Presented<'_>) -> Result<Verified, Refusal> {
        let (scheme, token) = self.shown(presented.headers)?;
        let invalid = |words: &str| Refusal::Token { scheme, words: words.to_owned() };
        let claims = self.tenant.check_access_token(&token, &self.settings.audience).await;
        let claims = claims.map_err(|error| match error {
            Error::AccessToken(_) => invalid(&error.to_string()),
            // Why, the tenant has logged once for all who wait.
            _ => Refusal::Unavailable,
        })?;
        match (scheme, claims.key_thumbprint.as_deref()) {
            (Scheme::Bearer, None) => {}
            (Scheme::Dpop, Some(thumbprint)) => self
                .proofs
                .check(presented, &token, thumbprint)
                .map_err(|problem| Refusal::Proof(problem.to_string()))?,
            // RFC 9449 section 7.1: else a stolen token could be shown without its proof.
            (Scheme::Bearer, Some(_)) => {
                return Err(Refusal::Token {
                    scheme: Scheme::Dpop,
                    words: "the access token is bound to a key; show it as DPoP, with a proof"
                        .to_owned(),
                });
            }
            (Scheme::Dpop, None) => {
                return Err(invalid("the access token is not bound to a key"));
            }
        }
        if claims.machine {
            return Err(invalid(
                "this access token belongs to a machine; Bitbucket accounts are linked to people, so \
                 a person has to sign in",
            ));
        }
        if ![Some(&claims.subject), claims.organization.as_ref()]
            .into_iter()
            .flatten()
            .all(|name| is_plain(name))
        {
            return Err(invalid("the access token names its person in a way that cannot be used"));
        }
        Ok(self.verified(claims, token, scheme))
    }

    /// The token in the one `Authorization` header, and how it is shown.
    fn shown(&self, headers: &HeaderMap) -> Result<(Scheme, BearerToken), Refusal> {
        let wanted = if self.settings.require_dpop { Scheme::Dpop } else { Scheme::Bearer };
        let mut all = headers.get_all(AUTHORIZATION).iter();
        let header = all.next().ok_or(Refusal::Missing(wanted))?;
        if all.next().is_some() {
            return Err(Refusal::Ambiguous(wanted));
        }
        let malformed = |scheme| Refusal::Token {
            scheme,
            words: "the access token is not valid: it is malformed".to_owned(),
        };
        let header = header.to_str().map_err(|_| malformed(wanted))?;
        let (name, token) = header.split_once(' ').unwrap_or((header, ""));
        let scheme = [Scheme::Bearer, Scheme::Dpop]
            .into_iter()
            .find(|scheme| name.eq_ignore_ascii_case(scheme.name()))
            .ok_or(Refusal::Missing(wanted))?;
        if scheme == Scheme::Bearer && self.settings.require_dpop {
            return Err(Refusal::Token {
                scheme: Scheme::Dpop,
                words: "this server takes only access tokens that are bound to a key".to_owned(),
            });
        }
        let token = token.trim_matches(' ');
        if !is_token68(token) {
            return Err(malformed(scheme));
        }
        Ok((scheme, BearerToken::new(token.to_owned().into())))
    }

    fn verified(&self, claims: AccessClaims, token: BearerToken, scheme: Scheme) -> Verified {
        let scopes = Scopes::of(&claims, &self.settings.first_party_clients);
        Verified {
            caller: Caller {
                issuer: claims.issuer,
                subject: claims.subject,
                organization: claims.organization,
            },
            token,
            scheme,
            scopes,
            client_id: claims.client_id,
            expires_at: claims.expires_at,
        }
    }
}

/// RFC 9110 section 11.2
fn is_token68(text: &str) -> bool {
    let text = text.trim_end_matches('=');
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !text.is_empty() && text.bytes().all(fits)
}

/// Whether `name` can stand in a log line and in a key without posing as something else.
fn is_plain(name: &str) -> bool {
    name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control)
}

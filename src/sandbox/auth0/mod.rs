//! The sandbox's Auth0 tenant: login, tokens, Token Vault, the My Account API and, for servers that many
//! people reach over HTTP, an API of ours, clients that register themselves and the Management API.
//!
//! Stricter than the real service where that finds a client's mistakes: PKCE with S256 is demanded of
//! everybody and `state` of our own application, a parameter may come once, and `scope` is refused on the
//! vault grant.

mod applications;
mod audience;
mod authorize;
mod bearer;
mod claims;
mod client;
mod connect;
mod consent;
mod controls;
mod cors;
mod discovery;
mod errors;
mod grants;
mod jwt;
pub(super) mod keys;
mod login;
mod loopback;
mod management;
mod my_account;
mod objects;
mod pages;
mod paging;
mod parameters;
mod registration;
mod schema;
mod starts;
pub(crate) mod state;
mod switches;
mod tenant;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tokens;
mod vault;

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::{get, post};

use super::world::{TokenProblem, World};
use parameters::Parameters;

pub use bearer::Bearer;
pub use keys::SigningKey;
pub(crate) use objects::Object;
pub use starts::Start;
pub use switches::Switch;
pub use tenant::{Kind, Tenant};

pub(crate) use tenant::{API_SCOPES, MANAGEMENT_CLIENT_ID};
#[cfg(test)]
pub(crate) use vault::GRANT_TYPE as VAULT_GRANT_TYPE;

/// What the tenant's handlers share.
#[derive(Clone)]
pub(crate) struct Auth0 {
    world: Arc<World>,
    domain: Arc<str>,
}

impl Auth0 {
    /// The tenant at `domain`, with its scheme and without a slash at the end.
    pub(crate) fn new(world: Arc<World>, domain: &str) -> io::Result<Self> {
        keys::check()?;
        Ok(Self { world, domain: Arc::from(domain) })
    }

    /// The issuer: the domain with a slash.
    fn issuer(&self) -> String {
        format!("{}/", self.domain)
    }

    /// The issuer, where the tenant's answers to browsers name it (RFC 9207).
    fn named_issuer(&self) -> Option<String> {
        self.world.lock().tenant.names_issuer().then(|| self.issuer())
    }
}

/// The tenant's routes.
pub(crate) fn router(auth0: Auth0) -> Router {
    let from_any_page = Router::new()
        .route("/.well-known/openid-configuration", get(discovery::metadata))
        .route("/.well-known/oauth-authorization-server", get(discovery::metadata))
        .route("/.well-known/jwks.json", get(discovery::keys))
        .route("/oauth/token", post(tokens::token))
        .route("/oauth/revoke", post(tokens::revoke))
        .route("/userinfo", get(tokens::user_info))
        .route("/oidc/register", post(registration::register))
        .layer(axum::middleware::from_fn(cors::allow_this_machine));
    Router::new()
        .route("/authorize", get(authorize::authorize))
        .route("/u/login", get(login::page).post(login::submit))
        .route("/u/consent", get(consent::consent_page).post(consent::consent))
        .route("/v2/logout", get(login::logout))
        .route("/oidc/logout", get(login::logout))
        .route("/connected-accounts/connect", get(connect::page))
        .route("/connected-accounts/consent", post(connect::submit))
        .nest("/me/v1", my_account::router())
        .nest("/api/v2", management::router())
        .merge(from_any_page)
        .with_state(auth0)
}

/// Spoils the token that a request carries, as a fault asks: the bearer token, or the token in the body.
pub(crate) fn spoil_token(
    world: &World,
    bearer: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
    problem: TokenProblem,
) {
    let issued = &mut world.lock().issued;
    if let Some(bearer) = bearer {
        issued.access_tokens.remove(bearer);
        issued.management_tokens.remove(bearer);
    }
    // Auth0 tells an expired refresh token from a revoked one in its log only.
    tracing::debug!(?problem, "a fault spoils a token");
    let Ok(parameters) = Parameters::from_body(headers, body) else { return };
    for name in ["refresh_token", "subject_token", "token"] {
        let Some(token) = parameters.get(name) else { continue };
        issued.access_tokens.remove(token);
        if let Some(token) = issued.refresh_tokens.get_mut(token) {
            token.revoked = true;
        }
    }
}

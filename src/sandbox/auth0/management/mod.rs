//! The Management API v2, as far as a set-up reads and writes it.

mod body;
mod client_grants;
mod clients;
mod connections;
mod errors;
mod query;
mod resource_servers;
mod schemas;
mod tenants;
mod token;
mod users;

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::get;

use crate::sandbox::serve::bearer;

use super::Auth0;
use errors::ManagementError;

/// The routes below `/api/v2`.
pub(super) fn router() -> Router<Auth0> {
    Router::new()
        .route("/clients", get(clients::list).post(clients::create))
        .route("/clients/{id}", get(clients::get).patch(clients::change).delete(clients::remove))
        .route("/connections", get(connections::list).post(connections::create))
        .route(
            "/connections/{id}",
            get(connections::get).patch(connections::change).delete(connections::remove),
        )
        .route(
            "/connections/{id}/clients",
            get(connections::clients).patch(connections::change_clients),
        )
        .route("/client-grants", get(client_grants::list).post(client_grants::create))
        .route(
            "/client-grants/{id}",
            get(client_grants::get).patch(client_grants::change).delete(client_grants::remove),
        )
        .route("/resource-servers", get(resource_servers::list).post(resource_servers::create))
        .route(
            "/resource-servers/{id}",
            get(resource_servers::get)
                .patch(resource_servers::change)
                .delete(resource_servers::remove),
        )
        .route("/tenants/settings", get(tenants::settings).patch(tenants::change_settings))
        .route("/custom-domains", get(tenants::custom_domains))
        .route("/guardian/policies", get(tenants::policies))
        .route("/organizations", get(tenants::organizations))
        .route("/organizations/{id}", get(tenants::one_organization))
        .route("/organizations/{id}/enabled_connections", get(tenants::enabled_connections))
        .route("/users/{id}/connected-accounts", get(users::connected_accounts))
        .fallback(async || ManagementError::not_found(None, "Not Found"))
        .layer(axum::middleware::from_fn(add_rate_headers))
}

/// What the token of a request lets its bearer do.
struct Granted(Vec<String>);

impl Granted {
    fn has(&self, scope: &str) -> bool {
        self.0.iter().any(|one| one == scope)
    }

    fn require(&self, scope: &'static str) -> Result<(), ManagementError> {
        match self.has(scope) {
            true => Ok(()),
            false => Err(ManagementError::missing_scope(&[scope])),
        }
    }
}

impl Auth0 {
    /// Lets a request on whose token has one of `scopes`.
    fn admit(
        &self,
        headers: &HeaderMap,
        scopes: &[&'static str],
    ) -> Result<Granted, ManagementError> {
        let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let missing = || ManagementError::unauthorized("Missing authentication");
        let token = sent.and_then(bearer).ok_or_else(missing)?;
        let world = self.world.lock();
        let known = world.issued.management_tokens.get(token);
        let known = known.filter(|known| known.expires_at > Instant::now());
        let known = known.ok_or_else(|| ManagementError::unauthorized("Invalid token"))?;
        let granted = Granted(known.scopes.clone());
        match scopes.iter().any(|scope| granted.has(scope)) {
            true => Ok(granted),
            false => Err(ManagementError::missing_scope(scopes)),
        }
    }
}

async fn add_rate_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let headers = response.headers_mut();
    for (name, value) in
        [("x-ratelimit-limit", 10), ("x-ratelimit-remaining", 9), ("x-ratelimit-reset", now + 1)]
    {
        headers.insert(name, HeaderValue::from(value));
    }
    response
}

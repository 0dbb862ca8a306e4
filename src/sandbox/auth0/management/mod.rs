//! The Management API v2, as far as the sandbox has it.

mod errors;
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
        .route("/users/{id}/connected-accounts", get(users::connected_accounts))
        .fallback(async || ManagementError::not_found(None, "Not Found"))
        .layer(axum::middleware::from_fn(add_rate_headers))
}

impl Auth0 {
    /// Lets a request on whose token has `scope`.
    fn admit(&self, headers: &HeaderMap, scope: &'static str) -> Result<(), ManagementError> {
        let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let missing = || ManagementError::unauthorized("Missing authentication");
        let token = sent.and_then(bearer).ok_or_else(missing)?;
        let world = self.world.lock();
        let known = world.issued.management_tokens.get(token);
        let known = known.filter(|known| known.expires_at > Instant::now());
        let known = known.ok_or_else(|| ManagementError::unauthorized("Invalid token"))?;
        if known.scopes.iter().any(|one| one == scope) {
            Ok(())
        } else {
            Err(ManagementError::missing_scope(scope))
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

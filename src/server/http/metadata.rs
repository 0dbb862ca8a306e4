//! What the server says of itself as a protected resource (RFC 9728), for clients that have no token
//! yet: whom to ask for one, and for what.

use axum::Router;
use axum::response::Response;
use axum::routing::{MethodRouter, any};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW,
    CACHE_CONTROL,
};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use super::{HttpSettings, answer};
use crate::identity::bearer::{PROOF_ALGORITHMS, Scope};

/// Where the document is: RFC 9728 section 3.1 puts the resource's path behind the well-known one.
pub(super) const PATH: &str = "/.well-known/oauth-protected-resource/mcp";
/// Where clients look that do not follow that rule.
const ROOT_PATH: &str = "/.well-known/oauth-protected-resource";

/// The document, at both its places.
pub(super) fn router(settings: &HttpSettings) -> Router {
    let document = document(settings);
    Router::new().route(PATH, serve(document.clone())).route(ROOT_PATH, serve(document))
}

fn document(settings: &HttpSettings) -> Value {
    let mut document = json!({
        "resource": settings.resource(),
        "authorization_servers": [settings.issuer.as_str()],
        "scopes_supported": [Scope::Read.name(), Scope::Write.name()],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": PROOF_ALGORITHMS,
        "resource_name": "Bitbucket with Auth0 Token Vault",
    });
    if settings.require_dpop
        && let Some(document) = document.as_object_mut()
    {
        document.insert("dpop_bound_access_tokens_required".to_owned(), true.into());
    }
    document
}

/// Scripts of every origin may read it: nothing in it is secret, and they need it to sign in.
fn serve(document: Value) -> MethodRouter {
    any(async move |method: Method| {
        let mut response = match method {
            Method::GET | Method::HEAD => answer::json(StatusCode::OK, &document),
            Method::OPTIONS => preflight(),
            _ => {
                let mut refused = answer::words(StatusCode::METHOD_NOT_ALLOWED, "only GET");
                refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
                return refused;
            }
        };
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
        response
    })
}

fn preflight() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*"));
    response
}

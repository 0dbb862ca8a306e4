//! Answers to browsers whose page is another origin (Fetch, "CORS protocol"). Auth0 allows the origins that
//! are registered for an application; the sandbox allows those of this machine.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use url::Url;

use super::loopback::is_loopback;

/// Adds what lets pages of this machine read the answer, and answers their preflight requests.
pub(crate) async fn allow_this_machine(request: Request, next: Next) -> Response {
    let Some(origin) = origin(request.headers()) else { return next.run(request).await };
    let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match preflight {
        true => StatusCode::NO_CONTENT.into_response(),
        false => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if preflight {
        let methods = HeaderValue::from_static("GET, POST");
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        if let Some(asked) = asked {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
        }
    }
    response
}

/// The origin of the page, if this machine serves it.
fn origin(headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    let url = Url::parse(origin.to_str().ok()?).ok()?;
    (matches!(url.scheme(), "http" | "https") && is_loopback(&url)).then(|| origin.clone())
}

//! Web pages of allowed origins as clients: what a browser lets them send and read.

use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};

/// Headers that MCP and OAuth have on requests.
const SENT: &str = "Authorization, Content-Type, Accept, DPoP, Last-Event-ID, Mcp-Session-Id, \
                    MCP-Protocol-Version, Mcp-Method, Mcp-Name";
/// Headers that a client must be able to read.
const READ: &str = "Mcp-Session-Id, WWW-Authenticate, Retry-After";

/// The answer to a browser that asks whether a page may send its request.
pub(super) fn preflight() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let methods = HeaderValue::from_static("GET, POST, DELETE");
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(SENT));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// Opens `response` to the page that asked, whose origin has been found good. Credentials of the
/// browser stay out: a client brings its token in a header.
pub(super) fn open(mut response: Response, asked: &HeaderMap) -> Response {
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = asked.get(ORIGIN) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(READ));
    }
    response
}

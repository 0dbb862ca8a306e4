//! Small answers of our own, where a request does not get as far as the protocol.

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use rmcp::model::{ErrorCode, ErrorData};
use serde_json::{Value, json};

/// An answer of one sentence for whoever looks at it.
pub(super) fn words(status: StatusCode, says: &str) -> Response {
    let mut response = Response::new(Body::from(format!("{says}\n")));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    never_kept(response)
}

/// An answer for a program.
pub(super) fn json(status: StatusCode, value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    never_kept(response)
}

/// An error of JSON-RPC. Its `id` is null where the request's is not known (JSON-RPC 2.0, section 5).
pub(super) fn error(status: StatusCode, id: Option<&Value>, error: &ErrorData) -> Response {
    json(status, &json!({ "jsonrpc": "2.0", "id": id, "error": error }))
}

/// An error of JSON-RPC that has no code in the protocol: it goes by the HTTP status, which is outside
/// all reserved ranges.
pub(super) fn refusal(status: StatusCode, id: Option<&Value>, says: &str) -> Response {
    let code = ErrorCode(status.as_u16().into());
    error(status, id, &ErrorData::new(code, says.to_owned(), None))
}

/// The same answer with word on when to come back.
pub(super) fn retry_after(mut response: Response, seconds: u16) -> Response {
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

fn never_kept(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

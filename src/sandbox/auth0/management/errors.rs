//! How the Management API refuses.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::super::claims::insert;

/// An error of the Management API.
#[derive(Debug)]
pub(super) struct ManagementError {
    status: StatusCode,
    code: Option<&'static str>,
    message: String,
}

impl ManagementError {
    pub(super) fn unauthorized(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, None, message)
    }

    pub(super) fn missing_scope(scopes: &[&str]) -> Self {
        let message = format!("Insufficient scope, expected any of: {}", scopes.join(","));
        Self::new(StatusCode::FORBIDDEN, Some("insufficient_scope"), message)
    }

    pub(super) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Some(code), message)
    }

    /// A body that is not as it must be: `why`, and where.
    pub(super) fn invalid_body(why: &str, property: &str) -> Self {
        let place =
            if property.is_empty() { String::new() } else { format!(" on property {property}") };
        Self::bad_request("invalid_body", format!("Payload validation error: '{why}'{place}."))
    }

    /// A query that is not as it must be.
    pub(super) fn invalid_query(why: &str, name: &str) -> Self {
        let text = format!("Query validation error: '{why}' on property {name}.");
        Self::bad_request("invalid_query_string", text)
    }

    pub(super) fn not_found(code: Option<&'static str>, message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    pub(super) fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, Some(code), message)
    }

    pub(super) fn media_type() -> Self {
        let text = "The request's Content-Type must be application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, None, text)
    }

    fn new(status: StatusCode, code: Option<&'static str>, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }
}

impl IntoResponse for ManagementError {
    fn into_response(self) -> Response {
        let mut body = json!({
            "statusCode": self.status.as_u16(),
            "error": self.status.canonical_reason(),
            "message": self.message,
        });
        if let Some(code) = self.code {
            insert(&mut body, "errorCode", code);
        }
        (self.status, Json(body)).into_response()
    }
}

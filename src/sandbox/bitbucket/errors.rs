//! How this API refuses: one envelope, several habits.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// A refusal in Bitbucket's envelope.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    error: Map<String, Value>,
    data: Option<Value>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let mut error = Map::new();
        error.insert("message".into(), Value::String(message.into()));
        Self { status, error, data: None }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// A 400 that names the faulty fields, as most validation does.
    pub(crate) fn bad_fields(fields: Value) -> Self {
        Self::bad_request("Bad request").with("fields", fields)
    }

    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// The body of an address that no API serves.
    pub(crate) fn no_such_api() -> Self {
        Self::not_found("Resource not found").with(
            "detail",
            json!(
                "There is no API hosted at this URL.\n\nFor information about our API's, please \
                 refer to the documentation at: \
                 https://developer.atlassian.com/bitbucket/api/2/reference/"
            ),
        )
    }

    /// The body of the cross-workspace endpoints that were removed in 2026.
    pub(crate) fn gone() -> Self {
        let data = json!({
            "announcement_url":
                "https://developer.atlassian.com/cloud/bitbucket/changelog#CHANGE-2770",
        });
        let mut error =
            Self::new(StatusCode::GONE, "CHANGE-2770 - Functionality has been deprecated")
                .with("detail", json!("Please read the changelog entry for more details."))
                .with("data", data.clone());
        error.data = Some(data);
        error
    }

    /// Bitbucket's own status for work that took too long.
    pub(crate) fn timed_out() -> Self {
        let status = StatusCode::from_u16(555).unwrap_or(StatusCode::GATEWAY_TIMEOUT);
        Self::new(status, "The request timed out. Please try again later.")
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn message(&self) -> &str {
        self.error.get("message").and_then(Value::as_str).unwrap_or_default()
    }

    /// Adds `detail`, `fields`, `data` or `id`.
    pub(crate) fn with(mut self, key: &str, value: Value) -> Self {
        self.error.insert(key.into(), value);
        self
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = json!({ "type": "error", "error": self.error });
        if let (Some(data), Some(body)) = (self.data, body.as_object_mut()) {
            body.insert("data".into(), data);
        }
        let mut response = (self.status, Json(body)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("OAuth realm=\"Bitbucket.org HTTP\""),
            );
        }
        response
    }
}

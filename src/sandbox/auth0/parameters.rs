//! The parameters of a request, from a query, a form or JSON.

use std::collections::HashMap;

use axum::http::{HeaderMap, header};
use serde_json::Value;

use super::errors::OAuthError;

/// Parameters by name. A parameter without a value counts as not sent (RFC 6749 section 3.1).
#[derive(Default)]
pub(crate) struct Parameters(HashMap<String, String>);

impl Parameters {
    /// Reads `name=value` pairs; the same name twice is refused (RFC 6749 section 3.1).
    pub(crate) fn from_pairs(encoded: &[u8]) -> Result<Self, OAuthError> {
        let mut parameters = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(encoded).into_owned() {
            if parameters.contains_key(&name) {
                let text = format!("Parameter '{name}' was sent more than once");
                return Err(OAuthError::invalid_request(text));
            }
            parameters.insert(name, value);
        }
        parameters.retain(|_, value| !value.is_empty());
        Ok(Self(parameters))
    }

    /// Reads a body by its `Content-Type`.
    pub(crate) fn from_body(headers: &HeaderMap, body: &[u8]) -> Result<Self, OAuthError> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Self::from_pairs(body);
        }
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(OAuthError::invalid_request("The body must be a form or JSON"));
        }
        let Ok(Value::Object(object)) = serde_json::from_slice(body) else {
            return Err(OAuthError::invalid_request("The body is not a JSON object"));
        };
        let mut parameters = HashMap::new();
        for (name, value) in object {
            let Value::String(value) = value else {
                let text = format!("Parameter '{name}' must be a string");
                return Err(OAuthError::invalid_request(text));
            };
            parameters.insert(name, value);
        }
        parameters.retain(|_, value| !value.is_empty());
        Ok(Self(parameters))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn owned(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    pub(crate) fn require(&self, name: &str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| {
            OAuthError::invalid_request(format!("Missing required parameter: {name}"))
        })
    }
}

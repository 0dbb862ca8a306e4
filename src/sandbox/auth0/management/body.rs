//! Bodies, which are strict: what the API does not know it refuses.

use axum::http::{HeaderMap, header};
use jsonschema::Validator;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::{Map, Value};

use super::errors::ManagementError;

/// Reads a JSON body that `schema` describes.
pub(super) fn read(
    headers: &HeaderMap,
    body: &[u8],
    schema: Option<&Validator>,
) -> Result<Value, ManagementError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(ManagementError::media_type());
    }
    let body: Value = serde_json::from_slice(body).map_err(|_| {
        let text = "Invalid request payload JSON format";
        ManagementError::bad_request("invalid_body", text)
    })?;
    match schema.and_then(|schema| schema.iter_errors(&body).next().map(|error| said(&error))) {
        Some(error) => Err(error),
        None => Ok(body),
    }
}

/// The same for a body that is an object.
pub(super) fn object(
    headers: &HeaderMap,
    body: &[u8],
    schema: Option<&Validator>,
) -> Result<Map<String, Value>, ManagementError> {
    match read(headers, body, schema)? {
        Value::Object(body) => Ok(body),
        _ => Err(ManagementError::invalid_body("Expected type object", "")),
    }
}

/// The text for what a schema found.
fn said(error: &jsonschema::ValidationError<'_>) -> ManagementError {
    let place = error.instance_path().to_string();
    let place = place.trim_start_matches('/').replace('/', ".");
    let why = match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            format!("Additional properties not allowed: {}", unexpected.join(","))
        }
        ValidationErrorKind::Required { property } => {
            format!("Missing required property: {}", property.as_str().unwrap_or_default())
        }
        ValidationErrorKind::Type { kind } => {
            let wanted = match kind {
                TypeKind::Single(kind) => kind.to_string(),
                TypeKind::Multiple(kinds) => {
                    kinds.iter().map(|kind| kind.to_string()).collect::<Vec<_>>().join(",")
                }
            };
            format!("Expected type {wanted} but found type {}", kind_of(error.instance()))
        }
        ValidationErrorKind::Enum { .. } => {
            format!("No enum match for: {}", shown(error.instance()))
        }
        ValidationErrorKind::MinLength { limit } => {
            format!(
                "String is too short ({} chars), minimum {limit}",
                shown(error.instance()).len()
            )
        }
        ValidationErrorKind::UniqueItems => "Array items are not unique".to_owned(),
        // Not the value itself: it may be a secret.
        other => format!("Object didn't pass validation for {}", other.keyword()),
    };
    ManagementError::invalid_body(&why, &place)
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

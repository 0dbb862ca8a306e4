//! What the My Account API takes: the request bodies of its OpenAPI document.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};
use url::Url;

use super::errors::Problem;

/// The body of `POST /connected-accounts/connect`.
pub(crate) static CONNECT: LazyLock<Option<Validator>> = LazyLock::new(|| {
    let text = |longest: usize| json!({ "type": "string", "minLength": 1, "maxLength": longest });
    jsonschema::validator_for(&json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["connection", "redirect_uri"],
        "dependentRequired": { "code_challenge": ["code_challenge_method"] },
        "properties": {
            "connection": text(128),
            "redirect_uri": { "type": "string", "maxLength": 2048 },
            "state": text(4096),
            "code_challenge": { "type": "string", "minLength": 43, "maxLength": 128 },
            "code_challenge_method": { "const": "S256" },
            "scopes": {
                "type": "array",
                "items": text(255),
                "minItems": 1,
                "maxItems": 100,
                "uniqueItems": true,
            },
            "authorization_params": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "acr_values": text(1024),
                    "audience": text(512),
                    "resource": text(512),
                    "display": { "enum": ["page", "popup", "touch", "wap"] },
                    "id_token_hint": text(4096),
                    "login_hint": text(255),
                    "max_age": { "type": "integer", "minimum": 0, "maximum": 2_147_483_647 },
                    "prompt": { "enum": ["none", "login", "consent", "select_account"] },
                    "ui_locales": {
                        "type": "string",
                        "pattern": "^[a-zA-Z]{2}(-[a-zA-Z]{2})?(\\s[a-zA-Z]{2}(-[a-zA-Z]{2})?)*$",
                        "minLength": 2,
                        "maxLength": 100,
                    },
                },
            },
        },
    }))
    .ok()
});

/// The body of `POST /connected-accounts/complete`.
pub(crate) static COMPLETE: LazyLock<Option<Validator>> = LazyLock::new(|| {
    jsonschema::validator_for(&json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["auth_session", "connect_code", "redirect_uri"],
        "properties": {
            "auth_session": { "type": "string", "maxLength": 64 },
            "connect_code": { "type": "string", "minLength": 1, "maxLength": 46 },
            "redirect_uri": { "type": "string", "maxLength": 2048 },
            "code_verifier": { "type": "string", "minLength": 43, "maxLength": 128 },
        },
    }))
    .ok()
});

/// Checks `body` and says everything that is wrong with it.
pub(crate) fn check(validator: Option<&Validator>, body: &Value) -> Result<(), Problem> {
    let mut errors: Vec<Value> = validator
        .into_iter()
        .flat_map(|validator| validator.iter_errors(body))
        .map(|error| {
            let pointer = error.instance_path().to_string();
            validation_error(&error.to_string(), &pointer)
        })
        .collect();
    let redirect_uri = body.get("redirect_uri").and_then(Value::as_str);
    if redirect_uri.is_some_and(|redirect_uri| Url::parse(redirect_uri).is_err()) {
        errors.push(validation_error("the value is not a URI", "/redirect_uri"));
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}

fn validation_error(detail: &str, pointer: &str) -> Value {
    json!({
        "detail": detail,
        "field": pointer.trim_start_matches('/').replace('/', "."),
        "pointer": format!("#{pointer}"),
        "source": "body",
    })
}

#[cfg(test)]
mod tests {
    use super::{COMPLETE, CONNECT};

    #[test]
    fn both_schemas_are_valid() {
        assert!(CONNECT.is_some() && COMPLETE.is_some());
    }
}

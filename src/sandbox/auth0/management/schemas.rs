//! What the bodies of creations and changes may hold.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

const CLIENT_TEXTS: [&str; 9] = [
    "description",
    "logo_uri",
    "cross_origin_loc",
    "custom_login_page",
    "custom_login_page_preview",
    "form_template",
    "initiate_login_uri",
    "compliance_level",
    "redirection_policy",
];
const CLIENT_SWITCHES: [&str; 8] = [
    "is_token_endpoint_ip_header_trusted",
    "sso",
    "sso_disabled",
    "cross_origin_authentication",
    "custom_login_page_on",
    "require_pushed_authorization_requests",
    "require_proof_of_possession",
    "skip_non_verifiable_callback_uri_confirmation_prompt",
];
const CLIENT_OBJECTS: [&str; 16] = [
    "oidc_logout",
    "oidc_backchannel_logout",
    "session_transfer",
    "encryption_key",
    "addons",
    "client_metadata",
    "mobile",
    "native_social_login",
    "default_organization",
    "client_authentication_methods",
    "signed_request_object",
    "token_exchange",
    "token_quota",
    "express_configuration",
    "my_organization_configuration",
    "token_vault_privileged_access",
];
const CLIENT_LISTS: [&str; 9] = [
    "callbacks",
    "allowed_origins",
    "web_origins",
    "client_aliases",
    "allowed_clients",
    "allowed_logout_urls",
    "grant_types",
    "organization_discovery_methods",
    "async_approval_notification_channels",
];

type Schema = LazyLock<Option<Validator>>;

pub(super) static NEW_CLIENT: Schema = LazyLock::new(|| {
    let own = json!({ "resource_server_identifier": { "type": "string", "minLength": 1 } });
    compiled(&["name"], &client(), &own)
});

/// The API that a client is linked to cannot be changed once the client is there.
pub(super) static CHANGED_CLIENT: Schema = LazyLock::new(|| {
    let own = json!({ "client_secret": { "type": "string", "minLength": 1 } });
    compiled(&[], &client(), &own)
});

pub(super) static NEW_CONNECTION: Schema = LazyLock::new(|| {
    let own = json!({
        "name": { "type": "string", "minLength": 1, "maxLength": 128 },
        "strategy": { "type": "string", "minLength": 1 },
        "enabled_clients": texts(),
    });
    compiled(&["name", "strategy"], &connection(), &own)
});

/// Neither name nor strategy can be changed, and clients are enabled by a route of their own.
pub(super) static CHANGED_CONNECTION: Schema =
    LazyLock::new(|| compiled(&[], &connection(), &json!({})));

pub(super) static CONNECTION_CLIENTS: Schema = LazyLock::new(|| {
    let schema = json!({
        "type": "array",
        "minItems": 1,
        "maxItems": 50,
        "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["client_id", "status"],
            "properties": { "client_id": { "type": "string" }, "status": { "type": "boolean" } },
        },
    });
    jsonschema::validator_for(&schema).ok()
});

pub(super) static NEW_GRANT: Schema = LazyLock::new(|| {
    let own = json!({
        "client_id": { "type": "string", "minLength": 1 },
        "audience": { "type": "string", "minLength": 1 },
        "subject_type": { "enum": ["client", "user"] },
        "default_for": { "enum": ["third_party_clients"] },
    });
    compiled(&["audience"], &grant(), &own)
});

pub(super) static CHANGED_GRANT: Schema = LazyLock::new(|| compiled(&[], &grant(), &json!({})));

pub(super) static NEW_RESOURCE_SERVER: Schema = LazyLock::new(|| {
    let own = json!({ "identifier": { "type": "string", "minLength": 1, "maxLength": 600 } });
    compiled(&["identifier"], &resource_server(), &own)
});

pub(super) static CHANGED_RESOURCE_SERVER: Schema =
    LazyLock::new(|| compiled(&[], &resource_server(), &json!({})));

/// Of Auth0's own APIs, neither names nor scopes can be changed.
pub(super) static CHANGED_SYSTEM_API: Schema = LazyLock::new(|| {
    let allowed = json!({
        "token_lifetime": { "type": "integer" },
        "authorization_policy": { "type": ["object", "null"] },
        "proof_of_possession": { "type": ["object", "null"] },
        "skip_consent_for_verifiable_first_party_clients": { "type": "boolean" },
        "subject_type_authorization": { "type": "object" },
    });
    compiled(&[], &allowed, &json!({}))
});

pub(super) static CHANGED_SETTINGS: Schema = LazyLock::new(|| {
    let switch = json!({ "type": ["boolean", "null"] });
    let number = json!({ "type": "number" });
    let text = json!({ "type": ["string", "null"] });
    let object = json!({ "type": ["object", "null"] });
    let known = json!({
        "allow_organization_name_in_authentication_api": switch,
        "allowed_logout_urls": texts(),
        "authorization_response_iss_parameter_supported": switch,
        "change_password": object,
        "client_id_metadata_document_supported": switch,
        "customize_mfa_in_postlogin_action": switch,
        "default_audience": text,
        "default_directory": text,
        "default_redirection_uri": text,
        "default_token_quota": object,
        "device_flow": object,
        "dynamic_client_registration_security_mode": { "enum": ["strict", "permissive"] },
        "enable_ai_guide": switch,
        "enabled_locales": texts(),
        "ephemeral_session_lifetime": number,
        "error_page": object,
        "flags": {
            "type": "object",
            "additionalProperties": { "type": "boolean" },
        },
        "friendly_name": text,
        "guardian_mfa_page": object,
        "idle_ephemeral_session_lifetime": number,
        "idle_session_lifetime": number,
        "legacy_sandbox_version": text,
        "mtls": object,
        "oidc_logout": object,
        "phone_consolidated_experience": switch,
        "picture_url": text,
        "pushed_authorization_requests_supported": switch,
        "resource_parameter_profile": { "enum": ["audience", "compatibility"] },
        "sandbox_version": text,
        "session_cookie": object,
        "session_lifetime": number,
        "sessions": object,
        "skip_non_verifiable_callback_uri_confirmation_prompt": switch,
        "support_email": text,
        "support_url": text,
        "universal_login": object,
    });
    compiled(&[], &known, &json!({}))
});

fn client() -> Value {
    let mut properties = Map::new();
    let mut each = |names: &[&str], schema: Value| {
        properties.extend(names.iter().map(|name| ((*name).to_owned(), schema.clone())));
    };
    each(&CLIENT_TEXTS, json!({ "type": ["string", "null"] }));
    each(&CLIENT_SWITCHES, json!({ "type": ["boolean", "null"] }));
    each(&CLIENT_OBJECTS, json!({ "type": ["object", "null"] }));
    each(&CLIENT_LISTS, texts());
    each(&["is_first_party", "oidc_conformant"], json!({ "type": "boolean" }));
    let special = json!({
        "name": { "type": "string", "minLength": 1, "pattern": "^[^<>]+$" },
        "token_endpoint_auth_method": {
            "enum": ["none", "client_secret_post", "client_secret_basic", null],
        },
        "app_type": {
            "enum": ["native", "spa", "regular_web", "non_interactive", "resource_server",
                "express_configuration", "sso_integration"],
        },
        "jwt_configuration": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "lifetime_in_seconds": { "type": "integer" },
                "secret_encoded": { "type": "boolean" },
                "scopes": { "type": "object" },
                "alg": { "enum": ["HS256", "RS256", "RS512", "PS256"] },
            },
        },
        "refresh_token": refresh_token(),
        "organization_usage": { "enum": ["deny", "allow", "require", null] },
        "organization_require_behavior": {
            "enum": ["no_prompt", "pre_login_prompt", "post_login_prompt", null],
        },
        "par_request_expiry": { "type": ["integer", "null"] },
        "third_party_security_mode": { "enum": ["strict", "permissive"] },
    });
    properties.extend(special.as_object().cloned().unwrap_or_default());
    Value::Object(properties)
}

fn refresh_token() -> Value {
    json!({
        "type": ["object", "null"],
        "additionalProperties": false,
        "required": ["rotation_type", "expiration_type"],
        "properties": {
            "rotation_type": { "enum": ["rotating", "non-rotating"] },
            "expiration_type": { "enum": ["expiring", "non-expiring"] },
            "leeway": { "type": "integer" },
            "token_lifetime": { "type": "integer" },
            "infinite_token_lifetime": { "type": "boolean" },
            "idle_token_lifetime": { "type": "integer" },
            "infinite_idle_token_lifetime": { "type": "boolean" },
            "policies": {
                "type": ["array", "null"],
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["audience", "scope"],
                    "properties": { "audience": { "type": "string" }, "scope": texts() },
                },
            },
        },
    })
}

fn connection() -> Value {
    json!({
        "display_name": { "type": "string" },
        "options": {
            "type": "object",
            "properties": {
                "client_id": { "type": ["string", "null"] },
                "client_secret": { "type": ["string", "null"] },
                "freeform_scopes": texts(),
            },
        },
        "is_domain_connection": { "type": "boolean" },
        "show_as_button": { "type": "boolean" },
        "realms": texts(),
        "metadata": { "type": "object" },
        "authentication": {
            "type": "object",
            "additionalProperties": false,
            "required": ["active"],
            "properties": { "active": { "type": "boolean" } },
        },
        "connected_accounts": {
            "type": "object",
            "additionalProperties": false,
            "required": ["active"],
            "properties": {
                "active": { "type": "boolean" },
                "cross_app_access": { "type": "boolean" },
                "allow_missing_user_id": { "type": "boolean" },
            },
        },
        "cross_app_access_requesting_app": { "type": "object" },
        "cross_app_access_resource_app": { "type": "object" },
    })
}

fn grant() -> Value {
    json!({
        "scope": texts(),
        "allow_all_scopes": { "type": "boolean" },
        "organization_usage": { "enum": ["deny", "allow", "require", null] },
        "allow_any_organization": { "type": ["boolean", "null"] },
        "authorization_details_types": texts(),
    })
}

fn resource_server() -> Value {
    let policy = |kinds: Value| {
        json!({
            "type": "object",
            "additionalProperties": false,
            "properties": { "policy": { "enum": kinds } },
        })
    };
    json!({
        "name": { "type": "string", "maxLength": 200, "pattern": "^[^<>]+$" },
        "scopes": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": false,
                "required": ["value"],
                "properties": {
                    "value": { "type": "string", "minLength": 1, "maxLength": 280 },
                    "description": { "type": "string", "maxLength": 500 },
                },
            },
        },
        "signing_alg": { "enum": ["HS256", "RS256", "RS512", "PS256"] },
        "signing_secret": { "type": "string", "minLength": 16 },
        "allow_offline_access": { "type": "boolean" },
        "allow_online_access": { "type": "boolean" },
        "token_lifetime": { "type": "integer" },
        "token_lifetime_for_web": { "type": "integer" },
        "token_dialect": {
            "enum": ["access_token", "access_token_authz", "rfc9068_profile",
                "rfc9068_profile_authz"],
        },
        "token_encryption": { "type": ["object", "null"] },
        "skip_consent_for_verifiable_first_party_clients": { "type": "boolean" },
        "enforce_policies": { "type": "boolean" },
        "consent_policy": { "type": ["string", "null"] },
        "authorization_details": { "type": ["array", "null"] },
        "authorization_policy": { "type": ["object", "null"] },
        "proof_of_possession": { "type": ["object", "null"] },
        "subject_type_authorization": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "user": policy(json!(["allow_all", "deny_all", "require_client_grant"])),
                "client": policy(json!(["deny_all", "require_client_grant"])),
            },
        },
    })
}

fn texts() -> Value {
    json!({ "type": "array", "items": { "type": "string" } })
}

/// A schema of an object that has the properties of `shared` and `own`, and no others.
fn compiled(required: &[&str], shared: &Value, own: &Value) -> Option<Validator> {
    let mut properties = shared.as_object()?.clone();
    properties.extend(own.as_object()?.clone());
    let schema = json!({
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    });
    jsonschema::validator_for(&schema).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_is_valid() {
        let schemas = [
            &NEW_CLIENT,
            &CHANGED_CLIENT,
            &NEW_CONNECTION,
            &CHANGED_CONNECTION,
            &CONNECTION_CLIENTS,
            &NEW_GRANT,
            &CHANGED_GRANT,
            &NEW_RESOURCE_SERVER,
            &CHANGED_RESOURCE_SERVER,
            &CHANGED_SYSTEM_API,
            &CHANGED_SETTINGS,
        ];
        assert!(schemas.iter().all(|schema| schema.is_some()));
    }
}

//! The tenant's own settings.

use serde_json::json;

use super::Object;

/// Flags that an answer to a change has and that reading leaves out.
const UNREAD_FLAGS: [&str; 2] = [
    "cannot_change_enforce_client_authentication_on_passwordless_start",
    "enforce_client_authentication_on_passwordless_start",
];

/// The settings of a new tenant.
pub(crate) fn new_settings() -> Object {
    Object::new(json!({
        "change_password": { "enabled": false },
        "default_directory": "Username-Password-Authentication",
        "enabled_locales": ["en"],
        "flags": {
            "allow_changing_enable_sso": false,
            "cannot_change_enforce_client_authentication_on_passwordless_start": true,
            "disable_clickjack_protection_headers": false,
            "disable_impersonation": true,
            "enable_dynamic_client_registration": false,
            "enable_sso": true,
            "enforce_client_authentication_on_passwordless_start": true,
            "revoke_refresh_token_grant": false,
            "universal_login": true,
        },
        "friendly_name": "Sandbox",
        "guardian_mfa_page": { "enabled": false },
        "idle_session_lifetime": 72,
        "sandbox_version": "22",
        "session_lifetime": 168,
        "oidc_logout": { "rp_logout_end_session_endpoint_discovery": true },
        "resource_parameter_profile": "audience",
        "phone_consolidated_experience": false,
        "client_id_metadata_document_supported": false,
        "dynamic_client_registration_security_mode": "strict",
    }))
}

/// The settings as reading shows them.
pub(crate) fn shown_settings(settings: &Object) -> Object {
    let mut shown = settings.clone();
    if let Some(flags) = shown.0.get_mut("flags").and_then(|flags| flags.as_object_mut()) {
        flags.retain(|name, _| !UNREAD_FLAGS.contains(&name.as_str()));
    }
    shown.set("sandbox_versions_available", json!(["22", "18"]));
    shown
}

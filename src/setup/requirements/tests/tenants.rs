//! Tenants as one JSON value, with what each call of the Management API answers.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::management_scopes;
use super::SECRET;
use crate::setup::Transports;
use crate::setup::snapshot::{Seen, Snapshot};

pub(super) const STDIO_ID: &str = "StdioApplication0000000000000001";
pub(super) const HTTP_ID: &str = "HttpApplication00000000000000001";
pub(super) const API_CLIENT_ID: &str = "ApiClient00000000000000000000001";

/// As Auth0 makes tenants, with the management application.
pub(super) fn empty() -> Value {
    let scopes: Vec<&str> = management_scopes(Transports::Both).map(|scope| scope.name).collect();
    json!({
        "connections": [{
            "id": "con_users", "name": "Username-Password-Authentication", "strategy": "auth0",
            "is_domain_connection": false, "authentication": { "active": true },
            "connected_accounts": { "active": false },
        }],
        "connection_clients": [],
        "applications": [
            { "client_id": "management", "name": "Management", "app_type": "non_interactive",
              "is_first_party": true, "grant_types": ["client_credentials"] },
        ],
        "my_account": null,
        "my_account_grants": [],
        "api": null,
        "api_grants": [],
        "tenant": {
            "resource_parameter_profile": "audience",
            "flags": { "enable_dynamic_client_registration": false },
        },
        "custom_domains": [],
        "mfa_policies": [],
        "management_scopes": scopes,
    })
}

/// As it must be for both transports.
pub(super) fn ready() -> Value {
    let mut tenant = empty();
    let mine = "https://acme.eu.auth0.com/me/";
    let mine_scopes = [
        "create:me:connected_accounts",
        "read:me:connected_accounts",
        "delete:me:connected_accounts",
    ];
    let ours = "https://mcp.acme.example/mcp";
    let vault =
        "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token";
    let callbacks: Vec<String> =
        (18484..=18489).map(|port| format!("http://127.0.0.1:{port}/callback")).collect();
    tenant["connections"][0]["is_domain_connection"] = true.into();
    push(
        &mut tenant["connections"],
        json!({
            "id": "con_bitbucket", "name": "bitbucket", "strategy": "bitbucket",
            "is_domain_connection": false, "authentication": { "active": false },
            "connected_accounts": { "active": true },
            "options": {
                "client_id": "consumer-key", "client_secret": SECRET, "profile": true,
                "scope": ["account", "project", "pullrequest:write"],
            },
        }),
    );
    tenant["connection_clients"] = json!([STDIO_ID, HTTP_ID, API_CLIENT_ID]);
    push(
        &mut tenant["applications"],
        json!({
            "client_id": STDIO_ID, "name": "bitbucket-vault-mcp", "app_type": "regular_web",
            "is_first_party": true, "oidc_conformant": true,
            "jwt_configuration": { "secret_encoded": false, "alg": "RS256" },
            "token_endpoint_auth_method": "client_secret_post", "callbacks": callbacks,
            "grant_types": ["authorization_code", "refresh_token", vault],
            "refresh_token": {
                "rotation_type": "non-rotating", "expiration_type": "non-expiring", "leeway": 0,
                "policies": [{ "audience": mine, "scope": mine_scopes }],
            },
        }),
    );
    push(
        &mut tenant["applications"],
        json!({
            "client_id": HTTP_ID, "name": "bitbucket-vault-mcp-http", "app_type": "regular_web",
            "is_first_party": true, "oidc_conformant": true,
            "jwt_configuration": { "secret_encoded": false, "alg": "RS256" },
            "token_endpoint_auth_method": "client_secret_post",
            "callbacks": [
                "https://mcp.acme.example/link/signed-in", "https://mcp.acme.example/link/connected",
            ],
            "grant_types": ["authorization_code"],
        }),
    );
    push(
        &mut tenant["applications"],
        json!({
            "client_id": API_CLIENT_ID, "name": "bitbucket-vault-mcp-api", "app_type": "resource_server",
            "is_first_party": true, "oidc_conformant": true, "grant_types": [vault],
            "resource_server_identifier": ours, "token_endpoint_auth_method": "client_secret_post",
        }),
    );
    tenant["my_account"] = my_account();
    tenant["my_account_grants"] = json!([
        { "id": "cgr_1", "client_id": STDIO_ID, "audience": mine, "scope": mine_scopes,
          "subject_type": "user" },
        { "id": "cgr_2", "client_id": HTTP_ID, "audience": mine, "scope": mine_scopes,
          "subject_type": "user" },
    ]);
    tenant["api"] = json!({
        "id": "api_1", "name": "Bitbucket Vault MCP", "identifier": ours, "signing_alg": "RS256",
        "token_dialect": "rfc9068_profile", "allow_offline_access": false,
        "skip_consent_for_verifiable_first_party_clients": true, "client_id": API_CLIENT_ID,
        "subject_type_authorization": {
            "client": { "policy": "require_client_grant" }, "user": { "policy": "allow_all" },
        },
        "scopes": [
            { "value": "bitbucket:read", "description": "Read" }, { "value": "bitbucket:write" },
            { "value": "bitbucket:admin" }, { "value": "connection:admin" },
        ],
    });
    tenant["api_grants"] = json!([{
        "id": "cgr_3", "audience": ours, "scope": ["bitbucket:read", "bitbucket:write"],
        "subject_type": "user", "default_for": "third_party_clients",
    }]);
    tenant["tenant"] = json!({
        "resource_parameter_profile": "compatibility",
        "authorization_response_iss_parameter_supported": true,
        "client_id_metadata_document_supported": true,
        "flags": { "enable_dynamic_client_registration": false },
    });
    tenant
}

/// As Auth0 activates it.
pub(super) fn my_account() -> Value {
    json!({
        "id": "69f2dc6f1fe9298c44d9b9f3", "name": "Auth0 My Account API",
        "identifier": "https://acme.eu.auth0.com/me/", "allow_offline_access": true,
        "skip_consent_for_verifiable_first_party_clients": true,
        "subject_type_authorization": {
            "client": { "policy": "deny_all" }, "user": { "policy": "require_client_grant" },
        },
        "signing_alg": "RS256", "is_system": true,
        "proof_of_possession": { "mechanism": "dpop", "required": false },
    })
}

pub(super) fn push(list: &mut Value, item: Value) {
    list.as_array_mut().unwrap().push(item);
}

/// What is read of a tenant by a management application with the scopes that it says. `!SCOPE` in place
/// of an answer is a scope that is lacking.
pub(super) fn snapshot(tenant: &Value) -> Snapshot {
    let bitbucket = |one: &&Value| one["strategy"] == "bitbucket" || one["name"] == "bitbucket";
    let connections = match &tenant["connections"] {
        Value::Array(all) => all.iter().filter(bitbucket).cloned().collect(),
        lacking => lacking.clone(),
    };
    let every_connection = match &tenant["connections"] {
        Value::Array(all) => all
            .iter()
            .map(|one| {
                let mut one = one.clone();
                one.as_object_mut().unwrap().remove("options");
                one
            })
            .collect(),
        lacking => lacking.clone(),
    };
    Snapshot {
        connections: seen(&connections),
        every_connection: seen(&every_connection),
        connection_clients: seen(&tenant["connection_clients"]),
        applications: seen(&tenant["applications"]),
        my_account: seen(&tenant["my_account"]),
        my_account_grants: seen(&tenant["my_account_grants"]),
        api: seen(&tenant["api"]),
        api_grants: seen(&tenant["api_grants"]),
        tenant: seen(&tenant["tenant"]),
        custom_domains: seen(&tenant["custom_domains"]),
        mfa_policies: seen(&tenant["mfa_policies"]),
        management_scopes: seen(&tenant["management_scopes"]),
    }
}

fn seen<T: DeserializeOwned>(answer: &Value) -> Seen<T> {
    if let Some(scope) = answer.as_str().and_then(|text| text.strip_prefix('!')) {
        return Seen::Lacking(scope.to_owned());
    }
    if let Some(why) = answer.as_str().and_then(|text| text.strip_prefix('?')) {
        return Seen::Failed(why.to_owned());
    }
    Seen::Known(serde_json::from_value(answer.clone()).unwrap())
}

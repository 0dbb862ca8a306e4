//! What the Management API refuses: calls without the scope, bodies that it does not know.

use serde_json::{Value, json};

use super::super::starts::MANAGEMENT_SCOPES;
use super::super::tenant::CONNECTION_ID;
use super::super::testing::Harness;
use crate::sandbox::{Effect, Fault, Service, Start};

#[tokio::test]
async fn every_route_names_the_scope_that_is_lacking() {
    let harness = Harness::at(Start::Half).await;
    let connection = format!("/connections/{CONNECTION_ID}");
    let clients = format!("{connection}/clients");
    for (method, path, scope) in [
        ("GET", "/connections", "read:connections"),
        ("GET", &*connection, "read:connections"),
        ("GET", &clients, "read:connections"),
        ("POST", "/connections", "create:connections"),
        ("PATCH", &connection, "update:connections"),
        ("PATCH", &clients, "update:connections"),
        ("DELETE", &connection, "delete:connections"),
        ("GET", "/clients", "read:clients"),
        ("GET", "/clients/x", "read:clients"),
        ("POST", "/clients", "create:clients"),
        ("PATCH", "/clients/x", "update:clients"),
        ("DELETE", "/clients/x", "delete:clients"),
        ("GET", "/client-grants", "read:client_grants"),
        ("GET", "/client-grants/x", "read:client_grants"),
        ("POST", "/client-grants", "create:client_grants"),
        ("PATCH", "/client-grants/x", "update:client_grants"),
        ("DELETE", "/client-grants/x", "delete:client_grants"),
        ("GET", "/resource-servers", "read:resource_servers"),
        ("GET", "/resource-servers/x", "read:resource_servers"),
        ("POST", "/resource-servers", "create:resource_servers"),
        ("PATCH", "/resource-servers/x", "update:resource_servers"),
        ("DELETE", "/resource-servers/x", "delete:resource_servers"),
        ("GET", "/tenants/settings", "read:tenant_settings"),
        ("PATCH", "/tenants/settings", "update:tenant_settings"),
        ("GET", "/custom-domains", "read:custom_domains"),
        ("GET", "/guardian/policies", "read:mfa_policies"),
        ("GET", "/organizations", "read:organizations"),
        ("GET", "/organizations/x/enabled_connections", "read:organization_connections"),
        ("GET", "/users/auth0%7Cana/connected-accounts", "read:users"),
    ] {
        let others = MANAGEMENT_SCOPES.iter().copied().filter(|one| *one != scope);
        harness.sandbox.world().change_tenant(|tenant| tenant.set_management_scopes(others));
        let said = harness.manage(method, path, Value::Null).await;
        let wanted = json!({
            "statusCode": 403,
            "error": "Forbidden",
            "message": format!("Insufficient scope, expected any of: {scope}"),
            "errorCode": "insufficient_scope",
        });
        assert_eq!(said, (403, wanted), "{method} {path}");
    }
}

#[tokio::test]
async fn a_body_that_it_does_not_know_is_refused_by_name() {
    let harness = Harness::at(Start::Half).await;
    let connection = format!("/connections/{CONNECTION_ID}");
    let web = harness.sandbox.client_id();
    let client = format!("/clients/{web}");
    let me = harness.url("/me/");
    let management = harness.url("/api/v2/");
    let policies = |audience: &str, scope: &str| {
        json!({ "refresh_token": {
            "rotation_type": "non-rotating",
            "expiration_type": "non-expiring",
            "policies": [{ "audience": audience, "scope": [scope] }],
        } })
    };
    let payload = |why: &str| format!("Payload validation error: {why}.");
    for (method, path, body, status, text) in [
        (
            "POST",
            "/connections",
            json!({ "name": "x" }),
            400,
            payload("'Missing required property: strategy'"),
        ),
        (
            "POST",
            "/connections",
            json!({ "name": "x", "strategy": "bitbucket", "connected_acounts": {} }),
            400,
            payload("'Additional properties not allowed: connected_acounts'"),
        ),
        (
            "POST",
            "/connections",
            json!({ "name": "x", "strategy": "bitbucket", "options": { "scope": "account" } }),
            400,
            payload("'Expected type array' on property options.scope"),
        ),
        (
            "PATCH",
            &connection,
            json!({ "name": "other" }),
            400,
            payload("'Additional properties not allowed: name'"),
        ),
        (
            "PATCH",
            &connection,
            json!({ "enabled_clients": [] }),
            400,
            payload("'Additional properties not allowed: enabled_clients'"),
        ),
        (
            "PATCH",
            &connection,
            json!({ "connected_accounts": { "active": "yes" } }),
            400,
            payload(
                "'Expected type boolean but found type string' on property connected_accounts.active",
            ),
        ),
        (
            "PATCH",
            &connection,
            json!({ "authentication": { "active": true, "on": true } }),
            400,
            payload("'Additional properties not allowed: on' on property authentication"),
        ),
        ("PATCH", "/connections/con_x", json!({}), 404, "The connection does not exist".to_owned()),
        (
            "POST",
            "/clients",
            json!({ "app_type": "regular_web" }),
            400,
            payload("'Missing required property: name'"),
        ),
        (
            "POST",
            "/clients",
            json!({ "name": "x", "app_type": "web" }),
            400,
            payload("'No enum match for: web' on property app_type"),
        ),
        (
            "POST",
            "/clients",
            json!({ "name": "x", "resource_server_identifier": me }),
            400,
            "resource_server_identifier can only be set for clients of type resource_server"
                .to_owned(),
        ),
        (
            "PATCH",
            &client,
            json!({ "resource_server_identifier": "https://api.test" }),
            400,
            payload("'Additional properties not allowed: resource_server_identifier'"),
        ),
        (
            "PATCH",
            &client,
            json!({ "refresh_token": { "rotation_type": "non-rotating" } }),
            400,
            payload("'Missing required property: expiration_type' on property refresh_token"),
        ),
        (
            "PATCH",
            &client,
            policies(&management, "read:users"),
            400,
            "The Management API cannot be in refresh_token.policies".to_owned(),
        ),
        (
            "PATCH",
            &client,
            policies("https://nowhere.test/", "x"),
            404,
            "The resource server does not exist".to_owned(),
        ),
        ("PATCH", &client, policies(&me, "x"), 400, format!("Scope x is not defined for {me}")),
        (
            "PATCH",
            &client,
            json!({ "client_secret": "x" }),
            403,
            "Insufficient scope, expected any of: update:client_keys".to_owned(),
        ),
        ("PATCH", "/clients/x", json!({}), 404, "The client does not exist".to_owned()),
        (
            "POST",
            "/client-grants",
            json!({ "audience": me, "scope": [] }),
            400,
            "Exactly one of client_id and default_for must be present".to_owned(),
        ),
        (
            "POST",
            "/client-grants",
            json!({ "client_id": web, "audience": me, "scope": ["x"], "subject_type": "user" }),
            400,
            "The following scopes are not defined in the API: x".to_owned(),
        ),
        (
            "POST",
            "/client-grants",
            json!({ "client_id": web, "audience": "https://nowhere.test/", "scope": [] }),
            404,
            "The resource server does not exist".to_owned(),
        ),
        (
            "POST",
            "/client-grants",
            json!({ "client_id": "x", "audience": me, "subject_type": "user" }),
            404,
            "The client does not exist".to_owned(),
        ),
        (
            "PATCH",
            "/client-grants/cgr_x",
            json!({ "scope": [] }),
            404,
            "The client grant does not exist".to_owned(),
        ),
        (
            "POST",
            "/resource-servers",
            json!({ "name": "x" }),
            400,
            payload("'Missing required property: identifier'"),
        ),
        (
            "POST",
            "/resource-servers",
            json!({ "identifier": me }),
            409,
            "A resource server with the same identifier already exists.".to_owned(),
        ),
        (
            "POST",
            "/resource-servers",
            json!({ "identifier": "https://x.test", "scopes": [{ "name": "x" }] }),
            400,
            payload("'Additional properties not allowed: name' on property scopes.0"),
        ),
        (
            "PATCH",
            "/resource-servers/x",
            json!({}),
            404,
            "The resource server does not exist".to_owned(),
        ),
        (
            "PATCH",
            "/tenants/settings",
            json!({ "resource_parameter": "compatibility" }),
            400,
            payload("'Additional properties not allowed: resource_parameter'"),
        ),
    ] {
        let said = harness.manage(method, path, body.clone()).await;
        let said = (said.0, said.1["message"].as_str().unwrap_or_default().to_owned());
        assert_eq!(said, (status, text), "{method} {path} {body}");
    }
    assert_eq!(harness.manage("PATCH", &client, json!("text")).await.0, 400);
    let url = harness.url("/api/v2/clients");
    let token = harness.management_token().await;
    let (status, _) = harness.send(|http| http.post(url).bearer_auth(token).body("{}")).await;
    assert_eq!(status, 415);
}

#[tokio::test]
async fn too_many_requests_come_in_its_own_shape() {
    let harness = Harness::start().await;
    let token = harness.management_token().await;
    let fault = Fault::new(Service::Auth0, Effect::rate_limit(1)).path("/api/v2/clients").times(1);
    harness.sandbox.faults().add(fault);
    let url = harness.url("/api/v2/clients");
    let said = harness.send(|http| http.get(&url).bearer_auth(&token)).await;
    let wanted = json!({
        "statusCode": 429,
        "error": "Too Many Requests",
        "message": "Too Many Requests",
        "errorCode": "too_many_requests",
    });
    assert_eq!(said, (429, wanted));
    assert_eq!(harness.send(|http| http.get(&url).bearer_auth(&token)).await.0, 200);
}

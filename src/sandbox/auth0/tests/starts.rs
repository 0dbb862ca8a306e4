//! The three states in which a tenant can start, and what is wrong with those that are not ready.

use serde_json::{Value, json};

use super::super::testing::Harness;
use super::super::{Start, VAULT_GRANT_TYPE};
use crate::sandbox::{Kind, Options, Sandbox, Switch};

async fn names(harness: &Harness, path: &str) -> Vec<String> {
    let list = harness.managed("GET", path, Value::Null).await;
    let names = list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned());
    names.collect()
}

#[tokio::test]
async fn an_empty_tenant_has_what_every_tenant_has_and_the_application_that_sets_it_up() {
    let harness = Harness::at(Start::Empty).await;
    assert_eq!(names(&harness, "/clients").await, ["Set-up"]);
    let logins = "Username-Password-Authentication";
    assert_eq!(names(&harness, "/connections").await, [logins]);
    assert_eq!(names(&harness, "/resource-servers").await, ["Auth0 Management API"]);
    let grants = harness.managed("GET", "/client-grants", Value::Null).await;
    assert_eq!(grants.as_array().unwrap().len(), 1);
    let path = "/.well-known/openid-configuration";
    let (_, metadata) = harness.send(|http| http.get(harness.url(path))).await;
    assert_eq!(metadata.get("registration_endpoint"), None);
    assert_eq!(metadata["client_id_metadata_document_supported"], false);
    assert_eq!(harness.sandbox.client_id(), "");
    assert_eq!(harness.sandbox.refresh_token("linked"), None);
    assert!(!harness.sandbox.world().is_linked("linked"));
}

#[tokio::test]
async fn a_tenant_that_is_not_ready_is_told_by_what_sets_it_up() {
    for tenant in [Start::Empty, Start::Half] {
        let sandbox = Sandbox::start(Options { tenant, ..Options::default() }).await.unwrap();
        let settings = sandbox.settings(Some("linked"));
        let names: Vec<_> = settings.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            [
                "AUTH0_DOMAIN",
                "BITBUCKET_API_URL",
                "AUTH0_MANAGEMENT_CLIENT_ID",
                "AUTH0_MANAGEMENT_CLIENT_SECRET",
                "AUTH0_MANAGEMENT_DOMAIN",
                "BITBUCKET_CONSUMER_KEY",
                "BITBUCKET_CONSUMER_SECRET",
            ]
        );
        sandbox.open_api("http://127.0.0.1:8080");
        let settings = sandbox.api_settings("http://127.0.0.1:8080/");
        let url = "http://127.0.0.1:8080".to_owned();
        assert_eq!(
            settings,
            [("BITBUCKET_MCP_PUBLIC_URL", url)],
            "an API is for the set-up to make"
        );
        assert_eq!(sandbox.bearer_token("linked"), None);
        let secrets = sandbox.world().secrets();
        assert_eq!(secrets.consumer_secret, sandbox.consumer().1);
        assert!(secrets.client_secrets.contains(&secrets.management_client_secret));
    }
}

#[tokio::test]
async fn a_half_tenant_is_wrong_in_the_ways_that_people_get_it_wrong() {
    let harness = Harness::at(Start::Half).await;
    let clients = harness.managed("GET", "/clients?app_type=regular_web", Value::Null).await;
    let client = &clients[0];
    assert_eq!(client["name"], "bitbucket-vault-mcp");
    assert_eq!(client["refresh_token"]["rotation_type"], "rotating");
    assert_eq!(client["callbacks"].as_array().unwrap().len(), 3, "two, and that of this test");
    assert!(!client["grant_types"].as_array().unwrap().contains(&json!(VAULT_GRANT_TYPE)));
    let connections = harness.managed("GET", "/connections?name=bitbucket", Value::Null).await;
    let connection = &connections[0];
    assert_eq!(connection["connected_accounts"], json!({ "active": false }));
    assert_eq!(connection["authentication"], json!({ "active": true }));
    assert_eq!(connection["options"]["scope"], json!(["account"]));
    assert_eq!(connection["enabled_clients"], json!([]));
    let me = format!("/client-grants?audience={}", harness.url("/me/"));
    assert_eq!(harness.managed("GET", &me, Value::Null).await, json!([]));
    let page = harness.sandbox.consent(&harness.authorize_url(&[]), "linked").await.unwrap();
    assert_eq!(page, "Back at the application", "people can sign in, and no more");
}

/// What an exchange of `account` is answered with: status and error.
async fn exchange(harness: &Harness) -> (u16, String) {
    let token = harness.sandbox.refresh_token("linked").unwrap();
    let pairs = [
        ("grant_type", VAULT_GRANT_TYPE),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:refresh_token"),
        ("subject_token", &token),
        (
            "requested_token_type",
            "http://auth0.com/oauth/token-type/federated-connection-access-token",
        ),
        ("connection", "bitbucket"),
    ];
    let (status, body) = harness.form("/oauth/token", &pairs).await;
    (status, body["error"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn an_exchange_reads_the_objects() {
    let harness = Harness::start().await;
    assert_eq!(exchange(&harness).await, (200, String::new()));
    let web = harness.sandbox.client_id();
    let id = web.as_str();
    let (clients, connections) = (Kind::Clients, Kind::Connections);
    for (kind, name, wrong, right, status, error) in [
        (
            clients,
            id,
            json!({ "oidc_conformant": false }),
            json!({ "oidc_conformant": true }),
            403,
            "unauthorized_client",
        ),
        (
            clients,
            id,
            json!({ "grant_types": ["authorization_code"] }),
            json!({ "grant_types": ["authorization_code", "refresh_token", VAULT_GRANT_TYPE] }),
            403,
            "unauthorized_client",
        ),
        (
            clients,
            id,
            json!({ "refresh_token": { "rotation_type": "rotating" } }),
            json!({ "refresh_token": { "rotation_type": "non-rotating" } }),
            403,
            "unauthorized_client",
        ),
        (
            connections,
            "bitbucket",
            json!({ "enabled_clients": [] }),
            json!({ "enabled_clients": [id] }),
            400,
            "invalid_request",
        ),
        (
            connections,
            "bitbucket",
            json!({ "connected_accounts": { "active": false } }),
            json!({ "connected_accounts": { "active": true } }),
            400,
            "invalid_request",
        ),
        (
            connections,
            "bitbucket",
            // The switch of 2025 turns nothing on.
            json!({ "connected_accounts": null }),
            json!({ "connected_accounts": { "active": true } }),
            400,
            "invalid_request",
        ),
    ] {
        let change = |changes: &Value| {
            harness.sandbox.world().change_tenant(|tenant| tenant.change(kind, name, changes));
        };
        change(&wrong);
        assert_eq!(exchange(&harness).await, (status, error.to_owned()), "{wrong}");
        change(&right);
        assert_eq!(exchange(&harness).await, (200, String::new()), "{right}");
    }
    let world = harness.sandbox.world();
    world.change_tenant(|tenant| tenant.set_mfa_policies(&["all-applications"]));
    assert_eq!(exchange(&harness).await, (403, "mfa_required".to_owned()));
    world.change_tenant(|tenant| tenant.set_mfa_policies(&["confidence-score"]));
    assert_eq!(exchange(&harness).await, (200, String::new()));
    let public = json!({ "token_endpoint_auth_method": "none" });
    world.change_tenant(|tenant| tenant.change(clients, id, &public));
    assert_eq!(exchange(&harness).await.0, 403, "a public client, by its name alone");
}

/// What a login is answered with: the error's description, or nothing.
async fn login(harness: &Harness, changes: &[(&str, &str)]) -> Option<String> {
    let page = harness.sandbox.consent(&harness.authorize_url(changes), "guest").await.unwrap();
    assert_eq!(page, "Back at the application");
    harness.parameter("error_description")
}

#[tokio::test]
async fn a_login_reads_the_objects() {
    let harness = Harness::start().await;
    let web = harness.sandbox.client_id();
    let logins = "Username-Password-Authentication";
    let change = |kind, name: &str, changes: &Value| {
        harness.sandbox.world().change_tenant(|tenant| tenant.change(kind, name, changes));
    };
    assert_eq!(login(&harness, &[("connection", logins)]).await, None);
    for (connection, text) in [
        ("bitbucket", "the connection is not enabled"),
        ("elsewhere", "the connection was not found"),
    ] {
        let said = login(&harness, &[("connection", connection)]).await;
        assert_eq!(said.as_deref(), Some(text));
    }
    change(Kind::Connections, "bitbucket", &json!({ "authentication": { "active": true } }));
    assert_eq!(login(&harness, &[("connection", "bitbucket")]).await, None);
    change(Kind::Connections, "bitbucket", &json!({ "authentication": { "active": false } }));
    let apart = json!({ "enabled_clients": [], "is_domain_connection": false });
    change(Kind::Connections, logins, &apart);
    let said = login(&harness, &[]).await;
    assert_eq!(said.as_deref(), Some("no connections enabled for the client"));
    change(Kind::Connections, logins, &json!({ "enabled_clients": [web] }));
    assert_eq!(login(&harness, &[]).await, None);
    change(Kind::Clients, &web, &json!({ "organization_usage": "require" }));
    let said = login(&harness, &[]).await;
    assert_eq!(said.as_deref(), Some("parameter organization is required for this client"));
    assert_eq!(login(&harness, &[("organization", "org_SandboxAcme00001")]).await, None);
    change(Kind::Clients, &web, &json!({ "organization_usage": null }));
    let said = login(&harness, &[("organization", "org_SandboxAcme00001")]).await;
    assert_eq!(said.as_deref(), Some("parameter organization is not allowed for this client"));
    change(Kind::Clients, &web, &json!({ "grant_types": ["refresh_token"] }));
    let said = login(&harness, &[]).await.unwrap();
    assert_eq!(said, "Grant type 'authorization_code' not allowed for the client.");
}

#[tokio::test]
async fn tokens_are_signed_as_client_and_api_have_it() {
    let harness = Harness::start().await;
    let web = harness.sandbox.client_id();
    let kind = |token: &str| jsonwebtoken::decode_header(token).unwrap().alg;
    let id_token = async || {
        let token = harness.sandbox.refresh_token("linked").unwrap();
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        let (_, body) = harness.form("/oauth/token", &pairs).await;
        body["id_token"].as_str().unwrap().to_owned()
    };
    assert_eq!(kind(&id_token().await), jsonwebtoken::Algorithm::RS256);
    // As of a client that was made without a word on it.
    let changes = json!({ "jwt_configuration": { "lifetime_in_seconds": 36_000 } });
    harness.sandbox.world().change_tenant(|tenant| tenant.change(Kind::Clients, &web, &changes));
    let token = id_token().await;
    assert_eq!(kind(&token), jsonwebtoken::Algorithm::HS256);
    let secret = harness.sandbox.client_secret();
    let key = jsonwebtoken::DecodingKey::from_secret(secret.as_bytes());
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
    validation.set_audience(&[&web]);
    let claims = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap().claims;
    assert_eq!(claims["sub"], "auth0|ana");
}

#[tokio::test]
async fn answers_name_the_issuer_only_where_the_tenant_does() {
    let harness = Harness::start().await;
    let off = json!({ "authorization_response_iss_parameter_supported": null });
    harness.sandbox.world().change_tenant(|tenant| tenant.change(Kind::Settings, "", &off));
    assert_eq!(login(&harness, &[]).await, None);
    assert_eq!(harness.parameter("iss"), None);
}

#[tokio::test]
async fn roles_count_where_the_api_enforces_them() {
    let harness = super::opened().await;
    let scope = async || {
        let agent = super::super::tenant::AGENT_CLIENT_ID;
        harness.sandbox.world().allow_callback(&harness.callback);
        let (_, body) = harness.dance(agent, "linked", super::API).await;
        body["scope"].as_str().unwrap_or_default().to_owned()
    };
    let callbacks = json!({ "callbacks": [harness.callback] });
    harness.sandbox.world().change_tenant(|tenant| {
        tenant.change(Kind::Clients, super::super::tenant::AGENT_CLIENT_ID, &callbacks);
    });
    assert_eq!(scope().await, "openid offline_access bitbucket:read bitbucket:write");
    let enforced = json!({ "enforce_policies": true });
    harness.sandbox.world().change_tenant(|tenant| {
        tenant.change(Kind::ResourceServers, super::API, &enforced);
    });
    assert_eq!(scope().await, "openid offline_access", "nobody has a role");
    harness.sandbox.world().change_tenant(|tenant| {
        tenant.permissions = Some(vec!["bitbucket:read".to_owned()]);
        tenant.set(Switch::ClientIdMetadataDocuments, false);
    });
    assert_eq!(scope().await, "openid offline_access bitbucket:read");
}

#[tokio::test]
async fn objects_are_changed_over_http_by_those_who_mean_it() {
    let harness = Harness::start().await;
    let url = harness.url("/_sandbox/objects");
    let changes = json!({
        "clients": { "bitbucket-vault-mcp": { "callbacks": [] } },
        "connections": { "bitbucket": null },
        "settings": { "": { "resource_parameter_profile": "audience" } },
    });
    assert_eq!(harness.send(|http| http.patch(&url).json(&changes)).await.0, 403);
    let patch = async |changes: &Value| {
        harness.send(|http| http.patch(&url).header("x-sandbox", "1").json(changes)).await
    };
    assert_eq!(patch(&changes).await, (204, json!("")));
    let connections = harness.managed("GET", "/connections?name=bitbucket", Value::Null).await;
    assert_eq!(connections, json!([]));
    let clients = harness.managed("GET", "/clients?app_type=regular_web", Value::Null).await;
    assert_eq!(clients[0]["callbacks"], json!([]));
    let settings = harness.managed("GET", "/tenants/settings", Value::Null).await;
    assert_eq!(settings["resource_parameter_profile"], "audience");
    assert_eq!(patch(&json!({ "surprises": {} })).await.0, 400);
}

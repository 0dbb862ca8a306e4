//! A tenant set up by hand, request by request, until people's Bitbucket calls go through.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::tenant::{API_SCOPES, MY_ACCOUNT_SCOPES};
use super::super::testing::{Harness, VERIFIER};
use super::super::{Start, VAULT_GRANT_TYPE};

const API: &str = "https://mcp.example.test/mcp";
const FEDERATED: &str = "http://auth0.com/oauth/token-type/federated-connection-access-token";

/// Sets up what one person needs, with this consumer; gives the id of the connection.
async fn set_up(harness: &Harness, key: &str, secret: &str) -> String {
    let me = harness.url("/me/");
    let body = json!({ "name": "My Account", "identifier": me });
    harness.managed("POST", "/resource-servers", body).await;
    let body = json!({
        "name": "an application",
        "app_type": "regular_web",
        "is_first_party": true,
        "oidc_conformant": true,
        "token_endpoint_auth_method": "client_secret_post",
        "callbacks": [harness.callback],
        "grant_types": ["authorization_code", "refresh_token", VAULT_GRANT_TYPE],
        "jwt_configuration": { "alg": "RS256" },
        "refresh_token": {
            "rotation_type": "non-rotating",
            "expiration_type": "non-expiring",
            "policies": [{ "audience": me, "scope": MY_ACCOUNT_SCOPES }],
        },
    });
    let app = harness.managed("POST", "/clients", body).await;
    assert_eq!(app["client_id"], harness.sandbox.client_id());
    assert_eq!(app["client_secret"], harness.sandbox.client_secret());
    let body = json!({
        "client_id": app["client_id"],
        "audience": me,
        "scope": MY_ACCOUNT_SCOPES,
        "subject_type": "user",
    });
    harness.managed("POST", "/client-grants", body).await;
    let body = json!({
        "name": "bitbucket",
        "strategy": "bitbucket",
        "authentication": { "active": false },
        "connected_accounts": { "active": true },
        "options": { "client_id": key, "client_secret": secret, "scope": ["account"] },
    });
    let connection = harness.managed("POST", "/connections", body).await;
    let id = connection["id"].as_str().unwrap().to_owned();
    let body = json!([{ "client_id": app["client_id"], "status": true }]);
    harness.managed("PATCH", &format!("/connections/{id}/clients"), body).await;
    id
}

/// Signs `account` in; gives their refresh token.
async fn log_in(harness: &Harness, account: &str) -> String {
    let page = harness.sandbox.consent(&harness.authorize_url(&[]), account).await.unwrap();
    assert_eq!(page, "Back at the application");
    let code = harness.parameter("code").unwrap();
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", &harness.callback),
        ("code_verifier", VERIFIER),
    ];
    let (status, body) = harness.form("/oauth/token", &pairs).await;
    assert_eq!(status, 200, "{body}");
    body["refresh_token"].as_str().unwrap().to_owned()
}

async fn exchange(harness: &Harness, refresh_token: &str) -> (u16, Value) {
    let pairs = [
        ("grant_type", VAULT_GRANT_TYPE),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:refresh_token"),
        ("subject_token", refresh_token),
        ("requested_token_type", FEDERATED),
        ("connection", "bitbucket"),
    ];
    harness.form("/oauth/token", &pairs).await
}

#[tokio::test]
async fn ends_with_a_bitbucket_call_that_goes_through() {
    let harness = Harness::at(Start::Empty).await;
    let (key, secret) = harness.sandbox.consumer();
    set_up(&harness, &key, &secret).await;
    let refresh_token = log_in(&harness, "guest").await;
    let (status, body) = exchange(&harness, &refresh_token).await;
    let not_found = "federated_connection_refresh_token_not_found";
    assert_eq!((status, &body["error"]), (401, &json!(not_found)));
    let token = harness.my_account_token("guest").await;
    let (session, url) = harness.open_connect(&token).await;
    harness.sandbox.consent(&url, "guest").await.unwrap();
    let code = harness.parameter("connect_code").unwrap();
    assert_eq!(harness.complete(&token, &session, &code).await.0, 201);
    let (status, body) = exchange(&harness, &refresh_token).await;
    assert_eq!(status, 200, "{body}");
    let token = body["access_token"].as_str().unwrap();
    let url = format!("{}/user", harness.sandbox.bitbucket_api_url());
    let (status, user) = harness.send(|http| http.get(url).bearer_auth(token)).await;
    assert_eq!((status, &user["nickname"]), (200, &json!("gus")));
    let writes = harness.sandbox.writes();
    let paths: Vec<_> = writes.iter().map(|write| write.path.split('/').nth(1).unwrap()).collect();
    assert_eq!(
        paths,
        ["resource-servers", "clients", "client-grants", "connections", "connections"]
    );
    assert!(writes.iter().all(super::super::super::Write::succeeded));
    assert!(!format!("{writes:?}").contains(&secret), "the journal holds no secret");
}

#[tokio::test]
async fn shows_a_wrong_consumer_when_the_person_links() {
    let harness = Harness::at(Start::Empty).await;
    let (key, secret) = harness.sandbox.consumer();
    let connection = set_up(&harness, "wrong key", &secret).await;
    let token = harness.my_account_token("guest").await;
    let (_, url) = harness.open_connect(&token).await;
    let page = harness.sandbox.consent(&url, "guest").await.unwrap();
    assert!(page.contains("Invalid OAuth client credentials"), "{page}");
    assert_eq!(
        harness.parameters(),
        [],
        "Bitbucket sends nobody back to a client it does not know"
    );
    let path = format!("/connections/{connection}");
    let options = json!({ "client_id": key, "client_secret": "wrong" });
    harness.managed("PATCH", &path, json!({ "options": options })).await;
    let (session, url) = harness.open_connect(&token).await;
    harness.sandbox.consent(&url, "guest").await.unwrap();
    assert_eq!(harness.parameter("error").unwrap(), "invalid_request");
    assert_eq!(harness.parameter("error_description").unwrap(), "Failed to obtain access token");
    assert_eq!(harness.complete(&token, &session, "x").await.0, 400);
    let options = json!({ "client_id": key, "client_secret": secret });
    harness.managed("PATCH", &path, json!({ "options": options })).await;
    let (session, url) = harness.open_connect(&token).await;
    harness.sandbox.consent(&url, "guest").await.unwrap();
    let code = harness.parameter("connect_code").unwrap();
    assert_eq!(harness.complete(&token, &session, &code).await.0, 201);
    let options = json!({ "client_id": key, "client_secret": "rolled" });
    harness.managed("PATCH", &path, json!({ "options": options })).await;
    let refresh_token = harness.sandbox.refresh_token("guest").unwrap();
    let (status, body) = exchange(&harness, &refresh_token).await;
    let failed = "federated_connection_refresh_token_flow_failed";
    assert_eq!((status, &body["error"]), (401, &json!(failed)));
}

#[tokio::test]
async fn grants_what_the_consumer_has_and_leads_back_to_its_callback_only() {
    let harness = Harness::start().await;
    let world = harness.sandbox.world();
    world.set_consumer_callback("https://elsewhere.test/login/callback");
    let token = harness.my_account_token("guest").await;
    let (_, url) = harness.open_connect(&token).await;
    let page = harness.sandbox.consent(&url, "guest").await.unwrap();
    assert!(page.contains("Invalid redirect_uri"), "{page}");
    world.set_consumer_callback(&harness.url("/login"));
    world.set_consumer_scopes(&["account", "repository"]);
    let (session, url) = harness.open_connect(&token).await;
    harness.sandbox.consent(&url, "guest").await.unwrap();
    let code = harness.parameter("connect_code").unwrap();
    let (status, made) = harness.complete(&token, &session, &code).await;
    assert_eq!((status, &made["scopes"]), (201, &json!(["account", "repository"])));
}

#[tokio::test]
async fn serves_agents_of_many_people_too() {
    let harness = Harness::at(Start::Empty).await;
    let (key, secret) = harness.sandbox.consumer();
    let connection = set_up(&harness, &key, &secret).await;
    harness.sandbox.world().link("linked");
    let scopes: Vec<_> = API_SCOPES.iter().map(|scope| json!({ "value": scope })).collect();
    let body = json!({
        "name": "api",
        "identifier": API,
        "scopes": scopes,
        "allow_offline_access": true,
        "token_dialect": "rfc9068_profile",
    });
    harness.managed("POST", "/resource-servers", body).await;
    let body = json!({
        "name": "api client",
        "app_type": "resource_server",
        "resource_server_identifier": API,
        "grant_types": [VAULT_GRANT_TYPE],
    });
    let client = harness.managed("POST", "/clients", body).await;
    let client = client["client_id"].as_str().unwrap();
    let body = json!({
        "flags": { "enable_dynamic_client_registration": true },
        "resource_parameter_profile": "compatibility",
    });
    harness.managed("PATCH", "/tenants/settings", body).await;
    let metadata =
        json!({ "redirect_uris": [harness.callback], "token_endpoint_auth_method": "none" });
    let url = harness.url("/oidc/register");
    let (_, agent) = harness.send(|http| http.post(url).json(&metadata)).await;
    let agent = agent["client_id"].as_str().unwrap();
    let asked = [("client_id", agent), ("resource", API), ("scope", "openid bitbucket:read")];
    let refusal = async || {
        let url = harness.authorize_url(&asked);
        harness.sandbox.consent(&url, "linked").await.unwrap();
        harness.parameter("error_description").unwrap()
    };
    assert_eq!(refusal().await, "no connections enabled for the client");
    let logins = harness.managed("GET", "/connections?strategy=auth0", Value::Null).await;
    let path = format!("/connections/{}", logins[0]["id"].as_str().unwrap());
    harness.managed("PATCH", &path, json!({ "is_domain_connection": true })).await;
    let no_grant = super::super::audience::no_grant(agent, API);
    assert_eq!(refusal().await, no_grant);
    let mut grant = json!({
        "audience": API,
        "scope": ["bitbucket:read", "bitbucket:write"],
        "default_for": "third_party_clients",
    });
    harness.managed("POST", "/client-grants", grant.clone()).await;
    assert_eq!(refusal().await, no_grant, "a grant for machines is none for people");
    grant["subject_type"] = json!("user");
    harness.managed("POST", "/client-grants", grant).await;
    let (status, body) = harness.dance(agent, "linked", API).await;
    assert_eq!(status, 200, "{body}");
    let bearer = body["access_token"].as_str().unwrap();
    let claims = harness.claims(bearer, API).await.unwrap();
    assert_eq!((&claims["client_id"], claims.get("azp")), (&json!(agent), None));
    let pairs = [
        ("grant_type", VAULT_GRANT_TYPE),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("subject_token", bearer),
        ("requested_token_type", FEDERATED),
        ("connection", "bitbucket"),
    ];
    let (status, body) = harness.form_as(client, "/oauth/token", &pairs).await;
    assert_eq!((status, &body["error_description"]), (400, &json!("The connection was not found")));
    let body = json!([{ "client_id": client, "status": true }]);
    harness.managed("PATCH", &format!("/connections/{connection}/clients"), body).await;
    let (status, body) = harness.form_as(client, "/oauth/token", &pairs).await;
    assert_eq!(status, 200, "{body}");
    let (status, _) =
        harness.me(Method::GET, "/accounts", &harness.my_account_token("linked").await, None).await;
    assert_eq!(status, 200);
}

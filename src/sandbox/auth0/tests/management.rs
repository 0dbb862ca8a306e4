//! The Management API.

use crate::sandbox::people::CONSUMER_SCOPES;
use serde_json::{Value, json};

use super::super::audience::no_grant;
use super::super::tenant::{CLIENT_ID, MANAGEMENT_CLIENT_ID};
use super::super::testing::Harness;

const ANA: &str = "/users/auth0%7Cana/connected-accounts";

async fn token(harness: &Harness, audience: &str) -> (u16, Value) {
    let mut pairs = vec![("grant_type", "client_credentials"), ("audience", audience)];
    pairs.retain(|(_, value)| !value.is_empty());
    harness.form_as(MANAGEMENT_CLIENT_ID, "/oauth/token", &pairs).await
}

async fn good_token(harness: &Harness) -> String {
    let (status, body) = token(harness, &harness.url("/api/v2/")).await;
    assert_eq!(status, 200, "{body}");
    body["access_token"].as_str().unwrap().to_owned()
}

async fn get(harness: &Harness, path: &str, token: &str) -> (u16, Value) {
    let url = harness.url(&format!("/api/v2{path}"));
    harness.send(|http| http.get(url).bearer_auth(token)).await
}

#[tokio::test]
async fn gives_a_machine_a_token_for_the_management_api_alone() {
    let harness = Harness::start().await;
    harness.sandbox.world().change_tenant(|tenant| tenant.set_management_scopes(["read:users"]));
    let settings = harness.sandbox.management_settings();
    assert_eq!(settings[0], ("AUTH0_MANAGEMENT_CLIENT_ID", MANAGEMENT_CLIENT_ID.to_owned()));
    assert_eq!(settings[1].1, harness.sandbox.world().secrets().management_client_secret);
    assert_eq!(settings[2], ("AUTH0_MANAGEMENT_DOMAIN", harness.sandbox.auth0_domain()));
    let audience = harness.url("/api/v2/");
    let (status, mut body) = token(&harness, &audience).await;
    let token_text = body["access_token"].take().as_str().unwrap().to_owned();
    let wanted = json!({
        "access_token": null,
        "scope": "read:users",
        "expires_in": 86_400,
        "token_type": "Bearer",
    });
    assert_eq!((status, body), (200, wanted));
    let claims = harness.claims(&token_text, &audience).await.unwrap();
    assert_eq!(claims["sub"], format!("{MANAGEMENT_CLIENT_ID}@clients"));
    assert_eq!(claims["gty"], "client-credentials");
    let my_account = harness.url("/me/");
    let missing = "No audience parameter was provided, and no default audience has been configured";
    let ungranted = format!(
        "Client is not authorized to access \"{audience}\". You need to create a \"client-grant\" \
         associated to this API."
    );
    for (asked, text) in [
        ("", missing),
        ("https://other/", "Service not found: https://other/"),
        (&*my_account, &no_grant(MANAGEMENT_CLIENT_ID, &my_account)),
    ] {
        let wanted = json!({ "error": "access_denied", "error_description": text });
        assert_eq!(token(&harness, asked).await, (403, wanted), "{asked}");
    }
    harness.sandbox.world().change_tenant(|tenant| tenant.set_management_scopes([]));
    let wanted = json!({ "error": "access_denied", "error_description": ungranted });
    assert_eq!(token(&harness, &audience).await, (403, wanted));
    let pairs = [("grant_type", "client_credentials"), ("audience", &*audience)];
    let (status, body) = harness.form_as(CLIENT_ID, "/oauth/token", &pairs).await;
    assert_eq!((status, body["error"].as_str()), (403, Some("unauthorized_client")));
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    let (status, _) = harness.form_as(MANAGEMENT_CLIENT_ID, "/oauth/token", &pairs).await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn lists_the_accounts_in_somebodys_vault() {
    let harness = Harness::start().await;
    let token = good_token(&harness).await;
    let (status, mut body) = get(&harness, &format!("{ANA}?take=50"), &token).await;
    let account = &mut body["connected_accounts"][0];
    assert!(account["id"].take().as_str().unwrap().starts_with("cac_"));
    assert!(account["created_at"].take().as_str().unwrap().ends_with('Z'));
    let wanted = json!({ "connected_accounts": [{
        "id": null,
        "connection": "bitbucket",
        "connection_id": "con_SandboxBitbuck01",
        "strategy": "bitbucket",
        "access_type": "offline",
        "scopes": CONSUMER_SCOPES,
        "created_at": null,
    }] });
    assert_eq!((status, body), (200, wanted));
    let guest = get(&harness, "/users/auth0%7Cgus/connected-accounts", &token).await;
    assert_eq!(guest, (200, json!({ "connected_accounts": [] })));
    harness.sandbox.world().link_as("linked", "ben");
    let (_, first) = get(&harness, &format!("{ANA}?take=1"), &token).await;
    let next = first["next"].as_str().unwrap();
    let (_, second) = get(&harness, &format!("{ANA}?take=1&from={next}"), &token).await;
    assert_eq!(second["connected_accounts"].as_array().unwrap().len(), 1);
    assert_ne!(second["connected_accounts"], first["connected_accounts"]);
    assert_eq!(second.get("next"), None);
}

#[tokio::test]
async fn refuses_in_its_own_shape() {
    let harness = Harness::start().await;
    let good = good_token(&harness).await;
    let said = |status: u16, error: &str, message: &str, code: &str| {
        let mut body = json!({ "statusCode": status, "error": error, "message": message });
        if !code.is_empty() {
            body["errorCode"] = json!(code);
        }
        (status, body)
    };
    let url = harness.url(&format!("/api/v2{ANA}"));
    let bare = harness.send(|http| http.get(url)).await;
    assert_eq!(bare, said(401, "Unauthorized", "Missing authentication", ""));
    let invalid = said(401, "Unauthorized", "Invalid token", "");
    assert_eq!(get(&harness, ANA, "made-up").await, invalid);
    let my_account = harness.my_account_token("linked").await;
    assert_eq!(get(&harness, ANA, &my_account).await, invalid);
    let unknown = get(&harness, "/users/auth0%7Cnobody/connected-accounts", &good).await;
    assert_eq!(unknown, said(404, "Not Found", "The user does not exist.", "inexistent_user"));
    let take = get(&harness, &format!("{ANA}?take=0"), &good).await;
    let text = "Query validation error: 'Expected a number from 1 to 100' on property take.";
    assert_eq!(take, said(400, "Bad Request", text, "invalid_query_string"));
    let (status, body) = get(&harness, "/users/ana/connected-accounts", &good).await;
    assert_eq!((status, body["errorCode"].as_str()), (400, Some("invalid_uri")));
    assert_eq!(get(&harness, "/made-up", &good).await, said(404, "Not Found", "Not Found", ""));
    harness.sandbox.world().change_tenant(|tenant| {
        tenant.set_management_scopes(["read:connections"]);
    });
    let other = good_token(&harness).await;
    let text = "Insufficient scope, expected any of: read:users";
    assert_eq!(
        get(&harness, ANA, &other).await,
        said(403, "Forbidden", text, "insufficient_scope")
    );
}

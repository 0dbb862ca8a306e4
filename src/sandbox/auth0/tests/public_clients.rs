//! Third-party clients, which connect to our API.

use serde_json::{Value, json};

use super::super::audience::no_grant;
use super::super::switches::Switch;
use super::super::tenant::AGENT_CLIENT_ID;
use super::super::testing::{Harness, VERIFIER};
use super::{API, opened};

const SCOPE: &str = "openid offline_access bitbucket:read bitbucket:write bitbucket:admin";

/// Takes a person through the login of a third-party client; gives the code.
async fn log_in(harness: &Harness, changes: &[(&str, &str)]) -> String {
    let mut all = vec![
        ("client_id", AGENT_CLIENT_ID),
        ("scope", SCOPE),
        ("resource", API),
        ("state", ""),
        ("nonce", ""),
    ];
    all.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    all.extend_from_slice(changes);
    let url = harness.authorize_url(&all);
    let page = harness.sandbox.consent(&url, "linked").await.unwrap();
    assert_eq!(page, "Back at the application");
    harness.parameter("code").unwrap_or_default()
}

async fn redeem(harness: &Harness, code: &str, more: &[(&str, &str)]) -> (u16, Value) {
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &harness.callback),
        ("code_verifier", VERIFIER),
    ];
    pairs.extend_from_slice(more);
    harness.form_as(AGENT_CLIENT_ID, "/oauth/token", &pairs).await
}

async fn refresh(harness: &Harness, token: &str, more: &[(&str, &str)]) -> (u16, Value) {
    let mut pairs = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
    pairs.extend_from_slice(more);
    harness.form_as(AGENT_CLIENT_ID, "/oauth/token", &pairs).await
}

#[tokio::test]
async fn get_a_token_for_the_resource_that_they_name() {
    let harness = opened().await;
    let code = log_in(&harness, &[]).await;
    let names: Vec<_> = harness.parameters().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["code", "iss"], "no state was sent");
    let (status, body) = redeem(&harness, &code, &[("resource", API)]).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        body["scope"], "openid offline_access bitbucket:read bitbucket:write",
        "third parties are not granted administration"
    );
    let claims = harness.claims(body["access_token"].as_str().unwrap(), API).await.unwrap();
    assert_eq!(claims["azp"], AGENT_CLIENT_ID);
    assert_eq!(claims["aud"], json!([API, harness.url("/userinfo")]));
    let token = body["refresh_token"].as_str().unwrap();
    let (status, body) = refresh(&harness, token, &[("resource", API)]).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        harness.claims(body["access_token"].as_str().unwrap(), API).await.unwrap()["sub"],
        "auth0|ana"
    );
    let next = body["refresh_token"].as_str().unwrap();
    assert_eq!(refresh(&harness, token, &[]).await.0, 403, "it was replaced");
    assert_eq!(refresh(&harness, next, &[]).await.0, 403, "and its reuse ends the whole family");
}

#[tokio::test]
async fn cannot_change_the_resource_on_the_way() {
    let harness = opened().await;
    let invalid_target = json!({
        "error": "invalid_target",
        "error_description": "The grant does not reach the requested audience",
    });
    let my_account = harness.url("/me/");
    let code = log_in(&harness, &[]).await;
    let said = redeem(&harness, &code, &[("resource", &my_account)]).await;
    assert_eq!(said, (400, invalid_target.clone()));
    let code = log_in(&harness, &[]).await;
    let (_, body) = redeem(&harness, &code, &[]).await;
    let token = body["refresh_token"].as_str().unwrap();
    let said = refresh(&harness, token, &[("audience", &my_account)]).await;
    assert_eq!(said, (400, invalid_target));
    log_in(&harness, &[("audience", &my_account)]).await;
    let text = no_grant(AGENT_CLIENT_ID, &my_account);
    assert_eq!(harness.parameter("error").unwrap(), "unauthorized_client");
    assert_eq!(harness.parameter("error_description").unwrap(), text, "`audience` wins");
    harness.sandbox.world().change_tenant(|tenant| tenant.set(Switch::ResourceParameter, false));
    let code = log_in(&harness, &[]).await;
    let (_, body) = redeem(&harness, &code, &[]).await;
    assert_eq!(body["access_token"].as_str().unwrap().len(), 32, "opaque: no API was named");
}

#[tokio::test]
async fn are_granted_what_the_role_permits_too() {
    let harness = opened().await;
    harness.sandbox.world().change_tenant(|tenant| {
        tenant.permissions = Some(vec!["bitbucket:read".into(), "connection:admin".into()]);
    });
    let code = log_in(&harness, &[]).await;
    let (_, body) = redeem(&harness, &code, &[]).await;
    assert_eq!(body["scope"], "openid offline_access bitbucket:read");
    let claims = harness.claims(body["access_token"].as_str().unwrap(), API).await.unwrap();
    assert_eq!(claims["permissions"], json!(["bitbucket:read", "connection:admin"]));
}

#[tokio::test]
async fn need_the_persons_consent() {
    let harness = opened().await;
    let url = harness.authorize_url(&[("client_id", AGENT_CLIENT_ID), ("resource", API)]);
    harness.sandbox.refuse(&url, "linked").await.unwrap();
    assert_eq!(harness.parameter("error").unwrap(), "access_denied");
    let cookie = harness.signed_in("linked").await;
    let silent = [("client_id", AGENT_CLIENT_ID), ("resource", API), ("prompt", "none")];
    let error = async || {
        let back = harness.location(&harness.authorize_url(&silent), &cookie).await;
        back.query_pairs().find(|(name, _)| name == "error").map(|(_, error)| error.into_owned())
    };
    assert_eq!(error().await.as_deref(), Some("consent_required"));
    log_in(&harness, &[("scope", "openid profile email offline_access")]).await;
    assert_eq!(error().await.as_deref(), Some("interaction_required"), "still on loopback");
}

#[tokio::test]
async fn are_remembered_once_the_person_has_consented() {
    let harness = opened().await;
    let callback = "https://agent.test/callback";
    let metadata = json!({ "redirect_uris": [callback], "token_endpoint_auth_method": "none" });
    let url = harness.url("/oidc/register");
    let (_, client) = harness.send(|http| http.post(url).json(&metadata)).await;
    let cookie = harness.signed_in("linked").await;
    let asked = async |scope: &str, prompt: &str| {
        let url = harness.authorize_url(&[
            ("client_id", client["client_id"].as_str().unwrap()),
            ("redirect_uri", callback),
            ("resource", API),
            ("scope", scope),
            ("prompt", prompt),
        ]);
        harness.location(&url, &cookie).await
    };
    let said = async |scope: &str, prompt: &str| {
        let back = asked(scope, prompt).await;
        let mut said = back.query_pairs().map(|(name, value)| match &*name {
            "error" => value.into_owned(),
            name => name.to_owned(),
        });
        said.next().unwrap()
    };
    assert_eq!(said("bitbucket:read", "none").await, "consent_required");
    let page = asked("bitbucket:read", "").await;
    assert_eq!(page.path(), "/u/consent");
    let (status, _) = harness.send(|http| http.post(page).form(&[("action", "accept")])).await;
    assert_eq!(status, 303);
    assert_eq!(said("bitbucket:read", "none").await, "code");
    assert_eq!(said("bitbucket:read bitbucket:write", "none").await, "consent_required");
    assert_eq!(asked("bitbucket:read", "consent").await.path(), "/u/consent");
}

#[tokio::test]
async fn prove_themselves_by_the_verifier_and_nothing_else() {
    let harness = opened().await;
    let code = log_in(&harness, &[]).await;
    let (status, body) = redeem(&harness, &code, &[("client_secret", "made-up")]).await;
    assert_eq!((status, body["error"].as_str()), (401, Some("invalid_client")));
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", &harness.callback),
        ("code_verifier", VERIFIER),
    ];
    let (status, body) = harness.form("/oauth/token", &pairs).await;
    let another = "Invalid authorization code";
    assert_eq!((status, body["error_description"].as_str()), (403, Some(another)));
    let (status, body) = redeem(&harness, &code, &[]).await;
    assert_eq!(status, 200, "another client's try spends nothing: {body}");
    let token = body["refresh_token"].as_str().unwrap();
    harness.form("/oauth/revoke", &[("token", token)]).await;
    let (_, body) = refresh(&harness, token, &[]).await;
    let token = body["refresh_token"].as_str().unwrap();
    let revoked = harness.form_as(AGENT_CLIENT_ID, "/oauth/revoke", &[("token", token)]).await;
    assert_eq!(revoked.0, 200);
    assert_eq!(refresh(&harness, token, &[]).await.0, 403);
}

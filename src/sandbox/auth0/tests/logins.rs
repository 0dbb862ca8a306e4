//! Signing in to the web application, for linking over HTTP.

use super::super::switches::Switch;
use super::super::tenant::API_CLIENT_ID;
use super::super::testing::{Harness, VERIFIER};
use super::{API, PUBLIC_URL, opened};

/// What a browser without pages brings back: the code, or the error.
async fn silently(harness: &Harness, cookie: &str, changes: &[(&str, &str)]) -> (String, String) {
    let mut all = vec![("prompt", "none"), ("audience", API)];
    all.extend_from_slice(changes);
    let back = harness.location(&harness.authorize_url(&all), cookie).await;
    let (name, value) = back.query_pairs().into_owned().next().unwrap();
    assert!(matches!(&*name, "code" | "error"), "{back}");
    (name, value)
}

#[tokio::test]
async fn gives_the_my_account_api_at_once_and_no_refresh_token_unasked() {
    let harness = opened().await;
    let audience = harness.url("/me/");
    let scope = "openid profile email create:me:connected_accounts \
                 delete:me:connected_accounts read:me:made_up bitbucket:read";
    let url = harness.authorize_url(&[("audience", &audience), ("scope", scope)]);
    assert_eq!(harness.sandbox.consent(&url, "guest").await.unwrap(), "Back at the application");
    let code = harness.parameter("code").unwrap();
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", &harness.callback),
        ("code_verifier", VERIFIER),
    ];
    let (status, body) = harness.form("/oauth/token", &pairs).await;
    assert_eq!(status, 200, "{body}");
    let granted = "openid profile email create:me:connected_accounts delete:me:connected_accounts";
    assert_eq!(body["scope"], granted);
    assert_eq!(body.get("refresh_token"), None);
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(harness.claims(token, &audience).await.unwrap()["sub"], "auth0|gus");
    let id_token = body["id_token"].as_str().unwrap();
    let claims = harness.claims(id_token, &harness.sandbox.client_id()).await.unwrap();
    assert_eq!((&claims["sub"], &claims["nonce"]), (&"auth0|gus".into(), &"nonce-1".into()));
    harness.open_connect(token).await;
}

#[tokio::test]
async fn answers_without_a_page_once_the_person_is_signed_in() {
    let harness = opened().await;
    let required = |error: &str| ("error".to_owned(), error.to_owned());
    assert_eq!(silently(&harness, "", &[]).await, required("login_required"));
    let cookie = harness.signed_in("linked").await;
    let (name, code) = silently(&harness, &cookie, &[("scope", "openid bitbucket:read")]).await;
    assert_eq!(name, "code", "{code}");
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", &harness.callback),
        ("code_verifier", VERIFIER),
    ];
    let (_, body) = harness.form("/oauth/token", &pairs).await;
    assert_eq!(
        (&body["scope"], &body["expires_in"]),
        (&"openid bitbucket:read".into(), &86_400.into())
    );
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(harness.claims(token, API).await.unwrap()["sub"], "auth0|ana");
    let (status, user) =
        harness.send(|http| http.get(harness.url("/userinfo")).bearer_auth(token)).await;
    assert_eq!((status, &user["sub"]), (200, &"auth0|ana".into()));
    harness.sandbox.world().change_tenant(|tenant| tenant.set(Switch::WebSkipsConfirmation, false));
    let refused = silently(&harness, &cookie, &[]).await;
    assert_eq!(refused, required("interaction_required"), "the address is on loopback");
    let elsewhere = "https://mcp.example.test/link/signed-in";
    harness.sandbox.world().allow_callback(elsewhere);
    let (name, _) = silently(&harness, &cookie, &[("redirect_uri", elsewhere)]).await;
    assert_eq!(name, "code");
}

#[tokio::test]
async fn asks_again_when_told_to() {
    let harness = opened().await;
    let cookie = harness.signed_in("linked").await;
    let path = async |prompt: &str| {
        let url = harness.authorize_url(&[("audience", API), ("prompt", prompt)]);
        harness.location(&url, &cookie).await.path().to_owned()
    };
    assert_eq!(path("").await, "/callback");
    assert_eq!(path("login").await, "/u/login");
    assert_eq!(path("consent").await, "/u/consent");
    assert_eq!(path("login consent").await, "/u/login");
}

#[tokio::test]
async fn signs_in_anew_where_the_last_time_is_too_long_ago_and_says_when_it_was() {
    let harness = opened().await;
    let cookie = harness.signed_in("linked").await;
    for (asked, path, auth_time) in [
        (("max_age", "0"), "/u/login", true),
        (("max_age", "3600"), "/callback", true),
        (("prompt", "login"), "/u/login", true),
        (("max_age", ""), "/callback", false),
    ] {
        let url = harness.authorize_url(&[asked]);
        assert_eq!(harness.location(&url, &cookie).await.path(), path, "{asked:?}");
        harness.sandbox.consent(&url, "linked").await.unwrap();
        let code = harness.parameter("code").unwrap();
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &harness.callback),
            ("code_verifier", VERIFIER),
        ];
        let (_, body) = harness.form("/oauth/token", &pairs).await;
        let id_token = body["id_token"].as_str().unwrap();
        let claims = harness.claims(id_token, &harness.sandbox.client_id()).await.unwrap();
        assert_eq!(claims.get("auth_time").is_some(), auth_time, "{asked:?}");
    }
    let silent = silently(&harness, &cookie, &[("max_age", "0")]).await;
    assert_eq!(silent, ("error".to_owned(), "login_required".to_owned()));
}

#[tokio::test]
async fn sends_people_back_to_the_pages_of_the_opened_api_only() {
    let harness = opened().await;
    let cookie = harness.signed_in("linked").await;
    for page in ["signed-in", "connected"] {
        let page = format!("{PUBLIC_URL}/link/{page}");
        let url = harness.authorize_url(&[("redirect_uri", &page)]);
        let back = harness.location(&url, &cookie).await;
        assert!(back.as_str().starts_with(&format!("{page}?code=")), "{back}");
    }
    for changes in [
        [("redirect_uri", "http://127.0.0.1:8081/link/signed-in"), ("prompt", "")],
        [("client_id", API_CLIENT_ID), ("prompt", "")],
    ] {
        let page = harness.sandbox.consent(&harness.authorize_url(&changes), "linked").await;
        let page = page.unwrap();
        assert!(
            page.contains("Callback URL mismatch") || page.contains("Unknown application"),
            "{page}"
        );
    }
}

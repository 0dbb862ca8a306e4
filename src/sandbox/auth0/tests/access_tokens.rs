//! Access tokens of our API, and their way through the vault.

use serde_json::{Value, json};

use super::super::keys::SigningKey;
use super::super::switches::Switch;
use super::super::tenant::{AGENT_CLIENT_ID, API_CLIENT_ID, CLIENT_ID, ORGANIZATION};
use super::super::testing::Harness;
use super::super::{Bearer, VAULT_GRANT_TYPE};
use super::{API, PUBLIC_URL, opened};
use crate::sandbox::{Effect, Fault, Service};

pub(super) async fn exchange(harness: &Harness, client_id: &str, token: &str) -> (u16, Value) {
    let pairs = [
        ("grant_type", VAULT_GRANT_TYPE),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("subject_token", token),
        (
            "requested_token_type",
            "http://auth0.com/oauth/token-type/federated-connection-access-token",
        ),
        ("connection", "bitbucket"),
    ];
    harness.form_as(client_id, "/oauth/token", &pairs).await
}

#[tokio::test]
async fn tells_a_server_all_it_needs() {
    let harness = opened().await;
    let settings = harness.sandbox.api_settings(&format!("{PUBLIC_URL}/"));
    let secret = harness.sandbox.world().secrets().api_client_secret;
    assert_eq!(secret.len(), 64);
    assert_eq!(
        settings,
        [
            ("AUTH0_AUDIENCE", API),
            ("AUTH0_API_CLIENT_ID", API_CLIENT_ID),
            ("AUTH0_API_CLIENT_SECRET", &secret),
            ("BITBUCKET_MCP_PUBLIC_URL", PUBLIC_URL),
        ]
        .map(|(name, value)| (name, value.to_owned()))
    );
    harness.sandbox.open_api(PUBLIC_URL);
    harness.sandbox.world().change_tenant(|tenant| {
        let mut callbacks = tenant.callbacks();
        callbacks.sort_unstable();
        callbacks.dedup();
        assert_eq!(callbacks.len(), tenant.callbacks().len(), "opened twice, registered once");
    });
}

#[tokio::test]
async fn makes_tokens_that_a_library_accepts() {
    let harness = opened().await;
    let token = harness.sandbox.bearer_token("linked").unwrap();
    let mut claims = harness.claims(&token, API).await.unwrap();
    let life = claims["exp"].take().as_i64().unwrap() - claims["iat"].take().as_i64().unwrap();
    assert!((86_400..86_402).contains(&life), "{life}");
    assert_eq!(claims["jti"].take().as_str().unwrap().len(), 22);
    assert_eq!(
        claims,
        json!({
            "iss": harness.url("/"),
            "sub": "auth0|ana",
            "aud": API,
            "azp": AGENT_CLIENT_ID,
            "scope": "bitbucket:read bitbucket:write",
            "iat": null,
            "exp": null,
            "jti": null,
        })
    );
    let names = |header: jsonwebtoken::Header| (header.typ, header.alg, header.kid.is_some());
    let header = jsonwebtoken::decode_header(&token).unwrap();
    assert_eq!(names(header), (Some("JWT".into()), jsonwebtoken::Algorithm::RS256, true));
    assert_eq!(harness.sandbox.bearer_token("cleo"), None, "Cleo signs in nowhere");
    let unopened = Harness::start().await;
    assert_eq!(unopened.sandbox.bearer_token("linked"), None);
}

#[tokio::test]
async fn makes_odd_tokens_too() {
    let harness = opened().await;
    let made = async |bearer: Bearer| {
        let token = harness.sandbox.bearer("guest", bearer).unwrap();
        harness.claims(&token, API).await
    };
    let with = |change: fn(&mut Bearer)| {
        let mut bearer = Bearer::default();
        change(&mut bearer);
        bearer
    };
    let claims = made(with(|bearer| {
        bearer.scopes = vec!["openid".into(), "bitbucket:read".into()];
        bearer.permissions = Some(vec!["bitbucket:read".into()]);
        bearer.organization = Some(ORGANIZATION.into());
        bearer.key_thumbprint = Some("thumbprint".into());
        bearer.rfc9068 = true;
        bearer.claims.insert("jti".into(), Value::Null);
        bearer.claims.insert("extra".into(), 1.into());
    }))
    .await
    .unwrap();
    assert_eq!(claims["aud"], json!([API, harness.url("/userinfo")]));
    assert_eq!(claims["permissions"], json!(["bitbucket:read"]));
    assert_eq!(claims["org_id"], ORGANIZATION);
    assert_eq!(claims["cnf"], json!({ "jkt": "thumbprint" }));
    assert_eq!((claims.get("azp"), &claims["client_id"]), (None, &json!(AGENT_CLIENT_ID)));
    assert_eq!((claims.get("jti"), &claims["extra"]), (None, &json!(1)));
    let machine = made(with(|bearer| bearer.machine = true)).await.unwrap();
    assert_eq!(machine["sub"], format!("{AGENT_CLIENT_ID}@clients"));
    assert_eq!(made(with(|bearer| bearer.expires_in = -3_600)).await, None);
    assert_eq!(made(with(|bearer| bearer.audience = Some("https://other".into()))).await, None);
    assert_eq!(made(with(|bearer| bearer.key = SigningKey::Stranger)).await, None);
    assert_eq!(made(with(|bearer| bearer.key = SigningKey::Impostor)).await, None);
}

#[tokio::test]
async fn publishes_the_old_key_until_it_is_withdrawn() {
    let harness = opened().await;
    let world = harness.sandbox.world();
    let old = harness.sandbox.bearer_token("linked").unwrap();
    world.rotate_keys();
    let new = harness.sandbox.bearer_token("linked").unwrap();
    assert!(harness.claims(&old, API).await.is_some());
    assert!(harness.claims(&new, API).await.is_some());
    assert_eq!(exchange(&harness, API_CLIENT_ID, &old).await.0, 200);
    let retired = Bearer { key: SigningKey::Retired, ..Bearer::default() };
    let retired = harness.sandbox.bearer("linked", retired).unwrap();
    let kid = |token: &str| jsonwebtoken::decode_header(token).unwrap().kid;
    assert_eq!(kid(&retired), kid(&old));
    assert_ne!(kid(&new), kid(&old));
    world.withdraw_retired_key();
    assert!(harness.claims(&old, API).await.is_none());
    assert!(harness.claims(&new, API).await.is_some());
    assert_eq!(exchange(&harness, API_CLIENT_ID, &old).await.0, 401);
    world.rotate_keys();
    world.rotate_keys();
    assert!(harness.claims(&new, API).await.is_none(), "two keys are published at most");
}

#[tokio::test]
async fn exchanges_an_access_token_for_the_client_that_is_linked_to_its_api() {
    let harness = opened().await;
    let token = harness.sandbox.bearer_token("linked").unwrap();
    let (status, body) = exchange(&harness, API_CLIENT_ID, &token).await;
    assert_eq!(status, 200, "{body}");
    let stored = body["access_token"].as_str().unwrap();
    assert_eq!(harness.sandbox.world().identify(stored).unwrap().person.nickname, "ana");
    let (_, again) = exchange(&harness, API_CLIENT_ID, &token).await;
    assert_eq!(again["access_token"], stored);
    let guest = harness.sandbox.bearer_token("guest").unwrap();
    let (status, body) = exchange(&harness, API_CLIENT_ID, &guest).await;
    let not_found = "federated_connection_refresh_token_not_found";
    assert_eq!((status, body["error"].as_str()), (401, Some(not_found)));
}

#[tokio::test]
async fn exchanges_nothing_else() {
    let harness = opened().await;
    let said = |error: &str, text: &str| json!({ "error": error, "error_description": text });
    let invalid = said("invalid_grant", "Invalid or expired subject token");
    let denied = said(
        "unauthorized_client",
        "The client does not have permission to perform the token exchange",
    );
    let nobody = said("user_not_found", "Identity User not found.");
    let with = |change: fn(&mut Bearer)| {
        let mut bearer = Bearer::default();
        change(&mut bearer);
        harness.sandbox.bearer("linked", bearer).unwrap()
    };
    let good = with(|_| {});
    let mut tampered: Vec<&str> = good.split('.').collect();
    let other = harness.sandbox.bearer_token("limited").unwrap();
    tampered[1] = other.split('.').nth(1).unwrap();
    for (name, token, status, wanted) in [
        ("garbage", "garbage".to_owned(), 401, &invalid),
        ("tampered", tampered.join("."), 401, &invalid),
        ("expired", with(|bearer| bearer.expires_in = -1), 401, &invalid),
        ("stranger", with(|bearer| bearer.key = SigningKey::Stranger), 401, &invalid),
        ("impostor", with(|bearer| bearer.key = SigningKey::Impostor), 401, &invalid),
        (
            "issuer",
            with(|bearer| drop(bearer.claims.insert("iss".into(), "https://other/".into()))),
            401,
            &invalid,
        ),
        ("audience", with(|bearer| bearer.audience = Some("https://other".into())), 403, &denied),
        ("machine", with(|bearer| bearer.machine = true), 401, &nobody),
    ] {
        let answer = exchange(&harness, API_CLIENT_ID, &token).await;
        assert_eq!(answer, (status, wanted.clone()), "{name}");
    }
    assert_eq!(exchange(&harness, CLIENT_ID, &good).await, (403, denied.clone()));
    let text = format!("Grant type '{VAULT_GRANT_TYPE}' not allowed for the client.");
    let not_allowed = said("unauthorized_client", &text);
    assert_eq!(exchange(&harness, AGENT_CLIENT_ID, &good).await, (403, not_allowed.clone()));
    let world = harness.sandbox.world();
    world.change_tenant(|tenant| tenant.set(Switch::ApiClientLinked, false));
    assert_eq!(exchange(&harness, API_CLIENT_ID, &good).await, (403, denied));
    world.change_tenant(|tenant| tenant.set(Switch::ApiClientGrant, false));
    assert_eq!(exchange(&harness, API_CLIENT_ID, &good).await, (403, not_allowed));
}

#[tokio::test]
async fn takes_a_refresh_token_only_from_the_client_that_has_it() {
    let harness = opened().await;
    let token = harness.sandbox.refresh_token("linked").unwrap();
    let pairs = [
        ("grant_type", VAULT_GRANT_TYPE),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:refresh_token"),
        ("subject_token", token.as_str()),
        (
            "requested_token_type",
            "http://auth0.com/oauth/token-type/federated-connection-access-token",
        ),
        ("connection", "bitbucket"),
    ];
    let (status, body) = harness.form_as(API_CLIENT_ID, "/oauth/token", &pairs).await;
    assert_eq!((status, body["error"].as_str()), (403, Some("invalid_grant")));
    assert_eq!(harness.form("/oauth/token", &pairs).await.0, 200);
}

#[tokio::test]
async fn refuses_a_token_that_was_taken_back() {
    let harness = opened().await;
    let token = harness.sandbox.bearer_token("linked").unwrap();
    harness.sandbox.faults().add(Fault::new(Service::Auth0, Effect::RevokedToken).times(1));
    assert_eq!(exchange(&harness, API_CLIENT_ID, &token).await.0, 401);
    assert_eq!(exchange(&harness, API_CLIENT_ID, &token).await.0, 401);
    let token = harness.sandbox.bearer_token("linked").unwrap();
    assert_eq!(exchange(&harness, API_CLIENT_ID, &token).await.0, 200);
    harness.sandbox.world().expire_access_token("linked");
    assert_eq!(exchange(&harness, API_CLIENT_ID, &token).await.0, 401);
}

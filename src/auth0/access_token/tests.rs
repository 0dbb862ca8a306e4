//! Tokens that hold, and every way in which they do not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::auth0::signer::{Signer, unsigned};
use crate::auth0::stand_in::{AUDIENCE, KEYS_PATH, StandIn, public_key};

async fn said_by(tenant: &Tenant, token: &str) -> String {
    let token = BearerToken::new(token.to_owned().into());
    match tenant.check_access_token(&token, AUDIENCE).await {
        Ok(claims) => format!("accepted {}", claims.subject),
        Err(error) => error.to_string().replace("the access token is not valid: ", ""),
    }
}

fn fetches(stand_in: &StandIn) -> usize {
    stand_in.requests().iter().filter(|request| request.path == KEYS_PATH).count()
}

/// `claims` with `changes`; a change to null takes a claim away.
fn changed(mut claims: Value, changes: &Value) -> Value {
    let members = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    claims
}

#[tokio::test]
async fn says_what_a_token_says() {
    let stand_in = StandIn::start().await;
    let signer = Signer::ec("k2");
    stand_in.set_keys(&[&Signer::tenant(), &signer]);
    let expires = jsonwebtoken::get_current_timestamp() + 60;
    let claims = changed(
        stand_in.access_claims(),
        &json!({
            "aud": ["https://other.example.com/", AUDIENCE], "azp": null, "client_id": "tpc_1",
            "exp": expires, "nbf": expires - 60, "org_id": "org_1", "cnf": { "jkt": "thumb" },
            "permissions": ["bitbucket:read"],
        }),
    );
    let token = signer.sign(&signer.header("application/AT+JWT"), &claims);
    let token = BearerToken::new(token.into());
    let tenant = stand_in.tenant();
    for _ in 0..2 {
        assert_eq!(
            tenant.check_access_token(&token, AUDIENCE).await.unwrap(),
            AccessClaims {
                issuer: stand_in.domain().to_string(),
                subject: "auth0|ana".to_owned(),
                organization: Some("org_1".to_owned()),
                client_id: Some("tpc_1".to_owned()),
                scope: Some("openid bitbucket:read bitbucket:write".to_owned()),
                permissions: Some(vec!["bitbucket:read".to_owned()]),
                expires_at: UNIX_EPOCH + Duration::from_secs(expires),
                key_thumbprint: Some("thumb".to_owned()),
                machine: false,
            }
        );
    }
}

#[tokio::test]
async fn refuses_claims_that_do_not_hold() {
    let stand_in = StandIn::start().await;
    let tenant = stand_in.tenant();
    let now = jsonwebtoken::get_current_timestamp();
    let bare = stand_in.domain().as_str().trim_end_matches('/').to_owned();
    let longer = format!("{AUDIENCE}/");
    let mut lines = Vec::new();
    for changes in [
        json!({}),
        json!({ "iat": now + 20, "nbf": now + 20 }),
        json!({ "iss": "https://evil.example.com/" }),
        json!({ "iss": bare }),
        json!({ "iss": [stand_in.domain()] }),
        json!({ "iss": null }),
        json!({ "aud": "https://other.example.com/mcp" }),
        json!({ "aud": longer }),
        json!({ "aud": AUDIENCE.to_uppercase() }),
        json!({ "aud": "app" }),
        json!({ "aud": [] }),
        json!({ "aud": { "0": AUDIENCE } }),
        json!({ "aud": null }),
        json!({ "exp": now - 1 }),
        json!({ "exp": now - 86400, "iat": now - 90000 }),
        json!({ "exp": "never" }),
        json!({ "exp": -1e300 }),
        json!({ "exp": null }),
        json!({ "nbf": now + 60 }),
        json!({ "nbf": "now" }),
        json!({ "iat": now + 60 }),
        json!({ "iat": null }),
        json!({ "sub": "" }),
        json!({ "sub": 7 }),
        json!({ "sub": null }),
        json!({ "cnf": {} }),
        json!({ "cnf": { "x5t#S256": "certificate" } }),
        json!({ "cnf": { "jkt": 1 } }),
        json!({ "scope": ["bitbucket:read"] }),
        json!({ "permissions": "bitbucket:read" }),
        json!({ "org_id": 1 }),
    ] {
        let token = stand_in.sign(&changed(stand_in.access_claims(), &changes));
        let mut shown = changes.to_string().replace(bare.as_str(), "http://tenant");
        for offset in [20, 60, -1, -86400, -90000] {
            let moment = now.saturating_add_signed(offset).to_string();
            shown = shown.replace(&moment, &format!("now{offset:+}"));
        }
        lines.push(format!("{shown}: {}", said_by(&tenant, &token).await));
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    {}: accepted auth0|ana
    {"iat":now+20,"nbf":now+20}: accepted auth0|ana
    {"iss":"https://evil.example.com/"}: it is from another issuer
    {"iss":"http://tenant"}: it is from another issuer
    {"iss":["http://tenant/"]}: it is malformed
    {"iss":null}: it lacks the claim iss
    {"aud":"https://other.example.com/mcp"}: it is for another audience
    {"aud":"https://mcp.example.com/mcp/"}: it is for another audience
    {"aud":"HTTPS://MCP.EXAMPLE.COM/MCP"}: it is for another audience
    {"aud":"app"}: it is for another audience
    {"aud":[]}: it is for another audience
    {"aud":{"0":"https://mcp.example.com/mcp"}}: it is malformed
    {"aud":null}: it lacks the claim aud
    {"exp":now-1}: it has expired
    {"exp":now-86400,"iat":now-90000}: it has expired
    {"exp":"never"}: it is malformed
    {"exp":-1e+300}: it has expired
    {"exp":null}: it lacks the claim exp
    {"nbf":now+60}: it is not valid yet
    {"nbf":"now"}: it is malformed
    {"iat":now+60}: it is not valid yet
    {"iat":null}: it lacks the claim iat
    {"sub":""}: it lacks the claim sub
    {"sub":7}: it is malformed
    {"sub":null}: it lacks the claim sub
    {"cnf":{}}: it is bound in a way that this server cannot check
    {"cnf":{"x5t#S256":"certificate"}}: it is bound in a way that this server cannot check
    {"cnf":{"jkt":1}}: it is malformed
    {"scope":["bitbucket:read"]}: it is malformed
    {"permissions":"bitbucket:read"}: it is malformed
    {"org_id":1}: it is malformed
    "#);
}

#[tokio::test]
async fn refuses_every_forgery() {
    let stand_in = StandIn::start().await;
    let tenant = stand_in.tenant();
    let ours = Signer::tenant();
    let stranger = Signer::stranger("k1");
    let claims = stand_in.access_claims();
    let header = ours.header("JWT");
    let with = |changes: &Value| ours.sign(&changed(header.clone(), changes), &claims);
    let whole = ours.sign(&header, &claims);
    let (signed, signature) = whole.rsplit_once('.').unwrap();
    let mut confused = Header::new(Algorithm::HS256);
    confused.kid = Some("k1".to_owned());
    let secret = EncodingKey::from_secret(public_key().as_bytes());
    let tampered = unsigned(&header, &changed(claims.clone(), &json!({ "sub": "auth0|ben" })));
    let (head, payload) = signed.split_once('.').unwrap();
    let signed_by = |signer: &Signer, changes: &Value| {
        signer.sign(&changed(signer.header("JWT"), changes), &claims)
    };
    let mut lines = Vec::new();
    for (what, token) in [
        ("the real one", whole.clone()),
        ("no algorithm, no signature", {
            format!("{}.", unsigned(&changed(header.clone(), &json!({ "alg": "none" })), &claims))
        }),
        ("no algorithm, with a signature", {
            format!("{}.{signature}", unsigned(&json!({ "alg": "nOnE", "kid": "k1" }), &claims))
        }),
        ("the public key as a shared secret", {
            jsonwebtoken::encode(&confused, &claims, &secret).unwrap()
        }),
        ("another algorithm of the family", with(&json!({ "alg": "RS512" }))),
        ("an algorithm that the key is not for", with(&json!({ "alg": "ES256" }))),
        ("no name of an algorithm", with(&json!({ "alg": null }))),
        ("another's key under our key's name", stranger.sign(&header, &claims)),
        (
            "another's key under its own name",
            Signer::stranger("k9").sign(&Signer::stranger("k9").header("JWT"), &claims),
        ),
        ("another's key, named by no one", signed_by(&stranger, &json!({ "kid": null }))),
        ("its own key in the header", signed_by(&stranger, &json!({ "jwk": stranger.jwk() }))),
        (
            "its own key set",
            signed_by(
                &stranger,
                &json!({
                    "kid": "k9", "jku": "https://evil.example.com/jwks.json",
                }),
            ),
        ),
        (
            "its own certificate",
            signed_by(
                &stranger,
                &json!({
                    "kid": "k9", "x5u": "https://evil.example.com/cert.pem", "x5c": ["MIIB"],
                }),
            ),
        ),
        ("a path as the key's name", with(&json!({ "kid": "../../dev/null" }))),
        ("another person in the payload", format!("{tampered}.{signature}")),
        ("a bit of the signature", {
            let first = if signature.starts_with('A') { "B" } else { "A" };
            format!("{signed}.{first}{}", &signature[1..])
        }),
        ("no signature", format!("{signed}.")),
        // A whole number of bytes, so that it is the signature that is wrong and not its coding.
        ("half a signature", format!("{signed}.{}", &signature[..signature.len() / 8 * 4])),
        ("an unknown critical header", with(&json!({ "crit": ["exp"], "exp": 1 }))),
        ("an empty critical header", with(&json!({ "crit": [] }))),
        ("an ID token", ours.sign(&header, &stand_in.claims())),
        ("a logout token", with(&json!({ "typ": "logout+jwt" }))),
        ("a proof", with(&json!({ "typ": "dpop+jwt" }))),
        ("one part", head.to_owned()),
        ("two parts", format!("{head}.{payload}")),
        ("four parts", format!("{whole}.{signature}")),
        ("five parts, encrypted", format!("{whole}.{signature}.{signature}")),
        ("three empty parts", "..".to_owned()),
        ("padding", format!("{head}=.{payload}.{signature}")),
        ("claims that are no object", ours.sign(&header, &json!([claims]))),
        ("claims that are no JSON", format!("{head}.e30x.{signature}")),
        ("an opaque token", "v1.MTIzNDU2Nzg5MDEyMzQ1Njc4OTA".to_owned()),
        ("no token", String::new()),
        (
            "too long",
            ours.sign(
                &header,
                &changed(
                    claims.clone(),
                    &json!({
                        "pad": "x".repeat(LONGEST),
                    }),
                ),
            ),
        ),
        ("deep", {
            let deep = URL_SAFE_NO_PAD.encode("[".repeat(10_000));
            format!("{deep}.{payload}.{signature}")
        }),
    ] {
        lines.push(format!("{what}: {}", said_by(&tenant, &token).await));
    }
    insta::assert_snapshot!(lines.join("\n"), @"
    the real one: accepted auth0|ana
    no algorithm, no signature: its algorithm is not allowed
    no algorithm, with a signature: its algorithm is not allowed
    the public key as a shared secret: its algorithm is not allowed
    another algorithm of the family: its algorithm is not allowed
    an algorithm that the key is not for: its algorithm is not allowed
    no name of an algorithm: it is malformed
    another's key under our key's name: its signature is wrong
    another's key under its own name: its key is not among the tenant's
    another's key, named by no one: its signature is wrong
    its own key in the header: its signature is wrong
    its own key set: its key is not among the tenant's
    its own certificate: its key is not among the tenant's
    a path as the key's name: its key is not among the tenant's
    another person in the payload: its signature is wrong
    a bit of the signature: its signature is wrong
    no signature: its signature is wrong
    half a signature: its signature is wrong
    an unknown critical header: it is malformed
    an empty critical header: it is malformed
    an ID token: it is for another audience
    a logout token: it is not an access token
    a proof: it is not an access token
    one part: it is malformed
    two parts: it is malformed
    four parts: it is malformed
    five parts, encrypted: it is malformed
    three empty parts: it is malformed
    padding: it is malformed
    claims that are no object: it is malformed
    claims that are no JSON: its signature is wrong
    an opaque token: it is malformed
    no token: it is malformed
    too long: it is too long
    deep: it is malformed
    ");
    assert_eq!(fetches(&stand_in), 1);
}

#[tokio::test]
async fn tells_a_machine_from_a_person() {
    let stand_in = StandIn::start().await;
    let tenant = stand_in.tenant();
    for (changes, machine) in [
        (json!({}), false),
        (json!({ "gty": "password" }), false),
        (json!({ "sub": "agent@clients" }), true),
        (json!({ "sub": "agent" }), true),
        (json!({ "gty": "client-credentials" }), true),
        (json!({ "gty": ["token-exchange", "client-credentials"] }), true),
    ] {
        let token = stand_in.sign(&changed(stand_in.access_claims(), &changes));
        let token = BearerToken::new(token.into());
        let claims = tenant.check_access_token(&token, AUDIENCE).await.unwrap();
        assert_eq!(claims.machine, machine, "{changes}");
    }
}

#[tokio::test]
async fn holds_people_to_the_organization() {
    let stand_in = StandIn::start().await;
    let of = |changes: Value| stand_in.sign(&changed(stand_in.access_claims(), &changes));
    let member = of(json!({ "org_id": "org_1", "org_name": "acme" }));
    let stranger = of(json!({}));
    for (organization, token, told) in [
        ("org_1", &member, "accepted auth0|ana"),
        ("Acme", &member, "accepted auth0|ana"),
        ("org_2", &member, "it is for another organization"),
        ("org_1", &stranger, "it is for another organization"),
        ("acme", &stranger, "it is for another organization"),
    ] {
        let tenant = stand_in.tenant_of(Some(organization));
        assert_eq!(said_by(&tenant, token).await, told, "{organization}");
    }
}

#[tokio::test]
async fn remembers_no_token_beyond_its_key() {
    let stand_in = StandIn::start().await;
    let tenant = stand_in.tenant();
    let token = stand_in.sign(&stand_in.access_claims());
    assert_eq!(said_by(&tenant, &token).await, "accepted auth0|ana");
    stand_in.set_keys(&[&Signer::stranger("k2")]);
    tenant.inner.keys.pass(Duration::from_secs(3600));
    assert_eq!(said_by(&tenant, &token).await, "its key is not among the tenant's");
    stand_in.set_keys(&[&Signer::stranger("k1")]);
    tenant.inner.keys.pass(Duration::from_secs(3600));
    assert_eq!(said_by(&tenant, &token).await, "its signature is wrong");
}

#[tokio::test]
async fn remembers_no_token_beyond_its_end() {
    let stand_in = StandIn::start().await;
    let tenant = stand_in.tenant();
    let mut claims = stand_in.access_claims();
    let end = jwt::now() + 1.0;
    claims["exp"] = json!(end);
    let token = stand_in.sign(&claims);
    assert_eq!(said_by(&tenant, &token).await, "accepted auth0|ana");
    while jwt::now() < end {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(said_by(&tenant, &token).await, "it has expired");
}

#[tokio::test]
async fn remembers_a_token_for_the_api_that_it_is_for() {
    let stand_in = StandIn::start().await;
    let tenant = stand_in.tenant();
    let token = stand_in.sign(&stand_in.access_claims());
    assert_eq!(said_by(&tenant, &token).await, "accepted auth0|ana");
    let token = BearerToken::new(token.into());
    let error = tenant.check_access_token(&token, "https://other.example.com/mcp").await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "the access token is not valid: it is for another audience"
    );
}

#[tokio::test]
async fn cannot_tell_without_auth0() {
    let stand_in = StandIn::start().await;
    stand_in.answer(KEYS_PATH, 503, json!({}));
    let tenant = stand_in.tenant();
    let token = stand_in.sign(&stand_in.access_claims());
    let told = said_by(&tenant, &token).await;
    assert_eq!(told, "Auth0 is not working right now (HTTP 503)");
    assert_eq!(said_by(&tenant, "garbage").await, "it is malformed");
}

#[tokio::test]
async fn checks_many_at_once_while_a_fetch_hangs() {
    let stand_in = StandIn::start().await;
    let tenant = stand_in.tenant();
    let token = stand_in.sign(&stand_in.access_claims());
    assert_eq!(said_by(&tenant, &token).await, "accepted auth0|ana");
    tenant.inner.keys.pass(Duration::from_secs(900));
    let held = stand_in.hold(KEYS_PATH);
    let forged = Signer::stranger("k9");
    let forged = forged.sign(&forged.header("JWT"), &stand_in.access_claims());
    let waiting = tokio::spawn({
        let tenant = tenant.clone();
        async move { said_by(&tenant, &forged).await }
    });
    let tokens = (0..100).map(|number| {
        let mut claims = stand_in.access_claims();
        claims["sub"] = json!(format!("auth0|{number}"));
        stand_in.sign(&claims)
    });
    let checks = tokens.map(|token| {
        let tenant = &tenant;
        async move { said_by(tenant, &token).await }
    });
    let told = futures::future::join_all(checks).await;
    let expected: Vec<_> = (0..100).map(|number| format!("accepted auth0|{number}")).collect();
    assert_eq!(told, expected);
    drop(held);
    assert_eq!(waiting.await.unwrap(), "its key is not among the tenant's");
    assert_eq!(fetches(&stand_in), 2);
}

/// What is thrown at the check: anything at all, JSON in three parts, and a good token with one
/// character changed.
fn thrown(good: String) -> impl Strategy<Value = String> {
    let json = prop_oneof![
        Just(json!({ "alg": "RS256", "kid": "k1" }).to_string()),
        Just(json!({ "alg": "ES256" }).to_string()),
        "\\{\"alg\":\"RS256\",\"[a-z]{1,4}\":[\\[\\]{}\"0-9a-z:,]{0,20}\\}",
        any::<String>(),
    ];
    let parts = (json, any::<String>(), any::<Vec<u8>>()).prop_map(|(header, claims, end)| {
        let [header, claims, end] =
            [header.as_bytes(), claims.as_bytes(), &end].map(|part| URL_SAFE_NO_PAD.encode(part));
        format!("{header}.{claims}.{end}")
    });
    let length = good.len();
    let changed = (0..length, "[ -~]").prop_filter_map("the same", move |(at, character)| {
        let mut token = good.clone();
        token.replace_range(at..=at, &character);
        (token != good).then_some(token)
    });
    prop_oneof![any::<String>(), "[A-Za-z0-9_.-]{0,200}", parts, changed]
}

#[test]
fn nothing_made_up_passes() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let stand_in = runtime.block_on(StandIn::start());
    let tenant = stand_in.tenant();
    let good = stand_in.sign(&stand_in.access_claims());
    assert_eq!(runtime.block_on(said_by(&tenant, &good)), "accepted auth0|ana");
    proptest!(|(token in thrown(good))| {
        let told = runtime.block_on(said_by(&tenant, &token));
        prop_assert!(!told.starts_with("accepted"), "{token}");
    });
    assert_eq!(fetches(&stand_in), 1);
}

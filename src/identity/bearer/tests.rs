//! Who is let in, by real signatures and a tenant on a real socket.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::{Presented, Refusal, Scheme, Verified, Verifier, VerifierSettings};
use crate::auth0::jwt::{VerifyingKey, now};
use crate::auth0::signer::{Signer, unsigned};
use crate::auth0::stand_in::{AUDIENCE, KEYS_PATH, StandIn};

struct Stage {
    stand_in: StandIn,
    verifier: Verifier,
    key: Signer,
}

impl Stage {
    async fn new() -> Self {
        Self::with(false).await
    }

    async fn with(require_dpop: bool) -> Self {
        let stand_in = StandIn::start().await;
        let settings = VerifierSettings {
            audience: AUDIENCE.to_owned(),
            require_dpop,
            first_party_clients: vec!["ours".to_owned()],
        };
        let verifier = Verifier::new(stand_in.tenant(), settings);
        Self { stand_in, verifier, key: Signer::ec("client") }
    }

    fn token(&self, changes: &Value) -> String {
        let mut claims = self.stand_in.access_claims();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        self.stand_in.sign(&claims)
    }

    /// A token that is bound to the client's key.
    fn bound_token(&self) -> String {
        let key = VerifyingKey::of_sender(&self.key.jwk()).unwrap();
        self.token(&json!({ "cnf": { "jkt": key.thumbprint().unwrap() } }))
    }

    /// A proof for `token` with other claims.
    fn proof(&self, token: &str, changes: &Value) -> String {
        self.proof_by(&self.key, &json!({}), token, changes)
    }

    fn proof_by(&self, key: &Signer, header: &Value, token: &str, changes: &Value) -> String {
        let (header, claims) = proof_parts(key, header, token, changes);
        key.sign(&header, &claims)
    }

    async fn verify(&self, headers: &[(&str, &str)]) -> Result<Verified, Refusal> {
        self.verify_at("https://mcp.example.com/mcp", headers).await
    }

    async fn verify_at(&self, url: &str, headers: &[(&str, &str)]) -> Result<Verified, Refusal> {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                let name: HeaderName = name.parse().unwrap();
                (name, HeaderValue::from_bytes(value.as_bytes()).unwrap())
            })
            .collect();
        let url = Url::parse(url).unwrap();
        let presented = Presented { headers: &headers, method: &Method::POST, url: &url };
        self.verifier.verify(&presented).await
    }

    /// Who is let in, or what else is answered.
    async fn said(&self, headers: &[(&str, &str)]) -> String {
        told(self.verify(headers).await)
    }

    async fn said_of_proof(&self, token: &str, proof: &str) -> String {
        self.said(&[("authorization", &format!("DPoP {token}")), ("dpop", proof)]).await
    }
}

fn proof_parts(key: &Signer, header: &Value, token: &str, changes: &Value) -> (Value, Value) {
    let mut all = json!({ "alg": key.algorithm_name(), "typ": "dpop+jwt", "jwk": key.jwk() });
    for (name, value) in header.as_object().unwrap() {
        all[name] = value.clone();
    }
    let mut claims = json!({
        "jti": crate::auth0::random_token(), "htm": "POST", "htu": "https://mcp.example.com/mcp",
        "iat": now(), "ath": URL_SAFE_NO_PAD.encode(Sha256::digest(token)),
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    (all, claims)
}

fn told(verified: Result<Verified, Refusal>) -> String {
    match verified {
        Ok(verified) => format!("{} {:?}", verified.caller.subject, verified.scopes.names()),
        Err(refusal) => match refusal.challenge() {
            Some(challenge) => {
                format!("{} {}", challenge.status.as_u16(), challenge.header_value(&[]))
            }
            None => format!("503 {refusal}"),
        },
    }
}

#[tokio::test]
async fn knows_who_calls_and_what_for() {
    let stage = Stage::new().await;
    let token = stage.token(&json!({ "org_id": "org_1", "permissions": ["bitbucket:read"] }));
    let verified = stage.verify(&[("authorization", &format!("Bearer {token}"))]).await.unwrap();
    assert_eq!(verified.caller.issuer, stage.stand_in.domain().as_str());
    assert_eq!(verified.caller.subject, "auth0|ana");
    assert_eq!(verified.caller.organization.as_deref(), Some("org_1"));
    assert_eq!(verified.scopes.names(), ["bitbucket:read"]);
    assert_eq!(verified.client_id.as_deref(), Some("agent"));
    assert_eq!(verified.token.expose(), token);
    assert_eq!(verified.scheme, Scheme::Bearer);
    assert!(!format!("{verified:?}").contains(&token));

    let token = stage.bound_token();
    let (shown, proof) = (format!("DPoP {token}"), stage.proof(&token, &json!({})));
    let verified = stage.verify(&[("authorization", &shown), ("dpop", &proof)]).await.unwrap();
    assert_eq!(verified.scheme, Scheme::Dpop);
}

#[tokio::test]
async fn reads_one_header_and_nothing_else() {
    let stage = Stage::new().await;
    let token = stage.token(&json!({}));
    let bearer = format!("Bearer {token}");
    let mut lines = Vec::new();
    for (what, headers) in [
        ("bearer", vec![("authorization", bearer.clone())]),
        ("in small letters", vec![("authorization", format!("bearer {token}"))]),
        ("with more spaces", vec![("authorization", format!("BEARER   {token} "))]),
        ("with a proof that nobody asked for", {
            vec![("authorization", bearer.clone()), ("dpop", "x".to_owned())]
        }),
        ("nothing", vec![]),
        ("an unknown scheme", vec![("authorization", "Basic YW5hOmh1c2g=".to_owned())]),
        ("a scheme alone", vec![("authorization", "Bearer".to_owned())]),
        ("a scheme and a space", vec![("authorization", "Bearer ".to_owned())]),
        ("a token alone", vec![("authorization", token.clone())]),
        (
            "twice the same",
            vec![("authorization", bearer.clone()), ("authorization", bearer.clone())],
        ),
        ("two in one", vec![("authorization", format!("{bearer}, {bearer}"))]),
        ("a tab", vec![("authorization", format!("Bearer\t{token}"))]),
        ("another alphabet", vec![("authorization", format!("Bearer {token}\u{e9}"))]),
        ("quotes", vec![("authorization", format!("Bearer \"{token}\""))]),
        ("in another header", vec![("x-authorization", bearer.clone())]),
        ("from a proxy", vec![("x-forwarded-user", "auth0|ana".to_owned())]),
    ] {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        lines.push(format!("{what}: {}", stage.said(&headers).await));
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    bearer: auth0|ana ["bitbucket:read", "bitbucket:write"]
    in small letters: auth0|ana ["bitbucket:read", "bitbucket:write"]
    with more spaces: auth0|ana ["bitbucket:read", "bitbucket:write"]
    with a proof that nobody asked for: auth0|ana ["bitbucket:read", "bitbucket:write"]
    nothing: 401 Bearer
    an unknown scheme: 401 Bearer
    a scheme alone: 401 Bearer error="invalid_token", error_description="the access token is not valid: it is malformed"
    a scheme and a space: 401 Bearer error="invalid_token", error_description="the access token is not valid: it is malformed"
    a token alone: 401 Bearer
    twice the same: 400 Bearer error="invalid_request", error_description="more than one Authorization header was sent"
    two in one: 401 Bearer error="invalid_token", error_description="the access token is not valid: it is malformed"
    a tab: 401 Bearer
    another alphabet: 401 Bearer error="invalid_token", error_description="the access token is not valid: it is malformed"
    quotes: 401 Bearer error="invalid_token", error_description="the access token is not valid: it is malformed"
    in another header: 401 Bearer
    from a proxy: 401 Bearer
    "#);
}

#[tokio::test]
async fn takes_no_token_from_the_address() {
    let stage = Stage::new().await;
    let token = stage.token(&json!({}));
    let url = format!("https://mcp.example.com/mcp?access_token={token}");
    assert_eq!(told(stage.verify_at(&url, &[]).await), "401 Bearer");
}

#[tokio::test]
async fn lets_in_people_only() {
    let stage = Stage::new().await;
    let mut lines = Vec::new();
    for changes in [
        json!({ "sub": "agent@clients" }),
        json!({ "gty": "client-credentials" }),
        json!({ "sub": "auth0|ana\nadmin" }),
        json!({ "sub": "x".repeat(256) }),
        json!({ "org_id": "org_1\u{0}" }),
        json!({ "sub": "\u{e4}".repeat(255) }),
    ] {
        let token = stage.token(&changes);
        let told = stage.said(&[("authorization", &format!("Bearer {token}"))]).await;
        lines.push(told.replace(&"\u{e4}".repeat(255), "255 letters"));
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    401 Bearer error="invalid_token", error_description="this access token belongs to a machine; Bitbucket accounts are linked to people, so a person has to sign in"
    401 Bearer error="invalid_token", error_description="this access token belongs to a machine; Bitbucket accounts are linked to people, so a person has to sign in"
    401 Bearer error="invalid_token", error_description="the access token names its person in a way that cannot be used"
    401 Bearer error="invalid_token", error_description="the access token names its person in a way that cannot be used"
    401 Bearer error="invalid_token", error_description="the access token names its person in a way that cannot be used"
    255 letters ["bitbucket:read", "bitbucket:write"]
    "#);
}

#[tokio::test]
async fn shows_a_bound_token_with_its_proof_only() {
    let stage = Stage::new().await;
    let (bound, free) = (stage.bound_token(), stage.token(&json!({})));
    let proof = |token: &str| stage.proof(token, &json!({}));
    let mut lines = Vec::new();
    for (what, scheme, token, proof) in [
        ("bound, as it must be", "DPoP", &bound, proof(&bound)),
        ("in small letters", "dpop", &bound, proof(&bound)),
        ("bound, as bearer", "Bearer", &bound, proof(&bound)),
        ("free, as bound", "DPoP", &free, proof(&free)),
    ] {
        let authorization = format!("{scheme} {token}");
        let headers = [("authorization", authorization.as_str()), ("dpop", proof.as_str())];
        lines.push(format!("{what}: {}", stage.said(&headers).await));
    }
    let alone = stage.said(&[("authorization", &format!("DPoP {bound}"))]).await;
    lines.push(format!("bound, without proof: {alone}"));
    insta::assert_snapshot!(lines.join("\n"), @r#"
    bound, as it must be: auth0|ana ["bitbucket:read", "bitbucket:write"]
    in small letters: auth0|ana ["bitbucket:read", "bitbucket:write"]
    bound, as bearer: 401 DPoP algs="ES256 RS256", error="invalid_token", error_description="the access token is bound to a key; show it as DPoP, with a proof"
    free, as bound: 401 DPoP algs="ES256 RS256", error="invalid_token", error_description="the access token is not bound to a key"
    bound, without proof: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="no proof was sent with the access token"
    "#);
}

#[tokio::test]
async fn wants_bound_tokens_where_the_settings_say_so() {
    let stage = Stage::with(true).await;
    let (bound, free) = (stage.bound_token(), stage.token(&json!({})));
    let proof = stage.proof(&bound, &json!({}));
    let lines = [
        stage.said(&[]).await,
        stage.said(&[("authorization", &format!("Bearer {free}"))]).await,
        stage.said_of_proof(&free, &stage.proof(&free, &json!({}))).await,
        stage.said_of_proof(&bound, &proof).await,
    ];
    insta::assert_snapshot!(lines.join("\n"), @r#"
    401 DPoP algs="ES256 RS256"
    401 DPoP algs="ES256 RS256", error="invalid_token", error_description="this server takes only access tokens that are bound to a key"
    401 DPoP algs="ES256 RS256", error="invalid_token", error_description="the access token is not bound to a key"
    auth0|ana ["bitbucket:read", "bitbucket:write"]
    "#);
}

#[tokio::test]
async fn refuses_every_proof_that_was_not_made_for_this() {
    let stage = Stage::new().await;
    let token = stage.bound_token();
    let other = stage.token(&json!({ "sub": "auth0|ben", "cnf": { "jkt": "x" } }));
    let now = now();
    let claims = |changes: Value| stage.proof(&token, &changes);
    let header = |changes: Value| stage.proof_by(&stage.key, &changes, &token, &json!({}));
    let rsa = Signer::stranger("client");
    let private = |member: &str| {
        let mut jwk = stage.key.jwk();
        jwk[member] = json!("AQAB");
        header(json!({ "jwk": jwk }))
    };
    let unsigned_as = |alg: &str| {
        let header = json!({ "alg": alg });
        let (header, claims) = proof_parts(&stage.key, &header, &token, &json!({}));
        format!("{}.", unsigned(&header, &claims))
    };
    let hmac = {
        let jwk = json!({ "kty": "oct", "k": "aHVzaA" });
        header(json!({ "alg": "HS256", "jwk": jwk }))
    };
    let mut lines = Vec::new();
    for (what, proof) in [
        ("good", claims(json!({}))),
        ("with a query and in capitals", {
            claims(json!({ "htu": "HTTPS://MCP.example.com:443/a/../mcp?x=1#y" }))
        }),
        ("made five minutes ago", claims(json!({ "iat": now - 290.0 }))),
        ("another method", claims(json!({ "htm": "GET" }))),
        ("the method in small letters", claims(json!({ "htm": "post" }))),
        ("another path", claims(json!({ "htu": "https://mcp.example.com/mcp/" }))),
        ("another host", claims(json!({ "htu": "https://evil.example.com/mcp" }))),
        ("another port", claims(json!({ "htu": "https://mcp.example.com:8443/mcp" }))),
        ("another scheme", claims(json!({ "htu": "http://mcp.example.com/mcp" }))),
        ("no URL", claims(json!({ "htu": "/mcp" }))),
        ("another token's", stage.proof(&other, &json!({}))),
        ("no token's", claims(json!({ "ath": null }))),
        ("stale", claims(json!({ "iat": now - 310.0 }))),
        ("from the future", claims(json!({ "iat": now + 60.0 }))),
        ("without a time", claims(json!({ "iat": null }))),
        ("without an identifier", claims(json!({ "jti": "" }))),
        ("with a long identifier", claims(json!({ "jti": "x".repeat(129) }))),
        ("another type", header(json!({ "typ": "JWT" }))),
        ("no type", header(json!({ "typ": null }))),
        ("no key", header(json!({ "jwk": null }))),
        ("a private key", private("d")),
        ("a shared key", hmac),
        ("HS256 under our own key", unsigned_as("HS256")),
        ("no algorithm", unsigned_as("none")),
        ("an algorithm of another key", header(json!({ "alg": "RS256" }))),
        ("critical", header(json!({ "crit": ["b64"] }))),
        ("another key", stage.proof_by(&rsa, &json!({}), &token, &json!({}))),
        ("another key that says it is ours", {
            stage.proof_by(
                &Signer::ec("client"),
                &json!({ "jwk": stage.key.jwk() }),
                &token,
                &json!({}),
            )
        }),
        ("the token itself", token.clone()),
        ("two in one", format!("{0},{0}", claims(json!({})))),
        ("long", claims(json!({ "pad": "x".repeat(8 * 1024) }))),
        ("nothing", String::new()),
    ] {
        lines.push(format!("{what}: {}", stage.said_of_proof(&token, &proof).await));
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    good: auth0|ana ["bitbucket:read", "bitbucket:write"]
    with a query and in capitals: auth0|ana ["bitbucket:read", "bitbucket:write"]
    made five minutes ago: auth0|ana ["bitbucket:read", "bitbucket:write"]
    another method: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof is for another method"
    the method in small letters: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof is for another method"
    another path: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof is for another URL"
    another host: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof is for another URL"
    another port: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof is for another URL"
    another scheme: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof is for another URL"
    no URL: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof is for another URL"
    another token's: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof is for another access token"
    no token's: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof is malformed"
    stale: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof is too old"
    from the future: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof is from the future"
    without a time: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof is malformed"
    without an identifier: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof is malformed"
    with a long identifier: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof is malformed"
    another type: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof is not of the type dpop+jwt"
    no type: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof is not of the type dpop+jwt"
    no key: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof names no public key for RS256 or ES256"
    a private key: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof names no public key for RS256 or ES256"
    a shared key: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the algorithm of the proof is not allowed"
    HS256 under our own key: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the algorithm of the proof is not allowed"
    no algorithm: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the algorithm of the proof is not allowed"
    an algorithm of another key: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the algorithm of the proof is not allowed"
    critical: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof is malformed"
    another key: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the access token is bound to another key"
    another key that says it is ours: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the signature of the proof is wrong"
    the token itself: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof is not of the type dpop+jwt"
    two in one: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof is malformed"
    long: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof is malformed"
    nothing: 401 DPoP algs="ES256 RS256", error="invalid_dpop_proof", error_description="the proof is malformed"
    "#);
}

#[tokio::test]
async fn takes_a_proof_once() {
    let stage = Stage::new().await;
    let token = stage.bound_token();
    let proof = stage.proof(&token, &json!({}));
    let at_once = (0..20).map(|_| stage.said_of_proof(&token, &proof));
    let told = futures::future::join_all(at_once).await;
    let good = told.iter().filter(|told| told.starts_with("auth0|ana")).count();
    assert_eq!(good, 1, "{told:?}");
    assert_eq!(
        stage.said_of_proof(&token, &proof).await,
        "401 DPoP algs=\"ES256 RS256\", error=\"invalid_dpop_proof\", \
         error_description=\"the proof was used already\""
    );
    let authorization = format!("DPoP {token}");
    let two = [
        ("authorization", authorization.as_str()),
        ("dpop", &stage.proof(&token, &json!({}))),
        ("dpop", &stage.proof(&token, &json!({}))),
    ];
    assert_eq!(
        stage.said(&two).await,
        "401 DPoP algs=\"ES256 RS256\", error=\"invalid_dpop_proof\", \
         error_description=\"more than one proof was sent\""
    );
}

#[tokio::test]
async fn a_refused_proof_is_not_used_up() {
    let stage = Stage::new().await;
    let token = stage.bound_token();
    let proof = stage.proof(&token, &json!({}));
    let headers = [("authorization", format!("DPoP {token}")), ("dpop", proof)];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let elsewhere = stage.verify_at("https://mcp.example.com/other", &headers).await.unwrap_err();
    assert_eq!(elsewhere, Refusal::Proof("the proof is for another URL".to_owned()));
    assert!(stage.verify(&headers).await.is_ok());
}

#[tokio::test]
async fn says_that_auth0_is_down_and_not_that_the_token_is_bad() {
    let stage = Stage::new().await;
    stage.stand_in.answer(KEYS_PATH, 503, json!({}));
    let token = stage.token(&json!({}));
    let bearer = format!("Bearer {token}");
    let told = stage.said(&[("authorization", &bearer)]).await;
    assert_eq!(told, "503 Auth0 cannot be reached to check the access token");
    assert_eq!(stage.said(&[]).await, "401 Bearer");
    assert_eq!(stage.verifier.warm_up().await, Err(Refusal::Unavailable));
}

#[tokio::test]
async fn is_ready_once_it_has_the_keys() {
    let stage = Stage::new().await;
    assert_eq!(stage.verifier.warm_up().await, Ok(()));
    stage.stand_in.answer(KEYS_PATH, 503, json!({}));
    assert_eq!(stage.verifier.warm_up().await, Ok(()));
    let bearer = format!("Bearer {}", stage.token(&json!({})));
    assert!(stage.verify(&[("authorization", &bearer)]).await.is_ok());
}

/// Whatever is refused, a client can read why, and reads nothing of what it sent.
#[tokio::test]
async fn quotes_nothing_of_a_token() {
    let stage = Stage::new().await;
    let stranger = Signer::stranger("marked-kid");
    let header = json!({ "alg": "RS256", "kid": "marked\"kid", "typ": "marked-type" });
    let claims = json!({ "sub": "marked-subject", "iss": "marked-issuer", "aud": "marked" });
    for token in [
        "marked".to_owned(),
        stranger.sign(&header, &claims),
        stranger.sign(&stranger.header("JWT"), &claims),
        stage.token(&json!({ "sub": "marked\u{7}", "scope": "marked" })),
        stage.token(&json!({ "iss": "marked" })),
    ] {
        let refusal = stage.verify(&[("authorization", &format!("Bearer {token}"))]).await;
        let refusal = refusal.unwrap_err();
        let told =
            format!("{refusal} {refusal:?} {}", refusal.challenge().unwrap().header_value(&[]));
        assert!(!told.contains("marked"), "{told}");
        let description = refusal.challenge().unwrap().description.unwrap();
        let fits = |byte: u8| (b' '..=b'~').contains(&byte) && !b"\"\\".contains(&byte);
        assert!(description.bytes().all(fits), "{description}");
    }
}

#[tokio::test]
async fn counts_permissions_alone_for_our_own_clients_only() {
    let stage = Stage::new().await;
    let token = |client: &str| {
        let changes =
            json!({ "azp": client, "scope": "openid", "permissions": ["bitbucket:write"] });
        format!("Bearer {}", stage.token(&changes))
    };
    assert_eq!(stage.said(&[("authorization", &token("agent"))]).await, "auth0|ana []");
    let ours = stage.said(&[("authorization", &token("ours"))]).await;
    assert_eq!(ours, "auth0|ana [\"bitbucket:write\"]");
}

#[test]
fn nothing_made_up_passes() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let stage = runtime.block_on(Stage::new());
    let token = stage.bound_token();
    let good = stage.proof(&token, &json!({}));
    let length = good.len();
    let changed = (0..length, "[ -~]").prop_filter_map("the same", move |(at, character)| {
        let mut proof = good.clone();
        proof.replace_range(at..=at, &character);
        (proof != good).then_some(proof)
    });
    let proofs = prop_oneof!["[ -~]{0,100}", changed];
    proptest!(|(authorization in "(Bearer|DPoP)? ?[ -~\u{80}-\u{ff}]{0,100}", proof in proofs)| {
        let made_up = [("authorization", authorization.as_str())];
        prop_assert!(runtime.block_on(stage.verify(&made_up)).is_err());
        let told = runtime.block_on(stage.said_of_proof(&token, &proof));
        prop_assert!(told.starts_with("401"), "{told}");
    });
    assert_eq!(stage.verifier.settings.audience, AUDIENCE);
    let missing = runtime.block_on(stage.verify(&[])).unwrap_err();
    assert_eq!(missing, Refusal::Missing(Scheme::Bearer));
}

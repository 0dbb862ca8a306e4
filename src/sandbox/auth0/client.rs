//! Which application a request to the token endpoint comes from.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PSS_2048_8192_SHA256, RsaParameters,
};
use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::Auth0;
use super::applications::Application;
use super::errors::OAuthError;
use super::jwt::Jwt;
use super::parameters::Parameters;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The longest assertion, and the longest life and clock difference that one may have, in seconds.
const LONGEST_ASSERTION: usize = 2_048;
const LONGEST_LIFE: u64 = 300;
const SKEW: u64 = 10;

impl Auth0 {
    /// Checks the client's authentication: a secret in the body or by HTTP Basic, a signed assertion, or,
    /// for a public client, its name alone.
    pub(crate) fn authenticate(
        &self,
        headers: &HeaderMap,
        parameters: &Parameters,
    ) -> Result<Application, OAuthError> {
        let basic = basic(headers)?;
        let methods = [
            basic.is_some(),
            parameters.get("client_secret").is_some(),
            parameters.get("client_assertion").is_some(),
        ];
        if methods.into_iter().filter(|used| *used).count() > 1 {
            // RFC 6749 section 2.3
            let text = "The client may use one authentication method only";
            return Err(OAuthError::invalid_request(text));
        }
        if let Some(assertion) = parameters.get("client_assertion") {
            if parameters.require("client_assertion_type")? != ASSERTION_TYPE {
                return Err(OAuthError::invalid_request("Unsupported client_assertion_type"));
            }
            return self.check_assertion(assertion, parameters.get("client_id"));
        }
        let (id, secret) = match &basic {
            Some((id, secret)) => (Some(id.as_str()), Some(secret.as_str())),
            None => (parameters.get("client_id"), parameters.get("client_secret")),
        };
        if parameters.get("client_id").is_some_and(|named| Some(named) != id) {
            return Err(OAuthError::invalid_request("Two different client ids"));
        }
        let Some(id) = id else {
            return Err(OAuthError::invalid_request("Missing required parameter: client_id"));
        };
        self.world
            .lock()
            .tenant
            .application(id)
            .filter(|known| known.key.is_none() && known.secret.as_deref() == secret)
            .ok_or_else(|| OAuthError::invalid_client("Client authentication failed"))
    }

    fn check_assertion(
        &self,
        assertion: &str,
        named: Option<&str>,
    ) -> Result<Application, OAuthError> {
        let refused = |text: &str| OAuthError::invalid_client(format!("Client assertion: {text}"));
        if assertion.len() > LONGEST_ASSERTION {
            return Err(refused("too long"));
        }
        let jwt = Jwt::read(assertion).ok_or_else(|| refused("not a JWT"))?;
        let id = jwt.claim("iss").filter(|id| jwt.claim("sub") == Some(id));
        let id = id.ok_or_else(|| refused("iss and sub must be the client id"))?;
        if named.is_some_and(|named| named != id) {
            return Err(OAuthError::invalid_request("Two different client ids"));
        }
        let application = self.world.lock().tenant.application(id);
        let application =
            application.ok_or_else(|| refused("iss and sub must be the client id"))?;
        let key = application.key.as_deref().and_then(public_key);
        let key = key.ok_or_else(|| OAuthError::invalid_client("No key is registered"))?;
        let algorithm: &RsaParameters = match jwt.header.get("alg").and_then(Value::as_str) {
            Some("RS256") => &RSA_PKCS1_2048_8192_SHA256,
            Some("RS384") => &RSA_PKCS1_2048_8192_SHA384,
            Some("PS256") => &RSA_PSS_2048_8192_SHA256,
            _ => return Err(refused("unsupported algorithm")),
        };
        if !jwt.is_signed_by(algorithm, &key) {
            return Err(refused("wrong signature"));
        }
        let issuer = self.issuer();
        let audience = jwt.claims.get("aud");
        let listed = audience.and_then(Value::as_array).is_some_and(|list| {
            list.iter().all(|one| one.as_str() == Some(&issuer)) && !list.is_empty()
        });
        if audience.and_then(Value::as_str) != Some(&issuer) && !listed {
            return Err(refused("aud must be the issuer, with its slash"));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let moment = |name: &str| jwt.claims.get(name).and_then(Value::as_f64);
        let seconds = |value: u64| value as f64;
        let Some(expires) = moment("exp") else { return Err(refused("exp is missing")) };
        if expires < seconds(now.saturating_sub(SKEW)) {
            return Err(refused("expired"));
        }
        if expires > seconds(now + LONGEST_LIFE + SKEW) {
            return Err(refused("exp lies more than five minutes ahead"));
        }
        let early = |name| moment(name).is_some_and(|moment| moment > seconds(now + SKEW));
        if early("iat") || early("nbf") {
            return Err(refused("not valid yet"));
        }
        let Some(id) = jwt.claim("jti").filter(|id| !id.is_empty() && id.len() <= 64) else {
            return Err(refused("jti is missing or too long"));
        };
        if !self.world.lock().issued.assertions.insert(id.to_owned()) {
            return Err(refused("used before"));
        }
        Ok(application)
    }
}

/// Id and secret of HTTP Basic, each form-encoded first (RFC 6749 section 2.3.1).
fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, OAuthError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let read = || {
        let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
        let decoded = STANDARD.decode(encoded.trim()).ok()?;
        let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
        let plain = |text: &str| {
            let text = text.replace('+', " ");
            percent_decode_str(&text).decode_utf8().map(|text| text.into_owned()).ok()
        };
        scheme.eq_ignore_ascii_case("basic").then_some((plain(id)?, plain(secret)?))
    };
    read().map(Some).ok_or_else(|| OAuthError::invalid_client("Unreadable Authorization header"))
}

/// The bytes inside a PEM block.
fn public_key(pem: &str) -> Option<Vec<u8>> {
    let body: String =
        pem.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(body).ok()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::super::tenant::CLIENT_ID;
    use super::super::testing::Harness;
    use super::{ASSERTION_TYPE, STANDARD};

    fn sign(key: &KeyPair, claims: &Value) -> String {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#);
        let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    #[tokio::test]
    async fn takes_a_secret_in_the_body_or_by_basic_but_not_both() {
        let harness = Harness::start().await;
        let token = harness.sandbox.refresh_token("linked").unwrap();
        let (id, secret) = (harness.sandbox.client_id(), harness.sandbox.client_secret());
        let grant = [("grant_type", "refresh_token"), ("refresh_token", &*token)];
        assert_eq!(harness.form("/oauth/token", &grant).await.0, 200);
        let url = harness.url("/oauth/token");
        let basic = |secret: Option<&str>| {
            let secret = secret.map(str::to_owned);
            let (url, id, grant) = (&url, &id, &grant);
            move |http: &reqwest::Client| http.post(url).basic_auth(id, secret).form(grant)
        };
        assert_eq!(harness.send(basic(Some(&secret))).await.0, 200);
        let failed = json!({
            "error": "invalid_client",
            "error_description": "Client authentication failed",
        });
        assert_eq!(harness.send(basic(Some("wrong"))).await, (401, failed.clone()));
        let wrong = [("client_id", &*id), ("client_secret", "wrong"), grant[0], grant[1]];
        assert_eq!(harness.bare_form("/oauth/token", &wrong).await, (401, failed.clone()));
        let none = [("client_id", &*id), grant[0], grant[1]];
        assert_eq!(harness.bare_form("/oauth/token", &none).await, (401, failed));
        let (_, twice) = harness
            .send(|http| {
                let both = [("client_id", &*id), ("client_secret", &*secret), grant[0], grant[1]];
                http.post(&url).basic_auth(&id, Some(&secret)).form(&both)
            })
            .await;
        assert_eq!(twice["error_description"], "The client may use one authentication method only");
        let body = json!({
            "grant_type": "refresh_token",
            "refresh_token": token,
            "client_id": id,
            "client_secret": secret,
        });
        assert_eq!(harness.send(|http| http.post(&url).json(&body)).await.0, 200);
    }

    #[tokio::test]
    async fn checks_every_claim_of_an_assertion() {
        let harness = Harness::start().await;
        let token = harness.sandbox.refresh_token("linked").unwrap();
        let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
        let pem = STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n");
        harness.sandbox.world().set_client_key(&pem);
        let now = jiff::Timestamp::now().as_second();
        let good = json!({
            "iss": CLIENT_ID,
            "sub": CLIENT_ID,
            "aud": format!("{}/", harness.sandbox.auth0_domain()),
            "iat": now,
            "exp": now + 60,
            "jti": "first",
        });
        let send = async |assertion: &str| {
            let pairs = [
                ("grant_type", "refresh_token"),
                ("refresh_token", &token),
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", assertion),
            ];
            let (status, body) = harness.bare_form("/oauth/token", &pairs).await;
            (status, body["error_description"].as_str().unwrap_or_default().to_owned())
        };
        let assertion = sign(&key, &good);
        assert_eq!(send(&assertion).await, (200, String::new()));
        assert_eq!(send(&assertion).await, (401, "Client assertion: used before".into()));
        for (name, value, text) in [
            ("iss", json!("other"), "iss and sub must be the client id"),
            (
                "aud",
                json!(harness.sandbox.auth0_domain()),
                "aud must be the issuer, with its slash",
            ),
            ("exp", json!(now - 60), "expired"),
            ("exp", json!(now + 3600), "exp lies more than five minutes ahead"),
            ("exp", Value::Null, "exp is missing"),
            ("iat", json!(now + 60), "not valid yet"),
            ("jti", json!("x".repeat(65)), "jti is missing or too long"),
        ] {
            let mut claims = good.clone();
            claims["jti"] = json!(text);
            claims[name] = value;
            let said = send(&sign(&key, &claims)).await;
            assert_eq!(said, (401, format!("Client assertion: {text}")));
        }
        let stranger = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let said = send(&sign(&stranger, &good)).await;
        assert_eq!(said, (401, "Client assertion: wrong signature".into()));
        let grant = [("grant_type", "refresh_token"), ("refresh_token", &*token)];
        assert_eq!(harness.form("/oauth/token", &grant).await.0, 401, "the secret is off now");
    }
}

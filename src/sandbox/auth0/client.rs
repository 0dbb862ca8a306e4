//! Whether a request to the token endpoint comes from the application.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PSS_2048_8192_SHA256,
    RsaParameters, UnparsedPublicKey,
};
use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::Auth0;
use super::errors::OAuthError;
use super::parameters::Parameters;
use super::tenant::CLIENT_ID;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The longest assertion, and the longest life and clock difference that one may have, in seconds.
const LONGEST_ASSERTION: usize = 2_048;
const LONGEST_LIFE: u64 = 300;
const SKEW: u64 = 10;

impl Auth0 {
    /// Checks the client's authentication: a secret in the body or by HTTP Basic, or a signed assertion.
    pub(crate) fn authenticate(
        &self,
        headers: &HeaderMap,
        parameters: &Parameters,
    ) -> Result<(), OAuthError> {
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
        let tenant = self.world.lock().tenant.clone();
        if let Some(assertion) = parameters.get("client_assertion") {
            if parameters.require("client_assertion_type")? != ASSERTION_TYPE {
                return Err(OAuthError::invalid_request("Unsupported client_assertion_type"));
            }
            let key = tenant.client_key.as_deref().and_then(public_key);
            let key = key.ok_or_else(|| OAuthError::invalid_client("No key is registered"))?;
            return self.check_assertion(assertion, &key);
        }
        let (id, secret) = match &basic {
            Some((id, secret)) => (Some(id.as_str()), Some(secret.as_str())),
            None => (parameters.get("client_id"), parameters.get("client_secret")),
        };
        if parameters.get("client_id").is_some_and(|named| Some(named) != id) {
            return Err(OAuthError::invalid_request("Two different client ids"));
        }
        if id.is_none() {
            return Err(OAuthError::invalid_request("Missing required parameter: client_id"));
        }
        if id != Some(CLIENT_ID)
            || tenant.client_key.is_some()
            || secret != Some(tenant.client_secret.as_str())
        {
            return Err(OAuthError::invalid_client("Client authentication failed"));
        }
        Ok(())
    }

    fn check_assertion(&self, assertion: &str, key: &[u8]) -> Result<(), OAuthError> {
        let refused = |text: &str| OAuthError::invalid_client(format!("Client assertion: {text}"));
        if assertion.len() > LONGEST_ASSERTION {
            return Err(refused("too long"));
        }
        let mut parts = assertion.rsplitn(2, '.');
        let (signature, message) = (parts.next(), parts.next());
        let (Some(signature), Some(message)) = (signature, message) else {
            return Err(refused("not a JWT"));
        };
        let mut halves = message.split('.').map(decode);
        let (Some(Some(header)), Some(Some(claims)), None) =
            (halves.next(), halves.next(), halves.next())
        else {
            return Err(refused("not a JWT"));
        };
        let algorithm: &RsaParameters = match text(&header, "alg") {
            Some("RS256") => &RSA_PKCS1_2048_8192_SHA256,
            Some("RS384") => &RSA_PKCS1_2048_8192_SHA384,
            Some("PS256") => &RSA_PSS_2048_8192_SHA256,
            _ => return Err(refused("unsupported algorithm")),
        };
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        UnparsedPublicKey::new(algorithm, key)
            .verify(message.as_bytes(), &signature)
            .map_err(|_| refused("wrong signature"))?;
        if text(&claims, "iss") != Some(CLIENT_ID) || text(&claims, "sub") != Some(CLIENT_ID) {
            return Err(refused("iss and sub must be the client id"));
        }
        let issuer = self.issuer();
        let audience = claims.get("aud");
        let listed = audience.and_then(Value::as_array).is_some_and(|list| {
            list.iter().all(|one| one.as_str() == Some(&issuer)) && !list.is_empty()
        });
        if audience.and_then(Value::as_str) != Some(&issuer) && !listed {
            return Err(refused("aud must be the issuer, with its slash"));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let moment = |name: &str| claims.get(name).and_then(Value::as_f64);
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
        let Some(id) = text(&claims, "jti").filter(|id| !id.is_empty() && id.len() <= 64) else {
            return Err(refused("jti is missing or too long"));
        };
        if !self.world.lock().issued.assertions.insert(id.to_owned()) {
            return Err(refused("used before"));
        }
        Ok(())
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

fn decode(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn text<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

/// The bytes inside a PEM block.
fn public_key(pem: &str) -> Option<Vec<u8>> {
    let body: String =
        pem.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(body).ok()
}

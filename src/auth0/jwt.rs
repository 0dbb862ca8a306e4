//! Signed tokens, as far as ID tokens, access tokens and proofs have it in common: what the header
//! may say, which keys count, and the signature (RFC 7515, RFC 7517, RFC 8725).

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse, ThumbprintHash,
};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::client::install_cryptography;

/// NIST SP 800-131A: 2048 bits at least.
const SHORTEST_RSA_MODULUS: usize = 2048 / 8;
/// The length of either coordinate on P-256 (RFC 7518 section 6.2.1.2).
const P256_COORDINATE: usize = 32;
/// What only a private or a shared key has (RFC 7518 sections 6.2.2, 6.3.2 and 6.4).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// What is wrong with a signed token, whatever it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JwtProblem {
    /// It is no signed JWT, or its claims are not of the types that they must be.
    Malformed,
    /// Neither RS256 nor ES256, or not what the key is for.
    Algorithm,
    /// The signature does not hold.
    Signature,
    /// Its time is over.
    Expired,
    /// It is from the future.
    Future,
}

/// A token that was taken apart. Nothing that it says counts before [`verify`](Self::verify).
pub(crate) struct Jwt<'a> {
    pub(crate) header: Header,
    algorithm: Algorithm,
    signed: &'a str,
    payload: &'a str,
    signature: &'a str,
}

/// The header, as far as anybody here asks. Where it says that its key is to be found (`jku`, `x5u`,
/// `x5c`) is not read at all, and `jwk` only by whom a key of the sender's own is what is wanted.
#[derive(Deserialize)]
pub(crate) struct Header {
    alg: String,
    pub(crate) typ: Option<String>,
    pub(crate) kid: Option<String>,
    pub(crate) jwk: Option<Value>,
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
}

/// Whom a token is for (RFC 7519 section 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Many(Vec<String>),
}

/// A public key that may check signatures.
pub(crate) struct VerifyingKey {
    jwk: Jwk,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl<'a> Jwt<'a> {
    /// Takes `token` apart.
    pub(crate) fn read(token: &'a str) -> Result<Self, JwtProblem> {
        let (signed, signature) = token.rsplit_once('.').ok_or(JwtProblem::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(JwtProblem::Malformed)?;
        if payload.contains('.') {
            return Err(JwtProblem::Malformed);
        }
        let header: Header = json(header)?;
        // RFC 7515 section 4.1.11: we understand no extension, so none may be critical.
        if header.crit {
            return Err(JwtProblem::Malformed);
        }
        // RFC 8725 section 3.1. `none` and every shared secret stay outside.
        let algorithm = match header.alg.as_str() {
            "RS256" => Algorithm::RS256,
            "ES256" => Algorithm::ES256,
            _ => return Err(JwtProblem::Algorithm),
        };
        Ok(Self { header, algorithm, signed, payload, signature })
    }

    /// The claims, once the signature by `key` holds.
    pub(crate) fn verify<T: DeserializeOwned>(&self, key: &VerifyingKey) -> Result<T, JwtProblem> {
        install_cryptography();
        if key.algorithm != self.algorithm {
            return Err(JwtProblem::Algorithm);
        }
        match crypto::verify(self.signature, self.signed.as_bytes(), &key.key, self.algorithm) {
            Ok(true) => json(self.payload),
            Ok(false) => Err(JwtProblem::Signature),
            Err(_) => Err(JwtProblem::Malformed),
        }
    }
}

impl Audience {
    /// Whether `audience` is among them, to the letter.
    pub(super) fn names(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Many(all) => all.iter().any(|one| one == audience),
        }
    }

    pub(super) fn is_several(&self) -> bool {
        matches!(self, Self::Many(all) if all.len() > 1)
    }
}

impl VerifyingKey {
    /// The key in `jwk`, if it is one for RS256 or ES256, long enough, and meant for signatures.
    pub(crate) fn from_jwk(jwk: Jwk) -> Option<Self> {
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::RSA(rsa) => {
                let modulus = URL_SAFE_NO_PAD.decode(&rsa.n).ok()?;
                let leading = modulus.iter().take_while(|byte| **byte == 0).count();
                (modulus.len() - leading >= SHORTEST_RSA_MODULUS).then_some(Algorithm::RS256)?
            }
            AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P256 => {
                let whole = |coordinate: &String| {
                    let bytes = URL_SAFE_NO_PAD.decode(coordinate);
                    bytes.is_ok_and(|bytes| bytes.len() == P256_COORDINATE)
                };
                (whole(&point.x) && whole(&point.y)).then_some(Algorithm::ES256)?
            }
            _ => return None,
        };
        let named = jwk.common.key_algorithm.map(Algorithm::try_from);
        let for_signatures =
            matches!(&jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
        let to_verify = |operations: &Vec<_>| operations.contains(&KeyOperations::Verify);
        if named.is_some_and(|named| named.ok() != Some(algorithm))
            || !for_signatures
            || !jwk.common.key_operations.as_ref().is_none_or(to_verify)
        {
            return None;
        }
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self { jwk, algorithm, key })
    }

    /// The key that a sender names as its own. One that gives away its private part is none
    /// (RFC 9449 section 4.3).
    pub(crate) fn of_sender(jwk: &Value) -> Option<Self> {
        let members = jwk.as_object()?;
        if PRIVATE_MEMBERS.iter().any(|member| members.contains_key(*member)) {
            return None;
        }
        Self::from_jwk(serde_json::from_value(jwk.clone()).ok()?)
    }

    pub(super) fn kid(&self) -> Option<&str> {
        self.jwk.common.key_id.as_deref()
    }

    pub(super) fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// Its name by what it is (RFC 7638), with SHA-256.
    pub(crate) fn thumbprint(&self) -> Option<String> {
        install_cryptography();
        self.jwk.thumbprint(ThumbprintHash::SHA256).ok()
    }
}

/// Checks when a token may be used, in seconds since 1970 and with `leeway` of them for a clock that
/// is behind its issuer's.
pub(crate) fn check_begun(
    issued: f64,
    not_before: Option<f64>,
    leeway: f64,
) -> Result<(), JwtProblem> {
    let latest = now() + leeway;
    let begun = issued <= latest && not_before.is_none_or(|begin| begin <= latest);
    if begun { Ok(()) } else { Err(JwtProblem::Future) }
}

/// Checks that a token has not ended, with `leeway` seconds for a clock that is ahead.
pub(super) fn check_not_ended(expires: f64, leeway: f64) -> Result<(), JwtProblem> {
    if now() < expires + leeway { Ok(()) } else { Err(JwtProblem::Expired) }
}

/// Seconds since 1970, as tokens count.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

fn json<T: DeserializeOwned>(part: &str) -> Result<T, JwtProblem> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtProblem::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| JwtProblem::Malformed)
}

fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::signer::Signer;
    use super::*;

    fn usable(change: impl Fn(&mut Value)) -> bool {
        let mut jwk = Signer::ec("k1").jwk();
        change(&mut jwk);
        serde_json::from_value(jwk).ok().and_then(VerifyingKey::from_jwk).is_some()
    }

    #[test]
    fn takes_keys_that_are_meant_for_signatures_only() {
        for (change, expected) in [
            (json!({}), true),
            (json!({ "use": "sig", "alg": "ES256", "key_ops": ["verify"] }), true),
            (json!({ "use": "enc" }), false),
            (json!({ "alg": "RS256" }), false),
            (json!({ "alg": "ECDH-ES" }), false),
            (json!({ "key_ops": ["sign"] }), false),
            (json!({ "crv": "P-384" }), false),
            (json!({ "x": "AQAB" }), false),
            (json!({ "y": "not base64!" }), false),
            (json!({ "kty": "oct", "k": "AQAB" }), false),
        ] {
            let told = usable(|jwk| {
                for (name, value) in change.as_object().unwrap() {
                    jwk[name] = value.clone();
                }
            });
            assert_eq!(told, expected, "{change}");
        }
    }

    #[test]
    fn takes_no_short_rsa_key() {
        let key = |modulus: &[u8]| {
            let jwk = json!({ "kty": "RSA", "n": URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB" });
            VerifyingKey::from_jwk(serde_json::from_value(jwk).unwrap()).is_some()
        };
        assert!(key(&[0xff; 256]));
        assert!(!key(&[0xff; 128]));
        assert!(!key(&[[0; 128], [0xff; 128]].concat()));
    }

    #[test]
    fn takes_no_key_that_gives_itself_away() {
        let jwk = Signer::ec("k1").jwk();
        assert!(VerifyingKey::of_sender(&jwk).is_some());
        for member in PRIVATE_MEMBERS {
            let mut jwk = jwk.clone();
            jwk[member] = Value::Null;
            assert!(VerifyingKey::of_sender(&jwk).is_none(), "{member}");
        }
        assert!(VerifyingKey::of_sender(&json!("key")).is_none());
    }

    /// RFC 7638 section 3.1 has this key and its thumbprint.
    #[test]
    fn names_a_key_by_its_thumbprint() {
        let jwk = json!({
            "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_\
                  BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_\
                  FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhA\
                  I4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        });
        let key = VerifyingKey::of_sender(&jwk).unwrap();
        assert_eq!(key.thumbprint().unwrap(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }
}

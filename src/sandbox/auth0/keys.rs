//! The tenant's signing key, and tokens signed with it.

use std::io;
use std::sync::LazyLock;

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Making an RSA key takes a noticeable moment, so that one serves the whole process.
static KEYS: LazyLock<Result<Keys, Unspecified>> = LazyLock::new(Keys::generate);

/// An RS256 key.
pub(crate) struct Keys {
    pair: KeyPair,
    id: String,
}

/// The key of this process.
pub(crate) fn keys() -> io::Result<&'static Keys> {
    KEYS.as_ref().map_err(|_| io::Error::other("no signing key could be made"))
}

impl Keys {
    fn generate() -> Result<Self, Unspecified> {
        let pair = KeyPair::generate(KeySize::Rsa2048)?;
        let digest = Sha256::digest(pair.public_key().as_ref());
        Ok(Self { pair, id: URL_SAFE_NO_PAD.encode(digest) })
    }

    /// A signed JWT of `claims`.
    pub(crate) fn sign(&self, claims: &Value) -> Result<String, Unspecified> {
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.id });
        let message = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = SystemRandom::new();
        self.pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature)?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The public half, as a JWK set (RFC 7517 section 5).
    pub(crate) fn public(&self) -> Value {
        let public = self.pair.public_key();
        let modulus = public.modulus().big_endian_without_leading_zero();
        let exponent = public.exponent().big_endian_without_leading_zero();
        json!({ "keys": [{
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.id,
            "n": URL_SAFE_NO_PAD.encode(modulus),
            "e": URL_SAFE_NO_PAD.encode(exponent),
        }] })
    }
}

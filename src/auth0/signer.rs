//! Keys that tests sign tokens with, rightly and wrongly.

use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::client::install_cryptography;
use super::stand_in::{pem, private_key};

/// Making an RSA key takes long, so the tests share one that no tenant has.
static STRANGER: LazyLock<String> = LazyLock::new(|| {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    pem("PRIVATE KEY", private.as_ref())
});

/// A private key with its name.
pub(crate) struct Signer {
    kid: String,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    /// The tenant's own key.
    pub(crate) fn tenant() -> Self {
        let key = EncodingKey::from_rsa_pem(private_key().as_bytes()).unwrap();
        Self { kid: "k1".to_owned(), algorithm: Algorithm::RS256, key }
    }

    /// An RSA key that is not the tenant's.
    pub(crate) fn stranger(kid: &str) -> Self {
        let key = EncodingKey::from_rsa_pem(STRANGER.as_bytes()).unwrap();
        Self { kid: kid.to_owned(), algorithm: Algorithm::RS256, key }
    }

    /// A new key on P-256.
    pub(crate) fn ec(kid: &str) -> Self {
        let pair =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .unwrap();
        let key = EncodingKey::from_ec_der(pair.as_ref());
        Self { kid: kid.to_owned(), algorithm: Algorithm::ES256, key }
    }

    /// The public half, as a key set holds it.
    pub(crate) fn jwk(&self) -> Value {
        install_cryptography();
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.kid.clone());
        serde_json::to_value(jwk).unwrap()
    }

    /// The header that says which key and algorithm this is.
    pub(crate) fn header(&self, typ: &str) -> Value {
        json!({ "alg": self.algorithm_name(), "typ": typ, "kid": self.kid })
    }

    pub(crate) fn algorithm_name(&self) -> &'static str {
        if self.algorithm == Algorithm::ES256 { "ES256" } else { "RS256" }
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        install_cryptography();
        let signed = unsigned(header, claims);
        let signature =
            jsonwebtoken::crypto::sign(signed.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{signed}.{signature}")
    }
}

/// Header and claims, as they stand before a signature.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    format!("{header}.{claims}")
}

//! The tenant's signing keys, and tokens signed with them.

use std::io;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::jwt::Jwt;

/// Making an RSA key takes a noticeable moment, so that every tenant of the process begins with one key.
static FIRST: LazyLock<Result<Arc<Key>, Unspecified>> =
    LazyLock::new(|| Key::generate().map(Arc::new));
/// A key that no tenant publishes.
static STRANGER: LazyLock<Result<Arc<Key>, Unspecified>> =
    LazyLock::new(|| Key::generate().map(Arc::new));

/// An RS256 key.
pub(crate) struct Key {
    pair: KeyPair,
    id: String,
}

/// The keys of one tenant: the one that signs, and the one before it for as long as it is published.
pub(crate) struct Keyring {
    /// The current key first.
    published: Vec<Arc<Key>>,
    /// The key before the current one, whether it is published or not.
    retired: Option<Arc<Key>>,
}

/// Which key signs a token that a test asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SigningKey {
    /// The tenant's.
    #[default]
    Current,
    /// The one before it; the current one where there was no rotation.
    Retired,
    /// A key that the tenant never published, under its own `kid`.
    Stranger,
    /// The same, under the `kid` of the current key.
    Impostor,
}

/// Whether a tenant can have keys at all.
pub(crate) fn check() -> io::Result<()> {
    match &*FIRST {
        Ok(_) => Ok(()),
        Err(_) => Err(io::Error::other("no signing key could be made")),
    }
}

impl Key {
    fn generate() -> Result<Self, Unspecified> {
        let pair = KeyPair::generate(KeySize::Rsa2048)?;
        let digest = Sha256::digest(pair.public_key().as_ref());
        Ok(Self { pair, id: URL_SAFE_NO_PAD.encode(digest) })
    }

    fn sign(&self, id: &str, kind: &str, claims: &Value) -> Result<String, Unspecified> {
        let header = json!({ "alg": "RS256", "typ": kind, "kid": id });
        let message = message(&header, claims);
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = SystemRandom::new();
        self.pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature)?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn public(&self) -> Value {
        let public = self.pair.public_key();
        let modulus = public.modulus().big_endian_without_leading_zero();
        let exponent = public.exponent().big_endian_without_leading_zero();
        json!({
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.id,
            "n": URL_SAFE_NO_PAD.encode(modulus),
            "e": URL_SAFE_NO_PAD.encode(exponent),
        })
    }
}

/// A JWT of `claims`, signed with a secret that its reader has too (HS256).
pub(crate) fn sign_with_secret(secret: &str, kind: &str, claims: &Value) -> String {
    let header = json!({ "alg": "HS256", "typ": kind });
    let message = message(&header, claims);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// The part of a JWT that is signed (RFC 7515 section 5.1).
fn message(header: &Value, claims: &Value) -> String {
    [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".")
}

impl Default for Keyring {
    fn default() -> Self {
        Self { published: FIRST.iter().cloned().collect(), retired: None }
    }
}

impl Keyring {
    /// A JWT of `claims`, signed with the current key.
    pub(crate) fn sign(&self, claims: &Value) -> Result<String, Unspecified> {
        self.sign_with(SigningKey::Current, "JWT", claims)
    }

    /// A JWT of `claims` whose header says `typ` is `kind`.
    pub(crate) fn sign_with(
        &self,
        key: SigningKey,
        kind: &str,
        claims: &Value,
    ) -> Result<String, Unspecified> {
        let current = self.published.first().ok_or(Unspecified)?;
        let stranger = || STRANGER.as_ref().map_err(|_| Unspecified);
        match key {
            SigningKey::Current => current.sign(&current.id, kind, claims),
            SigningKey::Retired => {
                let key = self.retired.as_ref().unwrap_or(current);
                key.sign(&key.id, kind, claims)
            }
            SigningKey::Stranger => stranger()?.sign(&stranger()?.id, kind, claims),
            SigningKey::Impostor => stranger()?.sign(&current.id, kind, claims),
        }
    }

    /// The token in its parts, if a published key has signed it.
    pub(crate) fn open<'a>(&self, token: &'a str) -> Option<Jwt<'a>> {
        let token = Jwt::read(token)?;
        let named = token.header.get("kid")?.as_str()?;
        let key = self.published.iter().find(|key| key.id == named)?;
        let public = key.pair.public_key();
        token.is_signed_by(&RSA_PKCS1_2048_8192_SHA256, public.as_ref()).then_some(token)
    }

    /// A new key signs from now on. The old one stays published until it is withdrawn; one that is older
    /// still is gone.
    pub(crate) fn rotate(&mut self) -> Result<(), Unspecified> {
        let key = Arc::new(Key::generate()?);
        self.published.truncate(1);
        self.retired = self.published.first().cloned();
        self.published.insert(0, key);
        Ok(())
    }

    /// Publishes the current key only.
    pub(crate) fn withdraw_retired(&mut self) {
        self.published.truncate(1);
    }

    /// The public halves, as a JWK set (RFC 7517 section 5).
    pub(crate) fn public(&self) -> Value {
        let keys: Vec<_> = self.published.iter().map(|key| key.public()).collect();
        json!({ "keys": keys })
    }
}

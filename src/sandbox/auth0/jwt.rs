//! Reading the signed tokens that clients send.

use aws_lc_rs::signature::{RsaParameters, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// A JWT in its parts. Nothing about it is checked yet.
pub(crate) struct Jwt<'a> {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    message: &'a str,
    signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    /// Takes a compact serialization apart (RFC 7515 section 7.1).
    pub(crate) fn read(token: &'a str) -> Option<Self> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        Some(Self {
            header: decode(header)?,
            claims: decode(claims)?,
            message,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Whether `key`, in DER, made the signature.
    pub(crate) fn is_signed_by(&self, algorithm: &'static RsaParameters, key: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(algorithm, key);
        key.verify(self.message.as_bytes(), &self.signature).is_ok()
    }

    /// A text among the claims.
    pub(crate) fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str()
    }

    /// Whether `aud` names `audience`, alone or in a list.
    pub(crate) fn is_for(&self, audience: &str) -> bool {
        match self.claims.get("aud") {
            Some(Value::String(one)) => one == audience,
            Some(Value::Array(several)) => several.iter().any(|one| one == audience),
            _ => false,
        }
    }
}

fn decode(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

//! What is kept of something that only its holder can show.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// The hash of something random that only its holder can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::broker) struct Digest([u8; 32]);

impl Digest {
    /// The hash of `text`. Comparing hashes tells nothing of how nearly a guess was right.
    pub(in crate::broker) fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// The digest that was [written](Self::written) as `text`.
    pub(in crate::broker) fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// The digest as 43 characters that are safe in a URL and in the name of a cookie.
    pub(in crate::broker) fn written(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    pub(in crate::broker) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

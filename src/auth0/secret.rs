//! The tokens that Auth0 gives us or our callers, as types that cannot be swapped.

use std::fmt;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// A person's Auth0 refresh token: the subject of vault exchanges, and the way to a
/// [`MyAccountToken`].
#[derive(Clone)]
pub struct RefreshToken(SecretString);

/// An access token for the tenant's My Account API, good for minutes.
#[derive(Clone)]
pub struct MyAccountToken(SecretString);

/// The access token that a caller of our own API has shown: the subject of vault exchanges, and of
/// nothing else. It lives as long as the call.
#[derive(Clone)]
pub struct BearerToken(SecretString);

/// A connection's own access token, out of the vault.
#[derive(Clone)]
pub struct VaultToken {
    token: SecretString,
    /// How long it still lives, as far as Auth0 knows.
    pub expires_in: Option<Duration>,
    /// What it may do, where Auth0 says so.
    pub scope: Option<String>,
}

impl RefreshToken {
    /// Takes a token that came from Auth0 or from the person.
    #[must_use]
    pub fn new(token: SecretString) -> Self {
        Self(token)
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// A name for the token that tells nothing about it.
    pub(crate) fn fingerprint(&self) -> String {
        use base64::Engine as _;
        let digest = Sha256::digest(self.expose());
        let short = digest.get(..12).unwrap_or_default();
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(short)
    }
}

impl MyAccountToken {
    pub(crate) fn new(token: SecretString) -> Self {
        Self(token)
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl BearerToken {
    /// Takes what stood in the `Authorization` header, without its scheme.
    #[must_use]
    pub fn new(token: SecretString) -> Self {
        Self(token)
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl VaultToken {
    pub(super) fn new(
        token: SecretString,
        expires_in: Option<Duration>,
        scope: Option<String>,
    ) -> Self {
        Self { token, expires_in, scope }
    }

    pub(crate) fn expose(&self) -> &str {
        self.token.expose_secret()
    }
}

impl From<SecretString> for RefreshToken {
    fn from(token: SecretString) -> Self {
        Self(token)
    }
}

impl From<String> for RefreshToken {
    fn from(token: String) -> Self {
        Self(token.into())
    }
}

impl PartialEq for RefreshToken {
    fn eq(&self, other: &Self) -> bool {
        same(self.expose(), other.expose())
    }
}

impl Eq for RefreshToken {}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RefreshToken")
    }
}

impl fmt::Debug for MyAccountToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MyAccountToken")
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("BearerToken")
    }
}

impl fmt::Debug for VaultToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("VaultToken")
            .field("expires_in", &self.expires_in)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// Whether two secrets are the same, told by their digests so that the time taken says nothing.
pub(crate) fn same(one: &str, other: &str) -> bool {
    Sha256::digest(one) == Sha256::digest(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_no_token() {
        let refresh = RefreshToken::new("rt-marked".into());
        let my_account = MyAccountToken::new("me-marked".into());
        let bearer = BearerToken::new("at-marked".into());
        let vault = VaultToken::new("bb-marked".into(), Some(Duration::from_secs(9)), None);
        assert_eq!(
            format!("{refresh:?} {my_account:?} {bearer:?} {vault:?}"),
            "RefreshToken MyAccountToken BearerToken VaultToken { expires_in: Some(9s), scope: None, .. }"
        );
        assert!(!refresh.fingerprint().contains("marked"));
    }
}

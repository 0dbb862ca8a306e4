//! The token that Bitbucket sees, and where it comes from.

use std::hint::black_box;

use futures::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};

/// A Bitbucket access token. It cannot be printed.
#[derive(Clone, Debug)]
pub struct AccessToken(SecretString);

/// Where a client gets its token from. The broker implements it.
pub trait TokenSource: Send + Sync {
    /// A token that should be good.
    fn token(&self) -> BoxFuture<'_, Result<AccessToken, TokenError>>;

    /// A token from a fresh exchange, since Bitbucket `rejected` the one it was given.
    ///
    /// When the same token comes back, the request is not repeated.
    fn renew<'a>(
        &'a self,
        rejected: &'a AccessToken,
    ) -> BoxFuture<'a, Result<AccessToken, TokenError>>;
}

/// Why there is no token, in the source's own terms. Whoever knows the source reads it by downcast.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct TokenError(pub Box<dyn std::error::Error + Send + Sync>);

impl AccessToken {
    /// Takes a token into keeping.
    #[must_use]
    pub fn new(token: SecretString) -> Self {
        Self(token)
    }

    /// The token itself, for the `Authorization` header alone.
    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for AccessToken {
    /// Looks at every byte, so that the time taken does not tell where two tokens part.
    fn eq(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.expose().as_bytes(), other.expose().as_bytes());
        let differing =
            ours.iter().zip(theirs).fold(0, |differing, (a, b)| black_box(differing | (a ^ b)));
        ours.len() == theirs.len() && differing == 0
    }
}

impl Eq for AccessToken {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_tokens_apart_without_printing_them() {
        let token = |text: &str| AccessToken::new(SecretString::from(text.to_owned()));
        assert_eq!(token("one"), token("one"));
        assert_ne!(token("one"), token("onf"));
        assert_ne!(token("one"), token("one more"));
        assert!(!format!("{:?}", token("marked")).contains("marked"));
    }
}

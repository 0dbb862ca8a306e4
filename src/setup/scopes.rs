//! Bitbucket's scopes as the consumer's page shows them.

/// A scope, and the box on the consumer's page that gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitbucketScope {
    /// Its name, such as `pullrequest:write`.
    pub name: &'static str,
    /// Under which heading its box stands, such as `Pull requests`.
    pub heading: &'static str,
    /// What the box says, such as `Write`.
    pub label: &'static str,
}

/// The box that gives `scope`.
#[must_use]
pub fn permission(scope: &str) -> Option<BitbucketScope> {
    let _ = scope;
    todo!()
}

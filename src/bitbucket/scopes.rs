//! What an account has granted, as Bitbucket itself says on every answer.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use super::budget::Budget;

/// Which scope brings which others with it. Where the documentation states nothing, nothing is here:
/// <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#authentication>.
const IMPLIED: &[(&str, &[&str])] = &[
    ("account:write", &["account"]),
    ("project", &["repository"]),
    ("repository:write", &["repository"]),
    ("pullrequest", &["repository"]),
    ("pullrequest:write", &["pullrequest", "repository:write", "repository"]),
    ("snippet:write", &["snippet"]),
];

/// A set of Bitbucket's OAuth scopes, as granted: without the ones that others imply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<String>);

/// What is known of one account, from the answers that it got: its scopes, and how much of its
/// hourly allowance is spent.
///
/// All clients of an account share it. Nothing is known before the first answer.
#[derive(Debug, Default)]
pub struct Granted {
    scopes: RwLock<Option<Scopes>>,
    budget: Budget,
}

impl Scopes {
    /// Reads a list of scopes that commas or spaces part.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        list.split([',', ' ']).filter(|scope| is_scope(scope)).collect()
    }

    /// The scopes, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether `scope` is among them or implied by one of them.
    ///
    /// `None` where Bitbucket does not say whether a scope's `:write` form includes it.
    #[must_use]
    pub fn allows(&self, scope: &str) -> Option<bool> {
        if self.iter().any(|granted| granted == scope) || self.implies(scope) {
            return Some(true);
        }
        let write = format!("{scope}:write");
        if self.iter().any(|granted| granted == write) { None } else { Some(false) }
    }

    /// Whether `scope` comes with another one among them.
    #[must_use]
    pub fn implies(&self, scope: &str) -> bool {
        let brings =
            |(name, implied): &(&str, &[&str])| implied.contains(&scope) && self.0.contains(*name);
        IMPLIED.iter().any(brings)
    }
}

impl<'a> FromIterator<&'a str> for Scopes {
    fn from_iter<I: IntoIterator<Item = &'a str>>(scopes: I) -> Self {
        Self(scopes.into_iter().map(str::to_owned).collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope)?;
        }
        Ok(())
    }
}

impl Granted {
    /// Nothing is known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The scopes that the last answer named.
    #[must_use]
    pub fn scopes(&self) -> Option<Scopes> {
        self.scopes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the account has granted `scope`; `None` when that is not known.
    #[must_use]
    pub fn allows(&self, scope: &str) -> Option<bool> {
        let scopes = self.scopes.read().unwrap_or_else(PoisonError::into_inner);
        scopes.as_ref().and_then(|scopes| scopes.allows(scope))
    }

    /// Notes what an answer's `X-OAuth-Scopes` said.
    pub(super) fn record(&self, header: &str) {
        let seen = Scopes::parse(header);
        let known =
            self.scopes.read().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(&seen);
        if !known {
            *self.scopes.write().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        }
    }

    /// Forgets the scopes, for example after a new consent.
    pub fn forget(&self) {
        *self.scopes.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }
}

/// Scopes end up in what an agent reads, so they are held to their alphabet.
pub(super) fn is_scope(scope: &str) -> bool {
    (1..=64).contains(&scope.len())
        && scope.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":_-.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_a_scope_brings_with_it() {
        let scopes = Scopes::parse("account, pullrequest:write, pipeline:write, project");
        for (scope, allowed) in [
            ("account", Some(true)),
            ("pullrequest", Some(true)),
            ("repository", Some(true)),
            ("repository:write", Some(true)),
            ("pipeline", None),
            ("pipeline:write", Some(true)),
            ("repository:admin", Some(false)),
            ("project:admin", Some(false)),
            ("webhook", Some(false)),
        ] {
            assert_eq!(scopes.allows(scope), allowed, "{scope}");
        }
        assert_eq!(scopes.to_string(), "account pipeline:write project pullrequest:write");
    }

    #[test]
    fn knows_nothing_before_the_first_answer() {
        let granted = Granted::new();
        assert_eq!(granted.allows("account"), None);
        granted.record("account");
        assert_eq!(granted.allows("account"), Some(true));
        assert_eq!(granted.allows("repository"), Some(false));
        granted.record("");
        assert_eq!(granted.allows("account"), Some(false));
        granted.forget();
        assert_eq!(granted.scopes(), None);
    }

    #[test]
    fn takes_no_text_for_a_scope() {
        assert_eq!(
            Scopes::parse("account,<b>,\u{200b}x,repository").to_string(),
            "account repository"
        );
    }
}

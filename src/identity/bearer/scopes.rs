//! What a token allows at our own API.

/// A scope of our own API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// `bitbucket:read`
    Read,
    /// `bitbucket:write`, which implies reading.
    Write,
    /// `bitbucket:admin`: repository and pipeline settings.
    Admin,
    /// `connection:admin`: the set-up of the tenant.
    ConnectionAdmin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Admin, Self::ConnectionAdmin];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "bitbucket:read",
            Self::Write => "bitbucket:write",
            Self::Admin => "bitbucket:admin",
            Self::ConnectionAdmin => "connection:admin",
        }
    }
}

/// The scopes of one token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Whether a call that needs `scope` may go on.
    #[must_use]
    pub fn allow(&self, scope: Scope) -> bool {
        self.0.contains(&scope) || (scope == Scope::Read && self.0.contains(&Scope::Write))
    }
}

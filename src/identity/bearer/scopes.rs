//! What a token allows at our own API.

use crate::auth0::AccessClaims;

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

    /// The scope that is called so, exactly.
    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
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

    /// What they are called, in the order of [`Scope::ALL`].
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|scope| scope.name()).collect()
    }

    /// What a token with `claims` allows.
    ///
    /// `scope` says what the person granted to this client, and `permissions` what the person may do
    /// themselves: where both are there, both have to agree. Permissions alone are no grant, except to
    /// a client that the settings call first-party, which needs none.
    pub(super) fn of(claims: &AccessClaims, first_party_clients: &[String]) -> Self {
        let granted = claims
            .scope
            .as_deref()
            .map_or_else(Self::default, |scope| Self::named(scope.split(' ')));
        let permitted = claims
            .permissions
            .as_ref()
            .map(|permissions| Self::named(permissions.iter().map(String::as_str)));
        let first_party =
            || claims.client_id.as_ref().is_some_and(|id| first_party_clients.contains(id));
        match (granted.0.is_empty(), permitted) {
            (false, None) => granted,
            (false, Some(permitted)) => granted.within(&permitted),
            (true, Some(permitted)) if first_party() => permitted,
            (true, _) => Self::default(),
        }
    }

    fn named<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let named: Vec<Scope> = names.filter_map(Scope::from_name).collect();
        Self(Scope::ALL.into_iter().filter(|scope| named.contains(scope)).collect())
    }

    /// What both allow: a grant to write with the permission to read leaves reading.
    fn within(&self, other: &Self) -> Self {
        let both = |scope: &Scope| self.allow(*scope) && other.allow(*scope);
        Self(Scope::ALL.into_iter().filter(both).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn scopes(client: &str, scope: Option<&str>, permissions: Option<&[&str]>) -> String {
        let claims = AccessClaims {
            issuer: "https://acme.eu.auth0.com/".to_owned(),
            subject: "auth0|ana".to_owned(),
            organization: None,
            client_id: Some(client.to_owned()),
            scope: scope.map(str::to_owned),
            permissions: permissions.map(|all| all.iter().map(ToString::to_string).collect()),
            expires_at: SystemTime::now(),
            key_thumbprint: None,
            machine: false,
        };
        let scopes = Scopes::of(&claims, &["ours".to_owned()]);
        let allowed = Scope::ALL.into_iter().filter(|scope| scopes.allow(*scope));
        let allowed = allowed.map(Scope::name).collect::<Vec<_>>().join(" ");
        format!("[{}] allows [{allowed}]", scopes.names().join(" "))
    }

    #[test]
    fn counts_what_was_granted_within_what_the_person_may_do() {
        let read_and_write = Some(["bitbucket:read", "bitbucket:write"].as_slice());
        let told = [
            ("theirs", None, None),
            ("theirs", Some("openid profile"), None),
            ("theirs", Some("openid bitbucket:read"), None),
            ("theirs", Some("bitbucket:write"), None),
            ("theirs", Some("bitbucket:admin bitbucket:read"), None),
            ("theirs", Some("Bitbucket:read bitbucket:read,bitbucket:write"), None),
            ("theirs", Some("bitbucket:read bitbucket:write"), Some(["bitbucket:read"].as_slice())),
            ("theirs", Some("bitbucket:read"), Some(["bitbucket:write"].as_slice())),
            ("theirs", Some("bitbucket:write"), Some(["bitbucket:read"].as_slice())),
            ("theirs", Some("bitbucket:read connection:admin"), read_and_write),
            ("theirs", Some("bitbucket:read"), Some([].as_slice())),
            ("theirs", Some("openid"), read_and_write),
            ("theirs", None, read_and_write),
            ("ours", None, read_and_write),
            ("ours", Some("openid"), Some(["bitbucket:write"].as_slice())),
            ("ours", Some("bitbucket:read"), read_and_write),
            ("ours", None, None),
        ]
        .map(|(client, scope, permissions)| {
            let permissions_told = permissions.map(|all| all.join(" "));
            format!(
                "{client} scope={} permissions={}: {}",
                scope.unwrap_or("none"),
                permissions_told.as_deref().unwrap_or("none"),
                scopes(client, scope, permissions)
            )
        });
        insta::assert_snapshot!(told.join("\n"), @"
        theirs scope=none permissions=none: [] allows []
        theirs scope=openid profile permissions=none: [] allows []
        theirs scope=openid bitbucket:read permissions=none: [bitbucket:read] allows [bitbucket:read]
        theirs scope=bitbucket:write permissions=none: [bitbucket:write] allows [bitbucket:read bitbucket:write]
        theirs scope=bitbucket:admin bitbucket:read permissions=none: [bitbucket:read bitbucket:admin] allows [bitbucket:read bitbucket:admin]
        theirs scope=Bitbucket:read bitbucket:read,bitbucket:write permissions=none: [] allows []
        theirs scope=bitbucket:read bitbucket:write permissions=bitbucket:read: [bitbucket:read] allows [bitbucket:read]
        theirs scope=bitbucket:read permissions=bitbucket:write: [bitbucket:read] allows [bitbucket:read]
        theirs scope=bitbucket:write permissions=bitbucket:read: [bitbucket:read] allows [bitbucket:read]
        theirs scope=bitbucket:read connection:admin permissions=bitbucket:read bitbucket:write: [bitbucket:read] allows [bitbucket:read]
        theirs scope=bitbucket:read permissions=: [] allows []
        theirs scope=openid permissions=bitbucket:read bitbucket:write: [] allows []
        theirs scope=none permissions=bitbucket:read bitbucket:write: [] allows []
        ours scope=none permissions=bitbucket:read bitbucket:write: [bitbucket:read bitbucket:write] allows [bitbucket:read bitbucket:write]
        ours scope=openid permissions=bitbucket:write: [bitbucket:write] allows [bitbucket:read bitbucket:write]
        ours scope=bitbucket:read permissions=bitbucket:read bitbucket:write: [bitbucket:read] allows [bitbucket:read]
        ours scope=none permissions=none: [] allows []
        ");
    }
}

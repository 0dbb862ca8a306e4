//! What the management application may do.
//!
//! <https://auth0.com/docs/api/management/v2>

use super::finding::{Finding, quoted, requirement};
use crate::setup::Transports;
use crate::setup::target::Target;

/// A scope of the Management API, and what we need it for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManagementScope {
    /// Its name.
    pub name: &'static str,
    /// What it is for, in a few words.
    pub purpose: &'static str,
    /// Whether only `http` needs it.
    http_alone: bool,
}

const fn both(name: &'static str, purpose: &'static str) -> ManagementScope {
    ManagementScope { name, purpose, http_alone: false }
}

const fn http(name: &'static str, purpose: &'static str) -> ManagementScope {
    ManagementScope { name, purpose, http_alone: true }
}

/// Every scope that is needed, and none besides.
const SCOPES: &[ManagementScope] = &[
    both("read:connections", "find the Bitbucket connection and what it is enabled for"),
    both("create:connections", "make the connection"),
    both("update:connections", "turn on Token Vault for it, and enable it for applications"),
    both("read:connections_options", "compare its key and scopes"),
    both("update:connections_options", "write the consumer's key, secret and scopes into it"),
    both("read:clients", "find the applications and check their settings"),
    both("create:clients", "make the applications"),
    both("update:clients", "correct their settings"),
    both("read:client_grants", "see what the applications may do at APIs"),
    both("create:client_grants", "let the applications act for people at APIs"),
    both("update:client_grants", "add scopes to such grants"),
    both("read:resource_servers", "find the My Account API, and the server's own"),
    both("create:resource_servers", "activate the My Account API, and make the server's own"),
    both("update:resource_servers", "correct their settings"),
    both("read:custom_domains", "see whether the tenant has a custom domain"),
    both("read:mfa_policies", "see whether a second factor is always asked for"),
    http("read:tenant_settings", "see how MCP clients name the API and become known"),
    http("update:tenant_settings", "turn on what MCP clients need"),
    http("read:users", "see which accounts a caller has linked"),
];

/// The scopes that the management application needs, and no others.
pub fn management_scopes(transports: Transports) -> impl Iterator<Item = ManagementScope> {
    SCOPES.iter().copied().filter(move |scope| transports.http() || !scope.http_alone)
}

/// One row that names all that are lacking.
pub(super) fn scopes(target: &Target<'_>) -> Finding {
    let transports = target.wanted.transports;
    let needed: Vec<&str> = management_scopes(transports).map(|scope| scope.name).collect();
    let requirement = requirement(
        "management.scopes",
        "scopes of the management application",
        quoted(needed.iter().copied()),
        "what it may not read cannot be checked, and what it may not write cannot be mended",
    );
    let granted = match target.snapshot.management_scopes.known() {
        Ok(granted) => granted,
        Err(why) => return requirement.unread(why),
    };
    let lacking: Vec<&str> =
        needed.iter().copied().filter(|one| !granted.iter().any(|have| have == one)).collect();
    if !lacking.is_empty() {
        let fix = format!(
            "grant {} to it on the page of the Auth0 Management API, under Application Access",
            quoted(lacking.iter().copied())
        );
        return requirement.missing(format!("lacks {}", quoted(lacking)), fix, Vec::new());
    }
    match granted.len().saturating_sub(needed.len()) {
        0 => requirement.ok("all of them"),
        more => requirement.ok(format!("all of them, and {more} more that are not needed")),
    }
}

//! Bitbucket's scopes as the consumer's page shows them.

use crate::bitbucket::Scopes;

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

/// Every box that does something, in the order of the page. Issues and wikis are gone from Bitbucket
/// since 2026-08-20, and so is the use of their boxes.
/// <https://support.atlassian.com/bitbucket-cloud/docs/use-oauth-on-bitbucket-cloud/>
const BOXES: &[(&str, &[(&str, &str)])] = &[
    ("Account", &[("email", "Email"), ("account", "Read"), ("account:write", "Write")]),
    ("Workspace membership", &[("team", "Read"), ("team:write", "Write")]),
    ("Projects", &[("project", "Read"), ("project:admin", "Admin")]),
    (
        "Repositories",
        &[
            ("repository", "Read"),
            ("repository:write", "Write"),
            ("repository:admin", "Admin"),
            ("repository:delete", "Delete"),
        ],
    ),
    ("Pull requests", &[("pullrequest", "Read"), ("pullrequest:write", "Write")]),
    ("Snippets", &[("snippet", "Read"), ("snippet:write", "Write")]),
    ("Webhooks", &[("webhook", "Read and write")]),
    (
        "Pipelines",
        &[
            ("pipeline", "Read"),
            ("pipeline:write", "Write"),
            ("pipeline:variable", "Edit variables"),
        ],
    ),
    ("Runners", &[("runner", "Read"), ("runner:write", "Write")]),
];

/// The box that gives `scope`.
#[must_use]
pub fn permission(scope: &str) -> Option<BitbucketScope> {
    BOXES.iter().find_map(|(heading, boxes)| {
        let (name, label) = boxes.iter().find(|(name, _)| *name == scope)?;
        Some(BitbucketScope { name, heading, label })
    })
}

/// `scopes` without those that others of them bring with them: what has to be asked for, and what has
/// to be ticked. In the order of the consumer's page; what has no box there comes last.
#[must_use]
pub fn minimal(scopes: impl IntoIterator<Item = &'static str>) -> Vec<&'static str> {
    let scopes: Vec<&'static str> = scopes.into_iter().collect();
    let granted: Scopes = scopes.iter().copied().collect();
    let boxes = || BOXES.iter().flat_map(|(_, boxes)| boxes.iter().map(|(name, _)| *name));
    let place = |scope: &str| boxes().position(|name| name == scope).unwrap_or(usize::MAX);
    let mut needed: Vec<&'static str> =
        scopes.into_iter().filter(|scope| !granted.implies(scope)).collect();
    needed.sort_by_key(|scope| (place(scope), *scope));
    needed.dedup();
    needed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_for_nothing_that_comes_by_itself() {
        let all = [
            "pullrequest",
            "repository",
            "pullrequest:write",
            "repository:write",
            "project",
            "account",
            "pipeline",
            "pipeline:write",
            "webhook",
            "repository:admin",
            "account",
        ];
        assert_eq!(
            minimal(all),
            [
                "account",
                "project",
                "repository:admin",
                "pullrequest:write",
                "webhook",
                "pipeline",
                "pipeline:write",
            ]
        );
        assert_eq!(minimal(["something:new", "repository"]), ["repository", "something:new"]);
    }

    #[test]
    fn knows_the_box_of_every_scope_that_is_of_use() {
        let told = |scope| permission(scope).map(|one| format!("{}: {}", one.heading, one.label));
        assert_eq!(told("pullrequest:write").unwrap(), "Pull requests: Write");
        assert_eq!(told("pipeline:variable").unwrap(), "Pipelines: Edit variables");
        assert_eq!(told("account").unwrap(), "Account: Read");
        for gone in ["issue", "issue:write", "wiki", "project:write", "pullrequest:admin", ""] {
            assert_eq!(permission(gone), None, "{gone}");
        }
    }
}

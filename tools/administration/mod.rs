//! Repositories as their administrators see them.

use super::Toolset;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "administration",
    about: "Create, change and delete repositories; webhooks, branch restrictions, reviewers and permissions.",
    default: false,
    needs_management: false,
    scopes: &[
        "account",
        "repository:write",
        "repository:admin",
        "repository:delete",
        "pullrequest",
        "webhook",
    ],
    tools: &[],
};

//! What machines say about commits: build statuses and code insights; and what people did.

use super::Toolset;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "reports",
    about: "See and publish build statuses and code insight reports; see what happened to pull requests.",
    default: false,
    needs_management: false,
    scopes: &["repository", "pullrequest"],
    tools: &[],
};

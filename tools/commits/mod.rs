//! Commits.

mod list_commits;

use super::Toolset;
use crate::tool::Entry;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "commits",
    about: "Read the history.",
    default: true,
    needs_management: false,
    scopes: &["repository"],
    tools: &[Entry::of::<list_commits::ListCommits>()],
};

//! Commits.

mod changes;
mod compare_commits;
mod get_commit;
mod list_commits;

use super::Toolset;
use crate::tool::Entry;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "commits",
    about: "Read the history, and compare parts of it.",
    default: true,
    needs_management: false,
    scopes: &["repository"],
    tools: &[
        Entry::of::<list_commits::ListCommits>(),
        Entry::of::<get_commit::GetCommit>(),
        Entry::of::<compare_commits::CompareCommits>(),
    ],
};

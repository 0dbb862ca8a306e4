//! Pull requests: find them, read them, review them, merge them.

mod absent;
mod arguments;
mod diff_text;
mod get_pull_request;
mod get_pull_request_diff;
mod list_comments;
mod list_pull_requests;
mod merge_pull_request;
mod merging;
mod parts;
mod readiness;
mod review_outcome;
mod review_pull_request;
mod review_steps;
mod shape;
#[cfg(test)]
mod tests;
mod threads;

use super::Toolset;
use crate::tool::Entry;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "pull_requests",
    about: "Find, read, review and merge pull requests.",
    default: true,
    needs_management: false,
    scopes: &["account", "pullrequest:write"],
    tools: &[
        Entry::of::<list_pull_requests::ListPullRequests>(),
        Entry::of::<get_pull_request::GetPullRequest>(),
        Entry::of::<get_pull_request_diff::GetPullRequestDiff>(),
        Entry::of::<list_comments::ListComments>(),
        Entry::of::<review_pull_request::ReviewPullRequest>(),
        Entry::of::<merge_pull_request::MergePullRequest>(),
    ],
};

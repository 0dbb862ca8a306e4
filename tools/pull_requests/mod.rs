//! Pull requests: find them, read them, review them, merge them.

mod absent;
mod arguments;
mod create_pull_request;
mod decline_pull_request;
mod delete_comment;
mod diff_text;
mod get_pull_request;
mod get_pull_request_diff;
mod list_comments;
mod list_my_pull_requests;
mod list_pull_requests;
mod merge_pull_request;
mod merging;
mod parts;
mod readiness;
mod review_outcome;
mod review_pull_request;
mod review_steps;
mod reviewers;
mod set_task;
mod shape;
#[cfg(test)]
mod tests;
mod threads;
mod update_comment;
mod update_pull_request;

use super::Toolset;
use crate::tool::Entry;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "pull_requests",
    about: "Find, read, open, review and merge pull requests.",
    default: true,
    needs_management: false,
    scopes: &["account", "pullrequest:write"],
    tools: &[
        Entry::of::<list_pull_requests::ListPullRequests>(),
        Entry::of::<list_my_pull_requests::ListMyPullRequests>(),
        Entry::of::<get_pull_request::GetPullRequest>(),
        Entry::of::<get_pull_request_diff::GetPullRequestDiff>(),
        Entry::of::<list_comments::ListComments>(),
        Entry::of::<create_pull_request::CreatePullRequest>(),
        Entry::of::<update_pull_request::UpdatePullRequest>(),
        Entry::of::<review_pull_request::ReviewPullRequest>(),
        Entry::of::<update_comment::UpdateComment>(),
        Entry::of::<delete_comment::DeleteComment>(),
        Entry::of::<merge_pull_request::MergePullRequest>(),
        Entry::of::<decline_pull_request::DeclinePullRequest>(),
        Entry::of::<set_task::SetTask>(),
    ],
};

//! What machines say about commits: build statuses and code insights; and what people did.

mod arguments;
mod get_report;
mod list_commit_statuses;
mod list_pull_request_activity;
mod list_reports;
mod publish_report;
mod publishing;
mod set_commit_status;

use super::Toolset;
use crate::tool::Entry;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "reports",
    about: "See and publish build statuses and code insight reports; see what happened to pull requests.",
    default: false,
    needs_management: false,
    scopes: &["repository", "pullrequest"],
    tools: &[
        Entry::of::<list_pull_request_activity::ListPullRequestActivity>(),
        Entry::of::<list_commit_statuses::ListCommitStatuses>(),
        Entry::of::<set_commit_status::SetCommitStatus>(),
        Entry::of::<list_reports::ListReports>(),
        Entry::of::<get_report::GetReport>(),
        Entry::of::<publish_report::PublishReport>(),
    ],
};

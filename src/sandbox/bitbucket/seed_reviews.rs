//! What people wrote on the shop's pull requests.

use super::model::PullRequest;
use crate::sandbox::git::Git;

pub(crate) fn describe(request: &mut PullRequest, git: &Git, head: &str) {
    let _ = (request, git, head);
}

//! What to say when something is not there.

use crate::Error;
use crate::bitbucket::{self, RepositoryId};

/// A failure to reach something in the repository `id`.
pub(super) fn repository(error: bitbucket::Error, id: &RepositoryId) -> Error {
    match error {
        bitbucket::Error::NotFound { .. } => Error::no_repository(id),
        other => other.into(),
    }
}

/// A failure to reach the pull request `number` of the repository `id`.
pub(super) fn pull_request(error: bitbucket::Error, id: &RepositoryId, number: u32) -> Error {
    match error {
        bitbucket::Error::NotFound { .. } => Error::not_found(
            format!("no pull request #{number} in `{id}`, or no access to it"),
            "call `list_pull_requests` with `state: all` for the ones there are",
        ),
        other => other.into(),
    }
}

//! What to say when something is not there: a repository, a pull request, a scope.

use crate::bitbucket::{self, Comment, Repository, RepositoryId};
use crate::{Error, Result};

pub(super) use crate::tools::lookup::scope;

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

/// Turns the failure of one part of an answer into nothing, where the other parts are of use without
/// it. What ends the call, such as its time or its token, stays a failure.
pub(super) fn part<T>(outcome: Result<T, bitbucket::Error>) -> Result<Option<T>, bitbucket::Error> {
    use bitbucket::Error as Wire;
    match outcome {
        Ok(part) => Ok(Some(part)),
        Err(
            Wire::NotFound { .. }
            | Wire::Gone { .. }
            | Wire::Status { .. }
            | Wire::TimedOut
            | Wire::Redirect(_)
            | Wire::TooLarge { .. }
            | Wire::Unreadable { .. },
        ) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The comment `id` of the pull request `number`, if it is there to be changed.
pub(super) async fn comment(repository: &Repository<'_>, number: u32, id: u64) -> Result<Comment> {
    let missing = |how: &str| {
        Error::not_found(
            format!("comment {id} on #{number} of `{}` {how}", repository.id()),
            "`list_comments` has the ids",
        )
    };
    match repository.comment(number, id).await {
        Ok(comment) if comment.deleted => Err(missing("is deleted")),
        Ok(comment) => Ok(comment),
        Err(bitbucket::Error::NotFound { .. }) => Err(missing("is not there, or not to be seen")),
        Err(error) => Err(error.into()),
    }
}

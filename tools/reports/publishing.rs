//! Carries out the publication of a report, and tells how far it came.

use crate::bitbucket::{self, ANNOTATIONS_AT_ONCE, NewAnnotation, NewReport, Repository};
use crate::tools::lookup;
use crate::tools::shown::count;
use crate::{Error, Result};

/// How many annotations of the report before are removed at most: each takes a request.
const MOST_REMOVED: usize = 100;

/// Where a report goes.
pub(super) struct Publishing<'a> {
    pub(super) repository: &'a Repository<'a>,
    pub(super) commit: &'a str,
    pub(super) report: &'a str,
    /// Whether there is one with this id.
    pub(super) replaces: bool,
}

impl Publishing<'_> {
    /// Publishes the report, then its annotations, and removes those of the one before that are not
    /// among them: Bitbucket keeps them. Gives how many were removed and how many are left.
    pub(super) async fn carry_out(
        &self,
        report: &NewReport,
        annotations: &[NewAnnotation],
    ) -> Result<(usize, usize)> {
        let Self { repository, commit, report: id, .. } = *self;
        match repository.put_report(commit, id, report).await {
            Err(error) if error.is_not_found() => {
                return Err(lookup::no_commit(repository, commit).await);
            }
            put => put?,
        }
        for (index, batch) in annotations.chunks(ANNOTATIONS_AT_ONCE).enumerate() {
            if let Err(error) = repository.add_annotations(commit, id, batch).await {
                let done = index * ANNOTATIONS_AT_ONCE;
                return Err(midway(error, done, annotations.len()));
            }
        }
        if !self.replaces {
            return Ok((0, 0));
        }
        let outcome = self.clear(annotations).await;
        outcome.map_err(|error| midway(error, annotations.len(), annotations.len()))
    }

    async fn clear(
        &self,
        annotations: &[NewAnnotation],
    ) -> Result<(usize, usize), bitbucket::Error> {
        let there = self.repository.annotations(self.commit, self.report).await?.values;
        let is_new = |id: &str| annotations.iter().any(|new| new.external_id == id);
        let old: Vec<&str> = there
            .iter()
            .map(|one| one.external_id.as_str())
            .filter(|id| !id.is_empty() && !is_new(id))
            .collect();
        for id in old.iter().take(MOST_REMOVED) {
            match self.repository.delete_annotation(self.commit, self.report, id).await {
                Err(error) if error.is_not_found() => {}
                deleted => deleted?,
            }
        }
        Ok((old.len().min(MOST_REMOVED), old.len().saturating_sub(MOST_REMOVED)))
    }
}

/// The report is there, with `done` of `all` annotations for certain.
fn midway(error: bitbucket::Error, done: usize, all: usize) -> Error {
    let error = Error::from(error);
    if matches!(error, Error::Cancelled) {
        return error;
    }
    let left = if done < all {
        format!("with at least {done} of {}", count(all, "annotation", "annotations"))
    } else {
        "with all its annotations, but those of the one before may still be there".to_owned()
    };
    let again = "call again with the same arguments: nothing is published twice";
    let hint = match error.hint() {
        Some(first) if !matches!(error, Error::Unavailable { .. } | Error::TimedOut { .. }) => {
            format!("{first}; {again}")
        }
        _ => again.to_owned(),
    };
    Error::conflict(format!("the report was published {left}: {error}"), hint)
}

//! Finds what an argument names, and says what is near when there is no such thing.

use crate::bitbucket::{self, FilePath, Repository, Resolved, Resume};
use crate::text::Foreign;
use crate::tools::shown::{NAME, PATH, place};
use crate::{Error, Result};

/// How alike a name must be to be offered, from 0 to 1.
const ALIKE: f64 = 0.5;

/// How many names are offered.
const OFFERED: usize = 3;

/// How many names are looked at.
const LOOKED_AT: usize = 100;

/// The commit that `revision` names, or the main branch's.
pub(super) async fn revision(
    repository: &Repository<'_>,
    revision: Option<&str>,
    resume: Option<&Resume>,
) -> Result<Resolved> {
    match (repository.resolve(revision, resume).await, revision) {
        (Err(error), Some(revision)) if error.is_not_found() => {
            Err(no_revision(repository, revision, error).await)
        }
        (Err(error), None) if error.is_not_found() => Err(no_main(repository, error)),
        (resolved, _) => Ok(resolved?),
    }
}

/// There is nothing at `path`.
pub(super) async fn no_path(
    repository: &Repository<'_>,
    resolved: &Resolved,
    path: &FilePath,
) -> Error {
    let says = format!(
        "nothing at {} in {}",
        Foreign::line(path.as_str(), PATH).quoted(),
        place(repository.id(), resolved)
    );
    let (parent, name) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
    let siblings = match FilePath::try_from(parent) {
        Ok(parent) => repository.folder(&resolved.hash, &parent, 1, LOOKED_AT, None).await.ok(),
        Err(_) => None,
    };
    let siblings = siblings.map(|page| page.values).unwrap_or_default();
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let near = nearest(name, siblings.iter().map(|entry| (last(&entry.path), entry.path.clone())));
    let hint = if near.is_empty() {
        "call `list_directory` for what is there".to_owned()
    } else {
        format!("did you mean {near}? `list_directory` shows what is there")
    };
    Error::not_found(says, hint)
}

/// The repository is there but the revision is not, or neither is.
async fn no_revision(
    repository: &Repository<'_>,
    revision: &str,
    error: bitbucket::Error,
) -> Error {
    let branches = match repository.branches(None, LOOKED_AT, None).await {
        Ok(page) => page.values,
        Err(also) if also.is_not_found() => return Error::no_repository(repository.id()),
        Err(_) => return error.into(),
    };
    let near =
        nearest(revision, branches.into_iter().map(|branch| (branch.name.clone(), branch.name)));
    let says = format!(
        "no branch, tag or commit {} in {}",
        Foreign::line(revision, NAME).quoted(),
        repository.id()
    );
    let hint = if near.is_empty() {
        "call `list_branches` for the branches".to_owned()
    } else {
        format!("did you mean {near}? `list_branches` shows all")
    };
    Error::not_found(says, hint)
}

fn no_main(repository: &Repository<'_>, error: bitbucket::Error) -> Error {
    match error {
        bitbucket::Error::NotFound { message: Some(message) }
            if message.as_str() == bitbucket::NO_MAIN_BRANCH =>
        {
            Error::not_found(
                format!("{} has no main branch yet, so it may be empty", repository.id()),
                "name a `revision`, or call `list_branches`",
            )
        }
        _ => Error::no_repository(repository.id()),
    }
}

/// The names that are most like `wanted`, quoted; each is compared by its first form and shown in
/// its second.
fn nearest(wanted: &str, names: impl Iterator<Item = (String, String)>) -> String {
    let wanted = wanted.to_lowercase();
    let mut near: Vec<(f64, String)> = names
        .map(|(name, shown)| {
            (strsim::normalized_damerau_levenshtein(&wanted, &name.to_lowercase()), shown)
        })
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let quoted: Vec<String> =
        near.iter().take(OFFERED).map(|(_, name)| Foreign::line(name, NAME).quoted()).collect();
    quoted.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_what_is_most_alike() {
        let names = ["main", "feature/checkout-rounding", "feature/checkout", "release/1.0"];
        let names = || names.iter().map(|name| ((*name).to_owned(), (*name).to_owned()));
        assert_eq!(nearest("Main", names()), "\"main\"");
        assert_eq!(
            nearest("feature/chekout", names()),
            "\"feature/checkout\" or \"feature/checkout-rounding\""
        );
        assert_eq!(nearest("zzz", names()), "");
    }
}

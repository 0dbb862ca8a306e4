//! Finds what an argument names, and says what is near when there is no such thing.

use crate::bitbucket::{self, Content, FilePath, Repository, Resolved, Resume};
use crate::text::Foreign;
use crate::tool::Context;
use crate::tools::shown::{NAME, PATH, bare, place};
use crate::{Error, Result};

/// How alike a name must be to be offered, from 0 to 1.
const ALIKE: f64 = 0.5;

/// How many names are offered.
const OFFERED: usize = 3;

/// How many names are looked at.
const LOOKED_AT: usize = 100;

/// How many bytes are read to tell a file from a folder.
const FIRST_LOOK: usize = 64 * 1024;

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

/// There is no such workspace, if the `error` says so.
pub(super) fn no_workspace(error: bitbucket::Error) -> Error {
    if error.is_not_found() {
        Error::not_found(
            "no such workspace, or no access to it",
            "call `list_workspaces` for the ones that can be reached",
        )
    } else {
        error.into()
    }
}

/// There is no folder at `path`, as the `error` said: nothing at all, or a file.
pub(super) async fn no_folder(
    repository: &Repository<'_>,
    resolved: &Resolved,
    path: &FilePath,
    error: bitbucket::Error,
) -> Error {
    let is_answer = error.is_not_found() || matches!(error, bitbucket::Error::Unreadable { .. });
    if !is_answer || path.is_root() && !error.is_not_found() {
        return error.into();
    }
    match repository.file(&resolved.hash, path, FIRST_LOOK).await {
        Ok(Content::Text { .. } | Content::Binary { .. } | Content::Lfs { .. })
            if !path.is_root() =>
        {
            Error::not_found(
                format!(
                    "{} in {} is a file, not a folder",
                    Foreign::line(path.as_str(), PATH).quoted(),
                    place(repository.id(), resolved)
                ),
                "call `get_file` for what is in it",
            )
        }
        _ if error.is_not_found() => no_path(repository, resolved, path).await,
        _ => error.into(),
    }
}

/// There is nothing at `path`, or not even a commit to look at.
pub(super) async fn no_path(
    repository: &Repository<'_>,
    resolved: &Resolved,
    path: &FilePath,
) -> Error {
    // A whole hash was taken as it is.
    if resolved.name.is_none()
        && let Ok(false) = repository.has_commit(&resolved.hash).await
    {
        return no_commit(repository, &resolved.hash).await;
    }
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

/// Refuses to go on without `scope`, once the first answer has told what the account granted: better
/// before the first write than at the one that needs it.
pub(super) async fn scope(cx: &Context, scope: &str) -> Result<()> {
    if cx.bitbucket().await?.granted().allows(scope) == Some(false) {
        let relink = cx.person().relinking_can_help(scope).await;
        return Err(Error::MissingScope { missing: vec![scope.to_owned()], relink });
    }
    Ok(())
}

/// Why a write failed. One that Bitbucket sent elsewhere was not carried out: the repository has
/// another name by now.
pub(super) async fn not_written(repository: &Repository<'_>, error: bitbucket::Error) -> Error {
    if !is_sent_elsewhere(&error) {
        return error.into();
    }
    match repository.get().await {
        Ok(data) => {
            let name = bare(&Foreign::line(&data.full_name, NAME));
            Error::conflict(
                format!("{} is called {name} by now", repository.id()),
                format!("nothing was done; call again with `repository`: {name}"),
            )
        }
        Err(_) => error.into(),
    }
}

/// Whether a write was redirected and not followed.
pub(super) fn is_sent_elsewhere(error: &bitbucket::Error) -> bool {
    matches!(error, bitbucket::Error::Redirect(bitbucket::Refusal::Write))
}

/// There is no tag of that name, or no such repository.
pub(super) async fn no_tag(
    repository: &Repository<'_>,
    name: &str,
    error: bitbucket::Error,
) -> Error {
    let tags = match repository.tags(None, LOOKED_AT, None).await {
        Ok(page) => page.values,
        Err(also) if also.is_not_found() => return Error::no_repository(repository.id()),
        Err(_) => return error.into(),
    };
    let near = nearest(name, tags.into_iter().map(|tag| (tag.name.clone(), tag.name)));
    let says = format!("no tag {} in {}", Foreign::line(name, NAME).quoted(), repository.id());
    let hint = if near.is_empty() {
        "call `list_tags` for the tags".to_owned()
    } else {
        format!("did you mean {near}? `list_tags` shows all")
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
    unknown("no branch, tag or commit", repository, revision, &near)
}

/// There is no branch `name`: says which there are.
pub(super) async fn no_branch(repository: &Repository<'_>, name: &str) -> Error {
    let branches = match repository.branches(None, LOOKED_AT, None).await {
        Ok(page) => page.values,
        Err(error) if error.is_not_found() => return Error::no_repository(repository.id()),
        Err(_) => Vec::new(),
    };
    let near = nearest(name, branches.into_iter().map(|branch| (branch.name.clone(), branch.name)));
    unknown("no branch", repository, name, &near)
}

fn unknown(what: &str, repository: &Repository<'_>, name: &str, near: &str) -> Error {
    let says = format!("{what} {} in {}", Foreign::line(name, NAME).quoted(), repository.id());
    let hint = if near.is_empty() {
        "call `list_branches` for the branches".to_owned()
    } else {
        format!("did you mean {near}? `list_branches` shows all")
    };
    Error::not_found(says, hint)
}

/// The repository is there but the commit is not, or neither is.
pub(super) async fn no_commit(repository: &Repository<'_>, hash: &str) -> Error {
    if let Err(error) = repository.main_branch().await
        && error.is_not_found()
    {
        return Error::no_repository(repository.id());
    }
    Error::not_found(
        format!("no commit {hash} in {}", repository.id()),
        "call `list_commits` for the commits of a branch",
    )
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
pub(super) fn nearest(wanted: &str, names: impl Iterator<Item = (String, String)>) -> String {
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

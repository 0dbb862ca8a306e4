use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::changes::{self, Change, ChangeArgument, What};
use super::tree::{After, Before};
use crate::bitbucket::{self, NewCommit, Repository, Resolved};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::lookup;
use crate::tools::params::{
    ExpectedHead, RepositoryArgument, Revision, WorkspaceArgument, same_commit,
};
use crate::tools::shown::{bare, path, person, short};
use crate::{Error, Result};

/// Commit changes to files without a clone: create, edit, replace, move, delete, text or binary, all
/// or none of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CommitFiles {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
    /// Branch to commit on; default: main branch.
    branch: Option<Revision>,
    /// Leave `branch` as it is and start this branch there.
    new_branch: Option<Revision>,
    /// The commit's message.
    #[schemars(length(min = 1, max = 20_000))]
    message: String,
    /// Stop if `branch` is no longer at this commit.
    expected_head: Option<ExpectedHead>,
    /// One entry per file.
    #[schemars(length(min = 1, max = 100))]
    files: Vec<ChangeArgument>,
}

/// A new commit.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Committed {
    /// Its hash.
    commit: String,
    /// The branch that it is on.
    branch: Foreign,
    /// The commit that a new branch starts from.
    #[serde(skip_serializing_if = "Option::is_none")]
    new_from: Option<String>,
    /// What was done to each file.
    files: Vec<String>,
    /// Files that were as asked for already.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unchanged: Vec<Foreign>,
    /// Whether Bitbucket did not confirm it, so that it was read off the branch.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unconfirmed: bool,
}

/// Where the commit goes.
struct Target {
    branch: String,
    /// What it is built on.
    base: Resolved,
    is_new: bool,
}

impl Tool for CommitFiles {
    const NAME: &'static str = "commit_files";
    const TITLE: &'static str = "Commit files";
    const EFFECT: Effect = Effect::Adds;
    const SCOPES: &'static [&'static str] = &["repository:write"];
    type Output = Committed;

    /// A new branch can be thrown away, so it needs no question. Whether `branch` is the main branch
    /// only a look can tell.
    fn approval(&self) -> Option<String> {
        if self.new_branch.is_some() {
            return None;
        }
        let id = self.repository.id(self.workspace.as_ref()).ok()?;
        let files = changes::read(&self.files).ok()?;
        let branch = match self.named_branch() {
            Some(name) => format!("the branch {}", path(name).quoted()),
            None => "the main branch".to_owned(),
        };
        let message = Foreign::line(&self.message, 200).quoted();
        let files: Vec<String> = files.iter().map(describe).collect();
        Some(format!(
            "Commit to {branch} of {id} with the message {message}? {}.",
            files.join("; ")
        ))
    }

    async fn question(&self, cx: &Context) -> Result<Option<String>> {
        let Some(name) = self.named_branch() else { return Ok(self.approval()) };
        let id = self.repository.id(self.workspace.as_ref())?;
        let repository = cx.repository(&id).await?;
        let is_main = main_branch(&repository).await?.as_deref() == Some(name);
        let question = self.approval().map(|question| {
            question.replacen("Commit to the branch", "Commit to the main branch", 1)
        });
        Ok(question.filter(|_| is_main))
    }

    async fn run(self, cx: &Context) -> Result<Committed> {
        let id = self.repository.id(self.workspace.as_ref())?;
        if self.message.trim().is_empty() {
            return Err(Error::InvalidArguments("`message` is blank".to_owned()));
        }
        let changes = changes::read(&self.files)?;
        if let Some(new) = &self.new_branch {
            new.new_name("new_branch")?;
        }
        let repository = cx.repository(&id).await?;
        let target = self.target(&repository).await?;
        self.check_head(&target)?;
        lookup::scope(cx, "repository:write").await?;
        let before = Before::read(&repository, &target.base, &changes).await?;
        let (mut files, mut unchanged) = (Vec::new(), Vec::new());
        for change in &changes {
            match before.after(change).await? {
                Some(after) => files.push(after),
                None => unchanged.push(path(change.path.as_str())),
            }
        }
        if files.is_empty() {
            return Err(Error::refused(
                "nothing would change: the files are like that already",
                "nothing was committed",
            ));
        }
        let done = files.iter().map(done).collect();
        let (commit, unconfirmed) = self.send(&repository, &target, files).await?;
        Ok(Committed {
            commit: short(&commit),
            branch: path(&target.branch),
            new_from: target.is_new.then(|| short(&target.base.hash)),
            files: done,
            unchanged,
            unconfirmed,
        })
    }
}

impl CommitFiles {
    fn named_branch(&self) -> Option<&str> {
        let name = self.branch.as_ref()?.0.as_str();
        Some(name.strip_prefix("refs/heads/").unwrap_or(name))
    }

    async fn target(&self, repository: &Repository<'_>) -> Result<Target> {
        if let Some(Revision(new)) = &self.new_branch {
            let revision = self.branch.as_ref().map(|revision| revision.0.as_str());
            let base = lookup::revision(repository, revision, None).await?;
            // Bitbucket commits to a branch that exists if it is where the new one was to start.
            let exists = match (revision, &base.name) {
                (None, Some(main)) if main != new => None,
                _ => head(repository, new).await?,
            };
            if let Some(head) = exists {
                return Err(self.exists(new, &head));
            }
            return Ok(Target { branch: new.clone(), base, is_new: true });
        }
        let Some(name) = self.named_branch() else {
            let base = lookup::revision(repository, None, None).await?;
            let branch = match &base.name {
                Some(name) => name.clone(),
                None => main_branch(repository).await?.unwrap_or_default(),
            };
            return Ok(Target { branch, base, is_new: false });
        };
        match repository.branch(name).await {
            Err(error) if error.is_not_found() => Err(lookup::no_branch(repository, name).await),
            found => {
                let base = Resolved { hash: found?.target.hash, name: Some(name.to_owned()) };
                Ok(Target { branch: name.to_owned(), base, is_new: false })
            }
        }
    }

    fn check_head(&self, target: &Target) -> Result<()> {
        let head = &target.base.hash;
        match &self.expected_head {
            Some(expected) if !same_commit(&expected.0, head) => Err(Error::conflict(
                format!("the head is {}, not {}", short(head), expected.0),
                "nothing was committed; see `compare_commits` for what came, then decide again",
            )),
            _ => Ok(()),
        }
    }

    /// Sends the commit once; the hash, and whether it had to be looked up.
    async fn send(
        &self,
        repository: &Repository<'_>,
        target: &Target,
        files: Vec<After>,
    ) -> Result<(String, bool)> {
        let mut commit = NewCommit::new(&target.branch, &target.base.hash, &self.message);
        for file in files {
            if let Some(from) = &file.from {
                commit = commit.delete(from);
            }
            commit = match file.data {
                Some((data, mode)) => commit.write(&file.path, mode, data),
                None => commit.delete(&file.path),
            };
        }
        let error = match repository.commit(commit).await {
            Ok(committed) => match committed.hash {
                Some(hash) => return Ok((hash, false)),
                None => None,
            },
            Err(bitbucket::Error::Status { status: 409, .. }) => {
                return Err(self.moved(repository, target).await);
            }
            Err(error) if lookup::is_sent_elsewhere(&error) => {
                return Err(lookup::not_written(repository, error).await);
            }
            Err(error) if error.leaves_outcome_open() => Some(error),
            Err(error) => return Err(error.into()),
        };
        if let Ok(Some(hash)) = self.find(repository, target).await {
            return Ok((hash, error.is_some()));
        }
        let branch = bare(&path(&target.branch));
        match error {
            Some(bitbucket::Error::Cancelled) => Err(Error::Cancelled),
            _ => Err(Error::TimedOut {
                says: format!(
                    "Bitbucket did not confirm the commit to {branch}; it may yet be made"
                ),
                hint: "look with `list_commits` in a minute; commit again only if it is not there"
                    .into(),
            }),
        }
    }

    /// The commit at the branch's head, if it is the one that was sent.
    async fn find(&self, repository: &Repository<'_>, target: &Target) -> Result<Option<String>> {
        let Some(head) = head(repository, &target.branch).await? else { return Ok(None) };
        let commit = repository.get_commit(&head).await?;
        let parent = commit.parents.first().map(|parent| parent.hash.as_str());
        let is_ours = parent.is_some_and(|parent| same_commit(parent, &target.base.hash))
            && commit.message.as_deref().unwrap_or_default().trim() == self.message.trim();
        Ok(is_ours.then_some(head))
    }

    /// Bitbucket answered that the branch is not where it was.
    async fn moved(&self, repository: &Repository<'_>, target: &Target) -> Error {
        let branch = bare(&path(&target.branch));
        let now = head(repository, &target.branch).await.ok().flatten();
        let Some(now) = now.filter(|now| *now != target.base.hash) else {
            return Error::conflict(
                format!("{branch} changed while the commit was made"),
                "nothing was committed; call again",
            );
        };
        if target.is_new {
            return self.exists(&target.branch, &now);
        }
        let commit = repository.get_commit(&now).await.ok();
        let author = commit.and_then(|commit| commit.author);
        let author = author.as_ref().and_then(|author| match &author.user {
            Some(user) => Some(bare(&person(user))),
            None => author.name().map(|name| bare(&Foreign::line(name, 80))),
        });
        let by = author.map(|author| format!(" by {author}")).unwrap_or_default();
        Error::conflict(
            format!("{branch} moved from {} to {}{by}", short(&target.base.hash), short(&now)),
            "nothing was committed; read what came with `compare_commits`, then decide again",
        )
    }

    fn exists(&self, branch: &str, head: &str) -> Error {
        Error::conflict(
            format!("the branch {} exists, at {}", bare(&path(branch)), short(head)),
            "nothing was committed; take another name, or give it as `branch` to commit on it",
        )
    }
}

async fn main_branch(repository: &Repository<'_>) -> Result<Option<String>> {
    match repository.main_branch().await {
        Err(error) if error.is_not_found() => Err(Error::no_repository(repository.id())),
        main => Ok(main?),
    }
}

/// The commit that a branch is at, if there is one of that name.
async fn head(repository: &Repository<'_>, branch: &str) -> Result<Option<String>> {
    match repository.branch(branch).await {
        Err(error) if error.is_not_found() => Ok(None),
        found => Ok(Some(found?.target.hash)),
    }
}

/// What is to be done, for the person who is asked.
fn describe(change: &Change) -> String {
    let name = path(change.path.as_str()).quoted();
    match &change.what {
        What::Write { overwrite: false, .. } => format!("create {name}"),
        What::Write { .. } => format!("write {name}"),
        What::Edit { from: Some(from), .. } => {
            format!("move {} to {name}", path(from.as_str()).quoted())
        }
        What::Edit { from: None, .. } => format!("change {name}"),
        What::Delete => format!("delete {name}"),
    }
}

/// What was done.
fn done(after: &After) -> String {
    let name = bare(&path(after.path.as_str()));
    match (&after.data, &after.from, after.created) {
        (None, _, _) => format!("deleted {name}"),
        (_, Some(from), _) => format!("moved {} to {name}", bare(&path(from.as_str()))),
        (_, _, true) => format!("created {name}"),
        _ => format!("changed {name}"),
    }
}

impl Answer for Committed {
    fn text(&self) -> String {
        let mut text = format!("{} on {}", self.commit, bare(&self.branch));
        if let Some(from) = &self.new_from {
            let _ = write!(text, " (new, from {from})");
        }
        let _ = write!(text, ": {}", self.files.join(", "));
        if !self.unchanged.is_empty() {
            let names: Vec<String> = self.unchanged.iter().map(bare).collect();
            let _ = write!(text, "; as asked already: {}", names.join(", "));
        }
        if self.unconfirmed {
            text.push_str("\nBitbucket did not confirm it, but the branch has it");
        }
        text
    }
}

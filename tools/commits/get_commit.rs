use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::changes::{self, Changes, Shown};
use crate::bitbucket::{self, Author, Build, CommitData, Range};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::lookup;
use crate::tools::params::{MaxBytes, RepositoryArgument, Revision, WorkspaceArgument};
use crate::tools::shown::{self, LINE, NAME, bare, day, short};
use crate::tools::wanted::Wanted;
use crate::{Error, Result};

/// How much of the message is shown.
const MESSAGE: usize = 10_000;
/// How many builds are looked at.
const BUILDS: usize = 100;

/// Get a commit: whole message, author, builds, files with counts; with `paths`, also their diff.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetCommit {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
    /// Hash, branch or tag; default: main branch.
    revision: Option<Revision>,
    /// Show the diff of these files, folders or globs; `**` for all.
    #[serde(default)]
    paths: Vec<Wanted>,
    /// Budget of the diff.
    #[serde(default)]
    max_bytes: MaxBytes,
}

/// A commit.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Commit {
    repository: String,
    hash: String,
    /// The branch or tag that named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Foreign>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<Foreign>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    /// The commits before; more than one for a merge.
    parents: Vec<String>,
    message: Foreign,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    builds: Vec<Row>,
    /// Whether the builds could not be read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    builds_unknown: bool,
    /// What changed since its first parent.
    changes: Changes,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<Shown>,
}

/// A build.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    name: Foreign,
    /// `successful`, `failed`, `inprogress` or `stopped`.
    state: Foreign,
}

impl Tool for GetCommit {
    const NAME: &'static str = "get_commit";
    const TITLE: &'static str = "Get a commit";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["repository"];
    type Output = Commit;

    async fn run(self, cx: &Context) -> Result<Commit> {
        let id = self.repository.id(self.workspace.as_ref())?;
        let repository = cx.repository(&id).await?;
        let revision = self.revision.as_ref().map(|revision| revision.0.as_str());
        let resolved = lookup::revision(&repository, revision, None).await?;
        let range = Range::Commit(resolved.hash.clone());
        let (commit, files, builds) = futures::join!(
            repository.get_commit(&resolved.hash),
            changes::files(&repository, &range),
            repository.commit_builds(&resolved.hash, BUILDS),
        );
        let commit = match commit {
            Err(error) if error.is_not_found() => {
                return Err(lookup::no_commit(&repository, &resolved.hash).await);
            }
            commit => commit?,
        };
        let files = files?;
        let builds = match builds {
            Ok(page) => Some(page.values),
            // The commit is of use without them.
            Err(bitbucket::Error::NotFound { .. } | bitbucket::Error::Status { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let diff = Shown::read(&repository, &range, &files, &self.paths, self.max_bytes).await?;
        let author = commit.author.as_ref().and_then(Author::name);
        Ok(Commit {
            repository: id.to_string(),
            revision: shown::revision(&resolved),
            author: author.map(|name| Foreign::line(name, NAME)),
            date: commit.date.map(shown::time),
            parents: parents(&commit)?,
            message: Foreign::block(commit.message.as_deref().unwrap_or_default().trim(), MESSAGE),
            builds_unknown: builds.is_none(),
            builds: builds.unwrap_or_default().iter().map(Row::from).collect(),
            changes: Changes::new(&files),
            diff,
            hash: resolved.hash,
        })
    }
}

fn parents(commit: &CommitData) -> Result<Vec<String>> {
    let fit = |hash: &str| bitbucket::is_hash(hash).then(|| short(hash));
    let unfit = || bitbucket::Error::Unreadable { why: "a parent without a hash".to_owned() };
    let parents = commit.parents.iter().map(|parent| fit(&parent.hash).ok_or_else(unfit));
    parents.collect::<Result<_, _>>().map_err(Error::from)
}

impl From<&Build> for Row {
    fn from(build: &Build) -> Self {
        let name = if build.name.is_empty() { &build.key } else { &build.name };
        Self {
            name: Foreign::line(name, NAME),
            state: Foreign::line(&build.state.to_lowercase(), LINE),
        }
    }
}

impl Answer for Commit {
    fn text(&self) -> String {
        let mut text = format!("{} commit {}", self.repository, self.hash);
        if let Some(revision) = &self.revision {
            let _ = write!(text, ", {}", bare(revision));
        }
        text.push('\n');
        if let Some(author) = &self.author {
            let _ = write!(text, "by {}", bare(author));
        }
        if let Some(date) = &self.date {
            let _ = write!(text, " on {}", day(date));
        }
        match self.parents.as_slice() {
            [] => text.push_str(", the first commit"),
            [one] => {
                let _ = write!(text, ", after {one}");
            }
            several => {
                let _ = write!(text, ", a merge of {}", several.join(" and "));
            }
        }
        let _ = write!(text, "\n{}", self.message.indented("  "));
        self.write_builds(&mut text);
        self.changes.write(&mut text);
        if let Some(diff) = &self.diff {
            diff.write(&mut text);
        }
        text
    }
}

impl Commit {
    fn write_builds(&self, text: &mut String) {
        if self.builds_unknown {
            text.push_str("\nbuilds: unknown");
        } else if !self.builds.is_empty() {
            let builds: Vec<String> = self
                .builds
                .iter()
                .map(|build| format!("{} {}", build.name.quoted(), bare(&build.state)))
                .collect();
            let _ = write!(text, "\nbuilds: {}", builds.join(", "));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::sandbox::{Effect, Fault, Service};
    use crate::testing::Stage;

    async fn said(stage: &Stage, call: Value) -> String {
        stage.call_as("linked", "get_commit", call).await
    }

    #[tokio::test]
    async fn shows_a_commit_with_its_files_and_builds() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "revision": "feature/checkout-rounding" });
        let whole = said(&stage, call.clone()).await;
        insta::assert_snapshot!(whole, @r#"
        acme/shop commit a77bd4c287ec844feede0a14be596305d4e95aa8, feature/checkout-rounding
        by cleo on 2026-11-13, after 745191bc5818
          Document the rounding, and prepare 2.4.1
        builds: "Build and test" successful, "Lint" successful, "End-to-end tests" successful
        4 files, +413 -27:
          CHANGELOG.md +4 -0
          docs/rounding.md +21 -0 added
          package-lock.json +386 -26
          package.json +2 -1
        "#);
        assert_eq!(stage.call_as("limited", "get_commit", call).await, whole);
    }

    #[tokio::test]
    async fn shows_the_diff_of_named_files() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "revision": "v2.4.0", "paths": ["*.md"] });
        insta::assert_snapshot!(said(&stage, call).await, @"
        acme/shop commit 8fc367030195410ea76ee9d5d81992e4ff907d77, v2.4.0
        by ana on 2026-11-09, after 24a291bcd921
          Release 2.4.0
        3 files, +7 -3:
          CHANGELOG.md +4 -0
          package-lock.json +2 -2
          package.json +1 -1
        === CHANGELOG.md (+4 -0)
        @@ -1,5 +1,9 @@
         # Changelog
         
        +## 2.4.0 (2026-11-09)
        +
        +- Shipping is free from 75.00 on.
        +
         ## 2.3.0 (2026-10-12)
         
         - Shipping is free from 50.00 on.
        ");
        let call =
            json!({ "repository": "acme/shop", "revision": "v2.4.0", "paths": ["CHANGLOG.md"] });
        insta::assert_snapshot!(said(&stage, call).await, @r#"
        not_found: no changed file matches "CHANGLOG.md"
        hint: did you mean CHANGELOG.md?
        "#);
    }

    #[tokio::test]
    async fn does_without_builds_that_cannot_be_read() {
        let stage = Stage::new().await;
        let fault = Fault::new(Service::Bitbucket, Effect::status(404)).path("*/statuses");
        stage.sandbox().faults().add(fault);
        let call = json!({ "repository": "acme/shop", "revision": "v2.4.0" });
        assert!(said(&stage, call).await.contains("\nbuilds: unknown\n"));
        let call = json!({ "repository": "acme/shop", "revision": "0123456789012345678901234567890123456789" });
        insta::assert_snapshot!(said(&stage, call).await, @"
        not_found: no commit 0123456789012345678901234567890123456789 in acme/shop
        hint: call `list_commits` for the commits of a branch
        ");
    }
}

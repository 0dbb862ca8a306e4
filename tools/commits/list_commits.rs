use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::bitbucket::{Author, CommitData};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::lookup;
use crate::tools::params::{Limit, PathArgument, RepositoryArgument, Revision, WorkspaceArgument};
use crate::tools::shown::{self, LINE, NAME, PATH, at, day, more};

/// List the history of a branch, tag or commit, newest first; with `path`, of one file or folder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListCommits {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
    /// Branch, tag or hash; default: main branch.
    revision: Option<Revision>,
    /// Only commits that changed this file or folder.
    path: Option<PathArgument>,
    /// How many.
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor`.
    cursor: Option<String>,
}

/// Commits.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Commits {
    repository: String,
    /// The branch or tag that the history starts at.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Foreign>,
    /// The commit that it named.
    commit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<Foreign>,
    commits: Vec<Row>,
    /// Pass it as `cursor` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A commit.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    hash: Foreign,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<Foreign>,
    /// The first line of the message.
    subject: Foreign,
    /// Whether it has more than one parent.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    merge: bool,
}

impl Tool for ListCommits {
    const NAME: &'static str = "list_commits";
    const TITLE: &'static str = "List commits";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["repository"];
    type Output = Commits;

    async fn run(self, cx: &Context) -> Result<Commits> {
        let id = self.repository.id(self.workspace.as_ref())?;
        let resume = cx.resume(self.cursor.as_deref())?;
        let repository = cx.repository(&id).await?;
        let revision = self.revision.as_ref().map(|revision| revision.0.as_str());
        let resolved = lookup::revision(&repository, revision, resume.as_ref()).await?;
        let path = self.path.as_ref().map(|path| &path.0).filter(|path| !path.is_root());
        let page =
            repository.commits(&resolved.hash, path, self.limit.get(), resume.as_ref()).await;
        let page = match (page, path) {
            (Err(error), Some(path)) if error.is_not_found() => {
                return Err(lookup::no_path(&repository, &resolved, path).await);
            }
            (page, _) => page?,
        };
        Ok(Commits {
            repository: id.to_string(),
            revision: shown::revision(&resolved),
            commit: resolved.hash,
            path: path.map(|path| Foreign::line(path.as_str(), PATH)),
            commits: page.values.into_iter().map(Into::into).collect(),
            next_cursor: cx.cursor(page.next)?,
        })
    }
}

impl From<CommitData> for Row {
    fn from(commit: CommitData) -> Self {
        let author = commit.author.as_ref().and_then(Author::name);
        Self {
            hash: Foreign::line(&commit.hash, NAME),
            date: commit.date.map(shown::time),
            author: author.map(|name| Foreign::line(name, NAME)),
            subject: Foreign::line(commit.subject(), LINE),
            merge: commit.parents.len() > 1,
        }
    }
}

impl Answer for Commits {
    fn text(&self) -> String {
        let mut text = at(&self.repository, self.revision.as_ref(), &self.commit);
        if let Some(path) = &self.path {
            let _ = write!(text, ", commits that changed {}", path.quoted());
        }
        text.push_str(if self.commits.is_empty() { ": none" } else { ", newest first:" });
        for row in &self.commits {
            let hash = row.hash.as_str();
            let _ = write!(text, "\n  {}", hash.get(..12).unwrap_or(hash));
            if let Some(date) = &row.date {
                let _ = write!(text, " · {}", day(date));
            }
            if let Some(author) = &row.author {
                let _ = write!(text, " · {}", author.as_str());
            }
            if row.merge {
                text.push_str(" · merge");
            }
            let _ = write!(text, " · {}", row.subject.as_str());
        }
        more(&mut text, self.next_cursor.as_ref());
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Stage;

    fn before_the_cursor(said: &str) -> &str {
        said.rsplit_once(" \"").map_or(said, |(before, _)| before)
    }

    #[tokio::test]
    async fn lists_the_history_of_a_branch_with_a_slash() {
        let stage = Stage::new().await;
        let call = json!({
            "repository": "acme/shop", "revision": "feature/checkout-rounding", "limit": 3,
        });
        let said = stage.call_as("linked", "list_commits", call.clone()).await;
        insta::assert_snapshot!(before_the_cursor(&said), @r#"
        acme/shop at "feature/checkout-rounding" (a77bd4c287ec), newest first:
          a77bd4c287ec · 2026-11-13 · cleo · Document the rounding, and prepare 2.4.1
          745191bc5818 · 2026-11-12 · cleo · Round once, at the end of the checkout
          9904b18293fa · 2026-11-12 · cleo · Add an amount type that keeps fractions of a cent
        more: call again with cursor
        "#);
        let again = stage.call_as("limited", "list_commits", call).await;
        assert_eq!(before_the_cursor(&again), before_the_cursor(&said));
    }

    #[tokio::test]
    async fn stays_at_the_commit_it_started_from() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "limit": 2 });
        let first = stage.structured_as("linked", "list_commits", call).await;
        let call = json!({ "repository": "acme/shop", "limit": 2, "cursor": first["next_cursor"] });
        let second = stage.structured_as("linked", "list_commits", call).await;
        assert_eq!(first["commit"], second["commit"]);
        assert_ne!(first["commits"], second["commits"]);
    }

    #[tokio::test]
    async fn lists_what_changed_one_file() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "path": "src/checkout/total.ts" });
        let said = stage.call_as("linked", "list_commits", call).await;
        insta::assert_snapshot!(said, @r#"
        acme/shop at "main" (8fc367030195), commits that changed "src/checkout/total.ts", newest first:
          4e10490b116b · 2026-06-01 · ana · Begin the shop
        "#);
    }

    #[tokio::test]
    async fn offers_a_branch_that_is_spelled_alike() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "revision": "feature/chekout-rounding" });
        let said = stage.call_as("linked", "list_commits", call).await;
        insta::assert_snapshot!(said, @r#"
        not_found: no branch, tag or commit "feature/chekout-rounding" in acme/shop
        hint: did you mean "feature/checkout-rounding"? `list_branches` shows all
        "#);
    }

    #[tokio::test]
    async fn asks_a_guest_to_link() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop" });
        let said = stage.call_as("guest", "list_commits", call).await;
        insta::assert_snapshot!(stage.without_ids(&said), @r"
        not_linked: no Bitbucket account is linked for this user
        hint: ask the user to open http://127.0.0.1/… in their browser and finish there, then call again
        ");
    }
}

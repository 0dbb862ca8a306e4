use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bitbucket::{Author, BranchData};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::params::{Limit, RepositoryArgument, WorkspaceArgument};
use crate::tools::shown::{self, LINE, NAME, day, more};
use crate::{Error, Result};

/// List branches with their newest commit, the most recently changed first.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListBranches {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
    /// Part of the name.
    #[schemars(length(min = 1, max = 100))]
    name: Option<String>,
    /// How many.
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor`.
    cursor: Option<String>,
}

/// Branches.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Branches {
    branches: Vec<Row>,
    /// Pass it as `cursor` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A branch.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    name: Foreign,
    /// The hash of its newest commit.
    commit: Foreign,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<Foreign>,
    /// The first line of the commit's message.
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    subject: Foreign,
}

impl Tool for ListBranches {
    const NAME: &'static str = "list_branches";
    const TITLE: &'static str = "List branches";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["repository"];
    type Output = Branches;

    async fn run(self, cx: &Context) -> Result<Branches> {
        let id = self.repository.id(self.workspace.as_ref())?;
        let resume = cx.resume(self.cursor.as_deref())?;
        let repository = cx.repository(&id).await?;
        let page = repository.branches(self.name.as_deref(), self.limit.get(), resume.as_ref());
        let page = match page.await {
            Err(error) if error.is_not_found() => return Err(Error::no_repository(&id)),
            page => page?,
        };
        let branches = page.values.into_iter().map(Into::into).collect();
        Ok(Branches { branches, next_cursor: cx.cursor(page.next)? })
    }
}

impl From<BranchData> for Row {
    fn from(branch: BranchData) -> Self {
        let author = branch.target.author.as_ref().and_then(Author::name);
        Self {
            name: Foreign::line(&branch.name, NAME),
            commit: Foreign::line(&branch.target.hash, NAME),
            date: branch.target.date.map(shown::time),
            author: author.map(|name| Foreign::line(name, NAME)),
            subject: Foreign::line(branch.target.subject(), LINE),
        }
    }
}

impl Answer for Branches {
    fn text(&self) -> String {
        if self.branches.is_empty() {
            return "no branches".to_owned();
        }
        let mut text = String::from("branches, most recently changed first:");
        for row in &self.branches {
            let commit = row.commit.as_str();
            let short = commit.get(..12).unwrap_or(commit);
            let _ = write!(text, "\n  {} · {short}", row.name.as_str());
            if let Some(date) = &row.date {
                let _ = write!(text, " · {}", day(date));
            }
            for part in [row.author.as_ref(), Some(&row.subject)].into_iter().flatten() {
                if !part.is_empty() {
                    let _ = write!(text, " · {}", part.as_str());
                }
            }
        }
        more(&mut text, self.next_cursor.as_ref());
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Stage;

    #[tokio::test]
    async fn lists_branches_with_their_newest_commit() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "name": "checkout" });
        let said = stage.call_as("linked", "list_branches", call.clone()).await;
        insta::assert_snapshot!(said, @r"
        branches, most recently changed first:
          feature/checkout-rounding · a77bd4c287ec · 2026-11-13 · cleo · Document the rounding, and prepare 2.4.1
        ");
        assert_eq!(stage.call_as("limited", "list_branches", call).await, said);
    }

    #[tokio::test]
    async fn goes_on_where_a_page_ended() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "limit": 2 });
        let first = stage.structured_as("linked", "list_branches", call).await;
        assert_eq!(first["branches"].as_array().unwrap().len(), 2);
        let call = json!({ "repository": "acme/shop", "limit": 2, "cursor": first["next_cursor"] });
        let second = stage.structured_as("linked", "list_branches", call).await;
        assert_ne!(first["branches"], second["branches"]);
    }

    #[tokio::test]
    async fn takes_no_cursor_of_another_call() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "limit": 2 });
        let first = stage.structured_as("linked", "list_branches", call).await;
        let call = json!({ "repository": "acme/docs", "cursor": first["next_cursor"] });
        let said = stage.call_as("linked", "list_branches", call).await;
        assert!(said.starts_with("invalid_arguments: `cursor`"), "{said}");
    }

    #[tokio::test]
    async fn asks_a_guest_to_link() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop" });
        let said = stage.call_as("guest", "list_branches", call).await;
        insta::assert_snapshot!(stage.without_ids(&said), @r"
        not_linked: no Bitbucket account is linked for this user
        hint: ask the user to open http://127.0.0.1/… in their browser and finish there, then call again
        ");
    }
}

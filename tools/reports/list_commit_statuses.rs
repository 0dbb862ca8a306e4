use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::bitbucket::StatusData;
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::lookup;
use crate::tools::params::{Limit, RepositoryArgument, Revision, WorkspaceArgument};
use crate::tools::shown::{self, LINE, NAME, at, bare, day, more};

/// How much of an address is shown.
const URL: usize = 500;

/// List what builds and checks say about a commit, newest first.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListCommitStatuses {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
    /// Branch, tag or hash; default: main branch.
    revision: Option<Revision>,
    /// How many.
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor`.
    cursor: Option<String>,
}

/// Statuses of a commit.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Statuses {
    repository: String,
    /// What the commit was looked up by.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Foreign>,
    /// Its hash.
    commit: String,
    statuses: Vec<Status>,
    /// Pass it as `cursor` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A status.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Status {
    key: Foreign,
    /// `SUCCESSFUL`, `FAILED`, `INPROGRESS` or `STOPPED`.
    state: Foreign,
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    name: Foreign,
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    description: Foreign,
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    url: Foreign,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<String>,
}

impl Tool for ListCommitStatuses {
    const NAME: &'static str = "list_commit_statuses";
    const TITLE: &'static str = "List a commit's statuses";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["repository"];
    type Output = Statuses;

    async fn run(self, cx: &Context) -> Result<Statuses> {
        let id = self.repository.id(self.workspace.as_ref())?;
        let resume = cx.resume(self.cursor.as_deref())?;
        let repository = cx.repository(&id).await?;
        let revision = self.revision.as_ref().map(|revision| revision.0.as_str());
        let resolved = lookup::revision(&repository, revision, resume.as_ref()).await?;
        let page =
            repository.commit_statuses(&resolved.hash, self.limit.get(), resume.as_ref()).await;
        let page = match page {
            Err(error) if error.is_not_found() => {
                return Err(lookup::no_commit(&repository, &resolved.hash).await);
            }
            page => page?,
        };
        Ok(Statuses {
            repository: id.to_string(),
            revision: shown::revision(&resolved),
            commit: resolved.hash,
            statuses: page.values.into_iter().map(Into::into).collect(),
            next_cursor: cx.cursor(page.next)?,
        })
    }
}

impl From<StatusData> for Status {
    fn from(data: StatusData) -> Self {
        let name = if data.name == data.key { "" } else { data.name.as_str() };
        Self {
            key: Foreign::line(&data.key, NAME),
            state: Foreign::line(&data.state, NAME),
            name: Foreign::line(name, NAME),
            description: Foreign::line(&data.description, LINE),
            url: Foreign::line(&data.url, URL),
            updated: data.updated_on.map(shown::time),
        }
    }
}

impl Status {
    /// Its state, what says so, and when.
    pub(super) fn line(&self) -> String {
        let mut line = format!("{} · {}", bare(&self.state), bare(&self.key));
        for part in [&self.name, &self.description] {
            if !part.is_empty() {
                let _ = write!(line, " · {}", part.quoted());
            }
        }
        if let Some(updated) = &self.updated {
            let _ = write!(line, " · {}", day(updated));
        }
        line
    }
}

impl Answer for Statuses {
    fn text(&self) -> String {
        let place = at(&self.repository, self.revision.as_ref(), &self.commit);
        if self.statuses.is_empty() {
            return format!("no statuses on {place}");
        }
        let mut text = format!("statuses on {place}, newest first:");
        for status in &self.statuses {
            let _ = write!(text, "\n  {}", status.line());
            if !status.url.is_empty() {
                let _ = write!(text, " · {}", status.url.as_str());
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

    const TOOL: &str = "list_commit_statuses";

    #[tokio::test]
    async fn lists_what_builds_say_about_a_branch_with_a_slash() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        let call = json!({ "repository": "acme/shop", "revision": "feature/checkout-rounding" });
        let said = stage.call_as("limited", TOOL, call).await;
        assert_eq!(stage.requests().len(), 2);
        insta::assert_snapshot!(said, @r#"
        statuses on acme/shop at "feature/checkout-rounding" (a77bd4c287ec), newest first:
          SUCCESSFUL · pipeline · "Build and test" · "Passed in 7 minutes" · 2026-11-13 · https://bitbucket.org/acme/shop/pipelines/results/142
          SUCCESSFUL · lint · "Lint" · "Passed in 7 minutes" · 2026-11-13 · https://bitbucket.org/acme/shop/pipelines/results/142
          SUCCESSFUL · e2e · "End-to-end tests" · "Passed in 7 minutes" · 2026-11-13 · https://bitbucket.org/acme/shop/pipelines/results/142
        "#);
    }

    #[tokio::test]
    async fn says_when_nothing_was_built_and_when_there_is_no_commit() {
        let stage = Stage::new().await;
        let said = stage.call_as("linked", TOOL, json!({ "repository": "acme/docs" })).await;
        insta::assert_snapshot!(said, @r#"no statuses on acme/docs at "main" (aeffc74e528b)"#);
        let call = json!({ "repository": "acme/shop", "revision": "0".repeat(40) });
        let said = stage.call_as("linked", TOOL, call).await;
        insta::assert_snapshot!(said, @"
        not_found: no commit 0000000000000000000000000000000000000000 in acme/shop
        hint: call `list_commits` for the commits of a branch
        ");
    }
}

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bitbucket::{Page, RepositoryData, Resume, Segment};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::lookup;
use crate::tools::params::{Limit, WorkspaceArgument};
use crate::tools::shown::{self, LINE, NAME, day, more};
use crate::{Error, Result};

/// How many workspaces are offered to somebody who named none.
const OFFERED: usize = 20;

/// How many pages are looked through for repositories that the allow-list lets pass.
const MOST_PAGES: usize = 10;

/// List a workspace's repositories, the most recently updated first.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListRepositories {
    /// Needed unless the user has only one.
    workspace: Option<WorkspaceArgument>,
    /// Part of the name.
    #[schemars(length(min = 1, max = 100))]
    name: Option<String>,
    /// How many.
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor`.
    cursor: Option<String>,
}

/// Repositories.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Repositories {
    repositories: Vec<Row>,
    /// Pass it as `cursor` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A repository.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    /// `workspace/repository`.
    repository: Foreign,
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    description: Foreign,
    private: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    main_branch: Option<Foreign>,
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    language: Foreign,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<String>,
}

impl Tool for ListRepositories {
    const NAME: &'static str = "list_repositories";
    const TITLE: &'static str = "List repositories";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["repository"];
    type Output = Repositories;

    async fn run(self, cx: &Context) -> Result<Repositories> {
        let resume = cx.resume(self.cursor.as_deref())?;
        let workspace = match &self.workspace {
            Some(WorkspaceArgument(workspace)) => workspace.clone(),
            None => only_workspace(cx).await?,
        };
        let page = self.page(cx, &workspace, resume).await?;
        let repositories = page.values.into_iter().map(Into::into).collect();
        Ok(Repositories { repositories, next_cursor: cx.cursor(page.next)? })
    }
}

impl ListRepositories {
    /// A page of the repositories that exist for the agent.
    async fn page(
        &self,
        cx: &Context,
        workspace: &Segment,
        mut resume: Option<Resume>,
    ) -> Result<Page<RepositoryData>> {
        let limit = self.limit.get();
        let workspace = cx.bitbucket().await?.workspace(workspace);
        let mut found = Page { values: Vec::new(), next: None, size: None };
        for _ in 0..MOST_PAGES {
            let missing = limit.saturating_sub(found.values.len());
            let page = workspace
                .repositories(self.name.as_deref(), missing, resume.as_ref())
                .await
                .map_err(lookup::no_workspace)?;
            let exists = |data: &RepositoryData| cx.repositories().allows(&data.full_name);
            found.values.extend(page.values.into_iter().filter(exists));
            found.next = page.next;
            if found.values.len() >= limit || found.next.is_none() {
                break;
            }
            resume = found.next.clone();
        }
        Ok(found)
    }
}

/// The workspace of somebody who has one.
async fn only_workspace(cx: &Context) -> Result<Segment> {
    let page = cx.bitbucket().await?.workspaces(OFFERED, None).await?;
    let slugs: Vec<Segment> = page
        .values
        .iter()
        .filter_map(|access| Segment::try_from(access.workspace.slug.as_str()).ok())
        .collect();
    match slugs.as_slice() {
        [only] if page.next.is_none() => Ok(only.clone()),
        [] => Err(Error::not_found(
            "the user belongs to no workspace",
            "ask the user which `workspace` they mean",
        )),
        several => Err(which_workspace(several, page.next.is_some())),
    }
}

/// Asks for one of the `offered` workspaces, which may not be all.
fn which_workspace(offered: &[Segment], is_more: bool) -> Error {
    let names: Vec<String> = offered.iter().map(|slug| format!("`{slug}`")).collect();
    let rest = if is_more { "; `list_workspaces` names the others too" } else { "" };
    Error::InvalidArguments(format!(
        "`workspace` is missing, and the user belongs to several: {}{rest}",
        names.join(", ")
    ))
}

impl From<RepositoryData> for Row {
    fn from(data: RepositoryData) -> Self {
        Self {
            repository: Foreign::line(&data.full_name, NAME),
            description: Foreign::line(&data.description, LINE),
            private: data.is_private,
            main_branch: data.mainbranch.map(|branch| Foreign::line(&branch.name, NAME)),
            language: Foreign::line(&data.language, NAME),
            updated: data.updated_on.map(shown::time),
        }
    }
}

impl Answer for Repositories {
    fn text(&self) -> String {
        if self.repositories.is_empty() && self.next_cursor.is_none() {
            return "no repositories".to_owned();
        }
        let mut text = String::from("repositories, most recently updated first:");
        for row in &self.repositories {
            let _ = write!(text, "\n  {}", row.repository.as_str());
            if !row.private {
                text.push_str(" · public");
            }
            if let Some(updated) = &row.updated {
                let _ = write!(text, " · {}", day(updated));
            }
            for part in [row.main_branch.as_ref(), Some(&row.language), Some(&row.description)] {
                if let Some(part) = part.filter(|part| !part.is_empty()) {
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

    use super::*;
    use crate::testing::Stage;

    #[tokio::test]
    async fn lists_a_workspace() {
        let stage = Stage::new().await;
        let call = json!({ "workspace": "acme" });
        let said = stage.call_as("linked", "list_repositories", call.clone()).await;
        insta::assert_snapshot!(said, @r"
        repositories, most recently updated first:
          acme/shop · 2026-11-09 · main · typescript · The web shop: carts, checkout and price lists
          acme/infrastructure · 2026-10-19 · master · hcl · Servers, as code
          acme/docs · 2026-09-14 · main · markdown · The handbook
        ");
        assert_eq!(stage.call_as("limited", "list_repositories", call).await, said);
    }

    #[tokio::test]
    async fn finds_by_part_of_a_name() {
        let stage = Stage::new().await;
        let call = json!({ "workspace": "acme", "name": "infra" });
        let said = stage.call_as("linked", "list_repositories", call).await;
        insta::assert_snapshot!(said, @r"
        repositories, most recently updated first:
          acme/infrastructure · 2026-10-19 · master · hcl · Servers, as code
        ");
    }

    #[tokio::test]
    async fn lists_only_what_exists_for_the_agent() {
        let stage = Stage::new().await.only(&["acme/d*"]);
        let call = json!({ "workspace": "acme", "limit": 1 });
        let said = stage.structured_as("linked", "list_repositories", call).await;
        let names: Vec<_> = said["repositories"].as_array().unwrap().iter().collect();
        assert_eq!(names.len(), 1, "{said}");
        assert_eq!(names[0]["repository"], "acme/docs");
        let call = json!({ "repository": "acme/shop" });
        let said = stage.call_as("linked", "get_repository", call).await;
        assert!(said.starts_with("not_found: no repository `acme/shop`"), "{said}");
    }

    #[tokio::test]
    async fn asks_which_workspace_is_meant() {
        let stage = Stage::new().await;
        let said = stage.call_as("linked", "list_repositories", json!({})).await;
        insta::assert_snapshot!(said, @r"
        invalid_arguments: `workspace` is missing, and the user belongs to several: `acme`, `side-projects`
        hint: read the tool's input schema, then call again
        ");
    }

    #[test]
    fn says_when_there_are_more_workspaces_than_it_names() {
        let offered = ["acme", "docs"].map(|slug| Segment::try_from(slug).unwrap());
        assert_eq!(
            which_workspace(&offered, true).to_string(),
            "`workspace` is missing, and the user belongs to several: `acme`, `docs`; \
             `list_workspaces` names the others too"
        );
    }

    #[tokio::test]
    async fn says_when_there_is_no_such_workspace() {
        let stage = Stage::new().await;
        let said =
            stage.call_as("linked", "list_repositories", json!({ "workspace": "nope" })).await;
        insta::assert_snapshot!(said, @r"
        not_found: no such workspace, or no access to it
        hint: call `list_workspaces` for the ones that can be reached
        ");
    }

    #[tokio::test]
    async fn asks_a_guest_to_link() {
        let stage = Stage::new().await;
        let call = json!({ "workspace": "acme" });
        let said = stage.call_as("guest", "list_repositories", call).await;
        insta::assert_snapshot!(stage.without_ids(&said), @r"
        not_linked: no Bitbucket account is linked for this user
        hint: ask the user to open http://127.0.0.1/… in their browser and finish there, then call again
        ");
    }
}

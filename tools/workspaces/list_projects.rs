use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::bitbucket::ProjectData;
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::lookup;
use crate::tools::params::{Limit, WorkspaceArgument};
use crate::tools::shown::{LINE, NAME, bare, more};

/// List a workspace's projects, which group its repositories, by key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListProjects {
    /// Its slug.
    workspace: WorkspaceArgument,
    /// How many.
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor`.
    cursor: Option<String>,
}

/// Projects.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Projects {
    projects: Vec<Row>,
    /// Pass it as `cursor` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A project.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    key: Foreign,
    name: Foreign,
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    description: Foreign,
    /// Whether everybody may see it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    public: bool,
}

impl Tool for ListProjects {
    const NAME: &'static str = "list_projects";
    const TITLE: &'static str = "List projects";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["project"];
    type Output = Projects;

    async fn run(self, cx: &Context) -> Result<Projects> {
        let resume = cx.resume(self.cursor.as_deref())?;
        let client = cx.bitbucket().await?;
        let workspace = client.workspace(&self.workspace.0);
        let page = workspace.projects(self.limit.get(), resume.as_ref()).await;
        let page = page.map_err(lookup::no_workspace)?;
        let projects = page.values.into_iter().map(Into::into).collect();
        Ok(Projects { projects, next_cursor: cx.cursor(page.next)? })
    }
}

impl From<ProjectData> for Row {
    fn from(data: ProjectData) -> Self {
        Self {
            key: Foreign::line(&data.key, NAME),
            name: Foreign::line(&data.name, NAME),
            description: Foreign::line(&data.description, LINE),
            public: data.is_private == Some(false),
        }
    }
}

impl Answer for Projects {
    fn text(&self) -> String {
        if self.projects.is_empty() {
            return "no projects".to_owned();
        }
        let mut text = String::from("projects, by key:");
        for row in &self.projects {
            let _ = write!(text, "\n  {} · {}", bare(&row.key), row.name.as_str());
            if row.public {
                text.push_str(" · public");
            }
            if !row.description.is_empty() {
                let _ = write!(text, " · {}", row.description.as_str());
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
    async fn lists_projects_by_their_keys() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        let said = stage.call_as("limited", "list_projects", json!({ "workspace": "acme" })).await;
        insta::assert_snapshot!(said, @"
        projects, by key:
          SHOP · Shop · Everything that a customer of the shop sees
          OPS · Operations · What the shop runs on
        ");
        assert_eq!(stage.requests().len(), 1);
    }

    #[tokio::test]
    async fn goes_on_where_a_page_ended() {
        let stage = Stage::new().await;
        let call = json!({ "workspace": "acme", "limit": 1 });
        let first = stage.structured_as("linked", "list_projects", call).await;
        let call = json!({ "workspace": "acme", "limit": 1, "cursor": first["next_cursor"] });
        let second = stage.structured_as("linked", "list_projects", call).await;
        assert_eq!(second["projects"].as_array().unwrap().len(), 1);
        assert_ne!(first["projects"], second["projects"]);
    }

    #[tokio::test]
    async fn says_when_there_is_no_such_workspace() {
        let stage = Stage::new().await;
        let call = json!({ "workspace": "side-projects" });
        let said = stage.call_as("limited", "list_projects", call).await;
        insta::assert_snapshot!(said, @"
        not_found: no such workspace, or no access to it
        hint: call `list_workspaces` for the ones that can be reached
        ");
    }
}

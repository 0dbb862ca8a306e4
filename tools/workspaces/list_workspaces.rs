use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::params::Limit;
use crate::tools::shown::{NAME, more};

/// List the workspaces that the user belongs to, by slug.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListWorkspaces {
    /// How many.
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor`.
    cursor: Option<String>,
}

/// Workspaces.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Workspaces {
    workspaces: Vec<Row>,
    /// Pass it as `cursor` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A workspace.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    workspace: Foreign,
    /// Whether the user administers it.
    administrator: bool,
}

impl Tool for ListWorkspaces {
    const NAME: &'static str = "list_workspaces";
    const TITLE: &'static str = "List workspaces";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["account"];
    type Output = Workspaces;

    async fn run(self, cx: &Context) -> Result<Workspaces> {
        let resume = cx.resume(self.cursor.as_deref())?;
        let page = cx.bitbucket().await?.workspaces(self.limit.get(), resume.as_ref()).await?;
        let workspaces = page
            .values
            .into_iter()
            .map(|access| Row {
                workspace: Foreign::line(&access.workspace.slug, NAME),
                administrator: access.administrator,
            })
            .collect();
        Ok(Workspaces { workspaces, next_cursor: cx.cursor(page.next)? })
    }
}

impl Answer for Workspaces {
    fn text(&self) -> String {
        if self.workspaces.is_empty() {
            return "no workspaces".to_owned();
        }
        let mut text = String::from("workspaces:");
        for row in &self.workspaces {
            text.push_str("\n  ");
            text.push_str(row.workspace.as_str());
            if row.administrator {
                text.push_str(" · administrator");
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
    async fn lists_the_persons_own() {
        let stage = Stage::new().await;
        let said = stage.call_as("linked", "list_workspaces", json!({})).await;
        insta::assert_snapshot!(said, @r"
        workspaces:
          acme · administrator
          side-projects · administrator
        ");
        let said = stage.call_as("limited", "list_workspaces", json!({})).await;
        insta::assert_snapshot!(said, @r"
        workspaces:
          acme
        ");
    }

    #[tokio::test]
    async fn goes_on_where_a_page_ended() {
        let stage = Stage::new().await;
        let first = stage.structured_as("linked", "list_workspaces", json!({ "limit": 1 })).await;
        assert_eq!(first["workspaces"].as_array().unwrap().len(), 1);
        let call = json!({ "limit": 1, "cursor": first["next_cursor"] });
        let second = stage.structured_as("linked", "list_workspaces", call).await;
        assert_eq!(second["workspaces"].as_array().unwrap().len(), 1);
        assert_ne!(first["workspaces"], second["workspaces"]);
        assert_eq!(second.get("next_cursor"), None);
    }

    #[tokio::test]
    async fn asks_a_guest_to_link() {
        let stage = Stage::new().await;
        let said = stage.call_as("guest", "list_workspaces", json!({})).await;
        insta::assert_snapshot!(stage.without_ids(&said), @r"
        not_linked: no Bitbucket account is linked for this user
        hint: ask the user to open http://127.0.0.1/… in their browser and finish there, then call again
        ");
    }
}

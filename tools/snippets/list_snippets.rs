use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arguments::client;
use crate::Result;
use crate::bitbucket::SnippetData;
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::lookup;
use crate::tools::params::{Limit, WorkspaceArgument};
use crate::tools::shown::{self, LINE, NAME, bare, day, more};

/// List a workspace's snippets.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListSnippets {
    /// Its slug.
    workspace: WorkspaceArgument,
    /// How many.
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor`.
    cursor: Option<String>,
}

/// Snippets.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Snippets {
    snippets: Vec<Row>,
    /// Pass it as `cursor` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A snippet.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    /// What other tools take as `snippet`.
    snippet: Foreign,
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    title: Foreign,
    by: Foreign,
    /// Whether everybody may see it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    public: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<String>,
}

impl Tool for ListSnippets {
    const NAME: &'static str = "list_snippets";
    const TITLE: &'static str = "List snippets";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["snippet"];
    type Output = Snippets;

    async fn run(self, cx: &Context) -> Result<Snippets> {
        let resume = cx.resume(self.cursor.as_deref())?;
        let workspace = client(cx).await?.workspace(&self.workspace.0);
        let page = workspace.snippets(self.limit.get(), resume.as_ref()).await;
        let page = page.map_err(lookup::no_workspace)?;
        let snippets = page.values.into_iter().map(Into::into).collect();
        Ok(Snippets { snippets, next_cursor: cx.cursor(page.next)? })
    }
}

impl From<SnippetData> for Row {
    fn from(data: SnippetData) -> Self {
        Self {
            snippet: Foreign::line(&data.id, NAME),
            title: Foreign::line(&data.title, LINE),
            by: shown::person(&data.creator),
            public: data.is_private == Some(false),
            updated: data.updated_on.map(shown::time),
        }
    }
}

impl Answer for Snippets {
    fn text(&self) -> String {
        if self.snippets.is_empty() {
            return "no snippets".to_owned();
        }
        let mut text = String::from("snippets:");
        for row in &self.snippets {
            let _ = write!(text, "\n  {} · {}", bare(&row.snippet), bare(&row.by));
            if row.public {
                text.push_str(" · public");
            }
            if let Some(updated) = &row.updated {
                let _ = write!(text, " · {}", day(updated));
            }
            if !row.title.is_empty() {
                let _ = write!(text, " · {}", row.title.quoted());
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

    const TOOL: &str = "list_snippets";

    #[tokio::test]
    async fn lists_snippets_and_which_are_public() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        let said = stage.call_as("linked", TOOL, json!({ "workspace": "acme" })).await;
        assert_eq!(stage.requests().len(), 1);
        insta::assert_snapshot!(said, @r#"
        snippets:
          k7pLxe · ana · 2026-09-30 · "Top sellers"
          zX4r9M · gus · public · 2026-09-30 · "Slow checkout, what I tried"
        "#);
        let said = stage.call_as("linked", TOOL, json!({ "workspace": "nowhere" })).await;
        insta::assert_snapshot!(said, @"
        not_found: no such workspace, or no access to it
        hint: call `list_workspaces` for the ones that can be reached
        ");
    }

    #[tokio::test]
    async fn goes_on_where_a_page_ended() {
        let stage = Stage::new().await;
        let mut call = json!({ "workspace": "acme", "limit": 1 });
        let first = stage.structured_as("linked", TOOL, call.clone()).await;
        call["cursor"] = first["next_cursor"].clone();
        let second = stage.structured_as("linked", TOOL, call).await;
        assert_ne!(first["snippets"], second["snippets"]);
        assert_eq!(second.get("next_cursor"), None);
    }

    #[tokio::test]
    async fn says_which_scope_is_missing() {
        let stage = Stage::new().await;
        let said = stage.call_as("limited", TOOL, json!({ "workspace": "acme" })).await;
        insta::assert_snapshot!(said, @"
        missing_scope: the linked Bitbucket account did not grant `snippet`
        hint: call `link_account` with `again: true` so that the user can grant it
        ");
    }

    #[tokio::test]
    async fn snippets_do_not_exist_under_an_allow_list() {
        let stage = Stage::new().await.only(&["acme/*"]);
        stage.sandbox().clear_requests();
        let files = json!([{ "name": "a.txt", "text": "a" }]);
        for (tool, call) in [
            ("list_snippets", json!({ "workspace": "acme" })),
            ("get_snippet", json!({ "workspace": "acme", "snippet": "k7pLxe" })),
            ("create_snippet", json!({ "workspace": "acme", "title": "A", "files": files })),
            ("update_snippet", json!({ "workspace": "acme", "snippet": "k7pLxe", "title": "A" })),
            ("delete_snippet", json!({ "workspace": "acme", "snippet": "k7pLxe" })),
        ] {
            let said = stage.call_as("linked", tool, call).await;
            insta::allow_duplicates! {
                insta::assert_snapshot!(said, @"
                refused: snippets are in no repository, and this server works in listed repositories only
                hint: an administrator can take the list of repositories out of the server's settings
                ");
            }
        }
        assert_eq!(stage.requests(), Vec::<String>::new());
    }
}

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arguments::{SnippetId, client, no_snippet};
use crate::Result;
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::params::WorkspaceArgument;
use crate::tools::shown::{LINE, count};

/// Delete a snippet with its history.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteSnippet {
    /// The workspace's slug.
    workspace: WorkspaceArgument,
    /// Its id.
    snippet: SnippetId,
}

/// The snippet that is gone.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Deleted {
    workspace: String,
    /// The id that it had.
    snippet: String,
}

impl Tool for DeleteSnippet {
    const NAME: &'static str = "delete_snippet";
    const TITLE: &'static str = "Delete a snippet";
    const EFFECT: Effect = Effect::Ends;
    const SCOPES: &'static [&'static str] = &["snippet:write"];
    type Output = Deleted;

    fn approval(&self) -> Option<String> {
        Some(format!(
            "Delete the snippet {} of {}? This cannot be undone.",
            self.snippet.0, self.workspace.0
        ))
    }

    async fn question(&self, cx: &Context) -> Result<Option<String>> {
        let workspace = client(cx).await?.workspace(&self.workspace.0);
        let snippet = workspace.snippet(&self.snippet.0).await;
        let snippet = snippet.map_err(|error| no_snippet(&self.workspace, &self.snippet, error))?;
        Ok(Some(format!(
            "Delete the snippet {} of {}, {} with {}? This cannot be undone.",
            self.snippet.0,
            self.workspace.0,
            Foreign::line(&snippet.title, LINE).quoted(),
            count(snippet.file_names().count(), "file", "files")
        )))
    }

    async fn run(self, cx: &Context) -> Result<Deleted> {
        let workspace = client(cx).await?.workspace(&self.workspace.0);
        let deleted = workspace.delete_snippet(&self.snippet.0).await;
        deleted.map_err(|error| no_snippet(&self.workspace, &self.snippet, error))?;
        Ok(Deleted { workspace: self.workspace.0.to_string(), snippet: self.snippet.0 })
    }
}

impl Answer for Deleted {
    fn text(&self) -> String {
        format!("snippet {} of {} deleted", self.snippet, self.workspace)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::server::dispatch::Approval;
    use crate::testing::Stage;

    const TOOL: &str = "delete_snippet";

    fn call(snippet: &str) -> Value {
        json!({ "workspace": "acme", "snippet": snippet })
    }

    #[tokio::test]
    async fn deletes_a_snippet_once_the_person_agreed() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        let said = stage.call_refusing_as("linked", TOOL, call("k7pLxe")).await;
        assert!(said.starts_with("refused: "), "{said}");
        assert!(!stage.requests().iter().any(|request| request.starts_with("DELETE")));
        let said = stage.call_consenting_as("linked", TOOL, call("k7pLxe")).await;
        insta::assert_snapshot!(said, @"snippet k7pLxe of acme deleted");
        let said = stage.call_consenting_as("linked", TOOL, call("k7pLxe")).await;
        insta::assert_snapshot!(said, @"
        not_found: no snippet `k7pLxe` in `acme`, or no access to it
        hint: call `list_snippets` for the ones that can be reached
        ");
    }

    #[tokio::test]
    async fn asks_before_anything_is_deleted() {
        let stage = Stage::new().await.approval(Approval::Required);
        let said = stage.call_as("linked", TOOL, call("k7pLxe")).await;
        insta::assert_snapshot!(said, @"
        approval_needed: this needs a person's approval, and this client has no way to ask for it: Delete the snippet k7pLxe of acme? This cannot be undone.
        hint: ask the user to do it themselves at bitbucket.org, or to run the server with `BITBUCKET_MCP_APPROVAL=off` if the agent may do it unasked
        ");
    }
}

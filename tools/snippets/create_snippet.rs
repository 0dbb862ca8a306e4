use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arguments::{File, TITLE, client, contents};
use crate::Result;
use crate::bitbucket::NewSnippet;
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::content;
use crate::tools::lookup;
use crate::tools::params::WorkspaceArgument;
use crate::tools::shown::{LINE, NAME, bare, count};

/// Create a snippet of at most 1 MiB.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateSnippet {
    /// The workspace's slug.
    workspace: WorkspaceArgument,
    /// Its title.
    title: String,
    /// What is in it.
    #[schemars(length(min = 1))]
    files: Vec<File>,
    /// Let everybody see it.
    #[serde(default)]
    public: bool,
}

/// The snippet that was created.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Created {
    workspace: String,
    /// Its id.
    snippet: Foreign,
    /// Whether everybody may see it.
    public: bool,
    /// How many files it has.
    files: usize,
}

impl Tool for CreateSnippet {
    const NAME: &'static str = "create_snippet";
    const TITLE: &'static str = "Create a snippet";
    const EFFECT: Effect = Effect::Adds;
    const SCOPES: &'static [&'static str] = &["snippet:write"];
    type Output = Created;

    fn approval(&self) -> Option<String> {
        self.public.then(|| {
            let title = Foreign::line(&self.title, LINE).quoted();
            format!(
                "Publish the snippet {title} with {} in {}? Everybody on the internet can read it.",
                count(self.files.len(), "file", "files"),
                self.workspace.0
            )
        })
    }

    async fn run(self, cx: &Context) -> Result<Created> {
        content::fits("title", &self.title, TITLE)?;
        let files = contents(&self.files)?;
        let workspace = client(cx).await?.workspace(&self.workspace.0);
        let new = NewSnippet {
            title: Some(self.title),
            // Always said, so that no default of Bitbucket decides who can read it.
            is_private: Some(!self.public),
            files,
            removed: Vec::new(),
        };
        let made = workspace.create_snippet(&new).await.map_err(lookup::no_workspace)?;
        Ok(Created {
            workspace: self.workspace.0.to_string(),
            snippet: Foreign::line(&made.id, NAME),
            public: made.is_private.map_or(self.public, |is_private| !is_private),
            files: new.files.len(),
        })
    }
}

impl Answer for Created {
    fn text(&self) -> String {
        let kind = if self.public { "public" } else { "private" };
        let mut text =
            format!("{kind} snippet {} created in {}", bare(&self.snippet), self.workspace);
        let _ = write!(text, " with {}", count(self.files, "file", "files"));
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::server::dispatch::Approval;
    use crate::testing::Stage;

    const TOOL: &str = "create_snippet";

    fn call() -> Value {
        json!({
            "workspace": "acme",
            "title": "Greeting",
            "files": [
                { "name": "hello \"you\".txt", "text": "hello\r\n" },
                { "name": "dot.png", "base64": "iVBORw0KGgoA" },
            ],
        })
    }

    #[tokio::test]
    async fn creates_a_private_snippet_unless_asked_otherwise() {
        let stage = Stage::new().await;
        let said = stage.call_as("linked", TOOL, call()).await;
        insta::assert_snapshot!(said, @"private snippet nEw001 created in acme with 2 files");
        let read = json!({ "workspace": "acme", "snippet": "nEw001" });
        let said = stage.call_as("linked", "get_snippet", read).await;
        let said: Vec<&str> = said.lines().skip(1).collect();
        insta::assert_snapshot!(said.join("\n"), @r#"
        dot.png: binary, not shown
        "hello \"you\".txt":
            hello
        "#);
    }

    #[tokio::test]
    async fn asks_before_everybody_can_read_it() {
        let stage = Stage::new().await.approval(Approval::Required);
        let mut call = call();
        let said = stage.call_as("linked", TOOL, call.clone()).await;
        assert!(said.starts_with("private snippet "), "{said}");
        call["public"] = json!(true);
        let said = stage.call_as("linked", TOOL, call).await;
        insta::assert_snapshot!(said, @r#"
        approval_needed: this needs a person's approval, and this client has no way to ask for it: Publish the snippet "Greeting" with 2 files in acme? Everybody on the internet can read it.
        hint: ask the user to do it themselves at bitbucket.org, or to run the server with `BITBUCKET_MCP_APPROVAL=off` if the agent may do it unasked
        "#);
    }

    #[tokio::test]
    async fn refuses_files_that_cannot_be_before_anything_is_sent() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        for files in [
            json!([]),
            json!([{ "name": "../x", "text": "" }]),
            json!([{ "name": "x" }]),
            json!([{ "name": "x", "text": "", "base64": "" }]),
            json!([{ "name": "x", "text": "" }, { "name": "x", "text": "" }]),
            json!([{ "name": "x", "text": "x".repeat(600_000) }, { "name": "y", "text": "y".repeat(600_000) }]),
        ] {
            let mut call = call();
            call["files"] = files;
            let said = stage.call_as("linked", TOOL, call).await;
            assert!(said.starts_with("invalid_arguments: "), "{said}");
        }
        assert_eq!(stage.requests(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn says_which_scope_is_missing() {
        let stage = Stage::new().await;
        let said = stage.call_as("limited", TOOL, call()).await;
        insta::assert_snapshot!(said, @"
        missing_scope: the linked Bitbucket account did not grant `snippet:write`
        hint: call `link_account` with `again: true` so that the user can grant it
        ");
    }
}

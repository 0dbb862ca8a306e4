use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arguments::{File, SnippetId, TITLE, client, contents, file_name, no_snippet};
use crate::bitbucket::{NewSnippet, SnippetData};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::content;
use crate::tools::lookup;
use crate::tools::params::WorkspaceArgument;
use crate::tools::shown::{NAME, bare};
use crate::{Error, Result};

/// Change a snippet. What is left out stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateSnippet {
    /// The workspace's slug.
    workspace: WorkspaceArgument,
    /// Its id.
    snippet: SnippetId,
    /// Its new title.
    title: Option<String>,
    /// Let everybody see it, or only members.
    public: Option<bool>,
    /// Files to add or replace.
    #[serde(default)]
    files: Vec<File>,
    /// Names of files to remove.
    #[serde(default)]
    remove: Vec<String>,
}

/// What was changed.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Updated {
    workspace: String,
    /// Its id.
    snippet: Foreign,
    /// Whether everybody may see it.
    public: bool,
    /// Whether that was changed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    visibility_changed: bool,
    /// Whether its title was changed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    renamed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    added: Vec<Foreign>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replaced: Vec<Foreign>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    removed: Vec<Foreign>,
}

impl Tool for UpdateSnippet {
    const NAME: &'static str = "update_snippet";
    const TITLE: &'static str = "Change a snippet";
    const EFFECT: Effect = Effect::Sets;
    const SCOPES: &'static [&'static str] = &["snippet:write"];
    type Output = Updated;

    fn approval(&self) -> Option<String> {
        (self.public == Some(true)).then(|| {
            format!(
                "Publish the snippet {} of {}? Everybody on the internet can read it.",
                self.snippet.0, self.workspace.0
            )
        })
    }

    async fn run(self, cx: &Context) -> Result<Updated> {
        let files = contents(&self.files)?;
        self.check()?;
        let workspace = client(cx).await?.workspace(&self.workspace.0);
        let absent = |error| no_snippet(&self.workspace, &self.snippet, error);
        let before = workspace.snippet(&self.snippet.0).await.map_err(absent)?;
        self.check_removed(&before)?;
        let is_there = |name: &str| before.file_names().any(|known| known == name);
        let (replaced, added): (Vec<&String>, Vec<&String>) =
            files.iter().map(|(name, _)| name).partition(|name| is_there(name));
        let names = |names: &[&String]| -> Vec<Foreign> {
            names.iter().map(|name| Foreign::line(name, NAME)).collect()
        };
        let (replaced, added) = (names(&replaced), names(&added));
        let removed = self.remove.iter().map(|name| Foreign::line(name, NAME)).collect();
        let new = NewSnippet {
            title: self.title.clone(),
            is_private: self.public.map(|public| !public),
            files,
            removed: self.remove.clone(),
        };
        let after = workspace.update_snippet(&self.snippet.0, &new).await.map_err(absent)?;
        let is_private = after.is_private.or(new.is_private).or(before.is_private);
        Ok(Updated {
            workspace: self.workspace.0.to_string(),
            snippet: Foreign::line(&self.snippet.0, NAME),
            public: is_private == Some(false),
            visibility_changed: is_private != before.is_private,
            renamed: new.title.is_some_and(|title| title != before.title),
            added,
            replaced,
            removed,
        })
    }
}

impl UpdateSnippet {
    fn check(&self) -> Result<()> {
        if self.title.is_none()
            && self.public.is_none()
            && self.files.is_empty()
            && self.remove.is_empty()
        {
            return Err(Error::InvalidArguments(
                "nothing to change: give `title`, `public`, `files` or `remove`".to_owned(),
            ));
        }
        self.title.as_ref().map_or(Ok(()), |title| content::fits("title", title, TITLE))?;
        self.remove.iter().try_for_each(|name| file_name(name))
    }

    /// Bitbucket takes the removal of a file that is not there for done.
    fn check_removed(&self, before: &SnippetData) -> Result<()> {
        let is_missing = |name: &&String| !before.file_names().any(|known| known == name.as_str());
        let Some(missing) = self.remove.iter().find(is_missing) else { return Ok(()) };
        let names = before.file_names().map(|name| (name.to_owned(), name.to_owned()));
        let near = lookup::nearest(missing, names);
        let hint = if near.is_empty() {
            "nothing was sent; `get_snippet` shows the files".to_owned()
        } else {
            format!("nothing was sent; did you mean {near}?")
        };
        let missing = Foreign::line(missing, NAME).quoted();
        Err(Error::not_found(format!("no file {missing} in snippet {}", self.snippet.0), hint))
    }
}

impl Answer for Updated {
    fn text(&self) -> String {
        let kind = if self.public { "public" } else { "private" };
        let mut text = format!("{kind} snippet {} of {}: ", bare(&self.snippet), self.workspace);
        let mut parts = Vec::new();
        if self.visibility_changed {
            parts.push("visibility changed".to_owned());
        }
        if self.renamed {
            parts.push("renamed".to_owned());
        }
        for (done, names) in
            [("added", &self.added), ("replaced", &self.replaced), ("removed", &self.removed)]
        {
            if !names.is_empty() {
                let names: Vec<String> = names.iter().map(bare).collect();
                parts.push(format!("{done} {}", names.join(" ")));
            }
        }
        if parts.is_empty() {
            parts.push("as it is to be".to_owned());
        }
        let _ = write!(text, "{}", parts.join(", "));
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::server::dispatch::Approval;
    use crate::testing::Stage;

    const TOOL: &str = "update_snippet";

    fn call(changes: &Value) -> Value {
        let mut call = json!({ "workspace": "acme", "snippet": "k7pLxe" });
        for (name, value) in changes.as_object().unwrap() {
            call[name] = value.clone();
        }
        call
    }

    #[tokio::test]
    async fn changes_what_is_named_and_leaves_the_rest() {
        let stage = Stage::new().await;
        let changes = json!({
            "title": "Best sellers",
            "files": [
                { "name": "top_sellers.sql", "text": "SELECT 1;\n" },
                { "name": "README.md", "text": "# Sellers\n" },
            ],
            "remove": ["chart.png"],
        });
        let said = stage.call_as("linked", TOOL, call(&changes)).await;
        insta::assert_snapshot!(said, @"private snippet k7pLxe of acme: renamed, added README.md, replaced top_sellers.sql, removed chart.png");
        let said = stage.call_as("linked", "get_snippet", call(&json!({}))).await;
        let (heading, rest) = said.split_once('\n').unwrap();
        assert!(heading.ends_with(" · \"Best sellers\""), "{heading}");
        insta::assert_snapshot!(rest, @"
        README.md:
            # Sellers
        top_sellers.sql:
            SELECT 1;
        ");
        let said = stage.call_as("linked", TOOL, call(&json!({ "title": "Best sellers" }))).await;
        insta::assert_snapshot!(said, @"private snippet k7pLxe of acme: as it is to be");
    }

    #[tokio::test]
    async fn publishes_once_the_person_agreed() {
        let stage = Stage::new().await;
        let call = call(&json!({ "public": true }));
        let said = stage.call_consenting_as("linked", TOOL, call).await;
        insta::assert_snapshot!(said, @"public snippet k7pLxe of acme: visibility changed");
    }

    #[tokio::test]
    async fn asks_before_everybody_can_read_it() {
        let stage = Stage::new().await.approval(Approval::Required);
        let said = stage.call_as("linked", TOOL, call(&json!({ "public": true }))).await;
        insta::assert_snapshot!(said, @"
        approval_needed: this needs a person's approval, and this client has no way to ask for it: Publish the snippet k7pLxe of acme? Everybody on the internet can read it.
        hint: ask the user to do it themselves at bitbucket.org, or to run the server with `BITBUCKET_MCP_APPROVAL=off` if the agent may do it unasked
        ");
        let said = stage.call_as("linked", TOOL, call(&json!({ "public": false }))).await;
        insta::assert_snapshot!(said, @"private snippet k7pLxe of acme: as it is to be");
    }

    #[tokio::test]
    async fn refuses_what_cannot_be_done() {
        let stage = Stage::new().await;
        let said = stage.call_as("linked", TOOL, call(&json!({}))).await;
        insta::assert_snapshot!(said, @"
        invalid_arguments: nothing to change: give `title`, `public`, `files` or `remove`
        hint: read the tool's input schema, then call again
        ");
        let said = stage.call_as("linked", TOOL, call(&json!({ "remove": ["chart.pgn"] }))).await;
        insta::assert_snapshot!(said, @r#"
        not_found: no file "chart.pgn" in snippet k7pLxe
        hint: nothing was sent; did you mean "chart.png"?
        "#);
        let said = stage.call_as("linked", TOOL, call(&json!({ "remove": ["../x"] }))).await;
        insta::assert_snapshot!(said, @"
        invalid_arguments: `../x` is no file's name without a folder
        hint: read the tool's input schema, then call again
        ");
        let theirs = call(&json!({ "snippet": "zX4r9M", "title": "Mine" }));
        let said = stage.call_as("linked", TOOL, theirs).await;
        assert!(said.starts_with("forbidden: "), "{said}");
    }
}

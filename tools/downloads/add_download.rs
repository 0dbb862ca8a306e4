use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arguments::FileName;
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::content;
use crate::tools::params::{RepositoryArgument, WorkspaceArgument};
use crate::tools::shown::{bare, size};
use crate::{Error, Result};

/// Offer a file of at most 1 MiB for download.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddDownload {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
    /// Its name.
    name: FileName,
    /// Its text,
    text: Option<String>,
    /// or its bytes.
    base64: Option<String>,
    /// Replace a file of this name.
    #[serde(default)]
    overwrite: bool,
}

/// The file that is offered now.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Added {
    repository: String,
    name: Foreign,
    /// In bytes.
    size: u64,
    /// Whether there was a file of this name.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    overwritten: bool,
}

impl Tool for AddDownload {
    const NAME: &'static str = "add_download";
    const TITLE: &'static str = "Add a download";
    const EFFECT: Effect = Effect::Adds;
    const SCOPES: &'static [&'static str] = &["repository:write"];
    type Output = Added;

    fn approval(&self) -> Option<String> {
        let id = self.repository.id(self.workspace.as_ref()).ok()?;
        self.overwrite.then(|| {
            let name = self.name.shown().quoted();
            format!("Replace the download {name} of {id}? What it holds now is lost.")
        })
    }

    async fn question(&self, cx: &Context) -> Result<Option<String>> {
        let id = self.repository.id(self.workspace.as_ref())?;
        let is_there = cx.repository(&id).await?.has_download(&self.name.0).await?;
        Ok(self.approval().filter(|_| is_there))
    }

    async fn run(self, cx: &Context) -> Result<Added> {
        let id = self.repository.id(self.workspace.as_ref())?;
        let name = self.name.shown();
        let data = content::bytes(&name.quoted(), self.text.as_deref(), self.base64.as_deref())?;
        let repository = cx.repository(&id).await?;
        // Bitbucket overwrites without a word.
        let overwritten = repository.has_download(&self.name.0).await?;
        if overwritten && !self.overwrite {
            return Err(Error::conflict(
                format!("{id} offers a file {} already", name.quoted()),
                "nothing was sent; choose another name, or pass `overwrite: true` to replace it",
            ));
        }
        let size = data.len() as u64;
        match repository.add_download(&self.name.0, data).await {
            Err(error) if error.is_not_found() => return Err(Error::no_repository(&id)),
            added => added?,
        }
        Ok(Added { repository: id.to_string(), name, size, overwritten })
    }
}

impl Answer for Added {
    fn text(&self) -> String {
        let done = if self.overwritten { "replaced in" } else { "added to" };
        format!(
            "{} ({}) {done} the downloads of {}",
            bare(&self.name),
            size(self.size),
            self.repository
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::Stage;

    const TOOL: &str = "add_download";

    fn call(name: &str) -> Value {
        json!({ "repository": "acme/shop", "name": name, "text": "hello\n" })
    }

    #[tokio::test]
    async fn adds_a_file_that_can_be_listed() {
        let stage = Stage::new().await;
        let said = stage.call_as("linked", TOOL, call("release notes \"2\".txt")).await;
        insta::assert_snapshot!(said, @r#""release notes \"2\".txt" (6 B) added to the downloads of acme/shop"#);
        let mut bytes = call("logo.png");
        bytes.as_object_mut().unwrap().remove("text");
        bytes["base64"] = json!("iVBORw0KGgo=");
        let said = stage.call_as("linked", TOOL, bytes).await;
        insta::assert_snapshot!(said, @"logo.png (8 B) added to the downloads of acme/shop");
        let call = json!({ "repository": "acme/shop", "limit": 2 });
        let listed = stage.structured_as("linked", "list_downloads", call).await;
        insta::assert_snapshot!(listed["downloads"][1]["name"].to_string(), @r#""release notes \"2\".txt""#);
    }

    #[tokio::test]
    async fn does_not_overwrite_as_bitbucket_would() {
        let stage = Stage::new().await;
        let mut call = call("shop-2.4.0.tar.gz");
        stage.sandbox().clear_requests();
        let said = stage.call_as("linked", TOOL, call.clone()).await;
        insta::assert_snapshot!(said, @r#"
        conflict: acme/shop offers a file "shop-2.4.0.tar.gz" already
        hint: nothing was sent; choose another name, or pass `overwrite: true` to replace it
        "#);
        assert!(stage.requests().iter().all(|request| request.starts_with("GET ")));
        call["overwrite"] = json!(true);
        let said = stage.call_consenting_as("linked", TOOL, call).await;
        insta::assert_snapshot!(said, @"shop-2.4.0.tar.gz (6 B) replaced in the downloads of acme/shop");
    }

    #[tokio::test]
    async fn refuses_names_that_are_no_files_before_anything_is_sent() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        for name in ["../x", "a/b", "..", "a\u{202e}b", ""] {
            let said = stage.call_as("linked", TOOL, call(name)).await;
            assert!(said.starts_with("invalid_arguments: "), "{name:?}: {said}");
        }
        let mut both = call("a.txt");
        both["base64"] = json!("");
        let said = stage.call_as("linked", TOOL, both).await;
        insta::assert_snapshot!(said, @r#"
        invalid_arguments: "a.txt": give `text` or `base64`, not both
        hint: read the tool's input schema, then call again
        "#);
        assert_eq!(stage.requests(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn says_which_scope_is_missing() {
        let stage = Stage::new().await;
        let said = stage.call_as("limited", TOOL, call("a.txt")).await;
        insta::assert_snapshot!(said, @"
        missing_scope: the linked Bitbucket account did not grant `repository:write`
        hint: call `link_account` with `again: true` so that the user can grant it
        ");
    }
}

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arguments::FileName;
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::lookup;
use crate::tools::params::{RepositoryArgument, WorkspaceArgument};
use crate::tools::shown::bare;
use crate::{Error, Result};

/// How many files are looked at for a near miss.
const LOOKED_AT: usize = 100;

/// Delete a file that a repository offers for download.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteDownload {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
    /// Its name.
    name: FileName,
}

/// The file that is gone.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Deleted {
    repository: String,
    name: Foreign,
}

impl Tool for DeleteDownload {
    const NAME: &'static str = "delete_download";
    const TITLE: &'static str = "Delete a download";
    const EFFECT: Effect = Effect::Ends;
    const SCOPES: &'static [&'static str] = &["repository:write"];
    type Output = Deleted;

    fn approval(&self) -> Option<String> {
        let id = self.repository.id(self.workspace.as_ref()).ok()?;
        let name = self.name.shown().quoted();
        Some(format!("Delete the download {name} of {id}? This cannot be undone."))
    }

    async fn run(self, cx: &Context) -> Result<Deleted> {
        let id = self.repository.id(self.workspace.as_ref())?;
        let repository = cx.repository(&id).await?;
        let name = self.name.shown();
        match repository.delete_download(&self.name.0).await {
            Ok(()) => Ok(Deleted { repository: id.to_string(), name }),
            Err(error) if error.is_not_found() => {
                let there = match repository.downloads(LOOKED_AT, None).await {
                    Err(error) if error.is_not_found() => return Err(Error::no_repository(&id)),
                    there => there?.values,
                };
                let names = there.into_iter().map(|file| (file.name.clone(), file.name));
                let near = lookup::nearest(&self.name.0, names);
                let hint = if near.is_empty() {
                    "call `list_downloads` for the ones there are".to_owned()
                } else {
                    format!("did you mean {near}? `list_downloads` shows all")
                };
                Err(Error::not_found(format!("{id} offers no file {}", name.quoted()), hint))
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Answer for Deleted {
    fn text(&self) -> String {
        format!("{} deleted from the downloads of {}", bare(&self.name), self.repository)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::server::dispatch::Approval;
    use crate::testing::Stage;

    const TOOL: &str = "delete_download";

    fn call(name: &str) -> Value {
        json!({ "repository": "acme/shop", "name": name })
    }

    #[tokio::test]
    async fn deletes_a_file_once_the_person_agreed() {
        let stage = Stage::new().await;
        let name = "price list 2026.pdf";
        stage.sandbox().clear_requests();
        let said = stage.call_refusing_as("linked", TOOL, call(name)).await;
        assert!(said.starts_with("refused: "), "{said}");
        assert!(!stage.requests().iter().any(|request| request.starts_with("DELETE")));
        let said = stage.call_consenting_as("linked", TOOL, call(name)).await;
        insta::assert_snapshot!(said, @r#""price list 2026.pdf" deleted from the downloads of acme/shop"#);
        let listed = stage
            .structured_as("linked", "list_downloads", json!({ "repository": "acme/shop" }))
            .await;
        assert_eq!(listed["downloads"].as_array().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn asks_in_full() {
        let stage = Stage::new().await.approval(Approval::Required);
        let said = stage.call_as("linked", TOOL, call("shop-2.4.0.tar.gz")).await;
        insta::assert_snapshot!(said, @r#"
        approval_needed: this needs a person's approval, and this client has no way to ask for it: Delete the download "shop-2.4.0.tar.gz" of acme/shop? This cannot be undone.
        hint: ask the user to do it themselves at bitbucket.org, or to run the server with `BITBUCKET_MCP_APPROVAL=off` if the agent may do it unasked
        "#);
    }

    #[tokio::test]
    async fn says_what_is_near_when_there_is_no_such_file() {
        let stage = Stage::new().await.approval(Approval::Off);
        let said = stage.call_as("linked", TOOL, call("shop-2.4.tar.gz")).await;
        insta::assert_snapshot!(said, @r#"
        not_found: acme/shop offers no file "shop-2.4.tar.gz"
        hint: did you mean "shop-2.4.0.tar.gz" or "shop-2.3.0.tar.gz"? `list_downloads` shows all
        "#);
        let said = stage.call_as("linked", TOOL, call("../src")).await;
        insta::assert_snapshot!(said, @"
        invalid_arguments: `../src` is no file's name without a folder
        hint: read the tool's input schema, then call again
        ");
    }
}

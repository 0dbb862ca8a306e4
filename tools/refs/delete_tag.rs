use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ending::Ended;
use super::exists::Kind;
use crate::Result;
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::lookup;
use crate::tools::params::{ExpectedHead, RepositoryArgument, Revision, WorkspaceArgument};
use crate::tools::shown::{bare, path, short};

/// Delete a tag, only after the user asked for it. Says the commit it marked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteTag {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
    /// Its whole name.
    name: Revision,
    /// Stop if it marks another commit.
    expected_head: Option<ExpectedHead>,
}

/// A tag that was.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Deleted {
    tag: Foreign,
    /// The commit that it marked.
    commit: String,
}

impl Tool for DeleteTag {
    const NAME: &'static str = "delete_tag";
    const TITLE: &'static str = "Delete a tag";
    const EFFECT: Effect = Effect::Ends;
    const SCOPES: &'static [&'static str] = &["repository:write"];
    type Output = Deleted;

    fn approval(&self) -> Option<String> {
        let id = self.repository.id(self.workspace.as_ref()).ok()?;
        Some(format!("Delete the tag {} of {id}?", path(&self.name.0).quoted()))
    }

    async fn run(self, cx: &Context) -> Result<Deleted> {
        let id = self.repository.id(self.workspace.as_ref())?;
        let name = self.name.0.as_str();
        let repository = cx.repository(&id).await?;
        let ended = Ended { repository: &repository, kind: Kind::Tag, name };
        let commit = ended.commit(self.expected_head.as_ref()).await?;
        lookup::scope(cx, "repository:write").await?;
        ended.delete().await?;
        Ok(Deleted { tag: path(name), commit })
    }
}

impl Answer for Deleted {
    fn text(&self) -> String {
        format!("tag {} deleted; it marked {}", bare(&self.tag), short(&self.commit))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::server::dispatch::Approval;
    use crate::testing::Stage;

    async fn said(stage: &Stage, call: Value) -> String {
        stage.call_as("linked", "delete_tag", call).await
    }

    #[tokio::test]
    async fn deletes_a_tag_and_says_what_it_marked() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "name": "nightly/2026-11-18" });
        insta::assert_snapshot!(said(&stage, call.clone()).await, @"tag nightly/2026-11-18 deleted; it marked 8fc367030195");
        insta::assert_snapshot!(said(&stage, call).await, @r#"
        not_found: no tag "nightly/2026-11-18" in acme/shop
        hint: call `list_tags` for the tags
        "#);
    }

    #[tokio::test]
    async fn asks_first_and_stops_where_the_tag_has_moved() {
        let stage = Stage::new().await.approval(Approval::Required);
        let call =
            json!({ "repository": "acme/shop", "name": "v2.4.0", "expected_head": "0123456" });
        insta::assert_snapshot!(said(&stage, call.clone()).await, @r#"
        approval_needed: this needs a person's approval, and this client has no way to ask for it: Delete the tag "v2.4.0" of acme/shop?
        hint: ask the user to do it themselves at bitbucket.org, or to run the server with `BITBUCKET_MCP_APPROVAL=off` if the agent may do it unasked
        "#);
        let said = stage.call_consenting_as("linked", "delete_tag", call).await;
        insta::assert_snapshot!(said, @"
        conflict: the tag v2.4.0 is at 8fc367030195, not 0123456
        hint: nothing was deleted; look at what is there now, then decide again
        ");
        assert!(stage.requests().iter().all(|request| !request.starts_with("DELETE")));
    }
}

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::exists::{Kind, New};
use crate::Result;
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::lookup;
use crate::tools::params::{RepositoryArgument, Revision, WorkspaceArgument};
use crate::tools::shown::{self, bare, path, short};

/// Create a tag. One that exists is left as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateTag {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
    /// The new name.
    name: Revision,
    /// Branch, tag or hash to mark; default: main branch.
    revision: Option<Revision>,
    /// Makes it an annotated tag.
    #[schemars(length(min = 1))]
    message: Option<String>,
}

/// A new tag.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Created {
    tag: Foreign,
    /// The commit that it marks.
    commit: String,
    /// The branch or tag that named the commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Foreign>,
    /// Whether it has a message of its own.
    annotated: bool,
}

impl Tool for CreateTag {
    const NAME: &'static str = "create_tag";
    const TITLE: &'static str = "Create a tag";
    const EFFECT: Effect = Effect::Adds;
    const SCOPES: &'static [&'static str] = &["repository:write"];
    type Output = Created;

    async fn run(self, cx: &Context) -> Result<Created> {
        let id = self.repository.id(self.workspace.as_ref())?;
        let name = self.name.new_name("name")?;
        let repository = cx.repository(&id).await?;
        let revision = self.revision.as_ref().map(|revision| revision.0.as_str());
        let resolved = lookup::revision(&repository, revision, None).await?;
        let new = New { repository: &repository, kind: Kind::Tag, name, hash: &resolved.hash };
        new.create(self.message.as_deref()).await?;
        Ok(Created {
            tag: path(name),
            revision: shown::revision(&resolved),
            commit: resolved.hash,
            annotated: self.message.is_some(),
        })
    }
}

impl Answer for Created {
    fn text(&self) -> String {
        let kind = if self.annotated { "annotated tag" } else { "tag" };
        let at = self.revision.as_ref().map(|at| format!(", where {} is", bare(at)));
        let (name, at) = (bare(&self.tag), at.unwrap_or_default());
        format!("{kind} {name} created at {}{at}", short(&self.commit))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::Stage;

    async fn said(stage: &Stage, call: Value) -> String {
        stage.call_as("linked", "create_tag", call).await
    }

    #[tokio::test]
    async fn creates_light_and_annotated_tags() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "name": "v2.4.1" });
        insta::assert_snapshot!(said(&stage, call).await, @"tag v2.4.1 created at 8fc367030195, where main is");
        let call = json!({
            "repository": "acme/shop", "name": "nightly/2026-11-25", "message": "Tonight's",
            "revision": "feature/checkout-rounding",
        });
        insta::assert_snapshot!(said(&stage, call).await, @"annotated tag nightly/2026-11-25 created at a77bd4c287ec, where feature/checkout-rounding is");
        let call = json!({ "repository": "acme/shop", "name": "nightly/2026-11" });
        let listed = stage.call_as("linked", "list_tags", call).await;
        assert!(listed.contains("nightly/2026-11-25"), "{listed}");
        assert!(listed.contains("Tonight's"), "{listed}");
    }

    #[tokio::test]
    async fn moves_no_tag_that_exists() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "name": "v2.4.0", "revision": "v2.3.0" });
        insta::assert_snapshot!(said(&stage, call).await, @"
        conflict: the tag v2.4.0 exists, at 8fc367030195
        hint: nothing was changed; take another name, or `delete_tag` first if the user agrees
        ");
    }
}

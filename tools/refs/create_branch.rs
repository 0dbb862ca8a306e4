use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::exists::{Kind, New};
use crate::Result;
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::lookup;
use crate::tools::params::{RepositoryArgument, Revision, WorkspaceArgument};
use crate::tools::shown::{self, bare, path, short};

/// Create a branch. One that exists is left as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateBranch {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
    /// The new name.
    name: Revision,
    /// Branch, tag or hash to start at; default: main branch.
    from: Option<Revision>,
}

/// A new branch.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Created {
    branch: Foreign,
    /// The commit that it is at.
    commit: String,
    /// The branch or tag that it starts at.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Foreign>,
}

impl Tool for CreateBranch {
    const NAME: &'static str = "create_branch";
    const TITLE: &'static str = "Create a branch";
    const EFFECT: Effect = Effect::Adds;
    const SCOPES: &'static [&'static str] = &["repository:write"];
    type Output = Created;

    async fn run(self, cx: &Context) -> Result<Created> {
        let id = self.repository.id(self.workspace.as_ref())?;
        let name = self.name.new_name("name")?;
        let repository = cx.repository(&id).await?;
        let from = self.from.as_ref().map(|revision| revision.0.as_str());
        let resolved = lookup::revision(&repository, from, None).await?;
        let new = New { repository: &repository, kind: Kind::Branch, name, hash: &resolved.hash };
        new.create(None).await?;
        Ok(Created { branch: path(name), from: shown::revision(&resolved), commit: resolved.hash })
    }
}

impl Answer for Created {
    fn text(&self) -> String {
        let from = self.from.as_ref().map(|from| format!(", where {} is", bare(from)));
        let (name, from) = (bare(&self.branch), from.unwrap_or_default());
        format!("branch {name} created at {}{from}", short(&self.commit))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::sandbox::{Effect, Fault, Service};
    use crate::testing::Stage;

    async fn said(stage: &Stage, call: Value) -> String {
        stage.call_as("linked", "create_branch", call).await
    }

    #[tokio::test]
    async fn creates_a_branch_anywhere() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "name": "feature/a/b" });
        insta::assert_snapshot!(said(&stage, call).await, @"branch feature/a/b created at 8fc367030195, where main is");
        let call = json!({
            "repository": "acme/shop", "name": "fix-1", "from": "feature/checkout-rounding",
        });
        insta::assert_snapshot!(said(&stage, call).await, @"branch fix-1 created at a77bd4c287ec, where feature/checkout-rounding is");
        let call = json!({ "repository": "acme/shop", "name": "fix-2", "from": "v2.4.0" });
        insta::assert_snapshot!(said(&stage, call).await, @"branch fix-2 created at 8fc367030195, where v2.4.0 is");
    }

    #[tokio::test]
    async fn leaves_a_branch_that_exists_as_it_is() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "name": "feature/checkout-rounding", "from": "v2.4.0" });
        insta::assert_snapshot!(said(&stage, call).await, @"
        conflict: the branch feature/checkout-rounding exists, at a77bd4c287ec
        hint: nothing was changed; take another name, or `delete_branch` first if the user agrees
        ");
        let call = json!({ "repository": "acme/shop", "name": "main" });
        insta::assert_snapshot!(said(&stage, call).await, @"
        conflict: the branch main exists, at 8fc367030195
        hint: nothing was changed; take another name, or `delete_branch` first if the user agrees
        ");
    }

    #[tokio::test]
    async fn finds_out_what_became_of_a_lost_answer() {
        let stage = Stage::new().await;
        for effect in [Effect::Cut, Effect::Unanswered] {
            let fault =
                Fault::new(Service::Bitbucket, effect).method("POST").path("*/refs/branches");
            stage.sandbox().faults().add(fault.times(1));
        }
        let call = json!({ "repository": "acme/shop", "name": "fix-1" });
        insta::assert_snapshot!(said(&stage, call).await, @"branch fix-1 created at 8fc367030195, where main is");
        let call = json!({ "repository": "acme/shop", "name": "fix-2" });
        insta::assert_snapshot!(said(&stage, call).await, @"
        unavailable: Bitbucket is not working right now
        hint: call again in a minute
        ");
        let posts = stage.requests().iter().filter(|request| request.starts_with("POST")).count();
        assert_eq!(posts, 2);
    }

    #[tokio::test]
    async fn refuses_names_that_git_does_not_take() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        for name in ["a..b", "a b", "-x", "refs/heads/x", "a/.b", "x.lock", "HEAD"] {
            let call = json!({ "repository": "acme/shop", "name": name });
            let said = said(&stage, call).await;
            assert!(said.starts_with("invalid_arguments: "), "{name}: {said}");
        }
        assert!(stage.requests().is_empty());
        let call =
            json!({ "repository": "acme/shop", "name": "x", "from": "featur/checkout-rounding" });
        insta::assert_snapshot!(said(&stage, call).await, @r#"
        not_found: no branch, tag or commit "featur/checkout-rounding" in acme/shop
        hint: did you mean "feature/checkout-rounding"? `list_branches` shows all
        "#);
        let call = json!({ "repository": "acme/shop", "name": "x" });
        insta::assert_snapshot!(stage.call_as("limited", "create_branch", call).await, @"
        missing_scope: the linked Bitbucket account did not grant `repository:write`
        hint: call `link_account` with `again: true` so that the user can grant it
        ");
    }
}

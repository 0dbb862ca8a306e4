use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ending::Ended;
use super::exists::Kind;
use crate::bitbucket::{Filter, Repository, literal};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::lookup;
use crate::tools::params::{ExpectedHead, RepositoryArgument, Revision, WorkspaceArgument};
use crate::tools::shown::{bare, path, short};
use crate::{Error, Result};

/// How many open pull requests are named.
const NAMED: usize = 5;

/// Delete a branch, only after the user asked for it. Refuses the main branch, and one with open pull
/// requests. Says the commit it was at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteBranch {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
    /// Its whole name.
    name: Revision,
    /// Stop if it is at another commit.
    expected_head: Option<ExpectedHead>,
    /// Although pull requests from it are open.
    #[serde(default)]
    force: bool,
}

/// A branch that was.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Deleted {
    branch: Foreign,
    /// The commit that it was at; `create_branch` makes it again from there.
    commit: String,
    /// Open pull requests that have lost their branch.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    open_pull_requests: Vec<u32>,
}

impl Tool for DeleteBranch {
    const NAME: &'static str = "delete_branch";
    const TITLE: &'static str = "Delete a branch";
    const EFFECT: Effect = Effect::Ends;
    const SCOPES: &'static [&'static str] = &["repository:write"];
    type Output = Deleted;

    fn approval(&self) -> Option<String> {
        let id = self.repository.id(self.workspace.as_ref()).ok()?;
        let although = if self.force { " Even if it has open pull requests." } else { "" };
        Some(format!("Delete the branch {} of {id}?{although}", path(&self.name.0).quoted()))
    }

    async fn run(self, cx: &Context) -> Result<Deleted> {
        let id = self.repository.id(self.workspace.as_ref())?;
        let name = self.name.0.strip_prefix("refs/heads/").unwrap_or(&self.name.0);
        let repository = cx.repository(&id).await?;
        let main = match repository.main_branch().await {
            Err(error) if error.is_not_found() => return Err(Error::no_repository(&id)),
            main => main?,
        };
        if main.as_deref() == Some(name) {
            return Err(Error::refused(
                format!("{} is the main branch of {id}", bare(&path(name))),
                "nothing was deleted; a main branch cannot be",
            ));
        }
        let ended = Ended { repository: &repository, kind: Kind::Branch, name };
        let commit = ended.commit(self.expected_head.as_ref()).await?;
        let open_pull_requests = open_from(&repository, name).await;
        match &open_pull_requests {
            Ok(numbers) if !numbers.is_empty() && !self.force => {
                let numbers: Vec<String> = numbers.iter().map(|it| format!("#{it}")).collect();
                return Err(Error::refused(
                    format!("{} has open pull requests: {}", bare(&path(name)), numbers.join(", ")),
                    "nothing was deleted; `force: true` deletes it all the same if the user says so",
                ));
            }
            // Whoever may not read pull requests may still delete branches.
            Err(_) if !self.force => {
                return Err(Error::refused(
                    format!(
                        "whether {} has open pull requests cannot be found out",
                        bare(&path(name))
                    ),
                    "nothing was deleted; `force: true` deletes it all the same if the user says so",
                ));
            }
            _ => {}
        }
        lookup::scope(cx, "repository:write").await?;
        ended.delete().await?;
        let open_pull_requests = open_pull_requests.unwrap_or_default();
        Ok(Deleted { branch: path(name), commit, open_pull_requests })
    }
}

async fn open_from(repository: &Repository<'_>, branch: &str) -> Result<Vec<u32>> {
    let filter = Filter {
        states: vec!["OPEN"],
        conditions: vec![format!("source.branch.name = {}", literal(branch))],
        sort: "-updated_on",
    };
    let page = repository.list_pull_requests(&filter, NAMED, None).await?;
    Ok(page.values.into_iter().map(|pull_request| pull_request.id).collect())
}

impl Answer for Deleted {
    fn text(&self) -> String {
        let mut text =
            format!("branch {} deleted; it was at {}", bare(&self.branch), short(&self.commit));
        if !self.open_pull_requests.is_empty() {
            let numbers: Vec<String> =
                self.open_pull_requests.iter().map(|it| format!("#{it}")).collect();
            text.push_str("; without their branch now: ");
            text.push_str(&numbers.join(", "));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::sandbox::{Effect, Fault, Service};
    use crate::server::dispatch::Approval;
    use crate::testing::Stage;

    async fn said(stage: &Stage, call: Value) -> String {
        stage.call_as("linked", "delete_branch", call).await
    }

    async fn with_branch() -> Stage {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "name": "old/idea", "from": "v2.4.0" });
        stage.call_as("linked", "create_branch", call).await;
        stage
    }

    #[tokio::test]
    async fn deletes_a_branch_and_says_where_it_was() {
        let stage = with_branch().await;
        let call = json!({ "repository": "acme/shop", "name": "old/idea" });
        insta::assert_snapshot!(said(&stage, call.clone()).await, @"branch old/idea deleted; it was at 8fc367030195");
        insta::assert_snapshot!(said(&stage, call).await, @r#"
        not_found: no branch "old/idea" in acme/shop
        hint: call `list_branches` for the branches
        "#);
    }

    #[tokio::test]
    async fn keeps_the_main_branch_and_branches_under_review() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "name": "main", "force": true });
        insta::assert_snapshot!(said(&stage, call).await, @"
        refused: main is the main branch of acme/shop
        hint: nothing was deleted; a main branch cannot be
        ");
        let call = json!({ "repository": "acme/shop", "name": "feature/checkout-rounding" });
        insta::assert_snapshot!(said(&stage, call.clone()).await, @"
        refused: feature/checkout-rounding has open pull requests: #42
        hint: nothing was deleted; `force: true` deletes it all the same if the user says so
        ");
        assert!(stage.requests().iter().all(|request| !request.starts_with("DELETE")));
        let mut call = call;
        call["force"] = true.into();
        insta::assert_snapshot!(said(&stage, call).await, @"branch feature/checkout-rounding deleted; it was at a77bd4c287ec; without their branch now: #42");
    }

    #[tokio::test]
    async fn stops_where_the_branch_has_moved() {
        let stage = with_branch().await;
        let call =
            json!({ "repository": "acme/shop", "name": "old/idea", "expected_head": "0123456" });
        insta::assert_snapshot!(said(&stage, call).await, @"
        conflict: the branch old/idea is at 8fc367030195, not 0123456
        hint: nothing was deleted; look at what is there now, then decide again
        ");
    }

    #[tokio::test]
    async fn finds_out_what_became_of_a_lost_answer() {
        let stage = with_branch().await;
        let fault = Fault::new(Service::Bitbucket, Effect::Cut).method("DELETE");
        stage.sandbox().faults().add(fault.times(1));
        let call = json!({ "repository": "acme/shop", "name": "old/idea" });
        let said = said(&stage, call).await;
        assert!(said.starts_with("branch old/idea deleted"), "{said}");
    }

    #[tokio::test]
    async fn asks_the_person_before_anything_is_sent() {
        let stage = Stage::new().await.approval(Approval::Required);
        stage.sandbox().clear_requests();
        let call = json!({ "repository": "acme/shop", "name": "x\u{202e}y", "force": true });
        insta::assert_snapshot!(said(&stage, call).await, @r#"
        approval_needed: this needs a person's approval, and this client has no way to ask for it: Delete the branch "xy" of acme/shop? Even if it has open pull requests.
        hint: ask the user to do it themselves at bitbucket.org, or to run the server with `BITBUCKET_MCP_APPROVAL=off` if the agent may do it unasked
        "#);
        assert!(stage.requests().is_empty());
    }
}

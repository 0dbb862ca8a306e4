use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::absent;
use super::shape::{bare, person};
use crate::bitbucket;
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::params::{Number, RepositoryArgument, WorkspaceArgument};
use crate::{Error, Result};

/// How much of a comment is shown.
const SHOWN: usize = 200;

/// Delete a comment on a pull request, only after the user asked for it. Answers to it stay.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteComment {
    /// Workspace, if `repository` has none.
    workspace: Option<WorkspaceArgument>,
    /// The repository, or the pull request's URL.
    repository: RepositoryArgument,
    /// The pull request's number.
    number: Option<Number>,
    /// The comment's id.
    comment: u64,
}

/// The deleted comment.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Deleted {
    /// The pull request's number.
    number: u32,
    /// The id it had.
    comment: u64,
    /// Who wrote it.
    author: Foreign,
    /// How it began.
    text: Foreign,
}

impl Tool for DeleteComment {
    const NAME: &'static str = "delete_comment";
    const TITLE: &'static str = "Delete a comment";
    const EFFECT: Effect = Effect::Ends;
    const SCOPES: &'static [&'static str] = &["pullrequest"];
    type Output = Deleted;

    fn approval(&self) -> Option<String> {
        let (id, number) =
            self.repository.pull_request(self.workspace.as_ref(), self.number).ok()?;
        Some(format!("Delete comment {} on #{number} of {id}? It cannot be undone.", self.comment))
    }

    async fn question(&self, cx: &Context) -> Result<Option<String>> {
        let (id, number) = self.repository.pull_request(self.workspace.as_ref(), self.number)?;
        let repository = cx.repository(&id).await?;
        let comment = absent::comment(&repository, number, self.comment).await?;
        Ok(Some(format!(
            "Delete comment {} by {} on #{number} of {id}, {}? It cannot be undone.",
            self.comment,
            bare(&person(&comment.user)),
            Foreign::line(&comment.content.raw, SHOWN).quoted(),
        )))
    }

    async fn run(self, cx: &Context) -> Result<Deleted> {
        let (id, number) = self.repository.pull_request(self.workspace.as_ref(), self.number)?;
        let repository = cx.repository(&id).await?;
        let comment = absent::comment(&repository, number, self.comment).await?;
        let author = person(&comment.user);
        match repository.delete_comment(number, self.comment).await {
            Ok(()) => {}
            Err(bitbucket::Error::Status { status: 403, .. }) => {
                return Err(Error::Forbidden {
                    says: format!(
                        "comment {} on #{number} is by {}, and only they or an administrator of \
                         the repository can delete it",
                        self.comment,
                        bare(&author)
                    ),
                    hint: "nothing was deleted".to_owned(),
                });
            }
            Err(error) if error.leaves_outcome_open() => {
                // Gone, or a stub that says so: then it went through.
                match repository.comment(number, self.comment).await {
                    Ok(there) if !there.deleted => return Err(error.into()),
                    Err(other) if !other.is_not_found() => return Err(error.into()),
                    _ => {}
                }
            }
            Err(error) => return Err(error.into()),
        }
        let text = Foreign::line(&comment.content.raw, SHOWN);
        Ok(Deleted { number, comment: self.comment, author, text })
    }
}

impl Answer for Deleted {
    fn text(&self) -> String {
        format!(
            "comment {} by {} on #{} deleted: {}",
            self.comment,
            bare(&self.author),
            self.number,
            self.text.quoted()
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::sandbox::{Effect as FaultEffect, Fault, Service};
    use crate::server::dispatch::Approval;
    use crate::testing::Stage;

    const TOOL: &str = "delete_comment";

    fn call(comment: u64) -> serde_json::Value {
        json!({ "repository": "acme/shop", "number": 42, "comment": comment })
    }

    #[tokio::test]
    async fn deletes_a_comment_once() {
        let stage = Stage::new().await;
        let said = stage.call_consenting_as("limited", TOOL, call(700_042_084)).await;
        insta::assert_snapshot!(said, @r#"comment 700042084 by ben on #42 deleted: "What is `big.js` for? `Money` does not import it.""#);
        let said = stage.call_consenting_as("limited", TOOL, call(700_042_084)).await;
        insta::assert_snapshot!(said, @"
        not_found: comment 700042084 on #42 of `acme/shop` is deleted
        hint: `list_comments` has the ids
        ");
        let said = stage.call_consenting_as("limited", TOOL, call(700_042_091)).await;
        insta::assert_snapshot!(said, @"
        forbidden: comment 700042091 on #42 is by gus, and only they or an administrator of the repository can delete it
        hint: nothing was deleted
        ");
    }

    #[tokio::test]
    async fn asks_the_person_with_the_comment_in_question() {
        let stage = Stage::new().await.approval(Approval::Required);
        stage.sandbox().clear_requests();
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call(700_042_084)).await, @"
        approval_needed: this needs a person's approval, and this client has no way to ask for it: Delete comment 700042084 on #42 of acme/shop? It cannot be undone.
        hint: ask the user to do it themselves at bitbucket.org, or to run the server with `BITBUCKET_MCP_APPROVAL=off` if the agent may do it unasked
        ");
        insta::assert_snapshot!(stage.call_refusing_as("linked", TOOL, call(700_042_084)).await, @"
        refused: the user did not approve this
        hint: nothing was done; do not try another way unless the user asks for it
        ");
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call(5)).await, @"
        not_found: comment 5 on #42 of `acme/shop` is not there, or not to be seen
        hint: `list_comments` has the ids
        ");
        assert!(stage.requests().iter().all(|request| request.starts_with("GET ")));
    }

    #[tokio::test]
    async fn finds_out_what_became_of_a_deletion_whose_answer_is_lost() {
        let stage = Stage::new().await;
        let fault = Fault::new(Service::Bitbucket, FaultEffect::Cut);
        stage.sandbox().faults().add(fault.method("DELETE").path("*/comments/*").times(1));
        let said = stage.call_consenting_as("limited", TOOL, call(700_042_084)).await;
        insta::assert_snapshot!(said, @r#"comment 700042084 by ben on #42 deleted: "What is `big.js` for? `Money` does not import it.""#);
    }
}

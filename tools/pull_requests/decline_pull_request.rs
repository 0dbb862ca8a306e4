use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::absent;
use super::arguments::ExpectedHead;
use super::shape::{bare, path, person, title};
use crate::bitbucket::{PullRequest, Repository, RepositoryId, State};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::params::{Number, RepositoryArgument, WorkspaceArgument};
use crate::{Error, Result};

/// How long a message is shown in a question and an answer.
const MESSAGE: usize = 200;

/// Decline an open pull request, only after the user asked for it: it cannot be opened again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeclinePullRequest {
    /// Workspace, if `repository` has none.
    workspace: Option<WorkspaceArgument>,
    /// The repository, or the pull request's URL.
    repository: RepositoryArgument,
    /// Its number.
    number: Option<Number>,
    /// Why, for its author.
    message: Option<String>,
    /// Stop if the source branch is no longer at this commit.
    expected_head: Option<ExpectedHead>,
}

/// The declined pull request.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Declined {
    /// Its number.
    number: u32,
    /// Its title.
    title: Foreign,
    /// The branch that was not merged; it stays.
    source: Foreign,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Foreign>,
    /// Whether Bitbucket did not confirm it, so that it was read off the pull request.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unconfirmed: bool,
}

impl Tool for DeclinePullRequest {
    const NAME: &'static str = "decline_pull_request";
    const TITLE: &'static str = "Decline a pull request";
    const EFFECT: Effect = Effect::Ends;
    const SCOPES: &'static [&'static str] = &["pullrequest:write"];
    type Output = Declined;

    fn approval(&self) -> Option<String> {
        let (id, number) =
            self.repository.pull_request(self.workspace.as_ref(), self.number).ok()?;
        Some(self.asking(&format!("#{number} of {id}")))
    }

    async fn question(&self, cx: &Context) -> Result<Option<String>> {
        let (id, number) = self.repository.pull_request(self.workspace.as_ref(), self.number)?;
        let repository = cx.repository(&id).await?;
        let one = self.open(&repository, &id, number).await?;
        let author = bare(&person(&one.author));
        let which = format!("#{number} {} by {author} of {id}", title(&one).quoted());
        Ok(Some(self.asking(&which)))
    }

    async fn run(self, cx: &Context) -> Result<Declined> {
        let (id, number) = self.repository.pull_request(self.workspace.as_ref(), self.number)?;
        let repository = cx.repository(&id).await?;
        let before = self.open(&repository, &id, number).await?;
        absent::scope(cx, "pullrequest:write").await?;
        match repository.decline_pull_request(number, self.message()).await {
            Ok(after) => Ok(Declined::new(&before, &after, false)),
            Err(error) if error.leaves_outcome_open() => {
                match repository.get_pull_request(number).await {
                    Ok(after) if after.state == State::Declined => {
                        Ok(Declined::new(&before, &after, true))
                    }
                    _ => Err(Error::TimedOut {
                        says: format!("Bitbucket did not confirm that #{number} is declined"),
                        hint: "look with `get_pull_request` in a minute, before another try"
                            .to_owned(),
                    }),
                }
            }
            Err(error) => Err(absent::pull_request(error, &id, number)),
        }
    }
}

impl DeclinePullRequest {
    fn message(&self) -> Option<&str> {
        self.message.as_deref().map(str::trim).filter(|message| !message.is_empty())
    }

    fn asking(&self, which: &str) -> String {
        let mut question = format!("Decline pull request {which}?");
        if let Some(message) = self.message() {
            let _ = write!(question, " Message: {}.", Foreign::line(message, MESSAGE).quoted());
        }
        question.push_str(" It cannot be opened again.");
        question
    }

    /// The pull request, if it can be declined.
    async fn open(
        &self,
        repository: &Repository<'_>,
        id: &RepositoryId,
        number: u32,
    ) -> Result<PullRequest> {
        let one = repository
            .get_pull_request(number)
            .await
            .map_err(|error| absent::pull_request(error, id, number))?;
        if one.state != State::Open {
            return Err(Error::conflict(
                format!("#{number} is already {}", one.state.word()),
                "nothing was sent; there is nothing left to decline",
            ));
        }
        if let Some(head) = &self.expected_head {
            head.check(&one)?;
        }
        Ok(one)
    }
}

impl Declined {
    fn new(before: &PullRequest, after: &PullRequest, unconfirmed: bool) -> Self {
        let reason = Foreign::line(&after.reason, MESSAGE);
        Self {
            number: before.id,
            title: title(before),
            source: path(&before.source.branch.name),
            reason: Some(reason).filter(|reason| !reason.is_empty()),
            unconfirmed,
        }
    }
}

impl Answer for Declined {
    fn text(&self) -> String {
        let mut text = format!("#{} {} declined", self.number, self.title.quoted());
        if let Some(reason) = &self.reason {
            let _ = write!(text, ": {}", reason.quoted());
        }
        let _ = write!(text, "; its branch {} stays", bare(&self.source));
        if self.unconfirmed {
            text.push_str(
                "\nBitbucket did not confirm it in time, but the pull request says declined",
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::sandbox::{Effect as FaultEffect, Fault, Service};
    use crate::server::dispatch::Approval;
    use crate::testing::Stage;

    const TOOL: &str = "decline_pull_request";

    fn call(number: u32) -> serde_json::Value {
        json!({ "repository": "acme/shop", "number": number, "message": "Nobody asked for it." })
    }

    #[tokio::test]
    async fn declines_once_and_with_a_reason() {
        let stage = Stage::new().await;
        insta::assert_snapshot!(stage.call_consenting_as("linked", TOOL, call(28)).await, @r#"#28 "Offer gift wrapping" declined: "Nobody asked for it."; its branch feature/gift-wrap stays"#);
        stage.sandbox().clear_requests();
        insta::assert_snapshot!(stage.call_consenting_as("linked", TOOL, call(28)).await, @"
        conflict: #28 is already declined
        hint: nothing was sent; there is nothing left to decline
        ");
        assert_eq!(posts(&stage), 0);
    }

    #[tokio::test]
    async fn asks_the_person_with_all_that_will_happen() {
        let stage = Stage::new().await.approval(Approval::Required);
        stage.sandbox().clear_requests();
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call(46)).await, @r#"
        approval_needed: this needs a person's approval, and this client has no way to ask for it: Decline pull request #46 of acme/shop? Message: "Nobody asked for it.". It cannot be opened again.
        hint: ask the user to do it themselves at bitbucket.org, or to run the server with `BITBUCKET_MCP_APPROVAL=off` if the agent may do it unasked
        "#);
        insta::assert_snapshot!(stage.call_refusing_as("linked", TOOL, call(46)).await, @"
        refused: the user did not approve this
        hint: nothing was done; do not try another way unless the user asks for it
        ");
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call(27)).await, @"
        conflict: #27 is already merged
        hint: nothing was sent; there is nothing left to decline
        ");
        assert_eq!(posts(&stage), 0);
    }

    #[tokio::test]
    async fn stops_when_somebody_pushed_and_without_the_scope() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        let mut moved = call(28);
        moved["expected_head"] = "0123456789ab".into();
        insta::assert_snapshot!(stage.call_consenting_as("linked", TOOL, moved).await, @"
        conflict: the head of #28 is 6735c841f110, not 0123456789ab
        hint: somebody pushed: read what changed with `get_pull_request_diff`, then decide again
        ");
        insta::assert_snapshot!(stage.call_consenting_as("limited", TOOL, call(28)).await, @"
        missing_scope: the linked Bitbucket account did not grant `pullrequest:write`
        hint: call `link_account` with `again: true` so that the user can grant it
        ");
        assert_eq!(posts(&stage), 0);
    }

    #[tokio::test]
    async fn finds_out_what_became_of_a_decline_whose_answer_is_lost() {
        let stage = Stage::new().await;
        let fault = Fault::new(Service::Bitbucket, FaultEffect::Cut);
        stage.sandbox().faults().add(fault.method("POST").path("*/decline").times(1));
        insta::assert_snapshot!(stage.call_consenting_as("linked", TOOL, call(28)).await, @r#"
        #28 "Offer gift wrapping" declined: "Nobody asked for it."; its branch feature/gift-wrap stays
        Bitbucket did not confirm it in time, but the pull request says declined
        "#);
        let fault = Fault::new(Service::Bitbucket, FaultEffect::Unanswered);
        stage.sandbox().faults().add(fault.method("POST").path("*/decline").times(1));
        insta::assert_snapshot!(stage.call_consenting_as("linked", TOOL, call(29)).await, @"
        timed_out: Bitbucket did not confirm that #29 is declined
        hint: look with `get_pull_request` in a minute, before another try
        ");
    }

    fn posts(stage: &Stage) -> usize {
        stage.requests().iter().filter(|request| request.starts_with("POST ")).count()
    }
}

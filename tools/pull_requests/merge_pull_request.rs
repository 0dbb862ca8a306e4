use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::absent;
use super::arguments::{ExpectedHead, same_commit};
use super::merging::Merge;
use super::readiness::{Before, Checks, Ignored};
use super::shape::{bare, count, path, short};
use crate::bitbucket::{MergeOptions, PullRequest};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::params::{Number, RepositoryArgument, WorkspaceArgument};
use crate::{Error, Result};

/// Merge an open pull request, only after the user asked for it: it cannot be undone. Refuses while
/// builds, tasks, requested changes or conflicts stand against it. Says which head was merged.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MergePullRequest {
    /// Workspace, if `repository` has none.
    workspace: Option<WorkspaceArgument>,
    /// The repository, or the pull request's URL.
    repository: RepositoryArgument,
    /// Its number.
    number: Option<Number>,
    /// How; default: what the repository prefers.
    strategy: Option<Strategy>,
    /// The merge commit's message.
    message: Option<String>,
    /// Delete the source branch after; default: what the pull request says.
    close_source_branch: Option<bool>,
    /// Stop if the source branch is no longer at this commit.
    expected_head: Option<ExpectedHead>,
    /// Merge although these stand against it.
    #[serde(default)]
    ignore: Vec<Ignored>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Strategy {
    MergeCommit,
    Squash,
    FastForward,
    SquashFastForward,
    RebaseFastForward,
    RebaseMerge,
}

/// The merged pull request.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Merged {
    /// Its number.
    number: u32,
    /// The commit that the destination branch is at now.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    /// The branch it went into.
    destination: Foreign,
    /// How it was merged.
    strategy: Foreign,
    /// The commit of the source branch that was merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<String>,
    /// The commit that was checked before, if somebody pushed in between.
    #[serde(skip_serializing_if = "Option::is_none")]
    checked_head: Option<String>,
    /// Whether the source branch was to be deleted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    source_branch_deleted: bool,
    /// What was checked before.
    checks: Checks,
    /// Whether Bitbucket did not confirm it, so that it was read off the pull request.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unconfirmed: bool,
}

impl Tool for MergePullRequest {
    const NAME: &'static str = "merge_pull_request";
    const TITLE: &'static str = "Merge a pull request";
    const EFFECT: Effect = Effect::Ends;
    const SCOPES: &'static [&'static str] = &["pullrequest:write"];
    type Output = Merged;

    /// Arguments that cannot be read get no question: the call ends before anything is sent.
    fn approval(&self) -> Option<String> {
        let (id, number) =
            self.repository.pull_request(self.workspace.as_ref(), self.number).ok()?;
        let mut question = format!("Merge pull request #{number} of {id}?");
        if let Some(strategy) = self.strategy {
            let _ = write!(question, " Strategy: {}.", strategy.name());
        }
        if self.close_source_branch == Some(true) {
            question.push_str(" Its source branch will be deleted.");
        }
        let ignored: Vec<&str> = self.ignore.iter().map(|ignored| ignored.words()).collect();
        if !ignored.is_empty() {
            let _ = write!(question, " Ignoring {}.", ignored.join(", "));
        }
        question.push_str(" This cannot be undone.");
        Some(question)
    }

    async fn run(self, cx: &Context) -> Result<Merged> {
        let (id, number) = self.repository.pull_request(self.workspace.as_ref(), self.number)?;
        let repository = cx.repository(&id).await?;
        let before = Before::read(&repository, &id, number).await?;
        before.check(self.expected_head.as_ref(), &self.ignore)?;
        absent::scope(cx, "pullrequest:write").await?;
        let pull_request = &before.pull_request;
        let strategy = self.strategy(pull_request)?;
        let close = self.close_source_branch.unwrap_or(pull_request.close_source_branch);
        let options = MergeOptions::new(strategy.clone(), self.message.clone(), close);
        let merge = Merge { cx, repository: &repository, number, before: pull_request };
        let (after, unconfirmed) = merge.carry_out(&options).await?;
        let (head, checked) = (after.head(), pull_request.head());
        let moved =
            matches!((head, checked), (Some(head), Some(checked)) if !same_commit(head, checked));
        Ok(Merged {
            number,
            commit: after.merged_as().map(short),
            destination: path(&pull_request.destination.branch.name),
            strategy: Foreign::line(strategy.as_deref().unwrap_or("default strategy"), 40),
            head: head.or(checked).map(short),
            checked_head: checked.filter(|_| moved).map(short),
            source_branch_deleted: close,
            checks: before.checks(),
            unconfirmed,
        })
    }
}

impl MergePullRequest {
    /// The strategy to ask for: the one of the call, or else the destination branch's own, so that
    /// the answer can name it.
    fn strategy(&self, pull_request: &PullRequest) -> Result<Option<String>> {
        let branch = &pull_request.destination.branch;
        let Some(strategy) = self.strategy else {
            return Ok(branch.default_merge_strategy.clone());
        };
        let offered = &branch.merge_strategies;
        if !offered.is_empty() && !offered.iter().any(|name| name == strategy.name()) {
            let offered: Vec<String> =
                offered.iter().map(|name| bare(&Foreign::line(name, 40))).collect();
            return Err(Error::refused(
                format!(
                    "{} does not allow the strategy {}",
                    bare(&path(&branch.name)),
                    strategy.name()
                ),
                format!("it allows {}", offered.join(", ")),
            ));
        }
        Ok(Some(strategy.name().to_owned()))
    }
}

impl Strategy {
    fn name(self) -> &'static str {
        match self {
            Self::MergeCommit => "merge_commit",
            Self::Squash => "squash",
            Self::FastForward => "fast_forward",
            Self::SquashFastForward => "squash_fast_forward",
            Self::RebaseFastForward => "rebase_fast_forward",
            Self::RebaseMerge => "rebase_merge",
        }
    }
}

impl Answer for Merged {
    fn text(&self) -> String {
        let mut text = format!("#{} merged into {}", self.number, bare(&self.destination));
        if let Some(commit) = &self.commit {
            let _ = write!(text, " as {commit}");
        }
        let _ = write!(text, " by {}", bare(&self.strategy));
        if let Some(head) = &self.head {
            let _ = write!(text, ", head {head}");
        }
        let checks = &self.checks;
        match (checks.builds_ok, checks.builds_not_ok) {
            (0, 0) => text.push_str("; no builds"),
            (good, 0) => {
                let _ = write!(text, "; builds {good} ok");
            }
            (good, bad) => {
                let _ = write!(text, "; builds {good} ok, {bad} not");
            }
        }
        let _ = write!(text, ", {}", count(checks.tasks_open as u64, "open task"));
        let names = |names: &[Foreign]| names.iter().map(bare).collect::<Vec<_>>().join(" ");
        if !checks.approved_by.is_empty() {
            let _ = write!(text, ", approved by {}", names(&checks.approved_by));
        }
        if !checks.changes_requested_by.is_empty() {
            let _ = write!(text, ", changes requested by {}", names(&checks.changes_requested_by));
        }
        if checks.bitbucket_unknown {
            text.push_str(", Bitbucket's checks unknown");
        }
        if self.source_branch_deleted {
            text.push_str("; source branch deleted");
        }
        if let Some(checked) = &self.checked_head {
            let _ = write!(
                text,
                "\nsomebody pushed in between: checked was {checked}, merged is the newer head"
            );
        }
        if self.unconfirmed {
            text.push_str(
                "\nBitbucket did not confirm it in time, but the pull request says merged",
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

    const TOOL: &str = "merge_pull_request";

    fn call(number: u32) -> serde_json::Value {
        json!({ "repository": "acme/shop", "number": number })
    }

    #[tokio::test]
    async fn merges_when_green_in_five_requests() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        insta::assert_snapshot!(said(&stage, call(35)).await, @"#35 merged into main as HASH by merge_commit, head 023fcbeeb1c1; no builds, 0 open tasks, approved by ana; source branch deleted");
        assert!(stage.requests().len() <= 5, "{:?}", stage.requests());
        stage.sandbox().clear_requests();
        insta::assert_snapshot!(said(&stage, call(35)).await, @r"
        conflict: #35 is already merged as HASH
        hint: nothing was sent; there is nothing left to merge
        ");
        assert_eq!(merges(&stage), 0);
    }

    #[tokio::test]
    async fn refuses_what_is_not_ready() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        insta::assert_snapshot!(said(&stage, call(42)).await, @r"
        refused: #42 is not ready: 1 task open
        hint: nothing was sent; `ignore` skips builds, tasks or changes_requested if the user says so
        ");
        insta::assert_snapshot!(said(&stage, call(43)).await, @r#"
        refused: #43 is not ready: Bitbucket's check: "There are merge conflicts in src/checkout/shipping.ts."
        hint: nothing was sent; `ignore` skips builds, tasks or changes_requested if the user says so
        "#);
        insta::assert_snapshot!(said(&stage, call(44)).await, @r"
        refused: #44 is not ready: it is a draft
        hint: nothing was sent; `ignore` skips builds, tasks or changes_requested if the user says so
        ");
        insta::assert_snapshot!(said(&stage, call(45)).await, @r#"
        refused: #45 is not ready: build "Build and test" failed; ben requested changes
        hint: nothing was sent; `ignore` skips builds, tasks or changes_requested if the user says so
        "#);
        assert_eq!(merges(&stage), 0);
    }

    #[tokio::test]
    async fn merges_over_what_the_user_ignores() {
        let stage = Stage::new().await;
        let call = json!({
            "repository": "acme/shop", "number": 45, "strategy": "squash",
            "close_source_branch": true, "ignore": ["builds", "changes_requested"],
        });
        insta::assert_snapshot!(said(&stage, call).await, @"#45 merged into main as HASH by squash, head dcad88008f1d; builds 1 ok, 1 not, 0 open tasks, changes requested by ben; source branch deleted");
    }

    #[tokio::test]
    async fn stops_when_somebody_pushed() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        let mut call = call(35);
        call["expected_head"] = "0123456789ab".into();
        insta::assert_snapshot!(said(&stage, call).await, @r"
        conflict: the head of #35 is 023fcbeeb1c1, not 0123456789ab
        hint: somebody pushed: read what changed with `get_pull_request_diff`, then decide again
        ");
        assert_eq!(merges(&stage), 0);
    }

    #[tokio::test]
    async fn follows_a_merge_that_answers_202_to_its_end() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        let mut call = call(47);
        call["ignore"] = json!(["tasks"]);
        insta::assert_snapshot!(said(&stage, call).await, @"#47 merged into main as HASH by merge_commit, head 409ac58af071; builds 1 ok, 1 open task, approved by ben; source branch deleted");
        assert_eq!(merges(&stage), 1);
    }

    #[tokio::test]
    async fn finds_out_what_became_of_a_merge_that_answers_555() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        insta::assert_snapshot!(said(&stage, call(41)).await, @r"
        #41 merged into main as HASH by merge_commit, head 934d3dc9f075; builds 1 ok, 0 open tasks; source branch deleted
        Bitbucket did not confirm it in time, but the pull request says merged
        ");
        assert_eq!(merges(&stage), 1);
    }

    #[tokio::test]
    async fn finds_out_what_became_of_a_merge_whose_answer_is_lost() {
        let stage = Stage::new().await;
        let fault = Fault::new(Service::Bitbucket, FaultEffect::Cut).method("POST").path("*/merge");
        stage.sandbox().faults().add(fault.times(1));
        stage.sandbox().clear_requests();
        insta::assert_snapshot!(said(&stage, call(35)).await, @r"
        #35 merged into main as HASH by merge_commit, head 023fcbeeb1c1; no builds, 0 open tasks, approved by ana; source branch deleted
        Bitbucket did not confirm it in time, but the pull request says merged
        ");
        assert_eq!(merges(&stage), 1);
    }

    #[tokio::test]
    async fn says_so_when_nobody_knows_what_became_of_it() {
        let stage = Stage::new().await;
        let fault =
            Fault::new(Service::Bitbucket, FaultEffect::Unanswered).method("POST").path("*/merge");
        stage.sandbox().faults().add(fault.times(1));
        stage.sandbox().clear_requests();
        insta::assert_snapshot!(said(&stage, call(35)).await, @r"
        timed_out: Bitbucket did not confirm the merge of #35, which is still open; it may yet go through
        hint: look with `get_pull_request` in a minute; merge again only if it is still open then
        ");
        assert_eq!(merges(&stage), 1);
    }

    #[tokio::test]
    async fn says_what_moved_when_a_merge_answers_409() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        insta::assert_snapshot!(said(&stage, call(40)).await, @r"
        conflict: #40 was not merged: main moved from 8fc367030195 to HASH during the merge
        hint: read it again with `get_pull_request`; merge again if it is still as the user wants it
        ");
        assert_eq!(merges(&stage), 1);
    }

    #[tokio::test]
    async fn asks_the_person_before_anything_is_sent() {
        let stage = Stage::new().await.approval(Approval::Required);
        stage.sandbox().clear_requests();
        insta::assert_snapshot!(said(&stage, call(35)).await, @r"
        approval_needed: this needs a person's approval, and this client has no way to ask for it: Merge pull request #35 of acme/shop? This cannot be undone.
        hint: ask the user to do it themselves at bitbucket.org, or to run the server with `BITBUCKET_MCP_APPROVAL=off` if the agent may do it unasked
        ");
        insta::assert_snapshot!(stage.call_refusing_as("linked", TOOL, call(35)).await, @r"
        refused: the user did not approve this
        hint: nothing was done; do not try another way unless the user asks for it
        ");
        assert_eq!(merges(&stage), 0);
        let said = stage.call_consenting_as("linked", TOOL, call(35)).await;
        assert!(said.starts_with("#35 merged into main as "), "{said}");
    }

    #[tokio::test]
    async fn needs_a_scope_that_reading_does_not() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        insta::assert_snapshot!(stage.call_as("limited", TOOL, call(35)).await, @r"
        missing_scope: the linked Bitbucket account did not grant `pullrequest:write`
        hint: call `link_account` with `again: true` so that the user can grant it
        ");
        assert_eq!(merges(&stage), 0);
    }

    /// What the agent reads, without the hashes that depend on the time of day.
    async fn said(stage: &Stage, call: serde_json::Value) -> String {
        let said = stage.call_as("linked", TOOL, call).await;
        let mut plain = String::new();
        let mut before = "";
        for word in said.split_inclusive([' ', '\n']) {
            let bare = word.trim_end();
            let varies = matches!(before, "as" | "to") && is_hash(bare);
            plain.push_str(if varies { "HASH" } else { bare });
            plain.push_str(&word[bare.len()..]);
            before = bare;
        }
        plain
    }

    fn is_hash(word: &str) -> bool {
        word.len() == 12 && word.chars().all(|digit| digit.is_ascii_hexdigit())
    }

    fn merges(stage: &Stage) -> usize {
        let is_merge =
            |request: &&String| request.starts_with("POST ") && request.ends_with("/merge");
        stage.requests().iter().filter(is_merge).count()
    }
}

//! Carries out the steps of a review, and tells what became of them.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::review_steps::Step;
use super::shape::short;
use crate::Error;
use crate::bitbucket::{self, Repository};
use crate::tool::Answer;

/// What was done.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Reviewed {
    /// The pull request's number.
    number: u32,
    /// The commit that the source branch is at.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<String>,
    /// Ids of the comments that were posted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    comments: Vec<u64>,
    /// Ids of the threads that were resolved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resolved: Vec<u64>,
    /// Ids of the threads that were reopened.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reopened: Vec<u64>,
    /// Ids of the tasks that were added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tasks: Vec<u64>,
    /// The verdict that was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
    /// What was there already, and so was not posted again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    already_there: Vec<String>,
}

impl Step {
    pub(super) async fn carry_out(
        &self,
        repository: &Repository<'_>,
        number: u32,
        done: &mut Reviewed,
    ) -> Result<(), bitbucket::Error> {
        match self {
            Self::Comment(_, comment) => {
                done.comments.push(repository.add_comment(number, comment).await?.id);
            }
            Self::Resolve(id) => {
                settled(repository.resolve_comment(number, *id).await)?;
                done.resolved.push(*id);
            }
            Self::Reopen(id) => {
                settled(repository.reopen_comment(number, *id).await)?;
                done.reopened.push(*id);
            }
            Self::Task(_, task) => done.tasks.push(repository.add_task(number, task).await?.id),
            Self::Verdict(verdict) => {
                repository.review(number, (*verdict).into()).await?;
                done.verdict = Some(verdict.done());
            }
        }
        Ok(())
    }
}

/// A thread that somebody else resolved or reopened in the meantime is as it was to be.
fn settled(outcome: Result<(), bitbucket::Error>) -> Result<(), bitbucket::Error> {
    match outcome {
        Err(bitbucket::Error::Status { status: 409, .. }) => Ok(()),
        other => other,
    }
}

/// Says what was done and what was not when a step failed.
pub(super) fn midway(
    error: bitbucket::Error,
    done: &Reviewed,
    left: &[Step],
    force: bool,
) -> Error {
    let open = error.leaves_outcome_open();
    let error = Error::from(error);
    if matches!(error, Error::Cancelled) {
        return error;
    }
    let words: Vec<String> = left.iter().map(Step::words).collect();
    let (failed, not_tried) = words.split_first().map_or(("", &[][..]), |(one, rest)| (one, rest));
    let did = done.done().join(", ");
    let mut says = format!(
        "{failed} {}",
        if open { "may or may not have been done: " } else { "was not done: " }
    );
    let _ = write!(says, "{error}");
    let _ = write!(says, "; done: {}", if did.is_empty() { "nothing" } else { &did });
    if !not_tried.is_empty() {
        let _ = write!(says, "; not done: {}", not_tried.join(", "));
    }
    let again = if force {
        "look with `list_comments`, then call again with what is not done alone: `force` posts again \
         what is there already"
    } else {
        "call again with the same arguments to do the rest: what is there already is not posted twice"
    };
    let hint = match error.hint() {
        Some(first) if !matches!(error, Error::Unavailable { .. } | Error::TimedOut { .. }) => {
            format!("{first}; {again}")
        }
        _ => again.to_owned(),
    };
    if open {
        return Error::TimedOut { says, hint };
    }
    match error {
        Error::MissingScope { .. } | Error::NotLinked { .. } | Error::NotSignedIn { .. }
            if done.is_empty() =>
        {
            error
        }
        Error::NotFound { .. } => Error::NotFound { says, hint },
        Error::Forbidden { .. } => Error::Forbidden { says, hint },
        Error::Conflict { .. } => Error::Conflict { says, hint },
        Error::TimedOut { .. } => Error::TimedOut { says, hint },
        _ => Error::Refused { says, hint },
    }
}

impl Reviewed {
    pub(super) fn new(number: u32, head: Option<&str>, already_there: Vec<String>) -> Self {
        Self { number, head: head.map(short), already_there, ..Self::default() }
    }

    fn is_empty(&self) -> bool {
        self.done().is_empty()
    }

    fn done(&self) -> Vec<String> {
        let mut done = Vec::new();
        for (ids, noun, verb) in [
            (&self.comments, "comment", "posted"),
            (&self.resolved, "thread", "resolved"),
            (&self.reopened, "thread", "reopened"),
            (&self.tasks, "task", "added"),
        ] {
            if !ids.is_empty() {
                let plural = if ids.len() == 1 { "" } else { "s" };
                let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
                done.push(format!("{noun}{plural} {} {verb}", ids.join(" ")));
            }
        }
        done.extend(self.verdict.map(str::to_owned));
        done
    }
}

impl Answer for Reviewed {
    fn text(&self) -> String {
        let mut text = format!("#{}", self.number);
        if let Some(head) = &self.head {
            let _ = write!(text, " at {head}");
        }
        let done = self.done();
        let done = if done.is_empty() { "nothing new".to_owned() } else { done.join(", ") };
        let _ = write!(text, ": {done}");
        if !self.already_there.is_empty() {
            let _ = write!(text, "; already there: {}", self.already_there.join(", "));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::sandbox::{Effect as FaultEffect, Fault, Service};
    use crate::testing::Stage;

    const TOOL: &str = "review_pull_request";

    #[tokio::test]
    async fn says_what_was_posted_when_a_step_has_an_open_end() {
        let stage = Stage::new().await;
        let fault = || {
            let fault = Fault::new(Service::Bitbucket, FaultEffect::status(555));
            fault.method("POST").path("*/tasks").times(1)
        };
        let mut call = json!({
            "repository": "acme/shop", "number": 42, "verdict": "approve",
            "comments": [{ "text": "All in all: nice." }], "tasks": [{ "text": "Add a test" }],
        });
        stage.sandbox().faults().add(fault());
        let said = stage.call_as("linked", TOOL, call.clone()).await;
        insta::assert_snapshot!(said, @r"
        timed_out: `tasks[0]` may or may not have been done: Bitbucket did not finish in time; done: comment 730000003 posted; not done: verdict approved
        hint: call again with the same arguments to do the rest: what is there already is not posted twice
        ");
        let said = stage.call_as("linked", TOOL, call.clone()).await;
        insta::assert_snapshot!(said, @"#42 at a77bd4c287ec: task 730000010 added, approved; already there: `comments[0]` as 730000003");
        call["force"] = true.into();
        stage.sandbox().faults().add(fault());
        let said = stage.call_as("linked", TOOL, call).await;
        insta::assert_snapshot!(said, @r"
        timed_out: `tasks[0]` may or may not have been done: Bitbucket did not finish in time; done: comment 730000017 posted
        hint: look with `list_comments`, then call again with what is not done alone: `force` posts again what is there already
        ");
    }
}

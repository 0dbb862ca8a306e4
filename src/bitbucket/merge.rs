//! Merging a pull request, and what Bitbucket has to say about it before.

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use super::pull_requests::PullRequest;
use super::wire::null_as_default;
use super::{Error, Page, Repository};
use crate::text::Foreign;

/// The most builds on a page.
const PAGE: u32 = 100;

pub(super) const BUILD_FIELDS: &str =
    "next,size,values.key,values.name,values.state,values.description,values.updated_on";

/// What a build says about a pull request's head.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Build {
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) key: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) name: String,
    /// `SUCCESSFUL`, `FAILED`, `INPROGRESS` or `STOPPED`.
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) state: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) description: String,
}

/// Bitbucket's own checks before a merge.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Mergeability {
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) values: Vec<MergeCheck>,
}

/// One of them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct MergeCheck {
    #[serde(rename = "type", deserialize_with = "null_as_default")]
    pub(crate) kind: String,
    /// `PASSED` or `FAILED`.
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) status: String,
    pub(crate) required: Option<bool>,
    pub(crate) blocking: Option<bool>,
    pub(crate) reason: Option<String>,
}

/// How to merge.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MergeOptions {
    /// Always `pullrequest`: the API's type mark.
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merge_strategy: Option<String>,
    close_source_branch: bool,
}

/// How far a merge is.
#[derive(Debug)]
pub(crate) enum Merging {
    /// Done: the pull request as it is now.
    Done(Box<PullRequest>),
    /// It goes on, under this task's name if Bitbucket gave one.
    Going(Option<MergeTask>),
}

/// A merge that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MergeTask(String);

#[derive(Default, Deserialize)]
#[serde(default)]
struct TaskStatus {
    task_status: String,
    merge_result: Option<Box<PullRequest>>,
}

impl MergeOptions {
    /// The branch's fate is always sent: left out, Bitbucket takes what the pull request says.
    pub(crate) fn new(
        merge_strategy: Option<String>,
        message: Option<String>,
        close_source_branch: bool,
    ) -> Self {
        Self { kind: "pullrequest", message, merge_strategy, close_source_branch }
    }
}

impl Repository<'_> {
    /// `GET pullrequests/{number}/statuses`: the builds that count for the pull request, which are
    /// fewer than those of its commit.
    pub(crate) async fn list_builds(
        &self,
        number: u32,
        at_most: usize,
    ) -> Result<Page<Build>, Error> {
        let path = self.pull_request(number).fixed("statuses");
        self.client().get(path).fields(BUILD_FIELDS).all(PAGE, at_most).await
    }

    /// `GET pullrequests/{number}/mergeability/checks`. It fails more often than other endpoints:
    /// it has a rate limit of its own, and answers 500 where a custom check cannot be read.
    pub(crate) async fn mergeability(&self, number: u32) -> Result<Mergeability, Error> {
        let path = self.pull_request(number).fixed("mergeability/checks");
        self.client().get(path).merge_checks().json().await
    }

    /// `POST pullrequests/{number}/merge`
    pub(crate) async fn merge_pull_request(
        &self,
        number: u32,
        options: &MergeOptions,
    ) -> Result<Merging, Error> {
        let path = self.pull_request(number).fixed("merge");
        let answer =
            self.client().post(path).json_body(options).slow().answer::<PullRequest>().await?;
        match (answer.status, answer.body) {
            (202, _) | (_, None) => {
                let task = answer.location.and_then(|path| task(path.checked().ok()?));
                Ok(Merging::Going(task))
            }
            (_, Some(merged)) => Ok(Merging::Done(Box::new(merged))),
        }
    }

    /// `GET pullrequests/{number}/merge/task-status/{task}`. A task that Bitbucket does not know is
    /// pending for ever, so whoever asks needs an end of their own.
    pub(crate) async fn merge_task(&self, number: u32, task: &MergeTask) -> Result<Merging, Error> {
        let path = self.pull_request(number).fixed("merge/task-status").segment(&task.0);
        let status: TaskStatus = self.client().get(path).json().await?;
        match (status.task_status.as_str(), status.merge_result) {
            ("SUCCESS", Some(merged)) => Ok(Merging::Done(merged)),
            ("SUCCESS", None) => Ok(Merging::Done(Box::new(self.get_pull_request(number).await?))),
            _ => Ok(Merging::Going(Some(task.clone()))),
        }
    }
}

/// The task in the address that a 202 gives. Only its name is used, never the address.
fn task(location: &str) -> Option<MergeTask> {
    let path = location.split('?').next().unwrap_or_default();
    let (_, name) = path.rsplit_once("/merge/task-status/")?;
    let name = percent_decode_str(name.trim_end_matches('/')).decode_utf8().ok()?;
    let fits = (1..=80).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"{}-_".contains(&byte));
    fits.then(|| MergeTask(name.into_owned()))
}

impl MergeCheck {
    pub(crate) fn has_failed(&self) -> bool {
        self.status == "FAILED"
    }

    /// Whether a merge cannot go through because of it.
    pub(crate) fn blocks(&self) -> bool {
        self.has_failed() && (self.is_conflict() || self.blocking.or(self.required).unwrap_or(true))
    }

    /// What it says, or what it is called.
    pub(crate) fn why(&self) -> Foreign {
        match self.reason.as_deref().map(str::trim) {
            Some(reason) if !reason.is_empty() => Foreign::line(reason, 200),
            _ if self.is_conflict() => Foreign::line("the branches conflict", 80),
            _ => Foreign::line(&self.kind.replace('_', " "), 80),
        }
    }

    /// Whether it is about conflicts between the branches.
    pub(crate) fn is_conflict(&self) -> bool {
        self.kind == "git_mergeability_check"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_name_of_a_merge_task_and_not_its_address() {
        let at = "repositories/a/b/pullrequests/1/merge/task-status/";
        let id = "1b6a1c4e-1111-4a19-8f6b-7e3a1a6d7f10";
        assert_eq!(task(&format!("{at}{id}")), Some(MergeTask(id.to_owned())));
        assert_eq!(task(&format!("{at}%7B{id}%7D?x")), Some(MergeTask(format!("{{{id}}}"))));
        for wrong in ["user", "x/merge/task-status/", "x/merge/task-status/a/b"] {
            assert_eq!(task(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn knows_which_check_stands_in_the_way() {
        for (check, blocks) in [
            (r#"{"type": "git_mergeability_check", "status": "FAILED"}"#, true),
            (r#"{"type": "standard_merge_check", "status": "FAILED", "blocking": false}"#, false),
            (r#"{"type": "standard_merge_check", "status": "FAILED", "blocking": true}"#, true),
            (r#"{"type": "standard_merge_check", "status": "PASSED", "blocking": true}"#, false),
        ] {
            let check: MergeCheck = serde_json::from_str(check).unwrap();
            assert_eq!(check.blocks(), blocks, "{check:?}");
        }
    }
}

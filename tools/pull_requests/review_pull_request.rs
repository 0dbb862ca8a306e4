use std::collections::HashSet;

use futures::future::OptionFuture;
use schemars::JsonSchema;
use serde::Deserialize;

use super::absent;
use super::arguments::{ExpectedHead, Side, Verdict};
use super::diff_text::DiffText;
use super::review_outcome::{Reviewed, midway};
use super::review_steps::{Found, Plan};
use crate::bitbucket::{self, Repository, RepositoryId};
use crate::diff::Diff;
use crate::tool::{Context, Effect, Tool};
use crate::tools::params::{Number, PathArgument, RepositoryArgument, WorkspaceArgument};
use crate::{Error, Result};

/// How much is read to check against.
const MOST_COMMENTS: usize = 2_000;
const MOST_TASKS: usize = 500;
const MOST_DIFF: usize = 8 * 1024 * 1024;
/// How much one call may post.
const MOST_STEPS: usize = 100;

/// Review a pull request in one call: comments, replies, resolved threads, tasks, one verdict.
/// Everything is checked before anything is posted, lines against the diff; a repeated call posts
/// nothing twice.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReviewPullRequest {
    /// Workspace, if `repository` has none.
    workspace: Option<WorkspaceArgument>,
    /// The repository, or the pull request's URL.
    repository: RepositoryArgument,
    /// Its number.
    number: Option<Number>,
    /// What to say. Without `path`, `quote` and `reply_to`: about the whole.
    #[serde(default)]
    pub(super) comments: Vec<CommentArgument>,
    /// Ids of threads to resolve.
    #[serde(default)]
    pub(super) resolve: Vec<u64>,
    /// Ids of threads to reopen.
    #[serde(default)]
    pub(super) reopen: Vec<u64>,
    /// What its author is to do.
    #[serde(default)]
    pub(super) tasks: Vec<TaskArgument>,
    /// Your verdict on the whole.
    pub(super) verdict: Option<Verdict>,
    /// Stop if the source branch is no longer at this commit.
    expected_head: Option<ExpectedHead>,
    /// Post even what is there already.
    #[serde(default)]
    pub(super) force: bool,
}

// A comment to post.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CommentArgument {
    /// The comment, in Markdown.
    pub(super) text: String,
    /// The file; alone, the comment is on the file.
    pub(super) path: Option<PathArgument>,
    /// The line in it.
    #[schemars(range(min = 1))]
    pub(super) line: Option<u32>,
    /// The first line, for several.
    #[schemars(range(min = 1))]
    pub(super) start_line: Option<u32>,
    /// Which file `line` counts in; default `new`.
    pub(super) side: Option<Side>,
    /// Instead of `line`: the line's words, as in the diff.
    pub(super) quote: Option<String>,
    /// The comment to answer.
    pub(super) reply_to: Option<u64>,
}

// A task to add.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TaskArgument {
    /// What is to be done.
    pub(super) text: String,
    /// The comment it belongs to.
    pub(super) comment: Option<u64>,
}

impl Tool for ReviewPullRequest {
    const NAME: &'static str = "review_pull_request";
    const TITLE: &'static str = "Review a pull request";
    const EFFECT: Effect = Effect::Sets;
    const SCOPES: &'static [&'static str] = &["pullrequest"];
    type Output = Reviewed;

    /// Comments need no more than the right to read; only a verdict is a write to Bitbucket.
    fn scopes(&self) -> Vec<&'static str> {
        match self.verdict {
            Some(_) => vec!["pullrequest", "pullrequest:write"],
            None => vec!["pullrequest"],
        }
    }

    async fn run(self, cx: &Context) -> Result<Reviewed> {
        let (id, number) = self.repository.pull_request(self.workspace.as_ref(), self.number)?;
        if self.is_empty() {
            return Err(Error::InvalidArguments(
                "there is nothing to do: give `comments`, `resolve`, `reopen`, `tasks` or `verdict`"
                    .to_owned(),
            ));
        }
        let steps = self.comments.len() + self.resolve.len() + self.reopen.len() + self.tasks.len();
        if steps > MOST_STEPS {
            return Err(Error::InvalidArguments(format!(
                "{steps} things in one call are too many: give at most {MOST_STEPS}"
            )));
        }
        let repository = cx.repository(&id).await?;
        let (found, diff) = self.look(cx, &repository, &id, number).await?;
        if let Some(head) = &self.expected_head {
            head.check(&found.pull_request)?;
        }
        if self.verdict.is_some() {
            absent::scope(cx, "pullrequest:write").await?;
        }
        let plan = Plan::make(&self, &found, &Diff::read(&diff))?;
        let mut done = Reviewed::new(number, found.pull_request.head(), plan.already_there);
        let all = u32::try_from(plan.steps.len()).ok();
        for (index, step) in plan.steps.iter().enumerate() {
            cx.progress(u32::try_from(index).unwrap_or(u32::MAX), all, &step.words());
            if let Err(error) = step.carry_out(&repository, number, &mut done).await {
                let left = plan.steps.get(index..).unwrap_or_default();
                return Err(midway(error, &done, left, self.force));
            }
        }
        Ok(done)
    }
}

impl ReviewPullRequest {
    fn is_empty(&self) -> bool {
        self.comments.is_empty()
            && self.resolve.is_empty()
            && self.reopen.is_empty()
            && self.tasks.is_empty()
            && self.verdict.is_none()
    }

    /// Reads all that the call is checked against, and only that.
    async fn look(
        &self,
        cx: &Context,
        repository: &Repository<'_>,
        id: &RepositoryId,
        number: u32,
    ) -> Result<(Found, String)> {
        let client = cx.bitbucket().await?;
        let names_comments = self.comments.iter().any(|comment| comment.reply_to.is_some())
            || !self.resolve.is_empty()
            || !self.reopen.is_empty()
            || self.tasks.iter().any(|task| task.comment.is_some());
        // What is there already is looked for only where it would not be posted again.
        let new_comments = !self.force && !self.comments.is_empty();
        let new_tasks = !self.force && !self.tasks.is_empty();
        let is_mine = new_comments || new_tasks || self.verdict.is_some();
        let paths = self.paths();
        let reading = async {
            tokio::try_join!(
                repository.get_pull_request(number),
                when(
                    names_comments || new_comments,
                    repository.list_comments(number, MOST_COMMENTS)
                ),
                when(new_tasks, repository.list_tasks(number, MOST_TASKS)),
                when(is_mine, client.user()),
                when(
                    paths.is_some(),
                    DiffText::read(
                        repository,
                        number,
                        paths.as_deref().unwrap_or_default(),
                        None,
                        MOST_DIFF
                    )
                ),
            )
        };
        let (pull_request, comments, tasks, me, diff) =
            reading.await.map_err(|error| absent::pull_request(error, id, number))?;
        let mut diff = text(diff)?;
        let missing = |paths: &Vec<String>| {
            let read = Diff::read(&diff);
            paths.iter().any(|path| read.file(path).is_none())
        };
        // A path that is not in the diff can be a slip of the pen: near misses need the whole.
        if paths.as_ref().is_some_and(missing) {
            let whole = DiffText::read(repository, number, &[], None, MOST_DIFF).await?;
            diff = text(Some(whole)).unwrap_or_default();
        }
        let found = Found {
            pull_request,
            comments: comments.map(|page| page.values).unwrap_or_default(),
            tasks: tasks.map(|page| page.values).unwrap_or_default(),
            me: me.map(|account| account.uuid),
        };
        Ok((found, diff))
    }

    /// The files whose diff is needed to check the comments; all of them where a comment only quotes
    /// a line; nothing if no comment is about a line or file.
    fn paths(&self) -> Option<Vec<String>> {
        let on_lines = || {
            self.comments.iter().filter(|comment| comment.path.is_some() || comment.quote.is_some())
        };
        on_lines().next()?;
        let paths: Option<HashSet<String>> = on_lines()
            .map(|comment| comment.path.as_ref().map(|PathArgument(path)| path.as_str().to_owned()))
            .collect();
        Some(paths.map(|paths| paths.into_iter().collect()).unwrap_or_default())
    }
}

/// The text of a diff, if it is there and whole.
fn text(diff: Option<DiffText>) -> Result<String> {
    let Some(diff) = diff else { return Ok(String::new()) };
    if diff.truncated {
        return Err(Error::InvalidArguments(
            "the diff is too large to look for a line in all of it: give each comment its `path`; \
             nothing was posted"
                .to_owned(),
        ));
    }
    Ok(diff.text)
}

/// Asks only if it is needed.
async fn when<T>(
    needed: bool,
    asking: impl Future<Output = Result<T, bitbucket::Error>>,
) -> Result<Option<T>, bitbucket::Error> {
    OptionFuture::from(needed.then_some(asking)).await.transpose()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Stage;

    const TOOL: &str = "review_pull_request";

    #[tokio::test]
    async fn posts_a_whole_review_and_nothing_twice() {
        let stage = Stage::new().await;
        let call = json!({
            "repository": "acme/shop", "number": 42,
            "comments": [
                { "text": "Why half-even?", "path": "src/money/money.ts", "quote": "isAtLeast(" },
                { "text": "Please sort these.", "path": "CHANGELOG.md", "line": 3 },
                { "text": "On the file.", "path": "docs/rounding.md" },
                { "text": "All in all: nice." },
            ],
            "tasks": [{ "text": "Add a test for negative totals" }],
            "verdict": "approve",
        });
        stage.sandbox().clear_requests();
        let said = stage.call_as("linked", TOOL, call.clone()).await;
        insta::assert_snapshot!(said, @"#42 at a77bd4c287ec: comments 730000003 730000010 730000017 730000024 posted, task 730000031 added, approved");
        insta::assert_snapshot!(writes(&stage), @r"
        POST /2.0/repositories/acme/shop/pullrequests/42/comments
        POST /2.0/repositories/acme/shop/pullrequests/42/comments
        POST /2.0/repositories/acme/shop/pullrequests/42/comments
        POST /2.0/repositories/acme/shop/pullrequests/42/comments
        POST /2.0/repositories/acme/shop/pullrequests/42/tasks
        POST /2.0/repositories/acme/shop/pullrequests/42/approve
        ");
        stage.sandbox().clear_requests();
        let said = stage.call_as("linked", TOOL, call).await;
        insta::assert_snapshot!(said, @"#42 at a77bd4c287ec: nothing new; already there: `comments[0]` as 730000003, `comments[1]` as 730000010, `comments[2]` as 730000017, `comments[3]` as 730000024, `tasks[0]` as 730000031, approved");
        assert_eq!(writes(&stage), "");
    }

    #[tokio::test]
    async fn answers_and_resolves_threads() {
        let stage = Stage::new().await;
        let open = json!({ "repository": "acme/shop", "number": 42, "unresolved": true });
        let threads = stage.structured_as("linked", "list_comments", open.clone()).await;
        let on_files: Vec<u64> = threads["threads"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|thread| thread.get("path").is_some())
            .map(|thread| thread["id"].as_u64().unwrap())
            .take(3)
            .collect();
        let replies: Vec<_> =
            on_files.iter().map(|id| json!({ "text": "Done.", "reply_to": id })).collect();
        let call = json!({
            "repository": "acme/shop", "number": 42, "comments": replies, "resolve": on_files
        });
        let said = stage.call_as("limited", TOOL, call.clone()).await;
        insta::assert_snapshot!(said, @"#42 at a77bd4c287ec: comments 730000003 730000010 730000017 posted, threads 700042014 700042049 700042056 resolved");
        insta::assert_snapshot!(stage.call_as("limited", TOOL, call).await, @"#42 at a77bd4c287ec: nothing new; already there: `comments[0]` as 730000003, `comments[1]` as 730000010, `comments[2]` as 730000017, 700042014 resolved, 700042049 resolved, 700042056 resolved");
        let left = stage.structured_as("linked", "list_comments", open).await;
        assert_eq!(left["total"].as_u64().unwrap() + 3, threads["total"].as_u64().unwrap());
        let call = json!({ "repository": "acme/shop", "number": 42, "reopen": on_files });
        insta::assert_snapshot!(stage.call_as("limited", TOOL, call).await, @"#42 at a77bd4c287ec: threads 700042014 700042049 700042056 reopened");
    }

    #[tokio::test]
    async fn a_verdict_needs_a_scope_that_a_comment_does_not() {
        let stage = Stage::new().await;
        let call = json!({
            "repository": "acme/shop", "number": 42,
            "comments": [{ "text": "hello" }], "verdict": "approve",
        });
        stage.sandbox().clear_requests();
        let said = stage.call_as("limited", TOOL, call).await;
        insta::assert_snapshot!(said, @r"
        missing_scope: the linked Bitbucket account did not grant `pullrequest:write`
        hint: call `link_account` with `again: true` so that the user can grant it
        ");
        assert_eq!(writes(&stage), "");
    }

    #[tokio::test]
    async fn stops_when_somebody_pushed() {
        let stage = Stage::new().await;
        let call = json!({
            "repository": "acme/shop", "number": 42, "verdict": "approve",
            "expected_head": "0123456789ab",
        });
        let said = stage.call_as("linked", TOOL, call).await;
        assert!(said.starts_with("conflict: the head of #42 is "), "{said}");
    }

    #[tokio::test]
    async fn reads_only_what_the_call_is_checked_against() {
        let stage = Stage::new().await;
        stage.call_as("linked", "get_account", json!({})).await;
        for (call, reads) in [
            (json!({ "verdict": "approve" }), "pull request, user"),
            (json!({ "comments": [{ "text": "a" }] }), "comments, pull request, user"),
            (json!({ "comments": [{ "text": "a" }], "force": true }), "pull request"),
            (json!({ "tasks": [{ "text": "a" }], "force": true }), "pull request"),
            (
                json!({ "comments": [{ "text": "a", "path": "CHANGELOG.md", "line": 3 }] }),
                "comments, diff, diff, pull request, user",
            ),
        ] {
            let mut whole = json!({ "repository": "acme/shop", "number": 42 });
            whole.as_object_mut().unwrap().extend(call.as_object().unwrap().clone());
            stage.sandbox().clear_requests();
            stage.call_as("linked", TOOL, whole).await;
            let requests = stage.requests();
            let gets = requests.iter().filter_map(|request| request.strip_prefix("GET "));
            let mut gets: Vec<&str> = gets
                .map(|path| match path.split('?').next().unwrap() {
                    path if path.ends_with("/user") => "user",
                    path if path.ends_with("/comments") => "comments",
                    path if path.contains("/diff") => "diff",
                    path if path.ends_with("/42") => "pull request",
                    path => path,
                })
                .collect();
            gets.sort_unstable();
            assert_eq!(gets.join(", "), reads, "{call}");
        }
    }

    /// What was changed at Bitbucket.
    fn writes(stage: &Stage) -> String {
        let requests = stage.requests();
        let writes: Vec<&str> = requests
            .iter()
            .filter(|request| !request.starts_with("GET "))
            .map(|request| request.as_str())
            .collect();
        writes.join("\n")
    }
}

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::absent;
use super::shape::count;
use super::threads::{Thread, threads};
use crate::Result;
use crate::bitbucket::Resume;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::params::{Limit, Number, PathArgument, RepositoryArgument, WorkspaceArgument};
use crate::tools::shown::more;

/// How many comments of one pull request are read.
const MOST_COMMENTS: usize = 2_000;
/// How many characters of one comment are shown.
const COMMENT: usize = 8_000;

/// List the comment threads of a pull request: where each stands, its replies, whether it is
/// resolved. `get_pull_request` already shows the open ones.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListComments {
    /// Workspace, if `repository` has none.
    workspace: Option<WorkspaceArgument>,
    /// The repository, or the pull request's URL.
    repository: RepositoryArgument,
    /// The pull request's number.
    number: Option<Number>,
    /// Only threads that are not resolved.
    #[serde(default)]
    unresolved: bool,
    /// Only threads on this file.
    path: Option<PathArgument>,
    /// How many threads at once.
    #[serde(default)]
    limit: Limit,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Some threads of a pull request.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CommentThreads {
    /// The pull request's number.
    number: u32,
    /// How many threads there are that were asked for.
    total: usize,
    /// Whether there are more comments than can be read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    incomplete: bool,
    /// The ones on this page, oldest first.
    threads: Vec<Thread>,
    /// Gets the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl Tool for ListComments {
    const NAME: &'static str = "list_comments";
    const TITLE: &'static str = "List a pull request's comments";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["pullrequest"];
    type Output = CommentThreads;

    async fn run(self, cx: &Context) -> Result<CommentThreads> {
        let (id, number) = self.repository.pull_request(self.workspace.as_ref(), self.number)?;
        let skip = cx.resume(self.cursor.as_deref())?.map_or(0, |resume| resume.skipped());
        let repository = cx.repository(&id).await?;
        // A reply can come long after its thread's first comment, so threads are whole only when
        // all comments are there.
        let page = repository
            .list_comments(number, MOST_COMMENTS)
            .await
            .map_err(|error| absent::pull_request(error, &id, number))?;
        let mut threads = threads(&page.values, COMMENT);
        threads.retain(|thread| self.wants(thread));
        let total = threads.len();
        let threads: Vec<Thread> = threads.into_iter().skip(skip).take(self.limit.get()).collect();
        let shown = skip + threads.len();
        Ok(CommentThreads {
            number,
            total,
            incomplete: page.next.is_some(),
            threads,
            next_cursor: cx.cursor((shown < total).then(|| Resume::after(shown)))?,
        })
    }
}

impl ListComments {
    fn wants(&self, thread: &Thread) -> bool {
        let on_path = self.path.as_ref().is_none_or(|PathArgument(path)| {
            thread.path.as_ref().is_some_and(|there| there.as_str() == path.as_str())
        });
        on_path && !(self.unresolved && thread.resolved)
    }
}

impl Answer for CommentThreads {
    fn text(&self) -> String {
        let mut text = format!("{} on #{}", count(self.total as u64, "thread"), self.number);
        if self.threads.len() < self.total {
            let _ = write!(text, ", {} of them here", self.threads.len());
        }
        for thread in &self.threads {
            let _ = write!(text, "\n{}", thread.text());
        }
        if self.incomplete {
            let _ = write!(text, "\nonly the oldest {MOST_COMMENTS} comments were read");
        }
        more(&mut text, self.next_cursor.as_ref());
        text
    }
}

#[cfg(all(test, feature = "sandbox"))]
mod tests {
    use serde_json::json;

    use crate::testing::Stage;

    const TOOL: &str = "list_comments";

    #[tokio::test]
    async fn shows_threads_whole_in_one_request() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        let call = json!({ "repository": "acme/shop", "number": 42 });
        let said = stage.call_as("linked", TOOL, call.clone()).await;
        insta::assert_snapshot!(said, @"");
        assert_eq!(stage.requests().len(), 1);
        assert_eq!(stage.call_as("limited", TOOL, call).await, said);
    }

    #[tokio::test]
    async fn shows_open_threads_of_one_file() {
        let stage = Stage::new().await;
        let call = json!({
            "repository": "acme/shop", "number": 42, "unresolved": true, "path": "src/money/money.ts"
        });
        let said = stage.call_as("linked", TOOL, call).await;
        insta::assert_snapshot!(said, @"");
    }

    #[tokio::test]
    async fn goes_on_with_the_next_thread() {
        let stage = Stage::new().await;
        let mut call = json!({ "repository": "acme/shop", "number": 42, "limit": 4 });
        let mut ids = Vec::new();
        loop {
            let page = stage.structured_as("linked", TOOL, call.clone()).await;
            let threads = page["threads"].as_array().unwrap();
            ids.extend(threads.iter().map(|thread| thread["id"].as_u64().unwrap()));
            assert_eq!(page["total"], 10);
            match page.get("next_cursor") {
                Some(next) => call["cursor"] = next.clone(),
                None => break,
            }
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 10);
    }

    #[tokio::test]
    async fn keeps_a_deleted_comment_in_its_thread_only() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "number": 34 });
        let said = stage.call_as("linked", TOOL, call).await;
        insta::assert_snapshot!(said, @"");
    }

    #[tokio::test]
    async fn keeps_what_others_wrote_from_posing_as_ours() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "number": 46 });
        let said = stage.call_as("linked", TOOL, call).await;
        insta::assert_snapshot!(said, @"");
    }

    #[tokio::test]
    async fn asks_a_guest_to_link() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "number": 42 });
        let said = stage.call_as("guest", TOOL, call).await;
        insta::assert_snapshot!(stage.without_ids(&said), @"");
    }
}

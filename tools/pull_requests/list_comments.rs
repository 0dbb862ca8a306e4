use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::absent;
use super::shape::count;
use super::threads::{Thread, threads};
use crate::bitbucket::Resume;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::params::{Limit, Number, PathArgument, RepositoryArgument, WorkspaceArgument};
use crate::tools::shown::more;
use crate::{Error, Result};

/// How many comments of one pull request are read.
const MOST_COMMENTS: usize = 2_000;
/// How many characters of one comment are shown in a list, and when its thread was asked for.
const COMMENT: usize = 2_000;
const COMMENT_ALONE: usize = 60_000;
/// How many bytes of text a page holds before the rest goes to the next one.
const PAGE: usize = 32 * 1024;

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
    /// Only the thread of this comment, whole.
    thread: Option<u64>,
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
        let cap = if self.thread.is_some() { COMMENT_ALONE } else { COMMENT };
        let mut threads = threads(&page.values, cap);
        threads.retain(|thread| self.wants(thread));
        if let Some(comment) = self.thread.filter(|_| threads.is_empty()) {
            return Err(Error::not_found(
                format!("#{number} has no thread with comment {comment} that was asked for"),
                "call `list_comments` without `thread` for the ones there are",
            ));
        }
        let total = threads.len();
        let mut room = PAGE;
        let threads: Vec<Thread> = threads
            .into_iter()
            .skip(skip)
            .take(self.limit.get())
            .enumerate()
            .take_while(|(index, thread)| {
                let size = thread.text().len();
                let fits = *index == 0 || size <= room;
                room = room.saturating_sub(size);
                fits
            })
            .map(|(_, thread)| thread)
            .collect();
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
        let is_it = self.thread.is_none_or(|comment| thread.has(comment));
        on_path && is_it && !(self.unresolved && thread.resolved)
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
        if self.threads.iter().any(Thread::is_cut) {
            text.push_str("\na comment was cut: `thread` with its number shows it whole");
        }
        if self.incomplete {
            let _ = write!(text, "\nonly the oldest {MOST_COMMENTS} comments were read");
        }
        more(&mut text, self.next_cursor.as_ref());
        text
    }
}

#[cfg(test)]
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
        insta::assert_snapshot!(said, @r#"
        10 threads on #42
        700042000 ana: "Thank you, this is much easier to follow than what we have. I will go through the tests this week."
         700042007 cleo: "No hurry, 2.4.1 is planned for the end of November."
        700042014 src/money/money.ts:51 ben: "`Math.round` on the rate drops everything after two digits. Is 33.333 % a rate that can happen?"
         700042021 cleo: "Not today: codes are whole per cent, and tax is 19."
         700042028 ben: "Then please refuse other rates instead of rounding them."
        700042035 src/checkout/total.ts:11 (resolved by ana) ana: "Discount before tax: do we have a test that would notice if somebody swapped the two?"
         700042042 cleo: "Yes, \"takes FRIENDS off before the tax\"."
        700042049 src/money/money.ts:54 ben: "Nobody calls this. Remove it, or use it for `FREE_FROM`?"
        700042056 src/checkout/total.ts:11 (old) (outdated) ana: "This loop was hard to read anyway."
        700042063 docs/rounding.md:11 (resolved by cleo) gus: "Do we have that in writing? Support gets asked."
        700042070 tests/money.test.ts:46 (resolved by cleo) ana: "`cents()` is whole already, so `Math.floor` does nothing here."
        700042077 CHANGELOG.md:3 (resolved by ana) ana: "Please say in one sentence what a customer notices."
        700042084 package.json:12 ben: "What is `big.js` for? `Money` does not import it."
        700042091 package-lock.json gus: "Eight updates in here have nothing to do with rounding. On purpose?"
        "#);
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
        insta::assert_snapshot!(said, @r#"
        2 threads on #42
        700042014 src/money/money.ts:51 ben: "`Math.round` on the rate drops everything after two digits. Is 33.333 % a rate that can happen?"
         700042021 cleo: "Not today: codes are whole per cent, and tax is 19."
         700042028 ben: "Then please refuse other rates instead of rounding them."
        700042049 src/money/money.ts:54 ben: "Nobody calls this. Remove it, or use it for `FREE_FROM`?"
        "#);
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
        insta::assert_snapshot!(said, @r#"
        2 threads on #34
        700034000 src/invoice.ts:4 ben: "Invoices need a number and a date to be valid."
         700034007 cleo: "Both come with the next pull request."
        700034014 (deleted)
         700034021 ben: "Good point."
        "#);
    }
}

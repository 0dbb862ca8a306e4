use std::fmt::Write as _;
use std::time::Duration;

use futures::future::OptionFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::absent;
use super::parts::{
    BuildRow, Files, MOST_FILES, SHOWN, SHOWN_ALONE, Tasks, Threads, Verdict, write_builds,
};
use super::shape::{Branch, bare, day, person, short, title};
use super::threads::is_cut;
use crate::Result;
use crate::bitbucket::{self, PullRequest, State};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::params::{Number, RepositoryArgument, WorkspaceArgument};
use crate::tools::shown::time;

/// How many comments, builds and tasks are read.
const MOST_COMMENTS: usize = 500;
const MOST_OTHERS: usize = 100;
/// How long Bitbucket's own merge checks are waited for.
const PATIENCE: Duration = Duration::from_secs(8);
/// Get all that a review of a pull request starts from, in one call: description, changed files,
/// open threads, builds, tasks, reviewers, whether it can be merged.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetPullRequest {
    /// Workspace, if `repository` has none.
    workspace: Option<WorkspaceArgument>,
    /// The repository, or the pull request's URL.
    repository: RepositoryArgument,
    /// Its number.
    number: Option<Number>,
    /// Only these parts; all if empty.
    #[serde(default)]
    include: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Part {
    Body,
    Files,
    Threads,
    Builds,
    Tasks,
    Mergeability,
}

/// A pull request, ready to be reviewed.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Review {
    /// Its number.
    number: u32,
    /// Its title.
    title: Foreign,
    /// Its state.
    state: &'static str,
    /// Whether it is a draft.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    draft: bool,
    /// Who wrote it.
    author: Foreign,
    /// The branch to merge from.
    source: Branch,
    /// The branch to merge into.
    destination: Branch,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_on: Option<String>,
    /// When it last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_on: Option<String>,
    /// Who closed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_by: Option<Foreign>,
    /// The commit that the merge made.
    #[serde(skip_serializing_if = "Option::is_none")]
    merge_commit: Option<String>,
    /// Why it was declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Foreign>,
    /// Who is to review it or has said something, and what.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reviewers: Vec<Reviewer>,
    /// Its description.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Foreign>,
    /// Whether the description was cut.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    body_cut: bool,
    /// The changed files.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Files>,
    /// The threads that are not resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    threads: Option<Threads>,
    /// The builds of its head.
    #[serde(skip_serializing_if = "Option::is_none")]
    builds: Option<Vec<BuildRow>>,
    /// Its tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    tasks: Option<Tasks>,
    /// Whether it can be merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    mergeability: Option<Verdict>,
    /// Parts that Bitbucket did not give.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_read: Vec<&'static str>,
    #[serde(skip)]
    days: [String; 2],
}

/// Somebody who reviews.
#[derive(Debug, Serialize, JsonSchema)]
struct Reviewer {
    /// Who.
    name: Foreign,
    /// What they said last.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
}

impl Tool for GetPullRequest {
    const NAME: &'static str = "get_pull_request";
    const TITLE: &'static str = "Get a pull request";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["pullrequest"];
    type Output = Review;

    async fn run(self, cx: &Context) -> Result<Review> {
        let (id, number) = self.repository.pull_request(self.workspace.as_ref(), self.number)?;
        let repository = cx.repository(&id).await?;
        let parts = async {
            tokio::try_join!(
                repository.get_pull_request(number),
                self.part(Part::Files, repository.pull_request_files(number, MOST_FILES)),
                self.part(Part::Threads, repository.list_comments(number, MOST_COMMENTS)),
                self.part(Part::Builds, repository.list_builds(number, MOST_OTHERS)),
                self.part(Part::Tasks, repository.list_tasks(number, MOST_OTHERS)),
                self.part(Part::Mergeability, async {
                    // Fails more often than the others, and is never worth failing the call.
                    let checks = tokio::time::timeout(PATIENCE, repository.mergeability(number));
                    match checks.await {
                        // Their limit is their own, and says nothing about the rest.
                        Ok(Err(bitbucket::Error::RateLimited { .. })) | Err(_) => {
                            Err(bitbucket::Error::TimedOut)
                        }
                        Ok(checks) => checks,
                    }
                }),
            )
        };
        let (pull_request, files, comments, builds, tasks, mergeability) =
            parts.await.map_err(|error| absent::pull_request(error, &id, number))?;
        let shown = if self.include.len() == 1 { SHOWN_ALONE } else { SHOWN };
        let mut review = Review::from(&pull_request);
        if self.wants(Part::Body) {
            let raw = pull_request.description.trim();
            let body = Foreign::block(raw, shown.body);
            review.body_cut = is_cut(raw, shown.body);
            review.body = Some(body).filter(|body| !body.is_empty());
        }
        // A closed one fails every check, which says nothing.
        let mergeability = mergeability.filter(|_| pull_request.state == State::Open);
        review.mergeability = mergeability.map(Verdict::new);
        review.files = review.take("files", files).map(|page| Files::new(&page, shown));
        review.threads = review.take("threads", comments).map(|page| Threads::new(&page, shown));
        let builds = review.take("builds", builds);
        review.builds = builds.map(|page| page.values.iter().map(BuildRow::from).collect());
        review.tasks = review.take("tasks", tasks).map(|page| Tasks::from(page.values));
        Ok(review)
    }
}

impl GetPullRequest {
    fn wants(&self, part: Part) -> bool {
        self.include.is_empty() || self.include.contains(&part)
    }

    /// Asks for a part only if it is wanted; inside, nothing if it could not be read.
    async fn part<T>(
        &self,
        part: Part,
        asking: impl Future<Output = Result<T, bitbucket::Error>>,
    ) -> Result<Option<Option<T>>, bitbucket::Error> {
        let asked = OptionFuture::from(self.wants(part).then_some(asking)).await;
        asked.map(absent::part).transpose()
    }
}

impl From<&PullRequest> for Review {
    fn from(pull_request: &PullRequest) -> Self {
        let reason = Foreign::line(&pull_request.reason, 400);
        Self {
            number: pull_request.id,
            title: title(pull_request),
            state: pull_request.state.word(),
            draft: pull_request.draft,
            author: person(&pull_request.author),
            source: Branch::source(pull_request),
            destination: Branch::destination(pull_request),
            created_on: pull_request.created_on.map(time),
            updated_on: pull_request.updated_on.map(time),
            closed_by: pull_request.closed_by.as_ref().map(person),
            merge_commit: pull_request.merged_as().map(str::to_owned),
            reason: Some(reason).filter(|reason| !reason.is_empty()),
            reviewers: reviewers(pull_request),
            body: None,
            body_cut: false,
            files: None,
            threads: None,
            builds: None,
            tasks: None,
            mergeability: None,
            not_read: Vec::new(),
            days: [pull_request.created_on, pull_request.updated_on]
                .map(|time| time.map(day).unwrap_or_default()),
        }
    }
}

/// The reviewers, and everybody else who gave a verdict.
fn reviewers(pull_request: &PullRequest) -> Vec<Reviewer> {
    let mut seen = Vec::new();
    let mut reviewers = Vec::new();
    for participant in &pull_request.participants {
        let verdict = if participant.wants_changes() {
            Some("changes requested")
        } else if participant.approves() {
            Some("approved")
        } else {
            None
        };
        if verdict.is_some() || participant.role == "REVIEWER" {
            seen.push(&participant.user);
            reviewers.push(Reviewer { name: person(&participant.user), verdict });
        }
    }
    for user in &pull_request.reviewers {
        if !seen.iter().any(|other| other.uuid == user.uuid) {
            reviewers.push(Reviewer { name: person(user), verdict: None });
        }
    }
    reviewers
}

impl Answer for Review {
    fn text(&self) -> String {
        let mut text = self.head();
        if let Some(body) = &self.body {
            let _ = write!(text, "\ndescription:\n{}", body.indented("  "));
            if self.body_cut {
                text.push_str("\ndescription cut: `include: [\"body\"]` alone shows more");
            }
        }
        if !self.not_read.is_empty() {
            let _ = write!(
                text,
                "\nnot read, Bitbucket did not give them: {}; call again, or with `include`",
                self.not_read.join(", ")
            );
        }
        if let Some(files) = &self.files {
            files.write(&mut text);
        }
        if let Some(threads) = &self.threads {
            threads.write(&mut text);
        }
        text
    }
}

impl Review {
    /// A part that was read; notes the name of one that was wanted and could not be.
    fn take<T>(&mut self, name: &'static str, part: Option<Option<T>>) -> Option<T> {
        if matches!(part, Some(None)) {
            self.not_read.push(name);
        }
        part.flatten()
    }

    fn head(&self) -> String {
        let draft = if self.draft { " draft" } else { "" };
        let mut text =
            format!("#{} {} · {}{draft} · ", self.number, self.title.quoted(), self.state);
        let _ = write!(
            text,
            "{} · {} → {}",
            bare(&self.author),
            self.source.line(),
            self.destination.line()
        );
        let [created, updated] = &self.days;
        let _ = write!(text, "\ncreated {created}, updated {updated}");
        if let Some(commit) = &self.merge_commit {
            let _ = write!(text, "; merged as {}", short(commit));
        }
        if let Some(by) = &self.closed_by {
            let _ = write!(text, "; closed by {}", bare(by));
        }
        if let Some(reason) = &self.reason {
            let _ = write!(text, ": {}", reason.quoted());
        }
        let reviewers: Vec<String> = self.reviewers.iter().map(Reviewer::text).collect();
        if !reviewers.is_empty() {
            let _ = write!(text, "\nreviewers: {}", reviewers.join(", "));
        }
        if let Some(verdict) = &self.mergeability {
            verdict.write(&mut text);
        }
        if let Some(builds) = &self.builds {
            write_builds(&mut text, builds);
        }
        if let Some(tasks) = &self.tasks {
            tasks.write(&mut text);
        }
        text
    }
}

impl Reviewer {
    fn text(&self) -> String {
        match self.verdict {
            Some(verdict) => format!("{} {verdict}", bare(&self.name)),
            None => bare(&self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Stage;

    const TOOL: &str = "get_pull_request";

    #[tokio::test]
    async fn tells_all_that_a_review_starts_from() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        let call = json!({ "repository": "acme/shop", "number": 42 });
        let said = stage.call_as("linked", TOOL, call.clone()).await;
        insta::assert_snapshot!(said, @r#"
        #42 "Round checkout totals once, at the end" · open · cleo · feature/checkout-rounding @ a77bd4c287ec → main @ 8fc367030195
        created 2026-11-13, updated 2026-11-16
        reviewers: ana, ben approved
        can merge: yes; warnings: "1 unresolved task."
        builds: 3 successful
        tasks: 1 open of 2
         task 804200 "Remove `isAtLeast`, or use it" on comment 700042049
        description:
          The checkout rounds each line, each discount and each tax, and the errors add up. An order in September was 7 cents off.
          
          This introduces `Money`, which keeps fractions of a cent, and rounds once, where a customer sees the total.
          
          * `src/money` is new; `round.ts` moved there
          * `tests/fixtures/rounding.json` has 200 carts of the last year
          * the lock file is updated on the way
          
          See `docs/rounding.md` for what changes for customers.
        12 files +926 -44
         CHANGELOG.md +4 -0
         docs/rounding.md +21 -0 added
         package-lock.json +386 -26 generated
         package.json +2 -1
         src/checkout/discount.ts +4 -4
         src/checkout/tax.ts +4 -4
         src/checkout/total.ts +8 -9
         src/money/money.ts +78 -0 added
         src/money/round.ts +0 -0 from src/util/round.ts
         tests/checkout.test.ts +9 -0
         tests/fixtures/rounding.json +362 -0 added
         tests/money.test.ts +48 -0 added
        6 open threads, 4 resolved not shown (`list_comments`)
        700042000 ana: "Thank you, this is much easier to follow than what we have. I will go through the tests this week."
         700042007 cleo: "No hurry, 2.4.1 is planned for the end of November."
        700042014 src/money/money.ts:51 ben: "`Math.round` on the rate drops everything after two digits. Is 33.333 % a rate that can happen?"
         700042021 cleo: "Not today: codes are whole per cent, and tax is 19."
         700042028 ben: "Then please refuse other rates instead of rounding them."
        700042049 src/money/money.ts:54 ben: "Nobody calls this. Remove it, or use it for `FREE_FROM`?"
        700042056 src/checkout/total.ts:11 (old) (outdated) ana: "This loop was hard to read anyway."
        700042084 package.json:12 ben: "What is `big.js` for? `Money` does not import it."
        700042091 package-lock.json gus: "Eight updates in here have nothing to do with rounding. On purpose?"
        "#);
        assert!(stage.requests().len() <= 7, "{:?}", stage.requests());
        assert_eq!(stage.call_as("limited", TOOL, call).await, said);
    }

    #[tokio::test]
    async fn takes_the_address_of_the_page_and_narrows() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        let call = json!({
            "repository": "https://bitbucket.org/acme/shop/pull-requests/42/diff",
            "include": ["tasks", "builds"],
        });
        let said = stage.call_as("linked", TOOL, call).await;
        insta::assert_snapshot!(said, @r#"
        #42 "Round checkout totals once, at the end" · open · cleo · feature/checkout-rounding @ a77bd4c287ec → main @ 8fc367030195
        created 2026-11-13, updated 2026-11-16
        reviewers: ana, ben approved
        builds: 3 successful
        tasks: 1 open of 2
         task 804200 "Remove `isAtLeast`, or use it" on comment 700042049
        "#);
        assert_eq!(stage.requests().len(), 3);
    }

    #[tokio::test]
    async fn says_what_stands_against_a_merge() {
        let stage = Stage::new().await;
        for number in [43, 44, 45] {
            let call = json!({
                "repository": "acme/shop", "number": number, "include": ["mergeability", "builds"]
            });
            let said = stage.call_as("linked", TOOL, call).await;
            insta::allow_duplicates! {
                match number {
                    43 => insta::assert_snapshot!(said, @r#"
                    #43 "Send orders from 40.00 on for nothing" · open · ben · feature/free-from-40 @ a15ccdafd542 → main @ 8fc367030195
                    created 2026-11-16, updated 2026-11-16
                    reviewers: ana, gus
                    can merge: no: "There are merge conflicts in src/checkout/shipping.ts."; warnings: "At least 1 approval is needed."
                    builds: 1 successful
                    "#),
                    44 => insta::assert_snapshot!(said, @r#"
                    #44 "Deliver to parcel lockers" · open draft · ana · feature/parcel-lockers @ 6f46996f0fec → main @ 8fc367030195
                    created 2026-11-17, updated 2026-11-17
                    reviewers: ben, gus
                    can merge: no: "The pull request is a draft."; warnings: "At least 1 approval is needed."
                    builds: 1 successful
                    "#),
                    _ => insta::assert_snapshot!(said, @r#"
                    #45 "Tax shipping as well" · open · cleo · fix/tax-on-shipping @ dcad88008f1d → main @ 8fc367030195
                    created 2026-11-18, updated 2026-11-18
                    reviewers: ben changes requested, ana, gus
                    can merge: yes; warnings: "At least 1 approval is needed.", "Changes were requested.", "Not every build of the last commit has passed."
                    builds: 1 successful, "Build and test" failed: "2 of 214 tests failed"
                    "#),
                }
            }
        }
    }

    #[tokio::test]
    async fn tells_how_a_closed_one_ended() {
        let stage = Stage::new().await;
        let call = |number| {
            json!({
                "repository": "acme/shop", "number": number, "include": ["mergeability"]
            })
        };
        let said = stage.call_as("linked", TOOL, call(16)).await;
        insta::assert_snapshot!(said, @r#"
        #16 "Keep wish lists" · declined · ben · feature/wish-lists @ 781752f3ff4e → main @ 68af9b0f587c
        created 2026-09-07, updated 2026-09-21; closed by ana: "Nobody has asked for wish lists"
        reviewers: gus
        "#);
        let said = stage.call_as("linked", TOOL, call(27)).await;
        insta::assert_snapshot!(said, @r#"
        #27 "Send orders from 75.00 on for nothing" · merged · ana · feature/free-from-75 @ 34d514657dc7 → main @ fb4cab525e38
        created 2026-10-26, updated 2026-10-28; merged as 24a291bcd921; closed by ana
        reviewers: ben, gus
        "#);
    }

    #[tokio::test]
    async fn says_when_there_is_no_such_pull_request() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "number": 9_999 });
        let said = stage.call_as("linked", TOOL, call).await;
        insta::assert_snapshot!(said, @r"
        not_found: no pull request #9999 in `acme/shop`, or no access to it
        hint: call `list_pull_requests` with `state: all` for the ones there are
        ");
        let said = stage.call_as("linked", TOOL, json!({ "repository": "acme/shop" })).await;
        insta::assert_snapshot!(said, @r"
        invalid_arguments: `number` is missing: the pull request's number
        hint: read the tool's input schema, then call again
        ");
    }
}

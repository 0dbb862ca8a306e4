use std::fmt::Write as _;
use std::time::Duration;

use futures::future::OptionFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::absent;
use super::shape::{Branch, bare, changes, count, day, path, person, title};
use super::threads::{Thread, threads};
use crate::Result;
use crate::bitbucket::{
    self, Build, Comment, FileChange, Mergeability, Page, PullRequest, State, Task,
};
use crate::diff::is_generated;
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::params::{Number, RepositoryArgument, WorkspaceArgument};
use crate::tools::shown::time;

/// How many files, comments, builds and tasks are read.
const MOST_FILES: usize = 1_000;
const MOST_COMMENTS: usize = 500;
const MOST_OTHERS: usize = 100;
/// How long Bitbucket's own merge checks are waited for.
const PATIENCE: Duration = Duration::from_secs(8);
/// How much of each is shown when it is one part of several, and when it was asked for alone.
const SHOWN: Shown = Shown { files: 100, threads: 40, body: 4_000, comment: 800 };
const SHOWN_ALONE: Shown = Shown { files: 1_000, threads: 200, body: 60_000, comment: 4_000 };

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

#[derive(Clone, Copy)]
struct Shown {
    files: usize,
    threads: usize,
    body: usize,
    comment: usize,
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

/// The changed files.
#[derive(Debug, Serialize, JsonSchema)]
struct Files {
    /// How many there are; absent if Bitbucket could not tell in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    /// Whether there are more than were read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    incomplete: bool,
    /// Lines that came, in the files that were read.
    added: u64,
    /// Lines that went, in the files that were read.
    removed: u64,
    /// The files, or the first of them.
    files: Vec<File>,
}

/// A changed file.
#[derive(Debug, Serialize, JsonSchema)]
struct File {
    /// Where it is.
    path: Foreign,
    /// What happened to it, if it was not just modified.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Foreign>,
    /// Where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Foreign>,
    /// Lines that came.
    added: u64,
    /// Lines that went.
    removed: u64,
    /// Whether a program wrote it, so that the diff leaves it out unless asked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    generated: bool,
}

/// The threads.
#[derive(Debug, Serialize, JsonSchema)]
struct Threads {
    /// How many are not resolved.
    open: usize,
    /// How many are resolved; they are left out.
    resolved: usize,
    /// Whether there are more comments than were read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    incomplete: bool,
    /// The open ones, or the first of them.
    threads: Vec<Thread>,
}

/// A build.
#[derive(Debug, Serialize, JsonSchema)]
struct BuildRow {
    /// Its name.
    name: Foreign,
    /// How it went.
    state: Foreign,
    /// What it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Foreign>,
}

/// The tasks.
#[derive(Debug, Serialize, JsonSchema)]
struct Tasks {
    /// How many there are.
    count: usize,
    /// Those still to be done.
    open: Vec<TaskRow>,
}

/// A task.
#[derive(Debug, Serialize, JsonSchema)]
struct TaskRow {
    /// Its id.
    id: u64,
    /// What is to be done.
    text: Foreign,
    /// The comment it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<u64>,
}

/// Whether it can be merged.
#[derive(Debug, Serialize, JsonSchema)]
struct Verdict {
    /// `yes`, `no` or `cannot_tell`.
    can_merge: &'static str,
    /// What stands against it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<Foreign>,
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
                self.part(Part::Files, async {
                    match repository.pull_request_files(number, MOST_FILES).await {
                        Ok(page) => Ok(Some(page)),
                        // A diff of this size makes Bitbucket give up; the rest is still of use.
                        Err(bitbucket::Error::TimedOut) => Ok(None),
                        Err(error) => Err(error),
                    }
                }),
                self.part(Part::Threads, repository.list_comments(number, MOST_COMMENTS)),
                self.part(Part::Builds, repository.list_builds(number, MOST_OTHERS)),
                self.part(Part::Tasks, repository.list_tasks(number, MOST_OTHERS)),
                self.part(Part::Mergeability, async {
                    // Fails more often than the others, and is never worth failing the call.
                    let checks = tokio::time::timeout(PATIENCE, repository.mergeability(number));
                    Ok(checks.await.ok().and_then(std::result::Result::ok))
                }),
            )
        };
        let (pull_request, files, comments, builds, tasks, mergeability) =
            parts.await.map_err(|error| absent::pull_request(error, &id, number))?;
        let shown = if self.include.len() == 1 { SHOWN_ALONE } else { SHOWN };
        let mut review = Review::from(&pull_request);
        if self.wants(Part::Body) {
            let body = Foreign::block(pull_request.description.trim(), shown.body);
            review.body = Some(body).filter(|body| !body.is_empty());
        }
        review.files = files.map(|page| Files::new(page, shown));
        review.threads = comments.map(|page| Threads::new(&page, shown));
        review.builds = builds.map(|page| page.values.iter().map(BuildRow::from).collect());
        review.tasks = tasks.map(|page| Tasks::from(page.values));
        // A closed one fails every check, which says nothing.
        review.mergeability = mergeability
            .filter(|_| pull_request.state == State::Open)
            .map(|checks| Verdict::new(checks, pull_request.draft));
        Ok(review)
    }
}

impl GetPullRequest {
    fn wants(&self, part: Part) -> bool {
        self.include.is_empty() || self.include.contains(&part)
    }

    /// Asks for a part only if it is wanted.
    async fn part<T>(
        &self,
        part: Part,
        asking: impl Future<Output = Result<T, bitbucket::Error>>,
    ) -> Result<Option<T>, bitbucket::Error> {
        OptionFuture::from(self.wants(part).then_some(asking)).await.transpose()
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
            files: None,
            threads: None,
            builds: None,
            tasks: None,
            mergeability: None,
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

impl Files {
    fn new(page: Option<Page<FileChange>>, shown: Shown) -> Self {
        let Some(page) = page else {
            return Self { count: None, incomplete: true, added: 0, removed: 0, files: Vec::new() };
        };
        Self {
            count: Some(page.size.unwrap_or(page.values.len() as u64)),
            incomplete: page.next.is_some(),
            added: page.values.iter().map(|file| file.lines_added).sum(),
            removed: page.values.iter().map(|file| file.lines_removed).sum(),
            files: page.values.iter().take(shown.files).map(File::from).collect(),
        }
    }
}

impl From<&FileChange> for File {
    fn from(file: &FileChange) -> Self {
        let status = Foreign::line(&file.status, 40);
        Self {
            path: path(file.path()),
            status: Some(status).filter(|status| !matches!(status.as_str(), "" | "modified")),
            from: file.moved_from().map(path),
            added: file.lines_added,
            removed: file.lines_removed,
            generated: is_generated(file.path()),
        }
    }
}

impl Threads {
    fn new(page: &Page<Comment>, shown: Shown) -> Self {
        let all = threads(&page.values, shown.comment);
        let resolved = all.iter().filter(|thread| thread.resolved).count();
        Self {
            open: all.len() - resolved,
            resolved,
            incomplete: page.next.is_some(),
            threads: all
                .into_iter()
                .filter(|thread| !thread.resolved)
                .take(shown.threads)
                .collect(),
        }
    }
}

impl From<&Build> for BuildRow {
    fn from(build: &Build) -> Self {
        let name = if build.name.is_empty() { &build.key } else { &build.name };
        let description = Foreign::line(&build.description, 200);
        Self {
            name: Foreign::line(name, 80),
            state: Foreign::line(&build.state, 40),
            description: Some(description).filter(|text| !text.is_empty()),
        }
    }
}

impl From<Vec<Task>> for Tasks {
    fn from(tasks: Vec<Task>) -> Self {
        let open = tasks.iter().filter(|task| task.is_open()).map(|task| TaskRow {
            id: task.id,
            text: Foreign::line(&task.content.raw, 300),
            comment: task.comment.id,
        });
        Self { count: tasks.len(), open: open.collect() }
    }
}

impl Verdict {
    fn new(checks: Option<Mergeability>, draft: bool) -> Self {
        let Some(checks) = checks.filter(|checks| !checks.values.is_empty()) else {
            return Self { can_merge: "cannot_tell", reasons: Vec::new() };
        };
        let mut reasons: Vec<Foreign> =
            checks.values.iter().filter(|check| check.blocks()).map(|check| check.why()).collect();
        if draft && reasons.is_empty() {
            reasons.push(Foreign::line("it is a draft", 40));
        }
        let can_merge = if reasons.is_empty() { "yes" } else { "no" };
        Self { can_merge, reasons }
    }
}

impl Answer for Review {
    fn text(&self) -> String {
        let mut text = self.head();
        if let Some(body) = &self.body {
            let _ = write!(text, "\ndescription:\n{}", body.indented("  "));
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
            let _ = write!(text, "; merged as {commit}");
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

impl Verdict {
    fn write(&self, text: &mut String) {
        match self.can_merge {
            "cannot_tell" => {
                text.push_str("\ncan merge: cannot tell, Bitbucket's checks did not answer")
            }
            can_merge => {
                let _ = write!(text, "\ncan merge: {can_merge}");
                for (index, reason) in self.reasons.iter().enumerate() {
                    let _ =
                        write!(text, "{} {}", if index == 0 { ":" } else { "," }, reason.quoted());
                }
            }
        }
    }
}

/// How many went well in a number, and every other one by its name.
fn write_builds(text: &mut String, builds: &[BuildRow]) {
    let good = builds.iter().filter(|build| build.state.as_str() == "SUCCESSFUL").count();
    let mut parts = Vec::new();
    if good > 0 {
        parts.push(format!("{good} successful"));
    }
    for build in builds.iter().filter(|build| build.state.as_str() != "SUCCESSFUL") {
        let state = match build.state.as_str() {
            "INPROGRESS" => "in progress".to_owned(),
            "FAILED" => "failed".to_owned(),
            "STOPPED" => "stopped".to_owned(),
            _ => build.state.quoted(),
        };
        let mut part = format!("{} {state}", build.name.quoted());
        if let Some(description) = &build.description {
            let _ = write!(part, ": {}", description.quoted());
        }
        parts.push(part);
    }
    let parts = if parts.is_empty() { "none".to_owned() } else { parts.join(", ") };
    let _ = write!(text, "\nbuilds: {parts}");
}

impl Tasks {
    fn write(&self, text: &mut String) {
        if self.count == 0 {
            text.push_str("\ntasks: none");
            return;
        }
        let _ = write!(text, "\ntasks: {} open of {}", self.open.len(), self.count);
        for task in &self.open {
            let _ = write!(text, "\n task {} {}", task.id, task.text.quoted());
            if let Some(comment) = task.comment {
                let _ = write!(text, " on comment {comment}");
            }
        }
    }
}

impl Files {
    fn write(&self, text: &mut String) {
        let Some(total) = self.count else {
            text.push_str(
                "\nfiles: Bitbucket could not list them in time; \
                 `get_pull_request_diff` with `paths` gets single ones",
            );
            return;
        };
        let more = if self.incomplete { " or more in those read" } else { "" };
        let _ =
            write!(text, "\n{} {}{more}", count(total, "file"), changes(self.added, self.removed));
        for file in &self.files {
            let _ = write!(text, "\n {} {}", bare(&file.path), changes(file.added, file.removed));
            match (&file.from, &file.status) {
                (Some(from), _) => {
                    let _ = write!(text, " from {}", bare(from));
                }
                (None, Some(status)) => {
                    let _ = write!(text, " {}", bare(status));
                }
                (None, None) => {}
            }
            if file.generated {
                text.push_str(" generated");
            }
        }
        let left = total.saturating_sub(self.files.len() as u64);
        if left > 0 {
            let _ = write!(
                text,
                "\n {left} more files not shown: `include: [\"files\"]` alone lists up to {MOST_FILES}, \
                 `get_pull_request_diff` takes globs"
            );
        }
    }
}

impl Threads {
    fn write(&self, text: &mut String) {
        let open = self.open as u64;
        let _ = write!(text, "\n{}", count(open, "open thread"));
        if self.resolved > 0 {
            let _ = write!(text, ", {} resolved not shown (`list_comments`)", self.resolved);
        }
        for thread in &self.threads {
            let _ = write!(text, "\n{}", thread.text());
        }
        if self.threads.len() < self.open || self.incomplete {
            text.push_str("\nmore threads not shown: `list_comments` with `unresolved: true`");
        }
    }
}

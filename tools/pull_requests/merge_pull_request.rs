use std::fmt::Write as _;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::absent;
use super::arguments::{ExpectedHead, same_commit};
use super::shape::{bare, count, path, person, short};
use crate::bitbucket::{
    self, Build, MergeOptions, MergeTask, Mergeability, Merging, Participant, PullRequest,
    Repository, RepositoryId, State, Task,
};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::params::{Number, RepositoryArgument, WorkspaceArgument};
use crate::{Error, Result};

/// How many builds and tasks are read.
const MOST: usize = 100;
/// How long Bitbucket's own merge checks are waited for.
const PATIENCE: Duration = Duration::from_secs(8);
/// The waits between looks at a merge that goes on; the last one repeats.
const WAITS: &[Duration] = &[
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// What is kept of the call's time to say how it ended.
const RESERVE: Duration = Duration::from_secs(4);
/// How often the pull request is looked at after a merge that Bitbucket did not confirm.
const LOOKS: usize = 3;

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
    #[schemars(length(min = 1, max = 32_768))]
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Ignored {
    Builds,
    Tasks,
    ChangesRequested,
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
    closes_source_branch: bool,
    /// What was checked before.
    checks: Checks,
    /// Whether Bitbucket did not confirm it, so that it was read off the pull request.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unconfirmed: bool,
}

/// What was looked at before the merge.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Checks {
    /// Builds that went well.
    builds_successful: usize,
    /// Builds that did not, or not yet.
    builds_not_successful: usize,
    /// Tasks still to be done.
    tasks_open: usize,
    /// Who approved.
    approved_by: Vec<Foreign>,
    /// Who asked for changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes_requested_by: Vec<Foreign>,
    /// Whether Bitbucket's own checks answered.
    bitbucket_checks: bool,
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
        before.check(&self)?;
        let pull_request = &before.pull_request;
        let strategy = self.strategy(pull_request)?;
        let close = self.close_source_branch.unwrap_or(pull_request.close_source_branch);
        let options = MergeOptions::new(strategy.clone(), self.message.clone(), close);
        let merge = Merge { cx, repository: &repository, number, before: &before };
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
            closes_source_branch: close,
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

    fn ignores(&self, what: Ignored) -> bool {
        self.ignore.contains(&what)
    }
}

/// The pull request before the merge, and what stands for and against it.
struct Before {
    pull_request: PullRequest,
    builds: Vec<Build>,
    tasks: Vec<Task>,
    mergeability: Option<Mergeability>,
}

impl Before {
    async fn read(repository: &Repository<'_>, id: &RepositoryId, number: u32) -> Result<Self> {
        let reading = async {
            tokio::try_join!(
                repository.get_pull_request(number),
                repository.list_builds(number, MOST),
                repository.list_tasks(number, MOST),
                async {
                    // Fails more often than the others; Bitbucket then decides at the merge itself.
                    let checks = tokio::time::timeout(PATIENCE, repository.mergeability(number));
                    Ok(checks.await.ok().and_then(std::result::Result::ok))
                },
            )
        };
        let (pull_request, builds, tasks, mergeability) =
            reading.await.map_err(|error| absent::pull_request(error, id, number))?;
        Ok(Self { pull_request, builds: builds.values, tasks: tasks.values, mergeability })
    }

    /// All that stands against the merge, at once.
    fn check(&self, call: &MergePullRequest) -> Result<()> {
        let pull_request = &self.pull_request;
        let number = pull_request.id;
        if pull_request.state != State::Open {
            let commit = pull_request.merged_as().map(short);
            let commit = commit.map(|commit| format!(" as {commit}")).unwrap_or_default();
            return Err(Error::conflict(
                format!("#{number} is already {}{commit}", pull_request.state.word()),
                "nothing was sent; there is nothing left to merge",
            ));
        }
        if let Some(head) = &call.expected_head {
            head.check(pull_request)?;
        }
        let mut against = Vec::new();
        if pull_request.draft {
            against.push("it is a draft".to_owned());
        }
        if !call.ignores(Ignored::Builds) {
            against.extend(self.bad_builds().map(|build| {
                let name = if build.name.is_empty() { &build.key } else { &build.name };
                let state = match build.state.as_str() {
                    "INPROGRESS" => "is in progress",
                    "FAILED" => "failed",
                    "STOPPED" => "was stopped",
                    _ => "is in an unknown state",
                };
                format!("build {} {state}", Foreign::line(name, 80).quoted())
            }));
        }
        let open = self.open_tasks();
        if open > 0 && !call.ignores(Ignored::Tasks) {
            against.push(format!("{} open", count(open as u64, "task")));
        }
        if !call.ignores(Ignored::ChangesRequested) {
            against.extend(
                self.people(Participant::wants_changes)
                    .map(|name| format!("{} requested changes", bare(&name))),
            );
        }
        let checks = self.mergeability.iter().flat_map(|checks| &checks.values);
        let has_own = !against.is_empty();
        against.extend(
            checks
                .filter(|check| {
                    check.blocks() && !(has_own && check.kind == "pullrequest_state_check")
                })
                .map(|check| format!("Bitbucket's check: {}", check.why().quoted())),
        );
        if against.is_empty() {
            return Ok(());
        }
        Err(Error::refused(
            format!("#{number} is not ready: {}", against.join("; ")),
            "nothing was sent; `ignore` skips builds, tasks or changes_requested if the user says so",
        ))
    }

    fn checks(&self) -> Checks {
        let bad = self.bad_builds().count();
        Checks {
            builds_successful: self.builds.len() - bad,
            builds_not_successful: bad,
            tasks_open: self.open_tasks(),
            approved_by: self.people(Participant::approves).collect(),
            changes_requested_by: self.people(Participant::wants_changes).collect(),
            bitbucket_checks: self.mergeability.is_some(),
        }
    }

    fn bad_builds(&self) -> impl Iterator<Item = &Build> {
        self.builds.iter().filter(|build| build.state != "SUCCESSFUL")
    }

    fn open_tasks(&self) -> usize {
        self.tasks.iter().filter(|task| task.is_open()).count()
    }

    fn people(&self, those: fn(&Participant) -> bool) -> impl Iterator<Item = Foreign> {
        self.pull_request
            .participants
            .iter()
            .filter(move |participant| those(participant))
            .map(|participant| person(&participant.user))
    }
}

/// A merge that is about to be sent, once.
struct Merge<'m> {
    cx: &'m Context,
    repository: &'m Repository<'m>,
    number: u32,
    before: &'m Before,
}

impl Merge<'_> {
    /// The pull request after the merge, and whether that is only what it looks like.
    async fn carry_out(&self, options: &MergeOptions) -> Result<(Box<PullRequest>, bool)> {
        match self.repository.merge_pull_request(self.number, options).await {
            Ok(Merging::Done(after)) => Ok((self.whole(after).await, false)),
            Ok(Merging::Going(Some(task))) => self.wait_for(&task).await,
            Ok(Merging::Going(None)) => self.look().await,
            Err(bitbucket::Error::Status { status: 409, .. }) => Err(self.moved().await),
            Err(error) if error.leaves_outcome_open() => self.look().await,
            Err(error) => Err(error.into()),
        }
    }

    /// The answer to a merge, or what the pull request says where the answer leaves the commit out.
    async fn whole(&self, after: Box<PullRequest>) -> Box<PullRequest> {
        if after.merged_as().is_some() && after.head().is_some() {
            return after;
        }
        self.repository.get_pull_request(self.number).await.map_or(after, Box::new)
    }

    /// Looks at a merge that goes on until it ends. Bitbucket calls a task that it does not know
    /// pending, so the end of the call's time is an end too.
    async fn wait_for(&self, task: &MergeTask) -> Result<(Box<PullRequest>, bool)> {
        for round in 0.. {
            let wait = WAITS.get(round).or(WAITS.last()).copied().unwrap_or(RESERVE);
            if self.cx.time_left() < wait + RESERVE {
                break;
            }
            self.cx.progress(
                u32::try_from(round + 1).unwrap_or(u32::MAX),
                None,
                "Bitbucket is merging",
            );
            self.cx.pause(wait).await?;
            match self.repository.merge_task(self.number, task).await {
                Ok(Merging::Done(after)) => return Ok((self.whole(after).await, false)),
                Ok(Merging::Going(_)) => {}
                Err(bitbucket::Error::Status { status: 409, .. }) => {
                    return Err(self.moved().await);
                }
                Err(error @ bitbucket::Error::Cancelled) => return Err(error.into()),
                // The merge itself failed; all else is a failure to ask.
                Err(error @ bitbucket::Error::Status { status: 400, .. }) => {
                    return Err(error.into());
                }
                Err(error) if error.leaves_outcome_open() => {}
                Err(_) => break,
            }
        }
        self.look().await
    }

    /// What became of a merge that Bitbucket did not confirm: it is never sent again.
    async fn look(&self) -> Result<(Box<PullRequest>, bool)> {
        for round in 0..LOOKS {
            if let Ok(after) = self.repository.get_pull_request(self.number).await
                && after.state == State::Merged
            {
                return Ok((Box::new(after), true));
            }
            let wait = WAITS.get(round).copied().unwrap_or(RESERVE);
            if self.cx.time_left() < wait + RESERVE {
                break;
            }
            self.cx.pause(wait).await?;
        }
        Err(Error::TimedOut {
            says: format!(
                "Bitbucket did not confirm the merge of #{}, which is still open; it may yet go through",
                self.number
            ),
            hint: "look with `get_pull_request` in a minute; merge again only if it is still open then"
                .to_owned(),
        })
    }

    /// Says what moved while the merge was on its way.
    async fn moved(&self) -> Error {
        let before = &self.before.pull_request;
        let now = self.repository.get_pull_request(self.number).await.ok();
        let moved = |what: &str, then: Option<&str>, now: Option<&str>| match (then, now) {
            (Some(then), Some(now)) if !same_commit(then, now) => {
                Some(format!("{what} moved from {} to {}", short(then), short(now)))
            }
            _ => None,
        };
        let mut what: Vec<String> = Vec::new();
        if let Some(now) = &now {
            let (source, destination) =
                (&before.source.branch.name, &before.destination.branch.name);
            what.extend(moved(&bare(&path(source)), before.head(), now.head()));
            what.extend(moved(&bare(&path(destination)), before.base(), now.base()));
            if now.state != State::Open {
                what.push(format!("it is {} now", now.state.word()));
            }
        }
        let what = if what.is_empty() { "a branch moved".to_owned() } else { what.join(", ") };
        Error::conflict(
            format!("#{} was not merged: {what} during the merge", self.number),
            "read it again with `get_pull_request`; merge again if it is still as the user wants it",
        )
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

impl Ignored {
    fn words(self) -> &'static str {
        match self {
            Self::Builds => "builds",
            Self::Tasks => "open tasks",
            Self::ChangesRequested => "requested changes",
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
        let _ = write!(text, "; builds {} ok", checks.builds_successful);
        if checks.builds_not_successful > 0 {
            let _ = write!(text, " {} not", checks.builds_not_successful);
        }
        let _ = write!(text, ", {}", count(checks.tasks_open as u64, "open task"));
        let names = |names: &[Foreign]| names.iter().map(bare).collect::<Vec<_>>().join(" ");
        if !checks.approved_by.is_empty() {
            let _ = write!(text, ", approved by {}", names(&checks.approved_by));
        }
        if !checks.changes_requested_by.is_empty() {
            let _ = write!(text, ", changes requested by {}", names(&checks.changes_requested_by));
        }
        if !checks.bitbucket_checks {
            text.push_str(", Bitbucket's checks unknown");
        }
        if self.closes_source_branch {
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

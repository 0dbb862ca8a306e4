//! Whether a pull request is ready to be merged.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::absent;
use super::arguments::ExpectedHead;
use super::shape::{bare, count, person, short};
use crate::bitbucket::{
    Build, Mergeability, Participant, PullRequest, Repository, RepositoryId, State, Task,
};
use crate::text::Foreign;
use crate::{Error, Result};

/// How many builds and tasks are read.
const MOST: usize = 500;
/// How long Bitbucket's own merge checks are waited for.
const PATIENCE: Duration = Duration::from_secs(8);

/// The pull request before the merge, and what stands for and against it.
pub(super) struct Before {
    pub(super) pull_request: PullRequest,
    builds: Option<Vec<Build>>,
    tasks: Option<Vec<Task>>,
    mergeability: Option<Mergeability>,
}

impl Before {
    /// Reads all of it at once.
    pub(super) async fn read(
        repository: &Repository<'_>,
        id: &RepositoryId,
        number: u32,
    ) -> Result<Self> {
        let reading = async {
            tokio::try_join!(
                repository.get_pull_request(number),
                async { absent::part(repository.list_builds(number, MOST).await) },
                async { absent::part(repository.list_tasks(number, MOST).await) },
                async {
                    // Fails more often than the others; Bitbucket then decides at the merge itself.
                    let checks = tokio::time::timeout(PATIENCE, repository.mergeability(number));
                    Ok(checks.await.ok().and_then(std::result::Result::ok))
                },
            )
        };
        let (pull_request, builds, tasks, mergeability) =
            reading.await.map_err(|error| absent::pull_request(error, id, number))?;
        Ok(Self {
            pull_request,
            builds: builds.map(|page| page.values),
            tasks: tasks.map(|page| page.values),
            mergeability,
        })
    }

    /// All that stands against the merge, at once.
    pub(super) fn check(
        &self,
        expected_head: Option<&ExpectedHead>,
        ignore: &[Ignored],
    ) -> Result<()> {
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
        if let Some(head) = expected_head {
            head.check(pull_request)?;
        }
        let mut against = Vec::new();
        // What could not be looked at does not count as good.
        for (ignored, is_missing, what) in [
            (Ignored::Builds, self.builds.is_none(), "builds"),
            (Ignored::Tasks, self.tasks.is_none(), "tasks"),
        ] {
            if is_missing && !ignore.contains(&ignored) {
                against.push(format!("its {what} could not be read"));
            }
        }
        if pull_request.draft {
            against.push("it is a draft".to_owned());
        }
        if !ignore.contains(&Ignored::Builds) {
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
        if open > 0 && !ignore.contains(&Ignored::Tasks) {
            against.push(format!("{} open", count(open as u64, "task")));
        }
        if !ignore.contains(&Ignored::ChangesRequested) {
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

    /// What the answer says of it.
    pub(super) fn checks(&self) -> Checks {
        let bad = self.bad_builds().count();
        Checks {
            builds_ok: self.builds.iter().flatten().count() - bad,
            builds_not_ok: bad,
            tasks_open: self.open_tasks(),
            approved_by: self.people(Participant::approves).collect(),
            changes_requested_by: self.people(Participant::wants_changes).collect(),
            bitbucket_unknown: self.mergeability.is_none(),
        }
    }

    fn bad_builds(&self) -> impl Iterator<Item = &Build> {
        self.builds.iter().flatten().filter(|build| build.state != "SUCCESSFUL")
    }

    fn open_tasks(&self) -> usize {
        self.tasks.iter().flatten().filter(|task| task.is_open()).count()
    }

    fn people(&self, those: fn(&Participant) -> bool) -> impl Iterator<Item = Foreign> {
        self.pull_request
            .participants
            .iter()
            .filter(move |participant| those(participant))
            .map(|participant| person(&participant.user))
    }
}

// What may stand against a merge that is wanted all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum Ignored {
    Builds,
    Tasks,
    ChangesRequested,
}

/// What was looked at before the merge.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Checks {
    /// Builds that went well.
    pub(super) builds_ok: usize,
    /// Builds that did not, or not yet.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) builds_not_ok: usize,
    /// Tasks still to be done.
    pub(super) tasks_open: usize,
    /// Who approved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) approved_by: Vec<Foreign>,
    /// Who asked for changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) changes_requested_by: Vec<Foreign>,
    /// Whether Bitbucket's own checks did not answer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) bitbucket_unknown: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Ignored {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Builds => "builds",
            Self::Tasks => "open tasks",
            Self::ChangesRequested => "requested changes",
        }
    }
}

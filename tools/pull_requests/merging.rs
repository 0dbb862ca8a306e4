//! Sends a merge, once, and finds out how it ended.

use std::time::Duration;

use super::arguments::same_commit;
use super::shape::{bare, path, short};
use crate::bitbucket::{self, MergeOptions, MergeTask, Merging, PullRequest, Repository, State};
use crate::tool::Context;
use crate::{Error, Result};

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

/// A merge that is about to be sent, once.
pub(super) struct Merge<'m> {
    pub(super) cx: &'m Context,
    pub(super) repository: &'m Repository<'m>,
    pub(super) number: u32,
    pub(super) before: &'m PullRequest,
}

impl Merge<'_> {
    /// The pull request after the merge, and whether that is only what it looks like.
    pub(super) async fn carry_out(
        &self,
        options: &MergeOptions,
    ) -> Result<(Box<PullRequest>, bool)> {
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
        let before = self.before;
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

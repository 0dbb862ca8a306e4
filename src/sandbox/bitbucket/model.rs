//! What a pull request is made of, as the sandbox keeps it.

use std::time::Instant;

use jiff::Timestamp;

use crate::sandbox::people::Person;

/// What somebody may do in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Permission {
    Read,
    Write,
    Admin,
}

/// Where a pull request is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Open,
    Merged,
    Declined,
}

/// How Bitbucket behaves when this pull request is merged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum MergeHabit {
    /// At once.
    #[default]
    Quick,
    /// The answer is 202 even to a caller who wanted to wait.
    Slow,
    /// The answer is 555, and the merge happens nevertheless.
    TimesOut,
    /// The destination moves during the first attempt, which therefore ends in 409.
    Races,
}

#[derive(Clone, Debug)]
pub(crate) struct PullRequest {
    pub(crate) id: u64,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) state: State,
    pub(crate) draft: bool,
    pub(crate) author: &'static Person,
    pub(crate) source: End,
    pub(crate) destination: End,
    pub(crate) reviewers: Vec<&'static Person>,
    pub(crate) participants: Vec<Participant>,
    pub(crate) close_source_branch: bool,
    pub(crate) created_on: Timestamp,
    pub(crate) updated_on: Timestamp,
    pub(crate) closed_on: Option<Timestamp>,
    pub(crate) closed_by: Option<&'static Person>,
    pub(crate) reason: String,
    pub(crate) merge_commit: Option<String>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) merge_habit: MergeHabit,
    pub(crate) merges: Vec<MergeTask>,
}

/// One side of a pull request.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) branch: String,
    /// The commit it stood at when the pull request was closed; an open one follows its branch.
    pub(crate) closed_at: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Participant {
    pub(crate) person: &'static Person,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) participated_on: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Approved,
    ChangesRequested,
}

#[derive(Clone, Debug)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) author: &'static Person,
    pub(crate) raw: String,
    pub(crate) created_on: Timestamp,
    pub(crate) updated_on: Timestamp,
    pub(crate) inline: Option<Inline>,
    pub(crate) parent: Option<u64>,
    pub(crate) resolution: Option<(&'static Person, Timestamp)>,
    /// Seen by its author only, until the review is published.
    pub(crate) pending: bool,
    pub(crate) deleted: bool,
}

/// Where in the diff a comment stands. Bitbucket does not check that there is such a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inline {
    pub(crate) path: String,
    pub(crate) from: Option<u64>,
    pub(crate) to: Option<u64>,
    pub(crate) start_from: Option<u64>,
    pub(crate) start_to: Option<u64>,
    pub(crate) outdated: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: u64,
    pub(crate) creator: &'static Person,
    pub(crate) raw: String,
    pub(crate) created_on: Timestamp,
    pub(crate) updated_on: Timestamp,
    pub(crate) comment: Option<u64>,
    pub(crate) resolved: Option<(&'static Person, Timestamp)>,
}

/// What a build says about one commit.
#[derive(Clone, Debug)]
pub(crate) struct BuildStatus {
    pub(crate) commit: String,
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) state: String,
    pub(crate) url: String,
    pub(crate) refname: Option<String>,
    pub(crate) created_on: Timestamp,
    pub(crate) updated_on: Timestamp,
}

/// A merge that goes on after its request was answered with 202.
#[derive(Clone, Debug)]
pub(crate) struct MergeTask {
    pub(crate) id: String,
    pub(crate) person: &'static Person,
    pub(crate) wish: MergeWish,
    pub(crate) asked_at: Instant,
    /// How often somebody has looked at it.
    pub(crate) polls: u32,
    pub(crate) done: bool,
    /// Why it failed, once it has.
    pub(crate) failure: Option<(u16, String)>,
}

/// What a merge request asks for.
#[derive(Clone, Debug)]
pub(crate) struct MergeWish {
    pub(crate) message: Option<String>,
    pub(crate) strategy: String,
    pub(crate) close_source_branch: Option<bool>,
}

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Merged => "MERGED",
            Self::Declined => "DECLINED",
        }
    }
}

impl PullRequest {
    /// Notes that somebody took part, and with which verdict if they gave or withdrew one.
    pub(crate) fn take_part(
        &mut self,
        person: &'static Person,
        when: Timestamp,
        verdict: Option<Option<Verdict>>,
    ) {
        self.updated_on = self.updated_on.max(when);
        let known = self.participants.iter_mut().find(|one| one.person == person);
        match known {
            Some(participant) => {
                participant.participated_on = participant.participated_on.max(Some(when));
                if let Some(verdict) = verdict {
                    participant.verdict = verdict;
                }
            }
            None => self.participants.push(Participant {
                person,
                verdict: verdict.flatten(),
                participated_on: Some(when),
            }),
        }
    }

    pub(crate) fn is_reviewer(&self, person: &Person) -> bool {
        self.reviewers.contains(&person)
    }

    /// The comment with this id, unless it is somebody else's draft.
    pub(crate) fn comment_index(&self, id: &str, reader: &Person) -> Option<usize> {
        let id: u64 = id.parse().ok()?;
        self.comments.iter().position(|comment| comment.id == id && comment.is_for(reader))
    }
}

impl Comment {
    pub(crate) fn is_for(&self, reader: &Person) -> bool {
        !self.pending || self.author == reader
    }
}

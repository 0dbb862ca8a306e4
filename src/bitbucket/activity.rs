//! What happened to a pull request.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::comments::Comment;
use super::wire::{User, null_as_default, time};
use super::{Error, Page, Repository, Resume};

/// The most events on a page. More may work, but 50 is known to elsewhere in pull requests.
const PAGE: u32 = 50;

const FIELDS: &str = "next,\
    values.comment.id,values.comment.content.raw,values.comment.created_on,\
    values.comment.user.uuid,values.comment.user.nickname,values.comment.user.display_name,\
    values.comment.inline.path,values.comment.inline.from,values.comment.inline.to,\
    values.comment.parent.id,values.comment.deleted,values.comment.pending,\
    values.update.state,values.update.title,values.update.date,values.update.reason,\
    values.update.changes,values.update.source.commit.hash,values.update.destination.branch.name,\
    values.update.author.uuid,values.update.author.nickname,values.update.author.display_name,\
    values.approval.date,values.approval.user.uuid,values.approval.user.nickname,\
    values.approval.user.display_name,\
    values.changes_requested.date,values.changes_requested.user.uuid,\
    values.changes_requested.user.nickname,values.changes_requested.user.display_name";

/// One event: which of the members is there says of which kind.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Activity {
    pub(crate) comment: Option<Comment>,
    pub(crate) update: Option<Update>,
    pub(crate) approval: Option<Vote>,
    pub(crate) changes_requested: Option<Vote>,
}

/// How the pull request was after somebody changed it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Update {
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) state: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) title: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) reason: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) author: User,
    #[serde(deserialize_with = "time")]
    pub(crate) date: Option<Timestamp>,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) changes: Changes,
    #[serde(deserialize_with = "null_as_default")]
    source: Source,
    #[serde(deserialize_with = "null_as_default")]
    destination: Destination,
}

/// What an update says that it changed. It may say nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Changes {
    pub(crate) title: Option<IgnoredAny>,
    pub(crate) description: Option<IgnoredAny>,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) reviewers: Reviewers,
}

/// Who was asked for a review, and who is no longer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Reviewers {
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) added: Vec<User>,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) removed: Vec<User>,
}

/// Somebody's approval, or that they asked for changes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Vote {
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) user: User,
    #[serde(deserialize_with = "time")]
    pub(crate) date: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Source {
    #[serde(deserialize_with = "null_as_default")]
    commit: Hash,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Hash {
    hash: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Destination {
    #[serde(deserialize_with = "null_as_default")]
    branch: Name,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Name {
    name: Option<String>,
}

impl Update {
    /// The commit that the source branch was at.
    pub(crate) fn head(&self) -> Option<&str> {
        self.source.commit.hash.as_deref()
    }

    /// The branch that it was to be merged into.
    pub(crate) fn destination_branch(&self) -> Option<&str> {
        self.destination.branch.name.as_deref()
    }
}

impl Repository<'_> {
    /// `GET pullrequests/{number}/activity`, the newest first.
    pub(crate) async fn pull_request_activity(
        &self,
        number: u32,
        limit: usize,
        resume: Option<&Resume>,
    ) -> Result<Page<Activity>, Error> {
        let path = self.pull_request(number).fixed("activity");
        self.client().get(path).fields(FIELDS).page(PAGE, limit, resume).await
    }
}

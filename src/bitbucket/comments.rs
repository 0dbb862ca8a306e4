//! Comments and tasks of a pull request.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::wire::{User, null_as_default, time};
use super::{Error, Page, Repository};

/// The most comments or tasks on a page. More may work, but 50 is known to.
const PAGE: u32 = 50;

const COMMENT_FIELDS: &str = "next,size,values.id,values.content.raw,values.created_on,\
    values.user.uuid,values.user.nickname,values.user.display_name,\
    values.inline.path,values.inline.from,values.inline.to,values.inline.start_from,\
    values.inline.start_to,values.inline.outdated,values.parent.id,\
    values.resolution.type,values.resolution.created_on,\
    values.resolution.user.nickname,values.resolution.user.display_name,\
    values.deleted,values.pending";

const ONE_COMMENT: &str = "id,content.raw,user.uuid,user.nickname,user.display_name,\
    inline.path,inline.from,inline.to,parent.id,deleted,pending";

const TASK_FIELDS: &str = "next,size,values.id,values.content.raw,values.state,\
    values.creator.uuid,values.creator.nickname,values.creator.display_name,values.comment.id";

/// The state of a task that is done.
const RESOLVED: &str = "RESOLVED";

/// A comment. The list is flat: a reply names its parent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) content: RawText,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) user: User,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) inline: Inline,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) parent: Reference,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) resolution: Resolution,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) deleted: bool,
    /// Not published yet: only its author sees it.
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) pending: bool,
    #[serde(deserialize_with = "time")]
    pub(crate) created_on: Option<Timestamp>,
}

/// What somebody wrote, as they typed it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct RawText {
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) raw: String,
}

/// Where a comment stands: `to` counts in the new file, `from` in the old one.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Inline {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) start_from: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) start_to: Option<u32>,
    #[serde(skip_serializing, deserialize_with = "null_as_default")]
    pub(crate) outdated: bool,
}

/// Another comment.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Reference {
    pub(crate) id: Option<u64>,
}

/// Who resolved a thread. An open one has none of the parts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Resolution {
    #[serde(rename = "type")]
    kind: Option<String>,
    pub(crate) user: Option<User>,
    #[serde(deserialize_with = "time")]
    created_on: Option<Timestamp>,
}

/// A comment to be posted.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewComment {
    pub(crate) content: RawText,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) inline: Option<Inline>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<Reference>,
}

/// A task.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Task {
    pub(crate) id: u64,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) content: RawText,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) state: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) creator: User,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) comment: Reference,
}

/// A task to be added.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewTask {
    pub(crate) content: RawText,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<Reference>,
}

#[derive(Serialize)]
struct Change {
    content: RawText,
}

#[derive(Serialize)]
struct TaskState {
    state: &'static str,
}

impl Repository<'_> {
    /// `GET pullrequests/{number}/comments`: all of them, oldest first, at most so many.
    pub(crate) async fn list_comments(
        &self,
        number: u32,
        at_most: usize,
    ) -> Result<Page<Comment>, Error> {
        let path = self.pull_request(number).fixed("comments");
        self.client().get(path).fields(COMMENT_FIELDS).all(PAGE, at_most).await
    }

    /// `POST pullrequests/{number}/comments`. Bitbucket does not check that the place exists.
    pub(crate) async fn add_comment(
        &self,
        number: u32,
        comment: &NewComment,
    ) -> Result<Comment, Error> {
        let path = self.pull_request(number).fixed("comments");
        self.client().post(path).json_body(comment).json().await
    }

    /// `POST pullrequests/{number}/comments/{comment}/resolve`
    pub(crate) async fn resolve_comment(&self, number: u32, comment: u64) -> Result<(), Error> {
        self.client().post(self.resolution(number, comment)).empty().await
    }

    /// `DELETE pullrequests/{number}/comments/{comment}/resolve`
    pub(crate) async fn reopen_comment(&self, number: u32, comment: u64) -> Result<(), Error> {
        self.client().delete(self.resolution(number, comment)).empty().await
    }

    /// `GET pullrequests/{number}/tasks`
    pub(crate) async fn list_tasks(
        &self,
        number: u32,
        at_most: usize,
    ) -> Result<Page<Task>, Error> {
        let path = self.pull_request(number).fixed("tasks");
        self.client().get(path).fields(TASK_FIELDS).all(PAGE, at_most).await
    }

    /// `POST pullrequests/{number}/tasks`
    pub(crate) async fn add_task(&self, number: u32, task: &NewTask) -> Result<Task, Error> {
        let path = self.pull_request(number).fixed("tasks");
        self.client().post(path).json_body(task).json().await
    }

    /// `GET pullrequests/{number}/comments/{comment}`
    pub(crate) async fn comment(&self, number: u32, comment: u64) -> Result<Comment, Error> {
        self.client().get(self.one_comment(number, comment)).fields(ONE_COMMENT).json().await
    }

    /// `PUT pullrequests/{number}/comments/{comment}`
    pub(crate) async fn change_comment(
        &self,
        number: u32,
        comment: u64,
        text: &str,
    ) -> Result<Comment, Error> {
        let body = Change { content: RawText { raw: text.to_owned() } };
        let call = self.client().put(self.one_comment(number, comment)).fields(ONE_COMMENT);
        call.json_body(&body).json().await
    }

    /// `DELETE pullrequests/{number}/comments/{comment}`
    pub(crate) async fn delete_comment(&self, number: u32, comment: u64) -> Result<(), Error> {
        self.client().delete(self.one_comment(number, comment)).empty().await
    }

    /// `PUT pullrequests/{number}/tasks/{task}`
    pub(crate) async fn set_task(
        &self,
        number: u32,
        task: u64,
        is_done: bool,
    ) -> Result<Task, Error> {
        let path = self.pull_request(number).fixed("tasks").segment(&task.to_string());
        let state = if is_done { RESOLVED } else { "UNRESOLVED" };
        self.client().put(path).json_body(&TaskState { state }).json().await
    }

    fn one_comment(&self, number: u32, comment: u64) -> super::Path {
        self.pull_request(number).fixed("comments").segment(&comment.to_string())
    }

    fn resolution(&self, number: u32, comment: u64) -> super::Path {
        self.one_comment(number, comment).fixed("resolve")
    }
}

impl Comment {
    /// Whether its thread is done with. Only a thread's first comment can say so.
    pub(crate) fn is_resolved(&self) -> bool {
        let resolution = &self.resolution;
        resolution.kind.is_some() || resolution.user.is_some() || resolution.created_on.is_some()
    }
}

impl Task {
    /// Whether it is still to be done.
    pub(crate) fn is_open(&self) -> bool {
        self.state != RESOLVED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_an_open_thread_from_a_resolved_one_in_every_form_bitbucket_uses() {
        for (resolution, resolved) in [
            ("null", false),
            ("{}", false),
            (r#"{"type": "comment_resolution"}"#, true),
            (r#"{"user": {"nickname": "ana"}, "created_on": null}"#, true),
        ] {
            let sent = format!(r#"{{"id": 1, "inline": null, "resolution": {resolution}}}"#);
            let read: Comment = serde_json::from_str(&sent).unwrap();
            assert_eq!(read.is_resolved(), resolved, "{resolution}");
        }
    }
}

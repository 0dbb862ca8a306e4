//! Pull requests: what they are, what they change, and what a reviewer says to them.
//!
//! <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/>

use jiff::Timestamp;
use serde::Deserialize;

use super::call::WEB_PAGE;
use super::wire::{User, null_as_default, time};
use super::{Bytes, Call, Error, Page, Path, Repository, Resume};

/// The most pull requests on a page; 100 is answered with 400.
pub(super) const PAGE: u32 = 50;
/// The most changed files on a page. More may work, but 50 is known to.
pub(super) const FILES_PAGE: u32 = 50;

pub(super) const LIST_FIELDS: &str = "next,size,values.id,values.title,values.state,values.draft,\
    values.author.uuid,values.author.nickname,values.author.display_name,\
    values.source.branch.name,values.source.repository.full_name,\
    values.destination.branch.name,values.destination.repository.full_name,\
    values.comment_count,values.task_count,values.created_on,values.updated_on";

pub(super) const GET_FIELDS: &str = "id,title,description,state,draft,comment_count,task_count,\
    close_source_branch,created_on,updated_on,reason,merge_commit.hash,\
    author.uuid,author.nickname,author.display_name,\
    closed_by.uuid,closed_by.nickname,closed_by.display_name,\
    source.branch.name,source.commit.hash,source.repository.full_name,\
    destination.branch.name,destination.branch.merge_strategies,\
    destination.branch.default_merge_strategy,destination.commit.hash,\
    destination.repository.full_name,\
    reviewers.uuid,reviewers.nickname,reviewers.display_name,\
    participants.user.uuid,participants.user.nickname,participants.user.display_name,\
    participants.role,participants.state,participants.approved";

/// [`LIST_FIELDS`], and what everybody said.
const REVIEW_FIELDS: &str = "next,size,values.id,values.title,values.state,values.draft,\
    values.author.uuid,values.author.nickname,values.author.display_name,\
    values.source.branch.name,values.source.repository.full_name,\
    values.destination.branch.name,values.destination.repository.full_name,\
    values.comment_count,values.task_count,values.created_on,values.updated_on,\
    values.participants.user.uuid,values.participants.state,values.participants.approved";

pub(super) const FILE_FIELDS: &str = "next,size,values.status,values.lines_added,values.lines_removed,\
    values.old.path,values.new.path";

/// A pull request, as far as Bitbucket was asked for it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PullRequest {
    pub(crate) id: u32,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) title: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) description: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) state: State,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) draft: bool,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) author: User,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) source: End,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) destination: End,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) reviewers: Vec<User>,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) participants: Vec<Participant>,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) comment_count: u64,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) task_count: u64,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) close_source_branch: bool,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) merge_commit: Hash,
    pub(crate) closed_by: Option<User>,
    /// Why it was declined.
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) reason: String,
    #[serde(deserialize_with = "time")]
    pub(crate) created_on: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(crate) updated_on: Option<Timestamp>,
}

/// Where a pull request is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum State {
    Open,
    Merged,
    Declined,
    Superseded,
    #[default]
    #[serde(other)]
    Unknown,
}

/// One side of a pull request. A deleted fork has no repository, a deleted branch no commit.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct End {
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) branch: Branch,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) commit: Hash,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) repository: FullName,
}

/// The branch on one side.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Branch {
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) name: String,
    /// Only the destination has them.
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) merge_strategies: Vec<String>,
    pub(crate) default_merge_strategy: Option<String>,
}

/// A commit's hash, often its first twelve digits.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Hash {
    pub(crate) hash: Option<String>,
}

/// A repository's name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FullName {
    pub(crate) full_name: Option<String>,
}

/// Somebody who took part, and what they said last.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Participant {
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) user: User,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) role: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) approved: bool,
    /// `approved`, `changes_requested` or nothing.
    pub(crate) state: Option<String>,
}

/// What happened to one file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FileChange {
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) status: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) lines_added: u64,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) lines_removed: u64,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) old: FileName,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) new: FileName,
}

/// Where a file is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FileName {
    pub(crate) path: Option<String>,
}

/// Which pull requests to list.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    /// One, or all four: without any, only open ones come.
    pub(crate) states: Vec<&'static str>,
    /// Further conditions in Bitbucket's query language.
    pub(crate) conditions: Vec<String>,
    pub(crate) sort: &'static str,
}

/// What a reviewer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Approve,
    Unapprove,
    RequestChanges,
    WithdrawChanges,
}

impl Repository<'_> {
    /// `GET pullrequests`
    pub(crate) async fn list_pull_requests(
        &self,
        filter: &Filter,
        limit: usize,
        resume: Option<&Resume>,
    ) -> Result<Page<PullRequest>, Error> {
        let path = self.path().fixed("pullrequests");
        let call = self.client().get(path).fields(LIST_FIELDS).query("sort", filter.sort);
        filter.apply(call).page(PAGE, limit, resume).await
    }

    /// `GET pullrequests`: the open ones that somebody is to review, with what everybody said so far;
    /// the most recently changed first.
    pub(crate) async fn pull_requests_to_review(
        &self,
        reviewer: &str,
        at_most: usize,
    ) -> Result<Page<PullRequest>, Error> {
        let filter = Filter {
            states: vec!["OPEN"],
            conditions: vec![format!("reviewers.uuid = {}", literal(reviewer))],
            sort: "-updated_on",
        };
        let call = self.client().get(self.path().fixed("pullrequests"));
        let call = call.fields(REVIEW_FIELDS).query("sort", filter.sort);
        filter.apply(call).all(PAGE, at_most).await
    }

    /// `GET pullrequests/{number}`
    pub(crate) async fn get_pull_request(&self, number: u32) -> Result<PullRequest, Error> {
        self.client().get(self.pull_request(number)).fields(GET_FIELDS).json().await
    }

    /// `GET pullrequests/{number}/diffstat`: the changed files, at most so many.
    pub(crate) async fn pull_request_files(
        &self,
        number: u32,
        at_most: usize,
    ) -> Result<Page<FileChange>, Error> {
        let path = self.pull_request(number).fixed("diffstat");
        self.client().get(path).fields(FILE_FIELDS).slow().all(FILES_PAGE, at_most).await
    }

    /// `GET pullrequests/{number}/diff`: the diff of the files at `paths`, or of all if there is
    /// none, with so many lines around each change; at most `limit` bytes of it.
    pub(crate) async fn pull_request_diff(
        &self,
        number: u32,
        paths: &[String],
        context: Option<u32>,
        limit: usize,
    ) -> Result<Bytes, Error> {
        let path = self.pull_request(number).fixed("diff");
        let call = self.client().get(path).queries(paths.iter().map(|path| ("path", path)));
        let call = call.queries(context.map(|lines| ("context", lines))).slow();
        let diff = call.bytes(limit).await?;
        let kind = diff.content_type.as_deref().unwrap_or_default().to_ascii_lowercase();
        if kind.starts_with("text/html") { Err(Error::unreadable(WEB_PAGE)) } else { Ok(diff) }
    }

    /// `POST` or `DELETE pullrequests/{number}/approve` and `…/request-changes`
    pub(crate) async fn review(&self, number: u32, verdict: Verdict) -> Result<(), Error> {
        let path = self.pull_request(number);
        let client = self.client();
        match verdict {
            Verdict::Approve => client.post(path.fixed("approve")),
            Verdict::Unapprove => client.delete(path.fixed("approve")),
            Verdict::RequestChanges => client.post(path.fixed("request-changes")),
            Verdict::WithdrawChanges => client.delete(path.fixed("request-changes")),
        }
        .empty()
        .await
    }

    /// `pullrequests/{number}`
    pub(super) fn pull_request(&self, number: u32) -> Path {
        self.path().fixed("pullrequests").segment(&number.to_string())
    }
}

impl Filter {
    /// Bitbucket does not look at `state` as soon as there is a `q`, so the states move into it.
    fn apply<'a>(&self, call: Call<'a>) -> Call<'a> {
        if self.conditions.is_empty() {
            return call.queries(self.states.iter().map(|state| ("state", state)));
        }
        let mut conditions = self.conditions.clone();
        if let [state] = self.states.as_slice() {
            conditions.push(format!("state = {}", literal(state)));
        }
        call.query("q", conditions.join(" AND "))
    }
}

/// A string of Bitbucket's query language.
pub(crate) fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for character in text.chars().filter(|character| !character.is_control()) {
        if matches!(character, '"' | '\\') {
            literal.push('\\');
        }
        literal.push(character);
    }
    literal.push('"');
    literal
}

impl PullRequest {
    /// The commit that the source branch is at, as Bitbucket gives it.
    pub(crate) fn head(&self) -> Option<&str> {
        self.source.commit.hash.as_deref().filter(|hash| is_hash(hash))
    }

    /// The commit that the destination branch is at.
    pub(crate) fn base(&self) -> Option<&str> {
        self.destination.commit.hash.as_deref().filter(|hash| is_hash(hash))
    }

    /// The commit that the merge made.
    pub(crate) fn merged_as(&self) -> Option<&str> {
        self.merge_commit.hash.as_deref().filter(|hash| is_hash(hash))
    }
}

impl State {
    /// The state in a word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Merged => "merged",
            Self::Declined => "declined",
            Self::Superseded => "superseded",
            Self::Unknown => "in an unknown state",
        }
    }
}

impl Participant {
    pub(crate) fn approves(&self) -> bool {
        self.approved || self.state.as_deref() == Some("approved")
    }

    pub(crate) fn wants_changes(&self) -> bool {
        self.state.as_deref() == Some("changes_requested")
    }
}

impl FileChange {
    /// Where the file is now, or was before it was removed.
    pub(crate) fn path(&self) -> &str {
        self.new.path.as_deref().or(self.old.path.as_deref()).unwrap_or_default()
    }

    /// Where it was, if that was elsewhere.
    pub(crate) fn moved_from(&self) -> Option<&str> {
        self.old.path.as_deref().filter(|old| self.new.path.is_some() && *old != self.path())
    }
}

/// Whether `text` is a hash, whole or short, so that it may be shown as it is.
pub(crate) fn is_hash(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bitbucket::RepositoryId;
    use crate::bitbucket::stand_in::{Reply, StandIn};

    #[test]
    fn reads_a_pull_request_full_of_nulls() {
        let sent = r#"{"id": 7, "title": null, "state": "WHATEVER", "source": {"branch": {"name": "x"},
            "commit": null, "repository": null}, "merge_commit": null, "closed_by": null,
            "participants": [{"user": null, "state": null}], "updated_on": "yesterday"}"#;
        let read: PullRequest = serde_json::from_str(sent).unwrap();
        assert_eq!((read.id, read.state, read.head()), (7, State::Unknown, None));
    }

    #[tokio::test]
    async fn asks_for_pages_that_every_endpoint_is_known_to_give() {
        let stand_in =
            StandIn::new(|_| Reply::json(200, &serde_json::json!({ "values": [] }))).await;
        let client = stand_in.client();
        let repository = client.repository(&RepositoryId::try_from("acme/shop").unwrap());
        repository.pull_request_files(1, 1_000).await.unwrap();
        repository.list_comments(1, 1_000).await.unwrap();
        repository.list_tasks(1, 1_000).await.unwrap();
        for asked in stand_in.asked() {
            assert_eq!(asked.query("pagelen").as_deref(), Some("50"), "{}", asked.target);
        }
    }

    #[tokio::test]
    async fn takes_no_web_page_for_a_diff() {
        let stand_in = StandIn::new(|_| Reply::new(200, "text/html; charset=utf-8", "<p>")).await;
        let client = stand_in.client();
        let repository = client.repository(&RepositoryId::try_from("acme/shop").unwrap());
        let error = repository.pull_request_diff(1, &[], None, 100).await.unwrap_err();
        assert_eq!(error.to_string(), "Bitbucket's answer is not as expected: it is a web page");
    }

    #[test]
    fn keeps_an_argument_inside_its_string() {
        assert_eq!(literal("a\" OR state = \"x\\\n"), r#""a\" OR state = \"x\\""#);
    }
}

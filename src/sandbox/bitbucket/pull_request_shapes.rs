//! A pull request and its participants in JSON.

use serde_json::{Value, json};

use super::model::{Participant, PullRequest, State, Verdict};
use super::shapes::{rendered, stamp};
use super::state::{Api, Repository};

/// Members of a pull request that come only when `fields` adds them.
pub(crate) const HIDDEN: [&str; 4] = [
    "source.branch.merge_strategies",
    "source.branch.default_merge_strategy",
    "destination.branch.merge_strategies",
    "destination.branch.default_merge_strategy",
];

/// The same for lists, which also lack everybody but the author.
pub(crate) const HIDDEN_IN_LISTS: [&str; 8] = [
    "values.source.branch.merge_strategies",
    "values.source.branch.default_merge_strategy",
    "values.destination.branch.merge_strategies",
    "values.destination.branch.default_merge_strategy",
    "values.reviewers",
    "values.participants",
    "values.rendered",
    "values.queued",
];

/// The strategies that a branch of the sandbox offers.
pub(crate) const STRATEGIES: [&str; 3] = ["merge_commit", "squash", "fast_forward"];

impl PullRequest {
    /// The source's commit: where its branch is, or was when the pull request was closed.
    pub(crate) fn source_hash(&self, repository: &Repository) -> Option<String> {
        self.source.closed_at.clone().or_else(|| repository.git.resolve_branch(&self.source.branch))
    }

    /// The destination's commit, likewise.
    pub(crate) fn destination_hash(&self, repository: &Repository) -> Option<String> {
        self.destination
            .closed_at
            .clone()
            .or_else(|| repository.git.resolve_branch(&self.destination.branch))
    }

    /// The `{source}%0D{destination}` that the diff of a pull request is asked with.
    pub(crate) fn diff_spec(&self, repository: &Repository) -> Option<String> {
        let (source, destination) =
            (self.source_hash(repository)?, self.destination_hash(repository)?);
        Some(format!("{}:{}%0D{}", repository.full_name(), short(&source), short(&destination)))
    }
}

/// A pull request with everything.
pub(crate) fn show(api: &Api, repository: &Repository, pull_request: &PullRequest) -> Value {
    let visible = pull_request.comments.iter().filter(|one| !one.deleted && !one.pending).count();
    let open_tasks = pull_request.tasks.iter().filter(|task| task.resolved.is_none()).count();
    let reviewers: Vec<Value> =
        pull_request.reviewers.iter().map(|person| api.account(person)).collect();
    let participants = participants(api, pull_request);
    let merge_commit = pull_request
        .merge_commit
        .as_ref()
        .and_then(|hash| repository.git.commit_info(hash))
        .map(|info| merged(api, repository, pull_request, &info));
    let mut body = json!({
        "type": "pullrequest",
        "id": pull_request.id,
        "title": pull_request.title,
        "description": pull_request.description,
        "summary": rendered(&pull_request.description),
        "rendered": {
            "title": rendered(&pull_request.title),
            "description": rendered(&pull_request.description),
            "reason": rendered(&pull_request.reason),
        },
        "state": pull_request.state.name(),
        "draft": pull_request.draft,
        "queued": false,
        "author": api.account(pull_request.author),
        "source": end(api, repository, pull_request, true),
        "destination": end(api, repository, pull_request, false),
        "reviewers": reviewers,
        "participants": participants,
        "comment_count": visible,
        "task_count": open_tasks,
        "close_source_branch": pull_request.close_source_branch,
        "closed_by": pull_request.closed_by.map(|person| api.account(person)),
        "merge_commit": merge_commit,
        "reason": pull_request.reason,
        "created_on": stamp(pull_request.created_on),
        "updated_on": stamp(pull_request.updated_on),
        "links": links(api, repository, pull_request),
    });
    if let (Some(closed_on), Some(body)) = (pull_request.closed_on, body.as_object_mut()) {
        body.insert("closed_on".into(), json!(stamp(closed_on)));
    }
    body
}

/// A pull request, as it stands inside its comments.
pub(crate) fn stub(api: &Api, repository: &Repository, id: u64, title: &str) -> Value {
    let site = format!("https://bitbucket.org/{}/pull-requests/{id}", repository.full_name());
    json!({
        "type": "pullrequest",
        "id": id,
        "title": title,
        "draft": false,
        "links": {
            "self": { "href": url(api, repository, id) },
            "html": { "href": site },
        },
    })
}

/// Where a pull request's paths start.
pub(crate) fn url(api: &Api, repository: &Repository, id: u64) -> String {
    format!("{}/pullrequests/{id}", api.repository_url(repository))
}

/// One participant, with the verdict if they gave one.
pub(crate) fn participant(
    api: &Api,
    pull_request: &PullRequest,
    participant: &Participant,
) -> Value {
    let role = match pull_request.is_reviewer(participant.person) {
        true => "REVIEWER",
        false => "PARTICIPANT",
    };
    json!({
        "type": "participant",
        "user": api.account(participant.person),
        "role": role,
        "approved": participant.verdict == Some(Verdict::Approved),
        "state": match participant.verdict {
            Some(Verdict::Approved) => Some("approved"),
            Some(Verdict::ChangesRequested) => Some("changes_requested"),
            None => None,
        },
        "participated_on": participant.participated_on.map(stamp),
    })
}

/// Hashes inside a pull request are cut to twelve digits.
pub(crate) fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// Those who took part, and the reviewers who have not yet.
fn participants(api: &Api, pull_request: &PullRequest) -> Vec<Value> {
    let silent = pull_request
        .reviewers
        .iter()
        .filter(|reviewer| {
            pull_request.participants.iter().all(|participant| participant.person != **reviewer)
        })
        .map(|person| Participant { person, verdict: None, participated_on: None });
    pull_request
        .participants
        .iter()
        .cloned()
        .chain(silent)
        .map(|one| participant(api, pull_request, &one))
        .collect()
}

fn end(api: &Api, repository: &Repository, pull_request: &PullRequest, source: bool) -> Value {
    let (end, hash) = match source {
        true => (&pull_request.source, pull_request.source_hash(repository)),
        false => (&pull_request.destination, pull_request.destination_hash(repository)),
    };
    json!({
        "branch": {
            "name": end.branch,
            "merge_strategies": STRATEGIES,
            "default_merge_strategy": "merge_commit",
        },
        "commit": hash.map(|hash| api.commit_stub(repository, short(&hash))),
        "repository": api.repository_stub(repository),
    })
}

/// Closed by a merge: the commit, with an author and a message that lists have no room for.
fn merged(
    api: &Api,
    repository: &Repository,
    pull_request: &PullRequest,
    info: &crate::sandbox::git::CommitInfo,
) -> Value {
    let mut commit = api.commit_stub(repository, &info.hash);
    if pull_request.state == State::Merged
        && let Some(commit) = commit.as_object_mut()
    {
        commit.insert("author".into(), api.author(&info.author_name, &info.author_mail));
        commit.insert("date".into(), json!(super::shapes::seconds(info.date)));
        commit.insert("message".into(), json!(info.message));
        commit.insert("summary".into(), rendered(&info.message));
    }
    commit
}

fn links(api: &Api, repository: &Repository, pull_request: &PullRequest) -> Value {
    let url = url(api, repository, pull_request.id);
    let link = |path: &str| json!({ "href": format!("{url}/{path}") });
    let diff = |kind: &str| match pull_request.diff_spec(repository) {
        Some(spec) => json!({ "href": format!(
            "{}/{kind}/{spec}?from_pullrequest_id={}&topic=true",
            api.repository_url(repository),
            pull_request.id,
        ) }),
        None => link(kind),
    };
    json!({
        "self": { "href": url },
        "html": { "href": format!(
            "https://bitbucket.org/{}/pull-requests/{}",
            repository.full_name(),
            pull_request.id,
        ) },
        "commits": link("commits"),
        "approve": link("approve"),
        "request-changes": link("request-changes"),
        "diff": diff("diff"),
        "diffstat": diff("diffstat"),
        "comments": link("comments"),
        "activity": link("activity"),
        "merge": link("merge"),
        "decline": link("decline"),
        "statuses": link("statuses"),
    })
}

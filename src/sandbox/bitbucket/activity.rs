//! What happened to a pull request: comments, updates, approvals and requests for changes in one list.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::call::Call;
use super::comments;
use super::errors::ApiError;
use super::model::{PullRequest, Verdict};
use super::page::{self, Paging};
use super::pull_request_shapes::{short, stub};
use super::pull_requests::{PULL_REQUESTS, brought};
use super::scopes::needs;
use super::shapes::stamp;
use super::state::{Api, Repository};
use crate::sandbox::people::Person;

/// The one that was renamed soon after it was opened.
const RENAMED: u64 = 42;

pub(super) fn routes() -> Router<Api> {
    let activity = format!("{PULL_REQUESTS}/{{number}}/activity");
    Router::new().route(&activity, needs("pullrequest", get(list)))
}

/// The newest first.
async fn list(
    call: Call,
    Path((workspace, slug, number)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let reader = call.grant.person;
    let values = repository.with_pull_request(&number, |pull_request| {
        let mut events = events(&call.api, &repository, pull_request, reader);
        events.sort_by_key(|(when, _)| std::cmp::Reverse(*when));
        let stub = stub(&call.api, &repository, pull_request.id, &pull_request.title);
        let with_stub = |(_, mut event): (Timestamp, Value)| {
            if let Some(event) = event.as_object_mut() {
                event.insert("pull_request".into(), stub.clone());
            }
            event
        };
        Ok(events.into_iter().map(with_stub).collect())
    })?;
    page::respond(&call, values, Paging::up_to(50))
}

fn events(
    api: &Api,
    repository: &Repository,
    pull_request: &PullRequest,
    reader: &Person,
) -> Vec<(Timestamp, Value)> {
    let mut events = updates(api, repository, pull_request);
    for comment in pull_request.comments.iter().filter(|one| one.is_for(reader)) {
        let shown = comments::show(api, repository, pull_request, comment);
        events.push((comment.created_on, json!({ "comment": shown })));
    }
    for participant in &pull_request.participants {
        let (Some(verdict), Some(when)) = (participant.verdict, participant.participated_on) else {
            continue;
        };
        let member = match verdict {
            Verdict::Approved => "approval",
            Verdict::ChangesRequested => "changes_requested",
        };
        let vote = json!({
            "date": stamp(when),
            "user": api.account(participant.person),
            "pullrequest": stub(api, repository, pull_request.id, &pull_request.title),
        });
        events.push((when, json!({ member: vote })));
    }
    events
}

/// Opened, pushed to, renamed, closed.
fn updates(
    api: &Api,
    repository: &Repository,
    pull_request: &PullRequest,
) -> Vec<(Timestamp, Value)> {
    let opened = pull_request.created_on;
    let head = pull_request.source_hash(repository).unwrap_or_default();
    let pushed: Vec<(Timestamp, String)> = brought(repository, pull_request)
        .into_iter()
        .filter_map(|hash| Some((repository.git.commit_info(&hash)?.date, hash)))
        .collect();
    let first = pushed.iter().filter(|(when, _)| *when <= opened).max();
    let first = first.map_or(head.clone(), |(_, hash)| hash.clone());
    let author = pull_request.author;
    let title = pull_request.title.as_str();
    let update = |when: Timestamp,
                  person: &Person,
                  state: &str,
                  title: &str,
                  hash: &str,
                  changes: Value| {
        let end = |branch: &str, hash: &str| {
            json!({
                "branch": { "name": branch },
                "commit": api.commit_stub(repository, short(hash)),
                "repository": api.repository_stub(repository),
            })
        };
        let destination = pull_request.destination_hash(repository).unwrap_or_default();
        let reason = if state == "DECLINED" { pull_request.reason.as_str() } else { "" };
        let shown = json!({
            "state": state,
            "title": title,
            "description": pull_request.description,
            "draft": pull_request.draft,
            "reason": reason,
            "reviewers": pull_request.reviewers.iter().map(|one| api.account(one)).collect::<Vec<_>>(),
            "author": api.account(person),
            "date": stamp(when),
            "changes": changes,
            "source": end(&pull_request.source.branch, hash),
            "destination": end(&pull_request.destination.branch, &destination),
        });
        (when, json!({ "update": shown }))
    };
    let draft_title = format!("WIP: {title}");
    let is_renamed = pull_request.id == RENAMED;
    let title_at_first = if is_renamed { draft_title.as_str() } else { title };
    let mut updates = vec![update(opened, author, "OPEN", title_at_first, &first, json!({}))];
    if is_renamed {
        let reviewers: Vec<Value> =
            pull_request.reviewers.iter().map(|one| api.account(one)).collect();
        let changes = json!({
            "title": { "old": draft_title, "new": title },
            "reviewers": { "added": reviewers, "removed": [] },
        });
        let when = opened.checked_add(1.minute()).unwrap_or(opened);
        updates.push(update(when, author, "OPEN", title, &first, changes));
    }
    let later = pushed.iter().filter(|(when, _)| *when > opened);
    updates.extend(later.map(|(when, hash)| update(*when, author, "OPEN", title, hash, json!({}))));
    if let (Some(when), Some(person)) = (pull_request.closed_on, pull_request.closed_by) {
        let changes = json!({ "status": { "old": "open", "new": pull_request.state.name() } });
        updates.push(update(when, person, pull_request.state.name(), title, &head, changes));
    }
    updates
}

//! Tasks on pull requests.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::call::{Body, Call};
use super::comments::content;
use super::errors::ApiError;
use super::model::{PullRequest, Task};
use super::page::{self, Paging};
use super::pull_request_shapes::url;
use super::pull_requests::PULL_REQUESTS;
use super::scopes::needs;
use super::shapes::{rendered, stamp};
use super::state::{Api, Repository};

pub(super) fn routes() -> Router<Api> {
    let tasks = format!("{PULL_REQUESTS}/{{number}}/tasks");
    Router::new().route(&tasks, needs("pullrequest", get(list).post(create))).route(
        &format!("{tasks}/{{task}}"),
        needs("pullrequest", get(read).put(update).delete(delete)),
    )
}

async fn list(
    call: Call,
    Path((workspace, slug, number)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let values = repository.with_pull_request(&number, |pull_request| {
        let tasks = pull_request.tasks.iter();
        Ok(tasks.map(|task| show(&call.api, &repository, pull_request, task)).collect())
    })?;
    page::respond(&call, values, Paging::up_to(100))
}

async fn create(
    call: Call,
    Path((workspace, slug, number)): Path<(String, String, String)>,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let raw = content(&body)?;
    let now = call.api.now();
    let id = repository.next_id();
    let shown = repository.with_pull_request(&number, |pull_request| {
        let comment = match body.get("comment") {
            None | Some(Value::Null) => None,
            Some(comment) => {
                let wanted = comment.get("id").and_then(Value::as_u64);
                let known = pull_request.comments.iter().find(|one| Some(one.id) == wanted);
                let fields = json!({ "comment": ["comment not found"] });
                Some(known.ok_or_else(|| ApiError::bad_fields(fields))?.id)
            }
        };
        let creator = call.grant.person;
        let task =
            Task { id, creator, raw, created_on: now, updated_on: now, comment, resolved: None };
        let shown = show(&call.api, &repository, pull_request, &task);
        pull_request.tasks.push(task);
        pull_request.take_part(creator, now, None);
        Ok(shown)
    })?;
    Ok(call.answer_with(StatusCode::CREATED, shown, &[]))
}

async fn read(
    call: Call,
    Path((workspace, slug, number, id)): Path<(String, String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let shown = repository.with_pull_request(&number, |pull_request| {
        let task = find(pull_request, &id)?.clone();
        Ok(show(&call.api, &repository, pull_request, &task))
    })?;
    Ok(call.answer(shown, &[]))
}

async fn update(
    call: Call,
    Path((workspace, slug, number, id)): Path<(String, String, String, String)>,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let raw = body.get("content").map(|_| content(&body)).transpose()?;
    let resolved = match body.get("state").map(Value::as_str) {
        None => None,
        Some(Some("RESOLVED")) => Some(true),
        Some(Some("UNRESOLVED")) => Some(false),
        Some(_) => {
            let fields = json!({ "state": ["expected RESOLVED or UNRESOLVED"] });
            return Err(ApiError::bad_fields(fields));
        }
    };
    let now = call.api.now();
    let shown = repository.with_pull_request(&number, |pull_request| {
        let task = find(pull_request, &id)?;
        if let Some(raw) = raw {
            task.raw = raw;
        }
        match resolved {
            Some(true) if task.resolved.is_none() => task.resolved = Some((call.grant.person, now)),
            Some(false) => task.resolved = None,
            _ => {}
        }
        task.updated_on = now;
        let task = task.clone();
        pull_request.updated_on = now;
        Ok(show(&call.api, &repository, pull_request, &task))
    })?;
    Ok(call.answer(shown, &[]))
}

async fn delete(
    call: Call,
    Path((workspace, slug, number, id)): Path<(String, String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    repository.with_pull_request(&number, |pull_request| {
        let gone = find(pull_request, &id)?.id;
        pull_request.tasks.retain(|task| task.id != gone);
        Ok(())
    })?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn find<'a>(pull_request: &'a mut PullRequest, id: &str) -> Result<&'a mut Task, ApiError> {
    pull_request
        .tasks
        .iter_mut()
        .find(|task| task.id.to_string() == id)
        .ok_or_else(|| ApiError::not_found(id))
}

fn show(api: &Api, repository: &Repository, pull_request: &PullRequest, task: &Task) -> Value {
    let url = url(api, repository, pull_request.id);
    let site = format!(
        "https://bitbucket.org/{}/pull-requests/{}/_/diff#task-{}",
        repository.full_name(),
        pull_request.id,
        task.id,
    );
    let state = if task.resolved.is_some() { "RESOLVED" } else { "UNRESOLVED" };
    let mut body = json!({
        "id": task.id,
        "state": state,
        "content": rendered(&task.raw),
        "creator": api.account(task.creator),
        "created_on": stamp(task.created_on),
        "updated_on": stamp(task.updated_on),
        "pending": false,
        "resolved_on": task.resolved.map(|(_, when)| stamp(when)),
        "resolved_by": task.resolved.map(|(person, _)| api.account(person)),
        "links": {
            "self": { "href": format!("{url}/tasks/{}", task.id) },
            "html": { "href": site },
        },
    });
    if let (Some(comment), Some(body)) = (task.comment, body.as_object_mut()) {
        let link = format!("{url}/comments/{comment}");
        body.insert(
            "comment".into(),
            json!({ "id": comment, "links": { "self": { "href": link } } }),
        );
    }
    body
}

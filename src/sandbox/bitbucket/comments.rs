//! Comments on pull requests: general and inline ones, replies, and resolving.

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::call::{Body, Call};
use super::errors::ApiError;
use super::model::{Comment, Inline, Permission, PullRequest};
use super::page::{self, Paging};
use super::pull_request_shapes::{stub, url};
use super::pull_requests::PULL_REQUESTS;
use super::scopes::needs;
use super::shapes::{rendered, stamp};
use super::state::{Api, Repository};
use crate::sandbox::people::Person;

pub(super) fn routes() -> Router<Api> {
    let comments = format!("{PULL_REQUESTS}/{{number}}/comments");
    let one = format!("{comments}/{{comment}}");
    // Even writing takes no more than the scope to read pull requests.
    Router::new()
        .route(&comments, needs("pullrequest", get(list).post(create)))
        .route(&one, needs("pullrequest", get(read).put(update).delete(delete)))
        .route(&format!("{one}/resolve"), needs("pullrequest", post(resolve).delete(reopen)))
}

async fn list(
    call: Call,
    Path((workspace, slug, number)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let values = repository.with_pull_request(&number, |pull_request| {
        let mine = pull_request.comments.iter().filter(|one| one.is_for(call.grant.person));
        Ok(mine.map(|one| show(&call.api, &repository, pull_request, one)).collect())
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
    let inline = inline(&body)?;
    let now = call.api.now();
    let id = repository.next_id();
    let (shown, location) = repository.with_pull_request(&number, |pull_request| {
        let parent = match body.get("parent") {
            None | Some(Value::Null) => None,
            Some(parent) => {
                let wanted = parent.get("id").and_then(Value::as_u64);
                let known = pull_request.comments.iter().find(|one| Some(one.id) == wanted);
                Some(known.ok_or_else(|| ApiError::bad_request("Invalid parent ID"))?.clone())
            }
        };
        let comment = Comment {
            id,
            author: call.grant.person,
            raw,
            created_on: now,
            updated_on: now,
            inline: inline.or_else(|| parent.as_ref().and_then(|parent| parent.inline.clone())),
            parent: parent.map(|parent| parent.id),
            resolution: None,
            pending: body.get("pending").and_then(Value::as_bool).unwrap_or_default(),
            deleted: false,
        };
        let shown = show(&call.api, &repository, pull_request, &comment);
        pull_request.comments.push(comment);
        pull_request.take_part(call.grant.person, now, None);
        let url = url(&call.api, &repository, pull_request.id);
        Ok((shown, format!("{url}/comments/{id}")))
    })?;
    let mut response = call.answer_with(StatusCode::CREATED, shown, &[]);
    if let Ok(location) = location.parse() {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

async fn read(
    call: Call,
    Path((workspace, slug, number, id)): Path<(String, String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let shown = repository.with_pull_request(&number, |pull_request| {
        let comment = find(pull_request, &id, call.grant.person)?.clone();
        Ok(show(&call.api, &repository, pull_request, &comment))
    })?;
    Ok(call.answer(shown, &[]))
}

async fn update(
    call: Call,
    Path((workspace, slug, number, id)): Path<(String, String, String, String)>,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let raw = content(&body)?;
    let now = call.api.now();
    let shown = repository.with_pull_request(&number, |pull_request| {
        let comment = find(pull_request, &id, call.grant.person)?;
        if comment.author != call.grant.person || comment.deleted {
            return Err(ApiError::forbidden("You do not have permission to edit this comment."));
        }
        comment.raw = raw;
        comment.updated_on = now;
        if let Some(pending) = body.get("pending").and_then(Value::as_bool) {
            comment.pending = pending;
        }
        let comment = comment.clone();
        pull_request.updated_on = now;
        Ok(show(&call.api, &repository, pull_request, &comment))
    })?;
    Ok(call.answer(shown, &[]))
}

/// Leaves a stub in the list, so that replies keep their place.
async fn delete(
    call: Call,
    Path((workspace, slug, number, id)): Path<(String, String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let now = call.api.now();
    let administers = repository.permission(call.grant.person) == Some(Permission::Admin);
    repository.with_pull_request(&number, |pull_request| {
        let comment = find(pull_request, &id, call.grant.person)?;
        if comment.deleted {
            return Err(ApiError::not_found(id.clone()));
        }
        if comment.author != call.grant.person && !administers {
            return Err(ApiError::forbidden("You do not have permission to delete this comment."));
        }
        comment.deleted = true;
        comment.raw.clear();
        comment.updated_on = now;
        pull_request.updated_on = now;
        Ok(())
    })?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn resolve(
    call: Call,
    Path((workspace, slug, number, id)): Path<(String, String, String, String)>,
    Body(_): Body,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let now = call.api.now();
    let shown = repository.with_pull_request(&number, |pull_request| {
        let comment = resolvable(pull_request, &id, call.grant.person)?;
        if comment.resolution.is_some() {
            return Err(ApiError::conflict("This comment thread is already resolved."));
        }
        comment.resolution = Some((call.grant.person, now));
        pull_request.updated_on = now;
        Ok(resolution(&call.api, call.grant.person, now))
    })?;
    Ok(call.answer(shown, &[]))
}

async fn reopen(
    call: Call,
    Path((workspace, slug, number, id)): Path<(String, String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let now = call.api.now();
    repository.with_pull_request(&number, |pull_request| {
        let comment = resolvable(pull_request, &id, call.grant.person)?;
        if comment.resolution.take().is_none() {
            return Err(ApiError::not_found("This comment thread is not resolved."));
        }
        pull_request.updated_on = now;
        Ok(())
    })?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The message of a missing comment is its bare id.
fn find<'a>(
    pull_request: &'a mut PullRequest,
    id: &str,
    reader: &Person,
) -> Result<&'a mut Comment, ApiError> {
    pull_request
        .comment_index(id, reader)
        .and_then(|index| pull_request.comments.get_mut(index))
        .ok_or_else(|| ApiError::not_found(id))
}

/// Only a comment that starts a thread in the diff can be resolved.
fn resolvable<'a>(
    pull_request: &'a mut PullRequest,
    id: &str,
    reader: &Person,
) -> Result<&'a mut Comment, ApiError> {
    let comment = find(pull_request, id, reader)?;
    if comment.deleted {
        return Err(ApiError::not_found(id));
    }
    if comment.parent.is_some() || comment.inline.is_none() {
        return Err(ApiError::forbidden("Only top-level diff comments can be resolved."));
    }
    Ok(comment)
}

/// The text of a comment or task in a request.
pub(crate) fn content(body: &Value) -> Result<String, ApiError> {
    body.pointer("/content/raw")
        .and_then(Value::as_str)
        .filter(|raw| !raw.trim().is_empty())
        .map(str::to_owned)
        .ok_or_else(|| ApiError::bad_fields(json!({ "content": ["This field is required."] })))
}

/// The position in a request. Whether the diff has such a line is not looked at.
fn inline(body: &Value) -> Result<Option<Inline>, ApiError> {
    let Some(inline) = body.get("inline").filter(|inline| !inline.is_null()) else {
        return Ok(None);
    };
    let Some(path) = inline.get("path").and_then(Value::as_str) else {
        return Err(ApiError::bad_fields(
            json!({ "inline": { "path": "required key not provided" } }),
        ));
    };
    let line = |name: &str| match inline.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(number) => match number.as_u64().filter(|number| *number > 0) {
            Some(number) => Ok(Some(number)),
            None => {
                Err(ApiError::bad_fields(json!({ "inline": { name: "expected a line number" } })))
            }
        },
    };
    Ok(Some(Inline {
        path: path.to_owned(),
        from: line("from")?,
        to: line("to")?,
        start_from: line("start_from")?,
        start_to: line("start_to")?,
        outdated: false,
    }))
}

pub(super) fn show(
    api: &Api,
    repository: &Repository,
    pull_request: &PullRequest,
    comment: &Comment,
) -> Value {
    let url = url(api, repository, pull_request.id);
    let site = format!(
        "https://bitbucket.org/{}/pull-requests/{}/_/diff#comment-{}",
        repository.full_name(),
        pull_request.id,
        comment.id,
    );
    let mut body = json!({
        "type": "pullrequest_comment",
        "id": comment.id,
        "created_on": stamp(comment.created_on),
        "updated_on": stamp(comment.updated_on),
        "content": rendered(&comment.raw),
        "user": api.account(comment.author),
        "deleted": comment.deleted,
        "pending": comment.pending,
        "pullrequest": stub(api, repository, pull_request.id, &pull_request.title),
        "links": {
            "self": { "href": format!("{url}/comments/{}", comment.id) },
            "html": { "href": site },
        },
    });
    let Some(members) = body.as_object_mut() else { return body };
    if let Some(inline) = &comment.inline {
        members.insert(
            "inline".into(),
            json!({
                "path": inline.path,
                "from": inline.from,
                "to": inline.to,
                "start_from": inline.start_from,
                "start_to": inline.start_to,
                "outdated": inline.outdated,
                "context_lines": null,
            }),
        );
        if comment.parent.is_none() {
            let resolved = comment.resolution.map(|(person, when)| resolution(api, person, when));
            members.insert("resolution".into(), resolved.unwrap_or_default());
        }
    }
    if let Some(parent) = comment.parent {
        let link = format!("{url}/comments/{parent}");
        members.insert(
            "parent".into(),
            json!({ "id": parent, "links": { "self": { "href": link } } }),
        );
    }
    body
}

fn resolution(api: &Api, person: &Person, when: jiff::Timestamp) -> Value {
    json!({
        "type": "comment_resolution",
        "user": api.account(person),
        "created_on": stamp(when),
    })
}

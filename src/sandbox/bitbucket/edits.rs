//! Opening pull requests and changing open ones.

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::Response;
use axum::routing::{post, put};
use serde_json::{Value, json};

use super::call::{Body, Call};
use super::errors::ApiError;
use super::model::{End, MergeHabit, PullRequest, State};
use super::pull_request_shapes::{HIDDEN, show, url};
use super::pull_requests::PULL_REQUESTS;
use super::reviews::closed;
use super::scopes::needs;
use super::state::{Api, Repository};
use super::users;
use crate::sandbox::people::Person;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route(PULL_REQUESTS, needs("pullrequest:write", post(create)))
        .route(&format!("{PULL_REQUESTS}/{{number}}"), needs("pullrequest:write", put(update)))
}

/// Where an open pull request between the same branches exists already, that one is overwritten and
/// given back. Default reviewers are not added, whatever the documentation says.
async fn create(
    call: Call,
    Path((workspace, slug)): Path<(String, String)>,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let author = call.grant.person;
    let title = title(&body)?.ok_or_else(|| required("title"))?;
    let source = branch(&body, "source").ok_or_else(|| required("source"))?;
    let destination =
        branch(&body, "destination").unwrap_or_else(|| repository.main_branch.clone());
    let heads =
        (head(&repository, "source", &source)?, head(&repository, "destination", &destination)?);
    if source == destination || repository.git.log(&[heads.0], &[heads.1], None).is_empty() {
        return Err(ApiError::bad_request("There are no changes to be pulled"));
    }
    let reviewers = reviewers(&body, author)?.unwrap_or_default();
    let close_source_branch = body.get("close_source_branch").and_then(Value::as_bool);
    let now = call.api.now();
    let mut pull_requests = repository.pull_requests();
    let existing = pull_requests.iter_mut().find(|one| {
        one.state == State::Open
            && one.source.branch == source
            && one.destination.branch == destination
    });
    let (id, shown) = match existing {
        Some(existing) => {
            existing.title = title;
            existing.close_source_branch = close_source_branch.unwrap_or_default();
            existing.updated_on = now;
            (existing.id, show(&call.api, &repository, existing))
        }
        None => {
            let id = pull_requests.iter().map(|one| one.id).max().unwrap_or_default() + 1;
            let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
            let new = PullRequest {
                id,
                title,
                description: text("description").to_owned(),
                state: State::Open,
                draft: body.get("draft").and_then(Value::as_bool).unwrap_or_default(),
                author,
                source: End { branch: source, closed_at: None },
                destination: End { branch: destination, closed_at: None },
                reviewers,
                participants: Vec::new(),
                close_source_branch: close_source_branch.unwrap_or_default(),
                created_on: now,
                updated_on: now,
                closed_on: None,
                closed_by: None,
                reason: String::new(),
                merge_commit: None,
                comments: Vec::new(),
                tasks: Vec::new(),
                merge_habit: MergeHabit::Quick,
                merges: Vec::new(),
            };
            let shown = show(&call.api, &repository, &new);
            pull_requests.push(new);
            (id, shown)
        }
    };
    drop(pull_requests);
    let mut response = call.answer_with(StatusCode::CREATED, shown, &HIDDEN);
    if let Ok(location) = url(&call.api, &repository, id).parse() {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// What the body does not name stays, except that `close_source_branch` alone is echoed and not kept.
async fn update(
    call: Call,
    Path((workspace, slug, number)): Path<(String, String, String)>,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let title = title(&body)?;
    let destination = branch(&body, "destination");
    if let Some(destination) = &destination {
        head(&repository, "destination", destination)?;
    }
    let close_source_branch = body.get("close_source_branch").and_then(Value::as_bool);
    let alone = body.as_object().is_some_and(|body| body.len() == 1);
    let now = call.api.now();
    let shown = repository.with_pull_request(&number, |pull_request| {
        if pull_request.state != State::Open {
            return Err(closed(pull_request));
        }
        if pull_request.author != call.grant.person {
            repository.require_write(call.grant.person)?;
        }
        let reviewers = reviewers(&body, pull_request.author)?;
        if let (Some(close), true) = (close_source_branch, alone) {
            let echo = PullRequest { close_source_branch: close, ..pull_request.clone() };
            return Ok(show(&call.api, &repository, &echo));
        }
        if let Some(title) = title {
            pull_request.title = title;
        }
        if let Some(description) = body.get("description").and_then(Value::as_str) {
            description.clone_into(&mut pull_request.description);
        }
        if let Some(destination) = destination {
            pull_request.destination.branch = destination;
        }
        if let Some(reviewers) = reviewers {
            pull_request.reviewers = reviewers;
        }
        if let Some(draft) = body.get("draft").and_then(Value::as_bool) {
            pull_request.draft = draft;
        }
        if let Some(close) = close_source_branch {
            pull_request.close_source_branch = close;
        }
        pull_request.updated_on = now;
        Ok(show(&call.api, &repository, pull_request))
    })?;
    Ok(call.answer(shown, &HIDDEN))
}

fn required(field: &str) -> ApiError {
    ApiError::bad_fields(json!({ field: ["This field is required."] }))
}

fn title(body: &Value) -> Result<Option<String>, ApiError> {
    match body.get("title") {
        None => Ok(None),
        Some(title) => match title.as_str().map(str::trim).filter(|title| !title.is_empty()) {
            Some(title) => Ok(Some(title.to_owned())),
            None => Err(required("title")),
        },
    }
}

fn branch(body: &Value, side: &str) -> Option<String> {
    body.pointer(&format!("/{side}/branch/name")).and_then(Value::as_str).map(str::to_owned)
}

fn head(repository: &Repository, side: &str, branch: &str) -> Result<String, ApiError> {
    repository.git.resolve_branch(branch).ok_or_else(|| {
        ApiError::bad_fields(json!({ side: [format!("branch not found: {branch}")] }))
    })
}

/// The reviewers that a request names, if it names any: by uuid or account id.
fn reviewers(
    body: &Value,
    author: &'static Person,
) -> Result<Option<Vec<&'static Person>>, ApiError> {
    let malformed = || ApiError::bad_request("Malformed reviewers list");
    let Some(named) = body.get("reviewers") else { return Ok(None) };
    let mut found: Vec<&'static Person> = Vec::new();
    for one in named.as_array().ok_or_else(malformed)? {
        let id = one.get("uuid").or_else(|| one.get("account_id")).and_then(Value::as_str);
        let person = id.and_then(users::find).ok_or_else(malformed)?;
        if person == author {
            let told =
                format!("{} is the author and cannot be included as a reviewer.", person.name);
            return Err(ApiError::bad_fields(json!({ "reviewers": [told] })));
        }
        if !found.contains(&person) {
            found.push(person);
        }
    }
    Ok(Some(found))
}

//! What builds say about commits, and about a pull request.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::call::{Body, Call};
use super::errors::ApiError;
use super::model::BuildStatus;
use super::page::{self, Paging};
use super::pull_request_shapes::short;
use super::pull_requests::{PULL_REQUESTS, brought};
use super::scopes::needs;
use super::shapes::stamp;
use super::state::{Api, Repository};

const PAGING: Paging = Paging { default: 30, ..Paging::up_to(100) };

pub(super) fn routes() -> Router<Api> {
    const COMMIT: &str = "/repositories/{workspace}/{repository}/commit/{commit}/statuses";
    Router::new()
        .route(
            &format!("{PULL_REQUESTS}/{{number}}/statuses"),
            needs("pullrequest", get(of_pull_request)),
        )
        .route(COMMIT, needs("repository", get(of_commit)))
        .route(&format!("{COMMIT}/build"), needs("repository", post(create)))
        .route(&format!("{COMMIT}/build/{{key}}"), needs("repository", get(read).put(update)))
}

/// The statuses of the commits that the pull request brings.
async fn of_pull_request(
    call: Call,
    Path((workspace, slug, number)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let commits = repository.with_pull_request(&number, |one| Ok(brought(&repository, one)))?;
    let values = repository
        .statuses()
        .iter()
        .filter(|status| commits.contains(&status.commit))
        .map(|status| show(&call.api, &repository, status))
        .collect();
    page::respond(&call, values, PAGING)
}

async fn of_commit(
    call: Call,
    Path((workspace, slug, commit)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let hash = resolve(&repository, &commit)?;
    let values = repository
        .statuses()
        .iter()
        .filter(|status| status.commit == hash)
        .map(|status| show(&call.api, &repository, status))
        .collect();
    page::respond(&call, values, PAGING)
}

/// A second status with the same key takes the first one's place.
async fn create(
    call: Call,
    Path((workspace, slug, commit)): Path<(String, String, String)>,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    repository.require_write(call.grant.person)?;
    let key = body
        .get("key")
        .and_then(Value::as_str)
        .ok_or_else(|| ApiError::bad_fields(json!({ "key": ["This field is required."] })))?;
    put(&call, &repository, &commit, key, &body, StatusCode::CREATED)
}

async fn update(
    call: Call,
    Path((workspace, slug, commit, key)): Path<(String, String, String, String)>,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    repository.require_write(call.grant.person)?;
    put(&call, &repository, &commit, &key, &body, StatusCode::OK)
}

async fn read(
    call: Call,
    Path((workspace, slug, commit, key)): Path<(String, String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let hash = resolve(&repository, &commit)?;
    let shown = repository
        .statuses()
        .iter()
        .find(|status| status.commit == hash && status.key == key)
        .map(|status| show(&call.api, &repository, status))
        .ok_or_else(|| ApiError::not_found(format!("Build status {key} not found")))?;
    Ok(call.answer(shown, &[]))
}

fn put(
    call: &Call,
    repository: &Repository,
    commit: &str,
    key: &str,
    body: &Value,
    status: StatusCode,
) -> Result<Response, ApiError> {
    let hash = resolve(repository, commit)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let state = text("state").unwrap_or_default();
    if !["INPROGRESS", "SUCCESSFUL", "FAILED", "STOPPED"].contains(&state.as_str()) {
        return Err(ApiError::bad_fields(json!({ "state": [format!("invalid choice: {state}")] })));
    }
    let now = call.api.now();
    let mut statuses = repository.statuses();
    let known = statuses.iter().find(|one| one.commit == hash && one.key == key).cloned();
    let known_url = known.as_ref().map(|known| known.url.clone());
    let url = text("url")
        .or(known_url)
        .ok_or_else(|| ApiError::bad_fields(json!({ "url": ["This field is required."] })))?;
    let new = BuildStatus {
        commit: hash.clone(),
        key: key.to_owned(),
        name: text("name").unwrap_or_else(|| key.to_owned()),
        description: text("description").unwrap_or_default(),
        state,
        url,
        refname: text("refname"),
        created_on: known.map_or(now, |known| known.created_on),
        updated_on: now,
    };
    let shown = show(&call.api, repository, &new);
    statuses.retain(|one| one.commit != hash || one.key != key);
    statuses.push(new);
    drop(statuses);
    Ok(call.answer_with(status, shown, &[]))
}

fn resolve(repository: &Repository, commit: &str) -> Result<String, ApiError> {
    repository.git.resolve(commit).ok_or_else(|| ApiError::not_found("Changeset not found."))
}

fn show(api: &Api, repository: &Repository, status: &BuildStatus) -> Value {
    let commit = format!("{}/commit/{}", api.repository_url(repository), status.commit);
    json!({
        "type": "build",
        "key": status.key,
        "name": status.name,
        "description": status.description,
        "state": status.state,
        "url": status.url,
        "refname": status.refname,
        "created_on": stamp(status.created_on),
        "updated_on": stamp(status.updated_on),
        "commit": api.commit_stub(repository, short(&status.commit)),
        "repository": api.repository_stub(repository),
        "links": {
            "commit": { "href": commit },
            "self": { "href": format!("{commit}/statuses/build/{}", status.key) },
        },
    })
}

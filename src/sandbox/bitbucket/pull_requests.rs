//! Reading pull requests: lists, one, and the addresses of its diff and commits.

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;

use super::call::Call;
use super::errors::ApiError;
use super::merge;
use super::model::PullRequest;
use super::page::{self, Paging};
use super::pull_request_shapes::{HIDDEN, HIDDEN_IN_LISTS, show};
use super::scopes::needs;
use super::state::{Api, Repository};
use super::{users, workspaces};

/// `/repositories/{workspace}/{repository}/pullrequests`, where most routes of this API start.
pub(crate) const PULL_REQUESTS: &str = "/repositories/{workspace}/{repository}/pullrequests";

const PAGING: Paging = Paging {
    hidden: &HIDDEN_IN_LISTS,
    unfilterable: &["participants"],
    // A hundred is refused here, unlike elsewhere.
    ..Paging::up_to(50)
};

const STATES: [&str; 4] = ["OPEN", "MERGED", "DECLINED", "SUPERSEDED"];

pub(super) fn routes() -> Router<Api> {
    let of_one = |name: &str| format!("{PULL_REQUESTS}/{{number}}/{name}");
    Router::new()
        .route(PULL_REQUESTS, needs("pullrequest", get(list)))
        .route(&format!("{PULL_REQUESTS}/{{number}}"), needs("pullrequest", get(one)))
        .route(&of_one("commits"), needs("pullrequest", get(commits)))
        .route(&of_one("diff"), needs("pullrequest", get(diff)))
        .route(&of_one("diffstat"), needs("pullrequest", get(diffstat)))
        .route(&of_one("patch"), needs("pullrequest", get(patch)))
        .route(
            "/workspaces/{workspace}/pullrequests/{user}",
            needs("pullrequest", get(list_of_author)),
        )
}

async fn list(
    call: Call,
    Path((workspace, slug)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let states = states(&call)?;
    let mut values = shown(&call, &repository, &states, |_| true);
    values.reverse();
    page::respond(&call, values, PAGING)
}

async fn list_of_author(
    call: Call,
    Path((workspace, user)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let workspace = workspaces::visible(&call, &workspace)?;
    let author =
        users::find(&user).ok_or_else(|| ApiError::not_found(format!("No such user: {user}")))?;
    let states = states(&call)?;
    let values = call
        .api
        .repositories(call.grant.person)
        .iter()
        .filter(|repository| repository.workspace.slug == workspace.slug)
        .flat_map(|repository| {
            shown(&call, repository, &states, |pull_request| pull_request.author == author)
        })
        .collect();
    page::respond(&call, values, PAGING)
}

async fn one(
    call: Call,
    Path((workspace, slug, number)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    merge::let_time_pass(&call.api, &repository, &number);
    let body = repository.with_pull_request(&number, |pull_request| {
        Ok(show(&call.api, &repository, pull_request))
    })?;
    Ok(call.answer(body, &HIDDEN))
}

/// The commits that a merge would bring; none once the source branch is gone.
async fn commits(
    call: Call,
    Path((workspace, slug, number)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let hashes = repository.with_pull_request(&number, |pull_request| {
        let gone = repository.git.resolve_branch(&pull_request.source.branch).is_none();
        Ok(if gone { Vec::new() } else { brought(&repository, pull_request) })
    })?;
    page::walk(&call, hashes, Paging::up_to(100), |hash| {
        let info = repository.git.commit_info(hash);
        info.map(|info| call.api.commit(&repository, &info)).unwrap_or_default()
    })
}

async fn diff(
    call: Call,
    Path((workspace, slug, number)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    redirect(&call, &workspace, &slug, &number, "diff")
}

async fn diffstat(
    call: Call,
    Path((workspace, slug, number)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    redirect(&call, &workspace, &slug, &number, "diffstat")
}

async fn patch(
    call: Call,
    Path((workspace, slug, number)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    redirect(&call, &workspace, &slug, &number, "patch")
}

/// To the repository's own diff, on this host, with none of the caller's parameters: they belong on
/// the address that is followed.
fn redirect(
    call: &Call,
    workspace: &str,
    slug: &str,
    number: &str,
    kind: &str,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, workspace, slug)?;
    let spec = repository.with_pull_request(number, |pull_request| {
        pull_request
            .diff_spec(&repository)
            .ok_or_else(|| ApiError::not_found("The source or destination branch does not exist."))
    })?;
    let target = format!(
        "{}/{kind}/{spec}?from_pullrequest_id={number}&topic=true",
        call.api.repository_url(&repository)
    );
    Ok((StatusCode::FOUND, [(header::LOCATION, target)]).into_response())
}

/// The states to list. None at all means any: `state` is ignored as soon as there is a `q`.
fn states(call: &Call) -> Result<Vec<String>, ApiError> {
    if call.query.first("q").is_some_and(|query| !query.is_empty()) {
        return Ok(Vec::new());
    }
    let states: Vec<String> = call.query.all("state").map(str::to_uppercase).collect();
    match states.iter().find(|state| !STATES.contains(&state.as_str())) {
        Some(other) => Err(ApiError::bad_request(format!("Invalid state: {other}"))),
        None if states.is_empty() => Ok(vec!["OPEN".into()]),
        None => Ok(states),
    }
}

fn shown(
    call: &Call,
    repository: &Repository,
    states: &[String],
    wanted: impl Fn(&PullRequest) -> bool,
) -> Vec<Value> {
    repository
        .pull_requests()
        .iter()
        .filter(|one| states.is_empty() || states.iter().any(|state| state == one.state.name()))
        .filter(|one| wanted(one))
        .map(|one| show(&call.api, repository, one))
        .collect()
}

/// The hashes of the source's commits that the destination lacks, newest first.
pub(crate) fn brought(repository: &Repository, pull_request: &PullRequest) -> Vec<String> {
    let (Some(source), Some(destination)) =
        (pull_request.source_hash(repository), pull_request.destination_hash(repository))
    else {
        return Vec::new();
    };
    repository.git.log(&[source], &[destination], None)
}

//! Verdicts: approve, request changes, decline.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::Value;

use super::call::{Body, Call};
use super::errors::ApiError;
use super::model::{PullRequest, State, Verdict};
use super::pull_request_shapes::{HIDDEN, participant, show};
use super::pull_requests::PULL_REQUESTS;
use super::scopes::needs;
use super::state::{Api, Repository};

pub(super) fn routes() -> Router<Api> {
    let of_one = |name: &str| format!("{PULL_REQUESTS}/{{number}}/{name}");
    Router::new()
        .route(&of_one("approve"), needs("pullrequest:write", post(approve).delete(unapprove)))
        .route(
            &of_one("request-changes"),
            needs("pullrequest:write", post(request_changes).delete(withdraw_changes)),
        )
        .route(&of_one("decline"), needs("pullrequest:write", post(decline)))
}

/// Anybody may approve anything: one's own, and what is merged already.
async fn approve(
    call: Call,
    Path((workspace, slug, number)): Path<(String, String, String)>,
    Body(_): Body,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    give(&call, &repository, &number, Verdict::Approved)
}

async fn unapprove(
    call: Call,
    Path((workspace, slug, number)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    withdraw(&call, &repository, &number, Verdict::Approved)
}

async fn request_changes(
    call: Call,
    Path((workspace, slug, number)): Path<(String, String, String)>,
    Body(_): Body,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    repository.with_pull_request(&number, |pull_request| {
        if pull_request.state == State::Open { Ok(()) } else { Err(closed(pull_request)) }
    })?;
    give(&call, &repository, &number, Verdict::ChangesRequested)
}

async fn withdraw_changes(
    call: Call,
    Path((workspace, slug, number)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    withdraw(&call, &repository, &number, Verdict::ChangesRequested)
}

async fn decline(
    call: Call,
    Path((workspace, slug, number)): Path<(String, String, String)>,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    repository.require_write(call.grant.person)?;
    let now = call.api.now();
    let shown = repository.with_pull_request(&number, |pull_request| {
        if pull_request.state != State::Open {
            return Err(closed(pull_request));
        }
        pull_request.close(&repository);
        pull_request.state = State::Declined;
        pull_request.reason =
            body.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
        pull_request.closed_by = Some(call.grant.person);
        pull_request.closed_on = Some(now);
        pull_request.updated_on = now;
        Ok(show(&call.api, &repository, pull_request))
    })?;
    Ok(call.answer(shown, &HIDDEN))
}

impl PullRequest {
    /// Keeps the commits that both sides are at; from now on they no longer follow their branches.
    pub(crate) fn close(&mut self, repository: &Repository) {
        self.source.closed_at = self.source_hash(repository);
        self.destination.closed_at = self.destination_hash(repository);
    }
}

/// The refusal of everything that only an open pull request can have done to it.
pub(crate) fn closed(pull_request: &PullRequest) -> ApiError {
    ApiError::bad_request(match pull_request.state {
        State::Declined => "This pull request has been declined.",
        State::Merged | State::Open => "This pull request is already closed.",
    })
}

fn give(
    call: &Call,
    repository: &Repository,
    number: &str,
    verdict: Verdict,
) -> Result<Response, ApiError> {
    let now = call.api.now();
    let person = call.grant.person;
    let body = repository.with_pull_request(number, |pull_request| {
        pull_request.take_part(person, now, Some(Some(verdict)));
        let own = pull_request.participants.iter().find(|one| one.person == person);
        Ok(own.map(|own| participant(&call.api, pull_request, own)).unwrap_or_default())
    })?;
    Ok(call.answer(body, &[]))
}

fn withdraw(
    call: &Call,
    repository: &Repository,
    number: &str,
    verdict: Verdict,
) -> Result<Response, ApiError> {
    let now = call.api.now();
    let person = call.grant.person;
    repository.with_pull_request(number, |pull_request| {
        if pull_request.state == State::Merged {
            return Err(closed(pull_request));
        }
        let given = pull_request
            .participants
            .iter()
            .any(|one| one.person == person && one.verdict == Some(verdict));
        if !given {
            return Err(ApiError::not_found(match verdict {
                Verdict::Approved => "You haven't approved this pull request.",
                Verdict::ChangesRequested => "You haven't requested changes on this pull request.",
            }));
        }
        pull_request.take_part(person, now, Some(None));
        Ok(())
    })?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

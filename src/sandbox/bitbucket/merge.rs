//! Merging: at once, in the background, and what stands in its way.

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::call::{Body, Call};
use super::errors::ApiError;
use super::model::{MergeHabit, MergeTask, MergeWish, PullRequest, State, Verdict};
use super::pull_request_shapes::{HIDDEN, STRATEGIES, show, url};
use super::pull_requests::PULL_REQUESTS;
use super::reviews::closed;
use super::scopes::needs;
use super::state::{Api, Repository, uuid};
use crate::sandbox::git::{Change, MergeProblem, Strategy};
use crate::sandbox::people::Person;

/// How often a merge in the background is still pending when somebody looks.
const PENDING_POLLS: u32 = 2;
/// After this long it happens even if nobody polls.
const BACKGROUND: Duration = Duration::from_secs(2);

pub(super) fn routes() -> Router<Api> {
    let merge = format!("{PULL_REQUESTS}/{{number}}/merge");
    Router::new()
        .route(&merge, needs("pullrequest:write", post(begin)))
        .route(&format!("{merge}/task-status/{{task}}"), needs("pullrequest", get(task_status)))
}

async fn begin(
    call: Call,
    Path((workspace, slug, number)): Path<(String, String, String)>,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    repository.require_write(call.grant.person)?;
    let wish = wish(&body)?;
    let wants_to_wait = !call.query.flag("async", false);
    let person = call.grant.person;
    let outcome = repository.with_pull_request(&number, |pull_request| {
        refuse_unmergeable(pull_request)?;
        if !wants_to_wait || pull_request.merge_habit == MergeHabit::Slow {
            return Ok(Err(accept(&call, &repository, pull_request, wish)));
        }
        perform(&call.api, &repository, pull_request, person, &wish)?;
        if pull_request.merge_habit == MergeHabit::TimesOut {
            return Err(ApiError::timed_out());
        }
        Ok(Ok(show(&call.api, &repository, pull_request)))
    })?;
    match outcome {
        Ok(merged) => Ok(call.answer(merged, &HIDDEN)),
        Err(location) => {
            let headers = [
                (header::CONTENT_TYPE, "application/json".to_owned()),
                (header::LOCATION, location),
            ];
            Ok((StatusCode::ACCEPTED, headers, "\"\"").into_response())
        }
    }
}

/// An id that nobody handed out is pending for ever.
async fn task_status(
    call: Call,
    Path((workspace, slug, number, id)): Path<(String, String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let body = repository.with_pull_request(&number, |pull_request| {
        let link =
            format!("{}/merge/task-status/{id}", url(&call.api, &repository, pull_request.id));
        let links = json!({ "self": { "href": link } });
        let pending = json!({ "task_status": "PENDING", "links": links });
        let Some(task) = pull_request.merges.iter_mut().find(|task| task.id == id) else {
            return Ok(pending);
        };
        if task.person != call.grant.person {
            return Err(ApiError::forbidden("Only the user who queued the merge may see it."));
        }
        task.polls += 1;
        if task.polls <= PENDING_POLLS {
            return Ok(pending);
        }
        settle(&call.api, &repository, pull_request, &id);
        let task = pull_request.merges.iter().find(|task| task.id == id);
        match task.and_then(|task| task.failure.clone()) {
            Some((status, message)) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
                Err(ApiError::new(status, message))
            }
            None => Ok(json!({
                "task_status": "SUCCESS",
                "links": links,
                "merge_result": show(&call.api, &repository, pull_request),
            })),
        }
    })?;
    Ok(call.answer(body, &[]))
}

/// Lets a merge in the background happen that nobody polls.
pub(crate) fn let_time_pass(api: &Api, repository: &Repository, number: &str) {
    // A pull request that is not there has no merge going on either.
    let _ = repository.with_pull_request(number, |pull_request| {
        let due: Vec<String> = pull_request
            .merges
            .iter()
            .filter(|task| task.asked_at.elapsed() >= BACKGROUND)
            .map(|task| task.id.clone())
            .collect();
        for id in due {
            settle(api, repository, pull_request, &id);
        }
        Ok(())
    });
}

fn accept(
    call: &Call,
    repository: &Repository,
    pull_request: &mut PullRequest,
    wish: MergeWish,
) -> String {
    let place = pull_request.merges.len();
    let name = format!("merge {} {} {place}", repository.full_name(), pull_request.id);
    let id = uuid(&name).trim_matches(['{', '}']).to_owned();
    let location =
        format!("{}/merge/task-status/{id}", url(&call.api, repository, pull_request.id));
    pull_request.merges.push(MergeTask {
        id,
        person: call.grant.person,
        wish,
        asked_at: Instant::now(),
        polls: 0,
        done: false,
        failure: None,
    });
    location
}

/// Does the merge of a task, once.
fn settle(api: &Api, repository: &Repository, pull_request: &mut PullRequest, id: &str) {
    let Some(task) = pull_request.merges.iter().find(|task| task.id == id && !task.done).cloned()
    else {
        return;
    };
    let failure = perform(api, repository, pull_request, task.person, &task.wish)
        .err()
        .map(|error| (error.status().as_u16(), error.message().to_owned()));
    if let Some(task) = pull_request.merges.iter_mut().find(|task| task.id == id) {
        task.done = true;
        task.failure = failure;
    }
}

fn perform(
    api: &Api,
    repository: &Repository,
    pull_request: &mut PullRequest,
    person: &'static Person,
    wish: &MergeWish,
) -> Result<(), ApiError> {
    refuse_unmergeable(pull_request)?;
    let now = api.now();
    let gone = || ApiError::bad_request("The source or destination branch does not exist.");
    let moved = || {
        ApiError::conflict(
            "Unable to merge because one of the refs involved changed while attempting to merge.",
        )
    };
    let source = pull_request.source_hash(repository).ok_or_else(gone)?;
    let destination = pull_request.destination_hash(repository).ok_or_else(gone)?;
    let branch = pull_request.destination.branch.clone();
    if pull_request.merge_habit == MergeHabit::Races {
        pull_request.merge_habit = MergeHabit::Quick;
        let note = Change::Write {
            path: "docs/changes-meanwhile.md".into(),
            bytes: b"Pushed while a merge was going on.\n".to_vec(),
            executable: false,
        };
        let author = (person.name, person.email);
        let message = "Push something while a merge is going on\n";
        let pushed = repository.git.commit(&branch, &[destination], &[note], author, now, message);
        return Err(pushed.map_or_else(failed, |_| moved()));
    }
    let strategy = match wish.strategy.as_str() {
        "squash" => Strategy::Squash,
        "fast_forward" => Strategy::FastForward,
        _ => Strategy::MergeCommit,
    };
    let message = wish.message.clone().unwrap_or_else(|| usual_message(pull_request));
    let author = (person.name, person.email);
    let merged = repository
        .git
        .merge(&source, &destination, strategy, author, &message, now)
        .map_err(|problem| match problem {
            MergeProblem::Conflicts(_) => {
                ApiError::bad_request("You can't merge until you resolve all merge conflicts.")
            }
            MergeProblem::NotFastForward => ApiError::bad_request(
                "The source branch cannot be fast-forwarded onto the destination branch.",
            ),
            MergeProblem::Git(error) => failed(error),
        })?;
    pull_request.close(repository);
    if !repository.git.move_branch(&branch, &destination, &merged).map_err(failed)? {
        pull_request.source.closed_at = None;
        pull_request.destination.closed_at = None;
        return Err(moved());
    }
    if wish.close_source_branch.unwrap_or(pull_request.close_source_branch) {
        repository.git.delete_branch(&pull_request.source.branch);
    }
    pull_request.state = State::Merged;
    pull_request.merge_commit = Some(merged);
    pull_request.closed_by = Some(person);
    pull_request.closed_on = Some(now);
    pull_request.updated_on = now;
    Ok(())
}

fn refuse_unmergeable(pull_request: &PullRequest) -> Result<(), ApiError> {
    if pull_request.state != State::Open {
        return Err(closed(pull_request));
    }
    if pull_request.draft {
        return Err(ApiError::bad_request("You can't merge a draft pull request."));
    }
    Ok(())
}

fn wish(body: &Value) -> Result<MergeWish, ApiError> {
    let strategy = match body.get("merge_strategy") {
        None | Some(Value::Null) => "merge_commit",
        Some(strategy) => strategy.as_str().unwrap_or_default(),
    };
    if !STRATEGIES.contains(&strategy) {
        let told = format!("\"{strategy}\" is not a merge strategy of the destination branch.");
        return Err(ApiError::bad_fields(json!({ "merge_strategy": [told] })));
    }
    Ok(MergeWish {
        message: body.get("message").and_then(Value::as_str).map(str::to_owned),
        strategy: strategy.to_owned(),
        close_source_branch: body.get("close_source_branch").and_then(Value::as_bool),
    })
}

fn usual_message(pull_request: &PullRequest) -> String {
    let mut message = format!(
        "Merged in {} (pull request #{})\n\n{}\n",
        pull_request.source.branch, pull_request.id, pull_request.title
    );
    let approvals = pull_request
        .participants
        .iter()
        .filter(|participant| participant.verdict == Some(Verdict::Approved));
    for (place, participant) in approvals.enumerate() {
        let gap = if place == 0 { "\n" } else { "" };
        message.push_str(&format!("{gap}Approved-by: {}\n", participant.person.name));
    }
    message
}

fn failed(error: crate::sandbox::git::Error) -> ApiError {
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

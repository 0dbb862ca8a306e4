//! `mergeability/checks`: what would keep a pull request from being merged.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::call::Call;
use super::errors::ApiError;
use super::model::{Permission, PullRequest, State, Verdict};
use super::pull_requests::{PULL_REQUESTS, brought};
use super::scopes::needs;
use super::state::{Api, Repository};

const WITHOUT_GIT: &str = r#"type!="git_mergeability_check""#;
const WITHOUT_BEHIND: &str = r#"check.kind!="maximum_commits_behind""#;

pub(super) fn routes() -> Router<Api> {
    Router::new().route(
        &format!("{PULL_REQUESTS}/{{number}}/mergeability/checks"),
        needs("pullrequest", get(list)),
    )
}

async fn list(
    call: Call,
    Path((workspace, slug, number)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let (with_git, with_behind) = wanted(call.query.first("q").unwrap_or_default())?;
    let permission = repository.permission(call.grant.person);
    let pull_request = repository.with_pull_request(&number, |one| Ok(one.clone()))?;
    let mut values = vec![
        check(
            "pullrequest_state_check",
            pull_request.state == State::Open && !pull_request.draft,
            true,
            match pull_request.draft {
                true => "The pull request is a draft.",
                false => "The pull request is not open.",
            },
            json!({ "state": pull_request.state.name() }),
        ),
        check(
            "current_user_permission_check",
            permission >= Some(Permission::Write),
            true,
            "You do not have permission to merge this pull request.",
            json!({}),
        ),
    ];
    if with_git {
        values.push(git_check(&repository, &pull_request));
    }
    values.extend(standard_checks(&repository, &pull_request, with_behind));
    Ok(call.answer(json!({ "size": values.len(), "values": values }), &[]))
}

/// The only two filters that this endpoint understands, alone or together.
fn wanted(query: &str) -> Result<(bool, bool), ApiError> {
    let mut wanted = (true, true);
    for part in query.split(" AND ").map(|part| part.replace(' ', "")) {
        match part.as_str() {
            "" => {}
            WITHOUT_GIT => wanted.0 = false,
            WITHOUT_BEHIND => wanted.1 = false,
            _ => return Err(ApiError::bad_request("Unsupported q expression.")),
        }
    }
    Ok(wanted)
}

fn git_check(repository: &Repository, pull_request: &PullRequest) -> Value {
    let sides = (pull_request.source_hash(repository), pull_request.destination_hash(repository));
    let conflicts = match sides {
        (Some(source), Some(destination)) => {
            repository.git.conflicts(&destination, &source).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    let reason = format!("There are merge conflicts in {}.", conflicts.join(", "));
    check("git_mergeability_check", conflicts.is_empty(), true, &reason, json!({}))
}

/// Checks that this plan only warns about: a failed one does not block.
fn standard_checks(
    repository: &Repository,
    pull_request: &PullRequest,
    with_behind: bool,
) -> Vec<Value> {
    let approvals = pull_request
        .participants
        .iter()
        .filter(|one| one.verdict == Some(Verdict::Approved))
        .count();
    let objections =
        pull_request.participants.iter().any(|one| one.verdict == Some(Verdict::ChangesRequested));
    let tasks = pull_request.tasks.iter().filter(|task| task.resolved.is_none()).count();
    let commits = brought(repository, pull_request);
    let builds_pass = repository
        .statuses()
        .iter()
        .filter(|status| commits.first() == Some(&status.commit))
        .all(|status| status.state == "SUCCESSFUL");
    let behind =
        match (pull_request.source_hash(repository), pull_request.destination_hash(repository)) {
            (Some(source), Some(destination)) => {
                repository.git.log(&[destination], &[source], None).len()
            }
            _ => 0,
        };
    let mut checks = vec![
        ("require_approvals_to_merge", approvals >= 1, "At least 1 approval is needed.".to_owned()),
        ("require_no_changes_requested", !objections, "Changes were requested.".to_owned()),
        (
            "require_tasks_to_be_completed",
            tasks == 0,
            format!("{tasks} unresolved task{}.", if tasks == 1 { "" } else { "s" }),
        ),
        (
            "require_passing_builds_to_merge",
            builds_pass,
            "Not every build of the last commit has passed.".to_owned(),
        ),
    ];
    if with_behind {
        let reason = format!("The source branch is {behind} commits behind.");
        checks.push(("maximum_commits_behind", behind <= 20, reason));
    }
    checks
        .into_iter()
        .map(|(kind, passed, reason)| {
            let more = json!({ "check": { "type": "branchrestriction", "kind": kind } });
            check("standard_merge_check", passed, false, &reason, more)
        })
        .collect()
}

fn check(kind: &str, passed: bool, required: bool, reason: &str, more: Value) -> Value {
    let mut check = json!({
        "type": kind,
        "status": if passed { "PASSED" } else { "FAILED" },
        "required": required,
        "blocking": required && !passed,
        "reason": (!passed).then_some(reason),
    });
    if let (Some(check), Value::Object(more)) = (check.as_object_mut(), more) {
        check.extend(more);
    }
    check
}

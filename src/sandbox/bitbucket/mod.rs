//! A Bitbucket Cloud on loopback: REST API 2.0, with the habits of the real one that a client has to
//! know. Every answer is in JSON shapes of real size, nulls and links included.

mod activity;
mod areas;
mod call;
mod checks;
mod comments;
mod commit_files;
mod commits;
mod diffs;
mod downloads;
mod edits;
mod errors;
mod fields;
mod forms;
mod members;
mod merge;
mod model;
mod page;
mod pull_request_shapes;
mod pull_requests;
mod query;
mod refs;
mod reports;
mod repositories;
mod reviews;
mod scopes;
mod search;
mod seed_hostile;
mod seed_pull_requests;
mod seed_review_42;
mod seed_reviews;
mod shapes;
mod snippets;
mod source;
mod state;
mod statuses;
mod tasks;
mod users;
mod workspaces;

use std::fmt::Display;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::any;

use self::call::Asked;
use self::errors::ApiError;
pub(super) use self::state::Api;
use super::world::{Grant, TokenProblem};

/// The whole API under `/2.0`.
pub(super) fn router(api: Api) -> Router {
    let served = Router::new()
        .merge(users::routes())
        .merge(workspaces::routes())
        .merge(members::routes())
        .merge(repositories::routes())
        .merge(source::routes())
        .merge(commit_files::routes())
        .merge(refs::routes())
        .merge(commits::routes())
        .merge(diffs::routes())
        .merge(pull_requests::routes())
        .merge(reviews::routes())
        .merge(comments::routes())
        .merge(tasks::routes())
        .merge(statuses::routes())
        .merge(activity::routes())
        .merge(merge::routes())
        .merge(checks::routes())
        .merge(edits::routes())
        .merge(search::routes())
        .merge(reports::routes())
        .merge(downloads::routes())
        .merge(snippets::routes())
        // Removed on 2026-04-14 (CHANGE-2770).
        .route("/workspaces", any(gone))
        .route("/repositories", any(gone))
        .route("/user/permissions/workspaces", any(gone))
        .route("/user/permissions/repositories", any(gone))
        .fallback(no_such_api)
        .method_not_allowed_fallback(wrong_method);
    Router::new()
        .nest("/2.0", served)
        .fallback(no_such_api)
        .layer(from_fn_with_state(api.clone(), front))
        .merge(source::media())
        .merge(snippets::storage())
        .with_state(api)
}

/// What stands in front of every handler: who asks, where renamed things went, and the headers that
/// every answer has.
async fn front(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let grant = match identify(&api, &request) {
        Ok(grant) => grant,
        Err(error) => return finish(&api, error.into_response(), None),
    };
    let response = match moved(&api, request.uri()) {
        Some(target) => {
            (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, target)]).into_response()
        }
        None => {
            let asked = Asked(request.uri().clone());
            request.extensions_mut().insert(asked);
            request.extensions_mut().insert(grant.clone());
            match lost_history(&api, &grant, request.uri()) {
                Some(page) => page,
                None => next.run(request).await,
            }
        }
    };
    finish(&api, response, Some(&grant))
}

fn identify(api: &Api, request: &Request) -> Result<Grant, ApiError> {
    let bearer = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let Some(bearer) = bearer else {
        return Err(ApiError::unauthorized("Token is invalid or not supported for this endpoint."));
    };
    api.identify(bearer).map_err(|problem| {
        ApiError::unauthorized(match problem {
            TokenProblem::Expired => {
                "Access token expired. Use your refresh token to obtain a new access token."
            }
            TokenProblem::Unknown | TokenProblem::Revoked => {
                "Token is invalid, expired, or not supported for this endpoint."
            }
        })
    })
}

/// Where a renamed repository lives now.
fn moved(api: &Api, uri: &Uri) -> Option<String> {
    let rest = uri.path().strip_prefix("/2.0/repositories/acme/storefront")?;
    if !(rest.is_empty() || rest.starts_with('/')) {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("{}/repositories/acme/shop{rest}{query}", api.base()))
}

/// The one address that answers 404 with a web page: the commits of a repository that is not there.
/// The page holds the caller's profile and a token of theirs, and is about as long as the real one.
fn lost_history(api: &Api, grant: &Grant, uri: &Uri) -> Option<Response> {
    let mut parts = uri.path().strip_prefix("/2.0/repositories/")?.split('/');
    let (workspace, slug) = (parts.next()?, parts.next()?);
    if parts.next() != Some("commits") || api.repository(grant, workspace, slug).is_ok() {
        return None;
    }
    let profile = api.account(grant.person);
    let padding = "<div class=\"aui-nav\"><span class=\"icon\"></span></div>\n".repeat(440);
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>Repository not found — Bitbucket</title>\n\
         <meta id=\"bb-bootstrap\" data-current-user='{profile}' \
         data-web-token=\"eyJhbGciOiJIUzI1NiJ9.short-lived\">\n</head>\n<body>\n{padding}\
         <h1>Repository not found</h1>\n</body>\n</html>\n"
    );
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    Some((StatusCode::NOT_FOUND, kind, page).into_response())
}

fn finish(api: &Api, mut response: Response, grant: Option<&Grant>) -> Response {
    let count = api.count();
    let mut add = |name: &'static str, value: &dyn Display| {
        if let Ok(value) = HeaderValue::from_str(&value.to_string()) {
            response.headers_mut().insert(name, value);
        }
    };
    add("x-request-count", &count);
    add("x-b3-traceid", &format_args!("{:016x}", count.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    add("vary", &"Authorization, Accept-Encoding");
    add("cache-control", &"must-revalidate, max-age=0");
    if let Some(grant) = grant {
        let granted: Vec<&str> = grant.scopes.iter().map(AsRef::as_ref).collect();
        add("x-oauth-scopes", &scopes::condensed(&granted).join(", "));
        add("x-credential-type", &"oauth2");
    }
    response
}

async fn gone() -> ApiError {
    ApiError::gone()
}

async fn no_such_api() -> ApiError {
    ApiError::no_such_api()
}

async fn wrong_method() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed")
}

#[cfg(test)]
mod tests;

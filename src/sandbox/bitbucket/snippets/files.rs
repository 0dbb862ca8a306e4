//! What is in the files of a snippet.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::{Snippet, find};
use crate::sandbox::bitbucket::call::Call;
use crate::sandbox::bitbucket::errors::ApiError;
use crate::sandbox::bitbucket::scopes::needs;
use crate::sandbox::bitbucket::source::escaped;
use crate::sandbox::bitbucket::state::Api;

pub(super) fn routes() -> Router<Api> {
    const ONE: &str = "/snippets/{workspace}/{id}";
    Router::new()
        .route(&format!("{ONE}/files/{{*name}}"), needs("snippet", get(newest)))
        .route(&format!("{ONE}/{{node}}/files/{{*name}}"), needs("snippet", get(version)))
}

/// Where some contents are. It is another origin than the API's, and refuses a token.
pub(super) fn storage() -> Router<Api> {
    Router::new().route("/_snippets/{workspace}/{id}/{*name}", get(stored))
}

/// Redirects to the newest version.
async fn newest(
    call: Call,
    Path((workspace, id, name)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let snippet = find(&call, &workspace, &id)?;
    contents(&snippet, &name)?;
    let (base, node) = (call.api.base(), &snippet.node);
    let target = format!("{base}/snippets/{workspace}/{id}/{node}/files/{}", escaped(&name));
    Ok((StatusCode::FOUND, [(header::LOCATION, target)]).into_response())
}

/// Pictures are kept elsewhere.
async fn version(
    call: Call,
    Path((workspace, id, node, name)): Path<(String, String, String, String)>,
) -> Result<Response, ApiError> {
    let snippet = find(&call, &workspace, &id)?;
    if snippet.node != node {
        return Err(ApiError::not_found("Changeset not found."));
    }
    let data = contents(&snippet, &name)?;
    if name.ends_with(".png") {
        // The same server under its other name, and so another origin.
        let origin = call.api.origin().replace("127.0.0.1", "localhost");
        let place = format!("{}/{id}/{}", snippet.workspace, escaped(&name));
        let target = format!("{origin}/_snippets/{place}?token=signed");
        return Ok((StatusCode::FOUND, [(header::LOCATION, target)]).into_response());
    }
    Ok(file(data))
}

async fn stored(
    State(api): State<Api>,
    headers: HeaderMap,
    Path((workspace, id, name)): Path<(String, String, String)>,
) -> Response {
    if headers.contains_key(header::AUTHORIZATION) {
        return (StatusCode::BAD_REQUEST, "Only one auth mechanism allowed").into_response();
    }
    let store = api.snippets();
    let found = store
        .place(&workspace, &id)
        .ok()
        .and_then(|place| store.snippets.get(place))
        .and_then(|snippet| contents(snippet, &name).ok());
    match found {
        Some(data) => file(data),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn contents<'a>(snippet: &'a Snippet, name: &str) -> Result<&'a [u8], ApiError> {
    let found = snippet.files.iter().find(|(known, _)| known == name);
    found
        .map(|(_, data)| data.as_slice())
        .ok_or_else(|| ApiError::not_found(format!("No such file: {name}")))
}

fn file(data: &[u8]) -> Response {
    let headers =
        [(header::CONTENT_TYPE, "text/plain"), (header::CONTENT_DISPOSITION, "attachment")];
    (headers, data.to_vec()).into_response()
}

//! `/workspaces/{workspace}/members`: with whom somebody works.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use serde_json::json;

use super::call::Call;
use super::errors::ApiError;
use super::page::{self, Paging};
use super::scopes::needs;
use super::shapes::braces;
use super::state::Api;
use super::workspaces;
use crate::sandbox::people;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/workspaces/{workspace}/members", needs("account", get(list)))
}

async fn list(call: Call, Path(id): Path<String>) -> Result<Response, ApiError> {
    let workspace = workspaces::visible(&call, &id)?;
    // Filtering by address is for administrators (operation `GET …/members`).
    let asks_for_addresses =
        call.query.first("q").is_some_and(|query| query.contains("user.email"));
    if asks_for_addresses && workspace.role(call.grant.person) != Some("owner") {
        return Err(ApiError::forbidden("Only administrators may filter by email."));
    }
    let url = format!("{}/workspaces/{}/members", call.api.base(), workspace.slug);
    let values = workspace
        .members
        .iter()
        .filter_map(|(nickname, _)| people::find(nickname))
        .map(|person| {
            json!({
                "type": "workspace_membership",
                "user": call.api.account(person),
                "workspace": call.api.workspace(workspace),
                "links": { "self": { "href": format!("{url}/{}", braces(person.bitbucket_uuid)) } },
            })
        })
        .collect();
    let paging = Paging { unfilterable: &["user.display_name"], ..Paging::up_to(100) };
    page::respond(&call, values, paging)
}

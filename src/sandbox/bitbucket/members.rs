//! `/workspaces/{workspace}/members`: with whom somebody works.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

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
        .map(|person| call.api.account(person))
        .map(|account| with_status(account, "active"))
        .chain((workspace.slug == "acme").then(|| with_status(former(), "inactive")))
        .map(|user| {
            let uuid = user.get("uuid").and_then(Value::as_str).map(braces).unwrap_or_default();
            json!({
                "type": "workspace_membership",
                "user": user,
                "workspace": call.api.workspace(workspace),
                "links": { "self": { "href": format!("{url}/{uuid}") } },
            })
        })
        .collect();
    let paging = Paging { unfilterable: &["user.display_name"], ..Paging::up_to(100) };
    page::respond(&call, values, paging)
}

/// Somebody who has left, but is a member still: Bitbucket takes them for a reviewer no more.
fn former() -> Value {
    json!({
        "type": "user",
        "display_name": "Dora Novak",
        "uuid": "{d0a4b7c2-5e16-4f38-8b90-2c6d7e8f9a05}",
        "account_id": "712020:d0a4b7c2-0005-4f38-8b90-d0a000000005",
        "nickname": "dora",
        "links": {},
    })
}

fn with_status(mut account: Value, status: &str) -> Value {
    if let Some(account) = account.as_object_mut() {
        account.insert("account_status".into(), json!(status));
    }
    account
}

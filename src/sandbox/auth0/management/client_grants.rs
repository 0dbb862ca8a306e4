//! `/client-grants`

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::super::Auth0;
use super::super::objects::{Object, new_grant, texts};
use super::errors::ManagementError;
use super::query::Query;
use super::{body, resource_servers, schemas};

const FILTERS: [&str; 5] =
    ["audience", "client_id", "subject_type", "default_for", "allow_any_organization"];

/// `GET /client-grants`
pub(super) async fn list(
    State(auth0): State<Auth0>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Value>, ManagementError> {
    auth0.admit(&headers, &["read:client_grants"])?;
    let query = Query::read(query.as_deref(), &FILTERS)?;
    let tenant = &auth0.world.lock().tenant;
    let wanted = tenant.grants.iter().filter(|grant| query.matches(grant, &FILTERS));
    Ok(Json(query.page("client_grants", wanted.map(Object::to_value).collect(), &[])))
}

/// `GET /client-grants/{id}`
pub(super) async fn get(
    State(auth0): State<Auth0>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, ManagementError> {
    auth0.admit(&headers, &["read:client_grants"])?;
    let tenant = &auth0.world.lock().tenant;
    let grant = tenant.grants.iter().find(|grant| grant.id() == id).ok_or_else(unknown)?;
    Ok(Json(grant.to_value()))
}

/// `POST /client-grants`
pub(super) async fn create(
    State(auth0): State<Auth0>,
    headers: HeaderMap,
    sent: Bytes,
) -> Result<(StatusCode, Json<Value>), ManagementError> {
    auth0.admit(&headers, &["create:client_grants"])?;
    let body = body::object(&headers, &sent, schemas::NEW_GRANT.as_ref())?;
    let tenant = &mut auth0.world.lock().tenant;
    if body.contains_key("client_id") == body.contains_key("default_for") {
        let text = "Exactly one of client_id and default_for must be present";
        return Err(ManagementError::bad_request("invalid_body", text));
    }
    let grant = new_grant(body);
    let audience = grant.text("audience").unwrap_or_default();
    let server = tenant.resource_server(audience).ok_or_else(resource_servers::unknown)?;
    if let Some(client_id) = grant.text("client_id")
        && tenant.client(client_id).is_none()
    {
        let text = "The client does not exist";
        return Err(ManagementError::not_found(Some("inexistent_client"), text));
    }
    let subject = grant.text("subject_type").unwrap_or_default();
    if server.policy(subject) == "deny_all" {
        let text = format!("Client grants for {subject}s are not allowed for the resource server");
        return Err(ManagementError::bad_request("operation_not_supported", text));
    }
    check_scopes(server, &grant.0)?;
    let same = tenant.grants.iter().any(|known| {
        known.grants(audience, subject)
            && known.text("client_id") == grant.text("client_id")
            && known.text("default_for") == grant.text("default_for")
    });
    if same {
        let text = "A resource with the same client_id, audience and subject_type already exists.";
        return Err(ManagementError::conflict("grant_conflict", text));
    }
    let answer = grant.to_value();
    tenant.grants.push(grant);
    Ok((StatusCode::CREATED, Json(answer)))
}

/// `PATCH /client-grants/{id}`
pub(super) async fn change(
    State(auth0): State<Auth0>,
    Path(id): Path<String>,
    headers: HeaderMap,
    sent: Bytes,
) -> Result<Json<Value>, ManagementError> {
    auth0.admit(&headers, &["update:client_grants"])?;
    let body = body::object(&headers, &sent, schemas::CHANGED_GRANT.as_ref())?;
    let tenant = &mut auth0.world.lock().tenant;
    let grant = tenant.grants.iter().find(|grant| grant.id() == id).ok_or_else(unknown)?;
    let audience = grant.text("audience").unwrap_or_default();
    if let Some(server) = tenant.resource_server(audience) {
        check_scopes(server, &body)?;
    }
    let all = body.get("allow_all_scopes") == Some(&Value::Bool(true));
    let listed = body.contains_key("scope");
    let mut grants = tenant.grants.iter_mut();
    let grant = grants.find(|grant| grant.id() == id).ok_or_else(unknown)?;
    grant.change(body);
    if all {
        grant.remove("scope");
    } else if listed {
        grant.remove("allow_all_scopes");
    }
    Ok(Json(grant.to_value()))
}

/// `DELETE /client-grants/{id}`
pub(super) async fn remove(
    State(auth0): State<Auth0>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, ManagementError> {
    auth0.admit(&headers, &["delete:client_grants"])?;
    auth0.world.lock().tenant.grants.retain(|grant| grant.id() != id);
    Ok(StatusCode::NO_CONTENT)
}

/// Only what an API has can be granted.
fn check_scopes(server: &Object, body: &Map<String, Value>) -> Result<(), ManagementError> {
    let known = server.scope_names();
    let scopes = texts(body.get("scope"));
    let unknown: Vec<_> = scopes.into_iter().filter(|scope| !known.contains(scope)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let text = format!("The following scopes are not defined in the API: {}", unknown.join(", "));
    Err(ManagementError::bad_request("invalid_body", text))
}

fn unknown() -> ManagementError {
    ManagementError::not_found(Some("inexistent_client_grant"), "The client grant does not exist")
}

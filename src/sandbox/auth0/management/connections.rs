//! `/connections`

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::super::Auth0;
use super::super::objects::{Object, new_connection};
use super::super::tenant::CONNECTION;
use super::errors::ManagementError;
use super::query::Query;
use super::{Granted, body, schemas};

/// What an answer has whatever fields were asked for.
const KEPT: &[&str] = &["id", "is_domain_connection", "authentication", "connected_accounts"];

/// `GET /connections`
pub(super) async fn list(
    State(auth0): State<Auth0>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Value>, ManagementError> {
    let granted = auth0.admit(&headers, &["read:connections"])?;
    let query = Query::read(query.as_deref(), &["name", "strategy", "domain_alias"])?;
    let tenant = &auth0.world.lock().tenant;
    let wanted = tenant.connections.iter();
    let wanted = wanted.filter(|connection| query.matches(connection, &["name", "strategy"]));
    let shown = wanted.map(|connection| shown(connection, &granted)).collect();
    Ok(Json(query.page("connections", shown, KEPT)))
}

/// `GET /connections/{id}`
pub(super) async fn get(
    State(auth0): State<Auth0>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Value>, ManagementError> {
    let granted = auth0.admit(&headers, &["read:connections"])?;
    let query = Query::read(query.as_deref(), &[])?;
    let tenant = &auth0.world.lock().tenant;
    let connection = tenant.connection(&id).ok_or_else(unknown)?;
    Ok(Json(query.fields(shown(connection, &granted), KEPT)))
}

/// `POST /connections`
pub(super) async fn create(
    State(auth0): State<Auth0>,
    headers: HeaderMap,
    sent: Bytes,
) -> Result<(StatusCode, Json<Value>), ManagementError> {
    let granted = auth0.admit(&headers, &["create:connections"])?;
    let body = body::object(&headers, &sent, schemas::NEW_CONNECTION.as_ref())?;
    let strategy = body.get("strategy").and_then(Value::as_str).unwrap_or_default();
    check_options(strategy, body.get("options"))?;
    let tenant = &mut auth0.world.lock().tenant;
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
    if tenant.connection_named(name).is_some() {
        let text = "A connection with the same name already exists";
        return Err(ManagementError::conflict("connection_conflict", text));
    }
    let connection = new_connection(body);
    let answer = shown(&connection, &granted);
    tenant.connections.push(connection);
    Ok((StatusCode::CREATED, Json(answer)))
}

/// `PATCH /connections/{id}`: `options` are replaced whole.
pub(super) async fn change(
    State(auth0): State<Auth0>,
    Path(id): Path<String>,
    headers: HeaderMap,
    sent: Bytes,
) -> Result<Json<Value>, ManagementError> {
    let granted = auth0.admit(&headers, &["update:connections"])?;
    let body = body::object(&headers, &sent, schemas::CHANGED_CONNECTION.as_ref())?;
    if body.contains_key("options") {
        granted.require("update:connections_options")?;
    }
    let tenant = &mut auth0.world.lock().tenant;
    let connection = tenant.connections.iter_mut().find(|connection| connection.id() == id);
    let connection = connection.ok_or_else(unknown)?;
    check_options(connection.text("strategy").unwrap_or_default(), body.get("options"))?;
    connection.change(body);
    Ok(Json(shown(connection, &granted)))
}

/// `DELETE /connections/{id}`. What people had connected with it is gone.
pub(super) async fn remove(
    State(auth0): State<Auth0>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Value>), ManagementError> {
    auth0.admit(&headers, &["delete:connections"])?;
    let mut world = auth0.world.lock();
    if world.tenant.connection(&id).is_none() {
        return Err(unknown());
    }
    world.tenant.connections.retain(|connection| connection.id() != id);
    world.accounts.retain(|account| account.connection != id);
    let deleted_at = format!("{:.3}", jiff::Timestamp::now());
    Ok((StatusCode::ACCEPTED, Json(json!({ "deleted_at": deleted_at }))))
}

/// `GET /connections/{id}/clients`
pub(super) async fn clients(
    State(auth0): State<Auth0>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Value>, ManagementError> {
    auth0.admit(&headers, &["read:connections"])?;
    let query = Query::read(query.as_deref(), &[])?.by_checkpoint();
    let tenant = &auth0.world.lock().tenant;
    let connection = tenant.connection(&id).ok_or_else(unknown)?;
    let enabled = connection.list("enabled_clients");
    let enabled = enabled.into_iter().map(|id| json!({ "client_id": id })).collect();
    Ok(Json(query.page("clients", enabled, &[])))
}

/// `PATCH /connections/{id}/clients`
pub(super) async fn change_clients(
    State(auth0): State<Auth0>,
    Path(id): Path<String>,
    headers: HeaderMap,
    sent: Bytes,
) -> Result<StatusCode, ManagementError> {
    auth0.admit(&headers, &["update:connections"])?;
    let body = body::read(&headers, &sent, schemas::CONNECTION_CLIENTS.as_ref())?;
    let tenant = &mut auth0.world.lock().tenant;
    if tenant.connection(&id).is_none() {
        return Err(unknown());
    }
    let changes: Vec<(String, bool)> = body
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| {
            Some((one.get("client_id")?.as_str()?.to_owned(), one.get("status")?.as_bool()?))
        })
        .collect();
    if changes.iter().any(|(client_id, _)| tenant.client(client_id).is_none()) {
        let text = "One or more of the clients do not exist";
        return Err(ManagementError::bad_request("invalid_body", text));
    }
    let mut connections = tenant.connections.iter_mut();
    if let Some(connection) = connections.find(|connection| connection.id() == id) {
        for (client_id, enabled) in changes {
            connection.enable_for(&client_id, enabled);
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

fn shown(connection: &Object, granted: &Granted) -> Value {
    let mut connection = connection.clone();
    if !granted.has("read:connections_options") {
        connection.remove("options");
    }
    connection.to_value()
}

/// Bitbucket's scopes are a list; those of other providers may be one text.
fn check_options(strategy: &str, options: Option<&Value>) -> Result<(), ManagementError> {
    let scope = options.and_then(|options| options.get("scope"));
    let listed = scope.is_none_or(|scope| {
        scope.as_array().is_some_and(|scopes| scopes.iter().all(Value::is_string))
    });
    if strategy == CONNECTION && !listed {
        return Err(ManagementError::invalid_body("Expected type array", "options.scope"));
    }
    Ok(())
}

fn unknown() -> ManagementError {
    ManagementError::not_found(Some("inexistent_connection"), "The connection does not exist")
}

//! `/clients`: the applications.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::super::Auth0;
use super::super::objects::{Object, new_client, refresh_token};
use super::super::tenant::Tenant;
use super::errors::ManagementError;
use super::query::Query;
use super::{Granted, body, schemas};

const KEPT: &[&str] = &["client_id"];
/// What only those read who may read keys.
const KEYS: [&str; 3] = ["client_secret", "signing_keys", "encryption_key"];
/// What else a change of these takes.
const GUARDED: [(&str, &str); 3] = [
    ("client_secret", "update:client_keys"),
    ("client_authentication_methods", "update:client_credentials"),
    ("token_vault_privileged_access", "update:client_token_vault_privileged_access"),
];

/// `GET /clients`
pub(super) async fn list(
    State(auth0): State<Auth0>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Value>, ManagementError> {
    let granted = auth0.admit(&headers, &["read:clients"])?;
    let filters = ["is_first_party", "app_type", "is_global", "q"];
    let query = Query::read(query.as_deref(), &filters)?;
    let tenant = &auth0.world.lock().tenant;
    let kinds: Vec<&str> = query.filter("app_type").unwrap_or_default().split(',').collect();
    let wanted = tenant.clients.iter().filter(|client| {
        query.matches(client, &["is_first_party"])
            && (query.filter("app_type").is_none()
                || client.text("app_type").is_some_and(|kind| kinds.contains(&kind)))
    });
    let shown = wanted.map(|client| shown(client, &granted)).collect();
    Ok(Json(query.page("clients", shown, KEPT)))
}

/// `GET /clients/{id}`
pub(super) async fn get(
    State(auth0): State<Auth0>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Value>, ManagementError> {
    let granted = auth0.admit(&headers, &["read:clients"])?;
    let query = Query::read(query.as_deref(), &[])?;
    let tenant = &auth0.world.lock().tenant;
    let client = tenant.client(&id).ok_or_else(unknown)?;
    Ok(Json(query.fields(shown(client, &granted), KEPT)))
}

/// `POST /clients`. The answer holds the new secret, whatever the caller may read.
pub(super) async fn create(
    State(auth0): State<Auth0>,
    headers: HeaderMap,
    sent: Bytes,
) -> Result<(StatusCode, Json<Value>), ManagementError> {
    auth0.admit(&headers, &["create:clients"])?;
    let body = body::object(&headers, &sent, schemas::NEW_CLIENT.as_ref())?;
    let tenant = &mut auth0.world.lock().tenant;
    let for_api = body.get("app_type").and_then(Value::as_str) == Some("resource_server");
    let api = body.get("resource_server_identifier").and_then(Value::as_str).map(str::to_owned);
    check_api(tenant, for_api, api.as_deref())?;
    check_policies(tenant, &body)?;
    let client = new_client(body);
    let id = client.text("client_id").unwrap_or_default().to_owned();
    let logs_in =
        !for_api && client.list("grant_types").iter().any(|one| one == "authorization_code");
    let answer = client.to_value();
    tenant.clients.push(client);
    if let Some(api) = api {
        tenant.link_api_client(&id, &api);
    }
    // `flags.enable_client_connections`: on until it is turned off. Here it reaches databases only, so
    // that nobody relies on it for another connection.
    let connects = tenant.settings.inside("flags", "enable_client_connections");
    if logs_in && connects.and_then(Value::as_bool) != Some(false) {
        for connection in
            tenant.connections.iter_mut().filter(|one| one.text("strategy") == Some("auth0"))
        {
            connection.enable_for(&id, true);
        }
    }
    Ok((StatusCode::CREATED, Json(answer)))
}

/// `PATCH /clients/{id}`: lists and `refresh_token` are replaced whole.
pub(super) async fn change(
    State(auth0): State<Auth0>,
    Path(id): Path<String>,
    headers: HeaderMap,
    sent: Bytes,
) -> Result<Json<Value>, ManagementError> {
    let granted = auth0.admit(&headers, &["update:clients"])?;
    let mut body = body::object(&headers, &sent, schemas::CHANGED_CLIENT.as_ref())?;
    for (name, scope) in GUARDED {
        if body.contains_key(name) {
            granted.require(scope)?;
        }
    }
    let tenant = &mut auth0.world.lock().tenant;
    let client = tenant.client(&id).ok_or_else(unknown)?;
    if body.get("app_type").and_then(Value::as_str).is_some_and(|kind| {
        (kind == "resource_server") != (client.text("app_type") == Some("resource_server"))
    }) {
        let text = "The app_type of a resource_server client cannot be changed";
        return Err(ManagementError::bad_request("invalid_body", text));
    }
    check_policies(tenant, &body)?;
    if let Some(Value::Object(given)) = body.get("refresh_token") {
        let whole = refresh_token(given);
        body.insert("refresh_token".to_owned(), whole);
    }
    let mut clients = tenant.clients.iter_mut();
    let client =
        clients.find(|client| client.text("client_id") == Some(&id)).ok_or_else(unknown)?;
    client.change(body);
    Ok(Json(shown(client, &granted)))
}

/// `DELETE /clients/{id}`
pub(super) async fn remove(
    State(auth0): State<Auth0>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, ManagementError> {
    auth0.admit(&headers, &["delete:clients"])?;
    auth0.world.lock().tenant.delete_client(&id);
    Ok(StatusCode::NO_CONTENT)
}

fn shown(client: &Object, granted: &Granted) -> Value {
    let mut client = client.clone();
    if !granted.has("read:client_keys") {
        KEYS.iter().for_each(|key| client.remove(key));
    }
    client.to_value()
}

fn check_api(tenant: &Tenant, for_api: bool, api: Option<&str>) -> Result<(), ManagementError> {
    let Some(api) = api else { return Ok(()) };
    if !for_api {
        let text = "resource_server_identifier can only be set for clients of type resource_server";
        return Err(ManagementError::bad_request("invalid_body", text));
    }
    let server = tenant.resource_server(api).ok_or_else(super::resource_servers::unknown)?;
    match server.text("client_id") {
        None => Ok(()),
        Some(_) => {
            let text = "The resource server is already associated to a client";
            Err(ManagementError::conflict("resource_server_conflict", text))
        }
    }
}

/// Refresh tokens reach only APIs that are there, and never the Management API.
fn check_policies(tenant: &Tenant, body: &Map<String, Value>) -> Result<(), ManagementError> {
    let policies = body.get("refresh_token").and_then(|one| one.get("policies")?.as_array());
    for policy in policies.into_iter().flatten() {
        let audience = policy.get("audience").and_then(Value::as_str).unwrap_or_default();
        if audience == tenant.management_audience() {
            let text = "The Management API cannot be in refresh_token.policies";
            return Err(ManagementError::bad_request("invalid_body", text));
        }
        let server = tenant.resource_server(audience);
        let known = server.ok_or_else(super::resource_servers::unknown)?.scope_names();
        let scopes = super::super::objects::texts(policy.get("scope"));
        if let Some(scope) = scopes.iter().find(|scope| !known.contains(scope)) {
            let text = format!("Scope {scope} is not defined for {audience}");
            return Err(ManagementError::bad_request("invalid_body", text));
        }
    }
    Ok(())
}

fn unknown() -> ManagementError {
    ManagementError::not_found(Some("inexistent_client"), "The client does not exist")
}

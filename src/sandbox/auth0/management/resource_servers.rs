//! `/resource-servers`: the APIs.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::super::Auth0;
use super::super::objects::{Object, my_account_api, new_resource_server};
use super::super::tenant::Tenant;
use super::errors::ManagementError;
use super::query::Query;
use super::{body, schemas};

/// `GET /resource-servers`
pub(super) async fn list(
    State(auth0): State<Auth0>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Value>, ManagementError> {
    auth0.admit(&headers, &["read:resource_servers"])?;
    let query = Query::read(query.as_deref(), &["identifier", "identifiers"])?;
    let tenant = &mut auth0.world.lock().tenant;
    let named = [query.filter("identifier"), query.filter("identifiers")];
    let named: Vec<&str> = named.into_iter().flatten().collect();
    let wanted = tenant
        .resource_servers
        .iter_mut()
        .filter(|server| named.is_empty() || named.contains(&server.identifier()));
    let shown = wanted.map(shown).collect();
    Ok(Json(query.page("resource_servers", shown, &["id"])))
}

/// `GET /resource-servers/{id}`, by id or identifier.
pub(super) async fn get(
    State(auth0): State<Auth0>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, ManagementError> {
    auth0.admit(&headers, &["read:resource_servers"])?;
    let tenant = &mut auth0.world.lock().tenant;
    Ok(Json(shown(find(tenant, &id).ok_or_else(unknown)?)))
}

/// `POST /resource-servers`. With the identifier of the My Account API it activates that, whatever else
/// the body says.
pub(super) async fn create(
    State(auth0): State<Auth0>,
    headers: HeaderMap,
    sent: Bytes,
) -> Result<(StatusCode, Json<Value>), ManagementError> {
    auth0.admit(&headers, &["create:resource_servers"])?;
    let body = body::object(&headers, &sent, schemas::NEW_RESOURCE_SERVER.as_ref())?;
    let tenant = &mut auth0.world.lock().tenant;
    let identifier = body.get("identifier").and_then(Value::as_str).unwrap_or_default().to_owned();
    if tenant.resource_server(&identifier).is_some() {
        let text = "A resource server with the same identifier already exists.";
        return Err(ManagementError::conflict("resource_server_conflict", text));
    }
    let server = if identifier == tenant.my_account_audience() {
        let mut server = my_account_api(&identifier);
        if let Some(policy) = body.get("authorization_policy") {
            server.set("authorization_policy", policy.clone());
        }
        server
    } else {
        new_resource_server(body)
    };
    let answer = server.to_value();
    tenant.resource_servers.push(server);
    Ok((StatusCode::CREATED, Json(answer)))
}

/// `PATCH /resource-servers/{id}`: `scopes` are replaced whole.
pub(super) async fn change(
    State(auth0): State<Auth0>,
    Path(id): Path<String>,
    headers: HeaderMap,
    sent: Bytes,
) -> Result<Json<Value>, ManagementError> {
    auth0.admit(&headers, &["update:resource_servers"])?;
    let tenant = &mut auth0.world.lock().tenant;
    let server = find(tenant, &id).ok_or_else(unknown)?;
    let schema = match server.is_system() {
        true => schemas::CHANGED_SYSTEM_API.as_ref(),
        false => schemas::CHANGED_RESOURCE_SERVER.as_ref(),
    };
    let mut body = body::object(&headers, &sent, schema)?;
    if let Some(Value::Object(policies)) = body.remove("subject_type_authorization") {
        let closed = server.is_system() && policies.contains_key("client");
        if closed && server.policy("client") == "deny_all" {
            let text = "The client policy of the My Account API cannot be changed";
            return Err(ManagementError::bad_request("operation_not_supported", text));
        }
        for (subject, policy) in policies {
            server.set_inside("subject_type_authorization", &subject, policy);
        }
    }
    server.change(body);
    Ok(Json(server.to_value()))
}

/// `DELETE /resource-servers/{id}`
pub(super) async fn remove(
    State(auth0): State<Auth0>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, ManagementError> {
    auth0.admit(&headers, &["delete:resource_servers"])?;
    let tenant = &mut auth0.world.lock().tenant;
    let management = tenant.management_audience();
    if let Some(server) = find(tenant, &id) {
        let identifier = server.identifier().to_owned();
        if identifier == management {
            let text = "The Management API cannot be deleted";
            return Err(ManagementError::bad_request("operation_not_supported", text));
        }
        tenant.delete_resource_server(&identifier);
    }
    Ok(StatusCode::NO_CONTENT)
}

fn find<'a>(tenant: &'a mut Tenant, id: &str) -> Option<&'a mut Object> {
    let mut servers = tenant.resource_servers.iter_mut();
    servers.find(|server| server.id() == id || server.identifier() == id)
}

fn shown(server: &mut Object) -> Value {
    if server.is_system() {
        server.add_further_scopes();
    }
    server.to_value()
}

pub(super) fn unknown() -> ManagementError {
    ManagementError::not_found(
        Some("inexistent_resource_server"),
        "The resource server does not exist",
    )
}

//! What there is one of, or what is only read: the tenant's settings, its custom domains, its policies
//! on second factors, its organizations.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::super::Auth0;
use super::super::objects::{Object, shown_settings};
use super::errors::ManagementError;
use super::query::Query;
use super::{body, schemas};

/// `GET /tenants/settings`
pub(super) async fn settings(
    State(auth0): State<Auth0>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Value>, ManagementError> {
    auth0.admit(&headers, &["read:tenant_settings"])?;
    let query = Query::read(query.as_deref(), &[])?;
    let settings = shown_settings(&auth0.world.lock().tenant.settings);
    Ok(Json(query.fields(settings.to_value(), &[])))
}

/// `PATCH /tenants/settings`
pub(super) async fn change_settings(
    State(auth0): State<Auth0>,
    headers: HeaderMap,
    sent: Bytes,
) -> Result<Json<Value>, ManagementError> {
    auth0.admit(&headers, &["update:tenant_settings"])?;
    let body = body::object(&headers, &sent, schemas::CHANGED_SETTINGS.as_ref())?;
    let tenant = &mut auth0.world.lock().tenant;
    tenant.merge_settings(body);
    Ok(Json(tenant.settings.to_value()))
}

/// `GET /custom-domains`
pub(super) async fn custom_domains(
    State(auth0): State<Auth0>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Value>, ManagementError> {
    auth0.admit(&headers, &["read:custom_domains"])?;
    let query = Query::read(query.as_deref(), &["q", "sort"])?;
    let tenant = &auth0.world.lock().tenant;
    let shown = tenant.custom_domains.iter().map(Object::to_value).collect();
    Ok(Json(query.page("custom_domains", shown, &[])))
}

/// `GET /guardian/policies`
pub(super) async fn policies(
    State(auth0): State<Auth0>,
    headers: HeaderMap,
) -> Result<Json<Value>, ManagementError> {
    auth0.admit(&headers, &["read:mfa_policies"])?;
    Ok(Json(json!(auth0.world.lock().tenant.guardian_policies)))
}

/// `GET /organizations`
pub(super) async fn organizations(
    State(auth0): State<Auth0>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Value>, ManagementError> {
    auth0.admit(&headers, &["read:organizations"])?;
    let query = Query::read(query.as_deref(), &["sort"])?;
    let tenant = &auth0.world.lock().tenant;
    let shown = tenant.organizations.iter().map(organization).collect();
    Ok(Json(query.page("organizations", shown, &[])))
}

/// `GET /organizations/{id}`
pub(super) async fn one_organization(
    State(auth0): State<Auth0>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, ManagementError> {
    auth0.admit(&headers, &["read:organizations"])?;
    let tenant = &auth0.world.lock().tenant;
    let found = tenant.organizations.iter().find(|one| one.id() == id);
    Ok(Json(organization(found.ok_or_else(unknown)?)))
}

/// `GET /organizations/{id}/enabled_connections`
pub(super) async fn enabled_connections(
    State(auth0): State<Auth0>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Value>, ManagementError> {
    auth0.admit(&headers, &["read:organization_connections"])?;
    let query = Query::read(query.as_deref(), &[])?;
    let tenant = &auth0.world.lock().tenant;
    let found = tenant.organizations.iter().find(|one| one.id() == id).ok_or_else(unknown)?;
    let enabled = found.get("enabled_connections").and_then(Value::as_array).cloned();
    Ok(Json(query.page("enabled_connections", enabled.unwrap_or_default(), &[])))
}

fn organization(organization: &Object) -> Value {
    let mut organization = organization.clone();
    organization.remove("enabled_connections");
    organization.to_value()
}

fn unknown() -> ManagementError {
    ManagementError::not_found(
        Some("inexistent_organization"),
        "No organization found by that id or name.",
    )
}

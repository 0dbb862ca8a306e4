//! `/oidc/register`: a client registers itself (RFC 7591). Auth0 has this off until it is turned on; the
//! sandbox has it on, since many of today's clients know no other way.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::sandbox::world::random;

use super::super::Auth0;
use super::super::claims::insert;
use super::super::errors::OAuthError;
use super::super::objects::public_client;
use super::metadata::{Fault, Metadata};

const LARGEST_BODY: usize = 64 * 1_024;

/// `POST /oidc/register`
pub(crate) async fn register(
    State(auth0): State<Auth0>,
    body: Bytes,
) -> Result<Response, OAuthError> {
    let fault = |fault| match fault {
        Fault::RedirectUri(text) => ("invalid_redirect_uri", text),
        Fault::Other(text) => ("invalid_client_metadata", text),
    };
    let refused = |(error, text)| OAuthError::new(StatusCode::BAD_REQUEST, error, text);
    if !auth0.world.lock().tenant.registers_clients() {
        let text = "Dynamic client registration is not enabled";
        return Err(OAuthError::new(StatusCode::NOT_FOUND, "not_found", text));
    }
    let body = if body.len() <= LARGEST_BODY { body.as_ref() } else { &[] };
    let sent: Value = serde_json::from_slice(body).unwrap_or_default();
    let metadata = Metadata::read(&sent).map_err(|found| refused(fault(found)))?;
    // RFC 7591 section 2: left out, it is the secret by HTTP Basic.
    let method = metadata.method.unwrap_or_else(|| "client_secret_basic".to_owned());
    if !matches!(&*method, "none" | "client_secret_basic" | "client_secret_post") {
        let text = format!("Unsupported token_endpoint_auth_method: {method}");
        return Err(refused(("invalid_client_metadata", text)));
    }
    let id = format!("tpc_{}", random(22));
    let mut world = auth0.world.lock();
    let rotates = world.tenant.rotates_public_refresh_tokens;
    let client = public_client(&id, &metadata.name, &metadata.redirect_uris, &method, rotates);
    let application = client.application(None);
    let mut answer = json!({
        "client_id": application.id,
        "client_id_issued_at": jiff::Timestamp::now().as_second(),
        "client_name": application.name,
        "redirect_uris": application.callbacks,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": method,
    });
    if let Some(secret) = &application.secret {
        insert(&mut answer, "client_secret", secret.clone());
        insert(&mut answer, "client_secret_expires_at", 0);
    }
    world.tenant.register(client, None);
    drop(world);
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
    Ok((StatusCode::CREATED, headers, Json(answer)).into_response())
}

//! `/oauth/token`, `/oauth/revoke` and `/userinfo`.

use std::time::Instant;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::sandbox::serve::bearer;

use super::Auth0;
use super::errors::OAuthError;
use super::parameters::Parameters;
use super::vault;

/// Grant types that Auth0 has, whether an application may use them or not.
const KNOWN_GRANTS: &[&str] = &[
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "password",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:openid:params:grant-type:ciba",
    vault::GRANT_TYPE,
];

/// `POST /oauth/token`
pub(crate) async fn token(
    State(auth0): State<Auth0>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, OAuthError> {
    let parameters = Parameters::from_body(&headers, &body)?;
    let grant_type = parameters.require("grant_type")?;
    let application = auth0.authenticate(&headers, &parameters)?;
    if KNOWN_GRANTS.contains(&grant_type) && !application.may_use(grant_type) {
        return Err(not_allowed(grant_type));
    }
    let answer = match grant_type {
        "authorization_code" => auth0.redeem_code(&application, &parameters)?,
        "refresh_token" => auth0.refresh(&application, &parameters)?,
        "client_credentials" => auth0.grant_to_machine(&application, &parameters)?,
        vault::GRANT_TYPE => auth0.exchange(&application, &parameters)?,
        _ => {
            let text = format!("Unsupported grant type: {grant_type}");
            return Err(OAuthError::new(StatusCode::BAD_REQUEST, "unsupported_grant_type", text));
        }
    };
    // RFC 6749 section 5.1
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
    Ok((headers, Json(answer)).into_response())
}

/// `POST /oauth/revoke`: a token that is unknown, or another client's, counts as revoked (RFC 7009 section
/// 2.2).
pub(crate) async fn revoke(
    State(auth0): State<Auth0>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, OAuthError> {
    let parameters = Parameters::from_body(&headers, &body)?;
    let token = parameters.require("token")?;
    let application = auth0.authenticate(&headers, &parameters)?;
    let issued = &mut auth0.world.lock().issued;
    let known = issued.refresh_tokens.get(token);
    if let Some(known) = known.filter(|known| known.authorization.client_id == application.id) {
        let family = known.family.clone();
        issued.revoke_family(&family);
    }
    Ok(StatusCode::OK)
}

/// `GET /userinfo`
pub(crate) async fn user_info(
    State(auth0): State<Auth0>,
    headers: HeaderMap,
) -> Result<Json<Value>, Response> {
    let refused = || {
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")];
        (StatusCode::UNAUTHORIZED, challenge, "Unauthorized").into_response()
    };
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = sent.and_then(bearer).ok_or_else(refused)?;
    let world = auth0.world.lock();
    let found = world.issued.access_tokens.get(token);
    let found = found.filter(|token| token.expires_at > Instant::now()).ok_or_else(refused)?;
    let authorization = &found.authorization;
    let ours = |audience: &String| world.tenant.is_our_api(audience);
    if !authorization.audience.as_ref().is_none_or(ours) || !authorization.has("openid") {
        return Err(refused());
    }
    Ok(Json(authorization.profile()))
}

pub(crate) fn not_allowed(grant_type: &str) -> OAuthError {
    let text = format!("Grant type '{grant_type}' not allowed for the client.");
    OAuthError::new(StatusCode::FORBIDDEN, "unauthorized_client", text)
}

//! `/oauth/token`, `/oauth/revoke` and `/userinfo`.

use std::time::Instant;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::sandbox::serve::bearer;

use super::Auth0;
use super::errors::OAuthError;
use super::parameters::Parameters;
use super::vault;

/// `POST /oauth/token`
pub(crate) async fn token(
    State(auth0): State<Auth0>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, OAuthError> {
    let parameters = Parameters::from_body(&headers, &body)?;
    let grant_type = parameters.require("grant_type")?;
    auth0.authenticate(&headers, &parameters)?;
    let answer = match grant_type {
        "authorization_code" => auth0.redeem_code(&parameters)?,
        "refresh_token" => auth0.refresh(&parameters)?,
        vault::GRANT_TYPE => auth0.exchange(&parameters)?,
        "client_credentials"
        | "password"
        | "urn:ietf:params:oauth:grant-type:device_code"
        | "urn:ietf:params:oauth:grant-type:token-exchange"
        | "urn:openid:params:grant-type:ciba" => return Err(not_allowed(grant_type)),
        _ => {
            let text = format!("Unsupported grant type: {grant_type}");
            return Err(OAuthError::new(StatusCode::BAD_REQUEST, "unsupported_grant_type", text));
        }
    };
    // RFC 6749 section 5.1
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
    Ok((headers, Json(answer)).into_response())
}

/// `POST /oauth/revoke`: a token that is unknown counts as revoked (RFC 7009 section 2.2).
pub(crate) async fn revoke(
    State(auth0): State<Auth0>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, OAuthError> {
    let parameters = Parameters::from_body(&headers, &body)?;
    let token = parameters.require("token")?;
    auth0.authenticate(&headers, &parameters)?;
    if let Some(token) = auth0.world.lock().issued.refresh_tokens.get_mut(token) {
        token.revoked = true;
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
    if authorization.audience.is_some() || !authorization.has("openid") {
        return Err(refused());
    }
    Ok(Json(authorization.profile()))
}

pub(crate) fn not_allowed(grant_type: &str) -> OAuthError {
    let text = format!("Grant type '{grant_type}' not allowed for the client.");
    OAuthError::new(StatusCode::FORBIDDEN, "unauthorized_client", text)
}

impl super::state::Authorization {
    pub(crate) fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|one| one == scope)
    }

    /// The claims about the person that the scopes allow.
    pub(crate) fn profile(&self) -> Value {
        let person = self.person;
        let mut claims = json!({ "sub": person.auth0_id });
        let Some(object) = claims.as_object_mut() else { return claims };
        if self.has("profile") {
            object.insert("name".into(), person.name.into());
            object.insert("nickname".into(), person.nickname.into());
            object.insert("updated_at".into(), "2026-11-20T09:00:00.000Z".into());
        }
        if self.has("email") {
            object.insert("email".into(), person.email.into());
            object.insert("email_verified".into(), true.into());
        }
        claims
    }
}

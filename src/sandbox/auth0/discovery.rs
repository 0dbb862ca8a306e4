//! What the tenant says about itself.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Auth0;
use super::claims::insert;
use super::tenant::{MY_ACCOUNT_SCOPES, OPENID_SCOPES};

/// `GET /.well-known/openid-configuration` and its OAuth alias (RFC 8414).
pub(crate) async fn metadata(State(auth0): State<Auth0>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", auth0.domain);
    let scopes: Vec<_> = OPENID_SCOPES.iter().chain(MY_ACCOUNT_SCOPES).collect();
    let tenant = &auth0.world.lock().tenant;
    let mut metadata = json!({
        "issuer": auth0.issuer(),
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/oauth/token"),
        "userinfo_endpoint": at("/userinfo"),
        "jwks_uri": at("/.well-known/jwks.json"),
        "revocation_endpoint": at("/oauth/revoke"),
        "end_session_endpoint": at("/oidc/logout"),
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [
            "authorization_code",
            "refresh_token",
            "client_credentials",
            super::vault::GRANT_TYPE,
        ],
        "code_challenge_methods_supported": ["S256"],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported":
            ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "RS384", "PS256"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["aud", "email", "email_verified", "exp", "iat", "iss",
            "name", "nickname", "nonce", "org_id", "sub"],
        "request_uri_parameter_supported": false,
        "request_parameter_supported": false,
        "authorization_response_iss_parameter_supported": tenant.names_issuer(),
        "client_id_metadata_document_supported": tenant.describes_clients_by_document(),
    });
    if tenant.registers_clients() {
        insert(&mut metadata, "registration_endpoint", at("/oidc/register"));
    }
    Json(metadata)
}

/// `GET /.well-known/jwks.json`
pub(crate) async fn keys(State(auth0): State<Auth0>) -> Json<Value> {
    Json(auth0.world.lock().keyring.public())
}

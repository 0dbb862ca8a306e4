//! Token Vault: an Auth0 refresh token becomes the person's Bitbucket token.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::sandbox::world::VaultProblem;

use super::Auth0;
use super::errors::OAuthError;
use super::parameters::Parameters;
use super::tenant::CONNECTION;
use super::tokens::not_allowed;

/// The grant type of the exchange.
pub(crate) const GRANT_TYPE: &str =
    "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token";
const REQUESTED: &str = "http://auth0.com/oauth/token-type/federated-connection-access-token";
const REFRESH_TOKEN: &str = "urn:ietf:params:oauth:token-type:refresh_token";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

impl Auth0 {
    /// The vault grant. Auth0 documents a table of statuses and no codes; the codes are those that
    /// integrators met.
    pub(crate) fn exchange(&self, parameters: &Parameters) -> Result<Value, OAuthError> {
        let mut world = self.world.lock();
        if !world.tenant.vault_grant {
            return Err(not_allowed(GRANT_TYPE));
        }
        let subject_token = parameters.require("subject_token")?;
        match parameters.require("subject_token_type")? {
            REFRESH_TOKEN => {}
            // Only the client that is linked to an API may exchange the API's access tokens, and only one
            // with privileged access may sign its own.
            ACCESS_TOKEN | JWT => {
                let text = "The client does not have permission to perform the token exchange";
                return Err(OAuthError::new(StatusCode::FORBIDDEN, "unauthorized_client", text));
            }
            _ => return Err(OAuthError::invalid_request("Unsupported subject_token_type")),
        }
        if parameters.require("requested_token_type")? != REQUESTED {
            return Err(OAuthError::invalid_request("Unsupported requested_token_type"));
        }
        let connection = parameters.require("connection")?;
        if parameters.get("scope").is_some() {
            // Bitbucket takes scopes from the consumer, so that there is nothing to narrow.
            let text = "The identity provider does not support downscoping";
            return Err(OAuthError::new(StatusCode::BAD_REQUEST, "invalid_scope", text));
        }
        let person = world
            .issued
            .refresh_tokens
            .get(subject_token)
            .filter(|token| !token.revoked)
            .map(|token| token.authorization.person)
            .ok_or_else(|| OAuthError::invalid_grant("Unknown or invalid refresh token."))?;
        if world.tenant.rotates_refresh_tokens && world.tenant.vault_refuses_rotation {
            // Documented as unsupported; which error it gives is not.
            let text = "Token Vault does not support refresh token rotation";
            return Err(OAuthError::new(StatusCode::FORBIDDEN, "unauthorized_client", text));
        }
        if connection != CONNECTION || !world.tenant.connection_enabled {
            return Err(OAuthError::invalid_request("The connection was not found"));
        }
        if !world.tenant.vault_on_connection {
            let text = "Token Vault is not enabled for the provided connection";
            return Err(OAuthError::invalid_request(text));
        }
        let exchanged = world.exchange(person, parameters.get("login_hint")).map_err(refused)?;
        Ok(json!({
            "access_token": exchanged.token,
            "scope": exchanged.scopes.join(" "),
            "expires_in": exchanged.life.as_secs(),
            "issued_token_type": REQUESTED,
            "token_type": "Bearer",
        }))
    }
}

fn refused(problem: VaultProblem) -> OAuthError {
    let (error, text) = match problem {
        VaultProblem::NoIdentity => ("user_not_found", "Identity User not found."),
        VaultProblem::NotLinked => (
            "federated_connection_refresh_token_not_found",
            "Federated connection Refresh Token not found.",
        ),
        VaultProblem::RefreshRefused => (
            "federated_connection_refresh_token_flow_failed",
            "Refresh Token flow for the Federated Connection failed",
        ),
    };
    OAuthError::new(StatusCode::UNAUTHORIZED, error, text)
}

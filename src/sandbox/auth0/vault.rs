//! Token Vault: an Auth0 refresh token, or an access token of our API, becomes the person's Bitbucket
//! token.

use std::time::Instant;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::sandbox::people::{PEOPLE, Person};
use crate::sandbox::world::{State, VaultProblem};

use super::Auth0;
use super::applications::Application;
use super::errors::OAuthError;
use super::parameters::Parameters;

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
    pub(crate) fn exchange(
        &self,
        application: &Application,
        parameters: &Parameters,
    ) -> Result<Value, OAuthError> {
        if !application.may_use_vault() {
            return Err(no_permission());
        }
        let mut world = self.world.lock();
        let subject_token = parameters.require("subject_token")?;
        let subject_type = parameters.require("subject_token_type")?;
        match (subject_type, application.for_api) {
            (REFRESH_TOKEN, _) | (ACCESS_TOKEN, true) => {}
            // Only the client that is linked to an API may exchange the API's access tokens, and only one
            // with privileged access may sign its own.
            (ACCESS_TOKEN | JWT, _) => return Err(no_permission()),
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
        let person = if subject_type == ACCESS_TOKEN {
            self.bearer_of(&world, application, subject_token)?
        } else {
            self.holder_of(&world, application, subject_token)?
        };
        if world.tenant.always_wants_second_factor() {
            // Nobody is there to give it.
            let text = "Multifactor authentication required";
            return Err(OAuthError::new(StatusCode::FORBIDDEN, "mfa_required", text));
        }
        let connection = world
            .tenant
            .connection_named(connection)
            .filter(|connection| connection.is_enabled_for(&application.id))
            .ok_or_else(|| OAuthError::invalid_request("The connection was not found"))?;
        if !connection.serves_vault() {
            let text = "Token Vault is not enabled for the provided connection";
            return Err(OAuthError::invalid_request(text));
        }
        let connection = connection.id().to_owned();
        let hint = parameters.get("login_hint");
        let exchanged = world.exchange(person, &connection, hint).map_err(refused)?;
        Ok(json!({
            "access_token": exchanged.token,
            "scope": exchanged.scopes.join(" "),
            "expires_in": exchanged.life.as_secs(),
            "issued_token_type": REQUESTED,
            "token_type": "Bearer",
        }))
    }

    /// Whose refresh token it is, if it was issued to `application`.
    fn holder_of(
        &self,
        world: &State,
        application: &Application,
        refresh_token: &str,
    ) -> Result<&'static Person, OAuthError> {
        let person = world
            .issued
            .refresh_tokens
            .get(refresh_token)
            .filter(|token| !token.revoked && token.authorization.client_id == application.id)
            .map(|token| token.authorization.person)
            .ok_or_else(|| OAuthError::invalid_grant("Unknown or invalid refresh token."))?;
        if application.rotates && world.tenant.vault_refuses_rotation {
            // Documented as unsupported; which error it gives is not.
            let text = "Token Vault does not support refresh token rotation";
            return Err(OAuthError::new(StatusCode::FORBIDDEN, "unauthorized_client", text));
        }
        Ok(person)
    }

    /// Whom an access token of the API stands for that the Custom API Client is linked to.
    fn bearer_of(
        &self,
        world: &State,
        application: &Application,
        token: &str,
    ) -> Result<&'static Person, OAuthError> {
        // 401 is documented for a token that is invalid or over; its code is not.
        let invalid = || {
            let text = "Invalid or expired subject token";
            OAuthError::new(StatusCode::UNAUTHORIZED, "invalid_grant", text)
        };
        let jwt = world.keyring.open(token).ok_or_else(invalid)?;
        let ends = jwt.claims.get("exp").and_then(Value::as_i64).ok_or_else(invalid)?;
        if jwt.claim("iss") != Some(&self.issuer()) || ends <= jiff::Timestamp::now().as_second() {
            return Err(invalid());
        }
        let linked = application.api.as_deref().filter(|api| jwt.is_for(api));
        if !linked.is_some_and(|api| world.tenant.is_our_api(api)) {
            return Err(no_permission());
        }
        let subject = jwt.claim("sub").unwrap_or_default();
        let person = PEOPLE.iter().find(|person| person.auth0_id == subject);
        let person = person.ok_or_else(|| refused(VaultProblem::NoIdentity))?;
        // Taken back, though nothing about the token itself says so.
        let known = world.issued.access_tokens.get(token);
        known.filter(|known| known.expires_at > Instant::now()).ok_or_else(invalid)?;
        Ok(person)
    }
}

/// A client that may not exchange what it sent.
fn no_permission() -> OAuthError {
    let text = "The client does not have permission to perform the token exchange";
    OAuthError::new(StatusCode::FORBIDDEN, "unauthorized_client", text)
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::super::switches::Switch;
    use super::super::testing::Harness;
    use super::{ACCESS_TOKEN, GRANT_TYPE, REFRESH_TOKEN, REQUESTED};

    async fn exchange(harness: &Harness, account: &str, changes: &[(&str, &str)]) -> (u16, Value) {
        let token = harness.sandbox.refresh_token(account).unwrap();
        let mut pairs = vec![
            ("grant_type", GRANT_TYPE),
            ("subject_token_type", REFRESH_TOKEN),
            ("subject_token", token.as_str()),
            ("requested_token_type", REQUESTED),
            ("connection", "bitbucket"),
        ];
        pairs.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        pairs.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        harness.form("/oauth/token", &pairs).await
    }

    async fn exchanged(harness: &Harness) -> String {
        let (status, body) = exchange(harness, "linked", &[]).await;
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn gives_the_stored_token_until_it_is_no_good() {
        let harness = Harness::start().await;
        let world = harness.sandbox.world();
        let (_, mut body) = exchange(&harness, "linked", &[]).await;
        let first = body["access_token"].take().as_str().unwrap().to_owned();
        assert!(first.len() > 2_500);
        assert_eq!(
            body,
            json!({
                "access_token": null,
                "scope": "account repository:write repository:admin repository:delete \
                      pullrequest:write pipeline pipeline:write pipeline:variable project webhook \
                      snippet:write",
                "expires_in": 7200,
                "issued_token_type": REQUESTED,
                "token_type": "Bearer",
            })
        );
        assert_eq!(exchanged(&harness).await, first);
        world.revoke_bitbucket_token("linked");
        let second = exchanged(&harness).await;
        assert_ne!(second, first);
        world.expire_bitbucket_token("linked");
        world.set_token_life(Duration::from_secs(59));
        let third = exchanged(&harness).await;
        assert_ne!(third, second);
        assert_ne!(exchanged(&harness).await, third, "handed out within a minute of its end");
        assert_eq!(world.exchanges("linked"), 5);
        assert_eq!(world.exchanges("guest"), 0);
    }

    #[tokio::test]
    async fn keeps_a_revoked_token_where_the_tenant_does() {
        let harness = Harness::start().await;
        harness
            .sandbox
            .world()
            .change_tenant(|tenant| tenant.set(Switch::KeepsRevokedTokens, true));
        let first = exchanged(&harness).await;
        harness.sandbox.world().revoke_bitbucket_token("linked");
        assert_eq!(exchanged(&harness).await, first);
    }

    #[tokio::test]
    async fn names_what_is_wrong_with_an_exchange() {
        let harness = Harness::start().await;
        let missing = |name: &str| format!("Missing required parameter: {name}");
        let unknown = "Unknown or invalid refresh token.";
        let oauth = "urn:ietf:params:oauth:token-type:access_token ";
        for (name, value, status, error, text) in [
            ("grant_type", "", 400, "invalid_request", &*missing("grant_type")),
            ("grant_type", "urn:x", 400, "unsupported_grant_type", "Unsupported grant type: urn:x"),
            ("subject_token", "", 400, "invalid_request", &missing("subject_token")),
            ("subject_token", "v1.x", 403, "invalid_grant", unknown),
            ("subject_token_type", "", 400, "invalid_request", &missing("subject_token_type")),
            ("subject_token_type", oauth, 400, "invalid_request", "Unsupported subject_token_type"),
            (
                "subject_token_type",
                ACCESS_TOKEN,
                403,
                "unauthorized_client",
                "The client does not have permission to perform the token exchange",
            ),
            ("requested_token_type", "", 400, "invalid_request", &missing("requested_token_type")),
            (
                "requested_token_type",
                ACCESS_TOKEN,
                400,
                "invalid_request",
                "Unsupported requested_token_type",
            ),
            ("connection", "", 400, "invalid_request", &missing("connection")),
            ("connection", "github", 400, "invalid_request", "The connection was not found"),
            (
                "scope",
                "account",
                400,
                "invalid_scope",
                "The identity provider does not support downscoping",
            ),
            ("login_hint", "nobody", 401, "user_not_found", "Identity User not found."),
        ] {
            let said = exchange(&harness, "linked", &[(name, value)]).await;
            let wanted = (status, json!({ "error": error, "error_description": text }));
            assert_eq!(said, wanted, "{name}={value}");
        }
        let (status, _) = exchange(&harness, "linked", &[("login_hint", "ana")]).await;
        assert_eq!(status, 200);
    }

    #[tokio::test]
    async fn tells_not_linked_from_refresh_refused() {
        let harness = Harness::start().await;
        let world = harness.sandbox.world();
        let (status, body) = exchange(&harness, "guest", &[]).await;
        let not_found = "federated_connection_refresh_token_not_found";
        assert_eq!((status, body["error"].as_str()), (401, Some(not_found)));
        world.revoke_bitbucket_grant("linked");
        let (status, body) = exchange(&harness, "linked", &[]).await;
        let flow_failed = "federated_connection_refresh_token_flow_failed";
        assert_eq!((status, body["error"].as_str()), (401, Some(flow_failed)));
        world.link("linked");
        assert_eq!(exchange(&harness, "linked", &[]).await.0, 200);
        world.unlink("linked");
        let (_, body) = exchange(&harness, "linked", &[]).await;
        assert_eq!(body["error"], not_found);
    }

    #[tokio::test]
    async fn refuses_where_the_tenant_is_set_up_wrong() {
        let harness = Harness::start().await;
        let world = harness.sandbox.world();
        let text = async || exchange(&harness, "linked", &[]).await.1["error_description"].clone();
        world.change_tenant(|tenant| tenant.set(Switch::RotatesRefreshTokens, true));
        assert_eq!(text().await, "Token Vault does not support refresh token rotation");
        world.change_tenant(|tenant| tenant.set(Switch::RotatesRefreshTokens, false));
        world.change_tenant(|tenant| tenant.set(Switch::VaultOnConnection, false));
        assert_eq!(text().await, "Token Vault is not enabled for the provided connection");
        world.change_tenant(|tenant| tenant.set(Switch::ConnectionEnabled, false));
        assert_eq!(text().await, "The connection was not found");
        world.change_tenant(|tenant| tenant.set(Switch::VaultGrant, false));
        assert_eq!(text().await, format!("Grant type '{GRANT_TYPE}' not allowed for the client."));
    }
}

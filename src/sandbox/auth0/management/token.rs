//! Tokens for the Management API: an application signs in as itself.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::sandbox::world::random;

use super::super::Auth0;
use super::super::applications::Application;
use super::super::errors::OAuthError;
use super::super::parameters::Parameters;
use super::super::state::ManagementToken;

const LIFE: u64 = 86_400;

impl Auth0 {
    /// `grant_type=client_credentials`
    pub(crate) fn grant_to_machine(
        &self,
        application: &Application,
        parameters: &Parameters,
    ) -> Result<Value, OAuthError> {
        let denied = |text: String| OAuthError::new(StatusCode::FORBIDDEN, "access_denied", text);
        let mut world = self.world.lock();
        let Some(audience) = world.tenant.audience(parameters) else {
            let text = "No audience parameter was provided, and no default audience has been \
                        configured";
            return Err(denied(text.to_owned()));
        };
        if audience != self.management_audience() {
            return Err(denied(match audience == self.my_account_audience() {
                // The My Account API is closed to machines, and that cannot be changed.
                true => super::super::audience::no_grant(&application.id, &audience),
                false => format!("Service not found: {audience}"),
            }));
        }
        let scopes = world.tenant.management_scopes.clone();
        if scopes.is_empty() {
            let text = format!(
                "Client is not authorized to access \"{audience}\". You need to create a \
                 \"client-grant\" associated to this API."
            );
            return Err(denied(text));
        }
        let now = jiff::Timestamp::now().as_second();
        let claims = json!({
            "iss": self.issuer(),
            "sub": format!("{}@clients", application.id),
            "aud": audience,
            "iat": now,
            "exp": now.saturating_add(i64::try_from(LIFE).unwrap_or(i64::MAX)),
            "jti": random(22),
            "azp": application.id,
            "scope": scopes.join(" "),
            "gty": "client-credentials",
        });
        let token = world.keyring.sign(&claims).map_err(|_| OAuthError::internal())?;
        let answer = json!({
            "access_token": token,
            "scope": scopes.join(" "),
            "expires_in": LIFE,
            "token_type": "Bearer",
        });
        let expires_at = Instant::now() + Duration::from_secs(LIFE);
        world.issued.management_tokens.insert(token, ManagementToken { scopes, expires_at });
        Ok(answer)
    }
}

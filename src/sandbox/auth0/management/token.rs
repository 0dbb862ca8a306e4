//! Tokens for the Management API: an application signs in as itself.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::sandbox::world::random;

use super::super::Auth0;
use super::super::applications::Application;
use super::super::audience::{no_grant, no_such_api};
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
        let tenant = &world.tenant;
        let server = tenant.resource_server(&audience);
        let server = server.ok_or_else(|| denied(no_such_api(&audience).into_text()))?;
        if server.policy("client") == "deny_all" {
            // The My Account API is closed to machines, and that cannot be changed.
            return Err(denied(no_grant(&application.id, &audience)));
        }
        let grant = tenant.grants.iter().find(|grant| {
            grant.grants(&audience, "client") && grant.text("client_id") == Some(&application.id)
        });
        let scopes = match (grant, server.policy("client")) {
            (Some(grant), _) => grant.granted(&server.scope_names()),
            (None, "allow_all") => server.scope_names(),
            (None, _) => {
                let text = format!(
                    "Client is not authorized to access \"{audience}\". You need to create a \
                     \"client-grant\" associated to this API."
                );
                return Err(denied(text));
            }
        };
        let manages = audience == tenant.management_audience();
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
        if manages {
            world.issued.management_tokens.insert(token, ManagementToken { scopes, expires_at });
        }
        Ok(answer)
    }
}

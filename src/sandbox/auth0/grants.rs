//! The two ordinary grants: authorization code and refresh token.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::sandbox::world::{State, random};

use super::Auth0;
use super::errors::OAuthError;
use super::parameters::Parameters;
use super::state::{AccessToken, Authorization, proves};
use super::tenant::{CLIENT_ID, MY_ACCOUNT_SCOPES};

const ACCESS_TOKEN_LIFE: u64 = 86_400;
const MY_ACCOUNT_TOKEN_LIFE: u64 = 600;
const ID_TOKEN_LIFE: i64 = 36_000;

/// The text for an application that has no grant for an API.
pub(crate) fn no_grant(audience: &str) -> String {
    format!("Client \"{CLIENT_ID}\" is not authorized to access resource server \"{audience}\"")
}

impl Auth0 {
    /// `grant_type=authorization_code`
    pub(crate) fn redeem_code(&self, parameters: &Parameters) -> Result<Value, OAuthError> {
        let code = parameters.require("code")?;
        let redirect_uri = parameters.require("redirect_uri")?;
        let verifier = parameters.require("code_verifier")?;
        let mut world = self.world.lock();
        let unknown = || OAuthError::invalid_grant("Invalid authorization code");
        let entry = world.issued.codes.get_mut(code).ok_or_else(unknown)?;
        if entry.redeemed {
            // A code that comes twice may be stolen: what it gave dies (RFC 6749 section 4.1.2).
            if let Some(token) = entry.refresh_token.take()
                && let Some(token) = world.issued.refresh_tokens.get_mut(&token)
            {
                token.revoked = true;
            }
            return Err(unknown());
        }
        entry.redeemed = true;
        if entry.expires_at <= Instant::now() {
            return Err(unknown());
        }
        if entry.redirect_uri != redirect_uri {
            return Err(OAuthError::invalid_grant("The redirect URI is wrong"));
        }
        if !proves(verifier, &entry.challenge) {
            return Err(OAuthError::invalid_grant("Failed to verify code verifier"));
        }
        let authorization = entry.authorization.clone();
        let nonce = entry.nonce.clone();
        let mut answer = self.issue(&mut world, authorization.clone(), nonce.as_deref())?;
        if authorization.has("offline_access") {
            let token = world.issued.add_refresh_token(authorization);
            if let Some(entry) = world.issued.codes.get_mut(code) {
                entry.refresh_token = Some(token.clone());
            }
            insert(&mut answer, "refresh_token", token);
        }
        Ok(answer)
    }

    /// `grant_type=refresh_token`, for the original API or, by multi-resource refresh token, for the My
    /// Account API.
    pub(crate) fn refresh(&self, parameters: &Parameters) -> Result<Value, OAuthError> {
        let refresh_token = parameters.require("refresh_token")?;
        let mut world = self.world.lock();
        let original = world
            .issued
            .refresh_tokens
            .get(refresh_token)
            .filter(|token| !token.revoked)
            .map(|token| token.authorization.clone())
            .ok_or_else(|| OAuthError::invalid_grant("Unknown or invalid refresh token."))?;
        let audience = parameters.owned("audience").or_else(|| original.audience.clone());
        let mut scopes = original.scopes.clone();
        if audience != original.audience {
            let audience = audience.as_deref().unwrap_or_default();
            self.check_policy(&world, audience)?;
            scopes.retain(|scope| !MY_ACCOUNT_SCOPES.contains(&&**scope));
            scopes.extend(MY_ACCOUNT_SCOPES.iter().map(|scope| (*scope).to_owned()));
        }
        // Scopes that the policy does not know are dropped without a word.
        if let Some(wanted) = parameters.get("scope") {
            scopes.retain(|scope| wanted.split_whitespace().any(|one| one == scope));
        }
        let authorization = Authorization { audience, scopes, ..original.clone() };
        let mut answer = self.issue(&mut world, authorization, None)?;
        if world.tenant.rotates_refresh_tokens {
            if let Some(old) = world.issued.refresh_tokens.get_mut(refresh_token) {
                old.revoked = true;
            }
            let token = world.issued.add_refresh_token(original);
            insert(&mut answer, "refresh_token", token);
        }
        Ok(answer)
    }

    fn check_policy(&self, world: &State, audience: &str) -> Result<(), OAuthError> {
        let denied = |text| OAuthError::new(StatusCode::FORBIDDEN, "access_denied", text);
        if audience != self.my_account_audience() || !world.tenant.my_account {
            return Err(denied(format!("Service not found: {audience}")));
        }
        if !world.tenant.my_account_policy {
            let text = format!("The refresh token has no policy for {audience}");
            return Err(OAuthError::new(StatusCode::BAD_REQUEST, "invalid_target", text));
        }
        if !world.tenant.my_account_grant {
            return Err(denied(no_grant(audience)));
        }
        Ok(())
    }

    fn issue(
        &self,
        world: &mut State,
        authorization: Authorization,
        nonce: Option<&str>,
    ) -> Result<Value, OAuthError> {
        let life = match authorization.audience {
            Some(_) => MY_ACCOUNT_TOKEN_LIFE,
            None => ACCESS_TOKEN_LIFE,
        };
        let now = jiff::Timestamp::now().as_second();
        let access_token = match &authorization.audience {
            // Without an API, Auth0's access tokens are opaque.
            None => random(32),
            Some(audience) => {
                let mut claims = json!({
                    "iss": self.issuer(),
                    "sub": authorization.person.auth0_id,
                    "aud": audience,
                    "azp": CLIENT_ID,
                    "iat": now,
                    "exp": now + i64::try_from(life).unwrap_or(i64::MAX),
                    "jti": random(22),
                    "scope": authorization.scopes.join(" "),
                });
                if let Some(organization) = &authorization.organization {
                    insert(&mut claims, "org_id", organization.clone());
                }
                self.keys.sign(&claims).map_err(|_| OAuthError::internal())?
            }
        };
        let mut answer = json!({
            "access_token": access_token,
            "scope": authorization.scopes.join(" "),
            "expires_in": life,
            "token_type": "Bearer",
        });
        if authorization.has("openid") {
            let claims = self.id_claims(&authorization, nonce, now);
            let id_token = self.keys.sign(&claims).map_err(|_| OAuthError::internal())?;
            insert(&mut answer, "id_token", id_token);
        }
        let expires_at = Instant::now() + Duration::from_secs(life);
        world.issued.access_tokens.insert(access_token, AccessToken { authorization, expires_at });
        Ok(answer)
    }

    fn id_claims(&self, authorization: &Authorization, nonce: Option<&str>, now: i64) -> Value {
        let mut claims = authorization.profile();
        insert(&mut claims, "iss", self.issuer());
        insert(&mut claims, "aud", CLIENT_ID);
        insert(&mut claims, "iat", now);
        insert(&mut claims, "exp", now + ID_TOKEN_LIFE);
        insert(&mut claims, "sid", random(32));
        if let Some(nonce) = nonce {
            insert(&mut claims, "nonce", nonce);
        }
        if let Some(organization) = &authorization.organization {
            insert(&mut claims, "org_id", organization.clone());
        }
        claims
    }
}

fn insert(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value.into());
    }
}

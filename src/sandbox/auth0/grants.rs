//! The two ordinary grants: authorization code and refresh token.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::sandbox::world::{State, random};

use super::Auth0;
use super::applications::Application;
use super::audience::{NotGranted, no_such_api};
use super::claims::{SignIn, insert, life};
use super::errors::OAuthError;
use super::keys::{SigningKey, sign_with_secret};
use super::objects::Object;
use super::parameters::Parameters;
use super::state::{AccessToken, Authorization, proves};

impl Auth0 {
    /// `grant_type=authorization_code`
    pub(crate) fn redeem_code(
        &self,
        application: &Application,
        parameters: &Parameters,
    ) -> Result<Value, OAuthError> {
        let code = parameters.require("code")?;
        let redirect_uri = parameters.require("redirect_uri")?;
        let verifier = parameters.require("code_verifier")?;
        let mut world = self.world.lock();
        let resource = parameters.owned("resource").filter(|_| world.tenant.takes_resource());
        let unknown = || OAuthError::invalid_grant("Invalid authorization code");
        let entry = world.issued.codes.get_mut(code).ok_or_else(unknown)?;
        if entry.authorization.client_id != application.id {
            // Whoever found a code must not be able to spend it.
            return Err(unknown());
        }
        if entry.redeemed {
            // A code that comes twice may be stolen: what it gave dies (RFC 6749 section 4.1.2).
            if let Some(token) = entry.refresh_token.take() {
                world.issued.revoke_family(&token);
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
        if resource.is_some() && resource != entry.authorization.audience {
            // RFC 8707 section 2.2: what the person did not agree to cannot be had here.
            return Err(other_target());
        }
        let authorization = entry.authorization.clone();
        let sign_in = SignIn { nonce: entry.nonce.clone(), auth_time: entry.auth_time };
        let mut answer = self.issue(&mut world, application, authorization.clone(), &sign_in)?;
        if authorization.has("offline_access") && application.may_use("refresh_token") {
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
    pub(crate) fn refresh(
        &self,
        application: &Application,
        parameters: &Parameters,
    ) -> Result<Value, OAuthError> {
        let refresh_token = parameters.require("refresh_token")?;
        let mut world = self.world.lock();
        let rotates = application.rotates;
        let unknown = || OAuthError::invalid_grant("Unknown or invalid refresh token.");
        let known = world.issued.refresh_tokens.get(refresh_token);
        let known = known
            .filter(|known| known.authorization.client_id == application.id)
            .ok_or_else(unknown)?;
        let (original, family) = (known.authorization.clone(), known.family.clone());
        if known.revoked {
            if rotates {
                // Whoever uses a token that was replaced may have stolen it, or been robbed of it.
                world.issued.revoke_family(&family);
            }
            return Err(unknown());
        }
        let audience = world.tenant.audience(parameters).or_else(|| original.audience.clone());
        let mut scopes = original.scopes.clone();
        if audience != original.audience {
            let audience = audience.as_deref().unwrap_or_default();
            let reached = by_policy(&world, application, audience)?;
            scopes.retain(|scope| !reached.contains(scope));
            scopes.extend(reached);
        }
        // Scopes that the policy does not know are dropped without a word.
        if let Some(wanted) = parameters.get("scope") {
            scopes.retain(|scope| wanted.split_whitespace().any(|one| one == scope));
        }
        let authorization = Authorization { audience, scopes, ..original.clone() };
        let mut answer = self.issue(&mut world, application, authorization, &SignIn::default())?;
        if rotates {
            if let Some(old) = world.issued.refresh_tokens.get_mut(refresh_token) {
                old.revoked = true;
            }
            let token = world.issued.add_to_family(original, Some(family));
            insert(&mut answer, "refresh_token", token);
        }
        Ok(answer)
    }

    fn issue(
        &self,
        world: &mut State,
        application: &Application,
        authorization: Authorization,
        sign_in: &SignIn,
    ) -> Result<Value, OAuthError> {
        let unsigned = |_| OAuthError::internal();
        let life = life(&world.tenant, authorization.audience.as_deref());
        let now = jiff::Timestamp::now().as_second();
        let access_token = match &authorization.audience {
            // Without an API, Auth0's access tokens are opaque.
            None => random(32),
            Some(audience) => {
                let seconds = i64::try_from(life).unwrap_or(i64::MAX);
                let claims =
                    self.access_claims(&world.tenant, &authorization, audience, now, seconds);
                let server = world.tenant.resource_server(audience);
                let kind = match server.is_some_and(Object::speaks_rfc9068) {
                    true => "at+jwt",
                    false => "JWT",
                };
                let secret = server.filter(|server| server.text("signing_alg") == Some("HS256"));
                match secret.and_then(|server| server.text("signing_secret")) {
                    Some(secret) => sign_with_secret(secret, kind, &claims),
                    None => world
                        .keyring
                        .sign_with(SigningKey::Current, kind, &claims)
                        .map_err(unsigned)?,
                }
            }
        };
        let mut answer = json!({
            "access_token": access_token,
            "scope": authorization.scopes.join(" "),
            "expires_in": life,
            "token_type": "Bearer",
        });
        if authorization.has("openid") {
            let claims = self.id_claims(&authorization, sign_in, now);
            let secret = application.secret.as_deref().filter(|_| application.signs_with_secret);
            let id_token = match secret {
                Some(secret) => sign_with_secret(secret, "JWT", &claims),
                None => world.keyring.sign(&claims).map_err(unsigned)?,
            };
            insert(&mut answer, "id_token", id_token);
        }
        let expires_at = Instant::now() + Duration::from_secs(life);
        world.issued.access_tokens.insert(access_token, AccessToken { authorization, expires_at });
        Ok(answer)
    }
}

/// The scopes of another API than its own that a refresh token of `application` reaches: those of the
/// policy that people can give.
fn by_policy(
    world: &State,
    application: &Application,
    audience: &str,
) -> Result<Vec<String>, OAuthError> {
    let tenant = &world.tenant;
    let denied = |refusal: NotGranted| {
        OAuthError::new(StatusCode::FORBIDDEN, "access_denied", refusal.into_text())
    };
    if tenant.resource_server(audience).is_none() {
        return Err(denied(no_such_api(audience)));
    }
    let policy = application.policies.iter().find(|(api, _)| api == audience);
    let policy = policy.filter(|_| !application.third_party).ok_or_else(other_target)?;
    let granted = tenant.grantable(application, Some(audience)).map_err(denied)?;
    Ok(policy.1.iter().filter(|scope| granted.contains(scope)).cloned().collect())
}

/// What a token cannot be asked for (RFC 8707 section 2).
fn other_target() -> OAuthError {
    let text = "The grant does not reach the requested audience";
    OAuthError::new(StatusCode::BAD_REQUEST, "invalid_target", text)
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::jwk::JwkSet;
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
    use serde_json::{Value, json};

    use super::super::audience::no_grant;
    use super::super::switches::Switch;
    use super::super::tenant::{CLIENT_ID, MY_ACCOUNT_SCOPES, ORGANIZATION};
    use super::super::testing::{Harness, VERIFIER};

    async fn log_in(harness: &Harness, changes: &[(&str, &str)]) -> String {
        let page = harness.sandbox.consent(&harness.authorize_url(changes), "guest").await.unwrap();
        assert_eq!(page, "Back at the application");
        harness.parameter("code").unwrap()
    }

    async fn redeem(harness: &Harness, code: &str, changes: &[(&str, &str)]) -> (u16, Value) {
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", harness.callback.as_str()),
            ("code_verifier", VERIFIER),
        ];
        pairs.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        pairs.extend_from_slice(changes);
        harness.form("/oauth/token", &pairs).await
    }

    async fn refresh(harness: &Harness, token: &str, more: &[(&str, &str)]) -> (u16, Value) {
        let mut pairs = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
        pairs.extend_from_slice(more);
        harness.form("/oauth/token", &pairs).await
    }

    #[tokio::test]
    async fn signs_an_id_token_that_a_library_accepts() {
        let harness = Harness::start().await;
        let code = log_in(&harness, &[("organization", ORGANIZATION)]).await;
        let (status, body) = redeem(&harness, &code, &[]).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(body["scope"], "openid profile email offline_access");
        assert_eq!(body["expires_in"], 86_400);
        let (_, keys) = harness.send(|http| http.get(harness.url("/.well-known/jwks.json"))).await;
        let keys: JwkSet = serde_json::from_value(keys).unwrap();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[harness.sandbox.client_id()]);
        validation.set_issuer(&[format!("{}/", harness.sandbox.auth0_domain())]);
        let key = DecodingKey::from_jwk(&keys.keys[0]).unwrap();
        let id_token = body["id_token"].as_str().unwrap();
        let claims = decode::<Value>(id_token, &key, &validation).unwrap().claims;
        let named = |name: &str| claims[name].as_str().unwrap().to_owned();
        assert_eq!(
            [named("sub"), named("nonce"), named("nickname"), named("org_id")],
            ["auth0|gus", "nonce-1", "gus", ORGANIZATION]
        );
        let token = body["access_token"].as_str().unwrap();
        let (_, user) =
            harness.send(|http| http.get(harness.url("/userinfo")).bearer_auth(token)).await;
        assert_eq!(user["email"], "gus@example.test");
    }

    #[tokio::test]
    async fn takes_a_code_once_and_revokes_what_it_gave_the_second_time() {
        let harness = Harness::start().await;
        let code = log_in(&harness, &[]).await;
        let (_, body) = redeem(&harness, &code, &[]).await;
        let token = body["refresh_token"].as_str().unwrap();
        assert_eq!(refresh(&harness, token, &[]).await.0, 200);
        let bad_code =
            json!({ "error": "invalid_grant", "error_description": "Invalid authorization code" });
        assert_eq!(redeem(&harness, &code, &[]).await, (403, bad_code));
        assert_eq!(refresh(&harness, token, &[]).await.0, 403);
    }

    #[tokio::test]
    async fn wants_the_same_verifier_and_address_again() {
        let harness = Harness::start().await;
        let other_verifier = VERIFIER.replace('d', "e");
        for (name, value, text) in [
            ("code_verifier", other_verifier.as_str(), "Failed to verify code verifier"),
            ("redirect_uri", "http://127.0.0.1:18484/callback", "The redirect URI is wrong"),
        ] {
            let code = log_in(&harness, &[]).await;
            let (status, body) = redeem(&harness, &code, &[(name, value)]).await;
            assert_eq!((status, body["error_description"].as_str()), (403, Some(text)));
            assert_eq!(redeem(&harness, &code, &[]).await.0, 403, "the code is spent all the same");
        }
    }

    #[tokio::test]
    async fn gives_the_my_account_api_by_multi_resource_refresh_token() {
        let harness = Harness::start().await;
        let token = harness.sandbox.refresh_token("linked").unwrap();
        let audience = harness.url("/me/");
        let all = MY_ACCOUNT_SCOPES.join(" ");
        let wanted = format!("{all} read:me:made_up");
        let (status, body) =
            refresh(&harness, &token, &[("audience", &audience), ("scope", &wanted)]).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!((&body["scope"], &body["expires_in"]), (&json!(all), &json!(600)));
        assert_eq!(body.get("refresh_token"), None);
        assert_eq!(body.get("id_token"), None);
        let (_, body) = refresh(&harness, &token, &[]).await;
        assert_eq!(body["scope"], "openid profile email offline_access");
        let (status, body) = refresh(&harness, &token, &[("audience", "https://other/")]).await;
        assert_eq!(
            (status, body["error_description"].as_str()),
            (403, Some("Service not found: https://other/"))
        );
        let world = harness.sandbox.world();
        world.change_tenant(|tenant| tenant.set(Switch::MyAccountGrant, false));
        let (status, body) = refresh(&harness, &token, &[("audience", &audience)]).await;
        assert_eq!(
            (status, body["error_description"].as_str().unwrap()),
            (403, &*no_grant(CLIENT_ID, &audience))
        );
        world.change_tenant(|tenant| tenant.set(Switch::MyAccountPolicy, false));
        let (status, body) = refresh(&harness, &token, &[("audience", &audience)]).await;
        assert_eq!((status, body["error"].as_str()), (400, Some("invalid_target")));
    }

    #[tokio::test]
    async fn rotates_only_where_the_tenant_does() {
        let harness = Harness::start().await;
        let token = harness.sandbox.refresh_token("linked").unwrap();
        harness.sandbox.world().rotate_refresh_tokens(true);
        let (_, body) = refresh(&harness, &token, &[]).await;
        let next = body["refresh_token"].as_str().unwrap();
        let (status, body) = refresh(&harness, next, &[]).await;
        assert_eq!(status, 200, "{body}");
        let newest = body["refresh_token"].as_str().unwrap();
        assert_eq!(refresh(&harness, &token, &[]).await.0, 403, "it was replaced");
        assert_eq!(refresh(&harness, newest, &[]).await.0, 403, "reuse ends the whole family");
    }

    #[tokio::test]
    async fn forgets_a_refresh_token_that_is_revoked() {
        let harness = Harness::start().await;
        let token = harness.sandbox.refresh_token("linked").unwrap();
        let other = harness.sandbox.refresh_token("linked").unwrap();
        assert_eq!(harness.form("/oauth/revoke", &[("token", &token)]).await, (200, json!("")));
        let (status, body) = refresh(&harness, &token, &[]).await;
        let gone = json!({
            "error": "invalid_grant",
            "error_description": "Unknown or invalid refresh token.",
        });
        assert_eq!((status, body), (403, gone));
        assert_eq!(harness.form("/oauth/revoke", &[("token", "unknown")]).await.0, 200);
        assert_eq!(refresh(&harness, &other, &[]).await.0, 200);
        harness.sandbox.world().revoke_refresh_token("linked");
        assert_eq!(refresh(&harness, &other, &[]).await.0, 403);
    }
}

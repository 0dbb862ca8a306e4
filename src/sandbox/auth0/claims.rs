//! What the tenant's signed tokens say.

use serde_json::{Value, json};

use crate::sandbox::world::random;

use super::Auth0;
use super::objects::Object;
use super::state::Authorization;
use super::tenant::Tenant;

const ID_TOKEN_LIFE: i64 = 36_000;
const ACCESS_TOKEN_LIFE: u64 = 86_400;

/// What an ID token says of the sign-in that it comes from; one by a refresh token comes from none.
#[derive(Default)]
pub(crate) struct SignIn {
    pub(crate) nonce: Option<String>,
    /// When it was, in seconds since 1970.
    pub(crate) auth_time: Option<i64>,
}

impl Auth0 {
    /// The claims of an access token for an API, which ends `life` seconds from `now`.
    pub(crate) fn access_claims(
        &self,
        tenant: &Tenant,
        authorization: &Authorization,
        audience: &str,
        now: i64,
        life: i64,
    ) -> Value {
        let server = tenant.resource_server(audience).filter(|server| !server.is_system());
        let ours = server.is_some();
        let aud = match ours && authorization.has("openid") {
            true => json!([audience, format!("{}/userinfo", self.domain)]),
            false => json!(audience),
        };
        let mut claims = json!({
            "iss": self.issuer(),
            "sub": authorization.person.auth0_id,
            "aud": aud,
            "iat": now,
            "exp": now.saturating_add(life),
            "jti": random(22),
            "scope": authorization.scopes.join(" "),
        });
        let client = match server.is_some_and(Object::speaks_rfc9068) {
            true => "client_id",
            false => "azp",
        };
        insert(&mut claims, client, authorization.client_id.clone());
        if let Some(organization) = &authorization.organization {
            insert(&mut claims, "org_id", organization.clone());
        }
        // A test that gives people roles means tokens that say so, whatever the dialect.
        let carried =
            server.filter(|server| tenant.permissions.is_some() || server.carries_permissions());
        if let Some(permissions) = carried.and_then(|server| tenant.permitted_at(server)) {
            insert(&mut claims, "permissions", permissions);
        }
        claims
    }

    /// The claims of an ID token.
    pub(crate) fn id_claims(
        &self,
        authorization: &Authorization,
        sign_in: &SignIn,
        now: i64,
    ) -> Value {
        let mut claims = authorization.profile();
        insert(&mut claims, "iss", self.issuer());
        insert(&mut claims, "aud", authorization.client_id.clone());
        insert(&mut claims, "iat", now);
        insert(&mut claims, "exp", now + ID_TOKEN_LIFE);
        insert(&mut claims, "sid", random(32));
        if let Some(nonce) = &sign_in.nonce {
            insert(&mut claims, "nonce", nonce.clone());
        }
        if let Some(auth_time) = sign_in.auth_time {
            insert(&mut claims, "auth_time", auth_time);
        }
        if let Some(organization) = &authorization.organization {
            insert(&mut claims, "org_id", organization.clone());
        }
        claims
    }
}

impl Authorization {
    /// Whether `scope` was granted.
    pub(crate) fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|one| one == scope)
    }

    /// The claims about the person that the scopes allow.
    pub(crate) fn profile(&self) -> Value {
        let person = self.person;
        let mut claims = json!({ "sub": person.auth0_id });
        if self.has("profile") {
            insert(&mut claims, "name", person.name);
            insert(&mut claims, "nickname", person.nickname);
            insert(&mut claims, "updated_at", "2026-11-20T09:00:00.000Z");
        }
        if self.has("email") {
            insert(&mut claims, "email", person.email);
            insert(&mut claims, "email_verified", true);
        }
        claims
    }
}

/// How long an access token for `audience` lives, in seconds. What browser flows get would be shorter;
/// the tenant has none.
pub(crate) fn life(tenant: &Tenant, audience: Option<&str>) -> u64 {
    audience
        .and_then(|audience| tenant.resource_server(audience)?.get("token_lifetime")?.as_u64())
        .unwrap_or(ACCESS_TOKEN_LIFE)
}

/// Sets a member of an object.
pub(crate) fn insert(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value.into());
    }
}

//! Access tokens for our own API, made without a browser, and odd ones that no login would give.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::sandbox::people;

use super::Auth0;
use super::claims::insert;
use super::keys::SigningKey;
use super::objects::Object;
use super::state::{AccessToken, Authorization};
use super::tenant::AGENT_CLIENT_ID;

/// What an access token for our own API says. By default what a client gets that asked for reading and
/// writing.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// The scopes granted, as `scope`.
    pub scopes: Vec<String>,
    /// The `permissions` claim; the tenant's where none is named here.
    pub permissions: Option<Vec<String>>,
    /// The organization that the person signed in to, as `org_id`.
    pub organization: Option<String>,
    /// The life in seconds; a negative one has ended.
    pub expires_in: i64,
    /// The API; ours where none is named here.
    pub audience: Option<String>,
    /// The client that got it, as `azp`.
    pub client_id: String,
    /// The thumbprint of the key that the token is bound to, as `cnf.jkt` (RFC 9449 section 6.1).
    pub key_thumbprint: Option<String>,
    /// Whether the client got it by itself: then there is no person, whatever the account.
    pub machine: bool,
    /// Whether it has the shape of RFC 9068: `typ` is `at+jwt`, and the client is `client_id`.
    pub rfc9068: bool,
    /// The key that signs it.
    pub key: SigningKey,
    /// Claims that take the place of those above; `null` takes one away.
    pub claims: Map<String, Value>,
}

impl Default for Bearer {
    fn default() -> Self {
        Self {
            scopes: ["bitbucket:read", "bitbucket:write"].map(str::to_owned).to_vec(),
            permissions: None,
            organization: None,
            expires_in: 86_400,
            audience: None,
            client_id: AGENT_CLIENT_ID.to_owned(),
            key_thumbprint: None,
            machine: false,
            rfc9068: false,
            key: SigningKey::Current,
            claims: Map::new(),
        }
    }
}

impl Auth0 {
    /// The token that `bearer` describes, of somebody who can sign in. Nothing for others, and where no
    /// API is named and ours is not open.
    pub(crate) fn bearer(&self, account: &str, bearer: Bearer) -> Option<String> {
        let person = people::find(account).filter(|person| person.account.is_some())?;
        let mut world = self.world.lock();
        let audience = bearer.audience.or_else(|| world.tenant.our_api())?;
        let authorization = Authorization {
            person,
            client_id: bearer.client_id,
            audience: Some(audience.clone()),
            scopes: bearer.scopes,
            organization: bearer.organization,
        };
        let now = jiff::Timestamp::now().as_second();
        // A token that has ended was issued before that.
        let issued_at = now.saturating_add(bearer.expires_in.min(0)).saturating_sub(1);
        let life = bearer.expires_in.saturating_add(now - issued_at);
        let mut claims =
            self.access_claims(&world.tenant, &authorization, &audience, issued_at, life);
        if let Some(permissions) = bearer.permissions {
            insert(&mut claims, "permissions", permissions);
        }
        if let Some(thumbprint) = bearer.key_thumbprint {
            insert(&mut claims, "cnf", json!({ "jkt": thumbprint }));
        }
        if bearer.machine {
            insert(&mut claims, "sub", format!("{}@clients", authorization.client_id));
            insert(&mut claims, "gty", "client-credentials");
        }
        if let Some(claims) = claims.as_object_mut() {
            if bearer.rfc9068
                && let Some(client) = claims.remove("azp")
            {
                claims.insert("client_id".to_owned(), client);
            }
            claims.extend(bearer.claims);
            claims.retain(|_, value| !value.is_null());
        }
        let server = world.tenant.resource_server(&audience);
        let rfc9068 = bearer.rfc9068 || server.is_some_and(Object::speaks_rfc9068);
        let kind = if rfc9068 { "at+jwt" } else { "JWT" };
        let token = world.keyring.sign_with(bearer.key, kind, &claims).ok()?;
        let life = Duration::from_secs(u64::try_from(bearer.expires_in).unwrap_or(0));
        let now = Instant::now();
        let expires_at = now.checked_add(life).unwrap_or(now);
        world.issued.access_tokens.insert(token.clone(), AccessToken { authorization, expires_at });
        Some(token)
    }
}

//! The Management API, as far as we need it: which accounts somebody has linked, and the objects that a
//! connection's set-up consists of.
//!
//! It sees everybody's accounts, so while people are served it is asked only for the person who calls,
//! and never for a change; what changes something is for an admin's set-up.
//! <https://auth0.com/docs/api/management/v2>

mod apis;
mod applications;
mod call;
mod connections;
mod grants;
mod list;
mod objects;
mod scopes;
mod tenant;
#[cfg(test)]
mod testing;
mod users;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use tokio::sync::{Mutex, Semaphore};
use url::Url;

pub use objects::{
    Application, ClientGrant, Connection, ConnectionOptions, CustomDomain, Purpose, ResourceServer,
    ResourceServerScope, TenantSettings,
};

use super::{ClientAuthentication, Error, Settings, Tenant};
use crate::net;

/// How long before its end a token is no longer used.
const LEEWAY: Duration = Duration::from_secs(60);
/// A token is asked for anew after so long, though Auth0 gives them for a day: a grant that was
/// narrowed, or a secret that was changed, is to be noticed.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);
/// How many calls of a set-up are under way at once.
const TURNS: usize = 2;

/// The body of a create or a change.
pub type Body = Map<String, Value>;

/// The Management API of one tenant. Clones share the token.
#[derive(Clone)]
pub struct Management {
    inner: Arc<Inner>,
}

/// Which tenant, and which of its machine-to-machine applications we are.
#[derive(Debug)]
pub struct ManagementSettings {
    /// The tenant's canonical domain, ending in a slash: a custom domain has no Management API.
    pub domain: Url,
    /// The application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
}

struct Inner {
    tenant: Tenant,
    /// Held while a token is being fetched, so that one fetch serves all who wait.
    token: Mutex<Option<Kept>>,
    /// Taken for each call of a set-up.
    turns: Semaphore,
    /// How long such a call may wait for the rate limit.
    longest_wait: Duration,
}

/// An access token for the Management API.
#[derive(Clone)]
struct ManagementToken(SecretString);

struct Kept {
    token: ManagementToken,
    /// What it is good for, where Auth0 has said so.
    scope: Option<String>,
    since: SystemTime,
    until: SystemTime,
}

impl Management {
    /// The Management API that `settings` describe. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the domain has a path.
    pub fn new(http: net::Http, settings: ManagementSettings) -> Result<Self, Error> {
        let ManagementSettings { domain, client_id, client_secret } = settings;
        let authentication = ClientAuthentication::Secret(client_secret);
        let settings = Settings { domain, client_id, authentication, organization: None };
        let tenant = Tenant::new(http, settings)?;
        let inner = Inner {
            tenant,
            token: Mutex::default(),
            turns: Semaphore::new(TURNS),
            longest_wait: call::LONGEST_WAIT,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// A token other than `rejected`: the one at hand, or else a new one.
    async fn token(&self, rejected: Option<&ManagementToken>) -> Result<ManagementToken, Error> {
        let mut kept = self.inner.token.lock().await;
        let now = SystemTime::now();
        if let Some(kept) = &*kept
            && kept.is_live(now)
            && rejected.is_none_or(|rejected| !kept.token.is(rejected))
        {
            return Ok(kept.token.clone());
        }
        let audience = format!("{}api/v2/", self.inner.tenant.domain());
        let (token, life, scope) = self.inner.tenant.client_credentials(&audience).await?;
        let token = ManagementToken(token);
        let life = life.map_or(MAX_AGE, |life| life.saturating_sub(LEEWAY.min(life / 2)));
        let until = now + life.min(MAX_AGE);
        *kept = Some(Kept { token: token.clone(), scope, since: now, until });
        Ok(token)
    }
}

impl Kept {
    /// A clock that was set back must not lengthen a token's life.
    fn is_live(&self, now: SystemTime) -> bool {
        self.since <= now && now < self.until
    }
}

impl ManagementToken {
    fn is(&self, other: &Self) -> bool {
        super::same(self.0.expose_secret(), other.0.expose_secret())
    }
}

impl fmt::Debug for Management {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Management").field(&self.inner.tenant).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::stand_in::StandIn;
    use super::testing::{ACCOUNTS, account, list, management, read, token};
    use super::*;

    #[tokio::test]
    async fn fetches_one_token_for_all_who_wait() {
        let stand_in = StandIn::start().await;
        stand_in.answer("/oauth/token", 200, token("t1", 86_400));
        stand_in.answer(ACCOUNTS, 200, list(&[]));
        let management = management(&stand_in);
        let reads = (0..20).map(|_| read(&management));
        for read in futures::future::join_all(reads).await {
            assert_eq!(read.unwrap(), [""; 0]);
        }
        let fetches = stand_in.requests().iter().filter(|one| one.path == "/oauth/token").count();
        assert_eq!(fetches, 1);
    }

    #[tokio::test]
    async fn replaces_a_token_that_was_taken_back_once() {
        let stand_in = StandIn::start().await;
        stand_in.answer_next("/oauth/token", 200, token("t1", 86_400));
        stand_in.answer("/oauth/token", 200, token("t2", 86_400));
        let unauthorized =
            json!({ "statusCode": 401, "error": "Unauthorized", "message": "Invalid token" });
        stand_in.answer_next(ACCOUNTS, 401, unauthorized.clone());
        stand_in.answer_next(ACCOUNTS, 200, list(&[account("cac_1", "bitbucket")]));
        stand_in.answer(ACCOUNTS, 401, unauthorized);
        let management = management(&stand_in);
        assert_eq!(read(&management).await.unwrap(), ["cac_1"]);
        let error = read(&management).await.unwrap_err();
        assert_eq!(error.to_string(), "Auth0 does not accept the token for its Management API");
        let bearers: Vec<_> =
            stand_in.requests().into_iter().filter_map(|request| request.authorization).collect();
        assert_eq!(bearers, ["Bearer t1", "Bearer t2", "Bearer t2", "Bearer t2"]);
    }

    #[tokio::test]
    async fn uses_no_token_to_its_very_end() {
        let stand_in = StandIn::start().await;
        stand_in.answer("/oauth/token", 200, token("t", 0));
        stand_in.answer(ACCOUNTS, 200, list(&[]));
        let management = management(&stand_in);
        read(&management).await.unwrap();
        read(&management).await.unwrap();
        assert_eq!(stand_in.requests().len(), 4);
        let now = SystemTime::now();
        let kept = |since: SystemTime| Kept {
            token: ManagementToken("t".into()),
            scope: None,
            since,
            until: since + MAX_AGE,
        };
        assert!(kept(now).is_live(now));
        assert!(!kept(now + MAX_AGE).is_live(now), "the clock was set back");
    }

    #[tokio::test]
    async fn prints_no_secret() {
        let stand_in = StandIn::start().await;
        let said = format!("{:?}", management(&stand_in));
        assert!(said.contains("machine") && !said.contains("hush"), "{said}");
    }
}

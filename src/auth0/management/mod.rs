//! The Management API, as far as serving people needs it: which accounts somebody has linked.
//!
//! It sees everybody's accounts, so it is asked only for the person who calls, and never for a change.
//! <https://auth0.com/docs/api/management/v2>

mod objects;
mod scopes;
mod setup;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

pub use objects::{
    Application, ClientGrant, Connection, ConnectionOptions, CustomDomain, Purpose, ResourceServer,
    ResourceServerScope, TenantSettings,
};
pub use setup::Body;

use super::connected_accounts::of_connection;
use super::error::Asked;
use super::wire::Answer;
use super::{ClientAuthentication, ConnectedAccount, Error, Settings, Tenant};
use crate::net;

/// How long before its end a token is no longer used.
const LEEWAY: Duration = Duration::from_secs(60);
/// A token is asked for anew after so long, though Auth0 gives them for a day: a grant that was
/// narrowed, or a secret that was changed, is to be noticed.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);
/// How long one try of reading may take. People wait for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most that a page of accounts may hold.
const TAKE: &str = "50";
/// Nobody has two hundred accounts on one connection; a list without an end does.
const MAX_PAGES: usize = 4;

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

#[derive(Deserialize)]
struct Accounts {
    connected_accounts: Vec<ConnectedAccount>,
    next: Option<String>,
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
        Ok(Self { inner: Arc::new(Inner { tenant, token: Mutex::default() }) })
    }

    /// The accounts that the person has linked on `connection`.
    ///
    /// # Errors
    /// [`Error::Management`] when the tenant is not set up for it or does not know the person, and
    /// whatever the token endpoint has.
    pub async fn connected_accounts(
        &self,
        subject: &str,
        connection: &str,
    ) -> Result<Vec<ConnectedAccount>, Error> {
        let path = path_of(subject)?;
        let mut accounts = Vec::new();
        let mut from: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut url = self.inner.tenant.endpoint(&path);
            url.query_pairs_mut().append_pair("take", TAKE);
            if let Some(from) = &from {
                url.query_pairs_mut().append_pair("from", from);
            }
            let page: Accounts = self.read(&url).await?.json("a list of accounts")?;
            accounts.extend(page.connected_accounts);
            match page.next {
                Some(next) if Some(&next) != from.as_ref() && !next.is_empty() => from = Some(next),
                _ => return Ok(of_connection(accounts, connection)),
            }
        }
        Err(Error::Unreadable("a list of accounts that ends"))
    }

    /// What stands at `url`. A token that was taken back before its time is replaced once.
    async fn read(&self, url: &Url) -> Result<Answer, Error> {
        let token = self.token(None).await?;
        let answer = self.get(url, &token).await?;
        let answer = if answer.status == 401 {
            let token = self.token(Some(&token)).await?;
            self.get(url, &token).await?
        } else {
            answer
        };
        if answer.is_success() { Ok(answer) } else { Err(Error::of(Asked::Management, &answer)) }
    }

    async fn get(&self, url: &Url, token: &ManagementToken) -> Result<Answer, Error> {
        let bearer = token.0.expose_secret();
        let get = |client: &reqwest::Client| Ok(client.get(url.clone()).bearer_auth(bearer));
        self.inner.tenant.send_within(PATIENCE, url, get).await
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

/// Where the person's accounts are. Percent-encoding does not keep dots from being steps upwards: the
/// URL standard takes `%2e%2e` for `..`.
fn path_of(subject: &str) -> Result<String, Error> {
    if subject.bytes().all(|byte| byte == b'.') {
        return Err(Error::Invalid("the user id cannot stand in a URL"));
    }
    let subject = utf8_percent_encode(subject, NON_ALPHANUMERIC);
    Ok(format!("api/v2/users/{subject}/connected-accounts"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::stand_in::StandIn;
    use super::*;

    const ACCOUNTS: &str = "/api/v2/users/auth0%7Cana/connected-accounts";

    fn management(stand_in: &StandIn) -> Management {
        let settings = ManagementSettings {
            domain: stand_in.domain().clone(),
            client_id: "machine".into(),
            client_secret: "hush".into(),
        };
        Management::new(net::Http::new(), settings).unwrap()
    }

    fn token(name: &str, life: u64) -> Value {
        json!({
            "access_token": name, "scope": "read:users", "expires_in": life,
            "token_type": "Bearer",
        })
    }

    /// As recorded on a real tenant.
    fn account(id: &str, connection: &str) -> Value {
        json!({
            "id": id, "connection": connection, "connection_id": "con_BXvD3jxIMEDqJNN9",
            "strategy": connection, "access_type": "offline", "scopes": ["account"],
            "created_at": "2026-05-28T14:42:20.861Z",
        })
    }

    fn list(accounts: &[Value]) -> Value {
        json!({ "connected_accounts": accounts })
    }

    async fn read(management: &Management) -> Result<Vec<String>, Error> {
        let accounts = management.connected_accounts("auth0|ana", "bitbucket").await?;
        Ok(accounts.into_iter().map(|account| account.id.to_string()).collect())
    }

    fn asked(stand_in: &StandIn) -> Vec<String> {
        let requests = stand_in.requests().into_iter();
        requests
            .map(|request| {
                let bearer = request.authorization.unwrap_or_default();
                let query = request.query;
                format!("{} {}?{query} {bearer}", request.method, request.path).trim().to_owned()
            })
            .collect()
    }

    #[tokio::test]
    async fn reads_every_page_with_one_token() {
        let stand_in = StandIn::start().await;
        stand_in.answer("/oauth/token", 200, token("t1", 86_400));
        let mut first = list(&[account("cac_1", "bitbucket"), account("cac_2", "github")]);
        first["next"] = "p 2".into();
        stand_in.answer_next(ACCOUNTS, 200, first);
        stand_in.answer(ACCOUNTS, 200, list(&[account("cac_3", "bitbucket")]));
        let management = management(&stand_in);
        assert_eq!(read(&management).await.unwrap(), ["cac_1", "cac_3"]);
        assert_eq!(read(&management).await.unwrap(), ["cac_3"]);
        assert_eq!(
            asked(&stand_in),
            [
                "POST /oauth/token?".to_owned(),
                format!("GET {ACCOUNTS}?take=50 Bearer t1"),
                format!("GET {ACCOUNTS}?take=50&from=p+2 Bearer t1"),
                format!("GET {ACCOUNTS}?take=50 Bearer t1"),
            ]
        );
        assert_eq!(
            stand_in.requests()[0].form(),
            format!(
                "grant_type=client_credentials\naudience={}api/v2/\nclient_id=machine\n\
                 client_secret=hush",
                stand_in.domain()
            )
        );
    }

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
    async fn tells_refusals_apart() {
        let problem = |status: u16, error: &str, code: Option<&str>, message: &str| {
            let mut body = json!({ "statusCode": status, "error": error, "message": message });
            if let Some(code) = code {
                body["errorCode"] = code.into();
            }
            (status, body)
        };
        let oauth = |status: u16, code: &str, words: &str| {
            (status, json!({ "error": code, "error_description": words }))
        };
        let table = [
            ("/oauth/token", oauth(401, "access_denied", "Unauthorized")),
            ("/oauth/token", oauth(401, "invalid_client", "")),
            (
                "/oauth/token",
                oauth(
                    403,
                    "access_denied",
                    "Client is not authorized to access \"https://d/api/v2/\". You need to create a \
                     \"client-grant\" associated to this API.",
                ),
            ),
            (
                "/oauth/token",
                oauth(
                    403,
                    "unauthorized_client",
                    "Grant type 'client_credentials' not allowed for the client.",
                ),
            ),
            ("/oauth/token", oauth(403, "access_denied", "Service not found: https://d/api/v2/")),
            (
                ACCOUNTS,
                problem(
                    403,
                    "Forbidden",
                    Some("insufficient_scope"),
                    "Insufficient scope, expected any of: read:users",
                ),
            ),
            (
                ACCOUNTS,
                problem(404, "Not Found", Some("inexistent_user"), "The user does not exist."),
            ),
            (ACCOUNTS, problem(404, "Not Found", None, "Not Found")),
            (ACCOUNTS, problem(400, "Bad Request", Some("invalid_uri"), "Path validation error")),
            (ACCOUNTS, problem(429, "Too Many Requests", Some("too_many_requests"), "")),
            (ACCOUNTS, (503, json!("down"))),
            (ACCOUNTS, (200, json!({ "accounts": [] }))),
        ];
        let mut told = Vec::new();
        for (path, (status, body)) in table {
            let stand_in = StandIn::start().await;
            stand_in.answer("/oauth/token", 200, token("t1", 86_400));
            stand_in.answer(path, status, body);
            told.push(format!("{status} {}", read(&management(&stand_in)).await.unwrap_err()));
        }
        insta::assert_snapshot!(told.join("\n"), @"
        401 Auth0 does not accept the management client's credentials
        401 Auth0 does not accept the management client's credentials
        403 the management client is not authorized for the Management API
        403 the management client is not authorized for the Management API
        403 there is no Management API at the management domain
        403 the management client's grant for the Management API lacks `read:users`
        404 the Management API does not know the user
        404 Auth0 refused in an unexpected way (HTTP 404)
        400 Auth0 refused in an unexpected way (HTTP 400, `invalid_uri`)
        429 Auth0's rate limit is reached
        503 Auth0 is not working right now (HTTP 503)
        200 Auth0's answer is not a list of accounts
        ");
    }

    #[tokio::test]
    async fn lets_no_user_id_leave_its_place_in_the_path() {
        let stand_in = StandIn::start().await;
        stand_in.answer("/oauth/token", 200, token("t1", 86_400));
        let management = management(&stand_in);
        for subject in ["", ".", ".."] {
            let error = management.connected_accounts(subject, "bitbucket").await.unwrap_err();
            assert_eq!(error.to_string(), "the user id cannot stand in a URL");
        }
        assert!(stand_in.requests().is_empty());
        for subject in ["../clients", "a/../../b", "a?b#c", "%2e%2e", "...x", "ä\n"] {
            management.connected_accounts(subject, "bitbucket").await.unwrap_err();
        }
        let paths: Vec<_> = stand_in.requests().into_iter().skip(1).map(|one| one.path).collect();
        assert_eq!(
            paths,
            [
                "/api/v2/users/%2E%2E%2Fclients/connected-accounts",
                "/api/v2/users/a%2F%2E%2E%2F%2E%2E%2Fb/connected-accounts",
                "/api/v2/users/a%3Fb%23c/connected-accounts",
                "/api/v2/users/%252e%252e/connected-accounts",
                "/api/v2/users/%2E%2E%2Ex/connected-accounts",
                "/api/v2/users/%C3%A4%0A/connected-accounts",
            ]
        );
    }

    #[tokio::test]
    async fn prints_no_secret() {
        let stand_in = StandIn::start().await;
        let said = format!("{:?}", management(&stand_in));
        assert!(said.contains("machine") && !said.contains("hush"), "{said}");
    }
}

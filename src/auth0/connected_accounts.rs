//! The My Account API's connected accounts: how an account gets into the vault, and out.
//!
//! <https://auth0.com/docs/manage-users/my-account-api>

use std::fmt;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use url::Url;

use super::error::Asked;
use super::wire::Answer;
use super::{Error, MyAccountToken, PkceVerifier, Tenant};
use crate::net;

const CONNECT: &str = "me/v1/connected-accounts/connect";
const COMPLETE: &str = "me/v1/connected-accounts/complete";
const ACCOUNTS: &str = "me/v1/connected-accounts/accounts";
/// The most that a page of accounts may hold.
const TAKE: &str = "20";
/// Nobody has two hundred accounts on one connection; a list without an end does.
const MAX_PAGES: usize = 10;

/// What to link, and where to come back.
#[derive(Debug)]
pub struct Connect<'a> {
    /// The connection's name.
    pub connection: &'a str,
    /// Where Auth0 sends the browser back, exactly as registered.
    pub redirect_uri: &'a Url,
    /// Comes back with the answer, and ties it to the question.
    pub state: &'a str,
    /// Proves on completion that the question was ours.
    pub verifier: &'a PkceVerifier,
}

/// A started linking: the person goes to `url`, and `auth_session` completes what comes back.
#[derive(Debug)]
pub struct ConnectTicket {
    /// Bound to the person whose token started it.
    pub auth_session: SecretString,
    /// Where the person consents. On the tenant's own domain.
    pub url: Url,
    /// How long both are good for.
    pub expires_in: Duration,
}

/// An account in the vault.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ConnectedAccount {
    /// Which.
    pub id: AccountId,
    /// On which connection.
    pub connection: String,
    /// What was asked for. Providers may grant less or more.
    #[serde(default, deserialize_with = "or_default")]
    pub scopes: Vec<String>,
    /// Since when.
    #[serde(default, deserialize_with = "moment")]
    pub created_at: Option<jiff::Timestamp>,
    /// Until when, where the provider ends it by itself.
    #[serde(default, deserialize_with = "moment")]
    pub expires_at: Option<jiff::Timestamp>,
}

/// A connected account's identifier, safe as a path segment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct AccountId(String);

#[derive(Deserialize)]
struct Started {
    auth_session: SecretString,
    connect_uri: Url,
    connect_params: ConnectParams,
    expires_in: u64,
}

#[derive(Deserialize)]
struct ConnectParams {
    ticket: SecretString,
}

#[derive(Deserialize)]
struct Accounts {
    accounts: Vec<ConnectedAccount>,
    next: Option<String>,
}

impl Tenant {
    /// Starts linking. Auth0's time, five minutes, starts here: call it when the person is ready.
    ///
    /// # Errors
    /// [`Error::MyAccountUnavailable`], [`Error::CallbackNotAllowed`], and
    /// [`Error::ForeignUrl`] when Auth0 would send the person elsewhere.
    pub async fn connect_account(
        &self,
        token: &MyAccountToken,
        request: &Connect<'_>,
    ) -> Result<ConnectTicket, Error> {
        let body = json!({
            "connection": request.connection,
            "redirect_uri": request.redirect_uri,
            "state": request.state,
            "code_challenge": request.verifier.challenge(),
            "code_challenge_method": "S256",
        });
        let answer = self.post_json(CONNECT, token, &body).await?;
        let started: Started = checked(Asked::Connect, &answer)?.json("a linking session")?;
        let mut url = started.connect_uri;
        if !self.may_send_people_to(&url) {
            return Err(Error::ForeignUrl("consent page"));
        }
        url.query_pairs_mut().append_pair("ticket", started.connect_params.ticket.expose_secret());
        let expires_in = Duration::from_secs(started.expires_in);
        Ok(ConnectTicket { auth_session: started.auth_session, url, expires_in })
    }

    /// Puts the account into the vault, with the code that the person's browser brought back.
    ///
    /// # Errors
    /// [`Error::LinkExpired`] when it took too long or happened already.
    pub async fn complete_account(
        &self,
        token: &MyAccountToken,
        auth_session: &SecretString,
        connect_code: &str,
        redirect_uri: &Url,
        verifier: &PkceVerifier,
    ) -> Result<ConnectedAccount, Error> {
        let body = json!({
            "auth_session": auth_session.expose_secret(),
            "connect_code": connect_code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier.expose(),
        });
        let answer = self.post_json(COMPLETE, token, &body).await?;
        checked(Asked::Complete, &answer)?.json("a connected account")
    }

    /// The person's accounts on `connection`.
    ///
    /// # Errors
    /// [`Error::MyAccountUnavailable`] when the tenant is not set up for it.
    pub async fn connected_accounts(
        &self,
        token: &MyAccountToken,
        connection: &str,
    ) -> Result<Vec<ConnectedAccount>, Error> {
        let mut accounts = Vec::new();
        let mut from: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut url = self.endpoint(ACCOUNTS);
            url.query_pairs_mut().append_pair("connection", connection).append_pair("take", TAKE);
            if let Some(from) = &from {
                url.query_pairs_mut().append_pair("from", from);
            }
            let answer = self.get_with(&url, token).await?;
            let page: Accounts = checked(Asked::Accounts, &answer)?.json("a list of accounts")?;
            accounts.extend(page.accounts);
            match page.next {
                Some(next) if Some(&next) != from.as_ref() && !next.is_empty() => from = Some(next),
                _ => return Ok(of_connection(accounts, connection)),
            }
        }
        Err(Error::Unreadable("a list of accounts that ends"))
    }

    /// Takes an account out of the vault. The provider's own grant lives on. An account that is gone
    /// already counts as taken out.
    ///
    /// # Errors
    /// [`Error::MyAccountUnavailable`] when the tenant is not set up for it.
    pub async fn delete_account(
        &self,
        token: &MyAccountToken,
        id: &AccountId,
    ) -> Result<(), Error> {
        let url = self.endpoint(&format!("{ACCOUNTS}/{}", id.as_str()));
        let delete =
            |client: &reqwest::Client| Ok(client.delete(url.clone()).bearer_auth(token.expose()));
        let answer = self.send(&url, delete).await?;
        if answer.status == 404 { Ok(()) } else { checked(Asked::Accounts, &answer).map(|_| ()) }
    }

    async fn post_json(
        &self,
        path: &str,
        token: &MyAccountToken,
        body: &serde_json::Value,
    ) -> Result<Answer, Error> {
        let url = self.endpoint(path);
        let post = |client: &reqwest::Client| {
            Ok(client.post(url.clone()).bearer_auth(token.expose()).json(body))
        };
        self.send(&url, post).await
    }

    async fn get_with(&self, url: &Url, token: &MyAccountToken) -> Result<Answer, Error> {
        self.send(url, |client| Ok(client.get(url.clone()).bearer_auth(token.expose()))).await
    }

    /// Https on the tenant's own host; a tenant on loopback may use all of loopback.
    fn may_send_people_to(&self, url: &Url) -> bool {
        let domain = self.domain();
        let anonymous = url.username().is_empty() && url.password().is_none();
        let ours = if net::is_loopback(domain) {
            matches!(url.scheme(), "http" | "https") && net::is_loopback(url)
        } else {
            url.scheme() == "https" && url.origin() == domain.origin()
        };
        anonymous && ours
    }
}

impl AccountId {
    /// The identifier as Auth0 writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AccountId {
    type Error = &'static str;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        let sound = (1..=128).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        if sound { Ok(Self(id)) } else { Err("not the identifier of a connected account") }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn checked(asked: Asked, answer: &Answer) -> Result<&Answer, Error> {
    if answer.is_success() { Ok(answer) } else { Err(Error::of(asked, answer)) }
}

/// The filter is Auth0's to apply; an account of another connection must not be unlinked by mistake.
pub(super) fn of_connection(
    mut accounts: Vec<ConnectedAccount>,
    connection: &str,
) -> Vec<ConnectedAccount> {
    accounts.retain(|account| account.connection == connection);
    accounts
}

fn or_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<jiff::Timestamp>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.and_then(|text| text.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::super::stand_in::StandIn;
    use super::*;

    fn me() -> MyAccountToken {
        MyAccountToken::new("me".into())
    }

    fn account(id: &str, connection: &str) -> serde_json::Value {
        json!({
            "id": id, "connection": connection, "access_type": "offline",
            "created_at": "2026-10-13T21:09:04.126Z", "scopes": ["account"],
        })
    }

    fn started(connect_uri: &str) -> serde_json::Value {
        json!({
            "auth_session": "PKM-1", "connect_uri": connect_uri,
            "connect_params": { "ticket": "t&1" }, "expires_in": 300,
        })
    }

    async fn connect(stand_in: &StandIn) -> Result<ConnectTicket, Error> {
        let redirect_uri = Url::parse("http://127.0.0.1:18484/callback").unwrap();
        let verifier = PkceVerifier::random();
        let request = Connect {
            connection: "bitbucket",
            redirect_uri: &redirect_uri,
            state: "s-1",
            verifier: &verifier,
        };
        stand_in.tenant().connect_account(&me(), &request).await
    }

    #[tokio::test]
    async fn starts_a_linking_with_proof_and_state() {
        let stand_in = StandIn::start().await;
        let page = stand_in.domain().join("connected-accounts/connect?x=1").unwrap();
        stand_in.answer("/me/v1/connected-accounts/connect", 201, started(page.as_str()));
        let ticket = connect(&stand_in).await.unwrap();
        assert_eq!(ticket.url.as_str(), format!("{page}&ticket=t%261"));
        assert_eq!(ticket.expires_in, Duration::from_secs(300));
        let request = &stand_in.requests()[0];
        assert_eq!(request.authorization.as_deref(), Some("Bearer me"));
        let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        let mut keys = body.as_object().unwrap().keys().collect::<Vec<_>>();
        keys.sort();
        assert_eq!(
            keys,
            ["code_challenge", "code_challenge_method", "connection", "redirect_uri", "state"]
        );
    }

    #[tokio::test]
    async fn sends_nobody_to_a_foreign_consent_page() {
        let stand_in = StandIn::start().await;
        for page in [
            "https://evil.example.com/connect",
            "http://ana@127.0.0.1:1/connect",
            "javascript:alert(1)",
            "file:///etc/passwd",
        ] {
            stand_in.answer("/me/v1/connected-accounts/connect", 201, started(page));
            let error = connect(&stand_in).await.unwrap_err();
            assert_eq!(error.to_string(), "Auth0 named a consent page outside its own domain");
        }
        let tenant = stand_in.tenant_at("https://acme.eu.auth0.com/");
        for (page, allowed) in [
            ("https://acme.eu.auth0.com/connected-accounts/connect", true),
            ("http://acme.eu.auth0.com/connected-accounts/connect", false),
            ("https://acme.eu.auth0.com:8443/connect", false),
            ("https://acme.eu.auth0.com.evil.example/connect", false),
            ("http://127.0.0.1/connect", false),
        ] {
            assert_eq!(tenant.may_send_people_to(&Url::parse(page).unwrap()), allowed, "{page}");
        }
    }

    #[tokio::test]
    async fn completes_with_what_it_started() {
        let stand_in = StandIn::start().await;
        let made = account("cac_1", "bitbucket");
        stand_in.answer("/me/v1/connected-accounts/complete", 201, made);
        let verifier = PkceVerifier::random();
        let redirect_uri = Url::parse("http://127.0.0.1:18484/callback").unwrap();
        let tenant = stand_in.tenant();
        let session = SecretString::from("PKM-1");
        let account = tenant
            .complete_account(&me(), &session, "cc-1", &redirect_uri, &verifier)
            .await
            .unwrap();
        assert_eq!((account.id.as_str(), account.scopes), ("cac_1", vec!["account".to_owned()]));
        let body: serde_json::Value = serde_json::from_str(&stand_in.requests()[0].body).unwrap();
        assert_eq!(
            body,
            json!({
                "auth_session": "PKM-1", "connect_code": "cc-1",
                "redirect_uri": "http://127.0.0.1:18484/callback",
                "code_verifier": verifier.expose(),
            })
        );
    }

    #[tokio::test]
    async fn reads_every_page_of_accounts() {
        let stand_in = StandIn::start().await;
        let path = "/me/v1/connected-accounts/accounts";
        stand_in.answer_next(path, 200, json!({
            "accounts": [account("cac_1", "bitbucket"), account("cac_2", "github")], "next": "p 2",
        }));
        stand_in.answer_next(path, 200, json!({ "accounts": [account("cac_3", "bitbucket")] }));
        let accounts = stand_in.tenant().connected_accounts(&me(), "bitbucket").await.unwrap();
        let ids = accounts.iter().map(|account| account.id.as_str()).collect::<Vec<_>>();
        assert_eq!(ids, ["cac_1", "cac_3"]);
        let queries = stand_in.requests().into_iter().map(|request| request.query);
        assert_eq!(
            queries.collect::<Vec<_>>(),
            ["connection=bitbucket&take=20", "connection=bitbucket&take=20&from=p+2"]
        );
    }

    #[tokio::test]
    async fn stops_at_a_list_without_an_end() {
        let stand_in = StandIn::start().await;
        let path = "/me/v1/connected-accounts/accounts";
        for page in 0..20 {
            stand_in.answer_next(path, 200, json!({ "accounts": [], "next": page.to_string() }));
        }
        let error = stand_in.tenant().connected_accounts(&me(), "bitbucket").await.unwrap_err();
        assert_eq!(error.to_string(), "Auth0's answer is not a list of accounts that ends");
        assert_eq!(stand_in.requests().len(), MAX_PAGES);
    }

    #[tokio::test]
    async fn unlinks_what_is_there_and_what_is_not() {
        let stand_in = StandIn::start().await;
        let id = AccountId::try_from("cac_1".to_owned()).unwrap();
        for status in [204, 404] {
            stand_in.answer("/me/v1/connected-accounts/accounts/cac_1", status, json!(null));
            stand_in.tenant().delete_account(&me(), &id).await.unwrap();
        }
        let methods = stand_in.requests().into_iter().map(|request| request.method);
        assert_eq!(methods.collect::<Vec<_>>(), ["DELETE", "DELETE"]);
        for id in ["", "..", "a/b", "cac_1?x", "%2e"] {
            assert!(AccountId::try_from(id.to_owned()).is_err(), "{id}");
        }
    }
}

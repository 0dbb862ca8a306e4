//! What a caller reads of their links who has nothing but an access token of our API.

use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::auth0::stand_in::StandIn;
use crate::auth0::{
    self, BearerToken, ClientAuthentication, Management, ManagementSettings, Tenant,
};
use crate::bitbucket::{Connector, Limits, TokenSource as _};
use crate::broker::link::{LinkedAccount, Reader};
use crate::broker::{Broker, Error, Proof, Settings, SubjectToken};
use crate::identity::Caller;
use crate::net::Http;
use crate::sandbox::{Effect, Fault, Options, Sandbox, Service, Switch};

const PUBLIC_URL: &str = "http://127.0.0.1:8080";

/// A server of our API, which exchanges its callers' tokens.
struct Hall {
    sandbox: Sandbox,
    broker: Broker,
    management: StandIn,
}

impl Hall {
    async fn open() -> Self {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        sandbox.open_api(PUBLIC_URL);
        let settings = sandbox.api_settings(PUBLIC_URL);
        let setting = |name| {
            settings
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.clone())
                .unwrap()
        };
        let settings = auth0::Settings {
            domain: Url::parse(&sandbox.auth0_domain()).unwrap(),
            client_id: setting("AUTH0_API_CLIENT_ID"),
            authentication: ClientAuthentication::Secret(setting("AUTH0_API_CLIENT_SECRET").into()),
            organization: None,
        };
        let tenant = Tenant::new(Http::new(), settings).unwrap();
        let base = Url::parse(&sandbox.bitbucket_api_url()).unwrap();
        let connector = Arc::new(Connector::new(Http::new(), base));
        let settings = Settings {
            connection: "bitbucket".into(),
            cache_age: Duration::from_secs(900),
            miss_age: Duration::from_secs(900),
            capacity: 100,
        };
        let broker = Broker::new(tenant, connector, settings);
        Self { sandbox, broker, management: StandIn::start().await }
    }

    fn proof(&self, account: &str) -> Proof {
        let subject = match account {
            "linked" => "auth0|ana",
            "limited" => "auth0|ben",
            _ => "auth0|gus",
        };
        let caller = Caller {
            issuer: format!("{}/", self.sandbox.auth0_domain()),
            subject: subject.to_owned(),
            organization: None,
        };
        let token = SecretString::from(self.sandbox.bearer_token(account).unwrap());
        Proof { caller, token: SubjectToken::Access(BearerToken::new(token)) }
    }

    /// What is read without the Management API.
    async fn read(&self, proof: &Proof) -> Result<Vec<LinkedAccount>, Error> {
        let reader = Reader::new(self.broker.clone(), None, "bitbucket".to_owned());
        reader.accounts(proof, limits()).await
    }

    /// What is read with it.
    async fn read_with_management(&self, proof: &Proof) -> Result<Vec<LinkedAccount>, Error> {
        let settings = ManagementSettings {
            domain: self.management.domain().clone(),
            client_id: "machine".into(),
            client_secret: "hush".into(),
        };
        let management = Management::new(Http::new(), settings).unwrap();
        let connection = "bitbucket".to_owned();
        let reader = Reader::new(self.broker.clone(), Some(management), connection);
        reader.accounts(proof, limits()).await
    }

    /// What is read with the sandbox's own Management API, which knows what is linked.
    async fn read_for_real(&self, proof: &Proof) -> Result<Vec<LinkedAccount>, Error> {
        let settings = self.sandbox.management_settings();
        let setting = |name| settings.iter().find(|(known, _)| *known == name).unwrap().1.clone();
        let settings = ManagementSettings {
            domain: Url::parse(&setting("AUTH0_MANAGEMENT_DOMAIN")).unwrap(),
            client_id: setting("AUTH0_MANAGEMENT_CLIENT_ID"),
            client_secret: setting("AUTH0_MANAGEMENT_CLIENT_SECRET").into(),
        };
        let management = Management::new(Http::new(), settings).unwrap();
        let connection = "bitbucket".to_owned();
        let reader = Reader::new(self.broker.clone(), Some(management), connection);
        reader.accounts(proof, limits()).await
    }

    /// Has the Management API list these for `auth0|ana`.
    fn list(&self, ids: &[&str]) {
        let token = json!({ "access_token": "t1", "expires_in": 86_400 });
        self.management.answer("/oauth/token", 200, token);
        let account = |id: &&str| {
            json!({
                "id": id, "connection": "bitbucket", "access_type": "offline", "scopes": ["asked"],
                "created_at": "2026-05-28T14:42:20.861Z",
            })
        };
        let accounts: Vec<_> = ids.iter().map(account).collect();
        let path = "/api/v2/users/auth0%7Cana/connected-accounts";
        self.management.answer(path, 200, json!({ "connected_accounts": accounts }));
    }
}

fn limits() -> Limits {
    Limits { deadline: Instant::now() + Duration::from_secs(30), cancel: CancellationToken::new() }
}

fn told(accounts: &[LinkedAccount]) -> String {
    let line = |account: &LinkedAccount| {
        let name = account.username.as_ref().map_or("?", |name| name.as_str());
        let id = account.id.as_deref().unwrap_or("no id");
        let scopes = account.scopes.as_ref().map_or("?".to_owned(), |scopes| scopes.join(" "));
        let since = account.linked_at.map_or("?".to_owned(), |time| time.to_string());
        let broken = if account.broken { ", broken" } else { "" };
        format!("{name}, {id}, {scopes}, since {since}{broken}")
    };
    accounts.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn tells_the_name_and_the_scopes_by_an_exchange_alone() {
    let hall = Hall::open().await;
    let proof = hall.proof("linked");
    let accounts = hall.read(&proof).await.unwrap();
    assert_eq!(
        told(&accounts),
        "ana, no id, account pipeline pipeline:variable pipeline:write project pullrequest:write repository:admin \
         repository:delete snippet:write webhook, since ?"
    );
    assert_eq!(accounts[0].connection, "bitbucket");
    hall.read(&proof).await.unwrap();
    assert_eq!(hall.broker.counts().exchanges, 1);
}

#[tokio::test]
async fn tells_nothing_linked_and_a_broken_link_apart() {
    let hall = Hall::open().await;
    assert_eq!(told(&hall.read(&hall.proof("guest")).await.unwrap()), "");
    hall.sandbox.world().revoke_bitbucket_grant("linked");
    let proof = hall.proof("linked");
    assert_eq!(told(&hall.read(&proof).await.unwrap()), "?, no id, ?, since ?, broken");
    hall.list(&["cac_1"]);
    assert_eq!(
        told(&hall.read_with_management(&proof).await.unwrap()),
        "?, cac_1, ?, since 2026-05-28T14:42:20.861Z, broken"
    );
}

#[tokio::test]
async fn takes_ids_and_dates_from_the_management_api() {
    let hall = Hall::open().await;
    hall.list(&["cac_1"]);
    assert_eq!(
        told(&hall.read_with_management(&hall.proof("linked")).await.unwrap()),
        "ana, cac_1, account pipeline pipeline:variable pipeline:write project pullrequest:write \
         repository:admin repository:delete snippet:write webhook, \
         since 2026-05-28T14:42:20.861Z"
    );
}

#[tokio::test]
async fn guesses_none_of_several_accounts_and_uses_none() {
    let hall = Hall::open().await;
    hall.list(&["cac_1", "cac_2"]);
    let proof = hall.proof("linked");
    let since = "since 2026-05-28T14:42:20.861Z";
    assert_eq!(
        told(&hall.read_with_management(&proof).await.unwrap()),
        format!("?, cac_1, ?, {since}\n?, cac_2, ?, {since}")
    );
    assert_eq!(hall.broker.counts().exchanges, 0);
    let Err(error) = hall.broker.client(&proof, limits()).await else { panic!("used one") };
    assert_eq!(error.to_string(), "several Bitbucket accounts are linked: cac_1, cac_2");
    // What was learned stays true where the Management API cannot be asked.
    assert_eq!(
        told(&hall.read(&proof).await.unwrap()),
        "?, cac_1, ?, since ?\n?, cac_2, ?, since ?"
    );
    hall.list(&["cac_2"]);
    let accounts = hall.read_with_management(&proof).await.unwrap();
    assert!(told(&accounts).starts_with("ana, cac_2, "), "{accounts:?}");
}

#[tokio::test]
async fn reads_the_same_from_a_tenant_as_strict_as_the_real_one() {
    let hall = Hall::open().await;
    let accounts = hall.read_for_real(&hall.proof("linked")).await.unwrap();
    let [account] = accounts.as_slice() else { panic!("{accounts:?}") };
    assert!(account.id.as_ref().is_some_and(|id| id.starts_with("cac_")), "{account:?}");
    assert!(account.linked_at.is_some() && account.username.is_some(), "{account:?}");
    assert_eq!(hall.read_for_real(&hall.proof("guest")).await.unwrap(), []);
    hall.sandbox.world().link_as("linked", "ben");
    let accounts = hall.read_for_real(&hall.proof("linked")).await.unwrap();
    assert_eq!(accounts.len(), 2, "{accounts:?}");
    assert!(accounts.iter().all(|account| account.username.is_none()), "{accounts:?}");
    // A client that was never granted `read:users` costs the ids and dates, and nothing else.
    hall.sandbox.world().change_tenant(|tenant| tenant.set_management_scopes([]));
    let accounts = hall.read_for_real(&hall.proof("limited")).await.unwrap();
    let [account] = accounts.as_slice() else { panic!("{accounts:?}") };
    assert_eq!((account.id.as_deref(), account.username.is_some()), (None, true));
}

#[tokio::test]
async fn goes_by_the_exchange_where_the_management_api_fails() {
    let hall = Hall::open().await;
    let accounts = hall.read_with_management(&hall.proof("linked")).await.unwrap();
    assert!(told(&accounts).starts_with("ana, no id, "), "{accounts:?}");
}

#[tokio::test]
async fn tells_what_is_known_where_bitbucket_fails() {
    let hall = Hall::open().await;
    hall.sandbox.faults().add(Fault::new(Service::Bitbucket, Effect::status(500)));
    assert_eq!(
        told(&hall.read(&hall.proof("linked")).await.unwrap()),
        "?, no id, account pipeline pipeline:variable pipeline:write project pullrequest:write repository:admin \
         repository:delete repository:write snippet:write webhook, since ?"
    );
}

#[tokio::test]
async fn says_nothing_of_links_where_auth0_fails() {
    let hall = Hall::open().await;
    let proof = hall.proof("linked");
    hall.sandbox.faults().add(Fault::new(Service::Auth0, Effect::status(503)));
    let error = hall.read(&proof).await.unwrap_err();
    assert_eq!(error.to_string(), "Auth0 is not working right now (HTTP 503)");
}

#[tokio::test]
async fn tells_that_the_callers_token_has_ended() {
    let hall = Hall::open().await;
    let mut proof = hall.proof("linked");
    let ended = crate::sandbox::Bearer { expires_in: -5, ..Default::default() };
    let token = SecretString::from(hall.sandbox.bearer("linked", ended).unwrap());
    let ended = SubjectToken::Access(BearerToken::new(token));
    let good = std::mem::replace(&mut proof.token, ended);
    let error = hall.read(&proof).await.unwrap_err();
    assert_eq!(
        crate::Error::from(error).words(),
        "not_signed_in: Auth0 no longer accepts the access token that came with this call\n\
         hint: ask the user to sign in to this server again in their MCP client, then call again"
    );
    proof.token = good;
    assert_eq!(hall.read(&proof).await.unwrap().len(), 1);
}

#[tokio::test]
async fn tells_nobody_that_the_token_of_another_call_has_ended() {
    let hall = Hall::open().await;
    let good = hall.proof("linked");
    let ended = crate::sandbox::Bearer { expires_in: -5, ..Default::default() };
    let token = SecretString::from(hall.sandbox.bearer("linked", ended).unwrap());
    let ended =
        Proof { token: SubjectToken::Access(BearerToken::new(token)), caller: good.caller.clone() };
    let slow = Effect::Delay(Duration::from_millis(100));
    hall.sandbox.faults().add(Fault::new(Service::Auth0, slow).times(1));
    let (refused, served) = tokio::join!(hall.read(&ended), hall.read(&good));
    assert!(matches!(refused, Err(Error::TokenEnded)));
    assert_eq!(served.unwrap().len(), 1);
    assert_eq!(hall.broker.counts().exchanges, 2);
}

#[tokio::test]
async fn renews_by_ones_own_token_where_that_of_another_call_has_ended() {
    let hall = Hall::open().await;
    let good = hall.proof("linked");
    let ended = crate::sandbox::Bearer { expires_in: -5, ..Default::default() };
    let token = SecretString::from(hall.sandbox.bearer("linked", ended).unwrap());
    let ended =
        Proof { token: SubjectToken::Access(BearerToken::new(token)), caller: good.caller.clone() };
    let [ended, good] = [ended, good].map(|proof| hall.broker.source(&proof, None));
    let rejected = good.token().await.unwrap();
    hall.sandbox.world().revoke_bitbucket_token("linked");
    // The first one's exchange is under way when the second one comes.
    let (refused, renewed) = tokio::join!(ended.renew(&rejected), good.renew(&rejected));
    let refused = refused.unwrap_err().0.downcast::<Error>().unwrap();
    assert!(matches!(*refused, Error::TokenEnded));
    assert!(renewed.unwrap() != rejected);
    assert_eq!(hall.broker.counts().exchanges, 3);
}

#[tokio::test]
async fn names_the_settings_of_the_api_client_when_it_may_not_exchange() {
    let hall = Hall::open().await;
    let proof = hall.proof("linked");
    hall.sandbox.world().change_tenant(|tenant| tenant.set(Switch::ApiClientLinked, false));
    let error = hall.read(&proof).await.unwrap_err();
    assert_eq!(
        crate::Error::from(error).words(),
        "unavailable: Auth0 does not let the API client exchange access tokens of this API\n\
         hint: an admin makes the application of `AUTH0_API_CLIENT_ID` the Custom API Client of the \
         API `AUTH0_AUDIENCE`, and adds the grant Token Vault to it"
    );
}

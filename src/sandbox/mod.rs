//! Auth0 and Bitbucket Cloud on loopback, for working and testing offline.
//!
//! One [`World`] with two HTTP faces: a tenant with Token Vault and the My Account API, and a Bitbucket
//! Cloud with real git repositories. Three accounts sign in: `linked` (Ana Lima, whose Bitbucket account
//! is in the vault), `limited` (Ben Okoye, whose link lacks `pullrequest:write`) and `guest` (Gus Weber,
//! not linked yet). It refuses what the services refuse, and fails on purpose where [`Faults`] say so. It
//! uses nothing else of this crate, so that it cannot share the clients' mistakes.

mod api;
mod auth0;
mod bitbucket;
mod browser;
mod consumer;
mod control;
mod faults;
mod git;
mod journal;
pub(crate) mod people;
mod record;
mod seed;
mod serve;
mod tls;
pub(crate) mod world;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use auth0::{Bearer, Kind, SigningKey, Start, Switch, Tenant};
pub use browser::BrowserError;
pub use faults::{Effect, Fault, Faults};
pub use journal::Write;
pub use record::{Recorded, Service};
pub use tls::Certificates;
pub use world::{Secrets, World};

use browser::{Answer, Browser};
use record::Record;
use serve::Around;

/// The accounts that can sign in.
pub const ACCOUNTS: [&str; 3] = ["linked", "limited", "guest"];

/// The two services, running. They stop when this is dropped.
pub struct Sandbox {
    auth0: String,
    bitbucket: String,
    certificates: Option<Certificates>,
    world: Arc<World>,
    start: Start,
    tenant: auth0::Auth0,
    faults: Arc<Faults>,
    record: Arc<Record>,
    _stop: DropGuard,
}

/// How to start a sandbox.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The port of the Auth0 tenant; 0 takes a free one.
    pub auth0_port: u16,
    /// The port of Bitbucket Cloud; 0 takes a free one.
    pub bitbucket_port: u16,
    /// Whether both serve https, as `localhost` and with an authority of their own.
    pub tls: bool,
    /// How far the tenant is set up.
    pub tenant: Start,
}

impl Sandbox {
    /// Starts both services on 127.0.0.1.
    pub async fn start(options: Options) -> io::Result<Self> {
        let auth0_listener = bind(options.auth0_port).await?;
        let bitbucket_listener = bind(options.bitbucket_port).await?;
        let certificates = options.tls.then(Certificates::new).transpose()?;
        let tls = certificates.as_ref().map(Certificates::server_config).transpose()?;
        let origin = |address: SocketAddr| match options.tls {
            true => format!("https://localhost:{}", address.port()),
            false => format!("http://{address}"),
        };
        let auth0 = origin(auth0_listener.local_addr()?);
        let bitbucket = origin(bitbucket_listener.local_addr()?);
        let world = Arc::new(World::new(&auth0, options.tenant));
        let faults = Arc::new(Faults::default());
        let record = Arc::new(Record::default());
        let stop = CancellationToken::new();
        let around = |service| Around {
            service,
            world: Arc::clone(&world),
            faults: Arc::clone(&faults),
            record: Arc::clone(&record),
        };
        let tenant = auth0::Auth0::new(Arc::clone(&world), &auth0)?;
        let handlers = auth0::router(tenant.clone());
        let surround = around(Service::Auth0);
        serve::serve(auth0_listener, tls.clone(), handlers, surround, stop.clone())?;
        let api = bitbucket::Api::new(Arc::clone(&world), bitbucket.clone());
        let handlers = bitbucket::router(api);
        let surround = around(Service::Bitbucket);
        serve::serve(bitbucket_listener, tls, handlers, surround, stop.clone())?;
        let _stop = stop.drop_guard();
        let start = options.tenant;
        Ok(Self { auth0, bitbucket, certificates, world, start, tenant, faults, record, _stop })
    }

    /// The Auth0 domain, for `AUTH0_DOMAIN`.
    pub fn auth0_domain(&self) -> String {
        self.auth0.clone()
    }

    /// The root of the Bitbucket API, for `BITBUCKET_API_URL`.
    pub fn bitbucket_api_url(&self) -> String {
        format!("{}/2.0", self.bitbucket)
    }

    /// What clients must trust, in PEM, where the services are served over https.
    pub fn authority(&self) -> Option<&str> {
        self.certificates.as_ref().map(|certificates| certificates.authority.as_str())
    }

    /// The client id of the tenant's web application; empty while it has none.
    pub fn client_id(&self) -> String {
        self.world.lock().tenant.web_id().unwrap_or_default()
    }

    /// The client secret of the tenant's web application; empty while it has none.
    pub fn client_secret(&self) -> String {
        let tenant = &self.world.lock().tenant;
        tenant.web_id().map(|id| tenant.secret_of(&id)).unwrap_or_default()
    }

    /// The key and secret of Bitbucket's OAuth consumer.
    pub fn consumer(&self) -> (String, String) {
        let consumer = &self.world.lock().consumer;
        (consumer.key.clone(), consumer.secret.clone())
    }

    /// A fresh Auth0 refresh token of `linked`, `limited` or `guest`, as a login gives it; nothing while
    /// the tenant has no web application.
    pub fn refresh_token(&self, account: &str) -> Option<String> {
        self.world.refresh_token(account)
    }

    /// The settings that a process needs to use this sandbox, as `account` if one is named. Where the
    /// tenant was not ready, those by which it is set up.
    pub fn settings(&self, account: Option<&str>) -> Vec<(&'static str, String)> {
        if self.start != Start::Ready {
            return self.setup_settings();
        }
        let mut settings = vec![
            ("AUTH0_DOMAIN", self.auth0_domain()),
            ("AUTH0_CLIENT_ID", self.client_id()),
            ("AUTH0_CLIENT_SECRET", self.client_secret()),
            ("BITBUCKET_API_URL", self.bitbucket_api_url()),
        ];
        if let Some(token) = account.and_then(|account| self.refresh_token(account)) {
            settings.push(("AUTH0_REFRESH_TOKEN", token));
        }
        settings
    }

    /// The settings by which the tenant is set up: the application for the Management API, and the
    /// Bitbucket consumer that the connection is to have.
    pub fn setup_settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("AUTH0_DOMAIN", self.auth0_domain()),
            ("BITBUCKET_API_URL", self.bitbucket_api_url()),
        ];
        settings.extend(self.management_settings());
        let (key, secret) = self.consumer();
        settings.push(("BITBUCKET_CONSUMER_KEY", key));
        settings.push(("BITBUCKET_CONSUMER_SECRET", secret));
        settings
    }

    /// The state of both services, and what can be done to it.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The faults that lie in wait.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Everything that both services were asked, oldest first.
    pub fn requests(&self) -> Vec<Recorded> {
        self.record.all()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.record.clear();
    }

    /// Has the person of `account` open `url` in a fresh browser, sign in and agree to everything, to
    /// where the flow ends. Where a page asks for the Bitbucket consumer's key and secret, they enter
    /// them. Returns the text of the last page.
    pub async fn consent(&self, url: &str, account: &str) -> Result<String, BrowserError> {
        self.browser(account, Answer::Yes)?.walk(url).await
    }

    /// The same with a person who signs in and then refuses.
    pub async fn refuse(&self, url: &str, account: &str) -> Result<String, BrowserError> {
        self.browser(account, Answer::No)?.walk(url).await
    }

    fn browser(&self, account: &str, answer: Answer) -> Result<Browser, BrowserError> {
        let browser = Browser::new(&self.auth0_domain(), account, answer)?;
        browser.knowing(self.consumer()).trusting(self.authority())
    }
}

async fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::json;

    use super::{Effect, Fault, Options, Sandbox, Service, auth0};

    async fn start() -> (Sandbox, reqwest::Client, String) {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        let url = format!("{}/.well-known/openid-configuration", sandbox.auth0_domain());
        (sandbox, reqwest::Client::builder().no_proxy().build().unwrap(), url)
    }

    #[tokio::test]
    async fn gives_another_process_all_it_needs() {
        let (sandbox, ..) = start().await;
        let names: Vec<_> =
            sandbox.settings(Some("guest")).into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            [
                "AUTH0_DOMAIN",
                "AUTH0_CLIENT_ID",
                "AUTH0_CLIENT_SECRET",
                "BITBUCKET_API_URL",
                "AUTH0_REFRESH_TOKEN"
            ]
        );
        assert_eq!(sandbox.settings(None).len(), 4);
        assert_eq!(sandbox.settings(Some("nobody")).len(), 4);
        assert_eq!(sandbox.refresh_token("cleo"), None, "Cleo signs in nowhere");
    }

    #[tokio::test]
    async fn writes_down_what_it_was_asked() {
        let (sandbox, http, url) = start().await;
        let asked = http.post(format!("{url}?a=1")).bearer_auth("x").body("body");
        asked.send().await.unwrap();
        let requests = sandbox.requests();
        let [request] = requests.as_slice() else { panic!("{requests:?}") };
        assert_eq!(request.service, Service::Auth0);
        assert_eq!(request.path, "/.well-known/openid-configuration?a=1");
        assert_eq!(request.authorization.as_deref(), Some("Bearer x"));
        assert_eq!((request.body.as_str(), request.status), ("body", Some(405)));
        sandbox.clear_requests();
        assert_eq!(sandbox.requests().len(), 0);
    }

    #[tokio::test]
    async fn fails_in_every_way_it_is_told_to() {
        let (sandbox, http, url) = start().await;
        let fail = |effect| sandbox.faults().add(Fault::new(Service::Auth0, effect).times(1));
        fail(Effect::rate_limit(7));
        let response = http.get(&url).send().await.unwrap();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], "7");
        assert_eq!(
            response.text().await.unwrap(),
            r#"{"error":"too_many_requests","error_description":"Too Many Requests"}"#
        );
        fail(Effect::Delay(Duration::from_millis(200)));
        let began = Instant::now();
        assert_eq!(http.get(&url).send().await.unwrap().status(), 200);
        assert!(began.elapsed() >= Duration::from_millis(200));
        fail(Effect::Cut);
        let response = http.get(&url).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.text().await.is_err());
        fail(Effect::Unanswered);
        let cut = async { http.get(&url).send().await?.text().await };
        assert!(cut.await.is_err());
        assert_eq!(http.get(&url).send().await.unwrap().status(), 200);
    }

    #[tokio::test]
    async fn spoils_the_token_that_a_request_carries() {
        let (sandbox, http, _) = start().await;
        let url = format!("{}/oauth/token", sandbox.auth0_domain());
        let token = sandbox.refresh_token("linked").unwrap();
        let body = json!({
            "client_id": sandbox.client_id(),
            "client_secret": sandbox.client_secret(),
            "grant_type": "refresh_token",
            "refresh_token": token,
        });
        assert_eq!(http.post(&url).json(&body).send().await.unwrap().status(), 200);
        sandbox.faults().add(Fault::new(Service::Auth0, Effect::RevokedToken).times(1));
        for _ in 0..2 {
            assert_eq!(http.post(&url).json(&body).send().await.unwrap().status(), 403);
        }
        let bearer = sandbox.world().bitbucket_token("linked").unwrap();
        assert_eq!(sandbox.world().identify(&bearer).unwrap().person.nickname, "ana");
        sandbox.faults().add(Fault::new(Service::Bitbucket, Effect::ExpiredToken));
        let url = format!("{}/user", sandbox.bitbucket_api_url());
        http.get(url).bearer_auth(&bearer).send().await.unwrap();
        let problem = sandbox.world().identify(&bearer).unwrap_err();
        assert_eq!(problem, super::world::TokenProblem::Expired);
    }

    #[tokio::test]
    async fn takes_the_vaults_token_at_bitbucket_until_it_is_revoked() {
        let (sandbox, http, _) = start().await;
        let url = format!("{}/oauth/token", sandbox.auth0_domain());
        let body = json!({
            "client_id": sandbox.client_id(),
            "client_secret": sandbox.client_secret(),
            "grant_type": auth0::VAULT_GRANT_TYPE,
            "subject_token": sandbox.refresh_token("linked").unwrap(),
            "subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token",
            "requested_token_type":
                "http://auth0.com/oauth/token-type/federated-connection-access-token",
            "connection": "bitbucket",
        });
        let exchange = async || {
            let answer = http.post(&url).json(&body).send().await.unwrap();
            let answer: serde_json::Value = answer.json().await.unwrap();
            answer["access_token"].as_str().unwrap().to_owned()
        };
        let user = format!("{}/user", sandbox.bitbucket_api_url());
        let status = async |token: &str| {
            http.get(&user).bearer_auth(token).send().await.unwrap().status().as_u16()
        };
        let first = exchange().await;
        assert_eq!(status(&first).await, 200);
        sandbox.world().revoke_bitbucket_token("linked");
        assert_eq!(status(&first).await, 401);
        assert_eq!(status(&exchange().await).await, 200);
    }

    #[tokio::test]
    async fn takes_faults_over_http_from_those_who_mean_it() {
        let (sandbox, http, url) = start().await;
        let control = format!("{}/_sandbox/faults", sandbox.auth0_domain());
        let fault = json!({ "service": "auth0", "effect": { "status": { "code": 503 } } });
        let add = || http.post(&control).json(&fault);
        assert_eq!(add().send().await.unwrap().status(), 403);
        assert_eq!(add().header("x-sandbox", "1").send().await.unwrap().status(), 204);
        assert_eq!(http.get(&url).send().await.unwrap().status(), 503);
        let clear = http.delete(&control).header("x-sandbox", "1");
        assert_eq!(clear.send().await.unwrap().status(), 204);
        assert_eq!(http.get(&url).send().await.unwrap().status(), 200);
        let wrong = http.post(&control).header("x-sandbox", "1").json(&json!({ "service": "x" }));
        assert_eq!(wrong.send().await.unwrap().status(), 400);
        assert_eq!(sandbox.requests().len(), 2, "the controls are not on the record");
    }

    #[tokio::test]
    async fn stops_when_dropped() {
        let (sandbox, http, url) = start().await;
        assert_eq!(http.get(&url).send().await.unwrap().status(), 200);
        drop(sandbox);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(http.get(&url).send().await.is_err());
    }
}

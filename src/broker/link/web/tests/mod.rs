//! Each rule of linking over HTTP, against a tenant and a Bitbucket on loopback.

mod attacks;
mod consumer;
mod linking;
mod trouble;
mod unlinking;
mod visitor;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use self::visitor::Visitor;
use super::super::tests::{heading, hidden, parameter};
use super::*;
use crate::auth0::{self, ClientAuthentication};
use crate::bitbucket::Connector;
use crate::broker;
use crate::net::Http;
use crate::sandbox::{Options, Sandbox};
use crate::text::Foreign;

const CONNECT: &str = "/me/v1/connected-accounts/connect";
const COMPLETE: &str = "/me/v1/connected-accounts/complete";
const AT_ONCE: Duration = Duration::ZERO;
const SOON: Duration = Duration::from_millis(300);

/// A server that serves the pages alone, and the world around it.
struct Desk {
    sandbox: Sandbox,
    linker: WebLinker,
    broker: Broker,
    public_url: Url,
}

impl Desk {
    async fn start() -> Self {
        Self::with(LIVES, 100, None).await
    }

    async fn with(lives: Lives, capacity: u64, organization: Option<&str>) -> Self {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        sandbox.open_api(&origin);
        let settings = sandbox.api_settings(&origin);
        let setting = |name| settings.iter().find(|(key, _)| *key == name).unwrap().1.clone();
        let tenant = |client_id: String, secret: String| {
            let settings = auth0::Settings {
                domain: Url::parse(&sandbox.auth0_domain()).unwrap(),
                client_id,
                authentication: ClientAuthentication::Secret(secret.into()),
                organization: organization.map(str::to_owned),
            };
            Tenant::new(Http::new(), settings).unwrap()
        };
        let web = tenant(sandbox.client_id(), sandbox.client_secret());
        let api = tenant(setting("AUTH0_API_CLIENT_ID"), setting("AUTH0_API_CLIENT_SECRET"));
        let base = Url::parse(&sandbox.bitbucket_api_url()).unwrap();
        let broker_settings = broker::Settings {
            connection: "bitbucket".into(),
            cache_age: Duration::from_secs(900),
            miss_age: Duration::from_secs(900),
            capacity: 100,
        };
        let connector = Arc::new(Connector::new(Http::new(), base));
        let broker = Broker::new(api, connector, broker_settings);
        let public_url = Url::parse(&origin).unwrap();
        let settings = WebSettings {
            public_url: public_url.clone(),
            audience: setting("AUTH0_AUDIENCE"),
            connection: "bitbucket".into(),
        };
        let linker = WebLinker::with(web, broker.clone(), settings, lives, capacity);
        let router = linker.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { sandbox, linker, broker, public_url }
    }

    fn caller(&self, account: &str) -> Caller {
        let name = match account {
            "linked" => "ana",
            "limited" => "ben",
            _ => "gus",
        };
        Caller {
            issuer: format!("{}/", self.sandbox.auth0_domain()),
            subject: format!("auth0|{name}"),
            organization: None,
        }
    }

    async fn offer(&self, account: &str) -> Url {
        self.linker.offer(&self.caller(account), &asker()).await.unwrap().url
    }

    async fn offer_unlink(&self, account: &str) -> Url {
        self.linker.offer_unlink(&self.caller(account), &asker(), None).await.unwrap().url
    }

    async fn outcome(&self, account: &str) -> Outcome {
        self.linker.outcome(&self.caller(account), AT_ONCE).await
    }

    /// A fresh browser of the person of `account`.
    fn visitor(&self, account: &'static str) -> Visitor {
        Visitor::new(account, &self.public_url)
    }

    fn asked(&self, path: &str) -> Vec<String> {
        let requests = self.sandbox.requests();
        let of_path = requests.into_iter().filter(|request| request.path.starts_with(path));
        of_path.map(|request| request.body).collect()
    }

    fn is_linked(&self, account: &str) -> bool {
        self.sandbox.world().is_linked(account)
    }
}

fn asker() -> Asker {
    Asker { client_id: Some("agent-1".into()), name: Some(Foreign::line("The <Agent>", 80)) }
}

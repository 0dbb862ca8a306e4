//! The server in this process, with a sandbox that the test can look into.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bitbucket_vault_mcp::auth0::{
    self, ClientAuthentication, Management, ManagementSettings, Tenant,
};
use bitbucket_vault_mcp::bitbucket::Connector;
use bitbucket_vault_mcp::broker::link::Reader;
use bitbucket_vault_mcp::broker::link::web::{WebLinker, WebSettings};
use bitbucket_vault_mcp::broker::{self, Broker};
use bitbucket_vault_mcp::identity::bearer::{Verifier, VerifierSettings};
use bitbucket_vault_mcp::net::Http;
use bitbucket_vault_mcp::sandbox::{Options, Recorded, Sandbox, Service};
use bitbucket_vault_mcp::server::dispatch::{self, Approval, Dispatcher};
use bitbucket_vault_mcp::server::http::{Certificate, HttpParts, HttpSettings, serve_on};
use bitbucket_vault_mcp::server::policy::{Policy, Selection};
use bitbucket_vault_mcp::setup::{self, Setup, Transports};
use bitbucket_vault_mcp::tool::RepositoryPolicy;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::child::modern;

pub(crate) use bitbucket_vault_mcp::sandbox::Bearer;

/// What of the server differs from test to test.
pub(crate) struct Wanted {
    pub(crate) http: HttpSettings,
    pub(crate) calls: dispatch::Settings,
    pub(crate) certificate: Option<Certificate>,
    /// Where Auth0 is, if not where the sandbox says.
    pub(crate) auth0: Option<String>,
    /// Whether the tenant can be set up.
    pub(crate) setup: bool,
}

/// A server that many people reach.
pub(crate) struct Served {
    pub(crate) sandbox: Sandbox,
    /// Scheme, host and port.
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Served {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Wanted)) -> Self {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        sandbox.open_api(&url);
        let issuer = format!("{}/", sandbox.auth0_domain()).parse().unwrap();
        let mut wanted = Wanted {
            http: HttpSettings::new(url.parse().unwrap(), issuer),
            calls: dispatch::Settings {
                policy: Policy::new(&Selection::default()),
                repositories: RepositoryPolicy::default(),
                approval: Approval::Auto,
                deadline: Duration::from_secs(20),
                max_calls: 64,
                setup: None,
                read_only: false,
            },
            certificate: None,
            auth0: None,
            setup: false,
        };
        change(&mut wanted);
        let Wanted { http, mut calls, certificate, auth0, setup } = wanted;
        if setup {
            calls.setup = Some(set_up(&sandbox, &url));
        }
        let parts = parts(&sandbox, &url, &http, calls, auth0);
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve_on(listener, certificate, http, parts, stop.clone()));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { sandbox, url, client, stop, serving }
    }

    /// A token of `account` for reading and writing.
    pub(crate) fn token(&self, account: &str) -> String {
        self.sandbox.bearer_token(account).unwrap()
    }

    /// A token of `account` with just these scopes.
    pub(crate) fn token_for(&self, account: &str, scopes: &[&str]) -> String {
        let scopes = scopes.iter().map(ToString::to_string).collect();
        self.sandbox.bearer(account, Bearer { scopes, ..Bearer::default() }).unwrap()
    }

    /// A request to the endpoint as every client sends it.
    pub(crate) fn request(&self, method: Method, token: Option<&str>) -> RequestBuilder {
        let request = self.client.request(method, format!("{}/mcp", self.url));
        let request = request.header("accept", "application/json, text/event-stream");
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) fn post(&self, token: Option<&str>, body: &Value) -> RequestBuilder {
        self.request(Method::POST, token).json(body)
    }

    /// A call of the stateless protocol by a client that can do `capabilities`.
    pub(crate) fn call(
        &self,
        token: &str,
        tool: &str,
        arguments: &Value,
        capabilities: Value,
    ) -> RequestBuilder {
        self.modern(token, modern(json!({ "name": tool, "arguments": arguments }), capabilities))
    }

    /// A `tools/call` of the stateless protocol with these parameters.
    pub(crate) fn modern(&self, token: &str, params: Value) -> RequestBuilder {
        let name = params["name"].as_str().unwrap_or_default().to_owned();
        let body = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params });
        self.post(Some(token), &body)
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", name)
    }

    /// What the model reads.
    pub(crate) async fn says(&self, token: &str, tool: &str, arguments: Value) -> String {
        let response = self.call(token, tool, &arguments, json!({})).send().await.unwrap();
        let answer: Value = response.json().await.unwrap();
        crate::child::text(&answer["result"]).to_owned()
    }

    /// A session of 2025-11-25.
    pub(crate) async fn session(&self, token: &str, capabilities: Value) -> Session<'_> {
        let opened = self.initialize(token, capabilities).send().await.unwrap();
        let id = super::header(&opened, "mcp-session-id").to_owned();
        assert_eq!(opened.status(), 200, "{:?}", opened.text().await);
        let session =
            Session { served: self, token: token.to_owned(), id, next_id: AtomicU64::new(100) };
        let notice = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert_eq!(session.post(&notice).send().await.unwrap().status(), 202);
        session
    }

    /// The request that opens a session.
    pub(crate) fn initialize(&self, token: &str, capabilities: Value) -> RequestBuilder {
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": capabilities,
            "clientInfo": { "name": "Test client", "version": "1" },
        });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
        self.post(Some(token), &body)
    }

    /// Begins the end, without waiting for it.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until the server has ended.
    pub(crate) async fn ended(&mut self) -> std::io::Result<()> {
        (&mut self.serving).await.unwrap()
    }

    /// What reached a service, as `POST /path`.
    pub(crate) fn reached(&self, service: Service) -> Vec<String> {
        let wanted = |request: &&Recorded| request.service == service;
        let line = |request: &Recorded| format!("{} {}", request.method, request.path);
        self.sandbox.requests().iter().filter(wanted).map(line).collect()
    }

    /// Waits until `holds` does.
    pub(crate) async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it never came to be");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
        self.serving.abort();
    }
}

/// A session of the old protocol, as one person.
pub(crate) struct Session<'a> {
    served: &'a Served,
    token: String,
    pub(crate) id: String,
    next_id: AtomicU64,
}

impl Session<'_> {
    pub(crate) fn post(&self, body: &Value) -> RequestBuilder {
        self.served
            .post(Some(&self.token), body)
            .header("mcp-session-id", &self.id)
            .header("mcp-protocol-version", "2025-11-25")
    }

    /// The stream that the server speaks on unasked.
    pub(crate) async fn listen(&self) -> Events {
        let request = self.served.request(Method::GET, Some(&self.token));
        let response = request.header("mcp-session-id", &self.id).send().await.unwrap();
        assert_eq!(response.status(), 200);
        Events::of(response)
    }

    /// Begins a call of a tool; gives the stream of its answer.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Events {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let params = json!({ "name": tool, "arguments": arguments });
        let body = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
        let response = self.post(&body).send().await.unwrap();
        assert_eq!(response.status(), 200, "{:?}", response.text().await);
        Events::of(response)
    }

    /// The whole answer to a call.
    pub(crate) async fn answer(&self, tool: &str, arguments: Value) -> Value {
        let mut events = self.call(tool, arguments).await;
        while let Some(message) = events.next().await {
            if message.get("method").is_none() {
                return message;
            }
        }
        panic!("no answer came");
    }
}

/// Messages on a stream of events.
pub(crate) struct Events {
    response: reqwest::Response,
    text: String,
}

impl Events {
    pub(crate) fn of(response: reqwest::Response) -> Self {
        Self { response, text: String::new() }
    }

    /// The next message; none at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data:"));
                let message = data.and_then(|data| serde_json::from_str(data.trim()).ok());
                self.text = rest.to_owned();
                if message.is_some() {
                    return message;
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(30), self.response.chunk());
            let chunk = chunk.await.expect("nothing came on the stream").ok().flatten()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

/// The set-up of the sandbox's tenant for the server at `url`.
fn set_up(sandbox: &Sandbox, url: &str) -> Setup {
    let settings = [sandbox.management_settings(), sandbox.api_settings(url)].concat();
    let setting = |name: &str| {
        settings.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()).unwrap()
    };
    let domain: url::Url = format!("{}/", sandbox.auth0_domain()).parse().unwrap();
    let management = ManagementSettings {
        domain: domain.clone(),
        client_id: setting("AUTH0_MANAGEMENT_CLIENT_ID"),
        client_secret: setting("AUTH0_MANAGEMENT_CLIENT_SECRET").into(),
    };
    Setup::new(setup::Settings {
        management: Management::new(Http::new(), management).unwrap(),
        domain,
        connection: "bitbucket".to_owned(),
        application: Some((Transports::Http, sandbox.client_id())),
        api_client: Some(setting("AUTH0_API_CLIENT_ID")),
        public_url: Some(url.parse().unwrap()),
        organization: None,
        consumer: None,
        scopes: vec!["account", "repository", "pullrequest"],
        transports: Transports::Http,
        keep: None,
    })
}

fn parts(
    sandbox: &Sandbox,
    url: &str,
    http: &HttpSettings,
    calls: dispatch::Settings,
    auth0: Option<String>,
) -> HttpParts {
    let settings = sandbox.api_settings(url);
    let setting = |name: &str| {
        settings.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()).unwrap()
    };
    let client = Http::new();
    let domain = auth0.unwrap_or_else(|| format!("{}/", sandbox.auth0_domain()));
    let tenant = |client_id: String, secret: String| {
        let authentication = ClientAuthentication::Secret(secret.into());
        let domain = domain.parse().unwrap();
        let settings = auth0::Settings { domain, client_id, authentication, organization: None };
        Tenant::new(client.clone(), settings).unwrap()
    };
    let web = tenant(sandbox.client_id(), sandbox.client_secret());
    let api = tenant(setting("AUTH0_API_CLIENT_ID"), setting("AUTH0_API_CLIENT_SECRET"));
    let api_url = sandbox.bitbucket_api_url().parse().unwrap();
    let connector = Arc::new(Connector::new(client.clone(), api_url));
    let connection = "bitbucket".to_owned();
    let broker = Broker::new(
        api.clone(),
        connector,
        broker::Settings {
            connection: connection.clone(),
            cache_age: Duration::from_secs(15 * 60),
            // So long that a test sees it dropped, and never just run out.
            miss_age: Duration::from_secs(15 * 60),
            capacity: 100,
        },
    );
    let audience = setting("AUTH0_AUDIENCE");
    let linker = WebLinker::new(
        web,
        broker.clone(),
        WebSettings { public_url: url.parse().unwrap(), audience: audience.clone(), connection },
    );
    let verifier = Verifier::new(
        api,
        VerifierSettings {
            audience,
            require_dpop: http.require_dpop,
            first_party_clients: Vec::new(),
        },
    );
    let reader = Reader::new(broker.clone(), None, "bitbucket".to_owned());
    HttpParts { dispatcher: Arc::new(Dispatcher::new(calls)), verifier, broker, reader, linker }
}

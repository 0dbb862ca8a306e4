//! The server for many people, in this process, and what one call of its stateless protocol sends.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use bitbucket_vault_mcp::auth0::{ClientAuthentication, Settings as Auth0, Tenant};
use bitbucket_vault_mcp::bitbucket::Connector;
use bitbucket_vault_mcp::broker::link::Reader;
use bitbucket_vault_mcp::broker::link::web::{WebLinker, WebSettings};
use bitbucket_vault_mcp::broker::{self, Broker};
use bitbucket_vault_mcp::identity::bearer::{Verifier, VerifierSettings};
use bitbucket_vault_mcp::net::Http;
use bitbucket_vault_mcp::sandbox::Sandbox;
use bitbucket_vault_mcp::server::dispatch::Dispatcher;
use bitbucket_vault_mcp::server::http::{HttpParts, HttpSettings, serve_on};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// A server, and somebody who may call it.
pub(crate) struct Served {
    url: String,
    token: String,
    client: reqwest::Client,
}

impl Served {
    /// Serves `sandbox` on a port of its own, for as long as the runtime lives.
    pub(crate) fn start(sandbox: &Sandbox, dispatcher: Dispatcher) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        sandbox.open_api(&url);
        let issuer = format!("{}/", sandbox.auth0_domain()).parse().unwrap();
        let settings = HttpSettings::new(url.parse().unwrap(), issuer);
        let parts = parts(sandbox, &url, dispatcher);
        tokio::spawn(serve_on(listener, None, settings, parts, CancellationToken::new()));
        Self {
            url: format!("{url}/mcp"),
            token: sandbox.bearer_token("linked").unwrap(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// The whole answer to one call.
    pub(crate) async fn call(&self, tool: &str, arguments: &Value) -> Value {
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {
                "name": tool,
                "arguments": arguments,
                "_meta": {
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientCapabilities": {},
                    "io.modelcontextprotocol/clientInfo": { "name": "bench", "version": "1" },
                },
            },
        });
        let request = self
            .client
            .post(&self.url)
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", tool)
            .bearer_auth(&self.token);
        let answer = request.json(&body).send().await.unwrap().error_for_status().unwrap();
        answer.json().await.unwrap()
    }
}

fn parts(sandbox: &Sandbox, url: &str, dispatcher: Dispatcher) -> HttpParts {
    let settings = sandbox.api_settings(url);
    let setting = |wanted: &str| {
        let known = settings.iter().find(|(name, _)| *name == wanted);
        known.map(|(_, value)| value.clone()).unwrap()
    };
    let http = Http::new();
    let tenant = |client_id: String, secret: String| {
        let domain = format!("{}/", sandbox.auth0_domain()).parse().unwrap();
        let authentication = ClientAuthentication::Secret(secret.into());
        let settings = Auth0 { domain, client_id, authentication, organization: None };
        Tenant::new(http.clone(), settings).unwrap()
    };
    let web = tenant(sandbox.client_id(), sandbox.client_secret());
    let api = tenant(setting("AUTH0_API_CLIENT_ID"), setting("AUTH0_API_CLIENT_SECRET"));
    let bitbucket = sandbox.bitbucket_api_url().parse().unwrap();
    let (connection, audience) = ("bitbucket".to_owned(), setting("AUTH0_AUDIENCE"));
    let broker = Broker::new(
        api.clone(),
        Arc::new(Connector::new(http.clone(), bitbucket)),
        broker::Settings {
            connection: connection.clone(),
            cache_age: Duration::from_secs(900),
            miss_age: Duration::from_secs(5),
            capacity: 100,
        },
    );
    let web_settings = WebSettings {
        public_url: url.parse().unwrap(),
        audience: audience.clone(),
        connection: connection.clone(),
    };
    let verifier_settings =
        VerifierSettings { audience, require_dpop: false, first_party_clients: Vec::new() };
    HttpParts {
        dispatcher: Arc::new(dispatcher),
        verifier: Verifier::new(api, verifier_settings),
        reader: Reader::new(broker.clone(), None, connection),
        linker: WebLinker::new(web, broker.clone(), web_settings),
        broker,
    }
}

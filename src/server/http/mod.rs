//! The way in for many people: Streamable HTTP, as an OAuth resource server.
//!
//! `door` sees every request first. Of the routes behind it, `/mcp` is the `endpoint`, which asks
//! for a token and hands on to rmcp what may go on; the pages for linking are the linker's own.

mod answer;
mod bodies;
mod challenge;
mod cors;
mod door;
mod drain;
mod endpoint;
mod health;
mod held;
mod hosts;
mod listen;
mod message;
mod metadata;
mod pages;
mod places;
mod remote;
mod sessions;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::any;
use http::StatusCode;
use http::request::Parts;
use ipnet::IpNet;
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::Server;
use super::dispatch::Dispatcher;
use crate::broker::Broker;
use crate::broker::link::Reader;
use crate::broker::link::web::WebLinker;
use crate::identity::Caller;
use crate::identity::bearer::Verifier;
use crate::tool::Turn;

use bodies::Bodies;
use challenge::Challenges;
use door::Door;
use drain::Drain;
use endpoint::Endpoint;
use hosts::Hosts;
use places::Places;
use remote::Everybody;
use sessions::Sessions;

pub use listen::{Certificate, serve_on};

/// Where MCP is.
const MCP: &str = "/mcp";
/// Where is told whether the process lives.
const LIVEZ: &str = "/livez";
/// Where is told whether it can serve.
const READYZ: &str = "/readyz";
/// How long a session lives that nobody uses.
const SESSION_IDLE: Duration = Duration::from_secs(5 * 60);
/// What is added to the longest call for its answer to be sent.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// What the door goes by.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Where clients and browsers reach the server: scheme, host and port, and no path.
    pub public_url: Url,
    /// The authorization server, ending in a slash.
    pub issuer: Url,
    /// Values of the `Host` header that are answered besides the public URL's.
    pub allowed_hosts: Vec<String>,
    /// Values of the `Origin` header that are answered besides the public URL's.
    pub allowed_origins: Vec<String>,
    /// Networks that requests may come from; any where empty.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether only tokens that are bound to a key count.
    pub require_dpop: bool,
    /// How many of the tool calls that run at the same time are one caller's.
    pub max_calls_per_caller: usize,
}

/// What acts for the people behind the door.
pub struct HttpParts {
    /// Carries out calls.
    pub dispatcher: Arc<Dispatcher>,
    /// Tells who calls.
    pub verifier: Verifier,
    /// Exchanges their tokens.
    pub broker: Broker,
    /// Reads what they have linked.
    pub reader: Reader,
    /// Links their accounts.
    pub linker: WebLinker,
}

impl HttpSettings {
    /// Settings for a server that is reached at `public_url` and trusts tokens of `issuer`, with what
    /// is usual for the rest.
    #[must_use]
    pub fn new(public_url: Url, issuer: Url) -> Self {
        Self {
            public_url,
            issuer,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            require_dpop: false,
            max_calls_per_caller: 32,
        }
    }

    /// The URL of the metadata, for people to look at.
    #[must_use]
    pub fn metadata_url(&self) -> String {
        self.url(metadata::PATH)
    }

    /// What clients ask tokens for (RFC 8707): the endpoint's URL, which has no slash at its end.
    fn resource(&self) -> String {
        self.url(MCP)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.origin().ascii_serialization())
    }
}

/// A server that is put together and serves nobody yet.
struct App {
    router: Router,
    drain: Drain,
    /// Ends the streams that are open.
    streams: CancellationToken,
    /// How long calls that are under way may take to come to their end.
    patience: Duration,
    verifier: Verifier,
    health: Arc<health::Health>,
}

impl App {
    fn new(settings: &HttpSettings, parts: HttpParts) -> std::io::Result<Self> {
        let HttpParts { dispatcher, verifier, broker, reader, linker } = parts;
        let (drain, streams) = (Drain::default(), CancellationToken::new());
        let hosts = Arc::new(Hosts::new(settings));
        let (patience, turns) = (dispatcher.deadline() + LAST_ANSWERS, dispatcher.turns());
        // A session must not end under its longest call.
        let sessions = Arc::new(Sessions::new(SESSION_IDLE.max(patience)));
        let everybody = Everybody { broker, reader, linker: linker.clone() };
        let server = Server::of_many(Arc::clone(&dispatcher), Arc::new(everybody));
        let endpoint = Endpoint {
            mcp: StreamableHttpService::new(
                move || Ok(server.clone()),
                Arc::clone(&sessions),
                protocol(&streams),
            ),
            sessions,
            dispatcher,
            verifier: verifier.clone(),
            challenges: Challenges::new(settings),
            hosts: Arc::clone(&hosts),
            bodies: Bodies::new(),
            places: Places::new(turns, settings.max_calls_per_caller),
            drain: drain.clone(),
            url: settings.resource().parse().map_err(std::io::Error::other)?,
        };
        let health = Arc::new(health::Health::new(drain.clone()));
        let door = Door { hosts, trusted_proxies: settings.trusted_proxies.clone() };
        let router = Router::new()
            .route(MCP, any(endpoint::serve).with_state(Arc::new(endpoint)))
            .merge(metadata::router(settings))
            .merge(linker.router().layer(from_fn_with_state(drain.clone(), pages::to_the_end)))
            .merge(health::router(&health))
            .fallback(async || {
                answer::words(StatusCode::NOT_FOUND, "nothing is here; MCP is at `/mcp`")
            })
            .layer(from_fn_with_state(Arc::new(door), door::watch));
        Ok(Self { router, drain, streams, patience, verifier, health })
    }
}

/// How rmcp serves. Host, origin and size are the door's business and checked before.
fn protocol(streams: &CancellationToken) -> StreamableHttpServerConfig {
    StreamableHttpServerConfig::default()
        .disable_allowed_hosts()
        .disable_allowed_origins()
        .with_json_response(true)
        .with_max_request_body_bytes(usize::MAX)
        .with_cancellation_token(streams.clone())
}

/// The turn that the door has got for the call of `context`, if that came through it.
pub(super) fn turn(context: &RequestContext<RoleServer>) -> Option<Arc<Turn>> {
    context.extensions.get::<Parts>()?.extensions.get::<Arc<Turn>>().cloned()
}

/// A caller in one string that no other caller has: names hold spaces, but no line breaks, which a
/// token is refused for.
fn label(caller: &Caller) -> String {
    let organization = caller.organization.as_deref().unwrap_or_default();
    [caller.issuer.as_str(), caller.subject.as_str(), organization].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_callers_have_one_label() {
        let label = |subject: &str, organization: Option<&str>| {
            let organization = organization.map(str::to_owned);
            label(&Caller { issuer: "https://i/".into(), subject: subject.into(), organization })
        };
        assert_ne!(label("samlp|ana b", Some("c")), label("samlp|ana", Some("b c")));
        assert_ne!(label("ana ", None), label("ana", Some(" ")));
    }
}

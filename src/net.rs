//! How we speak HTTP to other services: one client for the process, and how a call breaks.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use url::Url;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The process's HTTP client, made on first use.
///
/// Reading the root certificates takes longer than answering `tools/list` does, so nobody pays for
/// it before the first request. Proxies of the environment are honoured, but never for loopback;
/// redirects are never followed here, since only the caller knows who may see its header.
#[derive(Clone, Default)]
pub struct Http {
    client: Arc<OnceLock<[reqwest::Client; 2]>>,
}

/// A call that got no answer, or none that is whole.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client could not be made, for example because no root certificates were found.
    #[error("the HTTP client could not be set up")]
    Setup(#[source] reqwest::Error),
    /// No answer came in time.
    #[error("{service} did not answer in time")]
    TimedOut {
        /// Which service.
        service: &'static str,
    },
    /// The service could not be reached, so nothing was sent.
    #[error("{service} could not be reached")]
    Unreachable {
        /// Which service.
        service: &'static str,
        /// Why. Without the URL, which can hold a secret.
        #[source]
        source: reqwest::Error,
    },
    /// The connection broke, or the answer could not be read.
    #[error("the answer of {service} broke off")]
    Broken {
        /// Which service.
        service: &'static str,
        /// Why. Without the URL, which can hold a secret.
        #[source]
        source: reqwest::Error,
    },
}

impl Http {
    /// A client that is not made yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The client to use for `url`.
    ///
    /// # Errors
    /// [`Error::Setup`] when the TLS set-up of this machine cannot be read.
    pub fn client_for(&self, url: &Url) -> Result<&reqwest::Client, Error> {
        let [direct, proxied] = match self.client.get() {
            Some(clients) => clients,
            None => {
                let clients = [build(true)?, build(false)?];
                self.client.get_or_init(|| clients)
            }
        };
        Ok(if is_loopback(url) { direct } else { proxied })
    }
}

impl Error {
    /// Sorts what `reqwest` says by what it means for the caller.
    pub(crate) fn from_reqwest(service: &'static str, error: reqwest::Error) -> Self {
        let source = error.without_url();
        if source.is_timeout() && !source.is_connect() {
            Self::TimedOut { service }
        } else if source.is_connect() {
            Self::Unreachable { service, source }
        } else {
            Self::Broken { service, source }
        }
    }

    /// Whether it is certain that the service received nothing.
    #[must_use]
    pub fn nothing_was_sent(&self) -> bool {
        matches!(self, Self::Setup(_) | Self::Unreachable { .. })
    }
}

/// Whether `url` names this machine by a loopback address or as `localhost`.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// The origin that `text` names and nothing besides, in one spelling; none of another scheme than http
/// and https.
pub(crate) fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && !text.contains(['@', '*'])
    });
    url.map(|url| url.origin().ascii_serialization())
}

fn build(direct: bool) -> Result<reqwest::Client, Error> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("bitbucket-vault-mcp/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true);
    let builder = if direct { builder.no_proxy() } else { builder };
    builder.build().map_err(Error::Setup)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_this_machine_by_every_name() {
        for (url, here) in [
            ("http://127.0.0.1:1/", true),
            ("http://127.8.9.1/", true),
            ("http://[::1]:80/", true),
            ("http://LOCALHOST/", true),
            ("http://localhost.example.com/", false),
            ("https://10.0.0.1/", false),
            ("https://api.bitbucket.org/2.0", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), here, "{url}");
        }
    }
}

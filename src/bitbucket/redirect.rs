//! Where a redirect may lead, and who may see the token on the way.
//!
//! Bitbucket redirects diffs to another address of its API, which needs the header again, and logs,
//! downloads and large files to storage elsewhere, which must never see it. Only where storage is
//! expected may a request leave the API: whatever answers elsewhere is not Bitbucket, and what it
//! says would be taken for Bitbucket's word.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::{Method, StatusCode};
use url::{Host, Url};

use super::connector::Connector;

/// How many redirects are followed.
pub(super) const MOST_HOPS: usize = 5;

/// Why a redirect is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There were more than five.
    #[error("too many times")]
    TooMany,
    /// The target is missing or is no address.
    #[error("to no address")]
    NoTarget,
    /// The target is not https.
    #[error("to an address without TLS")]
    NotHttps,
    /// The target holds a user name or a password.
    #[error("to an address with credentials")]
    Credentials,
    /// The target is on this machine or in its network.
    #[error("into a private network")]
    Private,
    /// Following would repeat a write, turn it into a read, or send its body elsewhere.
    #[error("although it was a write")]
    Write,
    /// The target is not the API, and the endpoint is one that only the API may answer.
    #[error("to another address")]
    Elsewhere,
}

/// What happens when a redirect leaves the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Leaving {
    /// It is refused.
    #[default]
    Refused,
    /// It is not followed, but is the answer: the content is kept elsewhere.
    Told,
    /// It is followed without the token.
    Followed,
}

/// The next request of a redirected one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hop {
    pub(super) url: Url,
    pub(super) method: Method,
    /// Whether the target sees the token. Once gone, it does not come back: another host could
    /// otherwise choose what is read in the user's name.
    pub(super) authorized: bool,
}

/// Where `status` with `location` leads from `from`.
pub(super) fn next_hop(
    connector: &Connector,
    (method, status): (&Method, StatusCode),
    (from, authorized): (&Url, bool),
    location: Option<&str>,
) -> Result<Hop, Refusal> {
    let mut url = location.and_then(|to| from.join(to).ok()).ok_or(Refusal::NoTarget)?;
    url.set_fragment(None);
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refusal::Credentials);
    }
    let same_origin = connector.is_same_origin(&url);
    if !same_origin && !connector.is_loopback() {
        if url.scheme() != "https" {
            return Err(Refusal::NotHttps);
        }
        if is_private_host(&url) {
            return Err(Refusal::Private);
        }
    }
    if !matches!(url.scheme(), "https" | "http") {
        return Err(Refusal::NotHttps);
    }
    let reads = method == Method::GET;
    let method = match status.as_u16() {
        303 => Method::GET,
        307 | 308 if same_origin || reads => method.clone(),
        _ if reads => Method::GET,
        _ => return Err(Refusal::Write),
    };
    Ok(Hop { url, method, authorized: authorized && same_origin })
}

/// Whether the name of `url`'s host resolves into a private network as seen from here.
///
/// The connection resolves it once more, so a name server that changes its mind in between is not
/// caught; what it could reach so is a plain GET without the token. A name that does not resolve
/// here is left to the proxy or the connection.
pub(super) async fn resolves_to_private(url: &Url) -> bool {
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return false;
    };
    match tokio::net::lookup_host((host, port)).await {
        Ok(mut addresses) => addresses.any(|address| is_private(address.ip())),
        Err(_) => false,
    }
}

fn is_private_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => is_private(address.into()),
        Some(Host::Ipv6(address)) => is_private(address.into()),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let last = name.rsplit('.').next().unwrap_or_default();
            // Special-use names: RFC 6761, RFC 6762, and `internal` as reserved by ICANN.
            matches!(last, "localhost" | "local" | "internal") || !name.contains('.')
        }
        None => true,
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b)) // RFC 6598, shared address space
        || (a == 192 && b == 0 && c == 0) // RFC 6890, protocol assignments
        || (a == 198 && (b == 18 || b == 19)) // RFC 2544, benchmarking
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let embedded = |high: u16, low: u16| {
        let [one, two] = high.to_be_bytes();
        let [three, four] = low.to_be_bytes();
        is_private_v4(Ipv4Addr::new(one, two, three, four))
    };
    address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || (a & 0xfe00) == 0xfc00
        || (a & 0xffc0) == 0xfe80
        || ([a, b, c, d, e] == [0; 5] && (f == 0xffff || f == 0) && embedded(g, h))
        || ([a, b, c, d, e, f] == [0x64, 0xff9b, 0, 0, 0, 0] && embedded(g, h)) // RFC 6052
        || (a == 0x2002 && embedded(b, c)) // RFC 3056
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::bitbucket::stand_in::{Reply, StandIn};
    use crate::bitbucket::{Error, Path};
    use crate::net::Http;

    fn hop(base: &str, from: &str, method: Method, status: u16, to: &str) -> String {
        let connector = Connector::new(Http::new(), Url::parse(base).unwrap());
        let status = StatusCode::from_u16(status).unwrap();
        let from = Url::parse(from).unwrap();
        match next_hop(&connector, (&method, status), (&from, true), Some(to)) {
            Ok(hop) => {
                let header = if hop.authorized { "with" } else { "without" };
                format!("{} {} {header}", hop.method, hop.url)
            }
            Err(refusal) => refusal.to_string(),
        }
    }

    #[test]
    fn decides_by_origin_who_sees_the_header() {
        const API: &str = "https://api.bitbucket.org/2.0";
        let from = "https://api.bitbucket.org/2.0/repositories/a/b/src";
        for (method, status, to, said) in [
            (Method::GET, 302, "/2.0/x?y", "GET https://api.bitbucket.org/2.0/x?y with"),
            (
                Method::GET,
                302,
                "https://api.bitbucket.org:443/x",
                "GET https://api.bitbucket.org/x with",
            ),
            (
                Method::GET,
                302,
                "https://api.bitbucket.org:444/x",
                "GET https://api.bitbucket.org:444/x without",
            ),
            (
                Method::GET,
                302,
                "https://api.bitbucket.org.evil.example/",
                "GET https://api.bitbucket.org.evil.example/ without",
            ),
            (
                Method::GET,
                302,
                "https://api.bitbucket.org@evil.example/",
                "to an address with credentials",
            ),
            (Method::GET, 302, "http://api.bitbucket.org/x", "to an address without TLS"),
            (Method::GET, 302, "//10.0.0.1/x", "into a private network"),
            (Method::GET, 302, "https://127.0.0.1/x", "into a private network"),
            (Method::GET, 302, "https://[::1]/x", "into a private network"),
            (Method::GET, 302, "https://[::ffff:10.1.2.3]/x", "into a private network"),
            (Method::GET, 302, "https://[64:ff9b::a9fe:a9fe]/x", "into a private network"),
            (Method::GET, 302, "https://169.254.169.254/x", "into a private network"),
            (Method::GET, 302, "https://0x7f.1/x", "into a private network"),
            (Method::GET, 302, "https://localhost/x", "into a private network"),
            (Method::GET, 302, "https://metadata.google.internal/x", "into a private network"),
            (Method::GET, 302, "file:///etc/passwd", "to an address without TLS"),
            (
                Method::GET,
                307,
                "https://storage.example/log?sig=1#x",
                "GET https://storage.example/log?sig=1 without",
            ),
            (Method::POST, 302, "/2.0/x", "although it was a write"),
            (Method::POST, 301, "/2.0/x", "although it was a write"),
            (Method::POST, 303, "/2.0/x", "GET https://api.bitbucket.org/2.0/x with"),
            (Method::POST, 307, "/2.0/x", "POST https://api.bitbucket.org/2.0/x with"),
            (Method::PUT, 308, "https://storage.example/", "although it was a write"),
        ] {
            assert_eq!(hop(API, from, method, status, to), said, "{to}");
        }
    }

    #[test]
    fn allows_loopback_when_the_api_is_loopback() {
        let (api, from) = ("http://127.0.0.1:7990/2.0", "http://127.0.0.1:7990/2.0/x");
        assert_eq!(
            hop(api, from, Method::GET, 302, "http://127.0.0.1:8000/file"),
            "GET http://127.0.0.1:8000/file without"
        );
        assert_eq!(
            hop(api, from, Method::GET, 302, "/2.0/y"),
            "GET http://127.0.0.1:7990/2.0/y with"
        );
    }

    #[tokio::test]
    async fn keeps_the_header_and_the_parameters_within_the_api() {
        let stand_in = StandIn::new(|asked| {
            if asked.target.starts_with("/2.0/repositories/a/b/pullrequests") {
                return Reply::redirect(302, "/2.0/repositories/a/b/diff/x%0Dy?topic=true");
            }
            Reply::new(200, "text/plain", "diff")
        })
        .await;
        let client = stand_in.client();
        let path = Path::new("repositories").segment("a").segment("b").fixed("pullrequests/1/diff");
        let call = client.get(path).queries([("path", "a b"), ("path", "c")]).query("topic", false);
        assert_eq!(call.bytes(100).await.unwrap().data, b"diff");
        assert_eq!(
            stand_in.seen(),
            [
                "GET /2.0/repositories/a/b/pullrequests/1/diff?path=a+b&path=c&topic=false Bearer good",
                "GET /2.0/repositories/a/b/diff/x%0Dy?topic=true&path=a+b&path=c Bearer good",
            ]
        );
    }

    #[tokio::test]
    async fn shows_another_host_no_token_even_when_it_sends_us_back() {
        let storage = StandIn::new(|asked| match asked.query("back") {
            Some(back) => Reply::redirect(307, back),
            None => Reply::new(200, "text/plain", "log"),
        })
        .await;
        let elsewhere = storage.origin.clone();
        let api = StandIn::new(move |asked| match asked.target.as_str() {
            "/2.0/user" => Reply::redirect(307, format!("{elsewhere}/log")),
            "/2.0/back" => {
                Reply::redirect(302, format!("{elsewhere}/x?back={}/2.0/secret", asked.origin))
            }
            _ => Reply::json(401, &json!({})),
        })
        .await;
        let client = api.client();
        let log = client.get(Path::new("user")).follow_to_storage().bytes(100).await.unwrap();
        assert_eq!(log.data, b"log");
        let error = client.get(Path::new("back")).follow_to_storage().bytes(100).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "Bitbucket's answer is not as expected: it led to another address, which answered \
             401 Unauthorized"
        );
        assert_eq!(storage.asked().iter().filter(|asked| asked.authorization.is_some()).count(), 0);
        assert_eq!(
            api.seen(),
            ["GET /2.0/user Bearer good", "GET /2.0/back Bearer good", "GET /2.0/secret no token",]
        );
    }

    #[tokio::test]
    async fn takes_nothing_from_another_origin_for_bitbuckets_answer() {
        let foreign = StandIn::new(|asked| match asked.target.as_str() {
            "/refuses" => Reply::json(401, &json!({})),
            _ => Reply::json(200, &json!({})),
        })
        .await;
        let elsewhere = foreign.origin.clone();
        let api = StandIn::new(move |asked| {
            let to = asked.target.trim_start_matches("/2.0/");
            Reply::redirect(
                if asked.method == "GET" { 302 } else { 303 },
                format!("{elsewhere}/{to}"),
            )
        })
        .await;
        let client = api.client();
        let refused = Err("Bitbucket redirected the request: to another address".to_owned());
        for path in ["answers", "refuses"] {
            let call = || client.get(Path::new(path));
            let write = || client.post(Path::new(path));
            let said = |error: Error| error.to_string();
            assert_eq!(call().json::<Value>().await.map(drop).map_err(said), refused);
            assert_eq!(call().page::<Value>(5, 5, None).await.map(drop).map_err(said), refused);
            assert_eq!(call().bytes(100).await.map(drop).map_err(said), refused);
            assert_eq!(call().empty().await.map_err(said), refused);
            assert_eq!(write().empty().await.map_err(said), refused);
            assert_eq!(write().answer::<Value>().await.map(drop).map_err(said), refused);
        }
        assert_eq!(foreign.seen(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn ends_a_loop_of_redirects() {
        let stand_in = StandIn::new(|_| Reply::redirect(302, "/2.0/user")).await;
        let error = stand_in.client().get(Path::new("user")).json::<Value>().await.unwrap_err();
        assert_eq!(error.to_string(), "Bitbucket redirected the request: too many times");
        assert_eq!(stand_in.seen().len(), MOST_HOPS + 1);
    }

    #[tokio::test]
    async fn does_not_repeat_a_write_at_another_address() {
        let stand_in = StandIn::new(|_| Reply::redirect(302, "/2.0/other")).await;
        let error = stand_in.client().post(Path::new("user")).empty().await.unwrap_err();
        assert_eq!(error.to_string(), "Bitbucket redirected the request: although it was a write");
        assert_eq!(stand_in.seen().len(), 1);
    }
}

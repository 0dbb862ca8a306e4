//! What every request goes through first: who sends it, and under which name.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use ipnet::IpNet;

use super::answer;
use super::hosts::{HostProblem, Hosts};

/// Where the client is, as far as that is known. For the log only: a header says it.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientAddress(
    #[expect(dead_code, reason = "shown by `Debug` in the log")] IpAddr,
);

/// Watches the door.
pub(super) struct Door {
    pub(super) hosts: Arc<Hosts>,
    pub(super) trusted_proxies: Vec<IpNet>,
}

/// Lets a request in, or answers it.
pub(super) async fn watch(
    State(door): State<Arc<Door>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    // Whoever asks for a server's health does so from anywhere, and by its address.
    if matches!(request.uri().path(), super::LIVEZ | super::READYZ) {
        return next.run(request).await;
    }
    let peer = peer.ip().to_canonical();
    let Some(client) = client_address(peer, request.headers(), &door.trusted_proxies) else {
        tracing::info!(%peer, "a request was refused: it comes past the trusted proxies");
        return answer::words(
            StatusCode::FORBIDDEN,
            "this server answers only its own proxies; use its public address",
        );
    };
    if let Err(problem) = door.hosts.check(request.uri(), request.headers()) {
        tracing::info!(%client, ?problem, "a request was refused: it is for another host");
        return match problem {
            HostProblem::Malformed => {
                answer::words(StatusCode::BAD_REQUEST, "the request names no host, or not one only")
            }
            HostProblem::Foreign => answer::words(
                StatusCode::MISDIRECTED_REQUEST,
                "this server does not answer to that host name; if it should, add the name to \
                 `BITBUCKET_MCP_ALLOWED_HOSTS`",
            ),
        };
    }
    request.extensions_mut().insert(ClientAddress(client));
    next.run(request).await
}

/// The client's address: the nearest hop that is no proxy of ours. `None` if the request comes past
/// the proxies.
fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    if trusted.is_empty() {
        return Some(peer);
    }
    let is_proxy = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_proxy(&peer) {
        return None;
    }
    let forwarded = headers.get_all("x-forwarded-for").iter();
    let mut hops: Vec<&str> = forwarded
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let mut client = peer;
    // Each proxy adds whom it heard at the right. What stands left of a stranger, the stranger wrote.
    while let Some(address) = hops.pop().and_then(|hop| hop.trim().parse::<IpAddr>().ok()) {
        client = address.to_canonical();
        if !is_proxy(&client) {
            break;
        }
    }
    Some(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_proxys_word_and_nobody_elses() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        for (peer, forwarded, client) in [
            ("10.0.0.1", &[][..], Some("10.0.0.1")),
            ("10.0.0.1", &["203.0.113.9"], Some("203.0.113.9")),
            ("10.0.0.1", &["198.51.100.1, 203.0.113.9, 10.0.0.7"], Some("203.0.113.9")),
            ("10.0.0.1", &["198.51.100.1", "203.0.113.9"], Some("203.0.113.9")),
            ("10.0.0.1", &["203.0.113.9, nonsense"], Some("10.0.0.1")),
            ("10.0.0.1", &["10.0.0.2, 10.0.0.3"], Some("10.0.0.2")),
            ("fd00::1", &["::ffff:203.0.113.9"], Some("203.0.113.9")),
            ("203.0.113.9", &["10.0.0.1"], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            let found = client_address(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(found, client.map(|client| client.parse().unwrap()), "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn believes_no_header_without_proxies() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "198.51.100.1".parse().unwrap());
        let peer = "203.0.113.9".parse().unwrap();
        assert_eq!(client_address(peer, &headers, &[]), Some(peer));
    }
}

//! By which names the server is reached, and from which web pages.
//!
//! A page of another site can make a browser send requests to this server under a name of its own
//! that it has pointed here (DNS rebinding), or from its own origin. Both show in headers that the page
//! cannot set.

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, Uri};
use url::Url;

use super::HttpSettings;
use crate::net::{self, is_loopback};

/// The names and origins that are answered.
pub(super) struct Hosts {
    hosts: Vec<(String, u16)>,
    origins: Vec<String>,
    default_port: u16,
}

/// What is wrong with the name that a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostProblem {
    /// There is none, or there are several, or it is none.
    Malformed,
    /// It is not ours.
    Foreign,
}

impl Hosts {
    /// Those of the public URL and of the settings; on a loopback URL, all spellings of loopback.
    pub(super) fn new(settings: &HttpSettings) -> Self {
        let url = &settings.public_url;
        let default_port = if url.scheme() == "https" { 443 } else { 80 };
        let port = url.port().unwrap_or(default_port);
        let mut names = vec![url.host_str().unwrap_or_default().to_ascii_lowercase()];
        if is_loopback(url) {
            names.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
        }
        let origins = names.iter().filter_map(|name| {
            let url = Url::parse(&format!("{}://{name}:{port}", url.scheme())).ok()?;
            Some(url.origin().ascii_serialization())
        });
        let listed = settings.allowed_origins.iter().filter_map(|origin| net::origin(origin));
        let origins = origins.chain(listed).collect();
        let mut hosts: Vec<_> = names.into_iter().map(|name| (name, port)).collect();
        let listed = settings.allowed_hosts.iter();
        hosts.extend(listed.filter_map(|host| named(host, default_port)));
        Self { hosts, origins, default_port }
    }

    /// Checks the name that a request is for: HTTP/1.1 has it in `Host`, HTTP/2 in `:authority`. Where
    /// a request has both, both must be ours.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), HostProblem> {
        let mut given = headers.get_all(HOST).iter();
        let header = given.next();
        if given.next().is_some() {
            return Err(HostProblem::Malformed);
        }
        let header =
            header.map(|host| host.to_str().map_err(|_| HostProblem::Malformed)).transpose()?;
        let authority = uri.authority().map(Authority::as_str);
        if header.is_none() && authority.is_none() {
            return Err(HostProblem::Malformed);
        }
        for name in [header, authority].into_iter().flatten() {
            let name = named(name, self.default_port).ok_or(HostProblem::Malformed)?;
            if !self.hosts.contains(&name) {
                return Err(HostProblem::Foreign);
            }
        }
        Ok(())
    }

    /// Whether the request may come from where it comes from: programs have no origin.
    pub(super) fn allow_origin(&self, headers: &HeaderMap) -> bool {
        let mut given = headers.get_all(ORIGIN).iter();
        let Some(origin) = given.next() else { return true };
        let one = given.next().is_none();
        let origin = origin.to_str().ok().and_then(net::origin);
        one && origin.is_some_and(|origin| self.origins.contains(&origin))
    }
}

/// `host[:port]` in one spelling.
fn named(text: &str, default_port: u16) -> Option<(String, u16)> {
    // `user@host` is an authority too.
    let authority: Authority = text.parse().ok().filter(|_| !text.contains('@'))?;
    // The type takes `host:1.example` for a host without a port.
    let port = match text.strip_prefix(authority.host())? {
        "" => default_port,
        port => port.strip_prefix(':').filter(|port| is_number(port))?.parse().ok()?,
    };
    Some((authority.host().to_ascii_lowercase(), port))
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(public_url: &str, allowed: &[&str], origins: &[&str]) -> Hosts {
        let list = |items: &[&str]| items.iter().map(ToString::to_string).collect();
        Hosts::new(&HttpSettings {
            allowed_hosts: list(allowed),
            allowed_origins: list(origins),
            ..HttpSettings::new(
                public_url.parse().unwrap(),
                "https://tenant.example/".parse().unwrap(),
            )
        })
    }

    fn host(hosts: &Hosts, header: &str) -> Result<(), HostProblem> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, header.parse().unwrap());
        hosts.check(&Uri::from_static("/mcp"), &headers)
    }

    fn origin(hosts: &Hosts, header: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, header.parse().unwrap());
        hosts.allow_origin(&headers)
    }

    #[test]
    fn answers_to_its_public_name_and_to_those_of_the_settings() {
        let hosts = hosts("https://mcp.example.com", &["inside:8443", "plain"], &[]);
        for (name, answered) in [
            ("mcp.example.com", Ok(())),
            ("MCP.Example.com:443", Ok(())),
            ("inside:8443", Ok(())),
            ("plain", Ok(())),
            ("inside", Err(HostProblem::Foreign)),
            ("mcp.example.com:8443", Err(HostProblem::Foreign)),
            ("mcp.example.com.", Err(HostProblem::Foreign)),
            ("mcp.example.com.evil.example", Err(HostProblem::Foreign)),
            ("evil.example", Err(HostProblem::Foreign)),
            ("localhost", Err(HostProblem::Foreign)),
            ("127.0.0.1", Err(HostProblem::Foreign)),
            ("mcp.example.com:", Err(HostProblem::Malformed)),
            ("mcp.example.com:99999", Err(HostProblem::Malformed)),
            ("mcp.example.com:443.evil.example", Err(HostProblem::Malformed)),
            ("mcp.example.com:+443", Err(HostProblem::Malformed)),
            ("x@mcp.example.com", Err(HostProblem::Malformed)),
            ("mcp.example.com/x", Err(HostProblem::Malformed)),
            ("", Err(HostProblem::Malformed)),
        ] {
            assert_eq!(host(&hosts, name), answered, "{name}");
        }
    }

    #[test]
    fn answers_to_every_spelling_of_loopback_on_its_own_port_only() {
        let hosts = hosts("http://127.0.0.1:8080", &[], &[]);
        for (name, answered) in [
            ("127.0.0.1:8080", true),
            ("localhost:8080", true),
            ("[::1]:8080", true),
            ("localhost", false),
            ("localhost:8081", false),
            ("127.0.0.2:8080", false),
            ("localhost.evil.example:8080", false),
        ] {
            assert_eq!(host(&hosts, name).is_ok(), answered, "{name}");
            assert_eq!(origin(&hosts, &format!("http://{name}")), answered, "{name}");
        }
        assert!(!origin(&hosts, "https://127.0.0.1:8080"));
    }

    #[test]
    fn looks_at_every_name_that_a_request_has() {
        let hosts = hosts("https://mcp.example.com", &[], &[]);
        let ours = Uri::from_static("https://mcp.example.com/mcp");
        let foreign = Uri::from_static("https://evil.example/mcp");
        let bare = Uri::from_static("/mcp");
        let mut headers = HeaderMap::new();
        assert_eq!(hosts.check(&ours, &headers), Ok(()));
        assert_eq!(hosts.check(&foreign, &headers), Err(HostProblem::Foreign));
        assert_eq!(hosts.check(&bare, &headers), Err(HostProblem::Malformed));
        headers.insert(HOST, "mcp.example.com".parse().unwrap());
        assert_eq!(hosts.check(&ours, &headers), Ok(()));
        assert_eq!(hosts.check(&foreign, &headers), Err(HostProblem::Foreign));
        headers.append(HOST, "mcp.example.com".parse().unwrap());
        assert_eq!(hosts.check(&bare, &headers), Err(HostProblem::Malformed));
    }

    #[test]
    fn lets_in_no_page_but_its_own_and_those_of_the_settings() {
        let hosts = hosts("https://mcp.example.com", &[], &["http://localhost:6274"]);
        for (from, answered) in [
            ("https://mcp.example.com", true),
            ("https://mcp.example.com:443", true),
            ("http://localhost:6274", true),
            ("http://mcp.example.com", false),
            ("https://mcp.example.com:8443", false),
            ("https://evil.example", false),
            ("http://localhost", false),
            ("null", false),
            ("", false),
            ("file://", false),
            ("https://x@mcp.example.com", false),
            ("https://mcp.example.com/path", false),
        ] {
            assert_eq!(origin(&hosts, from), answered, "{from}");
        }
        let mut two = HeaderMap::new();
        two.append(ORIGIN, "https://mcp.example.com".parse().unwrap());
        two.append(ORIGIN, "https://mcp.example.com".parse().unwrap());
        assert!(!hosts.allow_origin(&two));
        assert!(hosts.allow_origin(&HeaderMap::new()));
    }
}

//! The cookies by which a browser shows that it is the one that opened a ticket.
//!
//! Each ticket has a cookie of its own, so that two of them do not get into each other's way. Its name
//! says which, by the ticket's hash; its value is known to nobody else.

use std::time::Duration;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use url::Url;

use super::super::digest::Digest;

/// More cookies of ours than any honest browser has.
const MOST: usize = 16;
const NAME: &str = "bitbucket-link-";

/// How cookies are named and set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cookies {
    prefix: &'static str,
    attributes: &'static str,
    life: Duration,
}

impl Cookies {
    /// For pages at `public_url`. By https the name binds a cookie to this very host and to https
    /// (RFC 6265bis §4.1.3.2); by http, which is for loopback, browsers take no such name.
    pub(super) fn of(public_url: &Url, life: Duration) -> Self {
        let (prefix, attributes) = match public_url.scheme() {
            "https" => ("__Host-", "; Secure"),
            _ => ("", ""),
        };
        Self { prefix, attributes, life }
    }

    /// The value of the ticket's cookie.
    pub(super) fn of_ticket(self, headers: &HeaderMap, ticket: Digest) -> Option<String> {
        let mut ours = self.all(headers).filter(|(id, _)| *id == ticket);
        ours.next().map(|(_, secret)| secret.to_owned())
    }

    /// All cookies of ours, with the hashes of their tickets.
    pub(super) fn all(self, headers: &HeaderMap) -> impl Iterator<Item = (Digest, &str)> {
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(move |pair| {
                let (name, secret) = pair.trim().split_once('=')?;
                let id = name.strip_prefix(self.prefix)?.strip_prefix(NAME)?;
                Some((Digest::read(id)?, secret))
            })
            .take(MOST)
    }

    /// The header that sets the ticket's cookie.
    pub(super) fn set(self, ticket: Digest, secret: &str) -> Option<HeaderValue> {
        let Self { prefix, attributes, life } = self;
        let (id, seconds) = (ticket.written(), life.as_secs());
        let cookie = format!(
            "{prefix}{NAME}{id}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax\
             {attributes}"
        );
        HeaderValue::from_str(&cookie).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binds_a_cookie_to_host_and_https_where_browsers_can() {
        let ticket = Digest::of("t-1");
        let said = ["https://mcp.example.com", "http://127.0.0.1:8080"].map(|url| {
            let cookies = Cookies::of(&Url::parse(url).unwrap(), Duration::from_secs(60));
            let set = cookies.set(ticket, "c-1").unwrap();
            let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, format!("a=b; {pair}; c=d").parse().unwrap());
            assert_eq!(cookies.of_ticket(&headers, ticket).as_deref(), Some("c-1"));
            assert_eq!(cookies.of_ticket(&headers, Digest::of("t-2")), None);
            set.to_str().unwrap().replace(&ticket.written(), "ID")
        });
        assert_eq!(
            said,
            [
                "__Host-bitbucket-link-ID=c-1; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure",
                "bitbucket-link-ID=c-1; Path=/; Max-Age=60; HttpOnly; SameSite=Lax",
            ]
        );
    }

    #[test]
    fn takes_no_cookie_of_another_name() {
        let url = Url::parse("https://mcp.example.com").unwrap();
        let cookies = Cookies::of(&url, Duration::from_secs(60));
        let id = Digest::of("t-1").written();
        for name in [format!("bitbucket-link-{id}"), format!("__Secure-bitbucket-link-{id}")] {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, format!("{name}=c-1").parse().unwrap());
            assert_eq!(cookies.all(&headers).count(), 0, "{name}");
        }
    }
}

//! Proxies: which stands before which service, and who says so.

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::Line;
use crate::config::{Config, Sources};
use crate::net;
use crate::setup::Row;

const AUTH0: Line = Line {
    id: "local.proxy.auth0",
    requirement: "the way to Auth0",
    wanted: "direct, or through a proxy that lets it through",
    why: "nothing reaches the tenant",
};

const BITBUCKET: Line = Line {
    id: "local.proxy.bitbucket",
    requirement: "the way to Bitbucket",
    wanted: "direct, or through a proxy that lets it through",
    why: "nothing reaches Bitbucket",
};

pub(super) fn rows(sources: &Sources, config: Option<&Config>) -> Vec<Row> {
    let Some(config) = config else { return Vec::new() };
    // The very rules that the HTTP client follows.
    let matcher = Matcher::from_system();
    let tenant = config.tenant.as_ref().map(|tenant| (AUTH0, &tenant.domain));
    tenant
        .into_iter()
        .chain([(BITBUCKET, &config.bitbucket_api_url)])
        .map(|(line, url)| line.ok(way(sources, &matcher, url)))
        .collect()
}

/// Through what a request to `url` goes.
pub(super) fn proxied(url: &Url) -> bool {
    !net::is_loopback(url) && intercepting(&Matcher::from_system(), url).is_some()
}

pub(super) fn way(sources: &Sources, matcher: &Matcher, url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    if net::is_loopback(url) {
        return format!("direct to {host}: this machine is never proxied");
    }
    match intercepting(matcher, url) {
        Some(proxy) => format!("to {host} through {proxy}, as {} says", by(sources, url)),
        None if named(sources, url).is_some() => {
            format!("direct to {host}, since `NO_PROXY` names it")
        }
        None => format!("direct to {host}"),
    }
}

/// The proxy, without the name and password that its URL may hold.
fn intercepting(matcher: &Matcher, url: &Url) -> Option<String> {
    let intercept = matcher.intercept(&url.as_str().parse().ok()?)?;
    let uri = intercept.uri();
    let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
    let place = authority.rsplit('@').next().unwrap_or_default();
    Some(format!("{}://{place}", uri.scheme_str().unwrap_or("http")))
}

fn by(sources: &Sources, url: &Url) -> String {
    match named(sources, url) {
        Some(variable) => format!("`{variable}`"),
        None => "this system".to_owned(),
    }
}

/// The variable that counts for such a URL: the first that is set, in the client's own order.
fn named(sources: &Sources, url: &Url) -> Option<&'static str> {
    let variables = match url.scheme() {
        "https" => ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        _ => ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
    };
    let is_set =
        |name: &&str| sources.environment.get(*name).is_some_and(|value| !value.is_empty());
    variables.into_iter().find(is_set)
}

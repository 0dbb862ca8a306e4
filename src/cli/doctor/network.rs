//! The network: each service reached once, and the stage named at which that fails.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use rustls::CertificateError;
use serde_json::Value;
use url::Url;

use super::{Line, proxies};
use crate::config::Config;
use crate::net;
use crate::setup::Row;
use crate::text::clean_line;

const AUTH0: Line = Line {
    id: "local.network.auth0",
    requirement: "Auth0 is reached",
    wanted: "an answer of the tenant",
    why: "nobody can sign in, and no token can be exchanged",
};

const BITBUCKET: Line = Line {
    id: "local.network.bitbucket",
    requirement: "Bitbucket is reached",
    wanted: "an answer of its API",
    why: "no tool can do its work",
};

const CLOCK: Line = Line {
    id: "local.clock",
    requirement: "this machine's clock",
    wanted: "within 30 seconds of the tenant's",
    why: "tokens count as expired, or as not yet valid",
};

/// How far the clocks may be apart: the narrowest that checks of tokens allow.
const SKEW: SignedDuration = SignedDuration::from_secs(30);
/// How long each stage may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much of an answer is read.
const LONGEST: usize = 64 << 10;

pub(super) async fn rows(config: Option<&Config>) -> Vec<Row> {
    let Some(config) = config else { return Vec::new() };
    let tenant = config.tenant.as_ref().map(|tenant| tenant.domain.clone());
    let (auth0, bitbucket) = tokio::join!(
        async { Some(auth0(tenant.as_ref()?).await) },
        bitbucket(&config.bitbucket_api_url)
    );
    let mut rows = Vec::new();
    if let Some((row, clock)) = auth0 {
        rows.extend([row, clock]);
    }
    rows.push(bitbucket);
    rows
}

/// The tenant, and how far its clock is from ours.
pub(super) async fn auth0(domain: &Url) -> (Row, Row) {
    let unknown = || CLOCK.cannot_tell("the tenant could not be asked", "mend the network first");
    let Ok(url) = domain.join(".well-known/openid-configuration") else {
        return (AUTH0.wrong("the domain makes no URL", "set `AUTH0_DOMAIN`"), unknown());
    };
    let answer = match reach(&url).await {
        Ok(answer) => answer,
        Err(trouble) => return (AUTH0.wrong(trouble.to_string(), trouble.fix()), unknown()),
    };
    let issuer = serde_json::from_slice::<Value>(&answer.body)
        .ok()
        .and_then(|document| Some(document.get("issuer")?.as_str()?.to_owned()));
    let row = match issuer {
        Some(issuer) if Url::parse(&issuer).ok().as_ref() == Some(domain) => {
            AUTH0.ok(host(domain))
        }
        Some(issuer) => AUTH0.wrong(
            format!("it says that it is `{}`", clean_line(&issuer, 200)),
            "set `AUTH0_DOMAIN` to that, or to the tenant's custom domain",
        ),
        None => AUTH0.wrong(
            format!("{} answers with {}, but not as an Auth0 tenant", host(domain), answer.status),
            "set `AUTH0_DOMAIN` to the tenant's domain; a proxy or a sign-in page of this network may \
             have answered instead",
        ),
    };
    (row, clock(answer.skew))
}

/// The API without a token: that it refuses us shows that it is there.
pub(super) async fn bitbucket(api: &Url) -> Row {
    let url = api.as_str().trim_end_matches('/');
    let Ok(url) = Url::parse(&format!("{url}/user")) else {
        return BITBUCKET.wrong("the API makes no URL", "set `BITBUCKET_API_URL`");
    };
    match reach(&url).await {
        Ok(Answer { status: StatusCode::UNAUTHORIZED | StatusCode::OK, .. }) => {
            BITBUCKET.ok(host(&url))
        }
        Ok(Answer { status: StatusCode::TOO_MANY_REQUESTS, .. }) => {
            BITBUCKET.ok(format!("{}, which asks for a pause", host(&url)))
        }
        Ok(Answer { status, .. }) => BITBUCKET.wrong(
            format!("{} answers with {status}, and not as Bitbucket does", host(&url)),
            "a proxy or a sign-in page of this network may have answered instead; \
             https://bitbucket.status.atlassian.com says whether Bitbucket itself has trouble",
        ),
        Err(trouble) => BITBUCKET.wrong(trouble.to_string(), trouble.fix()),
    }
}

fn clock(skew: Option<SignedDuration>) -> Row {
    let Some(skew) = skew else {
        return CLOCK.cannot_tell("the tenant's answer has no date", "compare the clock by hand");
    };
    let seconds = skew.as_secs().unsigned_abs();
    let found = match seconds {
        // The header knows whole seconds only.
        0..=2 => "the same as the tenant's".to_owned(),
        _ if skew.is_positive() => format!("{seconds} seconds ahead"),
        _ => format!("{seconds} seconds behind"),
    };
    if skew.abs() <= SKEW {
        return CLOCK.ok(found);
    }
    CLOCK.wrong(
        found,
        "let the system set it: `timedatectl set-ntp true`, or the settings of date and time",
    )
}

/// What came back.
struct Answer {
    status: StatusCode,
    body: Vec<u8>,
    /// How far our clock is ahead of the one that wrote the answer.
    skew: Option<SignedDuration>,
}

async fn reach(url: &Url) -> Result<Answer, Trouble> {
    let through_proxy = proxies::proxied(url);
    let host = host(url);
    if !through_proxy && let Some(url::Host::Domain(name)) = url.host() {
        let port = url.port_or_known_default().unwrap_or(443);
        let found = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((name, port))).await;
        let why = match found {
            Ok(Ok(mut addresses)) => addresses.next().is_none().then(|| "it has none".to_owned()),
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("no answer in time".to_owned()),
        };
        if let Some(why) = why {
            return Err(Trouble::Name { host, why });
        }
    }
    let http = net::Http::new();
    let client =
        http.client_for(url).map_err(|error| Trouble::of(host.clone(), &error, through_proxy))?;
    let began = Timestamp::now();
    let sent = client.get(url.clone()).timeout(PATIENCE).send().await;
    let mut response = sent.map_err(|error| Trouble::of(host.clone(), &error, through_proxy))?;
    let status = response.status();
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        return Err(Trouble::Proxy { host, why: "it asks for a name and a password".to_owned() });
    }
    let skew = response.headers().get("date").and_then(|date| {
        let date = rfc2822::DateTimeParser::new().parse_timestamp(date.as_bytes()).ok()?;
        let middle = began + Timestamp::now().duration_since(began) / 2;
        // Half of the second that the header leaves out.
        Some(middle.duration_since(date) - SignedDuration::from_millis(500))
    });
    let mut body = Vec::new();
    while body.len() < LONGEST {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return Err(Trouble::of(host, &error, through_proxy)),
        }
    }
    Ok(Answer { status, body, skew })
}

/// The stage at which a service could not be reached.
#[derive(Debug)]
enum Trouble {
    /// Its name has no address.
    Name { host: String, why: String },
    /// Nobody listens there.
    Refused { host: String },
    /// No packet gets there.
    NoRoute { host: String, why: String },
    /// It took too long.
    TimedOut { host: String },
    /// Its certificate does not stand.
    Certificate { host: String, why: String, outdated: bool },
    /// TLS failed in another way.
    Tls { host: String, why: String },
    /// The proxy does not let it through.
    Proxy { host: String, why: String },
    /// This machine's root certificates cannot be read.
    Roots { why: String },
    /// Something else.
    Other { host: String, why: String },
}

impl Trouble {
    /// What is behind an error of the HTTP client. Its own words may hold a URL with a password: those of
    /// the innermost cause do not.
    fn of(host: String, error: &(dyn StdError + 'static), through_proxy: bool) -> Self {
        let causes = causes(error);
        let innermost = causes.last().map(|cause| clean_line(&cause.to_string(), 200));
        let why = innermost.unwrap_or_default();
        if causes.iter().any(|cause| matches!(cause.downcast_ref(), Some(net::Error::Setup(_)))) {
            return Self::Roots { why };
        }
        if let Some(error) = causes.iter().find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
            return Self::tls(host, error);
        }
        if through_proxy && causes.iter().any(|cause| cause.to_string().contains("tunnel")) {
            return Self::Proxy { host, why };
        }
        let timed_out = causes.iter().any(|cause| {
            cause.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_timeout)
        });
        let kinds = causes.iter().filter_map(|cause| cause.downcast_ref::<io::Error>());
        match kinds.map(io::Error::kind).next_back() {
            _ if through_proxy && !timed_out => Self::Proxy { host, why },
            Some(io::ErrorKind::ConnectionRefused) => Self::Refused { host },
            Some(io::ErrorKind::TimedOut) => Self::TimedOut { host },
            Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
                Self::NoRoute { host, why }
            }
            _ if timed_out => Self::TimedOut { host },
            _ => Self::Other { host, why },
        }
    }

    fn tls(host: String, error: &rustls::Error) -> Self {
        let rustls::Error::InvalidCertificate(error) = error else {
            return Self::Tls { host, why: error.to_string() };
        };
        let outdated = |why: &str| (why.to_owned(), true);
        let (why, outdated) = match error {
            CertificateError::UnknownIssuer => {
                ("nobody whom this machine trusts has issued it".to_owned(), false)
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                outdated("it has expired, or this machine's clock is ahead")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                outdated("it is not valid yet, or this machine's clock is behind")
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                ("it is for another name".to_owned(), false)
            }
            other => (other.to_string(), false),
        };
        Self::Certificate { host, why, outdated }
    }

    fn fix(&self) -> &'static str {
        match self {
            Self::Name { .. } => "check the name in the settings, and this machine's DNS",
            Self::Refused { .. } => "check the address in the settings, and that the service runs",
            Self::NoRoute { .. } => "connect this machine to the network",
            Self::TimedOut { .. } => {
                "a firewall may swallow it: let it through, or name a proxy by `HTTPS_PROXY`"
            }
            Self::Certificate { outdated: true, .. } => "set this machine's clock, then look again",
            Self::Certificate { .. } => {
                "if a proxy of your company opens TLS, name its certificate by `SSL_CERT_FILE`"
            }
            Self::Tls { .. } => {
                "check that the address speaks TLS, and that no proxy is in between"
            }
            Self::Proxy { .. } => {
                "check `HTTPS_PROXY`, or name the host in `NO_PROXY` where it can be reached directly"
            }
            Self::Roots { .. } => {
                "install the system's certificates (`ca-certificates`), or name a file by `SSL_CERT_FILE`"
            }
            Self::Other { .. } => "look again in a while",
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { host, why } => write!(f, "name: {host} has no address: {why}"),
            Self::Refused { host } => write!(f, "connection: {host} refuses it"),
            Self::NoRoute { host, why } => write!(f, "connection: no way to {host}: {why}"),
            Self::TimedOut { host } => write!(f, "connection: {host} did not answer in time"),
            Self::Certificate { host, why, .. } => {
                write!(f, "certificate: that of {host} does not stand: {why}")
            }
            Self::Tls { host, why } => write!(f, "TLS: {host}: {why}"),
            Self::Proxy { host, why } => {
                write!(f, "proxy: it does not let through to {host}: {why}")
            }
            Self::Roots { why } => {
                write!(f, "certificates: none of this machine's can be used: {why}")
            }
            Self::Other { host, why } => write!(f, "{host}: {why}"),
        }
    }
}

/// An error and everything behind it. What an [`io::Error`] wraps it does not count as its source.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        causes.push(cause);
        let inside = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inside {
            Some(inside) => Some(inside),
            None => cause.source(),
        };
    }
    causes
}

fn host(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}", url.host_str().unwrap_or_default())
}

//! Serving over HTTP: the settings one by one, then what they must be together.

use std::net::SocketAddr;
use std::path::PathBuf;

use url::Url;

use super::{Found, Reader, Tenant};
use crate::config::problems::{Misfit, Problems, shown_within};
use crate::config::settings::{self, Setting};
use crate::config::sources::{Opened, Sources};
use crate::config::values::{self, TlsMisfit};
use crate::config::{Http, Tls};

/// Where the server listens and where it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    /// Where to listen.
    pub listen: SocketAddr,
    /// What that setting was called where it was given.
    pub listen_name: String,
    /// Where clients and browsers reach it, unless that follows from where it listens.
    pub public_url: Option<Url>,
}

/// Where to listen, before anything else is known: a sandbox must be told the public URL before it
/// can say the rest, and the port may be any free one.
///
/// # Errors
/// What is wrong with these two settings.
pub fn door(sources: &Sources) -> Result<Door, Problems> {
    let mut reader = Reader(Opened::open(sources));
    // Whoever then loads the whole configuration learns of the other problems.
    reader.0.problems.clear();
    let listen = reader.listen().good();
    let public_url = reader.maybe(&settings::PUBLIC_URL, values::public_url).good();
    match listen {
        Some(Named { name, value }) if reader.0.problems.is_empty() => {
            Ok(Door { listen: value, listen_name: name, public_url })
        }
        _ => Err(Problems(reader.0.problems)),
    }
}

/// A value under the name that it was given by.
struct Named<T> {
    name: String,
    value: T,
}

impl Reader<'_> {
    pub(super) fn http(&mut self, tenant: &Tenant, max_calls: Option<usize>) -> Option<Http> {
        let listen = self.listen();
        let public_url = self.named(&settings::PUBLIC_URL, values::public_url);
        let audience = self.named(&settings::AUTH0_AUDIENCE, |text| Ok(text.to_owned()));
        let api_client_id = self.api_client_id(tenant);
        let api_client = self
            .client(&settings::AUTH0_API_CLIENT_SECRET, &settings::AUTH0_API_CLIENT_SIGNING_KEY);
        let or = format!(" or `{}`", settings::AUTH0_API_CLIENT_SIGNING_KEY.variable);
        self.require(&api_client, &settings::AUTH0_API_CLIENT_SECRET, &or);
        let allowed_hosts = self.list(&settings::ALLOWED_HOSTS, values::host);
        let allowed_origins = self.list(&settings::ALLOWED_ORIGINS, values::origin);
        let tls = self.tls();
        let trusted_proxies = self.list(&settings::TRUSTED_PROXIES, values::network);
        if trusted_proxies.iter().flatten().any(|network| network.prefix_len() == 0) {
            let variable = settings::TRUSTED_PROXIES.variable;
            self.0.warnings.push(format!(
                "`{variable}` trusts every address: whoever reaches the port counts as a proxy"
            ));
        }
        let require_dpop = self.one(&settings::REQUIRE_DPOP, values::switch);
        let first_party_clients = self.list(&settings::FIRST_PARTY_CLIENTS, values::identifier);
        let max_calls_per_caller = self.max_calls_per_caller(max_calls);
        let allow_configure = self.one(&settings::ALLOW_CONFIGURE, values::switch);

        // A wrong list of proxies or a wrong certificate is a problem already, and so are they both.
        let encrypted = match (&tls, &trusted_proxies) {
            (Some(tls), Some(proxies)) => tls.is_some() || !proxies.is_empty(),
            _ => true,
        };
        let with_tls = matches!(tls, Some(Some(_)));
        let public_url = self.public_url(&listen, public_url, encrypted, with_tls);
        let audience = self.audience(audience, public_url.as_ref());
        Some(Http {
            listen: listen.good()?.value,
            public_url: public_url?,
            audience: audience?,
            api_client_id: api_client_id?,
            api_client: api_client.good()?,
            allowed_hosts: allowed_hosts?,
            allowed_origins: allowed_origins?,
            tls: tls?,
            trusted_proxies: trusted_proxies?,
            require_dpop: require_dpop?,
            first_party_clients: first_party_clients?,
            max_calls_per_caller: max_calls_per_caller?,
            allow_configure: allow_configure?,
        })
    }

    /// Where to listen: where nobody says, at the default.
    fn listen(&mut self) -> Found<Named<SocketAddr>> {
        let setting = &settings::LISTEN;
        let default = || values::address(setting.default?).ok();
        match self.named(setting, values::address) {
            Found::Nothing => default().map_or(Found::Nothing, |value| {
                Found::Good(Named { name: format!("`{}`", setting.variable), value })
            }),
            found => found,
        }
    }

    /// Where the server is reached, once that is safe with where it listens.
    fn public_url(
        &mut self,
        listen: &Found<Named<SocketAddr>>,
        public_url: Found<Named<Url>>,
        encrypted: bool,
        with_tls: bool,
    ) -> Option<Url> {
        let Found::Good(listen) = listen else { return public_url.good().map(|url| url.value) };
        let (address, listen) = (listen.value, &listen.name);
        let loopback = address.ip().to_canonical().is_loopback();
        if !loopback && !encrypted {
            let what = format!("is `{address}`, where anybody could listen in");
            let hint = format!(
                "set `{}` and `{}`, or `{}` where proxies terminate TLS, or listen on loopback",
                settings::TLS_CERT.variable,
                settings::TLS_KEY.variable,
                settings::TRUSTED_PROXIES.variable
            );
            self.problem(listen, what, hint);
        }
        let variable = settings::PUBLIC_URL.variable;
        match public_url {
            Found::Bad => None,
            Found::Good(Named { name, value }) => {
                if value.scheme() != "https" && (!loopback || with_tls) {
                    let what = if loopback {
                        format!("must use `https://`, since there is a certificate: `{value}`")
                    } else {
                        format!("must use `https://`, since {listen} is not loopback: `{value}`")
                    };
                    self.problem(&name, what, "write `https://`");
                    return None;
                }
                Some(value)
            }
            Found::Nothing if !loopback => {
                let what = format!("is missing, since {listen} is not loopback");
                let hint = format!("set it, for example to `{}`", settings::PUBLIC_URL.example);
                self.problem(&format!("`{variable}`"), what, hint);
                None
            }
            Found::Nothing if address.port() == 0 => {
                let hint = "name a port, or set it to where clients will reach the server";
                let what = format!("is missing, since {listen} takes any free port");
                self.problem(&format!("`{variable}`"), what, hint);
                None
            }
            Found::Nothing => {
                let scheme = if with_tls { "https" } else { "http" };
                Url::parse(&format!("{scheme}://{address}")).ok()
            }
        }
    }

    /// RFC 9728 §3.3: clients compare the resource with the URL that they call, and ask Auth0 for a
    /// token for just that.
    fn audience(&mut self, audience: Found<Named<String>>, url: Option<&Url>) -> Option<String> {
        let expected = url.map(|url| format!("{}/mcp", url.origin().ascii_serialization()));
        match (audience, expected) {
            (Found::Good(audience), Some(expected)) if audience.value != expected => {
                let given = shown_within(&audience.value, 200);
                let what = format!("is `{given}`, but the server is reached at `{expected}`");
                let hint = format!(
                    "make them the same: the API's identifier in Auth0 is the public URL with \
                     `/mcp` and no slash after it; `{}` says where the server is reached",
                    settings::PUBLIC_URL.variable
                );
                self.problem(&audience.name, what, hint);
                None
            }
            (Found::Nothing, expected) => {
                let hint = match expected {
                    Some(expected) => {
                        format!("set it to `{expected}`, and give the API in Auth0 that identifier")
                    }
                    None => "set it to the public URL with `/mcp`".to_owned(),
                };
                let name = format!("`{}`", settings::AUTH0_AUDIENCE.variable);
                self.problem(&name, "is missing", hint);
                None
            }
            (found, _) => found.good().map(|audience| audience.value),
        }
    }

    fn api_client_id(&mut self, tenant: &Tenant) -> Option<String> {
        let found = self.named(&settings::AUTH0_API_CLIENT_ID, values::identifier);
        self.require(&found, &settings::AUTH0_API_CLIENT_ID, "");
        let Named { name, value } = found.good()?;
        if tenant.client_id.as_ref() == Some(&value) {
            let what = format!("is the same as `{}`", settings::AUTH0_CLIENT_ID.variable);
            let hint = "give the Custom API Client that belongs to the API: Token Vault takes \
                        access tokens from no other";
            self.problem(&name, what, hint);
            return None;
        }
        Some(value)
    }

    /// `Some(None)` for plain http, `None` where it is wrong.
    fn tls(&mut self) -> Option<Option<Tls>> {
        let path = |text: &str| Ok(PathBuf::from(text));
        let certificate = self.named(&settings::TLS_CERT, path);
        let key = self.named(&settings::TLS_KEY, path);
        let (certificate, key) = match (certificate, key) {
            (Found::Nothing, Found::Nothing) => return Some(None),
            (Found::Good(certificate), Found::Good(key)) => (certificate, key),
            (Found::Good(given), Found::Nothing) => {
                return self.alone(&given.name, &settings::TLS_KEY);
            }
            (Found::Nothing, Found::Good(given)) => {
                return self.alone(&given.name, &settings::TLS_CERT);
            }
            _ => return None,
        };
        let chain = self.text_of(&certificate);
        let text = self.text_of(&key);
        match values::tls(&chain?, &text?) {
            Ok(()) => Some(Some(Tls { certificate: certificate.value, key: key.value })),
            Err(TlsMisfit::Certificate(misfit)) => {
                self.0.problems.push(misfit.named(&certificate.name));
                None
            }
            Err(TlsMisfit::Key(misfit)) => {
                self.0.problems.push(misfit.named(&key.name));
                None
            }
        }
    }

    fn alone<T>(&mut self, given: &str, other: &Setting) -> Option<T> {
        let hint = "give a certificate and its key, or neither";
        self.problem(given, format!("is given without `{}`", other.variable), hint);
        None
    }

    fn text_of(&mut self, file: &Named<PathBuf>) -> Option<String> {
        match self.0.read(&file.value) {
            Ok(text) => Some(text),
            Err(error) => {
                let path = shown_within(&file.value.to_string_lossy(), 200);
                let hint = format!("check the file `{path}`");
                self.problem(&file.name, format!("cannot be read: {error}"), hint);
                None
            }
        }
    }

    fn max_calls_per_caller(&mut self, max_calls: Option<usize>) -> Option<usize> {
        let setting = &settings::MAX_CALLS_PER_CALLER;
        let most = max_calls.unwrap_or(1024);
        match self.named(setting, |text| values::count(text, 1, 1024)) {
            Found::Good(Named { name, value }) if value > most => {
                let what = format!("is more than `{}`: {value}", settings::MAX_CALLS.variable);
                self.problem(&name, what, format!("give a number from 1 to {most}"));
                None
            }
            Found::Good(given) => Some(given.value),
            Found::Bad => None,
            // Whoever allows fewer calls in all has nothing to say about this one.
            Found::Nothing => Some(values::count(setting.default?, 1, 1024).ok()?.min(most)),
        }
    }

    /// The values of a list, which is empty when nobody gave it.
    fn list<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, Misfit>,
    ) -> Option<Vec<T>> {
        match self.0.find(setting) {
            Some(given) => self.each(given, parse),
            None => (!self.0.unreadable.contains(setting.variable)).then(Vec::new),
        }
    }

    fn named<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, Misfit>,
    ) -> Found<Named<T>> {
        let Some(given) = self.0.find(setting) else {
            let unreadable = self.0.unreadable.contains(setting.variable);
            return if unreadable { Found::Bad } else { Found::Nothing };
        };
        let name = given.name.clone();
        match self.read(given, parse) {
            Found::Good(value) => Found::Good(Named { name, value }),
            Found::Bad => Found::Bad,
            Found::Nothing => Found::Nothing,
        }
    }

    fn problem(&mut self, name: &str, what: impl Into<String>, hint: impl Into<String>) {
        self.0.problems.push(Misfit::new(what, hint).named(name));
    }
}

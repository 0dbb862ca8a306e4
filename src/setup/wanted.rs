//! What must be there: the choice and the settings, put together.

use std::time::SystemTime;

use url::Url;

use super::{Choice, Setup, Transports, minimal};
use crate::bitbucket::Consumer;

/// What an application is called where nobody says.
const DEFAULT_NAME: &str = "bitbucket-vault-mcp";
/// The ports that `stdio` takes the browser back on, each of which Auth0 wants to be registered.
const LOOPBACK_PORTS: std::ops::RangeInclusive<u16> = 18484..=18489;
/// Without a user id Auth0 links no account, and Bitbucket names the user to this scope only.
pub(super) const IDENTITY_SCOPE: &str = "account";

/// What people must be able to do about their connected accounts.
pub(super) const MY_ACCOUNT_SCOPES: &[&str] =
    &["create:me:connected_accounts", "read:me:connected_accounts", "delete:me:connected_accounts"];
/// The scopes of our own API, and what people read about them.
pub(super) const API_SCOPES: &[(&str, &str)] = &[
    ("bitbucket:read", "Read in Bitbucket"),
    ("bitbucket:write", "Read and write in Bitbucket"),
    ("bitbucket:admin", "Administer repositories in Bitbucket"),
    ("connection:admin", "Set up the connection to Bitbucket"),
];
/// Those that applications of other people can be given.
pub(super) const THIRD_PARTY_SCOPES: &[&str] = &["bitbucket:read", "bitbucket:write"];

/// What must be there. `Debug` hides the consumer's secret.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// As it was made.
    pub(super) choice: Choice,
    /// For which transports.
    pub(super) transports: Transports,
    /// The web application of `stdio`, where that is served.
    pub(super) stdio: Option<Reference>,
    /// The web application of `http`, where that is served.
    pub(super) http: Option<Reference>,
    /// The Custom API Client that the settings name.
    pub(super) api_client: Option<String>,
    /// Where `http` is reached, where that is known.
    pub(super) public_url: Option<Url>,
    /// The name of the Bitbucket connection.
    pub(super) connection: String,
    /// What the connection needs, where the settings have it.
    pub(super) consumer: Option<Consumer>,
    /// The Bitbucket scopes that are needed, without those that others bring.
    pub(super) scopes: Vec<&'static str>,
    /// The domain that people and applications use, ending in a slash.
    pub(super) domain: Url,
    /// The domain of the Management API, which is the tenant's own.
    pub(super) canonical: Url,
    /// The application that reads and writes all this, which is none of those that are set up.
    pub(super) management_client: String,
    /// The organization that people sign in to.
    pub(super) organization: Option<String>,
    /// When an exchange has worked last, as far as this process knows.
    pub(super) proved: Option<SystemTime>,
}

/// Which application is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    /// The one with this client id, which the settings name.
    Setting(String),
    /// The one with this client id or name, which somebody gave.
    Given(String),
    /// The one that is called as ours are by default.
    Default,
    /// The one whose name is that of the `stdio` application and `-http`.
    BesideStdio,
}

impl Setup {
    /// What `choice` asks for under the settings.
    pub(super) fn wanted(&self, choice: &Choice) -> Wanted {
        let settings = &self.inner;
        let transports = choice.transports.unwrap_or(settings.transports);
        let named = |transport: Transports| match (&choice.app, &settings.application) {
            (Some(app), _) => Reference::Given(app.clone()),
            (None, Some((of, id))) if *of == transport => Reference::Setting(id.clone()),
            (None, _) => Reference::Default,
        };
        let stdio = transports.stdio().then(|| named(Transports::Stdio));
        let http = transports.http().then(|| match (stdio.is_some(), named(Transports::Http)) {
            (false, reference) | (true, reference @ Reference::Setting(_)) => reference,
            (true, _) => Reference::BesideStdio,
        });
        let scopes = settings.scopes.iter().copied().chain([IDENTITY_SCOPE]);
        Wanted {
            choice: choice.clone(),
            transports,
            stdio,
            http,
            api_client: settings.api_client.clone(),
            public_url: settings.public_url.clone(),
            connection: settings.connection.clone(),
            consumer: settings.consumer.clone(),
            scopes: minimal(scopes),
            domain: settings.domain.clone(),
            canonical: settings.management.domain().clone(),
            management_client: settings.management.client_id().to_owned(),
            organization: settings.organization.clone(),
            proved: self.proved_at(),
        }
    }
}

impl Wanted {
    /// The identifier of the My Account API as Auth0 makes it: it names the tenant's own domain. An API
    /// that names another is one of anybody's.
    pub(super) fn my_account(&self) -> String {
        format!("{}me/", self.canonical)
    }

    /// The identifier by which it may be known where a custom domain is used.
    pub(super) fn my_account_of_custom_domain(&self) -> Option<String> {
        (self.domain != self.canonical).then(|| format!("{}me/", self.domain))
    }

    /// The identifier of our own API, where the public URL is known.
    pub(super) fn api(&self) -> Option<String> {
        self.of_server("mcp")
    }

    /// The callback URLs of the `stdio` application.
    pub(super) fn stdio_callbacks() -> Vec<String> {
        LOOPBACK_PORTS.map(|port| format!("http://127.0.0.1:{port}/callback")).collect()
    }

    /// The callback URLs of the `http` application, where the public URL is known.
    pub(super) fn http_callbacks(&self) -> Option<Vec<String>> {
        ["link/signed-in", "link/connected"].iter().map(|path| self.of_server(path)).collect()
    }

    fn of_server(&self, path: &str) -> Option<String> {
        let url = self.public_url.as_ref()?;
        Some(format!("{}/{path}", url.origin().ascii_serialization()))
    }
}

impl Reference {
    /// What an application is called that is made for `stdio`, or for `http` alone.
    pub(super) fn new_name(&self) -> &str {
        match self {
            Self::Given(name) => name,
            Self::Setting(_) | Self::Default | Self::BesideStdio => DEFAULT_NAME,
        }
    }
}

/// What the `http` application is called beside the `stdio` application `name`.
pub(super) fn beside(name: &str) -> String {
    format!("{name}-http")
}

/// What the Custom API Client is called beside the web application `name`.
pub(super) fn api_client_name(name: &str) -> String {
    format!("{}-api", name.strip_suffix("-http").unwrap_or(name))
}

//! The configuration: every setting that the server knows, read once into one value that is known
//! to be good, or all that is wrong with it at once.
//!
//! Flag over environment over `config.toml` over default. [`settings`] is the table that all of
//! them follow; [`load()`] is a pure function over [`Sources`], which [`Sources::gather`] fills.

mod env;
mod load;
mod places;
mod problems;
mod reference;
mod secret_files;
pub mod settings;
mod sources;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

pub(crate) use env::exposed;
pub use load::{Door, Known, Need, door, load, logging};
pub use places::{Places, System};
pub use problems::{Problem, Problems};
pub use reference::reference;
pub use secret_files::{holds_a_secret, secret_files};
pub use sources::{ConfigFile, Flags, Sources};

/// The whole configuration, every value of it checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The tenant, where it is named.
    pub tenant: Option<Tenant>,
    /// Whom to ask for tokens. There whenever the command said that it needs it.
    pub auth0: Option<Auth0>,
    /// The client for Auth0's Management API, where there is one.
    pub management: Option<Management>,
    /// The Bitbucket OAuth consumer that the connection is to use.
    pub consumer: Option<Consumer>,
    /// Where `http` is reached, for commands that set it up: scheme, host and port, and no path.
    pub public_url: Option<Url>,
    /// The Custom API Client of `http`, for commands that set it up.
    pub api_client_id: Option<String>,
    /// Serving over HTTP. There whenever the command said that it needs it.
    pub http: Option<Http>,
    /// Bitbucket's API, without a slash at the end.
    pub bitbucket_api_url: Url,
    /// The toolsets that exist; `None` means those that are on by default.
    pub toolsets: Option<Vec<String>>,
    /// Single tools that exist besides.
    pub tools: Option<Vec<String>>,
    /// Tools that do not exist.
    pub exclude_tools: Vec<String>,
    /// Whether only tools that change nothing exist.
    pub read_only: bool,
    /// Globs of `workspace/repository`. Empty means that there is no allow-list; an allow-list that
    /// allows nothing is refused while loading.
    pub repositories: Vec<String>,
    /// Who says yes before something irreversible.
    pub approval: Approval,
    /// How long one tool call may take.
    pub deadline: Duration,
    /// How many tool calls may run at once.
    pub max_calls: usize,
    /// How long a Bitbucket token is kept at most.
    pub cache_age: Duration,
    /// The folder for local state.
    pub state_dir: PathBuf,
    /// What is logged, and how.
    pub logging: Logging,
    /// Whether a sandbox stands in for the services, so that nothing of this run is worth keeping.
    pub sandboxed: bool,
    /// What is not wrong, but will not do what its author hoped for; one sentence each.
    pub warnings: Vec<String>,
}

impl Config {
    /// The Auth0 settings, or the sentence that they are missing.
    pub fn auth0(&self) -> Result<&Auth0, Problems> {
        self.auth0.as_ref().ok_or_else(load::no_auth0)
    }
}

/// The Auth0 tenant, before anybody has an application there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// The tenant's base URL, with the slash that its issuer also ends in.
    pub domain: Url,
    /// The web application, where one is named.
    pub client_id: Option<String>,
    /// The name of the Bitbucket connection.
    pub connection: String,
    /// The organization that people sign in to.
    pub organization: Option<String>,
}

/// The Auth0 tenant, and the application through which people sign in to it.
#[derive(Clone, Debug)]
pub struct Auth0 {
    /// The tenant's base URL, with the slash that its issuer also ends in.
    pub domain: Url,
    /// The application.
    pub client_id: String,
    /// How the application proves who it is.
    pub client: ClientAuthentication,
    /// The name of the Bitbucket connection.
    pub connection: String,
    /// The organization that people sign in to.
    pub organization: Option<String>,
    /// A sign-in from elsewhere.
    pub refresh_token: Option<SecretString>,
}

/// Serving many people over HTTP. Every combination in here has been found safe to serve.
#[derive(Clone, Debug)]
pub struct Http {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where clients and browsers reach the server: scheme, host and port, and no path.
    pub public_url: Url,
    /// The identifier of our own API at Auth0: the public URL with `/mcp`.
    pub audience: String,
    /// The Custom API Client of that API, which exchanges callers' access tokens.
    pub api_client_id: String,
    /// How that client proves who it is.
    pub api_client: ClientAuthentication,
    /// Values of the `Host` header that are answered besides the public URL's.
    pub allowed_hosts: Vec<String>,
    /// Values of the `Origin` header that are answered besides the public URL's.
    pub allowed_origins: Vec<String>,
    /// The certificate to serve https with; without one, plain http.
    pub tls: Option<Tls>,
    /// Networks that requests may come from and whose word on the client's address counts. Empty where
    /// clients connect themselves.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether only access tokens that are bound to a key count.
    pub require_dpop: bool,
    /// Client ids whose tokens may go by `permissions` alone.
    pub first_party_clients: Vec<String>,
    /// How many tool calls of one caller may run at once.
    pub max_calls_per_caller: usize,
    /// Whether the tenant may be changed through the server.
    pub allow_configure: bool,
}

/// A client for Auth0's Management API.
#[derive(Clone, Debug)]
pub struct Management {
    /// The tenant's canonical domain, with a slash at the end.
    pub domain: Url,
    /// The client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
}

/// The OAuth consumer at Bitbucket.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// Its key.
    pub key: String,
    /// Its secret, unless that is asked for when it is needed.
    pub secret: Option<SecretString>,
}

/// A certificate and its key, as PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// How a confidential application proves who it is.
#[derive(Clone, Debug)]
pub enum ClientAuthentication {
    /// `client_secret_post`.
    Secret(SecretString),
    /// `private_key_jwt` with this PEM.
    SigningKey(SecretString),
}

/// Who says yes before something irreversible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// The person, where the client can show a question; else the agent's own care.
    Auto,
    /// The person; refused where the client cannot show a question.
    Required,
    /// Nobody is asked.
    Off,
}

/// What is logged to stderr, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// Filter directives.
    pub filter: String,
    /// For whom it is written.
    pub format: LogFormat,
}

impl Logging {
    /// The same, but warnings only where nobody said what to log.
    #[must_use]
    pub fn quiet_by_default(self) -> Self {
        if Some(self.filter.as_str()) == settings::LOG.default {
            return Self { filter: "warn".to_owned(), ..self };
        }
        self
    }
}

/// For whom the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// People.
    Text,
    /// Machines: one JSON object on each line.
    Json,
}

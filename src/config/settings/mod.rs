//! The one table of settings: flags, `--help`, the reading of every source and the reference page
//! all come from it.

mod http;
mod setup;

pub use http::{
    ALLOW_CONFIGURE, ALLOWED_HOSTS, ALLOWED_ORIGINS, AUTH0_API_CLIENT_ID, AUTH0_API_CLIENT_SECRET,
    AUTH0_API_CLIENT_SIGNING_KEY, AUTH0_AUDIENCE, FIRST_PARTY_CLIENTS, LISTEN,
    MAX_CALLS_PER_CALLER, PUBLIC_URL, REQUIRE_DPOP, TLS_CERT, TLS_KEY, TRUSTED_PROXIES,
};
pub use setup::{
    AUTH0_MANAGEMENT_CLIENT_ID, AUTH0_MANAGEMENT_CLIENT_SECRET, AUTH0_MANAGEMENT_DOMAIN,
    BITBUCKET_CONSUMER_KEY, BITBUCKET_CONSUMER_SECRET,
};

/// One setting, under each name that it goes by.
#[derive(Debug)]
pub struct Setting {
    /// The environment variable.
    pub variable: &'static str,
    /// The key in `config.toml`, the same word as the flag. The file does not say where it is itself.
    pub key: Option<&'static str>,
    /// The flag without its dashes. Secrets have none: a command line is seen by every process.
    pub flag: Option<&'static str>,
    /// Under which heading it stands.
    pub group: Group,
    /// How its value is written.
    pub shape: Shape,
    /// What it is for, in Markdown without a full stop at the end.
    pub about: &'static str,
    /// The value when nobody gives one, as it would be typed.
    pub default: Option<&'static str>,
    /// A value that would work.
    pub example: &'static str,
}

impl Setting {
    /// Whether the value may never be shown.
    pub fn secret(&self) -> bool {
        matches!(self.shape, Shape::Secret)
    }

    /// Whether it is about Auth0, or about Bitbucket itself. A sandbox takes the place of both.
    pub(super) fn names_a_service(&self) -> bool {
        self.variable.starts_with("AUTH0_")
            || self.variable == BITBUCKET_API_URL.variable
            || self.variable.starts_with("BITBUCKET_CONSUMER_")
    }

    /// The variable that names a file with the value, for secrets.
    pub fn file_variable(&self) -> Option<String> {
        self.secret().then(|| format!("{}_FILE", self.variable))
    }

    /// The key that names a file with the value, for secrets.
    pub fn file_key(&self) -> Option<String> {
        self.key.filter(|_| self.secret()).map(|key| format!("{key}-file"))
    }
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One word, number, duration, path or URL.
    Text,
    /// Words with commas between them; in the file also an array.
    List,
    /// `true` or `false`; the flag alone means `true`.
    Switch,
    /// Text that is never shown, or a file that holds it.
    Secret,
}

/// What a setting is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Whom to ask for tokens.
    Auth0,
    /// Setting the connection up.
    Setup,
    /// Where Bitbucket is, and what of it exists for the agent.
    Bitbucket,
    /// Which tools exist, and who says yes.
    Tools,
    /// How long and how much.
    Limits,
    /// Serving many people over HTTP.
    Http,
    /// Files and logs.
    Server,
}

impl Group {
    /// Every group, in the order in which they are shown.
    pub const ALL: &[Self] = &[
        Self::Auth0,
        Self::Setup,
        Self::Bitbucket,
        Self::Tools,
        Self::Limits,
        Self::Http,
        Self::Server,
    ];

    /// The heading in `--help` and in the reference.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Auth0 => "Auth0",
            Self::Setup => "Set-up",
            Self::Bitbucket => "Bitbucket",
            Self::Tools => "Tools",
            Self::Limits => "Limits",
            Self::Http => "HTTP",
            Self::Server => "Files and logs",
        }
    }
}

/// Every setting, in the order of the reference.
pub static SETTINGS: &[&Setting] = &[
    &AUTH0_DOMAIN,
    &AUTH0_CLIENT_ID,
    &AUTH0_CLIENT_SECRET,
    &AUTH0_CLIENT_SIGNING_KEY,
    &AUTH0_CONNECTION,
    &AUTH0_ORGANIZATION,
    &AUTH0_REFRESH_TOKEN,
    &AUTH0_MANAGEMENT_CLIENT_ID,
    &AUTH0_MANAGEMENT_CLIENT_SECRET,
    &AUTH0_MANAGEMENT_DOMAIN,
    &BITBUCKET_CONSUMER_KEY,
    &BITBUCKET_CONSUMER_SECRET,
    &BITBUCKET_API_URL,
    &REPOSITORIES,
    &TOOLSETS,
    &TOOLS,
    &EXCLUDE_TOOLS,
    &READ_ONLY,
    &APPROVAL,
    &DEADLINE,
    &MAX_CALLS,
    &CACHE_AGE,
    &LISTEN,
    &PUBLIC_URL,
    &AUTH0_AUDIENCE,
    &AUTH0_API_CLIENT_ID,
    &AUTH0_API_CLIENT_SECRET,
    &AUTH0_API_CLIENT_SIGNING_KEY,
    &ALLOWED_HOSTS,
    &ALLOWED_ORIGINS,
    &TLS_CERT,
    &TLS_KEY,
    &TRUSTED_PROXIES,
    &REQUIRE_DPOP,
    &FIRST_PARTY_CLIENTS,
    &MAX_CALLS_PER_CALLER,
    &ALLOW_CONFIGURE,
    &CONFIG,
    &STATE_DIR,
    &LOG,
    &LOG_FORMAT,
];

/// Variables for what this version does not have yet: several machines, and metrics.
/// They are no mistakes, so they are only warned about.
pub static LATER: &[&str] = &[
    "BITBUCKET_MCP_REDIS_URL",
    "BITBUCKET_MCP_REDIS_URL_FILE",
    "BITBUCKET_MCP_STATE_KEY",
    "BITBUCKET_MCP_STATE_KEY_FILE",
    "BITBUCKET_MCP_METRICS_LISTEN",
];

/// Variables for protection that this version does not have yet. Whoever sets one relies on it, so
/// nothing starts without it.
pub static NOT_YET: &[&str] = &["BITBUCKET_MCP_LOCKDOWN", "BITBUCKET_MCP_AUDIT_LOG"];

/// The Auth0 tenant.
pub static AUTH0_DOMAIN: Setting = Setting {
    variable: "AUTH0_DOMAIN",
    key: Some("auth0-domain"),
    flag: Some("auth0-domain"),
    group: Group::Auth0,
    shape: Shape::Text,
    about: "The Auth0 tenant's domain or custom domain. A bare host means `https://`; `http://` is accepted for loopback only",
    default: None,
    example: "acme.eu.auth0.com",
};

/// The application's identifier.
pub static AUTH0_CLIENT_ID: Setting = Setting {
    variable: "AUTH0_CLIENT_ID",
    key: Some("auth0-client-id"),
    flag: Some("auth0-client-id"),
    group: Group::Auth0,
    shape: Shape::Text,
    about: "The client ID of the Regular Web Application that signs people in and, for one person, exchanges their tokens",
    default: None,
    example: "vT5kXb0cQ2mS9nE7rJ4wLhYz8uAo1dGf",
};

/// The application's secret.
pub static AUTH0_CLIENT_SECRET: Setting = Setting {
    variable: "AUTH0_CLIENT_SECRET",
    key: Some("auth0-client-secret"),
    flag: None,
    group: Group::Auth0,
    shape: Shape::Secret,
    about: "That application's client secret. Give this or a signing key",
    default: None,
    example: "the secret from the application's settings page",
};

/// The application's private key.
pub static AUTH0_CLIENT_SIGNING_KEY: Setting = Setting {
    variable: "AUTH0_CLIENT_SIGNING_KEY",
    key: Some("auth0-client-signing-key"),
    flag: None,
    group: Group::Auth0,
    shape: Shape::Secret,
    about: "That application's RSA private key as PEM, instead of a secret: the server then authenticates with `private_key_jwt`",
    default: None,
    example: "-----BEGIN PRIVATE KEY----- …",
};

/// The connection in Token Vault.
pub static AUTH0_CONNECTION: Setting = Setting {
    variable: "AUTH0_CONNECTION",
    key: Some("auth0-connection"),
    flag: Some("auth0-connection"),
    group: Group::Auth0,
    shape: Shape::Text,
    about: "The name of the tenant's Bitbucket connection",
    default: Some("bitbucket"),
    example: "bitbucket",
};

/// The organization to sign in to.
pub static AUTH0_ORGANIZATION: Setting = Setting {
    variable: "AUTH0_ORGANIZATION",
    key: Some("auth0-organization"),
    flag: Some("auth0-organization"),
    group: Group::Auth0,
    shape: Shape::Text,
    about: "The organization that people sign in to",
    default: None,
    example: "org_9ybsU1dN2dKfDkBi",
};

/// A sign-in from elsewhere.
pub static AUTH0_REFRESH_TOKEN: Setting = Setting {
    variable: "AUTH0_REFRESH_TOKEN",
    key: Some("auth0-refresh-token"),
    flag: None,
    group: Group::Auth0,
    shape: Shape::Secret,
    about: "A refresh token of the person, in place of `login`, for machines without a browser. `http` has no use for it",
    default: None,
    example: "a refresh token that the same application got",
};

/// Where Bitbucket's API is.
pub static BITBUCKET_API_URL: Setting = Setting {
    variable: "BITBUCKET_API_URL",
    key: Some("bitbucket-api-url"),
    flag: Some("bitbucket-api-url"),
    group: Group::Bitbucket,
    shape: Shape::Text,
    about: "Where Bitbucket's API is. `http://` is accepted for loopback only",
    default: Some("https://api.bitbucket.org/2.0"),
    example: "https://api.bitbucket.org/2.0",
};

/// The allow-list.
pub static REPOSITORIES: Setting = Setting {
    variable: "BITBUCKET_MCP_REPOSITORIES",
    key: Some("repositories"),
    flag: Some("repositories"),
    group: Group::Bitbucket,
    shape: Shape::List,
    about: "Globs of `workspace/repository`. What none of them matches does not exist for the agent. Left out, everything that the person may see exists",
    default: None,
    example: "acme/*,side-projects/notes",
};

/// Which toolsets exist.
pub static TOOLSETS: Setting = Setting {
    variable: "BITBUCKET_MCP_TOOLSETS",
    key: Some("toolsets"),
    flag: Some("toolsets"),
    group: Group::Tools,
    shape: Shape::List,
    about: "The toolsets that exist for the agent. `default` stands for those that are on when this is left out, `all` for every one",
    default: None,
    example: "default",
};

/// Which single tools exist besides.
pub static TOOLS: Setting = Setting {
    variable: "BITBUCKET_MCP_TOOLS",
    key: Some("tools"),
    flag: Some("tools"),
    group: Group::Tools,
    shape: Shape::List,
    about: "Single tools that exist besides those of the toolsets; alone, only these exist",
    default: None,
    example: "get_pull_request,list_comments",
};

/// Which tools do not exist.
pub static EXCLUDE_TOOLS: Setting = Setting {
    variable: "BITBUCKET_MCP_EXCLUDE_TOOLS",
    key: Some("exclude-tools"),
    flag: Some("exclude-tools"),
    group: Group::Tools,
    shape: Shape::List,
    about: "Tools that do not exist, whatever the other settings say",
    default: None,
    example: "merge_pull_request",
};

/// Whether only reading tools exist.
pub static READ_ONLY: Setting = Setting {
    variable: "BITBUCKET_MCP_READ_ONLY",
    key: Some("read-only"),
    flag: Some("read-only"),
    group: Group::Tools,
    shape: Shape::Switch,
    about: "Only tools that change nothing exist",
    default: Some("false"),
    example: "true",
};

/// Who says yes.
pub static APPROVAL: Setting = Setting {
    variable: "BITBUCKET_MCP_APPROVAL",
    key: Some("approval"),
    flag: Some("approval"),
    group: Group::Tools,
    shape: Shape::Text,
    about: "Who says yes before something irreversible. `auto` asks the person where the client can show a question, `required` refuses where it cannot, `off` never asks",
    default: Some("auto"),
    example: "required",
};

/// How long a call may take.
pub static DEADLINE: Setting = Setting {
    variable: "BITBUCKET_MCP_DEADLINE",
    key: Some("deadline"),
    flag: Some("deadline"),
    group: Group::Limits,
    shape: Shape::Text,
    about: "How long one tool call may take, from 5 seconds to 10 minutes. Many clients give up after 60 seconds",
    default: Some("50s"),
    example: "2m",
};

/// How many calls at once.
pub static MAX_CALLS: Setting = Setting {
    variable: "BITBUCKET_MCP_MAX_CALLS",
    key: Some("max-calls"),
    flag: Some("max-calls"),
    group: Group::Limits,
    shape: Shape::Text,
    about: "How many tool calls may run at once, from 1 to 1024. More of them wait on stdio, and are answered 429 over http",
    default: Some("64"),
    example: "16",
};

/// How long a token is kept.
pub static CACHE_AGE: Setting = Setting {
    variable: "BITBUCKET_MCP_CACHE_AGE",
    key: Some("cache-age"),
    flag: Some("cache-age"),
    group: Group::Limits,
    shape: Shape::Text,
    about: "How long a Bitbucket token is kept in memory at most, whatever its life, from 1 second to 1 day",
    default: Some("15m"),
    example: "5m",
};

/// Where the configuration file is.
pub static CONFIG: Setting = Setting {
    variable: "BITBUCKET_MCP_CONFIG",
    key: None,
    flag: Some("config"),
    group: Group::Server,
    shape: Shape::Text,
    about: "The configuration file. Left out, `bitbucket-vault-mcp/config.toml` in the platform's configuration folder, if it is there",
    default: None,
    example: "/etc/bitbucket-vault-mcp.toml",
};

/// Where local state is.
pub static STATE_DIR: Setting = Setting {
    variable: "BITBUCKET_MCP_STATE_DIR",
    key: Some("state-dir"),
    flag: Some("state-dir"),
    group: Group::Server,
    shape: Shape::Text,
    about: "The folder for local state, such as the sign-in where there is no keyring. Left out, `bitbucket-vault-mcp` in the platform's state folder",
    default: None,
    example: "/var/lib/bitbucket-vault-mcp",
};

/// What is logged.
pub static LOG: Setting = Setting {
    variable: "BITBUCKET_MCP_LOG",
    key: Some("log"),
    flag: Some("log"),
    group: Group::Server,
    shape: Shape::Text,
    about: "What is logged to stderr: a level (`off`, `error`, `warn`, `info`, `debug`, `trace`), or `target=level` with commas between them",
    default: Some("warn,bitbucket_vault_mcp=info"),
    example: "debug",
};

/// How it is logged.
pub static LOG_FORMAT: Setting = Setting {
    variable: "BITBUCKET_MCP_LOG_FORMAT",
    key: Some("log-format"),
    flag: Some("log-format"),
    group: Group::Server,
    shape: Shape::Text,
    about: "`text` for people, `json` for machines, one object on each line",
    default: Some("text"),
    example: "json",
};

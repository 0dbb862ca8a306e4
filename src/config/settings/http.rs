//! The settings of `http`. Other commands have no use for them.

use super::{Group, Setting, Shape};

/// Our own API's identifier.
pub static AUTH0_AUDIENCE: Setting = Setting {
    variable: "AUTH0_AUDIENCE",
    key: Some("auth0-audience"),
    flag: Some("auth0-audience"),
    group: Group::Http,
    shape: Shape::Text,
    about: "The identifier of this server's API in Auth0. It must be the public URL with `/mcp`, which is also what clients ask for",
    default: None,
    example: "https://mcp.acme.example/mcp",
};

/// The Custom API Client's identifier.
pub static AUTH0_API_CLIENT_ID: Setting = Setting {
    variable: "AUTH0_API_CLIENT_ID",
    key: Some("auth0-api-client-id"),
    flag: Some("auth0-api-client-id"),
    group: Group::Http,
    shape: Shape::Text,
    about: "The client ID of that API's Custom API Client, which exchanges callers' access tokens at Token Vault. It is not the web application",
    default: None,
    example: "Qm7tW1nZ4xLk9pRc2sVy6bHd0fGj3aEu",
};

/// The Custom API Client's secret.
pub static AUTH0_API_CLIENT_SECRET: Setting = Setting {
    variable: "AUTH0_API_CLIENT_SECRET",
    key: Some("auth0-api-client-secret"),
    flag: None,
    group: Group::Http,
    shape: Shape::Secret,
    about: "The Custom API Client's secret. Give this or a signing key",
    default: None,
    example: "the secret from the Custom API Client's settings page",
};

/// The Custom API Client's private key.
pub static AUTH0_API_CLIENT_SIGNING_KEY: Setting = Setting {
    variable: "AUTH0_API_CLIENT_SIGNING_KEY",
    key: Some("auth0-api-client-signing-key"),
    flag: None,
    group: Group::Http,
    shape: Shape::Secret,
    about: "The Custom API Client's RSA private key as PEM, instead of a secret",
    default: None,
    example: "-----BEGIN PRIVATE KEY----- …",
};

/// Where to listen.
pub static LISTEN: Setting = Setting {
    variable: "BITBUCKET_MCP_LISTEN",
    key: Some("listen"),
    flag: Some("listen"),
    group: Group::Http,
    shape: Shape::Text,
    about: "The address and port to listen on. Anything but loopback needs a certificate or trusted proxies, and a public URL",
    default: Some("127.0.0.1:8080"),
    example: "0.0.0.0:8443",
};

/// Where everybody reaches the server.
pub static PUBLIC_URL: Setting = Setting {
    variable: "BITBUCKET_MCP_PUBLIC_URL",
    key: Some("public-url"),
    flag: Some("public-url"),
    group: Group::Http,
    shape: Shape::Text,
    about: "Where clients and browsers reach the server: scheme, host and port, without a path. Left out, the address that is listened on, where that is loopback",
    default: None,
    example: "https://mcp.acme.example",
};

/// Further hosts.
pub static ALLOWED_HOSTS: Setting = Setting {
    variable: "BITBUCKET_MCP_ALLOWED_HOSTS",
    key: Some("allowed-hosts"),
    flag: Some("allowed-hosts"),
    group: Group::Http,
    shape: Shape::List,
    about: "`host` or `host:port`: values of the `Host` header that are answered besides the public URL's",
    default: None,
    example: "mcp.internal:8443",
};

/// Further origins.
pub static ALLOWED_ORIGINS: Setting = Setting {
    variable: "BITBUCKET_MCP_ALLOWED_ORIGINS",
    key: Some("allowed-origins"),
    flag: Some("allowed-origins"),
    group: Group::Http,
    shape: Shape::List,
    about: "Origins of web pages that may call the server, besides its own",
    default: None,
    example: "https://inspector.acme.example",
};

/// The certificate.
pub static TLS_CERT: Setting = Setting {
    variable: "BITBUCKET_MCP_TLS_CERT",
    key: Some("tls-cert"),
    flag: Some("tls-cert"),
    group: Group::Http,
    shape: Shape::Text,
    about: "A file with the certificate chain to serve https with, as PEM, the server's own certificate first",
    default: None,
    example: "/etc/tls/mcp.acme.example.pem",
};

/// The certificate's key.
pub static TLS_KEY: Setting = Setting {
    variable: "BITBUCKET_MCP_TLS_KEY",
    key: Some("tls-key"),
    flag: Some("tls-key"),
    group: Group::Http,
    shape: Shape::Text,
    about: "A file with that certificate's private key, as PEM",
    default: None,
    example: "/etc/tls/mcp.acme.example.key",
};

/// Who may pass requests on.
pub static TRUSTED_PROXIES: Setting = Setting {
    variable: "BITBUCKET_MCP_TRUSTED_PROXIES",
    key: Some("trusted-proxies"),
    flag: Some("trusted-proxies"),
    group: Group::Http,
    shape: Shape::List,
    about: "Addresses and networks of the proxies in front of the server, which terminate TLS. Requests from elsewhere are refused then",
    default: None,
    example: "10.0.0.0/8,192.0.2.7",
};

/// Whether tokens must be bound to a key.
pub static REQUIRE_DPOP: Setting = Setting {
    variable: "BITBUCKET_MCP_REQUIRE_DPOP",
    key: Some("require-dpop"),
    flag: Some("require-dpop"),
    group: Group::Http,
    shape: Shape::Switch,
    about: "Only access tokens that are bound to a key of the client (DPoP, RFC 9449) count. Few clients can do that today",
    default: Some("false"),
    example: "true",
};

/// Clients that ask for no scopes.
pub static FIRST_PARTY_CLIENTS: Setting = Setting {
    variable: "BITBUCKET_MCP_FIRST_PARTY_CLIENTS",
    key: Some("first-party-clients"),
    flag: Some("first-party-clients"),
    group: Group::Http,
    shape: Shape::List,
    about: "Client IDs of your own applications, in whose tokens `permissions` alone say what is allowed. In all other tokens `scope` does",
    default: None,
    example: "vT5kXb0cQ2mS9nE7rJ4wLhYz8uAo1dGf",
};

/// How many calls of one caller at once.
pub static MAX_CALLS_PER_CALLER: Setting = Setting {
    variable: "BITBUCKET_MCP_MAX_CALLS_PER_CALLER",
    key: Some("max-calls-per-caller"),
    flag: Some("max-calls-per-caller"),
    group: Group::Http,
    shape: Shape::Text,
    about: "How many tool calls of one caller may run at once; more of them are refused until one ends. At most `BITBUCKET_MCP_MAX_CALLS`",
    default: Some("32"),
    example: "4",
};

/// Whether the tenant may be changed from here.
pub static ALLOW_CONFIGURE: Setting = Setting {
    variable: "BITBUCKET_MCP_ALLOW_CONFIGURE",
    key: Some("allow-configure"),
    flag: Some("allow-configure"),
    group: Group::Http,
    shape: Shape::Switch,
    about: "`configure_connection` exists, for callers whose token has the scope `connection:admin`. Without it, the connection is changed with `setup apply` at a terminal only",
    default: Some("false"),
    example: "true",
};

//! The settings of `http`: what serves, what is refused, and in which words.

use std::path::Path;

use bitbucket_vault_mcp::config::{self, ClientAuthentication};
use secrecy::ExposeSecret;

use super::{TENANT, http, http_and, load, sources, tenant_and, with_file};

#[test]
fn lists_everything_that_is_wrong_with_serving_over_http_at_once() {
    let environment = [
        ("AUTH0_DOMAIN", "acme.eu.auth0.com"),
        ("AUTH0_CLIENT_ID", "client"),
        ("AUTH0_API_CLIENT_ID", "client"),
        ("AUTH0_AUDIENCE", "https://mcp.acme.example/mcp/"),
        ("AUTH0_MANAGEMENT_DOMAIN", "acme"),
        ("BITBUCKET_MCP_ALLOWED_HOSTS", "mcp.internal,https://mcp.internal"),
        ("BITBUCKET_MCP_ALLOWED_ORIGINS", "*"),
        ("BITBUCKET_MCP_FIRST_PARTY_CLIENTS", "one client"),
        ("BITBUCKET_MCP_LISTEN", "0.0.0.0:8080"),
        ("BITBUCKET_MCP_MAX_CALLS", "4"),
        ("BITBUCKET_MCP_MAX_CALLS_PER_CALLER", "5"),
        ("BITBUCKET_MCP_PUBLIC_URL", "https://mcp.acme.example"),
        ("BITBUCKET_MCP_REQUIRE_DPOP", "perhaps"),
    ];
    insta::assert_snapshot!(http(&sources(&environment)).unwrap_err().to_string(), @"
    the configuration has 13 problems

    `AUTH0_MANAGEMENT_DOMAIN` is not a whole domain: `acme`
      hint: give the tenant's domain alone, as in `acme.eu.auth0.com`

    `AUTH0_CLIENT_SECRET` or `AUTH0_CLIENT_SIGNING_KEY` is missing
      hint: set it (or `AUTH0_CLIENT_SECRET_FILE`) to the secret from the application's settings page

    `AUTH0_MANAGEMENT_CLIENT_ID` is missing
      hint: set it, for example to `hN5cT8vKp1mXz7wQe3rYb9uLs4dJg6oA`

    `AUTH0_MANAGEMENT_CLIENT_SECRET` is missing
      hint: set it (or `AUTH0_MANAGEMENT_CLIENT_SECRET_FILE`) to the secret from the machine-to-machine application's settings page

    `AUTH0_API_CLIENT_ID` is the same as `AUTH0_CLIENT_ID`
      hint: give the Custom API Client that belongs to the API: Token Vault takes access tokens from no other

    `AUTH0_API_CLIENT_SECRET` or `AUTH0_API_CLIENT_SIGNING_KEY` is missing
      hint: set it (or `AUTH0_API_CLIENT_SECRET_FILE`) to the secret from the Custom API Client's settings page

    `BITBUCKET_MCP_ALLOWED_HOSTS` is not a host: `https://mcp.internal`
      hint: write `host` or `host:port` as clients do, without a scheme or a wildcard

    `BITBUCKET_MCP_ALLOWED_ORIGINS` is not an origin: `*`
      hint: write scheme, host and port, as in `https://inspector.acme.example`

    `BITBUCKET_MCP_REQUIRE_DPOP` is neither true nor false: `perhaps`
      hint: give `true` or `false`

    `BITBUCKET_MCP_FIRST_PARTY_CLIENTS` is not an identifier: `one client`
      hint: copy it from the Auth0 dashboard: 1 to 128 characters without spaces

    `BITBUCKET_MCP_MAX_CALLS_PER_CALLER` is more than `BITBUCKET_MCP_MAX_CALLS`: 5
      hint: give a number from 1 to 4

    `BITBUCKET_MCP_LISTEN` is `0.0.0.0:8080`, where anybody could listen in
      hint: set `BITBUCKET_MCP_TLS_CERT` and `BITBUCKET_MCP_TLS_KEY`, or `BITBUCKET_MCP_TRUSTED_PROXIES` where proxies terminate TLS, or listen on loopback

    `AUTH0_AUDIENCE` is `https://mcp.acme.example/mcp/`, but the server is reached at `https://mcp.acme.example/mcp`
      hint: make them the same: the API's identifier in Auth0 is the public URL with `/mcp` and no slash after it; `BITBUCKET_MCP_PUBLIC_URL` says where the server is reached
    ");
    let environment = [
        ("AUTH0_AUDIENCE", ""),
        ("BITBUCKET_MCP_LISTEN", "localhost"),
        ("BITBUCKET_MCP_MAX_CALLS_PER_CALLER", "none"),
        ("BITBUCKET_MCP_PUBLIC_URL", "https://mcp.acme.example/mcp"),
        ("BITBUCKET_MCP_TLS_CERT", "/etc/tls/nowhere.pem"),
        ("BITBUCKET_MCP_TLS_KEY", "/etc/tls/nowhere.key"),
        ("BITBUCKET_MCP_TRUSTED_PROXIES", "proxy"),
    ];
    insta::assert_snapshot!(http(&sources(&environment)).unwrap_err().to_string(), @"
    the configuration has 12 problems

    `AUTH0_DOMAIN` is missing
      hint: set it, for example to `acme.eu.auth0.com`

    `AUTH0_CLIENT_ID` is missing
      hint: set it, for example to `vT5kXb0cQ2mS9nE7rJ4wLhYz8uAo1dGf`

    `AUTH0_CLIENT_SECRET` or `AUTH0_CLIENT_SIGNING_KEY` is missing
      hint: set it (or `AUTH0_CLIENT_SECRET_FILE`) to the secret from the application's settings page

    `BITBUCKET_MCP_LISTEN` is not an address and a port: `localhost`
      hint: give both, as in `127.0.0.1:8080` or `[::1]:8080`

    `BITBUCKET_MCP_PUBLIC_URL` must not have a path: `https://mcp.acme.example/mcp`
      hint: give scheme, host and port alone, as in `https://mcp.acme.example`

    `AUTH0_API_CLIENT_ID` is missing
      hint: set it, for example to `Qm7tW1nZ4xLk9pRc2sVy6bHd0fGj3aEu`

    `AUTH0_API_CLIENT_SECRET` or `AUTH0_API_CLIENT_SIGNING_KEY` is missing
      hint: set it (or `AUTH0_API_CLIENT_SECRET_FILE`) to the secret from the Custom API Client's settings page

    `BITBUCKET_MCP_TLS_CERT` cannot be read: entity not found
      hint: check the file `/etc/tls/nowhere.pem`

    `BITBUCKET_MCP_TLS_KEY` cannot be read: entity not found
      hint: check the file `/etc/tls/nowhere.key`

    `BITBUCKET_MCP_TRUSTED_PROXIES` is neither an address nor a network: `proxy`
      hint: write them as in `192.0.2.7` or `10.0.0.0/8`

    `BITBUCKET_MCP_MAX_CALLS_PER_CALLER` is not a number from 1 to 1024: `none`
      hint: give a number from 1 to 1024

    `AUTH0_AUDIENCE` is missing
      hint: set it to the public URL with `/mcp`
    ");
}

#[test]
fn says_what_the_door_must_be_together() {
    let cases: &[&[(&str, &str)]] = &[
        &[("BITBUCKET_MCP_LISTEN", "[::]:443"), ("BITBUCKET_MCP_PUBLIC_URL", "")],
        &[
            ("BITBUCKET_MCP_LISTEN", "192.0.2.1:443"),
            ("BITBUCKET_MCP_TRUSTED_PROXIES", "192.0.2.7"),
            ("BITBUCKET_MCP_PUBLIC_URL", "http://localhost"),
        ],
        &[("BITBUCKET_MCP_LISTEN", "127.0.0.1:0"), ("BITBUCKET_MCP_PUBLIC_URL", "")],
        &[("BITBUCKET_MCP_PUBLIC_URL", "http://mcp.acme.example")],
        &[("AUTH0_AUDIENCE", "https://mcp.acme.example/mcp/")],
        &[("BITBUCKET_MCP_PUBLIC_URL", "https://mcp.acme.example:8443")],
        &[("BITBUCKET_MCP_TLS_CERT", "/etc/tls/mcp.acme.example.pem")],
        &[("BITBUCKET_MCP_TLS_KEY", "/etc/tls/mcp.acme.example.key")],
        &[
            ("BITBUCKET_MCP_TLS_CERT", "/etc/tls/mcp.acme.example.pem"),
            ("BITBUCKET_MCP_TLS_KEY", "/etc/tls/another.key"),
        ],
        &[
            ("BITBUCKET_MCP_TLS_CERT", "/etc/tls/mcp.acme.example.key"),
            ("BITBUCKET_MCP_TLS_KEY", "/etc/tls/mcp.acme.example.key"),
        ],
        &[
            ("BITBUCKET_MCP_TLS_CERT", "/etc/tls/mcp.acme.example.pem"),
            ("BITBUCKET_MCP_TLS_KEY", "/etc/tls/mcp.acme.example.pem"),
        ],
        &[
            ("BITBUCKET_MCP_TLS_CERT", "/etc/tls/mcp.acme.example.pem"),
            ("BITBUCKET_MCP_TLS_KEY", "/etc/tls/mcp.acme.example.key"),
            ("BITBUCKET_MCP_PUBLIC_URL", "http://localhost:8080"),
        ],
        &[("AUTH0_MANAGEMENT_CLIENT_ID", "management")],
        &[("AUTH0_API_CLIENT_SIGNING_KEY", "key")],
    ];
    let said: Vec<String> = cases
        .iter()
        .map(|case| {
            let given: Vec<String> =
                case.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("{}\n{}", given.join("\n"), http(&sources(&http_and(case))).unwrap_err())
        })
        .collect();
    insta::assert_snapshot!(said.join("\n\n---\n\n"), @"
    BITBUCKET_MCP_LISTEN=[::]:443
    BITBUCKET_MCP_PUBLIC_URL=
    the configuration has 2 problems

    `BITBUCKET_MCP_LISTEN` is `[::]:443`, where anybody could listen in
      hint: set `BITBUCKET_MCP_TLS_CERT` and `BITBUCKET_MCP_TLS_KEY`, or `BITBUCKET_MCP_TRUSTED_PROXIES` where proxies terminate TLS, or listen on loopback

    `BITBUCKET_MCP_PUBLIC_URL` is missing, since `BITBUCKET_MCP_LISTEN` is not loopback
      hint: set it, for example to `https://mcp.acme.example`

    ---

    BITBUCKET_MCP_LISTEN=192.0.2.1:443
    BITBUCKET_MCP_TRUSTED_PROXIES=192.0.2.7
    BITBUCKET_MCP_PUBLIC_URL=http://localhost
    the configuration has a problem

    `BITBUCKET_MCP_PUBLIC_URL` must use `https://`, since `BITBUCKET_MCP_LISTEN` is not loopback: `http://localhost/`
      hint: write `https://`

    ---

    BITBUCKET_MCP_LISTEN=127.0.0.1:0
    BITBUCKET_MCP_PUBLIC_URL=
    the configuration has a problem

    `BITBUCKET_MCP_PUBLIC_URL` is missing, since `BITBUCKET_MCP_LISTEN` takes any free port
      hint: name a port, or set it to where clients will reach the server

    ---

    BITBUCKET_MCP_PUBLIC_URL=http://mcp.acme.example
    the configuration has a problem

    `BITBUCKET_MCP_PUBLIC_URL` must use `https://`: `http://mcp.acme.example` is not on this machine
      hint: write `https://`; `http://` is accepted for loopback only

    ---

    AUTH0_AUDIENCE=https://mcp.acme.example/mcp/
    the configuration has a problem

    `AUTH0_AUDIENCE` is `https://mcp.acme.example/mcp/`, but the server is reached at `https://mcp.acme.example/mcp`
      hint: make them the same: the API's identifier in Auth0 is the public URL with `/mcp` and no slash after it; `BITBUCKET_MCP_PUBLIC_URL` says where the server is reached

    ---

    BITBUCKET_MCP_PUBLIC_URL=https://mcp.acme.example:8443
    the configuration has a problem

    `AUTH0_AUDIENCE` is `https://mcp.acme.example/mcp`, but the server is reached at `https://mcp.acme.example:8443/mcp`
      hint: make them the same: the API's identifier in Auth0 is the public URL with `/mcp` and no slash after it; `BITBUCKET_MCP_PUBLIC_URL` says where the server is reached

    ---

    BITBUCKET_MCP_TLS_CERT=/etc/tls/mcp.acme.example.pem
    the configuration has a problem

    `BITBUCKET_MCP_TLS_CERT` is given without `BITBUCKET_MCP_TLS_KEY`
      hint: give a certificate and its key, or neither

    ---

    BITBUCKET_MCP_TLS_KEY=/etc/tls/mcp.acme.example.key
    the configuration has a problem

    `BITBUCKET_MCP_TLS_KEY` is given without `BITBUCKET_MCP_TLS_CERT`
      hint: give a certificate and its key, or neither

    ---

    BITBUCKET_MCP_TLS_CERT=/etc/tls/mcp.acme.example.pem
    BITBUCKET_MCP_TLS_KEY=/etc/tls/another.key
    the configuration has a problem

    `BITBUCKET_MCP_TLS_KEY` is not the key of the certificate
      hint: give the key that the certificate was made for, and that certificate first in its file

    ---

    BITBUCKET_MCP_TLS_CERT=/etc/tls/mcp.acme.example.key
    BITBUCKET_MCP_TLS_KEY=/etc/tls/mcp.acme.example.key
    the configuration has a problem

    `BITBUCKET_MCP_TLS_CERT` holds no certificate in PEM
      hint: give the chain as PEM, the server's own certificate first

    ---

    BITBUCKET_MCP_TLS_CERT=/etc/tls/mcp.acme.example.pem
    BITBUCKET_MCP_TLS_KEY=/etc/tls/mcp.acme.example.pem
    the configuration has a problem

    `BITBUCKET_MCP_TLS_KEY` holds no private key in PEM
      hint: give the private key as PEM, and not encrypted

    ---

    BITBUCKET_MCP_TLS_CERT=/etc/tls/mcp.acme.example.pem
    BITBUCKET_MCP_TLS_KEY=/etc/tls/mcp.acme.example.key
    BITBUCKET_MCP_PUBLIC_URL=http://localhost:8080
    the configuration has a problem

    `BITBUCKET_MCP_PUBLIC_URL` must use `https://`, since there is a certificate: `http://localhost:8080/`
      hint: write `https://`

    ---

    AUTH0_MANAGEMENT_CLIENT_ID=management
    the configuration has a problem

    `AUTH0_MANAGEMENT_CLIENT_SECRET` is missing
      hint: set it (or `AUTH0_MANAGEMENT_CLIENT_SECRET_FILE`) to the secret from the machine-to-machine application's settings page

    ---

    AUTH0_API_CLIENT_SIGNING_KEY=key
    the configuration has a problem

    `AUTH0_API_CLIENT_SECRET` and `AUTH0_API_CLIENT_SIGNING_KEY` are both given
      hint: keep the one that the application in Auth0 is set up for
    ");
}

#[test]
fn serves_over_http_on_loopback_with_the_least_that_it_needs() {
    let environment = [
        TENANT,
        &[
            ("AUTH0_AUDIENCE", "http://127.0.0.1:8080/mcp"),
            ("AUTH0_API_CLIENT_ID", "api-client"),
            ("AUTH0_API_CLIENT_SECRET", "s3cret-of-the-api-client"),
        ],
    ];
    let config = http(&sources(&environment.concat())).unwrap();
    let http = config.http.unwrap();
    assert_eq!(http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(http.public_url.as_str(), "http://127.0.0.1:8080/");
    assert!(http.tls.is_none() && config.management.is_none() && !http.require_dpop);
    assert!(http.trusted_proxies.is_empty() && http.first_party_clients.is_empty());
    assert_eq!(http.max_calls_per_caller, 32);
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn serves_over_http_elsewhere_with_a_certificate_or_behind_proxies() {
    let certificate = http_and(&[
        ("BITBUCKET_MCP_LISTEN", "0.0.0.0:443"),
        ("BITBUCKET_MCP_TLS_CERT", "/etc/tls/mcp.acme.example.pem"),
        ("BITBUCKET_MCP_TLS_KEY", "/etc/tls/mcp.acme.example.key"),
    ]);
    let tls = http(&sources(&certificate)).unwrap().http.unwrap().tls.unwrap();
    assert_eq!(tls.certificate, Path::new("/etc/tls/mcp.acme.example.pem"));
    assert_eq!(tls.key, Path::new("/etc/tls/mcp.acme.example.key"));

    let proxies = http_and(&[
        ("BITBUCKET_MCP_LISTEN", "0.0.0.0:8080"),
        ("BITBUCKET_MCP_TRUSTED_PROXIES", "10.1.2.3/8, ::1"),
    ]);
    let http_settings = http(&sources(&proxies)).unwrap().http.unwrap();
    let networks: Vec<String> =
        http_settings.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.0/8", "::1/128"]);

    // A certificate on loopback makes the default public URL `https` too.
    let mut local = certificate;
    local.retain(|(name, _)| !matches!(*name, "BITBUCKET_MCP_LISTEN" | "AUTH0_AUDIENCE"));
    local.push(("BITBUCKET_MCP_PUBLIC_URL", ""));
    local.push(("AUTH0_AUDIENCE", "https://127.0.0.1:8080/mcp"));
    let public_url = http(&sources(&local)).unwrap().http.unwrap().public_url;
    assert_eq!(public_url.as_str(), "https://127.0.0.1:8080/");
}

#[test]
fn reads_the_settings_of_http_from_flags_variables_and_the_file_in_that_order() {
    let file = r#"
        public-url = "https://from-the-file.example"
        auth0-audience = "https://mcp.acme.example/mcp"
        auth0_api_client_id = "api-client"
        auth0-api-client-secret-file = "client"
        allowed-hosts = ["MCP.internal:8443"]
        allowed-origins = "https://one.example, https://two.example"
        max-calls-per-caller = 3
        require-dpop = true
        auth0-management-client-id = "management"
        auth0-management-client-secret-file = "client"
    "#;
    let environment = [TENANT, &[("BITBUCKET_MCP_PUBLIC_URL", "https://mcp.acme.example/")]];
    let mut sources = with_file(&environment.concat(), file);
    sources.flags.insert("BITBUCKET_MCP_MAX_CALLS_PER_CALLER", vec!["2".to_owned()]);
    sources.flags.insert("BITBUCKET_MCP_ALLOWED_ORIGINS", vec!["https://flag.example".to_owned()]);
    let config = http(&sources).unwrap();
    let http = config.http.unwrap();
    assert_eq!(http.public_url.as_str(), "https://mcp.acme.example/", "the variable");
    assert_eq!(http.max_calls_per_caller, 2, "the flag");
    assert_eq!(http.allowed_origins, ["https://flag.example"], "the flag");
    assert_eq!(http.allowed_hosts, ["mcp.internal:8443"], "the file");
    assert!(http.require_dpop, "the file");
    let ClientAuthentication::Secret(secret) = &http.api_client else { panic!("not a secret") };
    assert_eq!(secret.expose_secret(), "s3cret-in-a-file");
    let management = config.management.unwrap();
    assert_eq!(management.domain.as_str(), "https://acme.eu.auth0.com/", "the tenant's own");
    assert_eq!(management.client_secret.expose_secret(), "s3cret-in-a-file");
    assert_eq!(http.listen.to_string(), "127.0.0.1:8080", "the default");
}

#[test]
fn allows_one_caller_no_more_calls_than_all_together() {
    let config = http(&sources(&http_and(&[("BITBUCKET_MCP_MAX_CALLS", "4")]))).unwrap();
    assert_eq!(config.http.unwrap().max_calls_per_caller, 4);
}

#[test]
fn warns_of_what_does_nothing_over_http() {
    let more =
        [("AUTH0_REFRESH_TOKEN", "s3cret-refresh"), ("BITBUCKET_MCP_TRUSTED_PROXIES", "0.0.0.0/0")];
    let config = http(&sources(&http_and(&more))).unwrap();
    assert_eq!(
        config.warnings,
        [
            "`AUTH0_REFRESH_TOKEN` does nothing here: over HTTP everybody comes with a token of their own",
            "`BITBUCKET_MCP_TRUSTED_PROXIES` trusts every address: whoever reaches the port counts as a proxy",
        ]
    );
    assert!(config.auth0.unwrap().refresh_token.is_none());
}

#[test]
fn has_no_use_for_the_settings_of_http_elsewhere() {
    let config = load(&sources(&tenant_and(&[("BITBUCKET_MCP_LISTEN", "nonsense")]))).unwrap();
    assert!(config.http.is_none());
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn knows_the_door_before_the_rest() {
    let environment = [("BITBUCKET_MCP_LISTEN", "127.0.0.1:0"), ("AUTH0_DOMAIN", "http://x")];
    let door = config::door(&sources(&environment)).unwrap();
    assert_eq!(door.listen.to_string(), "127.0.0.1:0");
    assert_eq!(door.public_url, None);
    let problems = config::door(&sources(&[("BITBUCKET_MCP_LISTEN", ":8080")])).unwrap_err();
    insta::assert_snapshot!(problems.to_string(), @"
    the configuration has a problem

    `BITBUCKET_MCP_LISTEN` is not an address and a port: `:8080`
      hint: give both, as in `127.0.0.1:8080` or `[::1]:8080`
    ");
}

#[test]
fn takes_from_a_sandbox_where_the_server_is_reached() {
    let real = http_and(&[
        ("AUTH0_MANAGEMENT_CLIENT_ID", "real"),
        ("BITBUCKET_MCP_LISTEN", "127.0.0.1:0"),
        ("BITBUCKET_MCP_ALLOWED_HOSTS", "mcp.internal"),
    ]);
    let settings = [
        ("AUTH0_DOMAIN", "http://127.0.0.1:1"),
        ("AUTH0_CLIENT_ID", "sandbox"),
        ("AUTH0_CLIENT_SECRET", "sandbox"),
        ("AUTH0_AUDIENCE", "http://127.0.0.1:3/mcp"),
        ("AUTH0_API_CLIENT_ID", "sandbox-api"),
        ("AUTH0_API_CLIENT_SECRET", "sandbox"),
        ("BITBUCKET_MCP_PUBLIC_URL", "http://127.0.0.1:3"),
    ];
    let sandboxed =
        sources(&real).in_sandbox(settings.map(|(name, value)| (name, value.to_owned())));
    let config = http(&sandboxed).unwrap();
    let http = config.http.unwrap();
    assert_eq!(http.public_url.as_str(), "http://127.0.0.1:3/");
    assert_eq!(http.audience, "http://127.0.0.1:3/mcp");
    assert_eq!(http.api_client_id, "sandbox-api");
    assert!(config.management.is_none());
    assert_eq!(http.allowed_hosts, ["mcp.internal"]);
}

//! The configuration as users meet it: what wins, what is refused, and in which words.

mod http;
mod setup;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bitbucket_vault_mcp::config::settings::{SETTINGS, Shape};
use bitbucket_vault_mcp::config::{
    self, Approval, ClientAuthentication, Config, ConfigFile, Known, Need, Problems, Sources,
};
use secrecy::ExposeSecret;

use crate::golden;

const KNOWN: Known<'static> = Known {
    toolsets: &["connection", "accounts", "pull_requests", "source", "snippets"],
    default_toolsets: &["connection", "accounts", "pull_requests", "source"],
    tools: &["check_connection", "get_account", "get_file", "merge_pull_request"],
    management_toolsets: &["connection"],
    management_tools: &["check_connection"],
};

const TENANT: &[(&str, &str)] = &[
    ("AUTH0_DOMAIN", "acme.eu.auth0.com"),
    ("AUTH0_CLIENT_ID", "client"),
    ("AUTH0_CLIENT_SECRET", "s3cret-in-the-environment"),
];

const HTTP: &[(&str, &str)] = &[
    ("AUTH0_AUDIENCE", "https://mcp.acme.example/mcp"),
    ("AUTH0_API_CLIENT_ID", "api-client"),
    ("AUTH0_API_CLIENT_SECRET", "s3cret-of-the-api-client"),
    ("BITBUCKET_MCP_PUBLIC_URL", "https://mcp.acme.example"),
];

/// Two certificates, each with its key.
static PAIRS: LazyLock<[(String, String); 2]> = LazyLock::new(|| {
    [(); 2].map(|()| {
        let made = rcgen::generate_simple_self_signed(["mcp.acme.example".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    })
});

fn sources(environment: &[(&str, &str)]) -> Sources {
    let environment: BTreeMap<String, OsString> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect();
    let mut sources = Sources::new(environment);
    sources.state_folder = Some(PathBuf::from("/state"));
    sources.read = |path| match path.to_str() {
        Some("/secrets/client" | "/etc/vault/client") => Ok("s3cret-in-a-file\n".to_owned()),
        Some("/etc/tls/mcp.acme.example.pem") => Ok(PAIRS[0].0.clone()),
        Some("/etc/tls/mcp.acme.example.key") => Ok(PAIRS[0].1.clone()),
        Some("/etc/tls/another.key") => Ok(PAIRS[1].1.clone()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    sources
}

fn with_file(environment: &[(&str, &str)], text: &str) -> Sources {
    let mut sources = sources(environment);
    sources.file = Some(ConfigFile {
        path: Path::new("/etc/vault/config.toml").to_owned(),
        text: Ok(text.to_owned()),
        exposed: false,
    });
    sources
}

fn tenant_and(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    TENANT.iter().chain(more).copied().collect()
}

fn http_and(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    TENANT.iter().chain(HTTP).chain(more).copied().collect()
}

fn http(sources: &Sources) -> Result<Config, Problems> {
    config::load(sources, &KNOWN, Need::Http)
}

fn load(sources: &Sources) -> Result<Config, Problems> {
    config::load(sources, &KNOWN, Need::Auth0)
}

fn said(sources: &Sources) -> String {
    load(sources).unwrap_err().to_string()
}

#[test]
fn a_flag_counts_before_a_variable_before_the_file_before_the_default() {
    let file = "deadline = \"20s\"\nmax_calls = 3\napproval = \"off\"\nlog-format = \"json\"\n";
    let environment = tenant_and(&[
        ("BITBUCKET_MCP_DEADLINE", "30s"),
        ("BITBUCKET_MCP_MAX_CALLS", "7"),
        ("BITBUCKET_MCP_APPROVAL", ""),
    ]);
    let mut sources = with_file(&environment, file);
    sources.flags.insert("BITBUCKET_MCP_DEADLINE", vec!["40s".to_owned()]);
    let config = load(&sources).unwrap();
    assert_eq!(config.deadline.as_secs(), 40, "the flag");
    assert_eq!(config.max_calls, 7, "the variable");
    assert_eq!(config.approval, Approval::Off, "the file, since the variable is empty");
    assert_eq!(config.cache_age.as_secs(), 15 * 60, "the default");
}

#[test]
fn reads_a_whole_file() {
    let file = r#"
        auth0-domain = "http://127.0.0.1:4000"
        auth0_client_id = "client"
        auth0-client-secret-file = "client"
        toolsets = ["default", "snippets", "source"]
        exclude-tools = "merge_pull_request"
        repositories = ["acme/{shop,docs}", "side-projects/*"]
        read-only = true
        max-calls = 8
        metrics-listen = "127.0.0.1:9000"
    "#;
    let config = load(&with_file(&[], file)).unwrap();
    let auth0 = config.auth0().unwrap();
    assert_eq!(auth0.domain.as_str(), "http://127.0.0.1:4000/");
    assert_eq!(auth0.connection, "bitbucket");
    let ClientAuthentication::Secret(secret) = &auth0.client else { panic!("not a secret") };
    assert_eq!(secret.expose_secret(), "s3cret-in-a-file");
    let toolsets = ["accounts", "pull_requests", "source", "snippets"].map(str::to_owned);
    assert_eq!(config.toolsets, Some(toolsets.to_vec()));
    assert_eq!(config.exclude_tools, ["merge_pull_request"]);
    assert_eq!(config.repositories, ["acme/{shop,docs}", "side-projects/*"]);
    assert!(config.read_only);
    assert_eq!(
        config.warnings,
        [
            "`metrics-listen` in `/etc/vault/config.toml` does nothing here: this version has no use for it"
        ]
    );
}

#[test]
fn lists_everything_that_is_wrong_with_the_environment_at_once() {
    insta::assert_snapshot!(said(&sources(&[
        ("AUTH0_DOMAIN", "http://acme.eu.auth0.com"),
        ("AUTH0_CLIENT_SECRET", "one"),
        ("AUTH0_CLIENT_SECRET_FILE", "/secrets/client"),
        ("AUTH0_CONNECTION", "my bitbucket"),
        ("AUTH0_REFRESH_TOKEN_FILE", "/secrets/nowhere"),
        ("BITBUCKET_API_URL", "https://api.bitbucket.org/2.0?x=1"),
        ("BITBUCKET_MCP_APPROVAL", "ciba"),
        ("BITBUCKET_MCP_CACHE_AGE", "2d"),
        ("BITBUCKET_MCP_DEADLINE", "soon"),
        ("BITBUCKET_MCP_EXCLUDE_TOOLS", "merge_pull_requests"),
        ("BITBUCKET_MCP_LOG", "verbose"),
        ("BITBUCKET_MCP_LOG_FORMAT", "xml"),
        ("BITBUCKET_MCP_MAX_CALLS", "0"),
        ("BITBUCKET_MCP_READ_ONLY", "maybe"),
        ("BITBUCKET_MCP_REPOSITORIES", "acme"),
        ("BITBUCKET_MCP_TOOLSET", "source"),
        ("BITBUCKET_MCP_TOOLSETS", "source,pull_request"),
    ])), @r#"
    the configuration has 17 problems

    `BITBUCKET_MCP_TOOLSET` is not a setting
      hint: did you mean `BITBUCKET_MCP_TOOLSETS`?

    `AUTH0_DOMAIN` must use `https://`: `http://acme.eu.auth0.com` is not on this machine
      hint: write `https://`; `http://` is accepted for loopback only

    `AUTH0_CLIENT_SECRET` and `AUTH0_CLIENT_SECRET_FILE` are both given
      hint: keep one of them

    `AUTH0_CONNECTION` is not an identifier: `my bitbucket`
      hint: copy it from the Auth0 dashboard: 1 to 128 characters without spaces

    `AUTH0_REFRESH_TOKEN_FILE` cannot be read: entity not found
      hint: check the file `/secrets/nowhere`

    `AUTH0_CLIENT_ID` is missing
      hint: set it, for example to `vT5kXb0cQ2mS9nE7rJ4wLhYz8uAo1dGf`

    `BITBUCKET_API_URL` must not have a query or a fragment
      hint: give a URL such as `https://api.bitbucket.org/2.0`

    `BITBUCKET_MCP_REPOSITORIES` is not a glob of `workspace/repository`: `acme`
      hint: write `workspace/repository`, as in `acme/shop` or `acme/*`

    `BITBUCKET_MCP_TOOLSETS` names no toolset: `pull_request`
      hint: did you mean `pull_requests`? `bitbucket-vault-mcp tools` lists all

    `BITBUCKET_MCP_EXCLUDE_TOOLS` names no tool: `merge_pull_requests`
      hint: did you mean `merge_pull_request`? `bitbucket-vault-mcp tools` lists all

    `BITBUCKET_MCP_READ_ONLY` is neither true nor false: `maybe`
      hint: give `true` or `false`

    `BITBUCKET_MCP_APPROVAL` is `ciba`, which is not available yet
      hint: `required` also lets nothing irreversible pass without a person's yes

    `BITBUCKET_MCP_DEADLINE` is not a duration: `soon`
      hint: give a duration such as `50s` or `15m`, from 5 to 600 seconds

    `BITBUCKET_MCP_MAX_CALLS` is not a number from 1 to 1024: `0`
      hint: give a number from 1 to 1024

    `BITBUCKET_MCP_CACHE_AGE` is not a duration: `2d`
      hint: give a duration such as `50s` or `15m`, from 1 to 86400 seconds

    `BITBUCKET_MCP_LOG` does not say what to log: `verbose`
      hint: give `off`, `error`, `warn`, `info`, `debug` or `trace`, or `target=level` with commas between them

    `BITBUCKET_MCP_LOG_FORMAT` is not a log format: `xml`
      hint: give `text` or `json`
    "#);
}

#[test]
fn lists_everything_that_is_wrong_with_the_file_at_once() {
    let file = "toolset = \"source\"\ntools = 3\nread_only = \"maybe\"\nread-only = true\n\
                auth0-client-secret = \"s3cret-in-the-file\"\n[auth0]\ndomain = \"x\"\n";
    let mut sources = with_file(&[], file);
    sources.file.as_mut().unwrap().exposed = true;
    insta::assert_snapshot!(said(&sources), @r#"
    the configuration has 8 problems

    `auth0` in `/etc/vault/config.toml` is not a setting
      hint: did you mean `auth0-domain`?

    `auth0-client-secret` in `/etc/vault/config.toml` is a secret in a file that others may read
      hint: run `chmod 600 /etc/vault/config.toml`

    `read_only` in `/etc/vault/config.toml` is given twice
      hint: keep one of the two spellings

    `toolset` in `/etc/vault/config.toml` is not a setting
      hint: did you mean `toolsets`?

    `AUTH0_DOMAIN` is missing
      hint: set it, for example to `acme.eu.auth0.com`

    `AUTH0_CLIENT_ID` is missing
      hint: set it, for example to `vT5kXb0cQ2mS9nE7rJ4wLhYz8uAo1dGf`

    `tools` in `/etc/vault/config.toml` is not a list of strings
      hint: write `["…", "…"]`

    `read-only` in `/etc/vault/config.toml` is neither true nor false: `maybe`
      hint: give `true` or `false`
    "#);
}

#[test]
fn names_a_flag_as_it_was_typed() {
    let mut sources = sources(TENANT);
    sources.flags.insert("BITBUCKET_MCP_DEADLINE", vec!["1s".to_owned()]);
    insta::assert_snapshot!(said(&sources), @r#"
    the configuration has a problem

    `--deadline` is out of bounds: `1s`
      hint: give a duration such as `50s` or `15m`, from 5 to 600 seconds
    "#);
}

#[test]
fn says_what_is_missing() {
    insta::assert_snapshot!(said(&sources(&[])), @r#"
    the configuration has 3 problems

    `AUTH0_DOMAIN` is missing
      hint: set it, for example to `acme.eu.auth0.com`

    `AUTH0_CLIENT_ID` is missing
      hint: set it, for example to `vT5kXb0cQ2mS9nE7rJ4wLhYz8uAo1dGf`

    `AUTH0_CLIENT_SECRET` or `AUTH0_CLIENT_SIGNING_KEY` is missing
      hint: set it (or `AUTH0_CLIENT_SECRET_FILE`) to the secret from the application's settings page
    "#);
}

#[test]
fn refuses_an_allow_list_that_allows_nothing() {
    insta::assert_snapshot!(said(&sources(&tenant_and(&[("BITBUCKET_MCP_REPOSITORIES", "")]))), @r#"
    the configuration has a problem

    `BITBUCKET_MCP_REPOSITORIES` is an allow-list that allows nothing
      hint: name what is allowed, as in `acme/*`, or leave it out to allow everything
    "#);
}

#[test]
fn quotes_no_line_of_a_file_that_is_not_toml() {
    insta::assert_snapshot!(said(&with_file(TENANT, "auth0-client-secret = s3cret\n")), @r#"
    the configuration has a problem

    `/etc/vault/config.toml` is not TOML: line 1: string values must be quoted, expected literal string
      hint: write one `key = value` on each line
    "#);
}

#[test]
fn refuses_a_secret_and_a_signing_key_together() {
    let key = "-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----";
    let both = tenant_and(&[("AUTH0_CLIENT_SIGNING_KEY", key)]);
    insta::assert_snapshot!(said(&sources(&both)), @r#"
    the configuration has a problem

    `AUTH0_CLIENT_SECRET` and `AUTH0_CLIENT_SIGNING_KEY` are both given
      hint: keep the one that the application in Auth0 is set up for
    "#);
    let alone = [both[0], both[1], both[3]];
    let config = load(&sources(&alone)).unwrap();
    assert!(matches!(config.auth0().unwrap().client, ClientAuthentication::SigningKey(_)));
}

#[test]
fn needs_no_tenant_where_the_command_needs_none() {
    let config = config::load(&sources(&[]), &KNOWN, Need::Nothing).unwrap();
    assert!(config.auth0.is_none());
    assert_eq!(config.bitbucket_api_url.as_str(), "https://api.bitbucket.org/2.0");
}

#[test]
fn leaves_other_peoples_variables_alone_and_warns_of_settings_without_a_use() {
    let config = load(&sources(&tenant_and(&[
        ("AUTH0_CUSTOM", "x"),
        ("BITBUCKET_REPO_SLUG", "shop"),
        ("BITBUCKET_MCP_REDIS_URL", "redis://127.0.0.1"),
    ])));
    assert_eq!(
        config.unwrap().warnings,
        ["`BITBUCKET_MCP_REDIS_URL` does nothing here: this version has no use for it"]
    );
}

#[test]
fn does_not_start_without_a_protection_that_somebody_relies_on() {
    let environment = tenant_and(&[
        ("BITBUCKET_MCP_LOCKDOWN", "true"),
        ("BITBUCKET_MCP_AUDIT_LOG", "/var/log/bitbucket-vault-mcp"),
    ]);
    let file = "lockdown = true\naudit_log = \"/var/log/bitbucket-vault-mcp\"\n";
    insta::assert_snapshot!(said(&with_file(&environment, file)), @r#"
    the configuration has 4 problems

    `BITBUCKET_MCP_AUDIT_LOG` is not available yet, and nothing here protects in its place
      hint: leave it out to start without

    `BITBUCKET_MCP_LOCKDOWN` is not available yet, and nothing here protects in its place
      hint: leave it out to start without

    `audit_log` in `/etc/vault/config.toml` is not available yet, and nothing here protects in its place
      hint: leave it out to start without

    `lockdown` in `/etc/vault/config.toml` is not available yet, and nothing here protects in its place
      hint: leave it out to start without
    "#);
    let unset = tenant_and(&[("BITBUCKET_MCP_LOCKDOWN", ""), ("BITBUCKET_MCP_AUDIT_LOG", "")]);
    assert_eq!(load(&sources(&unset)).unwrap().warnings, Vec::<String>::new());
}

#[test]
fn lets_nothing_of_a_real_tenant_into_the_sandbox() {
    let real = tenant_and(&[
        ("AUTH0_CLIENT_SIGNING_KEY", "nonsense"),
        ("AUTH0_REFRESH_TOKEN", "real"),
        ("AUTH0_ORGANIZATION", "org_real"),
        ("BITBUCKET_MCP_REPOSITORIES", "acme/shop"),
    ]);
    let sandboxed = sources(&real).in_sandbox([
        ("AUTH0_DOMAIN", "http://127.0.0.1:1".to_owned()),
        ("AUTH0_CLIENT_ID", "sandbox".to_owned()),
        ("AUTH0_CLIENT_SECRET", "sandbox".to_owned()),
        ("BITBUCKET_API_URL", "http://127.0.0.1:2/2.0".to_owned()),
    ]);
    let config = load(&sandboxed).unwrap();
    let auth0 = config.auth0().unwrap();
    assert_eq!(auth0.domain.as_str(), "http://127.0.0.1:1/");
    assert!(auth0.refresh_token.is_none() && auth0.organization.is_none());
    assert_eq!(config.bitbucket_api_url.as_str(), "http://127.0.0.1:2/2.0");
    assert_eq!(config.repositories, ["acme/shop"]);
}

#[test]
fn prints_no_secret_in_debug() {
    let environment = tenant_and(&[("AUTH0_REFRESH_TOKEN", "s3cret-refresh")]);
    let config = load(&sources(&environment)).unwrap();
    assert!(!format!("{config:?}").contains("s3cret"));
    let management = [
        ("AUTH0_MANAGEMENT_CLIENT_ID", "management"),
        ("AUTH0_MANAGEMENT_CLIENT_SECRET", "s3cret-of-management"),
    ];
    let config = http(&sources(&http_and(&management))).unwrap();
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn takes_every_example_that_the_reference_gives() {
    let key = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----";
    let examples: Vec<(&str, &str)> = SETTINGS
        .iter()
        .filter(|setting| setting.shape != Shape::Secret)
        .map(|setting| (setting.variable, setting.example))
        .map(|(variable, example)| match variable {
            "BITBUCKET_MCP_TOOLS" => (variable, "get_file"),
            _ => (variable, example),
        })
        .chain([
            ("AUTH0_CLIENT_SIGNING_KEY", key),
            ("AUTH0_API_CLIENT_SIGNING_KEY", key),
            ("AUTH0_MANAGEMENT_CLIENT_SECRET", "secret"),
            ("BITBUCKET_CONSUMER_SECRET", "secret"),
        ])
        .collect();
    let config = http(&sources(&examples)).unwrap();
    assert_eq!(config.warnings, Vec::<String>::new());
    assert!(config.management.is_some());
    let config = load(&sources(&[&examples[..], &[("AUTH0_REFRESH_TOKEN", "token")]].concat()));
    assert_eq!(config.unwrap().warnings, Vec::<String>::new());
}

#[test]
fn setting_the_tenant_up_writes_settings_that_exist() {
    for (variable, key) in bitbucket_vault_mcp::setup::WRITTEN {
        let known = SETTINGS.iter().any(|setting| {
            let is_it = setting.variable == *variable && setting.key == Some(*key);
            let is_its_file = setting.file_variable().as_deref() == Some(*variable)
                && setting.file_key().as_deref() == Some(*key);
            is_it || is_its_file
        });
        assert!(known, "{variable} {key}");
    }
}

#[test]
fn the_page_about_the_settings_is_up_to_date() {
    golden::check("src/config/README.md", &config::reference());
}

#[test]
fn every_client_example_starts_the_server_with_settings_that_exist() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/clients");
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let servers = document.get("mcpServers").or(document.get("servers")).unwrap();
        let server = &servers["bitbucket"];
        let command = server["command"].as_str().unwrap();
        assert!(command.ends_with("/bitbucket-vault-mcp"), "{}", path.display());
        assert_eq!(server["args"], serde_json::json!(["stdio"]), "{}", path.display());
        let settings = server["env"].as_object().unwrap().keys();
        for name in settings {
            let known = SETTINGS.iter().any(|setting| {
                setting.variable == name || setting.file_variable().as_ref() == Some(name)
            });
            assert!(known, "{}: {name}", path.display());
        }
        checked += 1;
    }
    assert_eq!(checked, 4);
}

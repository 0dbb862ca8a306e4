//! The settings that set the connection up.

use std::path::Path;

use bitbucket_vault_mcp::config::{self, Config, Need, Problems, Sources};
use secrecy::ExposeSecret;

use super::{KNOWN, http, http_and, load, sources, tenant_and, with_file};

const DOMAIN: (&str, &str) = ("AUTH0_DOMAIN", "acme.eu.auth0.com");
const MANAGEMENT: &[(&str, &str)] = &[
    ("AUTH0_MANAGEMENT_CLIENT_ID", "management"),
    ("AUTH0_MANAGEMENT_CLIENT_SECRET", "s3cret-of-management"),
];

fn stdio(sources: &Sources) -> Result<Config, Problems> {
    config::load(sources, &KNOWN, Need::Stdio)
}

fn set_up(sources: &Sources) -> Result<Config, Problems> {
    config::load(sources, &KNOWN, Need::Setup)
}

#[test]
fn a_tenant_and_a_management_application_are_enough_to_start_with() {
    let given = [&[DOMAIN], MANAGEMENT].concat();
    let config = stdio(&sources(&given)).unwrap();
    assert!(config.auth0.is_none());
    let tenant = config.tenant.unwrap();
    assert_eq!(tenant.domain.as_str(), "https://acme.eu.auth0.com/");
    assert_eq!((tenant.client_id, tenant.connection.as_str()), (None, "bitbucket"));
    let management = config.management.unwrap();
    assert_eq!(management.domain, tenant.domain, "the tenant's own");
    assert_eq!(management.client_secret.expose_secret(), "s3cret-of-management");
    assert!(load(&sources(&given)).is_err(), "who signs in needs an application");
}

#[test]
fn half_an_application_is_still_a_mistake() {
    let half = [&[DOMAIN, ("AUTH0_CLIENT_ID", "client")], MANAGEMENT].concat();
    insta::assert_snapshot!(stdio(&sources(&half)).unwrap_err().to_string(), @"
    the configuration has a problem

    `AUTH0_CLIENT_SECRET` or `AUTH0_CLIENT_SIGNING_KEY` is missing
      hint: set it (or `AUTH0_CLIENT_SECRET_FILE`) to the secret from the application's settings page
    ");
}

#[test]
fn set_up_needs_the_tenant_and_a_management_application() {
    insta::assert_snapshot!(set_up(&sources(&[])).unwrap_err().to_string(), @"
    the configuration has 3 problems

    `AUTH0_DOMAIN` is missing
      hint: set it, for example to `acme.eu.auth0.com`

    `AUTH0_MANAGEMENT_CLIENT_ID` is missing
      hint: set it, for example to `hN5cT8vKp1mXz7wQe3rYb9uLs4dJg6oA`

    `AUTH0_MANAGEMENT_CLIENT_SECRET` is missing
      hint: set it (or `AUTH0_MANAGEMENT_CLIENT_SECRET_FILE`) to the secret from the machine-to-machine application's settings page
    ");
    let tenant = config::load(&sources(&[DOMAIN]), &KNOWN, Need::Tenant).unwrap().tenant;
    assert!(tenant.is_some());
}

#[test]
fn names_of_tools_that_need_a_management_application_are_refused_without_one() {
    let named = tenant_and(&[
        ("BITBUCKET_MCP_TOOLSETS", "accounts,connection"),
        ("BITBUCKET_MCP_TOOLS", "check_connection"),
    ]);
    insta::assert_snapshot!(load(&sources(&named)).unwrap_err().to_string(), @"
    the configuration has 2 problems

    `BITBUCKET_MCP_TOOLSETS` names `connection`, which there is with a management application only
      hint: set `AUTH0_MANAGEMENT_CLIENT_ID` and `AUTH0_MANAGEMENT_CLIENT_SECRET`, or leave it out; `bitbucket-vault-mcp setup guide` says how to make one

    `BITBUCKET_MCP_TOOLS` names `check_connection`, which there is with a management application only
      hint: set `AUTH0_MANAGEMENT_CLIENT_ID` and `AUTH0_MANAGEMENT_CLIENT_SECRET`, or leave it out; `bitbucket-vault-mcp setup guide` says how to make one
    ");
    let config = load(&sources(&[&named[..], MANAGEMENT].concat())).unwrap();
    assert_eq!(config.toolsets.unwrap(), ["accounts", "connection"]);
    let all = tenant_and(&[("BITBUCKET_MCP_TOOLSETS", "all")]);
    let all = load(&sources(&all)).unwrap().toolsets.unwrap();
    assert!(!all.contains(&"connection".to_owned()), "all that there can be");
}

#[test]
fn a_consumers_key_may_be_known_before_its_secret_but_not_the_other_way_round() {
    let key = tenant_and(&[("BITBUCKET_CONSUMER_KEY", "key")]);
    let consumer = load(&sources(&key)).unwrap().consumer.unwrap();
    assert_eq!((consumer.key.as_str(), consumer.secret.is_some()), ("key", false));
    let secret = tenant_and(&[("BITBUCKET_CONSUMER_SECRET", "s3cret-of-the-consumer")]);
    insta::assert_snapshot!(load(&sources(&secret)).unwrap_err().to_string(), @"
    the configuration has a problem

    `BITBUCKET_CONSUMER_KEY` is missing
      hint: set it, for example to `Xw3rTq8ZkPn5VbYd2S`
    ");
    let both = [&key[..], &secret[3..]].concat();
    let config = load(&sources(&both)).unwrap();
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn many_people_change_the_tenant_only_where_the_settings_allow_it() {
    assert!(!http(&sources(&http_and(MANAGEMENT))).unwrap().http.unwrap().allow_configure);
    let allowed = http_and(&[("BITBUCKET_MCP_ALLOW_CONFIGURE", "true")]);
    assert!(http(&sources(&allowed)).unwrap().http.unwrap().allow_configure);
}

#[test]
fn knows_where_http_will_be_before_it_is_there() {
    let given = |more: &[(&'static str, &'static str)]| {
        let given = [&[DOMAIN], MANAGEMENT, more].concat();
        let config = set_up(&sources(&given)).unwrap();
        (config.public_url.map(String::from), config.api_client_id)
    };
    assert_eq!(given(&[]), (None, None));
    let here = Some("https://mcp.acme.example/".to_owned());
    let audience = ("AUTH0_AUDIENCE", "https://mcp.acme.example/mcp");
    assert_eq!(given(&[audience]), (here.clone(), None));
    let url = ("BITBUCKET_MCP_PUBLIC_URL", "https://mcp.acme.example");
    assert_eq!(given(&[url, ("AUTH0_API_CLIENT_ID", "api")]), (here, Some("api".to_owned())));
}

#[test]
fn a_sandbox_keeps_to_itself_what_is_set_up_in_it() {
    let mut real = with_file(
        &[&[DOMAIN], MANAGEMENT, &[("BITBUCKET_CONSUMER_KEY", "real")]].concat(),
        "auth0-client-id = \"real\"\nread-only = true\n",
    );
    real.read = |path| match path.to_str() {
        Some("/trial/config.toml") => Ok("auth0-client-id = \"made\"\n\
            auth0-client-secret-file = \"secrets/made\"\nmore = 1\n"
            .to_owned()),
        Some("/trial/secrets/made") => Ok("s3cret-that-was-made".to_owned()),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    };
    let sandbox = [
        ("AUTH0_DOMAIN", "http://127.0.0.1:1"),
        ("AUTH0_MANAGEMENT_CLIENT_ID", "sandbox"),
        ("AUTH0_MANAGEMENT_CLIENT_SECRET", "sandbox"),
    ];
    let trial = real
        .in_sandbox(sandbox.map(|(name, value)| (name, value.to_owned())))
        .keeping_at(Path::new("/trial/config.toml").to_owned());
    let before = stdio(&trial).unwrap();
    assert!(before.auth0.is_none() && before.consumer.is_none() && before.sandboxed);
    let after = stdio(&trial.reread()).unwrap();
    assert_eq!(after.auth0.unwrap().client_id, "made");
    assert!(after.read_only, "what is not about the services is the person's own");
}

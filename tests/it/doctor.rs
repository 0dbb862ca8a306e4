//! `doctor` from outside: one screen, one object, and an exit code that says whether all is well.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// `doctor` with these arguments and variables on a machine whose home is `home`.
fn doctor(home: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bitbucket-vault-mcp"));
    command.arg("doctor").args(arguments).env_clear().stdin(Stdio::null());
    command.env("HOME", home).env("USERPROFILE", home).env("XDG_CONFIG_HOME", home.join(".config"));
    command.env("BITBUCKET_MCP_STATE_DIR", home.join("state"));
    command.envs(variables.iter().copied());
    command.output().unwrap()
}

fn rows(output: &Output) -> Vec<Value> {
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    answer["rows"].as_array().unwrap().clone()
}

fn state<'a>(rows: &'a [Value], id: &str) -> &'a str {
    let row = rows.iter().find(|row| row["id"] == id);
    row.unwrap_or_else(|| panic!("no row `{id}` in {rows:#?}"))["state"].as_str().unwrap()
}

#[test]
fn finds_nothing_in_a_sandbox_that_is_ready() {
    let home = tempfile::tempdir().unwrap();
    let output = doctor(home.path(), &["--sandbox", "--json"], &[]);
    let rows = rows(&output);
    let unwell: Vec<&Value> = rows.iter().filter(|row| row["state"] != "ok").collect();
    assert!(unwell.is_empty(), "{unwell:#?}");
    assert_eq!(output.status.code(), Some(0));
    for id in [
        "local.settings",
        "local.config_file",
        "local.state_folder",
        "local.secrets",
        "local.proxy.auth0",
        "local.network.auth0",
        "local.network.bitbucket",
        "local.clock",
        "local.keyring",
        "local.sign_in",
        "local.exchange",
        "local.version",
        "connection.exists",
        "vault.exchange",
    ] {
        assert_eq!(state(&rows, id), "ok", "{id}");
    }
    let screen = doctor(home.path(), &["--sandbox"], &[]);
    let text = String::from_utf8(screen.stdout).unwrap();
    assert!(text.lines().count() <= 24, "{text}");
    assert_eq!(screen.status.code(), Some(0));
}

#[test]
fn says_what_is_lacking_before_anything_is_set_up() {
    let home = tempfile::tempdir().unwrap();
    let output =
        doctor(home.path(), &["--json"], &[("HTTPS_PROXY", "http://ana:hidden@127.0.0.1:9")]);
    assert_eq!(output.status.code(), Some(1));
    let all = rows(&output);
    assert_eq!(state(&all, "local.settings"), "missing");
    assert_eq!(state(&all, "management.scopes"), "cannot_tell");
    assert!(all.iter().all(|row| row["state"] == "ok" || row["fix"] != ""), "{all:#?}");
    // Somebody else's account is not linked.
    let guest = doctor(home.path(), &["--sandbox", "--as", "guest", "--json"], &[]);
    assert_eq!(guest.status.code(), Some(1));
    let all = rows(&guest);
    assert_eq!(state(&all, "local.exchange"), "wrong");
    assert_eq!(state(&all, "vault.exchange"), "cannot_tell");
    for output in [output, guest] {
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!said.contains("hidden"), "{said}");
    }
}

#[test]
fn names_the_proxy_that_lets_nothing_through_and_looks_at_the_rest() {
    let home = tempfile::tempdir().unwrap();
    // Nobody listens there.
    let variables = [
        ("HTTPS_PROXY", "http://ana:hidden@127.0.0.1:9"),
        ("AUTH0_DOMAIN", "tenant.invalid"),
        ("AUTH0_CLIENT_ID", "client"),
        ("AUTH0_CLIENT_SECRET", "hidden"),
    ];
    let output = doctor(home.path(), &["--json"], &variables);
    assert_eq!(output.status.code(), Some(1));
    let all = rows(&output);
    let found = |id: &str| {
        let row = all.iter().find(|row| row["id"] == id).unwrap();
        (row["state"].as_str().unwrap(), row["found"].as_str().unwrap())
    };
    let way = "to tenant.invalid through http://127.0.0.1:9, as `HTTPS_PROXY` says";
    assert_eq!(found("local.proxy.auth0"), ("ok", way));
    let (state_of_network, why) = found("local.network.bitbucket");
    assert_eq!(state_of_network, "wrong");
    assert!(why.starts_with("proxy: it does not let through to api.bitbucket.org"), "{why}");
    assert_eq!(found("local.sign_in"), ("missing", "nobody"));
    assert_eq!(found("local.settings").0, "ok");
    assert!(!String::from_utf8(output.stdout).unwrap().contains("hidden"));
}

//! Machines and networks that have something wrong with them.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;

use insta::assert_snapshot;
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::*;
use crate::config::{ConfigFile, System};

/// A row in two lines, with what differs from run to run taken out.
fn short(row: &Row, hidden: &str) -> String {
    let state = serde_json::to_string(&row.state).unwrap();
    let mut text = format!("{} {}: {}", row.id, state.trim_matches('"'), row.found);
    if !row.fix.is_empty() {
        text.push_str(&format!("\n  fix: {}", row.fix));
    }
    text.replace(hidden, "…")
}

/// A service that answers every request with these bytes. Its port.
fn answering(answer: impl Into<String>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    serve(listener, answer.into());
    port
}

fn serve(listener: TcpListener, answer: String) {
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
}

fn url(port: u16) -> Url {
    Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap()
}

/// A tenant whose clock is `ahead` of ours.
fn tenant(ahead: SignedDuration) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = url(listener.local_addr().unwrap().port());
    let body = format!("{{\"issuer\":\"{url}\"}}");
    let printer = rfc2822::DateTimePrinter::new();
    let date = printer.timestamp_to_rfc9110_string(&(Timestamp::now() + ahead)).unwrap();
    let length = body.len();
    serve(
        listener,
        format!(
            "HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ),
    );
    url
}

#[tokio::test]
async fn names_the_stage_at_which_a_service_cannot_be_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap().port();
    drop(listener);
    let (row, clock) = network::auth0(&url(closed)).await;
    assert_snapshot!(short(&row, &closed.to_string()), @"
    local.network.auth0 wrong: connection: 127.0.0.1:… refuses it
      fix: check the address in the settings, and that the service runs
    ");
    assert_snapshot!(short(&clock, &closed.to_string()), @"
    local.clock cannot_tell: the tenant could not be asked
      fix: mend the network first
    ");
    let row = network::bitbucket(&Url::parse("https://bitbucket.invalid/2.0").unwrap()).await;
    // The rest of the sentence is the system's.
    assert!(row.found.starts_with("name: bitbucket.invalid has no address: "), "{}", row.found);
    let plain = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let mut tls = url(plain);
    tls.set_scheme("https").unwrap();
    assert_snapshot!(short(&network::bitbucket(&tls).await, &plain.to_string()), @"
    local.network.bitbucket wrong: TLS: 127.0.0.1:…: received corrupt message of type InvalidContentType
      fix: check that the address speaks TLS, and that no proxy is in between
    ");
    let page = answering(
        "HTTP/1.1 200 OK\r\nContent-Length: 14\r\nConnection: close\r\n\r\n<h1>WLAN</h1>\n",
    );
    assert_snapshot!(short(&network::auth0(&url(page)).await.0, &page.to_string()), @"
    local.network.auth0 wrong: 127.0.0.1:… answers with 200 OK, but not as an Auth0 tenant
      fix: set `AUTH0_DOMAIN` to the tenant's domain; a proxy or a sign-in page of this network may have answered instead
    ");
    let gone = answering("HTTP/1.1 502 Bad\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    assert_snapshot!(short(&network::bitbucket(&url(gone)).await, &gone.to_string()), @"
    local.network.bitbucket wrong: 127.0.0.1:… answers with 502 Bad Gateway, and not as Bitbucket does
      fix: a proxy or a sign-in page of this network may have answered instead; https://bitbucket.status.atlassian.com says whether Bitbucket itself has trouble
    ");
}

#[cfg(feature = "sandbox")]
#[tokio::test]
async fn does_not_trust_a_certificate_of_nobody_whom_it_knows() {
    use crate::sandbox::{Options, Sandbox};
    let options = Options { tls: true, ..Options::default() };
    let sandbox = Sandbox::start(options).await.unwrap();
    let domain = sandbox.settings(None).into_iter().find(|(name, _)| *name == "AUTH0_DOMAIN");
    let domain = Url::parse(&domain.unwrap().1).unwrap();
    let port = domain.port().unwrap().to_string();
    assert_snapshot!(short(&network::auth0(&domain).await.0, &port), @"
    local.network.auth0 wrong: certificate: that of localhost:… does not stand: nobody whom this machine trusts has issued it
      fix: if a proxy of your company opens TLS, name its certificate by `SSL_CERT_FILE`
    ");
}

#[tokio::test]
async fn measures_the_clock_against_the_tenants() {
    let mut said = Vec::new();
    for ahead in [0, -20, 90, -600] {
        let (row, clock) = network::auth0(&tenant(SignedDuration::from_secs(ahead))).await;
        assert_eq!(row.state, State::Ok, "{}", row.found);
        said.push((clock.state, clock.found));
    }
    let found = |index: usize| said[index].1.as_str();
    assert_eq!(said[0], (State::Ok, "the same as the tenant's".to_owned()));
    assert_eq!(said[1].0, State::Ok);
    assert!(["19 seconds ahead", "20 seconds ahead"].contains(&found(1)), "{}", found(1));
    assert_eq!(said[2].0, State::Wrong);
    assert!(["89 seconds behind", "90 seconds behind"].contains(&found(2)), "{}", found(2));
    assert_eq!(said[3].0, State::Wrong);
}

#[test]
fn names_the_proxy_and_the_variable_but_no_password() {
    use hyper_util::client::proxy::matcher::Matcher;
    let proxy = "http://ana:secret@proxy.example.com:3128";
    let matcher = Matcher::builder().https(proxy).no("auth0.example.com").build();
    let variable = ("https_proxy".to_owned(), proxy.into());
    let sources = Sources::new(BTreeMap::from([variable]));
    let way = |url: &str| proxies::way(&sources, &matcher, &Url::parse(url).unwrap());
    let ways = [
        way("https://api.bitbucket.org/2.0"),
        way("https://auth0.example.com/"),
        way("http://127.0.0.1:9/"),
        way("http://plain.example.com/"),
    ];
    assert_snapshot!(ways.join("\n"), @"
    to api.bitbucket.org through http://proxy.example.com:3128, as `https_proxy` says
    direct to auth0.example.com, since `NO_PROXY` names it
    direct to 127.0.0.1: this machine is never proxied
    direct to plain.example.com
    ");
}

#[cfg(unix)]
#[test]
fn sees_which_files_others_may_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let root = tempfile::tempdir().unwrap();
    let state = root.path().join("state");
    std::fs::create_dir_all(state.join("secrets")).unwrap();
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let secret = state.join("secrets/client");
    let named = root.path().join("named");
    for file in [&secret, &named] {
        std::fs::write(file, "x").unwrap();
        mode(file, 0o640);
    }
    mode(&state, 0o755);
    mode(&state.join("secrets"), 0o700);
    let variable = ("AUTH0_CLIENT_SECRET_FILE".to_owned(), named.clone().into());
    let mut sources = Sources::new(BTreeMap::from([variable]));
    let path = root.path().join("config.toml");
    let text = Ok("auth0-client-id = \"a\"\nauth0-client-secret = \"hidden\"".to_owned());
    sources.file = Some(ConfigFile { path, text, exposed: true });
    let rows = || {
        let rows = [
            files::config_file(&sources),
            files::state_folder(&state),
            files::secrets(&sources, Some(&state)),
        ];
        let hidden = root.path().display().to_string();
        rows.map(|row| short(&row, &hidden)).join("\n")
    };
    assert_snapshot!(rows(), @"
    local.config_file wrong: `…/config.toml` holds a secret, and others may read it
      fix: chmod 600 '…/config.toml'
    local.state_folder wrong: `…/state` is open to others
      fix: chmod 700 '…/state'
    local.secrets wrong: others may read `…/named`, `…/state/secrets/client`
      fix: chmod 600 '…/named' && chmod 600 '…/state/secrets/client'
    ");
    for file in [&secret, &named] {
        mode(file, 0o600);
    }
    mode(&state, 0o700);
    assert_snapshot!(rows(), @"
    local.config_file wrong: `…/config.toml` holds a secret, and others may read it
      fix: chmod 600 '…/config.toml'
    local.state_folder ok: `…/state`
    local.secrets ok: 2 files, their owner's
    ");
    let none = root.path().join("none");
    assert_eq!(files::state_folder(&none).state, State::Ok);
    assert_eq!(files::state_folder(&named).state, State::Wrong);
}

#[cfg(unix)]
#[tokio::test]
async fn finds_clients_that_start_what_is_gone_or_of_another_version() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let path = home.path().to_owned();
    let program = |folder: &str, version: &str| {
        let folder = path.join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        let program = folder.join("bitbucket-vault-mcp");
        std::fs::write(&program, format!("#!/bin/sh\necho bitbucket-vault-mcp {version}\n"))
            .unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        program
    };
    let this = program("this", env!("CARGO_PKG_VERSION"));
    let same = program("same", env!("CARGO_PKG_VERSION"));
    let old = program("old", "0.0.1");
    let broken = path.join("broken/bitbucket-vault-mcp");
    std::fs::create_dir(path.join("broken")).unwrap();
    std::fs::write(&broken, "").unwrap();
    let write = |file: &str, text: String| {
        let file = path.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    };
    let entry = |table: &str, command: &str, arguments: &str| {
        format!(
            "{{\"{table}\": {{\"bitbucket\": {{\"command\": \"{command}\", \"args\": [{arguments}]}}}}}}"
        )
    };
    let shown = |program: &Path| program.display().to_string();
    write(".cursor/mcp.json", entry("mcpServers", &shown(&this), "\"stdio\""));
    write(".gemini/settings.json", entry("mcpServers", &shown(&same), "\"stdio\""));
    write(".claude.json", entry("mcpServers", &shown(&old), "\"stdio\""));
    write(".config/zed/settings.json", entry("context_servers", "/gone/bitbucket-vault-mcp", ""));
    write(".config/Code/User/mcp.json", entry("servers", &shown(&broken), "\"stdio\""));
    write(
        ".codeium/windsurf/mcp_config.json",
        entry("mcpServers", "bitbucket-vault-mcp", "\"stdio\", \"--config\", \"/gone.toml\""),
    );
    write(
        ".codex/config.toml",
        format!("[mcp_servers.work]\ncommand = \"{}\"\nargs = [\n", shown(&this)),
    );
    write(".config/Claude/claude_desktop_config.json", entry("mcpServers", "npx", "\"other\""));
    let places = Places {
        system: System::Linux,
        config_home: path.join(".config"),
        app_data: path.clone(),
        local_app_data: path.clone(),
        claude_config_dir: None,
        codex_home: None,
        gemini_home: None,
        current: path.clone(),
        program: this.clone(),
        home: path.clone(),
    };
    let variable = ("PATH".to_owned(), this.parent().unwrap().as_os_str().to_owned());
    let sources = Sources::new(BTreeMap::from([variable]));
    let rows = clients::rows(&sources, &places).await;
    let said: Vec<String> = rows.iter().map(|row| short(row, &shown(&path))).collect();
    assert_snapshot!(said.join("\n").replace(env!("CARGO_PKG_VERSION"), "VERSION"), @"
    local.version ok: VERSION, `…/this/bitbucket-vault-mcp`
    local.client.claude_code wrong: `bitbucket` in `…/.claude.json` starts version 0.0.1, this is VERSION: `…/old/bitbucket-vault-mcp`
      fix: bitbucket-vault-mcp install claude-code
    local.client.cursor ok: `bitbucket` in `…/.cursor/mcp.json`
    local.client.vscode wrong: `bitbucket` in `…/.config/Code/User/mcp.json` starts a program that cannot be started (Permission denied (os error 13)): `…/broken/bitbucket-vault-mcp`
      fix: bitbucket-vault-mcp install vscode
    local.client.codex wrong: `…/.codex/config.toml` is broken: line 3: unclosed array, expected `]`
      fix: mend that line
    local.client.windsurf wrong: `bitbucket` in `…/.codeium/windsurf/mcp_config.json` names settings that are gone: `/gone.toml`
      fix: bitbucket-vault-mcp install windsurf --config FILE
    local.client.zed wrong: `bitbucket` in `…/.config/zed/settings.json` starts a program that is gone: `/gone/bitbucket-vault-mcp`
      fix: bitbucket-vault-mcp install zed
    local.client.gemini ok: `bitbucket` in `…/.gemini/settings.json`
    ");
}

#[test]
fn shows_this_machine_row_by_row_and_of_the_tenant_what_is_wrong() {
    let tenant = |id, state| Row {
        id,
        requirement: format!("what {id} needs"),
        state,
        found: "no".into(),
        wanted: "yes".into(),
        why: "it is so".into(),
        fix: "do it".into(),
    };
    let rows = [
        TENANT.ok("all of them"),
        Line { id: "local.clock", requirement: "the clock", wanted: "right", why: "it is late" }
            .ok("right"),
        Line { id: "local.sign_in", requirement: "a person", wanted: "one", why: "it is lonely" }
            .missing("nobody", "sign in"),
        tenant("connection.exists", State::Ok),
        tenant("connection.key", State::Missing),
    ];
    assert_snapshot!(anstream::adapter::strip_str(&text(&rows)).to_string(), @"
    ok           local.clock     the clock: right
    missing      local.sign_in   a person
                 found   nobody
                 wanted  one
                 why     it is lonely
                 fix     sign in
    missing      connection.key  what connection.key needs
                 found   no
                 wanted  yes
                 why     it is so
                 fix     do it
    and 2 more of the tenant are ok; `setup check` lists them

    3 ok, 2 missing
    ");
}

//! `install` from outside: what it asks, prints and refuses.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// `install` with these arguments on a machine whose home is `home`.
fn install(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bitbucket-vault-mcp"));
    command.arg("install").args(arguments).env_clear();
    command.env("HOME", home).env("USERPROFILE", home).env("XDG_CONFIG_HOME", home.join(".config"));
    command.env("BITBUCKET_MCP_STATE_DIR", home.join("state")).stdin(Stdio::null());
    command.output().unwrap()
}

fn texts(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn writes_only_when_somebody_says_yes() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".cursor/mcp.json");
    std::fs::create_dir(home.path().join(".cursor")).unwrap();

    let (code, out, err) = texts(&install(home.path(), &["cursor"]));
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("nobody is at this terminal to say yes"), "{err}");
    assert!(!file.exists());

    let (code, out, _) = texts(&install(home.path(), &["cursor", "--print"]));
    assert_eq!(code, Some(0));
    assert!(out.contains("mcp.json") && out.contains("\"stdio\""), "{out}");
    assert!(!file.exists());

    let (code, out, err) = texts(&install(home.path(), &["cursor", "--yes"]));
    assert_eq!((code, out.as_str()), (Some(0), ""));
    assert!(err.contains("Cursor sees it when it is started again"), "{err}");
    assert!(err.contains("build folder"), "{err}");
    assert!(err.contains("`AUTH0_DOMAIN`"), "{err}");
    let written: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let entry = &written["mcpServers"]["bitbucket"];
    let program = Path::new(env!("CARGO_BIN_EXE_bitbucket-vault-mcp"));
    assert_eq!(Path::new(entry["command"].as_str().unwrap()), program);
    assert_eq!(entry["args"], serde_json::json!(["stdio"]));

    let (code, _, err) = texts(&install(home.path(), &["cursor"]));
    assert_eq!(code, Some(0));
    assert!(err.contains("already has `bitbucket`"), "{err}");

    let (code, ..) = texts(&install(home.path(), &["cursor", "--remove", "--yes"]));
    assert_eq!(code, Some(0));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{}\n");
}

#[test]
fn names_the_settings_file_that_the_server_shall_use_and_writes_no_secret() {
    let home = tempfile::tempdir().unwrap();
    let settings = home.path().join("work.toml");
    std::fs::write(&settings, "auth0-domain = \"acme.eu.auth0.com\"\n").unwrap();
    let settings = settings.to_str().unwrap();
    let line = ["codex", "--yes", "--force", "--config", settings];
    let mut command = Command::new(env!("CARGO_BIN_EXE_bitbucket-vault-mcp"));
    command.arg("install").args(line).env_clear().env("HOME", home.path());
    command.env("AUTH0_CLIENT_SECRET", "never-written").env("AUTH0_CLIENT_ID", "not-written");
    command.env("BITBUCKET_MCP_STATE_DIR", home.path().join("state"));
    let (code, out, err) = texts(&command.stdin(Stdio::null()).output().unwrap());
    assert_eq!(code, Some(0), "{err}");
    let written = std::fs::read_to_string(home.path().join(".codex/config.toml")).unwrap();
    assert!(written.contains(&format!("\"--config\", \"{settings}\"")), "{written}");
    assert!(err.contains("`AUTH0_CLIENT_ID`"), "{err}");
    for text in [written, out, err] {
        assert!(!text.contains("-written"), "{text}");
    }
}

#[test]
fn knows_eight_clients_and_no_other() {
    let home = tempfile::tempdir().unwrap();
    let clients =
        ["claude-code", "claude-desktop", "cursor", "vscode", "codex", "windsurf", "zed", "gemini"];
    for client in clients {
        let (code, out, err) = texts(&install(home.path(), &[client, "--print"]));
        assert_eq!(code, Some(0), "{client}: {err}");
        assert!(out.contains("bitbucket"), "{client}: {out}");
        let (code, out, _) = texts(&install(home.path(), &[client]));
        assert_eq!((code, out.as_str()), (Some(1), ""), "{client}");
    }
    assert_eq!(install(home.path(), &["emacs", "--print"]).status.code(), Some(2));
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

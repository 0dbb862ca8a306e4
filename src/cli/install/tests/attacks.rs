//! Files that are broken, belong to others, or are not what they seem.

use insta::assert_snapshot;

use super::*;

const CURSOR: &str = ".cursor/mcp.json";

fn cursor(text: &str) -> Machine {
    Machine::new(System::Linux).with(CURSOR, text)
}

#[test]
fn leaves_a_broken_file_as_it_is_and_names_the_line() {
    let mut said = String::new();
    for text in [
        "{\n  \"mcpServers\": {\n    \"a\": { \"env\": { \"TOKEN\": \"hidden\" \"B\": 1 } }\n  }\n}",
        "{\n  \"mcpServers\": {",
        "{\n  \"mcpServers\": []\n}",
        "{ \"mcpServers\": null }",
        "[]",
        "{}\n{}",
        "{\n  \"mcpServers\": {},\n  \"mcpServers\": {}\n}",
        "{ \"mcpServers\": { \"bitbucket\": {}, \"bitbucket\": {} } }",
        "{ mcpServers: {} }",
    ] {
        let machine = cursor(text);
        for line in ["cursor --force", "cursor --remove --force"] {
            said.push_str(&format!("{}\n", machine.install(line)));
            assert_eq!(machine.read(CURSOR), text);
        }
    }
    for text in [
        "model = \"a\"\n[mcp_servers.b\n",
        "mcp_servers = { a = {} }\n",
        "mcp_servers = 1\n",
        "[[mcp_servers.bitbucket]]\n",
    ] {
        let machine = Machine::new(System::Linux).with(".codex/config.toml", text);
        said.push_str(&format!("{}\n", machine.install("codex")));
        assert_eq!(machine.read(".codex/config.toml"), text);
    }
    assert!(!said.contains("hidden"));
    assert_snapshot!(said, @"
    error: `~/.cursor/mcp.json` is left as it is: line 3: expected comma
    error: `~/.cursor/mcp.json` is left as it is: line 3: expected comma
    error: `~/.cursor/mcp.json` is left as it is: line 2: unterminated object
    error: `~/.cursor/mcp.json` is left as it is: line 2: unterminated object
    error: `~/.cursor/mcp.json` is left as it is: line 2: `mcpServers` is not an object
    error: `~/.cursor/mcp.json` is left as it is: line 2: `mcpServers` is not an object
    error: `~/.cursor/mcp.json` is left as it is: line 1: `mcpServers` is not an object
    error: `~/.cursor/mcp.json` is left as it is: line 1: `mcpServers` is not an object
    error: `~/.cursor/mcp.json` is left as it is: line 1: the whole is not an object
    error: `~/.cursor/mcp.json` is left as it is: line 1: the whole is not an object
    error: `~/.cursor/mcp.json` is left as it is: line 2: text cannot contain more than one JSON value
    error: `~/.cursor/mcp.json` is left as it is: line 2: text cannot contain more than one JSON value
    error: `~/.cursor/mcp.json` is left as it is: line 3: `mcpServers` is there a second time
    error: `~/.cursor/mcp.json` is left as it is: line 3: `mcpServers` is there a second time
    error: `~/.cursor/mcp.json` is left as it is: line 1: `bitbucket` is there a second time
    error: `~/.cursor/mcp.json` is left as it is: line 1: `bitbucket` is there a second time
    error: `~/.cursor/mcp.json` is left as it is: line 1: expected string for object property
    error: `~/.cursor/mcp.json` is left as it is: line 1: expected string for object property
    error: `~/.codex/config.toml` is left as it is: line 2: unclosed table, expected `]`
    error: `~/.codex/config.toml` is left as it is: line 1: `mcp_servers` is an inline table; write `[mcp_servers.…]` tables instead
    error: `~/.codex/config.toml` is left as it is: line 1: `mcp_servers` is not a table
    error: `~/.codex/config.toml` is left as it is: line 1: `bitbucket` is not a table
    ");
}

#[test]
fn does_not_overwrite_what_is_not_ours() {
    let text = r#"{ "mcpServers": { "bitbucket": { "command": "npx", "args": ["-y", "other", "--token", "hidden"], "env": { "T": "hidden" } } } }"#;
    let machine = cursor(text);
    let mut said = machine.install("cursor") + "\n" + &machine.install("cursor --remove") + "\n";
    assert_eq!(machine.read(CURSOR), text);
    said += &(machine.install("cursor --force") + "\n" + &machine.read(CURSOR));
    assert!(!said.contains("hidden"));
    assert_snapshot!(said, @r#"
    error: `bitbucket` in `~/.cursor/mcp.json` starts another program; `--force` replaces it all the same, `--name` gives ours another name
    error: `bitbucket` in `~/.cursor/mcp.json` starts another program; `--force` replaces it all the same, `--name` gives ours another name
    ~/.cursor/mcp.json
    - bitbucket:
    -   args = …
    -   command = npx
    -   env = …
    + {
    +   "mcpServers": {
    +     "bitbucket": {
    +       "command": "/usr/local/bin/bitbucket-vault-mcp",
    +       "args": ["stdio"]
    +     }
    +   }
    + }
    { "mcpServers": { "bitbucket": {"command": "/usr/local/bin/bitbucket-vault-mcp", "args": ["stdio"]} } }
    "#);
    let machine = cursor(text);
    machine.install("cursor --remove --force");
    assert_eq!(machine.read(CURSOR), "{ \"mcpServers\": { } }");
    // Another server's URL is not ours either.
    let text =
        r#"{ "mcpServers": { "bitbucket": { "url": "https://mcp.example.org/mcp?key=hidden" } } }"#;
    let machine = cursor(text);
    assert_snapshot!(machine.install("cursor --transport http --url https://mcp.example.com/mcp"), @"error: `bitbucket` in `~/.cursor/mcp.json` names another server; `--force` replaces it all the same, `--name` gives ours another name");
    assert_snapshot!(machine.install("cursor --transport http --url https://mcp.example.com/mcp --force"), @r#"
    ~/.cursor/mcp.json
    - bitbucket:
    -   url = https://mcp.example.org
    + {
    +   "mcpServers": {
    +     "bitbucket": {
    +       "url": "https://mcp.example.com/mcp"
    +     }
    +   }
    + }
    "#);
}

#[test]
fn mends_an_entry_of_ours_and_keeps_what_the_person_added() {
    let text = r#"{
  "mcpServers": {
    "bitbucket": {
      "args": ["stdio", "--read-only"],
      // moved since
      "command": "/opt/old/bitbucket-vault-mcp",
      "env": { "BITBUCKET_MCP_LOG": "debug" }
    }
  }
}
"#;
    let machine = cursor(text);
    assert_snapshot!(machine.install("cursor"), @r#"
    ~/.cursor/mcp.json
      mcpServers → bitbucket
    - command = "/opt/old/bitbucket-vault-mcp"
    + command = "/usr/local/bin/bitbucket-vault-mcp"
      kept: env
    "#);
    assert_snapshot!(machine.read(CURSOR), @r#"
    {
      "mcpServers": {
        "bitbucket": {
          "args": ["stdio", "--read-only"],
          // moved since
          "command": "/usr/local/bin/bitbucket-vault-mcp",
          "env": { "BITBUCKET_MCP_LOG": "debug" }
        }
      }
    }
    "#);
    let text = "[mcp_servers]\nbitbucket = { command = \"/opt/old/bitbucket-vault-mcp\", args = [\"stdio\"], startup_timeout_sec = 20 } # ours\n";
    let machine = Machine::new(System::Linux).with(".codex/config.toml", text);
    assert_snapshot!(machine.install("codex"), @r#"
    ~/.codex/config.toml
      mcp_servers → bitbucket
    - command = "/opt/old/bitbucket-vault-mcp"
    + command = "/usr/local/bin/bitbucket-vault-mcp"
      kept: startup_timeout_sec
    "#);
    assert_snapshot!(machine.read(".codex/config.toml"), @r#"
    [mcp_servers]
    bitbucket = { command = "/usr/local/bin/bitbucket-vault-mcp", args = ["stdio"], startup_timeout_sec = 20 } # ours
    "#);
    machine.install("codex --remove");
    assert_eq!(machine.read(".codex/config.toml"), "[mcp_servers]\n");
}

#[test]
fn replaces_an_entry_of_ours_for_the_other_transport_whole() {
    let text = r#"{"mcpServers":{"bitbucket":{"command":"/opt/bitbucket-vault-mcp","args":["stdio"],"env":{}}}}"#;
    let machine = cursor(text);
    machine.install("cursor --transport http --url https://mcp.example.com/mcp");
    assert_eq!(
        machine.read(CURSOR),
        r#"{"mcpServers":{"bitbucket":{"url":"https://mcp.example.com/mcp"}}}"#
    );
    let text = "[mcp_servers.bitbucket]\ncommand = \"/opt/bitbucket-vault-mcp\"\nargs = [\"stdio\"]\n\n[mcp_servers.bitbucket.env]\nA = \"b\"\n\n[other]\na = 1\n";
    let machine = Machine::new(System::Linux).with(".codex/config.toml", text);
    machine.install("codex --url https://mcp.example.com/mcp");
    assert_snapshot!(machine.read(".codex/config.toml"), @r#"

    [other]
    a = 1

    [mcp_servers.bitbucket]
    url = "https://mcp.example.com/mcp"
    "#);
}

#[cfg(unix)]
#[test]
fn writes_through_links_and_keeps_the_mode() {
    use std::os::unix::fs::PermissionsExt as _;
    let machine = Machine::new(System::Linux).with("dotfiles/cursor.json", "{}");
    std::fs::create_dir(machine.path(".cursor")).unwrap();
    std::os::unix::fs::symlink("../dotfiles/cursor.json", machine.path(CURSOR)).unwrap();
    let file = machine.path("dotfiles/cursor.json");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    machine.install("cursor");
    assert!(machine.path(CURSOR).is_symlink());
    assert!(machine.read("dotfiles/cursor.json").contains("bitbucket"));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(machine.names("dotfiles"), ["cursor.json"]);
    assert_eq!(machine.names(".cursor"), ["mcp.json"]);
    // A link whose target is still to come.
    std::fs::remove_file(&file).unwrap();
    machine.install("cursor");
    assert!(machine.path(CURSOR).is_symlink());
    assert!(machine.read("dotfiles/cursor.json").contains("bitbucket"));
    // One that leads to itself.
    std::fs::remove_file(machine.path(CURSOR)).unwrap();
    std::os::unix::fs::symlink("mcp.json", machine.path(CURSOR)).unwrap();
    let said = machine.install("cursor");
    assert_eq!(said, "error: `~/.cursor/mcp.json` is a link that leads nowhere");
}

#[test]
fn says_when_the_client_is_not_here() {
    let machine = Machine::new(System::Linux);
    assert_snapshot!(machine.install("windsurf"), @"error: Windsurf is not on this machine: there is no `~/.codeium/windsurf`; `--force` writes the file all the same");
    assert!(!machine.path(".codeium").exists());
    assert!(machine.install("windsurf --force").contains("(a new file)"));
    assert_snapshot!(machine.install("claude-desktop --force --transport http --url https://a.example/mcp"), @"error: Claude Desktop takes no URL in its file: add it there under Settings, Connectors");
}

#[test]
fn does_not_write_over_a_change_that_it_has_not_seen() {
    let machine = cursor("{}");
    let line = Line::try_parse_from(["cursor"]).unwrap().install;
    let path = line.file(&machine.places).unwrap();
    let Decision::Change(change) = line.decide(&machine.places, &path, None, None).unwrap() else {
        panic!("nothing to do");
    };
    std::fs::write(&path, "{ \"mcpServers\": {} }").unwrap();
    let error = change.write().unwrap_err().to_string();
    assert!(error.ends_with("has changed meanwhile; nothing was written"), "{error}");
    assert_eq!(machine.read(CURSOR), "{ \"mcpServers\": {} }");
}

#[test]
fn takes_no_secret_and_no_odd_name() {
    for line in [
        "cursor --transport http --url https://ana:secret@mcp.example.com/mcp",
        "cursor --transport http --url file:///etc/passwd",
        "cursor --name a.b",
        "cursor --name",
    ] {
        assert!(Line::try_parse_from(line.split_whitespace()).is_err(), "{line}");
    }
}

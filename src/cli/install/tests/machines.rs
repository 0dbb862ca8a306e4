//! One machine each.

use insta::assert_snapshot;

use super::*;

#[test]
fn claude_code_keeps_all_that_it_remembers() {
    let text = r#"{
  "numStartups": 41,
  "autoUpdates": true,
  "projects": {
    "/home/ana/shop": {
      "allowedTools": [],
      "mcpServers": {}
    }
  },
  "mcpServers": {
    "github": {
      "type": "stdio",
      "command": "docker",
      "args": ["run", "-i", "--rm", "ghcr.io/github/github-mcp-server"],
      "env": {
        "GITHUB_PERSONAL_ACCESS_TOKEN": "ghp_neverShown"
      }
    }
  },
  "userID": "b7e1"
}"#;
    let machine = Machine::new(System::Linux).with(".claude.json", text);
    assert_snapshot!(machine.round("claude-code", ".claude.json"), @r#"
    {
      "numStartups": 41,
      "autoUpdates": true,
      "projects": {
        "/home/ana/shop": {
          "allowedTools": [],
          "mcpServers": {}
        }
      },
      "mcpServers": {
        "github": {
          "type": "stdio",
          "command": "docker",
          "args": ["run", "-i", "--rm", "ghcr.io/github/github-mcp-server"],
          "env": {
            "GITHUB_PERSONAL_ACCESS_TOKEN": "ghp_neverShown"
          }
        },
        "bitbucket": {
          "type": "stdio",
          "command": "/usr/local/bin/bitbucket-vault-mcp",
          "args": ["stdio"]
        }
      },
      "userID": "b7e1"
    }
    "#);
    assert_snapshot!(machine.install("claude-code"), @r#"
    ~/.claude.json
    + {
    +   "mcpServers": {
    +     "bitbucket": {
    +       "type": "stdio",
    +       "command": "/usr/local/bin/bitbucket-vault-mcp",
    +       "args": ["stdio"]
    +     }
    +   }
    + }
    "#);
}

#[test]
fn claude_desktop_on_macos_has_a_table_with_nothing_in_it() {
    let file = "Library/Application Support/Claude/claude_desktop_config.json";
    let text =
        "{\n  \"mcpServers\": {},\n  \"preferences\": {\n    \"menuBarEnabled\": false\n  }\n}\n";
    let machine = Machine::new(System::MacOs).with(file, text);
    assert_snapshot!(machine.round("claude-desktop", file), @r#"
    {
      "mcpServers": {"bitbucket": {"command": "/usr/local/bin/bitbucket-vault-mcp", "args": ["stdio"]}},
      "preferences": {
        "menuBarEnabled": false
      }
    }
    "#);
    // Also where it is the last that the file says, or all.
    for text in
        ["{\n  \"a\": 1,\n  \"mcpServers\": {}\n}\n", "{\"mcpServers\": {}}", "{\"mcpServers\":{}}"]
    {
        let machine = Machine::new(System::MacOs).with(file, text);
        machine.round("claude-desktop", file);
    }
}

#[test]
fn cursor_on_windows_has_a_byte_order_mark_and_breaks_of_its_own() {
    let text = "\u{feff}{\r\n\t\"mcpServers\": {\r\n\t\t\"linear\": {\r\n\t\t\t\"url\": \"https://mcp.linear.app/mcp\"\r\n\t\t}\r\n\t}\r\n}\r\n";
    let machine = Machine::new(System::Windows).with(".cursor/mcp.json", text);
    let between = machine.round("cursor", ".cursor/mcp.json");
    assert_snapshot!(format!("{between:?}").replace("\\r\\n", "\\r\\n\n"), @r#"
    "\u{feff}{\r\n
    \t\"mcpServers\": {\r\n
    \t\t\"linear\": {\r\n
    \t\t\t\"url\": \"https://mcp.linear.app/mcp\"\r\n
    \t\t},\r\n
    \t\t\"bitbucket\": {\r\n
    \t\t\t\"command\": \"/usr/local/bin/bitbucket-vault-mcp\",\r\n
    \t\t\t\"args\": [\"stdio\"]\r\n
    \t\t}\r\n
    \t}\r\n
    }\r\n
    "
    "#);
}

#[test]
fn vscode_keeps_comments_and_trailing_commas() {
    let file = ".config/Code/User/mcp.json";
    let text = r#"{
	// Shared with the team, see the wiki
	"servers": {
		"playwright": {
			"command": "npx",
			"args": ["-y", "@playwright/mcp@latest"], // newest
		}, /* browser */ // needs Node
		// "fetch": { "command": "uvx", "args": ["mcp-server-fetch"] },
	},
	"inputs": [
		{ "id": "token", "type": "promptString", "password": true },
	],
}
"#;
    let machine = Machine::new(System::Linux).with(file, text);
    assert_snapshot!(machine.round("vscode", file), @r#"
    {
    	// Shared with the team, see the wiki
    	"servers": {
    		"playwright": {
    			"command": "npx",
    			"args": ["-y", "@playwright/mcp@latest"], // newest
    		}, /* browser */ // needs Node
    		"bitbucket": {
    			"type": "stdio",
    			"command": "/usr/local/bin/bitbucket-vault-mcp",
    			"args": ["stdio"]
    		},
    		// "fetch": { "command": "uvx", "args": ["mcp-server-fetch"] },
    	},
    	"inputs": [
    		{ "id": "token", "type": "promptString", "password": true },
    	],
    }
    "#);
}

#[test]
fn codex_keeps_its_tables_in_order() {
    let text = r#"model = "gpt-5-codex" # the large one
approval_policy = "on-request"

[mcp_servers.context7]
command = "npx"
args = ["-y", "@upstash/context7-mcp"]
env = { CONTEXT7_API_KEY = "never-shown" }

[projects."/home/ana/shop"]
trust_level = "trusted"
# the end"#;
    let machine = Machine::new(System::Linux).with(".codex/config.toml", text);
    assert_snapshot!(machine.round("codex", ".codex/config.toml"), @r#"
    model = "gpt-5-codex" # the large one
    approval_policy = "on-request"

    [mcp_servers.context7]
    command = "npx"
    args = ["-y", "@upstash/context7-mcp"]
    env = { CONTEXT7_API_KEY = "never-shown" }

    [projects."/home/ana/shop"]
    trust_level = "trusted"
    # the end

    [mcp_servers.bitbucket]
    command = "/usr/local/bin/bitbucket-vault-mcp"
    args = ["stdio"]
    "#);
    let windows = text.replace('\n', "\r\n") + "\r\n";
    let machine = Machine::new(System::Windows).with(".codex/config.toml", &windows);
    machine.round("codex --transport http --url https://mcp.example.com/mcp", ".codex/config.toml");
    for text in ["", "\n", "a = 1", "a = 1\n\n", "[mcp_servers]\n"] {
        let machine = Machine::new(System::Linux).with(".codex/config.toml", text);
        machine.round("codex", ".codex/config.toml");
    }
}

#[test]
fn windsurf_names_a_server_in_words_of_its_own() {
    let file = ".codeium/windsurf/mcp_config.json";
    let machine = Machine::new(System::Linux).with(file, "{\"mcpServers\": {}}");
    let line = "windsurf --transport http --url https://mcp.example.com/mcp";
    assert_snapshot!(machine.round(line, file), @r#"{"mcpServers": {"bitbucket": {"serverUrl": "https://mcp.example.com/mcp"}}}"#);
    // The file that is there before anybody has written to it.
    let machine = Machine::new(System::Linux).with(file, "");
    machine.install("windsurf");
    assert_snapshot!(machine.read(file), @r#"
    {
      "mcpServers": {
        "bitbucket": {
          "command": "/usr/local/bin/bitbucket-vault-mcp",
          "args": ["stdio"]
        }
      }
    }
    "#);
    machine.install("windsurf --remove");
    assert_eq!(machine.read(file), "{}\n");
}

#[test]
fn zed_keeps_settings_that_begin_with_comments() {
    let file = ".config/zed/settings.json";
    let text = r#"// Zed settings
//
// For information on how to configure Zed, see the Zed
// documentation: https://zed.dev/docs/configuring-zed
{
  "theme": "One Dark",
  "vim_mode": true, // été
  "agent": {
    "default_model": { "provider": "anthropic", "model": "claude" },
  },
}
"#;
    let machine = Machine::new(System::MacOs).with(file, text);
    assert_snapshot!(machine.round("zed", file), @r#"
    // Zed settings
    //
    // For information on how to configure Zed, see the Zed
    // documentation: https://zed.dev/docs/configuring-zed
    {
      "theme": "One Dark",
      "vim_mode": true, // été
      "agent": {
        "default_model": { "provider": "anthropic", "model": "claude" },
      },
      "context_servers": {
        "bitbucket": {
          "command": "/usr/local/bin/bitbucket-vault-mcp",
          "args": ["stdio"]
        }
      },
    }
    "#);
    assert_snapshot!(machine.install("zed"), @r#"
    ~/.config/zed/settings.json
    + {
    +   "context_servers": {
    +     "bitbucket": {
    +       "command": "/usr/local/bin/bitbucket-vault-mcp",
    +       "args": ["stdio"]
    +     }
    +   }
    + }
    "#);
}

#[test]
fn gemini_has_one_line() {
    let file = ".gemini/settings.json";
    let text = r#"{"security":{"auth":{"selectedType":"gemini-api-key"}},"mcpServers":{"a":{"command":"a"}}}"#;
    let machine = Machine::new(System::Linux).with(file, text);
    assert_snapshot!(machine.round("gemini", file), @r#"{"security":{"auth":{"selectedType":"gemini-api-key"}},"mcpServers":{"a":{"command":"a"},"bitbucket":{"command":"/usr/local/bin/bitbucket-vault-mcp","args":["stdio"]}}}"#);
    let line = "gemini --transport http --url https://mcp.example.com/mcp --name work";
    assert_snapshot!(machine.round(line, file), @r#"{"security":{"auth":{"selectedType":"gemini-api-key"}},"mcpServers":{"a":{"command":"a"},"work":{"httpUrl":"https://mcp.example.com/mcp"}}}"#);
}

#[test]
fn leaves_no_trace_in_files_that_have_no_table_yet() {
    for text in [
        "{}",
        "{}\n",
        "{\n}\n\n",
        "{\n  \"a\": 1\n}",
        "{\n  \"a\": 1,\n}",
        "{\n  \"a\": 1 // one\n}",
        "{\n  \"a\": 1, // one\n  // two\n}",
        "{ // none\n}",
        "{\n    \"a\": [\n    ]\n}",
        "// above\n{}\n// below\n",
    ] {
        let machine = Machine::new(System::Linux).with(".cursor/mcp.json", text);
        machine.install("cursor");
        let between = machine.read(".cursor/mcp.json");
        assert!(
            document::entries(document::Language::Json, &between, "mcpServers")
                .unwrap()
                .contains_key("bitbucket"),
            "{between}"
        );
        machine.install("cursor --remove");
        let after = machine.read(".cursor/mcp.json");
        // An empty object on several lines is the one thing that cannot be told from ours.
        assert_eq!(after, text.replace("{\n}", "{}"), "{between}");
    }
}

#[test]
fn leaves_at_most_an_empty_table_where_properties_share_a_line() {
    for (text, left) in [
        ("{\"a\":1}", "{\"a\":1,\"mcpServers\":{}}"),
        ("{ \"a\": 1 }", "{ \"a\": 1, \"mcpServers\": {} }"),
        ("{\"a\": 1,}", "{\"a\": 1, \"mcpServers\": {},}"),
        ("{\"a\": 1, // one\n \"b\": 2}", "{\"a\": 1, // one\n \"b\": 2}"),
        ("{\"a\": 1 // one\n}", "{\"a\": 1, \"mcpServers\": {} // one\n}"),
    ] {
        let machine = Machine::new(System::Linux).with(".cursor/mcp.json", text);
        machine.install("cursor");
        machine.install("cursor --remove");
        assert_eq!(machine.read(".cursor/mcp.json"), left);
        machine.round("cursor", ".cursor/mcp.json");
    }
}

#[test]
fn finds_each_client_where_each_system_has_it() {
    let mut places = String::new();
    for system in [System::Linux, System::MacOs, System::Windows] {
        let machine = Machine::new(system);
        places.push_str(&format!("{system:?}\n"));
        for &client in Client::value_variants() {
            let file = client.place(&machine.places).file;
            let file = file.strip_prefix(machine.home.path()).unwrap().display().to_string();
            places.push_str(&format!("  {} {file}\n", client.word()));
        }
    }
    assert_snapshot!(places, @"
    Linux
      claude-code .claude.json
      claude-desktop .config/Claude/claude_desktop_config.json
      cursor .cursor/mcp.json
      vscode .config/Code/User/mcp.json
      codex .codex/config.toml
      windsurf .codeium/windsurf/mcp_config.json
      zed .config/zed/settings.json
      gemini .gemini/settings.json
    MacOs
      claude-code .claude.json
      claude-desktop Library/Application Support/Claude/claude_desktop_config.json
      cursor .cursor/mcp.json
      vscode Library/Application Support/Code/User/mcp.json
      codex .codex/config.toml
      windsurf .codeium/windsurf/mcp_config.json
      zed .config/zed/settings.json
      gemini .gemini/settings.json
    Windows
      claude-code .claude.json
      claude-desktop AppData/Roaming/Claude/claude_desktop_config.json
      cursor .cursor/mcp.json
      vscode AppData/Roaming/Code/User/mcp.json
      codex .codex/config.toml
      windsurf .codeium/windsurf/mcp_config.json
      zed AppData/Roaming/Zed/settings.json
      gemini .gemini/settings.json
    ");
}

#[test]
fn goes_where_the_client_was_told_to_keep_its_configuration() {
    let mut machine = Machine::new(System::Windows);
    machine.places.claude_config_dir = Some(machine.path("claude-work"));
    machine.places.codex_home = Some(machine.path("codex-work"));
    machine.places.gemini_home = Some(machine.path("gemini-work"));
    let file = |client: Client| client.place(&machine.places).file;
    assert_eq!(file(Client::ClaudeCode), machine.path("claude-work/.claude.json"));
    assert_eq!(file(Client::Codex), machine.path("codex-work/config.toml"));
    assert_eq!(file(Client::Gemini), machine.path("gemini-work/.gemini/settings.json"));
    // The package that Claude Desktop is on Windows sees a folder of its own only.
    let packaged = "AppData/Local/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming/Claude";
    std::fs::create_dir_all(machine.path(packaged)).unwrap();
    let expected = machine.path(packaged).join("claude_desktop_config.json");
    assert_eq!(file(Client::ClaudeDesktop), expected);
}

#[test]
fn writes_the_file_of_a_project() {
    let machine = Machine::new(System::Linux);
    for line in [
        "claude-code --project",
        "cursor --project",
        "vscode --project",
        "codex --project",
        "gemini --project",
    ] {
        assert!(machine.install(line).contains("(a new file)"), "{line}");
    }
    assert_snapshot!(machine.read("project/.mcp.json"), @r#"
    {
      "mcpServers": {
        "bitbucket": {
          "type": "stdio",
          "command": "/usr/local/bin/bitbucket-vault-mcp",
          "args": ["stdio"]
        }
      }
    }
    "#);
    assert_eq!(machine.names("project"), [".codex", ".cursor", ".gemini", ".mcp.json", ".vscode"]);
    assert_eq!(machine.install("zed --project"), "error: Zed has no configuration of a project");
}

//! The clients: where each keeps its servers, and in which words.
//!
//! Checked in November 2026 against each client's documentation: Claude Code
//! (`code.claude.com/docs/en/mcp`), Claude Desktop (`modelcontextprotocol.io/quickstart/user`), Cursor
//! (`cursor.com/docs/mcp`), VS Code (`code.visualstudio.com/docs/copilot/reference/mcp-configuration`),
//! Codex (`developers.openai.com/codex/mcp`), Windsurf (`docs.windsurf.com/windsurf/cascade/mcp`), Zed
//! (`zed.dev/docs/ai/mcp`) and Gemini CLI (`geminicli.com/docs/tools/mcp-server`).

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::document::Language;
use crate::config::{Places, System};

/// A program that an agent runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Client {
    ClaudeCode,
    ClaudeDesktop,
    Cursor,
    #[value(alias = "vs-code")]
    Vscode,
    Codex,
    Windsurf,
    Zed,
    Gemini,
}

/// A client's file of servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Place {
    /// The file.
    pub(in crate::cli) file: PathBuf,
    /// What is there wherever the client has been used: any of these.
    pub(super) signs: Vec<PathBuf>,
}

impl Client {
    /// What people call it.
    pub(in crate::cli) fn title(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::ClaudeDesktop => "Claude Desktop",
            Self::Cursor => "Cursor",
            Self::Vscode => "VS Code",
            Self::Codex => "Codex",
            Self::Windsurf => "Windsurf",
            Self::Zed => "Zed",
            Self::Gemini => "Gemini CLI",
        }
    }

    /// The word for it on the command line.
    pub(in crate::cli) fn word(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The file that counts for everything that the person does with the client.
    pub(in crate::cli) fn place(self, places: &Places) -> Place {
        let home = &places.home;
        match self {
            Self::ClaudeCode => match &places.claude_config_dir {
                Some(folder) => in_folder(folder, ".claude.json"),
                None => Place {
                    file: home.join(".claude.json"),
                    signs: vec![home.join(".claude.json"), home.join(".claude")],
                },
            },
            Self::ClaudeDesktop => in_folder(&claude_desktop(places), "claude_desktop_config.json"),
            Self::Cursor => in_folder(&home.join(".cursor"), "mcp.json"),
            Self::Vscode => {
                let folder = application(places, "Code");
                Place { file: folder.join("User").join("mcp.json"), signs: vec![folder] }
            }
            Self::Codex => {
                let folder = places.codex_home.clone().unwrap_or_else(|| home.join(".codex"));
                in_folder(&folder, "config.toml")
            }
            Self::Windsurf => in_folder(&home.join(".codeium").join("windsurf"), "mcp_config.json"),
            // On macOS Zed keeps to `~/.config` too.
            Self::Zed => match places.system {
                System::Linux => in_folder(&places.config_home.join("zed"), "settings.json"),
                System::MacOs => in_folder(&home.join(".config").join("zed"), "settings.json"),
                System::Windows => in_folder(&places.app_data.join("Zed"), "settings.json"),
            },
            Self::Gemini => {
                let home = places.gemini_home.as_ref().unwrap_or(home);
                in_folder(&home.join(".gemini"), "settings.json")
            }
        }
    }

    /// The file that counts in one project only, for clients that have such a one.
    pub(super) fn project_file(self, project: &Path) -> Option<PathBuf> {
        match self {
            Self::ClaudeCode => Some(project.join(".mcp.json")),
            Self::Cursor => Some(project.join(".cursor").join("mcp.json")),
            Self::Vscode => Some(project.join(".vscode").join("mcp.json")),
            Self::Codex => Some(project.join(".codex").join("config.toml")),
            Self::Gemini => Some(project.join(".gemini").join("settings.json")),
            Self::ClaudeDesktop | Self::Windsurf | Self::Zed => None,
        }
    }

    /// The table of servers in that file.
    pub(in crate::cli) fn table(self) -> &'static str {
        match self {
            Self::Vscode => "servers",
            Self::Zed => "context_servers",
            Self::Codex => "mcp_servers",
            Self::ClaudeCode
            | Self::ClaudeDesktop
            | Self::Cursor
            | Self::Windsurf
            | Self::Gemini => "mcpServers",
        }
    }

    /// How that file is written.
    pub(in crate::cli) fn language(self) -> Language {
        match self {
            Self::Codex => Language::Toml,
            _ => Language::Json,
        }
    }

    /// The key of a server's URL; nothing where the file cannot name one.
    pub(super) fn url_key(self) -> Option<&'static str> {
        match self {
            Self::ClaudeDesktop => None,
            Self::Windsurf => Some("serverUrl"),
            // `url` alone is the older transport for every release of Gemini CLI before 2026, and the
            // `type` beside it is refused by them.
            Self::Gemini => Some("httpUrl"),
            Self::ClaudeCode | Self::Cursor | Self::Vscode | Self::Codex | Self::Zed => Some("url"),
        }
    }

    /// Whether entries say which transport they are for.
    pub(super) fn types(self) -> bool {
        matches!(self, Self::ClaudeCode | Self::Vscode)
    }

    /// What the person has to do for the client to see a change.
    pub(super) fn afterwards(self) -> &'static str {
        match self {
            Self::ClaudeCode => "`/mcp` in a new session shows it",
            Self::ClaudeDesktop => {
                "quit Claude Desktop and start it again; closing its window is not enough"
            }
            Self::Cursor => "Cursor sees it when it is started again",
            Self::Vscode => "VS Code asks whether you trust it when a chat first uses it",
            Self::Codex => "`/mcp` in a new session shows it",
            Self::Windsurf => "press refresh in Cascade's list of MCP servers",
            Self::Zed => "Zed sees it at once",
            Self::Gemini => "`/mcp` in a new session shows it",
        }
    }
}

fn in_folder(folder: &Path, file: &str) -> Place {
    Place { file: folder.join(file), signs: vec![folder.to_owned()] }
}

/// Where desktop applications keep what is the person's.
fn application(places: &Places, name: &str) -> PathBuf {
    match places.system {
        System::Linux => places.config_home.join(name),
        System::MacOs => places.home.join("Library").join("Application Support").join(name),
        System::Windows => places.app_data.join(name),
    }
}

/// Since 2026 Claude Desktop comes to Windows as a package, and Windows gives packages an `APPDATA` of
/// their own: what is written to the real one, the application never sees.
fn claude_desktop(places: &Places) -> PathBuf {
    let plain = application(places, "Claude");
    if places.system != System::Windows {
        return plain;
    }
    let Ok(packages) = places.local_app_data.join("Packages").read_dir() else { return plain };
    let mut packaged: Vec<PathBuf> = packages
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("Claude_"))
        .map(|entry| entry.path().join("LocalCache").join("Roaming").join("Claude"))
        .collect();
    packaged.sort();
    // The one that has been started before, if there are several.
    let used = packaged.iter().position(|folder| folder.is_dir()).unwrap_or_default();
    packaged.into_iter().nth(used).unwrap_or(plain)
}

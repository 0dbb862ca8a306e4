//! Clients: whether what their files start is there, and of this version.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use clap::ValueEnum as _;
use tokio::process::Command;

use super::Line;
use crate::cli::install::{Client, ClientFile, Found, entries};
use crate::config::{Places, Sources};
use crate::setup::Row;
use crate::text::clean_line;

/// How long a program may take to say its version.
const PATIENCE: Duration = Duration::from_secs(5);
const VERSION: &str = env!("CARGO_PKG_VERSION");

const PROGRAM: Line = Line {
    id: "local.version",
    requirement: "this program",
    wanted: "known",
    why: "clients cannot be compared with it",
};

const NONE: Line = Line {
    id: "local.clients",
    requirement: "MCP clients that have this server",
    wanted: "one at least, on a machine where an agent works",
    why: "no agent can use it here",
};

pub(super) async fn rows(sources: &Sources, places: &Places) -> Vec<Row> {
    let mut rows = vec![PROGRAM.ok(format!("{VERSION}, `{}`", places.program.display()))];
    for &client in Client::value_variants() {
        rows.extend(row(client, sources, places).await);
    }
    if rows.len() == 1 {
        rows.push(NONE.ok("none; `bitbucket-vault-mcp install CLIENT` writes it into one's file"));
    }
    rows
}

/// One row for a client whose file names this server.
async fn row(client: Client, sources: &Sources, places: &Places) -> Option<Row> {
    let file = client.place(places).file;
    let line = line(client);
    let install = format!("bitbucket-vault-mcp install {}", client.word());
    let read = match ClientFile::read(&file) {
        Ok(read) => read,
        Err(error) => return Some(line.cannot_tell(format!("{error:#}"), "make it readable")),
    };
    let entries = match entries(client, read.text()) {
        Ok(entries) => entries,
        // Somebody else's to mend, unless it is ours that they hope for.
        Err(_) if !read.text().contains(env!("CARGO_PKG_NAME")) => return None,
        Err(error) => {
            let found = format!("`{}` is broken: {error}", file.display());
            return Some(line.wrong(found, "mend that line"));
        }
    };
    let ours: Vec<(String, Found)> =
        entries.into_iter().filter(|(_, found)| found.starts_us()).collect();
    let mut names = Vec::new();
    for (name, found) in &ours {
        let fix =
            if name == "bitbucket" { install.clone() } else { format!("{install} --name {name}") };
        let outcome = examine(found.command().unwrap_or_default(), sources, places).await;
        if let Err(why) = outcome {
            return Some(line.wrong(format!("`{name}` in `{}` {why}", file.display()), fix));
        }
        if let Some(config) = found.config().filter(|config| !Path::new(config).is_file()) {
            let found = format!(
                "`{name}` in `{}` names settings that are gone: `{}`",
                file.display(),
                clean_line(config, 200)
            );
            return Some(line.wrong(found, format!("{fix} --config FILE")));
        }
        names.push(format!("`{name}`"));
    }
    (!names.is_empty()).then(|| line.ok(format!("{} in `{}`", names.join(", "), file.display())))
}

/// Whether a client can start what its file names, and that is this version.
async fn examine(command: &str, sources: &Sources, places: &Places) -> Result<(), String> {
    let shown = clean_line(command, 200);
    let Some(program) = resolve(command, sources) else {
        return Err(format!("starts a program that is gone: `{shown}`"));
    };
    let real = |path: &Path| path.canonicalize().ok();
    if real(&program).is_some() && real(&program) == real(&places.program) {
        return Ok(());
    }
    match version(&program).await {
        Ok(version) if version == VERSION => Ok(()),
        Ok(version) => Err(format!("starts version {version}, this is {VERSION}: `{shown}`")),
        Err(why) => Err(format!("starts a program that {why}: `{shown}`")),
    }
}

/// The program as a client finds it.
fn resolve(command: &str, sources: &Sources) -> Option<PathBuf> {
    let path = Path::new(command);
    if path.components().count() > 1 {
        return path.is_file().then(|| path.to_owned());
    }
    let folders = std::env::split_paths(sources.environment.get("PATH")?).collect::<Vec<_>>();
    folders.into_iter().map(|folder| folder.join(command)).find(|program| program.is_file())
}

async fn version(program: &Path) -> Result<String, String> {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = match tokio::time::timeout(PATIENCE, command.output()).await {
        Err(_) => return Err("does not say its version in time".to_owned()),
        Ok(Err(error)) => return Err(format!("cannot be started ({error})")),
        Ok(Ok(output)) => output,
    };
    let text = String::from_utf8_lossy(&output.stdout);
    match text.trim().strip_prefix(concat!(env!("CARGO_PKG_NAME"), " ")) {
        Some(version) if output.status.success() => Ok(clean_line(version, 40)),
        _ => Err("does not say its version".to_owned()),
    }
}

fn line(client: Client) -> Line {
    let (id, requirement) = match client {
        Client::ClaudeCode => ("local.client.claude_code", "Claude Code starts this server"),
        Client::ClaudeDesktop => {
            ("local.client.claude_desktop", "Claude Desktop starts this server")
        }
        Client::Cursor => ("local.client.cursor", "Cursor starts this server"),
        Client::Vscode => ("local.client.vscode", "VS Code starts this server"),
        Client::Codex => ("local.client.codex", "Codex starts this server"),
        Client::Windsurf => ("local.client.windsurf", "Windsurf starts this server"),
        Client::Zed => ("local.client.zed", "Zed starts this server"),
        Client::Gemini => ("local.client.gemini", "Gemini CLI starts this server"),
    };
    Line {
        id,
        requirement,
        wanted: "a program that is there, of this version",
        why: "the client has no tools of ours, or those of another version",
    }
}

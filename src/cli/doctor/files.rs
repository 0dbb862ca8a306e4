//! Files of ours: who may read them.

use std::io;
use std::path::{Path, PathBuf};

use super::Line;
use crate::config::{self, Config, Sources};
use crate::setup::Row;

const CONFIG: Line = Line {
    id: "local.config_file",
    requirement: "configuration file",
    wanted: "readable, and by its owner alone where it holds a secret",
    why: "the server does not start with it",
};

const STATE: Line = Line {
    id: "local.state_folder",
    requirement: "folder for local state",
    wanted: "a folder that its owner alone can enter, and can write to",
    why: "sign-ins and secrets cannot be kept there, or others could read them",
};

const SECRETS: Line = Line {
    id: "local.secrets",
    requirement: "files with secrets",
    wanted: "readable by their owner alone",
    why: "whoever can read them can act as their owner",
};

/// Mounted by whoever runs the container, with modes of their own.
const MOUNTS: [&str; 2] = ["/run", "/var/run"];

pub(super) fn rows(sources: &Sources, config: Option<&Config>) -> Vec<Row> {
    let state = config.map(|config| config.state_dir.as_path());
    let mut rows = vec![config_file(sources)];
    rows.extend(state.map(state_folder));
    rows.push(secrets(sources, state));
    rows
}

pub(super) fn config_file(sources: &Sources) -> Row {
    let Some(file) = &sources.file else { return CONFIG.ok("none, and none is needed") };
    let path = file.path.display();
    if let Err(reason) = &file.text {
        return CONFIG.wrong(
            format!("`{path}` cannot be read: {reason}"),
            "`--config` or `BITBUCKET_MCP_CONFIG` says where it is",
        );
    }
    match (file.exposed, config::holds_a_secret(file)) {
        (true, true) => CONFIG.wrong(
            format!("`{path}` holds a secret, and others may read it"),
            format!("chmod 600 '{path}'"),
        ),
        (true, false) => CONFIG.ok(format!("`{path}`, without a secret")),
        (false, _) => CONFIG.ok(format!("`{path}`")),
    }
}

pub(super) fn state_folder(folder: &Path) -> Row {
    let path = folder.display();
    match std::fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            STATE.ok(format!("`{path}`, which is made when it is needed"))
        }
        Err(error) => STATE.wrong(
            format!("`{path}` cannot be looked at: {error}"),
            "`BITBUCKET_MCP_STATE_DIR` names another folder",
        ),
        Ok(found) if !found.is_dir() => STATE.wrong(
            format!("`{path}` is not a folder"),
            "move it away, or name another folder by `BITBUCKET_MCP_STATE_DIR`",
        ),
        Ok(found) if config::exposed(&found) => {
            STATE.wrong(format!("`{path}` is open to others"), format!("chmod 700 '{path}'"))
        }
        // Tried, since a mode says nothing of a full or read-only disk.
        Ok(_) => match tempfile::tempfile_in(folder) {
            Ok(_) => STATE.ok(format!("`{path}`")),
            Err(error) => STATE.wrong(
                format!("`{path}` cannot be written to: {error}"),
                "make room and give yourself the right to write there, or name another folder by \
                 `BITBUCKET_MCP_STATE_DIR`",
            ),
        },
    }
}

pub(super) fn secrets(sources: &Sources, state: Option<&Path>) -> Row {
    let mut files: Vec<PathBuf> = config::secret_files(sources);
    files.retain(|file| !MOUNTS.iter().any(|mount| file.starts_with(mount)));
    if let Some(state) = state {
        files.push(state.join("session.json"));
        let folder = state.join("secrets");
        if let Ok(entries) = folder.read_dir() {
            files.extend(entries.filter_map(Result::ok).map(|entry| entry.path()));
        }
        files.push(folder);
    }
    files.sort();
    files.dedup();
    let there = files.iter().filter_map(|file| Some((file, std::fs::metadata(file).ok()?)));
    let (open, kept): (Vec<_>, Vec<_>) = there.partition(|(_, found)| config::exposed(found));
    if open.is_empty() {
        let count = kept.iter().filter(|(_, found)| found.is_file()).count();
        return SECRETS.ok(match count {
            0 => "none".to_owned(),
            1 => "1 file, its owner's".to_owned(),
            count => format!("{count} files, their owner's"),
        });
    }
    let names: Vec<String> = open.iter().map(|(file, _)| format!("`{}`", file.display())).collect();
    let fixes: Vec<String> = open
        .iter()
        .map(|(file, found)| {
            let mode = if found.is_dir() { 700 } else { 600 };
            format!("chmod {mode} '{}'", file.display())
        })
        .collect();
    SECRETS.wrong(format!("others may read {}", names.join(", ")), fixes.join(" && "))
}

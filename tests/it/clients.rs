//! The official clients against the built binary: `tests/clients` tells each of them the same story.
//!
//! They need Node, Python and packages, which `.ci/run` installs. Where one is missing, its test says
//! so and passes; with `CI=true` it fails.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// Linking takes one of six fixed ports, so the clients take turns.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn the_typescript_sdk_1_does_all_its_work() {
    play("typescript", node(), "node_modules/@modelcontextprotocol/sdk", "v1.mjs");
}

#[test]
fn the_typescript_sdk_2_does_all_its_work_in_both_eras() {
    play("typescript", node(), "node_modules/@modelcontextprotocol/client", "v2.mjs");
}

#[test]
fn the_python_sdk_does_all_its_work_in_both_eras() {
    play("python", python(), ".venv", "official.py");
}

#[test]
fn fastmcp_does_all_its_work_in_both_eras() {
    play("python", python(), ".venv", "fast.py");
}

#[test]
fn the_inspector_calls_every_tool_and_has_no_complaint() {
    play("inspector", node(), "node_modules/@modelcontextprotocol/inspector", "inspect.mjs");
}

/// Runs `script` of `folder` with `program`, if that and the folder's `packages` are there.
fn play(folder: &str, program: PathBuf, packages: &str, script: &str) {
    let folder = clients().join(folder);
    let run = |argument: &str| {
        let mut command = Command::new(&program);
        // The clients pass their home on to the server, which must not find anybody's settings there.
        let home = std::env::temp_dir().join(format!("bitbucket-vault-mcp-{}", std::process::id()));
        command.current_dir(&folder).env("HOME", home).env("PYTHONDONTWRITEBYTECODE", "1");
        command.arg(argument).arg(env!("CARGO_BIN_EXE_bitbucket-vault-mcp")).output()
    };
    let works = run("--version").is_ok_and(|output| output.status.success());
    if !works || !folder.join(packages).exists() {
        let missing = if works { folder.join(packages) } else { program };
        return leave_out(script, &missing);
    }
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let output = run(script).unwrap();
    drop(turn);
    assert!(
        output.status.success(),
        "{script}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "whether this is a machine that has it all is no setting"
)]
fn leave_out(script: &str, missing: &Path) {
    let says = format!(
        "left out: {script}, for want of {} (`.ci/run` installs packages)",
        missing.display()
    );
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{says}");
    // Past the capture of the test's output, which nobody sees when it passes.
    let _ = writeln!(std::io::stderr(), "{says}");
}

fn node() -> PathBuf {
    "node".into()
}

fn python() -> PathBuf {
    let inside = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
    clients().join("python/.venv").join(inside)
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

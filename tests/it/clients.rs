//! The official clients against the built binary: `tests/clients` tells each of them the same story, over
//! stdio and over HTTP.
//!
//! They need Node, Python and packages, which `.ci/run` installs. Where one is missing, its test says
//! so and passes; with `CI=true` it fails.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

const SDK: &str = "node_modules/@modelcontextprotocol/sdk";
const CLIENT: &str = "node_modules/@modelcontextprotocol/client";
const INSPECTOR: &str = "node_modules/@modelcontextprotocol/inspector";
const VENV: &str = ".venv";

/// Over stdio, linking takes one of six fixed ports, so the clients take turns.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn the_typescript_sdk_1_does_all_its_work() {
    over_stdio("typescript", SDK, "v1.mjs");
}

#[test]
fn the_typescript_sdk_1_does_all_its_work_over_http() {
    play("typescript", SDK, "v1.mjs", &["http"]);
}

#[test]
fn the_typescript_sdk_2_does_all_its_work_in_both_eras() {
    over_stdio("typescript", CLIENT, "v2.mjs");
}

#[test]
fn the_typescript_sdk_2_does_all_its_work_in_both_eras_over_http() {
    play("typescript", CLIENT, "v2.mjs", &["http"]);
}

#[test]
fn the_typescript_sdks_find_their_own_way_in() {
    play("typescript", CLIENT, "oauth.mjs", &[]);
}

#[test]
fn the_typescript_sdks_find_their_own_way_in_by_a_document_over_https() {
    over_https("typescript", CLIENT, &["node", "oauth.mjs"]);
}

#[test]
fn the_python_sdk_does_all_its_work_in_both_eras() {
    over_stdio("python", VENV, "official.py");
}

#[test]
fn the_python_sdk_does_all_its_work_in_both_eras_over_http() {
    play("python", VENV, "official.py", &["http"]);
}

#[test]
fn fastmcp_does_all_its_work_in_both_eras() {
    over_stdio("python", VENV, "fast.py");
}

#[test]
fn fastmcp_does_all_its_work_in_both_eras_over_http() {
    play("python", VENV, "fast.py", &["http"]);
}

#[test]
fn the_python_sdk_and_fastmcp_find_their_own_way_in() {
    play("python", VENV, "oauth.py", &[]);
}

#[test]
fn the_python_sdk_and_fastmcp_find_their_own_way_in_by_a_document_over_https() {
    over_https("python", VENV, &[python().to_str().unwrap(), "oauth.py"]);
}

#[test]
fn the_inspector_calls_every_tool_and_has_no_complaint() {
    over_stdio("inspector", INSPECTOR, "inspect.mjs");
}

#[test]
fn the_inspector_calls_every_tool_over_http_and_has_no_complaint() {
    play("inspector", INSPECTOR, "inspect.mjs", &["http"]);
}

fn over_stdio(folder: &str, packages: &str, script: &str) {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    play(folder, packages, script, &["stdio"]);
    drop(turn);
}

/// Runs `client` of `folder` against a tenant, a server and a document of its own that all speak https.
fn over_https(folder: &str, packages: &str, client: &[&str]) {
    let files = tempfile::tempdir().unwrap();
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let pair = rcgen::generate_simple_self_signed(names).unwrap();
    let write = |name: &str, pem: String| {
        let path = files.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path.into_os_string().into_string().unwrap()
    };
    let certificate = write("certificate.pem", pair.cert.pem());
    let key = write("key.pem", pair.signing_key.serialize_pem());
    play(folder, packages, "../tls.mjs", &[&[&*certificate, &*key], client].concat());
}

/// Runs `script` of `folder` with the server and `arguments`, if the program for it and the folder's
/// `packages` are there.
pub(crate) fn play(folder: &str, packages: &str, script: &str, arguments: &[&str]) {
    let program = if script.ends_with(".py") { python() } else { "node".into() };
    let folder = clients().join(folder);
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        // The clients pass their home on to the server, which must not find anybody's settings there.
        let home = std::env::temp_dir().join(format!("bitbucket-vault-mcp-{}", std::process::id()));
        command.current_dir(&folder).env("HOME", home).env("PYTHONDONTWRITEBYTECODE", "1");
        command.args(arguments).output()
    };
    let works = run(&["--version"]).is_ok_and(|output| output.status.success());
    if !works || !folder.join(packages).exists() {
        let missing = if works { folder.join(packages) } else { program };
        return leave_out(script, &missing);
    }
    let server = env!("CARGO_BIN_EXE_bitbucket-vault-mcp");
    let output = run(&[&[script, server], arguments].concat()).unwrap();
    assert!(
        output.status.success(),
        "{script}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Says that `script` was not run for want of what should be at `missing`.
#[expect(
    clippy::disallowed_methods,
    reason = "whether this is a machine that has it all is no setting"
)]
pub(crate) fn leave_out(script: &str, missing: &Path) {
    let says =
        format!("left out: {script}, for want of {} (`.ci/run` installs it)", missing.display());
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{says}");
    // Past the capture of the test's output, which nobody sees when it passes.
    let _ = writeln!(std::io::stderr(), "{says}");
}

fn python() -> PathBuf {
    let inside = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
    clients().join("python/.venv").join(inside)
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

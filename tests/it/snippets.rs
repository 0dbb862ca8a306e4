//! The code that `get_app_snippet` gives: held to its goldens, compiled or type-checked, and run against
//! the sandbox where that can be.
//!
//! The goldens lie in `tests/clients/snippets`, beside the packages that they are checked against, which
//! `.ci/run` installs. Where those are missing a test says so and passes; with `CI=true` it fails.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bitbucket_vault_mcp::sandbox::{Options, Sandbox};
use bitbucket_vault_mcp::setup::{Snippet, SnippetKind, SnippetNames};
use serde_json::Value;

use crate::clients::leave_out;
use crate::golden;

/// The client id in the goldens.
const CLIENT_ID: &str = "nT4bW7cRq2xYz9KpLm3vHs6dFg8jAe5u";
/// Where the code finds Bitbucket.
const BITBUCKET: &str = "https://api.bitbucket.org/2.0";

/// The Rust code, compiled with all else.
#[path = "../clients/snippets/named/rust/src/bitbucket.rs"]
#[expect(dead_code, unreachable_pub, clippy::disallowed_methods, reason = "we only compile it")]
mod named;
#[path = "../clients/snippets/unnamed/rust/src/bitbucket.rs"]
#[expect(dead_code, unreachable_pub, clippy::disallowed_methods, reason = "we only compile it")]
mod unnamed;

#[test]
fn snippets_match_their_goldens() {
    for (folder, client_id) in [("named", Some(CLIENT_ID)), ("unnamed", None)] {
        for kind in SnippetKind::ALL {
            let names = SnippetNames {
                domain: "https://acme.eu.auth0.com/".parse().unwrap(),
                connection: "bitbucket".to_owned(),
                client_id: client_id.map(str::to_owned),
            };
            for file in Snippet::new(kind, &names).unwrap().files {
                let path = format!("tests/clients/snippets/{folder}/{}/{}", name(kind), file.path);
                golden::check(&path, &file.code);
            }
        }
    }
}

#[test]
fn the_versions_that_are_named_are_those_that_are_checked() {
    let text = |file| std::fs::read_to_string(folder().join(file)).unwrap();
    let package: Value = serde_json::from_str(&text("package.json")).unwrap();
    let requirements = text("requirements.txt");
    let names = SnippetNames {
        domain: "https://acme.eu.auth0.com/".parse().unwrap(),
        connection: "bitbucket".to_owned(),
        client_id: None,
    };
    for kind in [SnippetKind::AiTypescript, SnippetKind::Nextjs, SnippetKind::AiPython] {
        for word in Snippet::new(kind, &names).unwrap().install.split(' ').skip(2) {
            if kind == SnippetKind::AiPython {
                assert!(requirements.lines().any(|line| line == word), "{word}");
            } else {
                let (name, version) = word.rsplit_once('@').unwrap();
                assert_eq!(package["dependencies"][name], version, "{word}");
            }
        }
    }
}

#[test]
fn the_typescript_snippets_hold_against_the_real_packages() {
    if !folder().join("node_modules").exists() {
        return leave_out("the check of the TypeScript snippets", &folder().join("node_modules"));
    }
    must(&typescript(&["--project", "tsconfig.json"]), "tsc");
    // The check itself can fail.
    let wrong = Built::new();
    let golden = folder().join("named/ai_typescript/bitbucket.ts");
    let code = std::fs::read_to_string(golden).unwrap().replace("connection:", "conection:");
    wrong.write("bitbucket.ts", &code);
    let refused = typescript(&["--project", wrong.typescript().to_str().unwrap()]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stdout).contains("'conection' does not exist"));
}

#[tokio::test]
async fn the_typescript_snippet_reaches_bitbucket_as_the_user() {
    if !folder().join("node_modules").exists() {
        return leave_out("the TypeScript snippet", &folder().join("node_modules"));
    }
    let sandbox = sandbox(true).await;
    let built = Built::new();
    built.write("bitbucket.ts", &filled(&sandbox, SnippetKind::AiTypescript));
    must(&typescript(&["--project", built.typescript().to_str().unwrap()]), "tsc");
    let compiled = built.0.path().join("bitbucket.js");
    let command = || {
        let mut command = Command::new("node");
        command.args(["run.cjs", compiled.to_str().unwrap()]);
        command
    };
    assert_is_ana(run(&sandbox, &built, command(), "linked").await);
    let refused = run(&sandbox, &built, command(), "guest").await;
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("Authorization required to access the Token Vault: bitbucket"), "{said}");
}

#[tokio::test]
async fn the_python_snippet_reaches_bitbucket_as_the_user() {
    let inside = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
    let python = folder().join(".venv").join(inside);
    if !python.exists() {
        return leave_out("the Python snippet", &python);
    }
    let sandbox = sandbox(true).await;
    let built = Built::new();
    let script = built.write("bitbucket.py", &filled(&sandbox, SnippetKind::AiPython));
    let command = || {
        let mut command = Command::new(&python);
        command.args(["-W", "ignore", "run.py", script.to_str().unwrap()]);
        command
    };
    assert_is_ana(run(&sandbox, &built, command(), "linked").await);
    let refused = run(&sandbox, &built, command(), "guest").await;
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("TOKEN_VAULT_ERROR"), "{said}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_snippet_for_plain_http_reaches_bitbucket_as_the_user() {
    for program in ["curl", "jq"] {
        if !Command::new(program).arg("--version").output().is_ok_and(|out| out.status.success()) {
            return leave_out("the snippet for plain HTTP", Path::new(program));
        }
    }
    let sandbox = sandbox(false).await;
    let built = Built::new();
    let script = built.write("bitbucket.sh", &filled(&sandbox, SnippetKind::Http));
    let command = || {
        let mut command = Command::new("sh");
        command.arg(&script);
        command
    };
    assert_is_ana(run(&sandbox, &built, command(), "linked").await);
    let refused = run(&sandbox, &built, command(), "guest").await;
    assert_eq!(
        String::from_utf8_lossy(&refused.stderr),
        "Auth0 gave no token: federated_connection_refresh_token_not_found\n"
    );
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(1), 0));
}

/// A folder inside the one with the packages, so that they are found from there.
struct Built(tempfile::TempDir);

impl Built {
    fn new() -> Self {
        let parent = folder().join(".built");
        std::fs::create_dir_all(&parent).unwrap();
        Self(tempfile::tempdir_in(parent).unwrap())
    }

    fn write(&self, name: &str, code: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, code).unwrap();
        path
    }

    /// A project that compiles what is in it, for Node alone.
    fn typescript(&self) -> PathBuf {
        self.write("package.json", r#"{ "type": "commonjs" }"#);
        let project = serde_json::json!({
            "extends": "../../tsconfig.json",
            "compilerOptions": {
                "noEmit": false,
                "noEmitOnError": true,
                "module": "nodenext",
                "moduleResolution": "nodenext",
            },
            "include": ["*.ts"],
        });
        self.write("tsconfig.json", &project.to_string())
    }
}

async fn sandbox(tls: bool) -> Sandbox {
    Sandbox::start(Options { tls, ..Options::default() }).await.unwrap()
}

/// The one file of a snippet with the names of `sandbox` in it.
fn filled(sandbox: &Sandbox, kind: SnippetKind) -> String {
    let names = SnippetNames {
        domain: sandbox.auth0_domain().parse().unwrap(),
        connection: "bitbucket".to_owned(),
        client_id: Some(sandbox.client_id()),
    };
    let file = Snippet::new(kind, &names).unwrap().files.remove(0);
    assert!(file.code.contains(BITBUCKET));
    file.code.replace(BITBUCKET, sandbox.bitbucket_api_url().trim_end_matches('/'))
}

/// Runs `command` with what the code reads from its environment, as `account`.
async fn run(sandbox: &Sandbox, built: &Built, mut command: Command, account: &str) -> Output {
    if let Some(authority) = sandbox.authority() {
        let file = built.write("authority.pem", authority);
        for name in ["NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"] {
            command.env(name, &file);
        }
    }
    command
        .current_dir(folder())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("AUTH0_CLIENT_SECRET", sandbox.client_secret())
        .env("AUTH0_REFRESH_TOKEN", sandbox.refresh_token(account).unwrap());
    // The sandbox answers on other threads of this runtime, or not at all.
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn typescript(arguments: &[&str]) -> Output {
    let compiler = "node_modules/typescript/bin/tsc";
    Command::new("node").arg(compiler).args(arguments).current_dir(folder()).output().unwrap()
}

fn assert_is_ana(output: Output) {
    must(&output, "the snippet");
    let user: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(user["nickname"], "ana");
}

fn must(output: &Output, what: &str) {
    assert!(
        output.status.success(),
        "{what}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn name(kind: SnippetKind) -> &'static str {
    match kind {
        SnippetKind::AiTypescript => "ai_typescript",
        SnippetKind::AiPython => "ai_python",
        SnippetKind::Nextjs => "nextjs",
        SnippetKind::Http => "http",
        SnippetKind::Rust => "rust",
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/snippets")
}

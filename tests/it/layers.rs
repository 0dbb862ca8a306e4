//! Who may use whom. This table is the architecture: arrows only go down.

use std::path::{Path, PathBuf};

/// A module, where it lives, and the modules of ours that it may use besides itself.
const LAYERS: &[(&str, &str, &[&str])] = &[
    ("text", "src/text.rs", &[]),
    ("diff", "src/diff", &["text"]),
    ("log", "src/log", &["text"]),
    ("net", "src/net.rs", &[]),
    ("operations", "src/operations", &["text"]),
    ("seal", "src/seal.rs", &[]),
    ("config", "src/config", &["net"]),
    ("sandbox", "src/sandbox", &[]),
    ("auth0", "src/auth0", &["net", "text"]),
    ("bitbucket", "src/bitbucket", &["net", "text"]),
    ("identity", "src/identity", &["auth0", "net", "text"]),
    ("broker", "src/broker", &["auth0", "bitbucket", "identity", "net", "text"]),
    ("setup", "src/setup", &["auth0", "bitbucket", "net", "text"]),
    ("error", "src/error", &["auth0", "bitbucket", "broker", "identity", "net", "text"]),
    ("tool", "src/tool", &["bitbucket", "broker", "error", "identity", "seal", "setup", "text"]),
    (
        "tools",
        "tools",
        &[
            "bitbucket",
            "broker",
            "diff",
            "error",
            "identity",
            "log",
            "operations",
            "setup",
            "text",
            "tool",
        ],
    ),
    (
        "server",
        "src/server",
        &[
            "auth0",
            "bitbucket",
            "broker",
            "error",
            "identity",
            "net",
            "operations",
            "seal",
            "setup",
            "text",
            "tool",
            "tools",
        ],
    ),
];

/// Words that a module must not contain at all, with the reason.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    (
        "tools",
        &["reqwest", "axum", "RefreshToken", "VaultToken", "AccessToken"],
        "a tool knows no transport and no token",
    ),
    ("net", &["rmcp"], "clients know nothing of MCP"),
    ("auth0", &["rmcp"], "clients know nothing of MCP"),
    ("bitbucket", &["rmcp"], "clients know nothing of MCP"),
];

#[test]
fn modules_use_only_what_lies_below_them() {
    for (name, path, allowed) in LAYERS {
        for (file, code) in code_of(path) {
            for used in used_modules(&code) {
                let used = if matches!(used, "Error" | "Result") { "error" } else { used };
                assert!(
                    used == *name || allowed.contains(&used),
                    "{}: `{name}` must not use `{used}`",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn modules_do_not_name_what_they_must_not_know() {
    for (name, words, reason) in FORBIDDEN {
        let path = LAYERS.iter().find(|(layer, ..)| layer == name).unwrap().1;
        for (file, code) in code_of(path) {
            for word in *words {
                assert!(
                    !code.contains(word),
                    "{}: `{name}` must not name `{word}`: {reason}",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn every_module_has_its_place() {
    let library = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let modules = library.lines().filter_map(|line| {
        line.strip_prefix("pub mod ").or(line.strip_prefix("mod "))?.strip_suffix(';')
    });
    for module in modules.filter(|module| !matches!(*module, "cli" | "testing")) {
        assert!(LAYERS.iter().any(|(name, ..)| *name == module), "`{module}` is in no layer");
    }
}

/// The code of a module without its tests and comments, file by file.
fn code_of(path: &str) -> Vec<(PathBuf, String)> {
    files(&root().join(path))
        .into_iter()
        .filter(|file| !file.with_extension("").iter().any(|part| part == "tests"))
        .map(|file| {
            let text = std::fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            let code: Vec<&str> =
                code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            (file, code.join("\n"))
        })
        .collect()
}

fn used_modules(code: &str) -> Vec<&str> {
    code.split("crate::")
        .skip(1)
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(list) => top_level(list),
            None => vec![rest],
        })
        .map(|item| item.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap())
        .filter(|name| !name.is_empty())
        .collect()
}

/// The items of `a, b::{c, d}, e}` that stand directly in the outer braces.
fn top_level(list: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&list[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|entry| files(&entry))
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

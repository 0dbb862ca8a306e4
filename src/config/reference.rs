//! The page about the settings, from the same table that reads them.

use std::fmt::Write;

use super::settings::{Group, SETTINGS, Setting, Shape};

/// `src/config/README.md`.
pub fn reference() -> String {
    let mut page = String::from(
        "<!-- Written by `UPDATE=1 cargo test`. -->\n\n\
         # Settings\n\n\
         A flag counts before a variable, a variable before `config.toml`, and all of them before \
         the default. What is wrong is listed all at once, with the name that was typed.\n\n\
         `config.toml` is in `bitbucket-vault-mcp` in the platform's configuration folder \
         (`$XDG_CONFIG_HOME` or `~/.config`; `%APPDATA%` on Windows), or where `--config` or \
         `BITBUCKET_MCP_CONFIG` says. Keys may be written with `-` or `_`.\n\n\
         Secrets have no flag. Each has a second variable, and a second key, that name a file with \
         the value instead. Where `config.toml` holds a secret itself, only its owner may read \
         it (`chmod 600`).\n\n\
         A variable that is empty counts as not set, but an empty allow-list is refused. Other \
         variables that begin with `BITBUCKET_MCP_` are mistakes, and so are other keys; other \
         `AUTH0_` and `BITBUCKET_` variables are left alone.\n",
    );
    for group in Group::ALL {
        let _ = write!(page, "\n## {}\n", group.heading());
        for setting in SETTINGS.iter().filter(|setting| setting.group == *group) {
            describe(&mut page, setting);
        }
    }
    page
}

fn describe(page: &mut String, setting: &Setting) {
    let _ = write!(page, "\n### `{}`\n\n{}.\n\n", setting.variable, setting.about);
    if let Some(flag) = setting.flag {
        let value = if setting.shape == Shape::Switch { "" } else { " …" };
        let _ = writeln!(page, "- Flag: `--{flag}{value}`");
    }
    if let Some(key) = setting.key {
        let _ = writeln!(page, "- Key: `{key}`");
    }
    if let (Some(variable), Some(key)) = (setting.file_variable(), setting.file_key()) {
        let _ = writeln!(page, "- From a file: `{variable}`, `{key}`");
    }
    if let Some(default) = setting.default {
        let _ = writeln!(page, "- Default: `{default}`");
    }
    if setting.secret() {
        let _ = writeln!(page, "- Value: {}", setting.example);
    } else {
        let _ = writeln!(page, "- Example: `{}`", setting.example);
    }
}

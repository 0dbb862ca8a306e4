//! Every tool that an agent can call, by toolset.
//!
//! To add one: write `tools/<toolset>/<name>.rs`, name it in that folder's `mod.rs`, then run
//! `UPDATE=1 cargo test` and read what changed in its golden and in the reference.

mod accounts;
mod api;
mod commits;
mod connection;
mod content;
mod diff_files;
mod downloads;
mod lookup;
mod params;
mod people;
mod pull_requests;
mod refs;
mod reports;
mod repositories;
mod shown;
mod snippets;
mod source;
mod wanted;
mod workspaces;

use crate::tool::Entry;

/// A group of tools that are turned on and off together.
pub struct Toolset {
    /// The name used in settings; also the folder's.
    pub name: &'static str,
    /// What the group is for, in one sentence.
    pub about: &'static str,
    /// Whether it is on unless settings say otherwise.
    pub default: bool,
    /// Whether it exists only where the settings name a management application.
    pub needs_management: bool,
    /// All Bitbucket scopes that its tools may need.
    pub scopes: &'static [&'static str],
    /// The tools, in the order the reference lists them.
    pub tools: &'static [Entry],
}

/// The catalogue.
pub const TOOLSETS: &[Toolset] = &[
    connection::TOOLSET,
    accounts::TOOLSET,
    workspaces::TOOLSET,
    repositories::TOOLSET,
    source::TOOLSET,
    refs::TOOLSET,
    commits::TOOLSET,
    pull_requests::TOOLSET,
    reports::TOOLSET,
    snippets::TOOLSET,
    downloads::TOOLSET,
    api::TOOLSET,
];

/// All tools, in the order of the catalogue.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    TOOLSETS.iter().flat_map(|toolset| toolset.tools)
}

/// The tool that agents call `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    all().find(|entry| entry.name == name)
}

/// The text of `tools/README.md`.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(
        "<!-- Written by `UPDATE=1 cargo test`. -->\n\n# Tools\n\n\
         What an agent can call, by toolset. Each tool is one file in this folder.\n",
    );
    for toolset in TOOLSETS {
        let default = match (toolset.default, toolset.needs_management) {
            (true, true) => "on by default once there are credentials for the Management API",
            (true, false) => "on by default",
            (false, _) => "off by default",
        };
        page.push_str(&format!("\n## {}\n\n{} ({default})\n", toolset.name, toolset.about));
        for entry in toolset.tools {
            page.push_str(&describe(entry));
        }
    }
    page
}

fn describe(entry: &Entry) -> String {
    let tool = entry.definition();
    let scopes = match entry.scopes {
        [] => "none".to_owned(),
        scopes => format!("`{}`", scopes.join("`, `")),
    };
    let mut text = format!(
        "\n### `{}`\n\n{}\n\n- Effect: {}\n- Bitbucket scopes: {scopes}\n",
        entry.name,
        tool.description.as_deref().unwrap_or_default(),
        entry.effect.word(),
    );
    let required = tool.input_schema.get("required").and_then(|list| list.as_array());
    let properties = tool.input_schema.get("properties").and_then(|list| list.as_object());
    for (name, schema) in properties.into_iter().flatten() {
        let need = required.is_some_and(|list| list.iter().any(|item| item == name));
        let about = schema.get("description").and_then(|text| text.as_str()).unwrap_or_default();
        let kind = if need { "required" } else { "optional" };
        text.push_str(&format!("- `{name}` ({kind}): {}\n", about.replace('\n', " ")));
    }
    text
}

#[cfg(test)]
mod tests;

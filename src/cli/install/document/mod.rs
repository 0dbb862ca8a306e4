//! The text of a client's file, in which one entry is changed and every other byte kept.

mod json;
mod toml;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Language {
    /// JSON, with the comments and trailing commas that most clients allow.
    Json,
    /// TOML.
    Toml,
}

/// Why a file is not touched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub(in crate::cli) struct Misfit {
    line: usize,
    what: String,
}

/// What an entry shall say: its keys, in order.
pub(super) type Keys<'a> = &'a [(&'static str, Value)];

/// The entries of a table by their names, and nothing where there is no table.
pub(in crate::cli) fn entries(
    language: Language,
    text: &str,
    table: &str,
) -> Result<BTreeMap<String, Map<String, Value>>, Misfit> {
    match language {
        Language::Json => json::entries(text, table),
        Language::Toml => toml::entries(text, table),
    }
}

/// The text with an entry of just these keys, in the place of the one that may be there.
pub(super) fn put(
    language: Language,
    text: &str,
    (table, name): (&str, &str),
    keys: Keys<'_>,
) -> Result<String, Misfit> {
    match language {
        Language::Json => json::put(text, (table, name), keys),
        Language::Toml => toml::put(text, (table, name), keys),
    }
}

/// The text with these keys in the entry that is there. What else it says stays.
pub(super) fn update(
    language: Language,
    text: &str,
    (table, name): (&str, &str),
    keys: Keys<'_>,
) -> Result<String, Misfit> {
    match language {
        Language::Json => json::update(text, (table, name), keys),
        Language::Toml => toml::update(text, (table, name), keys),
    }
}

/// The text without the entry.
pub(super) fn remove(
    language: Language,
    text: &str,
    (table, name): (&str, &str),
) -> Result<String, Misfit> {
    match language {
        Language::Json => json::remove(text, (table, name)),
        Language::Toml => toml::remove(text, (table, name)),
    }
}

/// The entry as its file would have it, for people to see.
pub(super) fn show(language: Language, table: &str, name: &str, keys: Keys<'_>) -> String {
    match language {
        Language::Json => json::show(table, name, keys),
        Language::Toml => toml::show(table, name, keys),
    }
}

impl Misfit {
    fn at(text: &str, position: usize, what: impl Into<String>) -> Self {
        let line = text.bytes().take(position).filter(|byte| *byte == b'\n').count() + 1;
        Self { line, what: what.into() }
    }
}

/// A piece of text that takes another's place.
struct Splice {
    start: usize,
    end: usize,
    text: String,
}

impl Splice {
    fn insert(at: usize, text: impl Into<String>) -> Self {
        Self { start: at, end: at, text: text.into() }
    }

    fn delete(start: usize, end: usize) -> Self {
        Self { start, end, text: String::new() }
    }
}

/// The text with every splice done. They must not overlap; those at one place stay in their order.
fn spliced(text: &str, mut splices: Vec<Splice>) -> String {
    splices.sort_by_key(|splice| splice.start);
    let mut whole = String::with_capacity(text.len());
    let mut done = 0;
    for splice in splices {
        whole.push_str(text.get(done..splice.start).unwrap_or_default());
        whole.push_str(&splice.text);
        done = splice.end;
    }
    whole.push_str(text.get(done..).unwrap_or_default());
    whole
}

/// The line break that a text uses.
fn line_break(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text.get(..at).is_some_and(|line| line.ends_with('\r')) => "\r\n",
        _ => "\n",
    }
}

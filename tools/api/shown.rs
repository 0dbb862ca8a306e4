//! How an answer of Bitbucket is shown.

use std::fmt::Write as _;

use serde_json::Value;

use super::compact::flat;
use crate::text::Foreign;
use crate::tools::shown::bare;

/// How long a text in a column may be.
const CELL: usize = 160;

/// A list with its elements as rows: the names of the columns, then what each row has there. It ends
/// where `max_bytes` are full; how many rows it has.
pub(super) fn rows(values: &[Value], max_bytes: usize) -> (String, usize) {
    let flattened: Vec<_> = values.iter().map(flat).collect();
    let mut columns: Vec<&str> = Vec::new();
    for (name, _) in flattened.iter().flatten() {
        if !columns.contains(&name.as_str()) {
            columns.push(name);
        }
    }
    columns.sort_by_key(|name| place(name));
    let only = matches!(columns.as_slice(), [""]);
    let mut text = String::new();
    if !only {
        let names: Vec<String> =
            columns.iter().map(|name| bare(&Foreign::line(name, CELL))).collect();
        let _ = write!(text, "{}", names.join(" · "));
    }
    let mut shown = 0;
    for row in &flattened {
        let cells: Vec<String> = columns
            .iter()
            .map(|column| {
                let value = row.iter().find(|(name, _)| name == column).map(|(_, value)| *value);
                value.map_or_else(|| "-".to_owned(), |value| cell(value, CELL))
            })
            .collect();
        let line = format!("\n  {}", cells.join(" · "));
        if text.len() + line.len() > max_bytes && shown > 0 {
            break;
        }
        text.push_str(&line);
        shown += 1;
    }
    (text, shown)
}

/// One thing, a line for each of its members.
pub(super) fn members(value: &Value) -> String {
    let mut text = String::new();
    let mut pairs = flat(value);
    pairs.sort_by_key(|(name, _)| place(name));
    for (name, value) in pairs {
        let name = bare(&Foreign::line(&name, CELL));
        match value {
            Value::String(long) if long.contains('\n') => {
                let _ = write!(
                    text,
                    "\n  {name}:\n{}",
                    Foreign::block(long, usize::MAX).indented("    ")
                );
            }
            Value::Array(values) if values.iter().any(Value::is_object) => {
                let (rows, _) = rows(values, usize::MAX);
                let _ = write!(text, "\n  {name}, by {}", rows.replace('\n', "\n  "));
            }
            value if name == "\"\"" => {
                let _ = write!(text, "\n  {}", cell(value, usize::MAX));
            }
            value => {
                let _ = write!(text, "\n  {name}: {}", cell(value, usize::MAX));
            }
        }
    }
    text
}

/// `2026-11-13T08:02:00Z`, which needs no quotes.
fn is_time(text: &str) -> bool {
    text.len() == 20 && text.parse::<jiff::Timestamp>().is_ok()
}

/// How early a member is shown: what names a thing first.
fn place(name: &str) -> usize {
    const FIRST: &[&str] = &[
        "id",
        "build_number",
        "key",
        "hash",
        "path",
        "name",
        "slug",
        "full_name",
        "title",
        "state",
        "type",
    ];
    FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len())
}

/// A value on one line.
fn cell(value: &Value, cap: usize) -> String {
    match value {
        Value::String(text) if is_time(text) => text.clone(),
        Value::String(text) => bare(&Foreign::line(text, cap)),
        Value::Array(values)
            if values.iter().all(|value| !value.is_object() && !value.is_array()) =>
        {
            let cells: Vec<String> = values.iter().map(|value| cell(value, cap)).collect();
            cells.join(", ")
        }
        Value::Array(_) | Value::Object(_) => Foreign::line(&value.to_string(), cap).quoted(),
        plain => plain.to_string(),
    }
}

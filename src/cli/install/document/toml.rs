//! TOML: an entry of ours is a table of its own at the end of the file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};
use toml_edit::{Document, DocumentMut, Item, TableLike, TomlError};

use super::{Keys, Misfit, Splice, line_break, spliced};

pub(super) fn entries(
    text: &str,
    table: &str,
) -> Result<BTreeMap<String, Map<String, Value>>, Misfit> {
    let document = read(text)?;
    let Some(table) = servers(text, document.as_table().get(table), table)? else {
        return Ok(BTreeMap::new());
    };
    let entry = |(name, item): (&str, &Item)| Some((name.to_owned(), keys(item.as_table_like()?)));
    Ok(table.iter().filter_map(entry).collect())
}

pub(super) fn put(
    text: &str,
    (table, name): (&str, &str),
    keys: Keys<'_>,
) -> Result<String, Misfit> {
    let document = read(text)?;
    let item = document.as_table().get(table);
    let there = servers(text, item, table)?.and_then(|servers| servers.get(name));
    if let Some(there) = there {
        if !there.is_table_like() {
            let what = format!("`{name}` is not a table");
            return Err(Misfit::at(text, there.span().unwrap_or_default().start, what));
        }
        return put(&remove(text, (table, name))?, (table, name), keys);
    }
    if let Some(item) = item
        && item.is_inline_table()
    {
        let what = format!("`{table}` is an inline table; write `[{table}.…]` tables instead");
        return Err(Misfit::at(text, item.span().unwrap_or_default().start, what));
    }
    let newline = line_break(text);
    let block = show(table, name, keys).replace('\n', newline);
    let added = if text.is_empty() {
        format!("{block}{newline}")
    } else if text.ends_with('\n') {
        format!("{text}{newline}{block}{newline}")
    } else {
        format!("{text}{newline}{newline}{block}")
    };
    // Whatever else stands in the way, such as an array of that name.
    read(&added)?;
    Ok(added)
}

pub(super) fn update(
    text: &str,
    (table, name): (&str, &str),
    keys: Keys<'_>,
) -> Result<String, Misfit> {
    let mut document = read(text)?.into_mut();
    let entry = document
        .get_mut(table)
        .and_then(|servers| servers.as_table_like_mut()?.get_mut(name)?.as_table_like_mut());
    let Some(entry) = entry else { return Ok(text.to_owned()) };
    for (key, value) in keys {
        let Some(mut new) = written(value) else { continue };
        match entry.get_mut(key).and_then(Item::as_value_mut) {
            Some(old) if plain(old) == *value => {}
            Some(old) => {
                *new.decor_mut() = old.decor().clone();
                *old = new;
            }
            None => {
                entry.insert(key, Item::Value(new));
            }
        }
    }
    Ok(with_breaks_of(text, &document))
}

pub(super) fn remove(text: &str, (table, name): (&str, &str)) -> Result<String, Misfit> {
    let document = read(text)?;
    let servers = servers(text, document.as_table().get(table), table)?;
    let Some(item) = servers.and_then(|servers| servers.get(name)) else {
        return Ok(text.to_owned());
    };
    let mut tables = Vec::new();
    if collect(item, &mut tables) {
        return Ok(spliced(text, blocks(text, tables)));
    }
    // Written in another table, or with dots: there are no lines of its own to cut out.
    let mut document = document.into_mut();
    if let Some(servers) = document.get_mut(table).and_then(Item::as_table_like_mut) {
        servers.remove(name);
    }
    Ok(with_breaks_of(text, &document))
}

pub(super) fn show(table: &str, name: &str, keys: Keys<'_>) -> String {
    let mut block = format!("[{table}.{}]", toml_edit::Key::new(name));
    for (key, value) in keys {
        if let Some(value) = written(value) {
            let _ = write!(block, "\n{key} = {value}");
        }
    }
    block
}

fn read(text: &str) -> Result<Document<&str>, Misfit> {
    Document::parse(text).map_err(|error: TomlError| {
        let start = error.span().map_or(0, |span| span.start);
        // The error's own `Display` quotes the line, and the line may hold a secret.
        Misfit::at(text, start, error.message())
    })
}

fn servers<'a>(
    text: &str,
    item: Option<&'a Item>,
    table: &str,
) -> Result<Option<&'a dyn TableLike>, Misfit> {
    let Some(item) = item else { return Ok(None) };
    let servers = item.as_table_like().ok_or_else(|| {
        let what = format!("`{table}` is not a table");
        Misfit::at(text, item.span().unwrap_or_default().start, what)
    })?;
    Ok(Some(servers))
}

/// Where a table and those inside it are, from their headers to their last values. Whether all of them
/// have a header.
fn collect(item: &Item, ranges: &mut Vec<(usize, usize)>) -> bool {
    let Item::Table(table) = item else { return false };
    if table.is_dotted() {
        return false;
    }
    if !table.is_implicit() {
        let Some(span) = table.span() else { return false };
        let ends = table.iter().filter_map(|(_, item)| match item {
            Item::Value(value) => value.span(),
            Item::Table(table) if table.is_dotted() => last_value(table),
            _ => None,
        });
        let end = ends.map(|span| span.end).fold(span.end, usize::max);
        ranges.push((span.start, end));
    }
    table.iter().all(|(_, item)| match item {
        Item::Table(table) if !table.is_dotted() => collect(item, ranges),
        Item::ArrayOfTables(_) => false,
        _ => true,
    })
}

fn last_value(table: &toml_edit::Table) -> Option<std::ops::Range<usize>> {
    let spans = table.iter().filter_map(|(_, item)| match item {
        Item::Value(value) => value.span(),
        Item::Table(table) => last_value(table),
        _ => None,
    });
    spans.max_by_key(|span| span.end)
}

/// Those ranges as whole lines, with the empty line in front of each.
fn blocks(text: &str, ranges: Vec<(usize, usize)>) -> Vec<Splice> {
    let line = line_break(text);
    ranges
        .into_iter()
        .map(|(start, end)| {
            let head = text.get(..start).unwrap_or_default();
            let mut start = head.rfind('\n').map_or(0, |at| at + 1);
            let rest = text.get(end..).unwrap_or_default();
            let end = rest.find('\n').map_or(text.len(), |at| end + at + 1);
            let mut head = text.get(..start).unwrap_or_default();
            let closed = text.get(..end).is_some_and(|text| text.ends_with('\n'));
            let mut breaks = usize::from(head.ends_with(&format!("{line}{line}")));
            breaks += usize::from(!closed);
            for _ in 0..breaks {
                head = head.strip_suffix(line).unwrap_or(head);
            }
            start = head.len();
            Splice::delete(start, end)
        })
        .collect()
}

/// The document as text. The library writes `\n`.
fn with_breaks_of(text: &str, document: &DocumentMut) -> String {
    let written = document.to_string();
    match line_break(text) {
        "\r\n" => written.replace("\r\n", "\n").replace('\n', "\r\n"),
        _ => written,
    }
}

fn keys(table: &dyn TableLike) -> Map<String, Value> {
    let key = |(key, item): (&str, &Item)| {
        let value = match item.as_value() {
            Some(value) => plain(value),
            None => Value::Object(keys(item.as_table_like()?)),
        };
        Some((key.to_owned(), value))
    };
    table.iter().filter_map(key).collect()
}

fn plain(value: &toml_edit::Value) -> Value {
    match value {
        toml_edit::Value::String(text) => Value::from(text.value().as_str()),
        toml_edit::Value::Integer(number) => Value::from(*number.value()),
        toml_edit::Value::Float(number) => Value::from(*number.value()),
        toml_edit::Value::Boolean(truth) => Value::from(*truth.value()),
        toml_edit::Value::Datetime(moment) => Value::from(moment.value().to_string()),
        toml_edit::Value::Array(items) => items.iter().map(plain).collect(),
        toml_edit::Value::InlineTable(table) => Value::Object(keys(table)),
    }
}

/// The words of our entries: text, and lists of text.
fn written(value: &Value) -> Option<toml_edit::Value> {
    match value {
        Value::String(text) => Some(text.as_str().into()),
        Value::Array(items) => {
            let items: Option<toml_edit::Array> = items.iter().map(written).collect();
            items.map(toml_edit::Value::Array)
        }
        _ => None,
    }
}

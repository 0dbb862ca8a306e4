//! Reads the table.

use super::{Body, Field, Kind, Method, Operation, Shape};

/// The operations in `text`: one a line, columns parted by tabs, `-` for nothing, names first.
///
/// A field is `name:kind`, then `!` if it is required, `*` if it may be repeated, and `=a|b` for the
/// values that it may have. A body begins with its shape, then the `type` it must have, its fields, and
/// `...` if others are allowed.
pub(super) fn table(text: &'static str) -> Option<Vec<Operation>> {
    text.lines().skip(1).map(operation).collect()
}

fn operation(line: &'static str) -> Option<Operation> {
    let columns: Vec<&str> =
        line.split('\t').map(|column| if column == "-" { "" } else { column }).collect();
    let [name, method, path, scopes, success, flags, query, takes, tool, line] = columns.as_slice()
    else {
        return None;
    };
    Some(Operation {
        name,
        method: Method::named(method)?,
        path,
        scopes: scopes.split_whitespace().collect(),
        success: success.split_whitespace().map(|code| code.parse().ok()).collect::<Option<_>>()?,
        paged: flags.contains("paged"),
        deprecated: flags.contains("deprecated"),
        query: query.split_whitespace().map(field).collect::<Option<_>>()?,
        body: body(takes)?,
        tool: Some(*tool).filter(|tool| !tool.is_empty()),
        line,
    })
}

#[expect(clippy::option_option, reason = "no body is something else than one that cannot be read")]
fn body(text: &'static str) -> Option<Option<Body>> {
    let mut words = text.split_whitespace();
    let Some(shape) = words.next() else { return Some(None) };
    let required = !shape.ends_with('?');
    let shape = match shape.trim_end_matches('?') {
        "json" => Shape::Object,
        "array" => Shape::List,
        "form" => Shape::Form,
        _ => return None,
    };
    let mut body = Body { shape, required, discriminator: None, fields: Vec::new(), open: false };
    for word in words {
        match word.strip_prefix("type=") {
            Some(discriminator) => body.discriminator = Some(discriminator),
            None if word == "..." => body.open = true,
            None => body.fields.push(field(word)?),
        }
    }
    Some(Some(body))
}

fn field(text: &'static str) -> Option<Field> {
    let (declared, values) = text.split_once('=').unwrap_or((text, ""));
    let (name, kind) = declared.split_once(':')?;
    let kind_name = kind.trim_end_matches(['!', '*']);
    let marks = kind.get(kind_name.len()..)?;
    Some(Field {
        name,
        kind: match kind_name {
            "string" => Kind::Text,
            "integer" => Kind::Integer,
            "boolean" => Kind::Boolean,
            "object" => Kind::Object,
            "array" => Kind::List,
            "file" => Kind::File,
            _ => return None,
        },
        required: marks.contains('!'),
        repeated: marks.contains('*'),
        values: values.split('|').filter(|value| !value.is_empty()).collect(),
    })
}

//! JSON as people write it: with comments, trailing commas and a layout of their own.
//!
//! The parser says where everything is, and only what must change is cut out and put in. So the bytes
//! around an entry stay, and taking the entry away again gives the text that was there before.

use std::collections::BTreeMap;

use jsonc_parser::ast::{Object, ObjectProp, Value as Node};
use jsonc_parser::common::Ranged;
use jsonc_parser::tokens::{Token, TokenAndRange};
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};
use serde_json::{Map, Value};

use super::{Keys, Misfit, Splice, line_break, spliced};

/// How entries are indented where the file does not show it.
const INDENT: &str = "  ";

pub(super) fn entries(
    text: &str,
    table: &str,
) -> Result<BTreeMap<String, Map<String, Value>>, Misfit> {
    let file = File::read(text)?;
    let Some(table) = file.table(table)? else { return Ok(BTreeMap::new()) };
    let mut entries = BTreeMap::new();
    for property in &table.object.properties {
        if let Value::Object(keys) = Value::from(property.value.clone()) {
            entries.insert(property.name.as_str().to_owned(), keys);
        }
    }
    Ok(entries)
}

pub(super) fn put(
    text: &str,
    (table, name): (&str, &str),
    keys: Keys<'_>,
) -> Result<String, Misfit> {
    let file = File::read(text)?;
    let entry = Draft::entry(keys);
    let splices = match (&file.root, file.table(table)?) {
        (None, _) => {
            return Ok(file.begun(&Draft::Table(vec![(table, Draft::Table(vec![(name, entry)]))])));
        }
        (Some(root), None) => file.added(root, 0, table, &Draft::Table(vec![(name, entry)])),
        (_, Some(found)) => match file.one(found.object, name)? {
            None => file.added(found.object, 1, name, &entry),
            Some((_, property)) if property.value.as_object().is_none() => {
                let what = format!("`{name}` is not an object");
                return Err(Misfit::at(text, property.range.start, what));
            }
            Some((_, property)) => {
                let indent = file.indent_of(property);
                vec![replaced(&property.value, file.style.render(&entry, indent))]
            }
        },
    };
    Ok(spliced(text, splices))
}

pub(super) fn update(
    text: &str,
    (table, name): (&str, &str),
    keys: Keys<'_>,
) -> Result<String, Misfit> {
    let mut text = text.to_owned();
    // Each key by itself, since one moves those after it.
    for (key, value) in keys {
        let file = File::read(&text)?;
        let Some(found) = file.table(table)? else { continue };
        let Some((_, property)) = file.one(found.object, name)? else { continue };
        let Node::Object(entry) = &property.value else { continue };
        let draft = Draft::Plain(value);
        let splices = match file.one(entry, key)? {
            Some((_, property)) if Value::from(property.value.clone()) == *value => continue,
            Some((_, property)) => vec![replaced(&property.value, file.style.render(&draft, None))],
            None => file.added(entry, 2, key, &draft),
        };
        text = spliced(&text, splices);
    }
    Ok(text)
}

pub(super) fn remove(text: &str, (table, name): (&str, &str)) -> Result<String, Misfit> {
    let file = File::read(text)?;
    let (Some(root), Some(found)) = (&file.root, file.table(table)?) else {
        return Ok(text.to_owned());
    };
    let Some((index, _)) = file.one(found.object, name)? else { return Ok(text.to_owned()) };
    let inside = found.object.range;
    let alone = found.object.properties.len() == 1 && !file.has_comments(inside.start, inside.end);
    // A table that we made stands last and on lines of its own. What was there empty, we filled on its
    // line. So an empty one goes with the entry only where nobody else has put it there.
    let ours =
        alone && found.index + 1 == root.properties.len() && found.object.text(text).contains('\n');
    let splices = if !ours {
        file.taken(found.object, index)
    } else if root.properties.len() == 1 && !file.has_comments(root.range.start, root.range.end) {
        vec![Splice::delete(root.range.start + 1, root.range.end - 1)]
    } else {
        file.taken(root, found.index)
    };
    Ok(spliced(text, splices))
}

pub(super) fn show(table: &str, name: &str, keys: Keys<'_>) -> String {
    let style = Style { newline: "\n", indent: INDENT.to_owned(), tight: false };
    let entry = Draft::Table(vec![(name, Draft::entry(keys))]);
    style.render(&Draft::Table(vec![(table, entry)]), Some(""))
}

/// What is to be written: a table keeps the order of its keys.
enum Draft<'a> {
    Plain(&'a Value),
    Table(Vec<(&'a str, Draft<'a>)>),
}

impl<'a> Draft<'a> {
    fn entry(keys: Keys<'a>) -> Self {
        Self::Table(keys.iter().map(|(key, value)| (*key, Self::Plain(value))).collect())
    }
}

/// How the file is laid out.
struct Style {
    newline: &'static str,
    /// What each level adds to the indentation.
    indent: String,
    /// Without a space after colons and commas.
    tight: bool,
}

impl Style {
    fn render(&self, draft: &Draft<'_>, indent: Option<&str>) -> String {
        match (draft, indent) {
            (Draft::Plain(value), _) => self.plain(value),
            (Draft::Table(pairs), Some(indent)) => {
                let deeper = format!("{indent}{}", self.indent);
                let lines: Vec<String> = pairs
                    .iter()
                    .map(|(key, value)| format!("{deeper}{}", self.pair(key, value, Some(&deeper))))
                    .collect();
                let (newline, between) = (self.newline, format!(",{}", self.newline));
                format!("{{{newline}{}{newline}{indent}}}", lines.join(&between))
            }
            (Draft::Table(pairs), None) => {
                let pairs: Vec<String> =
                    pairs.iter().map(|(key, value)| self.pair(key, value, None)).collect();
                format!("{{{}}}", pairs.join(self.comma()))
            }
        }
    }

    fn pair(&self, key: &str, value: &Draft<'_>, indent: Option<&str>) -> String {
        let colon = if self.tight { ":" } else { ": " };
        format!("{}{colon}{}", quoted(key), self.render(value, indent))
    }

    fn plain(&self, value: &Value) -> String {
        match value {
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| self.plain(item)).collect();
                format!("[{}]", items.join(self.comma()))
            }
            other => other.to_string(),
        }
    }

    fn comma(&self) -> &'static str {
        if self.tight { "," } else { ", " }
    }
}

/// A file, and where everything in it is.
struct File<'a> {
    text: &'a str,
    root: Option<Object<'a>>,
    tokens: Vec<TokenAndRange<'a>>,
    style: Style,
}

/// The table of servers, and which property of the file it is.
struct Found<'a> {
    index: usize,
    object: &'a Object<'a>,
}

impl<'a> File<'a> {
    fn read(text: &'a str) -> Result<Self, Misfit> {
        let collect =
            CollectOptions { comments: CommentCollectionStrategy::AsTokens, tokens: true };
        let options = ParseOptions {
            allow_comments: true,
            allow_trailing_commas: true,
            allow_loose_object_property_names: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        let parsed = parse_to_ast(text, &collect, &options).map_err(|error| {
            let mut what = error.kind().to_string();
            if let Some(first) = what.get_mut(..1) {
                first.make_ascii_lowercase();
            }
            Misfit::at(text, error.range().start, what)
        })?;
        let root = match parsed.value {
            None => None,
            Some(Node::Object(root)) => Some(root),
            Some(other) => {
                return Err(Misfit::at(text, other.range().start, "the whole is not an object"));
            }
        };
        let style = style(text, root.as_ref());
        Ok(Self { text, root, tokens: parsed.tokens.unwrap_or_default(), style })
    }

    fn table(&self, name: &str) -> Result<Option<Found<'_>>, Misfit> {
        let Some(root) = &self.root else { return Ok(None) };
        match self.one(root, name)? {
            None => Ok(None),
            Some((index, ObjectProp { value: Node::Object(object), .. })) => {
                Ok(Some(Found { index, object }))
            }
            Some((_, property)) => {
                let what = format!("`{name}` is not an object");
                Err(Misfit::at(self.text, property.range.start, what))
            }
        }
    }

    /// The property of this name. Where there are two, nobody can say which of them the client reads.
    fn one<'b>(
        &self,
        object: &'b Object<'a>,
        name: &str,
    ) -> Result<Option<(usize, &'b ObjectProp<'a>)>, Misfit> {
        let called = |(_, property): &(usize, &ObjectProp<'_>)| property.name.as_str() == name;
        let mut all = object.properties.iter().enumerate().filter(called);
        match (all.next(), all.next()) {
            (_, Some((_, second))) => {
                let what = format!("`{name}` is there a second time");
                Err(Misfit::at(self.text, second.range.start, what))
            }
            (first, None) => Ok(first),
        }
    }

    /// The file where there was nothing but space and comments.
    fn begun(&self, draft: &Draft<'_>) -> String {
        let kept = if self.text.trim().is_empty() { "" } else { self.text };
        let newline = self.style.newline;
        let between = if kept.is_empty() || kept.ends_with('\n') { "" } else { newline };
        format!("{kept}{between}{}{newline}", self.style.render(draft, Some("")))
    }

    /// A new property at the end of `object`, which is `depth` levels deep.
    fn added(
        &self,
        object: &Object<'_>,
        depth: usize,
        key: &str,
        value: &Draft<'_>,
    ) -> Vec<Splice> {
        let style = &self.style;
        let (start, end) = (object.range.start + 1, object.range.end - 1);
        let Some(last) = object.properties.last() else {
            let at = self.last_comment(start, end).unwrap_or(start);
            if depth > 0 && !object.text(self.text).contains('\n') && at == start {
                return vec![Splice::insert(at, style.pair(key, value, None))];
            }
            let outer = style.indent.repeat(depth);
            let indent = format!("{outer}{}", style.indent);
            let mut text =
                format!("{}{indent}{}", style.newline, style.pair(key, value, Some(&indent)));
            if !self.between(at, end).contains('\n') {
                text.push_str(&format!("{}{outer}", style.newline));
            }
            return vec![Splice::insert(at, text)];
        };
        let comma = self.comma(last.range.end, end);
        let after = comma.unwrap_or(last.range.end);
        if !self.between(start, last.range.start).contains('\n') {
            let pair = style.pair(key, value, None);
            let space = if style.tight { "" } else { " " };
            return match comma {
                Some(comma) => vec![Splice::insert(comma, format!("{space}{pair},"))],
                None => vec![Splice::insert(after, format!(",{space}{pair}"))],
            };
        }
        let indent = self.indent_of(last).map(str::to_owned);
        let indent = indent.unwrap_or_else(|| style.indent.repeat(depth + 1));
        let pair = style.pair(key, value, Some(&indent));
        let line = format!("{}{indent}{pair}", style.newline);
        let at = self.end_of_comments(after, end);
        match comma {
            Some(_) => vec![Splice::insert(at, format!("{line},"))],
            None => vec![Splice::insert(after, ","), Splice::insert(at, line)],
        }
    }

    /// `object` without one of its properties: the inverse of [`Self::added`].
    fn taken(&self, object: &Object<'_>, index: usize) -> Vec<Splice> {
        let Some(property) = object.properties.get(index) else { return Vec::new() };
        let next = object.properties.get(index + 1).map(|next| next.range.start);
        let comma = self.comma(property.range.end, next.unwrap_or(object.range.end - 1));
        let end = comma.unwrap_or(property.range.end);
        let before = self.tokens.iter().rfind(|token| token.range.end <= property.range.start);
        let start = match before {
            // The break after such a comment ends it.
            Some(TokenAndRange { token: Token::CommentLine(_), range })
                if !self.text.get(end..).is_some_and(begins_with_a_break) =>
            {
                range.end
                    + self
                        .between(range.end, property.range.start)
                        .find('\n')
                        .map_or(0, |at| at + 1)
            }
            Some(token) => token.range.end,
            None => property.range.start,
        };
        let mut splices = vec![Splice::delete(start, end)];
        let previous = index.checked_sub(1).and_then(|index| object.properties.get(index));
        if let (None, Some(previous)) = (comma, previous)
            && let Some(comma) = self.comma(previous.range.end, property.range.start)
        {
            let comma_start = comma - 1;
            if comma == start {
                return vec![Splice::delete(comma_start, end)];
            }
            splices.push(Splice::delete(comma_start, comma));
        }
        splices
    }

    /// The end of the comma in this range that is between properties.
    fn comma(&self, start: usize, end: usize) -> Option<usize> {
        let is_comma = |token: &&TokenAndRange<'_>| {
            token.token == Token::Comma && token.range.start >= start && token.range.end <= end
        };
        Some(self.tokens.iter().find(is_comma)?.range.end)
    }

    fn comments(&self, start: usize, end: usize) -> impl Iterator<Item = &TokenAndRange<'a>> {
        self.tokens.iter().filter(move |token| {
            matches!(token.token, Token::CommentLine(_) | Token::CommentBlock(_))
                && token.range.start >= start
                && token.range.end <= end
        })
    }

    fn has_comments(&self, start: usize, end: usize) -> bool {
        self.comments(start, end).next().is_some()
    }

    fn last_comment(&self, start: usize, end: usize) -> Option<usize> {
        self.comments(start, end).last().map(|comment| comment.range.end)
    }

    /// Where the comments end that stand behind `start` on the same line.
    fn end_of_comments(&self, start: usize, end: usize) -> usize {
        let mut at = start;
        for comment in self.comments(start, end) {
            if self.between(at, comment.range.start).contains('\n') {
                break;
            }
            at = comment.range.end;
        }
        at
    }

    /// The space in front of a property that begins its line.
    fn indent_of(&self, property: &ObjectProp<'_>) -> Option<&'a str> {
        let line = self.text.get(..property.range.start)?.rsplit_once('\n')?.1;
        line.chars().all(|space| matches!(space, ' ' | '\t')).then_some(line)
    }

    fn between(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }
}

fn style(text: &str, root: Option<&Object<'_>>) -> Style {
    let first = root.and_then(|root| root.properties.first());
    let indent = first.and_then(|first| {
        let line = text.get(..first.range.start)?.rsplit_once('\n')?.1;
        let blank = !line.is_empty() && line.chars().all(|space| matches!(space, ' ' | '\t'));
        blank.then_some(line)
    });
    let tight = first.is_some_and(|first| {
        let name = quoted(first.name.as_str()).len();
        let behind = text.get(first.range.start + name..first.value.start()).unwrap_or(": ");
        behind == ":"
    });
    Style { newline: line_break(text), indent: indent.unwrap_or(INDENT).to_owned(), tight }
}

fn replaced(node: &Node<'_>, text: String) -> Splice {
    Splice { start: node.range().start, end: node.range().end, text }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn begins_with_a_break(text: &str) -> bool {
    text.trim_start_matches([' ', '\t', '\r']).starts_with('\n')
}

//! Changes parts of a text, each named by the very text that it replaces.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::Foreign;
use crate::tools::shown::count;

/// How much of a line is quoted.
const QUOTED: usize = 100;
/// How alike a line must be to be named.
const ALIKE: f64 = 0.5;
/// How many lines are named.
const NAMED: usize = 5;

/// One replacement.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct Edit {
    /// Text as it stands in the file; must occur once.
    #[schemars(length(min = 1))]
    pub(super) old: String,
    /// What replaces it.
    pub(super) new: String,
    /// Replace every occurrence.
    #[serde(default)]
    pub(super) all: bool,
}

/// `text` after all `edits`, one after the other; or why one of them does not fit.
///
/// In a file whose lines all end in CRLF, an edit may be written with either line end.
pub(super) fn apply(text: &str, edits: &[Edit]) -> Result<String, String> {
    let returns = ends_in_crlf(text);
    let mut text = text.to_owned();
    for (index, edit) in edits.iter().enumerate() {
        let (old, new) = if returns {
            (with_returns(&edit.old), with_returns(&edit.new))
        } else {
            (edit.old.clone(), edit.new.clone())
        };
        let places: Vec<usize> = text.match_indices(&old).map(|(at, _)| at).collect();
        let name = if edits.len() > 1 { format!("edit {}: ", index + 1) } else { String::new() };
        match places.len() {
            0 => return Err(format!("{name}{}", missing(&text, &old))),
            1 => {}
            _ if edit.all => {}
            several => {
                let lines: Vec<String> =
                    places.iter().take(NAMED).map(|at| line_of(&text, *at).to_string()).collect();
                let more = if several > NAMED { ", …" } else { "" };
                return Err(format!(
                    "{name}`old` occurs {several} times, in lines {}{more}: add lines around it, or \
                     set `all`",
                    lines.join(", ")
                ));
            }
        }
        text = text.replace(&old, &new);
    }
    Ok(text)
}

/// Why `old` was not found: what is most like it.
fn missing(text: &str, old: &str) -> String {
    let first = old.lines().find(|line| !line.trim().is_empty()).unwrap_or(old);
    let wanted = first.trim();
    let mut near: Vec<(f64, usize, &str)> = (1..)
        .zip(text.lines())
        .map(|(number, line)| (likeness(wanted, line.trim()), number, line))
        .filter(|(alike, _, _)| *alike >= ALIKE)
        .collect();
    near.sort_by(|(one, _, _), (other, _, _)| other.total_cmp(one));
    let near: Vec<String> = near
        .iter()
        .take(2)
        .map(|(_, number, line)| {
            format!("line {number}: {}", Foreign::block(line, QUOTED).quoted())
        })
        .collect();
    let lines = old.lines().count();
    let what =
        if lines > 1 { format!(" ({})", count(lines, "line", "lines")) } else { String::new() };
    let mixed = if text.contains("\r\n") && old.contains('\n') {
        "; some lines of the file end in CRLF, others in LF"
    } else {
        ""
    };
    if near.is_empty() {
        format!("`old`{what} is not in the file{mixed}")
    } else {
        format!(
            "`old`{what} is not in the file as given; most like its first line: {}{mixed}",
            near.join("; ")
        )
    }
}

/// How alike two lines are; the lengths alone rule most lines out.
fn likeness(one: &str, other: &str) -> f64 {
    let (short, long) = (one.len().min(other.len()), one.len().max(other.len()));
    if short == 0 || short * 3 < long || long > 500 {
        return 0.0;
    }
    strsim::normalized_levenshtein(one, other)
}

/// The number of the line that the byte `at` is in.
fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count() + 1
}

fn ends_in_crlf(text: &str) -> bool {
    let ends = text.matches('\n').count();
    ends > 0 && ends == text.matches("\r\n").count()
}

fn with_returns(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(old: &str, new: &str) -> Edit {
        Edit { old: old.into(), new: new.into(), all: false }
    }

    #[test]
    fn replaces_one_place_after_the_other() {
        let edits = [edit("b", "B\n"), edit("B\nc", "d")];
        assert_eq!(apply("abc", &edits).unwrap(), "ad");
        let all = Edit { all: true, ..edit("a", "b") };
        assert_eq!(apply("a a a", &[all]).unwrap(), "b b b");
    }

    #[test]
    fn keeps_the_line_ends_of_a_file() {
        assert_eq!(apply("a\r\nb\r\n", &[edit("a\nb", "x\ny")]).unwrap(), "x\r\ny\r\n");
        assert_eq!(apply("a\r\nb\r\n", &[edit("b", "b\nc")]).unwrap(), "a\r\nb\r\nc\r\n");
        assert_eq!(apply("a\nb\n", &[edit("a\nb", "x\ny")]).unwrap(), "x\ny\n");
    }

    #[test]
    fn says_why_a_text_cannot_be_replaced() {
        let said = |text: &str, old: &str| apply(text, &[edit(old, "x")]).unwrap_err();
        assert_eq!(
            said("a\nb\na\n", "a"),
            "`old` occurs 2 times, in lines 1, 3: add lines around it, or set `all`"
        );
        assert_eq!(
            said("fn main() {\n    let total = 1;\n}\n", "let totl = 1;\n}"),
            "`old` (2 lines) is not in the file as given; most like its first line: line 2: \
             \"    let total = 1;\""
        );
        assert_eq!(said("a\n", "zzzzzz"), "`old` is not in the file");
        assert_eq!(
            said("a\r\nb\n", "a\nb"),
            "`old` (2 lines) is not in the file as given; most like its first line: line 1: \"a\"; some \
             lines of the file end in CRLF, others in LF"
        );
        let edits = [edit("a", "b"), edit("a", "c")];
        assert!(apply("a", &edits).unwrap_err().starts_with("edit 2: "));
    }
}

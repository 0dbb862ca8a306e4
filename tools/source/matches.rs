//! Lines in which something was found.

use schemars::JsonSchema;
use serde::Serialize;

use crate::bitbucket::Hit;
use crate::text::Foreign;
use crate::tools::shown::path;

/// How much of a line is shown.
const WIDTH: usize = 160;

/// What is looked for.
pub(super) struct Terms(String);

/// A file, and lines in it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct FileMatches {
    /// Where it is, if more than one repository was searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) repository: Option<Foreign>,
    /// At which commit, if more than one repository was searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) commit: Option<String>,
    pub(super) path: Foreign,
    /// None where only the path fits.
    pub(super) lines: Vec<LineMatch>,
    /// How many more there are.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) more_lines: usize,
}

/// A line.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct LineMatch {
    pub(super) line: u32,
    pub(super) text: Foreign,
}

impl Terms {
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_lowercase())
    }

    /// Where in `line` the text begins, in characters.
    fn place(&self, line: &str) -> Option<usize> {
        let line = line.to_lowercase();
        let at = line.find(&self.0)?;
        Some(line.get(..at).unwrap_or_default().chars().count())
    }

    fn show(&self, number: u32, line: &str) -> LineMatch {
        // A line of a minified file is as long as the file: what is around the match is enough.
        let from = self.place(line).unwrap_or_default();
        let is_long = line.chars().count() > WIDTH;
        let skipped = if is_long { from.saturating_sub(WIDTH / 2) } else { 0 };
        let part: String = line.chars().skip(skipped).take(WIDTH).collect();
        let (before, after) = (
            if skipped > 0 { "…" } else { "" },
            if line.chars().count() > skipped + WIDTH { "…" } else { "" },
        );
        LineMatch {
            line: number,
            text: Foreign::line(&format!("{before}{}{after}", part.trim()), WIDTH + 2),
        }
    }
}

impl FileMatches {
    /// The lines of a text in which the terms stand; nothing if there are none.
    pub(super) fn of_text(file: &str, text: &str, terms: &Terms) -> Option<Self> {
        let lines: Vec<LineMatch> = (1..)
            .zip(text.lines())
            .filter(|(_, line)| terms.place(line).is_some())
            .map(|(number, line)| terms.show(number, line))
            .collect();
        (!lines.is_empty()).then(|| Self::new(file, lines))
    }

    /// The lines that the index names. It takes no heed of punctuation, so lines that have the very
    /// text come before others.
    pub(super) fn of_hit(hit: &Hit, names_repository: bool, terms: &Terms) -> Self {
        let exact: Vec<&(u32, String)> =
            hit.lines.iter().filter(|(_, line)| terms.place(line).is_some()).collect();
        let chosen = if exact.is_empty() { hit.lines.iter().collect() } else { exact };
        let lines = chosen.into_iter().map(|(number, line)| terms.show(*number, line)).collect();
        let mut file = Self::new(&hit.path, lines);
        if names_repository {
            file.repository = Some(path(&hit.repository.to_string()));
            file.commit = Some(hit.commit.clone());
        }
        file
    }

    /// Keeps the first lines.
    pub(super) fn keep(&mut self, most: usize) {
        self.more_lines = self.lines.len().saturating_sub(most);
        self.lines.truncate(most);
    }

    fn new(file: &str, lines: Vec<LineMatch>) -> Self {
        Self { repository: None, commit: None, path: path(file), lines, more_lines: 0 }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_is_around_a_match_in_a_long_line() {
        let line = format!("{}needle{}", "a".repeat(5_000), "b".repeat(5_000));
        let found = FileMatches::of_text("x.js", &format!("\n{line}\n"), &Terms::new("Needle"));
        let found = found.unwrap();
        assert_eq!(found.lines[0].line, 2);
        let text = found.lines[0].text.as_str();
        assert_eq!(text, format!("…{}needle{}…", "a".repeat(80), "b".repeat(74)));
    }

    #[test]
    fn prefers_lines_with_the_very_text() {
        let hit = Hit {
            repository: "acme/shop".try_into().unwrap(),
            commit: String::new(),
            path: "a.ts".into(),
            lines: vec![(3, "a b".into()), (9, "x = a.b()".into())],
        };
        let file = FileMatches::of_hit(&hit, false, &Terms::new("a.b("));
        assert_eq!(file.lines.iter().map(|line| line.line).collect::<Vec<_>>(), [9]);
    }
}

//! Finds the place of a comment in a diff: by line number, or by the words of the line.

use std::cmp::Reverse;

use super::{Diff, FileDiff, Line, Sign};

/// How alike two lines must be for one to be offered instead of the other.
const ALIKE: f64 = 0.6;
/// How long a part of a line must be to stand for it, in bytes.
const SHORTEST_PART: usize = 6;
/// How many places an answer lists.
const LISTED: usize = 5;

/// Which file a line number counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Old,
    New,
}

/// A line, or a run of lines, of a diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: String,
    pub(crate) side: Side,
    /// The last line.
    pub(crate) line: u32,
    /// The first line, where there are several.
    pub(crate) start: Option<u32>,
}

/// Where a quotation stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Once(Place),
    /// At several places: the first few, and how many there are.
    Often(Vec<Place>, usize),
    /// Nowhere: the lines most like it, with their text.
    Never(Vec<(Place, String)>),
}

impl Diff<'_> {
    /// Where the words of `quote` stand, in the file at `path` or in all.
    ///
    /// Blanks at the ends and runs of them do not matter, nor does a `+` or `-` in front that was
    /// quoted along. The new side goes first, since that is what a reviewer usually means.
    pub(crate) fn find(&self, quote: &str, path: Option<&str>, side: Option<Side>) -> Found {
        let files: Vec<&FileDiff<'_>> = match path {
            Some(path) => self.file(path).into_iter().collect(),
            None => self.files.iter().collect(),
        };
        let sides: &[Side] = match side {
            Some(Side::New) => &[Side::New],
            Some(Side::Old) => &[Side::Old],
            None => &[Side::New, Side::Old],
        };
        let as_given: Vec<String> = normal_lines(quote.lines());
        let without_signs = normal_lines(
            quote
                .lines()
                .map(|line| line.trim_start_matches(' '))
                .map(|line| line.strip_prefix(['+', '-']).unwrap_or(line)),
        );
        // A part of a line will do, if it is long enough to mean something.
        let part = matches!(as_given.as_slice(), [only] if only.len() >= SHORTEST_PART);
        let ways = [(&as_given, false), (&without_signs, false), (&as_given, true)];
        for (words, in_part) in ways.into_iter().filter(|(_, in_part)| part || !in_part) {
            for side in sides {
                let mut places: Vec<Place> =
                    files.iter().flat_map(|file| file.places_of(words, *side, in_part)).collect();
                match places.len() {
                    0 => {}
                    1 => return places.pop().map_or(Found::Never(Vec::new()), Found::Once),
                    count => {
                        places.truncate(LISTED);
                        return Found::Often(places, count);
                    }
                }
            }
        }
        Found::Never(near(&files, without_signs.first().map_or("", String::as_str), sides))
    }
}

impl FileDiff<'_> {
    /// Whether the diff shows `line` of that side.
    pub(crate) fn shows(&self, side: Side, line: u32) -> bool {
        self.lines_of(side).any(|shown| number(shown, side) == line)
    }

    /// Which lines of that side the diff shows, as ranges.
    pub(crate) fn ranges(&self, side: Side) -> Vec<(u32, u32)> {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for line in self.lines_of(side) {
            let line = number(line, side);
            match ranges.last_mut() {
                Some((_, end)) if line == end.saturating_add(1) => *end = line,
                _ => ranges.push((line, line)),
            }
        }
        ranges
    }

    fn lines_of(&self, side: Side) -> impl Iterator<Item = &Line<'_>> {
        let other = match side {
            Side::Old => Sign::Added,
            Side::New => Sign::Removed,
        };
        self.hunks.iter().flat_map(|hunk| &hunk.lines).filter(move |line| line.sign != other)
    }

    fn places_of(&self, words: &[String], side: Side, in_part: bool) -> Vec<Place> {
        if words.is_empty() {
            return Vec::new();
        }
        let fits = |line: &str, words: &str| {
            if in_part { line.contains(words) } else { line == words }
        };
        let lines: Vec<(u32, String)> =
            self.lines_of(side).map(|line| (number(line, side), normal(line.text))).collect();
        lines
            .windows(words.len())
            .filter(|window| window.iter().zip(words).all(|((_, text), word)| fits(text, word)))
            .filter_map(|window| {
                let ((first, _), (last, _)) = (window.first()?, window.last()?);
                Some(self.place(side, *first, *last))
            })
            .collect()
    }

    fn place(&self, side: Side, first: u32, last: u32) -> Place {
        let path = match side {
            Side::New => self.path(),
            Side::Old => self.old_path.as_deref().unwrap_or_else(|| self.path()),
        };
        // Bitbucket knows a renamed file by its new path, whichever side the line is on.
        let path = if self.new_path.is_some() { self.path() } else { path };
        Place { path: path.to_owned(), side, line: last, start: (first != last).then_some(first) }
    }
}

/// The lines most like `words`.
fn near(files: &[&FileDiff<'_>], words: &str, sides: &[Side]) -> Vec<(Place, String)> {
    let mut near: Vec<(u32, Place, String)> = Vec::new();
    for file in files {
        for side in sides {
            for line in file.lines_of(*side) {
                if *side == Side::Old && line.sign == Sign::Both {
                    continue;
                }
                let text = normal(line.text);
                if text.is_empty() || text.len() > 400 {
                    continue;
                }
                let alike = if text.contains(words) && !words.is_empty() {
                    1.0
                } else {
                    strsim::normalized_damerau_levenshtein(&text, words)
                };
                if alike >= ALIKE {
                    let at = number(line, *side);
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "a share of one, in thousandths"
                    )]
                    let rank = (alike * 1000.0) as u32;
                    near.push((rank, file.place(*side, at, at), text));
                }
            }
        }
    }
    near.sort_by_key(|(rank, ..)| Reverse(*rank));
    near.truncate(3);
    near.into_iter().map(|(_, place, text)| (place, text)).collect()
}

fn number(line: &Line<'_>, side: Side) -> u32 {
    match side {
        Side::Old => line.old,
        Side::New => line.new,
    }
}

/// The lines that hold any words, without blanks at their ends and with single ones inside.
fn normal_lines<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    lines.map(normal).filter(|line| !line.is_empty()).collect()
}

fn normal(line: &str) -> String {
    crate::text::clean_line(line, usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "\
--- a/cart.ts
+++ b/cart.ts
@@ -10,4 +10,5 @@
 open()
-  round(total);
+  const cents = Math.round(total * 100);
+  check(cents);
   close();
   check(cents);
--- a/other.ts
+++ b/other.ts
@@ -1 +1 @@
-a
+  close();
";

    fn place(path: &str, side: Side, line: u32, start: Option<u32>) -> Place {
        Place { path: path.to_owned(), side, line, start }
    }

    #[test]
    fn finds_a_quoted_line_once() {
        let diff = Diff::read(DIFF);
        let once = |quote| diff.find(quote, None, None);
        assert_eq!(
            once("const  cents = Math.round(total * 100);"),
            Found::Once(place("cart.ts", Side::New, 11, None))
        );
        assert_eq!(once("- round(total);"), Found::Once(place("cart.ts", Side::Old, 11, None)));
        assert_eq!(
            once("+  const cents = Math.round(total * 100);\n+  check(cents);"),
            Found::Once(place("cart.ts", Side::New, 12, Some(11)))
        );
        assert_eq!(once("Math.round("), Found::Once(place("cart.ts", Side::New, 11, None)));
        assert_eq!(
            diff.find("close();", Some("other.ts"), None),
            Found::Once(place("other.ts", Side::New, 1, None))
        );
    }

    #[test]
    fn says_where_a_quotation_is_ambiguous() {
        let diff = Diff::read(DIFF);
        assert_eq!(
            diff.find("check(cents);", None, None),
            Found::Often(
                vec![place("cart.ts", Side::New, 12, None), place("cart.ts", Side::New, 14, None)],
                2
            )
        );
    }

    #[test]
    fn offers_the_lines_most_like_a_quotation_that_is_nowhere() {
        let diff = Diff::read(DIFF);
        assert_eq!(
            diff.find("const cent = Math.round(total);", None, None),
            Found::Never(vec![(
                place("cart.ts", Side::New, 11, None),
                "const cents = Math.round(total * 100);".to_owned()
            )])
        );
    }

    #[test]
    fn knows_which_lines_a_diff_shows() {
        let diff = Diff::read(DIFF);
        let file = diff.file("cart.ts").unwrap();
        assert_eq!(file.ranges(Side::New), [(10, 14)]);
        assert_eq!(file.ranges(Side::Old), [(10, 13)]);
        assert!(file.shows(Side::New, 14) && !file.shows(Side::New, 15));
    }
}

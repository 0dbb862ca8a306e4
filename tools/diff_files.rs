//! Files of a diff within a budget.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use crate::bitbucket::FileChange;
use crate::diff::{FileDiff, Hunk};
use crate::text::Foreign;
use crate::tools::shown::{bare, changes, count, path};

/// What a cut leaves room for: the words about it.
const CUT_NOTE: usize = 300;
/// What is left for lines at least, however long the file's name is.
const LEAST: usize = 512;
/// By how much a part's head can be longer than its hunk's.
const HEAD_GROWTH: usize = 4;

/// One file's changes.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct File {
    /// Where it is.
    pub(super) path: Foreign,
    /// What happened to it.
    status: &'static str,
    /// Where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Foreign>,
    /// Lines that came.
    pub(super) added: u64,
    /// Lines that went.
    pub(super) removed: u64,
    /// Whether git shows no lines of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    binary: bool,
    /// Its hunks.
    pub(super) diff: String,
    /// How many lines of the hunks did not fit.
    #[serde(skip_serializing_if = "is_zero")]
    lines_not_shown: usize,
    /// Where it goes on, as `from_line`, if not all of it fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_line: Option<u32>,
    /// How many lines are too long to be shown whole; a larger `max_bytes` shows more of them.
    #[serde(skip_serializing_if = "is_zero")]
    lines_cut: usize,
    /// Whether its diff is longer than what is read of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) rest_unread: bool,
}

/// As much of a hunk as fits in an answer of its own.
struct Part {
    text: String,
    lines: usize,
    /// How many of the lines are not whole.
    cut: usize,
}

/// A file that is not shown.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct LeftOut {
    /// Where it is.
    pub(super) path: Foreign,
    /// Lines that came.
    pub(super) added: u64,
    /// Lines that went.
    pub(super) removed: u64,
}

impl File {
    /// The file's hunks from the line `from` of its diff on, as many whole ones as fit in `room`.
    /// Nothing if not all fit and it is not `alone`, since then another call can get it whole.
    pub(super) fn new(file: &FileDiff<'_>, from: usize, room: usize, alone: bool) -> Option<Self> {
        let returns = file.mixes_line_ends();
        let hunks = file.hunks_from(from);
        let mut shown = Self::without_hunks(file);
        let whole: Vec<String> = hunks.iter().map(|hunk| hunk.show(returns)).collect();
        let size = whole.iter().map(|hunk| hunk.len() + 1).sum::<usize>() + shown.size();
        if size <= room {
            shown.diff = whole.join("\n");
            return Some(shown);
        }
        if !alone {
            return None;
        }
        let room = room.saturating_sub(shown.size() + CUT_NOTE).max(LEAST);
        let mut kept: Vec<String> = Vec::new();
        let (mut used, mut lines) = (0, 0);
        for hunk in &hunks {
            let part = Part::new(hunk, returns, room);
            let is_whole = part.lines == hunk.lines.len();
            // Only a hunk that would not fit in any answer of this size is cut in two.
            if !kept.is_empty() && (!is_whole || used + part.text.len() > room) {
                break;
            }
            used += part.text.len() + 1;
            lines += part.lines;
            shown.lines_cut += part.cut;
            kept.push(part.text);
            if !is_whole {
                break;
            }
        }
        shown.diff = kept.join("\n");
        shown.lines_not_shown = hunks.iter().map(|hunk| hunk.lines.len()).sum::<usize>() - lines;
        if shown.lines_not_shown > 0 {
            shown.next_line = u32::try_from(from.max(1) + lines).ok();
        }
        Some(shown)
    }

    fn without_hunks(file: &FileDiff<'_>) -> Self {
        let from = file.old_path.as_deref().filter(|old| *old != file.path());
        Self {
            path: path(file.path()),
            status: file.change.word(),
            from: from.map(path),
            added: file.added() as u64,
            removed: file.removed() as u64,
            binary: file.binary,
            diff: String::new(),
            lines_not_shown: 0,
            next_line: None,
            lines_cut: 0,
            rest_unread: false,
        }
    }

    pub(super) fn size(&self) -> usize {
        self.path.as_str().len() + self.diff.len() + 40
    }
}

impl Part {
    fn new(hunk: &Hunk<'_>, returns: bool, room: usize) -> Self {
        let room = room.saturating_sub(hunk.head().len() + HEAD_GROWTH);
        let mut lines = String::new();
        let (mut count, mut cut) = (0, 0);
        for line in &hunk.lines {
            let mut shown = line.show(returns);
            let is_cut = shown.len() >= room;
            if is_cut {
                // Its start is enough to know it by, and leaves room for others.
                shown = line.show_start(room / 4);
            }
            if count > 0 && lines.len() + shown.len() >= room {
                break;
            }
            lines.push('\n');
            lines.push_str(&shown);
            count += 1;
            cut += usize::from(is_cut);
        }
        Self { text: hunk.part(0, count).head() + &lines, lines: count, cut }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl From<&FileDiff<'_>> for LeftOut {
    fn from(file: &FileDiff<'_>) -> Self {
        Self { path: path(file.path()), added: file.added() as u64, removed: file.removed() as u64 }
    }
}

impl From<&FileChange> for LeftOut {
    fn from(file: &FileChange) -> Self {
        Self { path: path(file.path()), added: file.lines_added, removed: file.lines_removed }
    }
}

impl File {
    pub(super) fn write(&self, text: &mut String) {
        let _ = write!(text, "=== {} ({}", bare(&self.path), changes(self.added, self.removed));
        if let Some(from) = &self.from {
            let _ = write!(text, ", {} from {}", self.status, bare(from));
        } else if self.status != "modified" {
            let _ = write!(text, ", {}", self.status);
        }
        if self.binary {
            text.push_str(", binary");
        }
        text.push_str(")\n");
        // Every line of a hunk starts with a blank, `+`, `-`, `@` or `\`, and none of ours does.
        if !self.diff.is_empty() {
            text.push_str(&self.diff);
            text.push('\n');
        }
        if self.lines_cut > 0 {
            let lines = count(self.lines_cut, "line", "lines");
            let _ = writeln!(
                text,
                "cut inside: {lines} too long to fit, with only the start shown; a larger `max_bytes` \
                 (at most 262144) shows more"
            );
        }
        if let Some(line) = self.next_line {
            let path = self.path.quoted();
            let lines = count(self.lines_not_shown, "line", "lines");
            let _ = writeln!(
                text,
                "cut here, {lines} left: the rest with `paths: [{path}]` and `from_line: {line}`, or a \
                 larger `max_bytes`"
            );
        }
        if self.rest_unread {
            text.push_str(
                "there is more: the diff of this file is too large to be read to its end; `get_file` \
                 has the file on either branch\n",
            );
        }
    }
}

pub(super) fn write_left_out(text: &mut String, files: &[LeftOut], why: &str, how: &str) {
    if files.is_empty() {
        return;
    }
    let _ = write!(text, "not shown, {why}: ");
    for (index, file) in files.iter().take(50).enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}{} ({})", bare(&file.path), changes(file.added, file.removed));
    }
    if files.len() > 50 {
        let _ = write!(text, " and {}", count(files.len() - 50, "more file", "more files"));
    }
    let _ = writeln!(text, "; get with {how}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::Diff;

    /// Shows the only file of `diff` within `room`, following the marks to the end.
    fn walk(diff: &str, room: usize) -> Vec<File> {
        let diff = Diff::read(diff);
        let mut shown: Vec<File> = Vec::new();
        let mut from = 1;
        loop {
            let file = File::new(&diff.files[0], from, room, true).unwrap();
            let next = file.next_line;
            shown.push(file);
            match next {
                Some(next) => from = next as usize,
                None => return shown,
            }
            assert!(shown.len() < 100);
        }
    }

    fn text(file: &File) -> String {
        let mut text = String::new();
        file.write(&mut text);
        text
    }

    #[test]
    fn loses_no_line_of_a_hunk_that_is_cut() {
        let removed: Vec<String> = (1..=400).map(|n| format!("-old {n}")).collect();
        let added: Vec<String> = (1..=400).map(|n| format!("+new {n}")).collect();
        let all = [removed, added].concat();
        let parts = [
            ("replaced", "@@ -1,400 +1,400 @@", &all[..], "old", "new"),
            ("removed", "@@ -1,400 +0,0 @@", &all[..400], "old", "/dev/null"),
            ("added", "@@ -0,0 +1,400 @@", &all[400..], "/dev/null", "new"),
        ];
        for (what, head, lines, old, new) in parts {
            let diff = format!("--- {old}\n+++ {new}\n{head}\n{}\n", lines.join("\n"));
            let shown = walk(&diff, 2048);
            let seen: Vec<&str> = shown
                .iter()
                .flat_map(|file| file.diff.lines())
                .filter(|line| !line.starts_with('@'))
                .collect();
            assert_eq!(seen, lines, "{what}");
            let mut left = lines.len();
            for file in &shown {
                left -= file.diff.lines().count() - 1;
                assert_eq!(file.lines_not_shown, left, "{what}");
                assert!(text(file).len() <= 2048, "{what}: {}", text(file).len());
            }
        }
    }

    #[test]
    fn says_how_much_of_a_hunk_is_left_and_how_to_get_it() {
        let lines: String = (1..=200).map(|n| format!("-line {n}\n")).collect();
        let diff = format!("--- a/old.txt\n+++ /dev/null\n@@ -1,200 +0,0 @@\n{lines}");
        let first = text(&walk(&diff, 1024)[0]);
        let (head, mark) = (first.lines().nth(1).unwrap(), first.lines().last().unwrap());
        assert_eq!(head, "@@ -1,73 +0,0 @@");
        assert_eq!(
            mark,
            "cut here, 127 lines left: the rest with `paths: [\"old.txt\"]` and `from_line: 74`, or a \
             larger `max_bytes`"
        );
    }

    #[test]
    fn cuts_a_line_that_fits_nowhere_and_says_so() {
        let (old, new) = ("x".repeat(300_000), "y".repeat(300_000));
        let diff = format!("--- a/a.js\n+++ b/a.js\n@@ -1 +1 @@\n-{old}\n+{new}\n");
        let shown = walk(&diff, 1500);
        assert_eq!(shown.len(), 1);
        let (x, y) = ("x".repeat(285), "y".repeat(285));
        assert_eq!(
            text(&shown[0]),
            format!(
                "=== a.js (+1 -1)\n@@ -1 +1 @@\n-{x} … (299715 more characters)\n+{y} … (299715 more \
                 characters)\ncut inside: 2 lines too long to fit, with only the start shown; a larger \
                 `max_bytes` (at most 262144) shows more\n"
            )
        );
    }

    #[test]
    fn keeps_hunks_whole_where_they_can_be() {
        let hunk = |start: u32| -> String {
            let lines: String = (0..40).map(|n| format!("+line {n}\n")).collect();
            format!("@@ -{start},0 +{start},40 @@\n{lines}")
        };
        let diff = format!("--- a/a\n+++ b/a\n{}{}{}", hunk(1), hunk(100), hunk(200));
        let shown = walk(&diff, 1024);
        let marks: Vec<_> = shown.iter().map(|file| file.next_line).collect();
        assert_eq!(marks, [Some(41), None]);
    }
}

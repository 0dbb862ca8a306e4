//! Files of a diff within a budget.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::shape::{bare, changes, count, path};
use crate::diff::{FileDiff, Hunk};
use crate::text::Foreign;

/// What a cut leaves room for.
const CUT_NOTE: usize = 200;

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
    /// The file's hunks from `from` on, as many whole ones as fit in `room`. Nothing if not all fit
    /// and it is not `alone`, since then another call can get it whole.
    pub(super) fn new(file: &FileDiff<'_>, from: u32, room: usize, alone: bool) -> Option<Self> {
        let returns = file.mixes_line_ends();
        let hunks: Vec<Hunk<'_>> = file.hunks.iter().filter_map(|hunk| hunk.since(from)).collect();
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
        let room = room.saturating_sub(shown.size() + CUT_NOTE);
        let mut kept: Vec<String> = Vec::new();
        let mut used = 0;
        for (hunk, text) in hunks.iter().zip(whole) {
            if shown.lines_not_shown > 0 {
                shown.lines_not_shown += hunk.lines.len();
                shown.next_line.get_or_insert(hunk.new_start);
            } else if used + text.len() < room {
                used += text.len() + 1;
                kept.push(text);
            } else if kept.is_empty() {
                // A hunk that would not fit in any answer of this size is cut in two.
                let end = lines_that_fit(hunk, room);
                let part = hunk.part(0, end).show(returns);
                // One line can be longer than the whole budget.
                kept.push(crate::text::within_bytes(&part, room).to_owned());
                shown.lines_not_shown = hunk.lines.len() - end;
                shown.next_line = goes_on(hunk, end);
            } else {
                shown.lines_not_shown = hunk.lines.len();
                shown.next_line = Some(hunk.new_start);
            }
        }
        shown.diff = kept.join("\n");
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
        }
    }

    /// Says that there is more of it than `file` has, which is all that was read.
    pub(super) fn goes_on_after(&mut self, file: &FileDiff<'_>) {
        let end = file.hunks.last().map(|hunk| hunk.new_end().saturating_add(1));
        self.next_line = self.next_line.or(end);
    }

    pub(super) fn size(&self) -> usize {
        self.path.as_str().len() + self.diff.len() + 40
    }
}

/// How many lines of `hunk` fit, at least one.
fn lines_that_fit(hunk: &Hunk<'_>, room: usize) -> usize {
    let mut used = 60;
    let fitting = hunk.lines.iter().take_while(|line| {
        used += line.text.len() + 2;
        used <= room
    });
    fitting.count().max(1)
}

/// The line of the new file at which a hunk that is cut before line `end` goes on.
///
/// Lines that went have no number there: what is left of a long run of them cannot be asked for.
fn goes_on(hunk: &Hunk<'_>, end: usize) -> Option<u32> {
    let start = hunk.lines.first()?.new;
    hunk.lines.get(end..)?.iter().map(|line| line.new).find(|line| *line > start)
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
        let path = self.path.quoted();
        match (self.next_line, self.lines_not_shown) {
            (None, 0) => {}
            (Some(line), _) => {
                let _ = writeln!(
                    text,
                    "cut here: the rest with `paths: [{path}]` and `from_line: {line}`, or a larger \
                     `max_bytes`"
                );
            }
            (None, lines) => {
                let _ = writeln!(
                    text,
                    "cut here: {lines} removed lines not shown; a larger `max_bytes`, or `get_file` on \
                     the destination branch, has them"
                );
            }
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
        let _ = write!(text, " and {}", count((files.len() - 50) as u64, "more file"));
    }
    let _ = writeln!(text, "; get with {how}");
}

//! One file's change in git's unified format.
//!
//! The format is that of `git diff` (<https://git-scm.com/docs/diff-format>), quoting of paths and
//! the name of the enclosing function included, since clients have to cope with both.

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;
use std::sync::Arc;

use gix::ObjectId;
use gix::diff::blob::{Algorithm, Diff, InternedInput};

use super::diff::{DiffOptions, FileDiff, Status};

/// The file before or after the change.
pub(super) struct Side {
    pub(super) path: String,
    pub(super) mode: u16,
    pub(super) id: ObjectId,
    pub(super) bytes: Arc<[u8]>,
}

impl Side {
    /// File, link or submodule.
    pub(super) fn kind(&self) -> u16 {
        self.mode & 0o170_000
    }
}

/// Describes the change, unless there is none once white space is ignored.
pub(super) fn render(
    old: Option<&Side>,
    new: Option<&Side>,
    similarity: Option<f32>,
    options: &DiffOptions,
) -> Option<FileDiff> {
    let either = new.or(old)?;
    let status = match (old, new, similarity) {
        (_, _, Some(_)) => Status::Renamed,
        (None, _, _) => Status::Added,
        (_, None, _) => Status::Removed,
        _ => Status::Modified,
    };
    let old_name = quoted("a/", &old.unwrap_or(either).path);
    let new_name = quoted("b/", &new.unwrap_or(either).path);
    let mut head = String::new();
    let mut line = |text: std::fmt::Arguments<'_>| {
        // Writing to a `String` cannot fail.
        let _ = head.write_fmt(text);
        head.push('\n');
    };
    line(format_args!("diff --git {old_name} {new_name}"));
    match (old, new) {
        (None, Some(new)) => line(format_args!("new file mode {:06o}", new.mode)),
        (Some(old), None) => line(format_args!("deleted file mode {:06o}", old.mode)),
        (Some(old), Some(new)) if old.mode != new.mode => {
            line(format_args!("old mode {:06o}", old.mode));
            line(format_args!("new mode {:06o}", new.mode));
        }
        _ => {}
    }
    if let (Some(old), Some(new), Some(similarity)) = (old, new, similarity) {
        line(format_args!("similarity index {}%", percent(similarity)));
        line(format_args!("rename from {}", quoted("", &old.path)));
        line(format_args!("rename to {}", quoted("", &new.path)));
    }
    let (old_id, new_id) = (old.map(|side| side.id), new.map(|side| side.id));
    if old_id != new_id {
        let mode = match (old, new) {
            (Some(old), Some(new)) if old.mode == new.mode => format!(" {:06o}", new.mode),
            _ => String::new(),
        };
        line(format_args!("index {}..{}{mode}", short(old_id), short(new_id)));
    }
    let (old_bytes, new_bytes) = (bytes(old), bytes(new));
    let old_label = if old.is_some() { old_name } else { "/dev/null".into() };
    let new_label = if new.is_some() { new_name } else { "/dev/null".into() };
    let binary = is_binary(old_bytes) || is_binary(new_bytes);
    let hunks = if binary { Hunks::default() } else { hunks(old_bytes, new_bytes, options) };
    if binary && old_id != new_id {
        line(format_args!("Binary files {old_label} and {new_label} differ"));
    }
    if !hunks.text.is_empty() {
        line(format_args!("--- {}", tabbed(&old_label)));
        line(format_args!("+++ {}", tabbed(&new_label)));
    } else if options.ignore_whitespace
        && status == Status::Modified
        && !binary
        && old.map(|side| side.mode) == new.map(|side| side.mode)
    {
        return None;
    }
    let mut unified = head.into_bytes();
    unified.extend_from_slice(&hunks.text);
    Some(FileDiff {
        status,
        old_path: old.map(|side| side.path.clone()),
        new_path: new.map(|side| side.path.clone()),
        added: hunks.added,
        removed: hunks.removed,
        binary,
        unified,
    })
}

/// Whether git takes the contents for binary: a zero byte near the beginning.
pub(crate) fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(8000).any(|byte| *byte == 0)
}

#[derive(Default)]
struct Hunks {
    text: Vec<u8>,
    added: usize,
    removed: usize,
}

fn hunks(old: &[u8], new: &[u8], options: &DiffOptions) -> Hunks {
    let (old, new) = (lines(old), lines(new));
    let token = |line: &&'_ [u8]| -> Cow<'_, [u8]> {
        if options.ignore_whitespace {
            line.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect()
        } else {
            Cow::Owned(line.to_vec())
        }
    };
    let mut input = InternedInput::default();
    input.update_before(old.iter().map(token).map(Cow::into_owned));
    input.update_after(new.iter().map(token).map(Cow::into_owned));
    let mut diff = Diff::compute(Algorithm::Myers, &input);
    diff.postprocess_lines(&input);
    let changes: Vec<(Range<usize>, Range<usize>)> =
        diff.hunks().map(|hunk| (range(&hunk.before), range(&hunk.after))).collect();
    let mut written = Hunks::default();
    for group in grouped(&changes, options.context) {
        written.add(group, &old, &new, options.context);
    }
    written
}

impl Hunks {
    /// Writes changes that are near enough to each other to share their context.
    fn add(
        &mut self,
        changes: &[(Range<usize>, Range<usize>)],
        old: &[&[u8]],
        new: &[&[u8]],
        context: usize,
    ) {
        let (Some(first), Some(last)) = (changes.first(), changes.last()) else { return };
        let lead = context.min(first.0.start);
        let trail = context.min(old.len().saturating_sub(last.0.end));
        let old_range = first.0.start - lead..last.0.end + trail;
        let new_range = first.1.start.saturating_sub(lead)..(last.1.end + trail).min(new.len());
        let header = format!("@@ -{} +{} @@", span(&old_range), span(&new_range));
        self.text.extend_from_slice(header.as_bytes());
        if let Some(function) = function_before(old, old_range.start) {
            self.text.push(b' ');
            self.text.extend_from_slice(function);
        }
        self.text.push(b'\n');
        let mut at = new_range.start;
        for (before, after) in changes {
            self.lines(b' ', new, at..after.start);
            self.lines(b'-', old, before.clone());
            self.lines(b'+', new, after.clone());
            self.removed += before.len();
            self.added += after.len();
            at = after.end;
        }
        self.lines(b' ', new, at..new_range.end);
    }

    fn lines(&mut self, sign: u8, lines: &[&[u8]], range: Range<usize>) {
        for line in lines.get(range).unwrap_or_default() {
            self.text.push(sign);
            self.text.extend_from_slice(line);
            if !line.ends_with(b"\n") {
                self.text.extend_from_slice(b"\n\\ No newline at end of file\n");
            }
        }
    }
}

/// Changes in groups: those with no more than twice the context between them belong together.
fn grouped(
    changes: &[(Range<usize>, Range<usize>)],
    context: usize,
) -> impl Iterator<Item = &[(Range<usize>, Range<usize>)]> {
    changes.chunk_by(move |one, next| next.0.start.saturating_sub(one.0.end) <= 2 * context)
}

/// The line that git shows after `@@`: the nearest one above that begins with a word.
fn function_before<'a>(lines: &[&'a [u8]], start: usize) -> Option<&'a [u8]> {
    let begins_word = |line: &&&[u8]| {
        line.first().is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$'))
    };
    let line = lines.get(..start)?.iter().rev().find(begins_word)?;
    Some(line.get(..80).unwrap_or(line).trim_ascii_end())
}

/// `start,length` as hunk headers have it, where a length of one goes without saying.
fn span(range: &Range<usize>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => format!("{}", range.start + 1),
        length => format!("{},{length}", range.start + 1),
    }
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

fn range(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

fn bytes(side: Option<&Side>) -> &[u8] {
    side.map_or(&[], |side| &side.bytes)
}

fn short(id: Option<ObjectId>) -> String {
    let mut hex = id.map_or_else(|| "0000000".to_owned(), |id| id.to_string());
    hex.truncate(7);
    hex
}

/// Whole per cent, rounded down as git does.
fn percent(similarity: f32) -> u32 {
    (similarity * 100.0) as u32
}

/// A path as git writes it: in quotes and with octal escapes where it has unusual bytes.
fn quoted(prefix: &str, path: &str) -> String {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    if path.bytes().all(plain) {
        return format!("{prefix}{path}");
    }
    let mut quoted = format!("\"{prefix}");
    for byte in path.bytes() {
        match byte {
            b'\n' => quoted.push_str("\\n"),
            b'\t' => quoted.push_str("\\t"),
            b'"' => quoted.push_str("\\\""),
            b'\\' => quoted.push_str("\\\\"),
            byte if plain(byte) => quoted.push(char::from(byte)),
            byte => {
                let _ = write!(quoted, "\\{byte:03o}");
            }
        }
    }
    quoted.push('"');
    quoted
}

/// A name with a space is followed by a tab, so that `patch` knows where it ends.
fn tabbed(name: &str) -> Cow<'_, str> {
    if name.contains(' ') && !name.starts_with('"') {
        Cow::Owned(format!("{name}\t"))
    } else {
        Cow::Borrowed(name)
    }
}

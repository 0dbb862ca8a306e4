//! Reads unified diffs: files, hunks, and the number that each line has on either side.
//!
//! The format is git's (<https://git-scm.com/docs/diff-format>). Nothing in a diff is trusted: how
//! long a hunk is follows from its head, so that a changed line which looks like the start of another
//! file stays a changed line.

mod anchor;
mod generated;
mod read;

use std::borrow::Cow;
use std::fmt::Write as _;

pub(crate) use self::anchor::{Found, Place, Side};
pub(crate) use self::generated::is_generated;

/// A diff, file by file.
#[derive(Debug, Default)]
pub(crate) struct Diff<'a> {
    pub(crate) files: Vec<FileDiff<'a>>,
}

/// What happened to one file.
#[derive(Debug, Default)]
pub(crate) struct FileDiff<'a> {
    /// Where it was; nothing for a new file.
    pub(crate) old_path: Option<Cow<'a, str>>,
    /// Where it is; nothing for a removed file.
    pub(crate) new_path: Option<Cow<'a, str>>,
    pub(crate) change: Change,
    /// Git does not show its lines.
    pub(crate) binary: bool,
    pub(crate) hunks: Vec<Hunk<'a>>,
}

/// The kind of a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Change {
    Added,
    Removed,
    #[default]
    Modified,
    Renamed,
    Copied,
}

/// Lines that belong together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hunk<'a> {
    pub(crate) old_start: u32,
    pub(crate) new_start: u32,
    /// The function or heading that git found above.
    pub(crate) section: &'a str,
    pub(crate) lines: Vec<Line<'a>>,
}

/// One line, with its number on the sides that it is on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) sign: Sign,
    pub(crate) old: u32,
    pub(crate) new: u32,
    pub(crate) text: &'a str,
    /// The file ends here, without a line break.
    pub(crate) unterminated: bool,
}

/// Which side a line is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Both,
    Added,
    Removed,
}

impl<'a> Diff<'a> {
    /// Reads as much of `text` as is a diff.
    pub(crate) fn read(text: &'a str) -> Self {
        read::diff(text)
    }

    /// The file that has, or had, this path.
    pub(crate) fn file(&self, path: &str) -> Option<&FileDiff<'a>> {
        self.files.iter().find(|file| file.path() == path).or_else(|| {
            self.files.iter().find(|file| file.old_path.as_deref().is_some_and(|old| old == path))
        })
    }
}

impl<'a> FileDiff<'a> {
    /// Where it is now, or was before it was removed.
    pub(crate) fn path(&self) -> &str {
        self.new_path.as_deref().or(self.old_path.as_deref()).unwrap_or_default()
    }

    /// How many lines came.
    pub(crate) fn added(&self) -> usize {
        self.count(Sign::Added)
    }

    /// How many lines went.
    pub(crate) fn removed(&self) -> usize {
        self.count(Sign::Removed)
    }

    /// Whether some lines end in a carriage return and others do not: the only case where the
    /// returns say anything.
    pub(crate) fn mixes_line_ends(&self) -> bool {
        let mut ends = self.hunks.iter().flat_map(|hunk| &hunk.lines).map(Line::returns);
        let first = ends.next();
        ends.any(|end| Some(end) != first)
    }

    /// How many lines its hunks have.
    pub(crate) fn lines(&self) -> usize {
        self.hunks.iter().map(|hunk| hunk.lines.len()).sum()
    }

    /// Its hunks from the line `from` on, the first line of the first hunk being 1.
    ///
    /// Lines are counted in the diff, since one that went has no number in the new file. What is cut
    /// off is whole lines, so that the rest of a hunk is a hunk of its own with its own head.
    pub(crate) fn hunks_from(&self, from: usize) -> Vec<Hunk<'a>> {
        let mut skipped = from.saturating_sub(1);
        let mut hunks = Vec::new();
        for hunk in &self.hunks {
            let count = hunk.lines.len();
            if skipped < count {
                hunks.push(hunk.part(skipped, count));
            }
            skipped = skipped.saturating_sub(count);
        }
        hunks
    }

    fn count(&self, sign: Sign) -> usize {
        self.hunks.iter().flat_map(|hunk| &hunk.lines).filter(|line| line.sign == sign).count()
    }
}

impl<'a> Hunk<'a> {
    /// The hunk as a diff shows it, cleaned, with the carriage returns if `returns`.
    pub(crate) fn show(&self, returns: bool) -> String {
        let mut shown = self.head();
        for line in &self.lines {
            shown.push('\n');
            shown.push_str(&line.show(returns));
        }
        shown
    }

    /// The line with which it starts: where it stands, and how many lines it has on either side.
    pub(crate) fn head(&self) -> String {
        let count = |other: Sign| self.lines.iter().filter(|line| line.sign != other).count();
        let side = |start: u32, count: usize| match count {
            1 => start.to_string(),
            count => format!("{start},{count}"),
        };
        let mut head = format!(
            "@@ -{} +{} @@",
            side(self.old_start, count(Sign::Added)),
            side(self.new_start, count(Sign::Removed)),
        );
        let section = crate::text::clean_line(self.section, 80);
        if !section.is_empty() {
            let _ = write!(head, " {section}");
        }
        head
    }

    /// The lines from `start` up to, not including, `end` as a hunk of their own.
    pub(crate) fn part(&self, start: usize, end: usize) -> Self {
        let lines: Vec<Line<'a>> = self.lines.get(start..end).unwrap_or_default().to_vec();
        let side = |other: Sign, whole: u32, first: Option<u32>| {
            let is_on_side = |line: &Line<'_>| line.sign != other;
            let first = first.unwrap_or(whole);
            // Git numbers a side without any line by the line before it.
            match (self.lines.iter().any(is_on_side), lines.iter().any(is_on_side)) {
                (true, true) => first,
                (true, false) => first.saturating_sub(1),
                (false, _) => whole,
            }
        };
        let first = lines.first();
        Self {
            old_start: side(Sign::Added, self.old_start, first.map(|line| line.old)),
            new_start: side(Sign::Removed, self.new_start, first.map(|line| line.new)),
            section: self.section,
            lines,
        }
    }
}

impl Line<'_> {
    /// The line as a diff shows it, cleaned, with its carriage return if `returns`.
    pub(crate) fn show(&self, returns: bool) -> String {
        let returned = if returns && self.returns() { "␍" } else { "" };
        self.with_sign(&format!("{}{returned}", clean(self.text)))
    }

    /// The first `kept` bytes of the line, and a mark that says how much is missing.
    pub(crate) fn show_start(&self, kept: usize) -> String {
        let text = clean(self.text);
        let start = crate::text::within_bytes(&text, kept);
        let missing = text.chars().count() - start.chars().count();
        self.with_sign(&format!("{start} … ({missing} more characters)"))
    }

    fn with_sign(&self, text: &str) -> String {
        let end = if self.unterminated { "\n\\ No newline at end of file" } else { "" };
        format!("{}{text}{end}", self.sign.as_char())
    }

    fn returns(&self) -> bool {
        self.text.ends_with('\r')
    }
}

impl Sign {
    fn as_char(self) -> char {
        match self {
            Self::Both => ' ',
            Self::Added => '+',
            Self::Removed => '-',
        }
    }
}

impl Change {
    /// The change in a word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Modified => "modified",
            Self::Renamed => "renamed",
            Self::Copied => "copied",
        }
    }
}

/// A line without what a reader cannot see, and still one line: a carriage return or separator
/// inside it must not let its rest pose as another line of the diff.
fn clean(line: &str) -> Cow<'_, str> {
    let line = line.strip_suffix('\r').unwrap_or(line);
    match crate::text::clean(line) {
        Cow::Owned(cleaned) if cleaned.contains('\n') => Cow::Owned(cleaned.replace('\n', "␤")),
        cleaned => cleaned,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "\
diff --git a/src/cart.ts b/src/cart.ts
index 1..2 100644
--- a/src/cart.ts
+++ b/src/cart.ts
@@ -1,4 +1,5 @@ class Cart {
 one
-two
+two!
+two and a half
 three
 four
@@ -20 +21 @@
-old
\\ No newline at end of file
+new
";

    #[test]
    fn shows_a_hunk_as_it_was() {
        let diff = Diff::read(DIFF);
        let shown: Vec<String> = diff.files[0].hunks.iter().map(|hunk| hunk.show(false)).collect();
        assert_eq!(
            shown.join("\n"),
            "@@ -1,4 +1,5 @@ class Cart {\n one\n-two\n+two!\n+two and a half\n three\n four\n\
             @@ -20 +21 @@\n-old\n\\ No newline at end of file\n+new"
        );
    }

    #[test]
    fn cuts_a_hunk_into_hunks() {
        let diff = Diff::read(DIFF);
        let hunk = &diff.files[0].hunks[0];
        assert_eq!(hunk.part(0, 3).show(false), "@@ -1,2 +1,2 @@ class Cart {\n one\n-two\n+two!");
        let rest = |from| {
            let hunks = diff.files[0].hunks_from(from);
            hunks.iter().map(|hunk| hunk.show(false)).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(
            rest(4),
            "@@ -3,2 +3,3 @@ class Cart {\n+two and a half\n three\n four\n\
             @@ -20 +21 @@\n-old\n\\ No newline at end of file\n+new"
        );
        assert_eq!(rest(8), "@@ -20,0 +21 @@\n+new");
        assert_eq!(hunk.part(1, 2).show(false), "@@ -2 +1,0 @@ class Cart {\n-two");
        assert_eq!((rest(9), diff.files[0].lines()), (String::new(), 8));
    }

    #[test]
    fn keeps_a_line_one_line_whatever_is_in_it() {
        let diff =
            Diff::read("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\r\n+a\u{2028}+fake\rfaker\u{200b}\n");
        let file = &diff.files[0];
        assert!(file.mixes_line_ends());
        assert_eq!(file.hunks[0].show(true), "@@ -1 +1 @@\n-a␍\n+a␤+fake␤faker");
    }
}

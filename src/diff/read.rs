//! From a diff's text to its parts.

use std::borrow::Cow;
use std::iter::Peekable;
use std::str::Split;

use super::{Change, Diff, FileDiff, Hunk, Line, Sign};

type Lines<'a> = Peekable<Split<'a, char>>;

pub(super) fn diff(text: &str) -> Diff<'_> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let mut lines = text.split('\n').peekable();
    let mut diff = Diff::default();
    while let Some(line) = lines.next() {
        if let Some(names) = line.strip_prefix("diff --git ") {
            let (old_path, new_path) = both_names(names);
            diff.files.push(FileDiff { old_path, new_path, ..FileDiff::default() });
        } else if let Some(old) = line.strip_prefix("--- ")
            && let Some(new) = lines.peek().and_then(|next| next.strip_prefix("+++ "))
        {
            lines.next();
            let is_open = diff.files.last().is_some_and(|file| file.hunks.is_empty());
            if !is_open {
                diff.files.push(FileDiff::default());
            }
            if let Some(file) = diff.files.last_mut() {
                file.old_path = name(old);
                file.new_path = name(new);
                file.change = match (&file.old_path, &file.new_path, file.change) {
                    (None, Some(_), _) => Change::Added,
                    (Some(_), None, _) => Change::Removed,
                    (_, _, change) => change,
                };
            }
        } else if let Some(file) = diff.files.last_mut() {
            if let Some(head) = line.strip_prefix("@@ -") {
                file.hunks.extend(hunk(head, &mut lines));
            } else if file.hunks.is_empty() {
                note(file, line);
            }
        }
    }
    diff
}

/// Takes in what a line between a file's head and its first hunk says.
fn note<'a>(file: &mut FileDiff<'a>, line: &'a str) {
    if line.starts_with("new file mode ") {
        file.change = Change::Added;
        file.old_path = None;
    } else if line.starts_with("deleted file mode ") {
        file.change = Change::Removed;
        file.new_path = None;
    } else if let Some(path) = line.strip_prefix("rename from ") {
        file.change = Change::Renamed;
        file.old_path = Some(unquoted(path));
    } else if let Some(path) = line.strip_prefix("copy from ") {
        file.change = Change::Copied;
        file.old_path = Some(unquoted(path));
    } else if let Some(path) =
        line.strip_prefix("rename to ").or_else(|| line.strip_prefix("copy to "))
    {
        file.new_path = Some(unquoted(path));
    } else if line.starts_with("Binary files ") || line == "GIT binary patch" {
        file.binary = true;
    }
}

/// Reads a hunk whose head goes on with `head`, and takes its lines: as many as the head says.
fn hunk<'a>(head: &'a str, lines: &mut Lines<'a>) -> Option<Hunk<'a>> {
    let (ranges, section) = head.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let (old_start, mut old_left) = range(old)?;
    let (new_start, mut new_left) = range(new)?;
    let mut hunk = Hunk { old_start, new_start, section: section.trim(), lines: Vec::new() };
    let (mut old, mut new) = (old_start, new_start);
    while let Some(&line) = lines.peek() {
        if line.starts_with('\\') {
            if let Some(last) = hunk.lines.last_mut() {
                last.unterminated = true;
            }
            lines.next();
            continue;
        }
        if old_left == 0 && new_left == 0 {
            break;
        }
        // Some tools strip the blank of an empty context line.
        let (sign, text) = match line.as_bytes().first() {
            None => (Sign::Both, ""),
            Some(b' ') => (Sign::Both, line.get(1..).unwrap_or_default()),
            Some(b'+') => (Sign::Added, line.get(1..).unwrap_or_default()),
            Some(b'-') => (Sign::Removed, line.get(1..).unwrap_or_default()),
            Some(_) => break,
        };
        lines.next();
        hunk.lines.push(Line { sign, old, new, text, unterminated: false });
        if sign != Sign::Added {
            old = old.saturating_add(1);
            old_left = old_left.saturating_sub(1);
        }
        if sign != Sign::Removed {
            new = new.saturating_add(1);
            new_left = new_left.saturating_sub(1);
        }
    }
    Some(hunk)
}

/// `12,3` is three lines from line 12 on; `12` is one.
fn range(text: &str) -> Option<(u32, u32)> {
    match text.split_once(',') {
        Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
        None => Some((text.parse().ok()?, 1)),
    }
}

/// The name on a `---` or `+++` line; nothing for `/dev/null`.
fn name(text: &str) -> Option<Cow<'_, str>> {
    // Git ends a name that holds blanks with a tab.
    let text = text.strip_suffix('\r').unwrap_or(text);
    let text = text.strip_suffix('\t').unwrap_or(text);
    if text == "/dev/null" {
        return None;
    }
    Some(without_side(unquoted(text)))
}

/// Both names of a `diff --git` line, which matter where no other line gives them: then they are
/// the same.
fn both_names(text: &str) -> (Option<Cow<'_, str>>, Option<Cow<'_, str>>) {
    if text.starts_with('"')
        && let Some(end) = text.get(1..).and_then(|rest| rest.find("\" ")).map(|at| at + 2)
    {
        let (old, new) = text.split_at(end);
        return (Some(without_side(unquoted(old))), Some(without_side(unquoted(new.trim_start()))));
    }
    let middle = text.len() / 2;
    let split = if text.as_bytes().get(middle) == Some(&b' ') && text.is_char_boundary(middle) {
        text.split_at(middle)
    } else {
        text.split_once(' ').unwrap_or((text, text))
    };
    (Some(without_side(unquoted(split.0))), Some(without_side(unquoted(split.1.trim_start()))))
}

/// Takes away the `a/` or `b/` in front.
fn without_side(name: Cow<'_, str>) -> Cow<'_, str> {
    match name {
        Cow::Borrowed(name) => Cow::Borrowed(
            name.strip_prefix("a/").or_else(|| name.strip_prefix("b/")).unwrap_or(name),
        ),
        Cow::Owned(name) => Cow::Owned(without_side(Cow::Borrowed(&name)).into_owned()),
    }
}

/// Undoes git's quoting of unusual names (`core.quotePath`): C escapes and octal bytes.
fn unquoted(text: &str) -> Cow<'_, str> {
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        return Cow::Borrowed(text);
    };
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.bytes().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(digit @ b'0'..=b'7') => {
                let mut value = u32::from(digit - b'0');
                for _ in 0..2 {
                    let Some(next) = rest.next_if(|next| (b'0'..=b'7').contains(next)) else {
                        break;
                    };
                    value = value * 8 + u32::from(next - b'0');
                }
                bytes.push(u8::try_from(value).unwrap_or(b'?'));
            }
            Some(b'n') => bytes.push(b'\n'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'r') => bytes.push(b'\r'),
            Some(other) => bytes.push(other),
            None => {}
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(text: &str) -> Vec<String> {
        let describe = |file: &FileDiff<'_>| {
            format!(
                "{} {} <- {} +{} -{}{}",
                file.change.word(),
                file.new_path.as_deref().unwrap_or("nothing"),
                file.old_path.as_deref().unwrap_or("nothing"),
                file.added(),
                file.removed(),
                if file.binary { " binary" } else { "" },
            )
        };
        diff(text).files.iter().map(describe).collect()
    }

    #[test]
    fn tells_what_happened_to_each_file() {
        let text = "\
diff --git a/new.txt b/new.txt
new file mode 100644
index 0000000..1
--- /dev/null
+++ b/new.txt
@@ -0,0 +1,2 @@
+one
+two
diff --git a/gone.txt b/gone.txt
deleted file mode 100644
--- a/gone.txt
+++ /dev/null
@@ -1 +0,0 @@
-one
diff --git a/a b.txt b/c d.txt
similarity index 90%
rename from a b.txt
rename to c d.txt
--- a/a b.txt\t
+++ b/c d.txt\t
@@ -1 +1 @@
-one
+two
diff --git a/logo.png b/logo.png
index 1..2 100644
Binary files a/logo.png and b/logo.png differ
diff --git \"a/docs/\\303\\251t\\303\\251.md\" \"b/docs/\\303\\251t\\303\\251.md\"
old mode 100644
new mode 100755
diff --git a/empty file b/empty file
new file mode 100644
";
        assert_eq!(
            summary(text),
            [
                "added new.txt <- nothing +2 -0",
                "removed nothing <- gone.txt +0 -1",
                "renamed c d.txt <- a b.txt +1 -1",
                "modified logo.png <- logo.png +0 -0 binary",
                "modified docs/été.md <- docs/été.md +0 -0",
                "added empty file <- nothing +0 -0",
            ]
        );
    }

    #[test]
    fn takes_a_changed_line_for_a_changed_line_whatever_it_looks_like() {
        let text = "\
--- a/x
+++ b/x
@@ -1,2 +1,3 @@
-diff --git a/y b/y
--- a/y
+++ b/y
+@@ -1 +1 @@
+diff --git a/y b/y
";
        assert_eq!(summary(text), ["modified x <- x +3 -2"]);
    }

    #[test]
    fn numbers_the_lines_of_both_sides() {
        let text = "--- a/x\n+++ b/x\n@@ -10,3 +20,3 @@\n a\n-b\n+c\n d\n";
        let read = diff(text);
        let numbers: Vec<(u32, u32, &str)> = read.files[0].hunks[0]
            .lines
            .iter()
            .map(|line| (line.old, line.new, line.text))
            .collect();
        assert_eq!(numbers, [(10, 20, "a"), (11, 21, "b"), (12, 21, "c"), (12, 22, "d")]);
    }

    #[test]
    fn survives_what_is_no_diff() {
        for text in [
            "",
            "\n",
            "@@ -1 +1 @@\n",
            "diff --git \n@@ -x +y @@\n",
            "--- \n+++ \n@@ -4294967295,9 +1 @@\n a\n b",
        ] {
            let _ = diff(text);
        }
    }
}

//! How several tools show the same things.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::bitbucket::{RepositoryId, Resolved, User};
use crate::text::Foreign;

/// How long a name may be in a list, in characters.
pub(super) const NAME: usize = 120;
/// How long a path may be.
pub(super) const PATH: usize = 1_024;
/// How long a path or a branch's name may be where many stand in one answer.
const SHOWN_PATH: usize = 500;
/// How long the first line of a message or a description may be.
pub(super) const LINE: usize = 160;

/// The last line of a list that goes on.
pub(super) fn more(text: &mut String, cursor: Option<&String>) {
    if let Some(cursor) = cursor {
        let _ = write!(text, "\nmore: call again with cursor \"{cursor}\"");
    }
}

/// The day of a time in RFC 3339.
pub(super) fn day(time: &str) -> &str {
    time.get(..10).unwrap_or(time)
}

/// A time as outputs hold it, without fractions of a second.
pub(super) fn time(time: Timestamp) -> String {
    let whole = Timestamp::from_second(time.as_second()).unwrap_or(time);
    whole.to_string()
}

/// A number of bytes as people say it.
pub(super) fn size(bytes: u64) -> String {
    let tenths = |unit: u64| {
        let tenths = bytes.saturating_mul(10) / unit;
        if tenths >= 100 {
            format!("{}", tenths / 10)
        } else {
            format!("{}.{}", tenths / 10, tenths % 10)
        }
    };
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KB", tenths(1_024)),
        1_048_576..1_073_741_824 => format!("{} MB", tenths(1_048_576)),
        _ => format!("{} GB", tenths(1_073_741_824)),
    }
}

/// `acme/shop at "main" (9f2c1d7a1b2c)`
pub(super) fn at(repository: &str, revision: Option<&Foreign>, commit: &str) -> String {
    let short = commit.get(..12).unwrap_or(commit);
    match revision {
        Some(revision) => format!("{repository} at {} ({short})", revision.quoted()),
        None => format!("{repository} at {short}"),
    }
}

/// [`at`], before there is an output.
pub(super) fn place(id: &RepositoryId, resolved: &Resolved) -> String {
    at(&id.to_string(), revision(resolved).as_ref(), &resolved.hash)
}

/// The name that a revision was looked up by.
pub(super) fn revision(resolved: &Resolved) -> Option<Foreign> {
    resolved.name.as_deref().map(|name| Foreign::line(name, NAME))
}

/// `3 branches`, `1 branch`
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Foreign text on a line of ours: as it is if it is one plain word, such as a branch, path or
/// nickname, and in quotes otherwise.
pub(super) fn bare(text: &Foreign) -> String {
    let plain = |character: char| character.is_alphanumeric() || "._/@+-".contains(character);
    let word = text.as_str();
    if !word.is_empty() && word.chars().count() <= 120 && word.chars().all(plain) {
        word.to_owned()
    } else {
        text.quoted()
    }
}

/// A path or a branch's name.
pub(super) fn path(text: &str) -> Foreign {
    Foreign::line(text, SHOWN_PATH)
}

/// How many lines came and went.
pub(super) fn changes(added: u64, removed: u64) -> String {
    format!("+{added} -{removed}")
}

/// A hash, short enough to read and long enough to be the only one.
pub(super) fn short(hash: &str) -> String {
    hash.get(..12).unwrap_or(hash).to_owned()
}

/// What people call somebody.
pub(super) fn person(user: &User) -> Foreign {
    Foreign::line(user.name().unwrap_or("somebody"), NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_sizes_as_people_do() {
        for (bytes, said) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1.0 KB"),
            (1_434, "1.4 KB"),
            (20_480, "20 KB"),
            (5 * 1_048_576, "5.0 MB"),
            (3 * 1_073_741_824, "3.0 GB"),
        ] {
            assert_eq!(size(bytes), said);
        }
    }

    #[test]
    fn shows_times_without_fractions() {
        let noon: Timestamp = "2026-11-24T12:00:00.123456+00:00".parse().unwrap();
        assert_eq!(time(noon), "2026-11-24T12:00:00Z");
        assert_eq!(day(&time(noon)), "2026-11-24");
    }
}

//! What is wrong with a configuration: all of it at once, in the names that the user typed.

use std::fmt;

/// Everything that is wrong. Never empty when it is an error.
#[derive(Debug, thiserror::Error)]
pub struct Problems(pub(super) Vec<Problem>);

impl Problems {
    /// One problem each.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => write!(f, "the configuration has a problem")?,
            count => write!(f, "the configuration has {count} problems")?,
        }
        self.0.iter().try_for_each(|problem| write!(f, "\n\n{problem}"))
    }
}

/// One thing that is wrong.
#[derive(Debug)]
pub struct Problem {
    /// The setting, as the user named it: a flag, a variable, or a key and its file.
    pub name: String,
    /// What is wrong with it, as the rest of the sentence.
    pub what: String,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}\n  hint: {}", self.name, self.what, self.hint)
    }
}

/// A value that does not fit, before anybody knows under which name it was given.
#[derive(Debug)]
pub(super) struct Misfit {
    /// What is wrong, as the rest of a sentence.
    pub(super) what: String,
    /// What to do about it.
    pub(super) hint: String,
}

impl Misfit {
    /// A value that does not fit.
    pub(super) fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }

    /// The same under the name that the user typed.
    pub(super) fn named(self, name: &str) -> Problem {
        Problem { name: name.to_owned(), what: self.what, hint: self.hint }
    }
}

/// A value as it may be shown: on one line, and not too long.
pub(super) fn shown(value: &str) -> String {
    shown_within(value, 60)
}

/// The same, with the most characters that are shown.
pub(super) fn shown_within(value: &str, longest: usize) -> String {
    let mut text: String = value.chars().take(longest).flat_map(char::escape_debug).collect();
    if value.chars().nth(longest).is_some() {
        text.push('…');
    }
    text
}

/// The known name that looks most like `name`.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known.into_iter().max_by(|left, right| {
        strsim::jaro_winkler(name, left).total_cmp(&strsim::jaro_winkler(name, right))
    })
}

//! How pull requests, people and files look in an answer.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::bitbucket::{End, PullRequest};
use crate::text::Foreign;
pub(super) use crate::tools::shown::{bare, changes, path, person, short};

/// The longest name that is shown whole.
const NAME: usize = 80;
/// The longest title that is shown whole.
const TITLE: usize = 200;

/// One side of a pull request.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Branch {
    /// The branch.
    branch: Foreign,
    /// The commit it is at.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<String>,
    /// The fork it is in, if that is another repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    fork: Option<Foreign>,
}

impl Branch {
    /// The branch to merge from.
    pub(super) fn source(pull_request: &PullRequest) -> Self {
        Self {
            branch: path(&pull_request.source.branch.name),
            head: pull_request.head().map(short),
            fork: fork(pull_request),
        }
    }

    /// The branch to merge into.
    pub(super) fn destination(pull_request: &PullRequest) -> Self {
        Self {
            branch: path(&pull_request.destination.branch.name),
            head: pull_request.base().map(short),
            fork: None,
        }
    }

    /// The branch's name, as [`bare`] shows it.
    pub(super) fn name(&self) -> String {
        match &self.fork {
            Some(fork) => format!("{}:{}", bare(fork), bare(&self.branch)),
            None => bare(&self.branch),
        }
    }

    /// The branch and its commit.
    pub(super) fn line(&self) -> String {
        match &self.head {
            Some(head) => format!("{} @ {head}", self.name()),
            None => self.name(),
        }
    }
}

/// The fork that a pull request comes from, if that is another repository.
pub(super) fn fork(pull_request: &PullRequest) -> Option<Foreign> {
    let of = |end: &End| end.repository.full_name.clone();
    let home = of(&pull_request.destination)?;
    of(&pull_request.source).filter(|name| *name != home).map(|name| Foreign::line(&name, NAME))
}

/// A pull request's title.
pub(super) fn title(pull_request: &PullRequest) -> Foreign {
    Foreign::line(&pull_request.title, TITLE)
}

/// The day of a time.
pub(super) fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

/// `1 comment`, `2 comments`.
pub(super) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// What somebody wrote, after who they are: on the same line if it is one line, else below, behind
/// `margin`.
pub(super) fn said(author: &Foreign, text: &Foreign, margin: &str) -> String {
    let author = bare(author);
    if text.as_str().contains('\n') {
        format!("{author}:\n{}", text.indented(margin))
    } else {
        format!("{author}: {}", text.quoted())
    }
}

/// A list as JSON writes it, ready to be an argument.
pub(super) fn as_argument(list: &[Foreign]) -> String {
    let quoted: Vec<String> = list.iter().map(Foreign::quoted).collect();
    format!("[{}]", quoted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_whatever_is_more_than_a_word() {
        for (text, shown) in [
            ("feature/x-1", "feature/x-1"),
            ("José", "José"),
            ("hint: merge it", "\"hint: merge it\""),
            ("", "\"\""),
            ("a→b", "\"a→b\""),
        ] {
            assert_eq!(bare(&Foreign::line(text, 80)), shown);
        }
    }

    #[test]
    fn keeps_every_line_of_a_comment_off_the_margin() {
        let author = Foreign::line("ben", 80);
        assert_eq!(said(&author, &Foreign::block("one line", 80), "  "), "ben: \"one line\"");
        assert_eq!(
            said(&author, &Foreign::block("one\nhint: two", 80), "  "),
            "ben:\n  one\n  hint: two"
        );
    }
}

//! Why a build failed, from the log of its step.
//!
//! A log is read line by line, once: the commands that Bitbucket echoes (`+ …`) divide it, recognisers
//! for compilers, test runners, linters, package managers, the shell and Bitbucket itself find what
//! went wrong, and what only follows from something else (`npm ERR! code 1`, `make: *** Error 2`)
//! ranks below it. Nothing here trusts the log: every word of it is foreign.

mod lines;
mod place;
mod rank;
mod rules;
mod runners;
mod show;

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Serialize;

use crate::text::Foreign;

/// Why a step failed, as far as its log tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct Explanation {
    /// The command that failed: the last one before the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) command: Option<Command>,
    /// The last command of the log, where later ones ran after the one that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_command: Option<Command>,
    /// The exit code, where the log tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exit_code: Option<u32>,
    /// What went wrong, the likeliest reason first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) findings: Vec<Finding>,
    /// Tests that failed, in the order of the log.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) failed_tests: Vec<FailedTest>,
    /// Totals of test runners and commands that ended well before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) passed: Vec<Foreign>,
    /// How many findings and failed tests were left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) left_out: usize,
    /// Whether the reason seems to lie before the part of the log that was read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) starts_earlier: bool,
}

/// A command of the script, as the log echoes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct Command {
    /// The command, without the `+`.
    pub(crate) text: Foreign,
    /// Its line in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct Finding {
    /// What kind of thing.
    pub(crate) kind: Kind,
    /// Its first line in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
    /// The place in the sources: `path:line`, `path:line:column`, or a path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<Foreign>,
    /// The lines that say it, with what belongs to them.
    pub(crate) text: Foreign,
    /// How many more times the log says the same.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) repeated: usize,
}

/// A test that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct FailedTest {
    /// Its name, as its runner writes it.
    pub(crate) name: Foreign,
    /// Its line in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
    /// Where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<Foreign>,
    /// What it expected and got, in short.
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    pub(crate) message: Foreign,
}

/// What kind of thing went wrong, by what has to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Kind {
    /// The step or the build ran out of memory.
    Memory,
    /// A time limit was exceeded.
    Timeout,
    /// No space was left.
    Disk,
    /// A compiler, a bundler or an interpreter did not accept the sources.
    Compile,
    /// A test failed.
    Test,
    /// A program ended with an exception or a panic.
    Exception,
    /// A linter or a formatter found fault.
    Lint,
    /// A variable is not set.
    Variable,
    /// A program is not there.
    MissingCommand,
    /// A file or folder is not there.
    MissingFile,
    /// Something was not allowed, or credentials were wrong.
    Permission,
    /// A package or an image could not be resolved or fetched.
    Package,
    /// A host was not reached.
    Network,
    /// An image could not be built.
    Image,
    /// Bitbucket says that the step or its definition is wrong.
    Pipeline,
    /// Something else that calls itself an error.
    Error,
    /// What follows from another error.
    Consequence,
}

/// Why the step failed whose log, or a part of it, is `text`.
///
/// `first_line` is the number of its first line: 1 for a whole log, more for a window, nothing for a
/// tail whose place is not known, where no finding has a line number.
pub(crate) fn explain(text: &str, first_line: Option<u64>) -> Explanation {
    let lines = lines::read(text, first_line);
    rank::explanation(&lines, first_line != Some(1))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

//! An explanation as an agent reads it, within a budget.

use std::fmt::Write as _;

use super::{Explanation, FailedTest, Finding, Kind};
use crate::text::Foreign;

impl Explanation {
    /// The explanation without its least worthy parts, so that [`show`](Self::show) takes at most
    /// `max_bytes`, if that many hold the command that failed and one finding.
    pub(crate) fn within(mut self, max_bytes: usize) -> Self {
        while self.show().len() > max_bytes {
            let shown = self.failed_tests.len() + self.findings.len();
            if self.passed.len() > 1 {
                self.passed.pop();
            } else if shown > 1 {
                // The first of either kind stays as long as possible: tests go first, if there are more.
                if self.failed_tests.len() >= self.findings.len() {
                    self.failed_tests.pop();
                } else {
                    self.findings.pop();
                }
                self.left_out += 1;
            } else if !self.shorten() && self.passed.pop().is_none() {
                break;
            }
        }
        self
    }

    /// Everything it says, every word of the log quoted or indented; no line break at the end.
    pub(crate) fn show(&self) -> String {
        let mut shown = String::new();
        if let Some(command) = &self.command {
            let _ = write!(shown, "failed command: {}", command.text.quoted());
            let told = [
                self.exit_code.map(|code| format!("exit code {code}")),
                command.line.map(|line| format!("log line {line}")),
            ];
            let told: Vec<String> = told.into_iter().flatten().collect();
            if !told.is_empty() {
                let _ = write!(shown, " ({})", told.join(", "));
            }
            shown.push('\n');
        } else if let Some(code) = self.exit_code {
            let _ = writeln!(shown, "exit code {code}");
        }
        if let Some(command) = &self.last_command {
            let _ = writeln!(shown, "later commands ran, the last: {}", command.text.quoted());
        }
        for finding in &self.findings {
            show_finding(&mut shown, finding);
        }
        for test in &self.failed_tests {
            show_test(&mut shown, test);
        }
        if self.left_out > 0 {
            let _ = writeln!(shown, "{} more left out", self.left_out);
        }
        if self.findings.is_empty() && self.failed_tests.is_empty() {
            shown.push_str("no line of the log that was read says why\n");
        }
        if self.starts_earlier {
            shown.push_str("the reason seems to lie before the part of the log that was read\n");
        }
        if !self.passed.is_empty() {
            let passed: Vec<String> = self.passed.iter().map(Foreign::quoted).collect();
            let _ = writeln!(shown, "before and in total: {}", passed.join(", "));
        }
        shown.truncate(shown.trim_end().len());
        shown
    }

    /// Cuts the text of what is left; whether there was anything to cut.
    fn shorten(&mut self) -> bool {
        let texts = self.findings.iter_mut().map(|finding| &mut finding.text);
        let messages = self.failed_tests.iter_mut().map(|test| &mut test.message);
        let longest = texts.chain(messages).max_by_key(|text| text.as_str().len());
        let Some(text) = longest.filter(|text| text.as_str().len() > SHORTEST) else {
            return false;
        };
        *text = Foreign::block(
            crate::text::within_bytes(text.as_str(), text.as_str().len() / 2),
            SHORTEST * 8,
        );
        true
    }
}

/// A text of fewer bytes is not cut any further.
const SHORTEST: usize = 160;

impl Kind {
    /// What it is called.
    fn words(self) -> &'static str {
        match self {
            Self::Memory => "out of memory",
            Self::Timeout => "time limit",
            Self::Disk => "disk full",
            Self::Compile => "compile error",
            Self::Test => "test failure",
            Self::Exception => "exception",
            Self::Lint => "lint error",
            Self::Variable => "missing variable",
            Self::MissingCommand => "missing command",
            Self::MissingFile => "missing file",
            Self::Permission => "not permitted",
            Self::Package => "package error",
            Self::Network => "network error",
            Self::Image => "image error",
            Self::Pipeline => "pipeline error",
            Self::Error => "error",
            Self::Consequence => "consequence",
        }
    }
}

fn show_finding(shown: &mut String, finding: &Finding) {
    shown.push_str(finding.kind.words());
    show_where(shown, finding.place.as_ref(), finding.line);
    if finding.repeated > 0 {
        let _ = write!(shown, ", {} more times", finding.repeated);
    }
    let _ = writeln!(shown, ":\n{}", finding.text.indented("  "));
}

fn show_test(shown: &mut String, test: &FailedTest) {
    let _ = write!(shown, "failed test {}", test.name.quoted());
    show_where(shown, test.place.as_ref(), test.line);
    if test.message.is_empty() {
        shown.push('\n');
    } else {
        let _ = writeln!(shown, ":\n{}", test.message.indented("  "));
    }
}

fn show_where(shown: &mut String, place: Option<&Foreign>, line: Option<u64>) {
    if let Some(place) = place {
        let _ = write!(shown, " at {}", place.quoted());
    }
    if let Some(line) = line {
        let _ = write!(shown, " (log line {line})");
    }
}

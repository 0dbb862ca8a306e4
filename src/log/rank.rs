//! From what the lines say to what the reason is.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::lines::Line;
use super::rules::{REASON, Rule, Take, rule};
use super::{Command, Explanation, FailedTest, Finding, Kind, place, runners};
use crate::text::Foreign;

/// So many findings and so many failed tests are told.
const FINDINGS: usize = 4;
const TESTS: usize = 8;

/// A failed test weighs so much.
const TEST: u8 = 86;

/// What ran between one command and the next.
#[derive(Default)]
struct Section {
    command: Option<Command>,
    found: Vec<Found>,
    tests: Vec<FailedTest>,
    totals: Vec<Foreign>,
    exit_code: Option<u32>,
}

/// A finding with how likely it is the reason.
struct Found {
    weight: u8,
    /// How many lines of the log it takes.
    lines: usize,
    finding: Finding,
}

/// Why the step failed that wrote `lines`, of which `is_part` says whether they are not all.
pub(super) fn explanation(lines: &[Line], is_part: bool) -> Explanation {
    let mut sections = sections(lines);
    let is_reason = |section: &Section| section.weight() >= REASON;
    let blamed = sections
        .iter()
        .rposition(is_reason)
        .or_else(|| sections.iter().rposition(|section| section.weight() > 0))
        .unwrap_or(sections.len().saturating_sub(1));
    let later = sections.split_off((blamed + 1).min(sections.len()));
    let Some(section) = sections.pop() else { return Explanation::default() };
    let starts_earlier = is_part && section.weight() < REASON;
    let exit_code = later.iter().chain([&section]).find_map(|section| section.exit_code);
    let last_command = later.into_iter().filter_map(|section| section.command).next_back();
    let mut passed = section.totals.clone();
    passed.extend(earlier_commands(&sections));
    let (findings, tests) = section.chosen();
    let left_out = findings.len().saturating_sub(FINDINGS) + tests.len().saturating_sub(TESTS);
    let mut explanation = Explanation {
        command: section.command,
        last_command,
        exit_code,
        findings,
        failed_tests: tests,
        passed,
        left_out,
        starts_earlier,
    };
    explanation.findings.truncate(FINDINGS);
    explanation.failed_tests.truncate(TESTS);
    explanation
}

impl Section {
    fn weight(&self) -> u8 {
        let found = self.found.iter().map(|found| found.weight).max().unwrap_or(0);
        if self.tests.is_empty() { found } else { found.max(TEST) }
    }

    /// Reasons without their consequences, the likeliest first; consequences where nothing else is.
    fn chosen(&self) -> (Vec<Finding>, Vec<FailedTest>) {
        let heaviest = self.weight();
        // What tests write is full of errors that were meant to happen.
        let least = match heaviest {
            _ if !self.tests.is_empty() => TEST + 1,
            REASON.. => REASON.max(heaviest.saturating_sub(25)),
            _ => heaviest.saturating_sub(20).max(1),
        };
        let mut chosen: Vec<(u8, Finding)> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for found in self.found.iter().filter(|found| found.weight >= least) {
            let first = found.finding.text.as_str().lines().next().unwrap_or_default();
            let key =
                format!("{:?} {:?} {}", found.finding.kind, found.finding.place, first.trim());
            if let Some((_, same)) = known.get(&key).and_then(|at| chosen.get_mut(*at)) {
                same.repeated += 1;
            } else {
                known.insert(key, chosen.len());
                chosen.push((found.weight, found.finding.clone()));
            }
        }
        chosen.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        (chosen.into_iter().map(|(_, finding)| finding).collect(), self.tests.clone())
    }

    fn add_test(&mut self, block: runners::Block, line: Option<u64>, is_short: bool) {
        let known = self.tests.iter().position(|test| {
            let known = test.name.as_str();
            known == block.name || is_short && is_same_test(known, &block.name)
        });
        if let Some(known) = known {
            // A list that comes before the reports says less than they do.
            if is_short || self.tests.get(known).is_some_and(|test| !test.message.is_empty()) {
                return;
            }
            self.tests.remove(known);
        }
        // A Go test fails with its parts: the parts say why.
        self.tests.retain(|test| !block.name.starts_with(&format!("{}/", test.name.as_str())));
        self.tests.push(FailedTest {
            name: Foreign::line(&block.name, 160),
            line,
            place: block.place.map(|place| Foreign::line(&place, 160)),
            message: Foreign::block(&block.message, 500),
        });
    }
}

/// Whether a runner's list and its report mean the same test by `listed` and `reported`.
fn is_same_test(reported: &str, listed: &str) -> bool {
    let words = |name: &str| -> String {
        let name = name.split(['(', '[']).next().unwrap_or_default();
        name.replace("::", ".").rsplit(['.', ' ']).next().unwrap_or_default().to_owned()
    };
    words(reported) == words(listed) || listed.contains(reported)
}

fn sections(lines: &[Line]) -> Vec<Section> {
    let mut sections = vec![Section::default()];
    let (mut at, mut in_list, mut heading, mut is_over) = (0, false, None, false);
    while let (Some(line), Some(section)) = (lines.get(at), sections.last_mut()) {
        let text = line.text.as_str();
        is_over |= is_teardown(text);
        in_list |= runners::begins_list(text);
        if is_over {
            // Nothing of what Bitbucket does afterwards is the reason, except its own verdict.
            if let Some(rule) = rule(text).filter(|rule| rule.weight >= 92) {
                section.found.push(found(lines, at, rule, None));
            }
            at += 1;
            continue;
        }
        if let Some(command) = command(lines, at) {
            let command = Command { text: Foreign::line(command, 160), line: line.number };
            sections.push(Section { command: Some(command), ..Section::default() });
            (in_list, heading) = (false, None);
            at += 1;
            continue;
        }
        if let Some(code) = exit_code(text) {
            section.exit_code = Some(code);
        }
        if let Some(total) = total(text) {
            section.totals.retain(|known| *known != total);
            section.totals.push(total);
            section.totals.drain(..section.totals.len().saturating_sub(3));
            at += 1;
        } else if let Some(block) = runners::block(lines, at, in_list) {
            let end = block.end;
            section.add_test(block, line.number, false);
            at = end;
        } else if let Some(block) = runners::short(text) {
            section.add_test(block, line.number, true);
            at += 1;
        } else if let Some(rule) = rule(text) {
            let found = found(lines, at, rule, heading);
            at += found.lines;
            section.found.push(found);
        } else {
            if is_path(text) {
                heading = Some(text);
            }
            at += 1;
        }
    }
    sections
}

/// The command that the line at `at` echoes. A line of a diff is none.
pub(super) fn command(lines: &[Line], at: usize) -> Option<&str> {
    let command = lines.get(at)?.text.strip_prefix("+ ")?;
    let before =
        at.checked_sub(1).and_then(|before| lines.get(before)).map_or("", |line| &line.text);
    let is_diff = before.starts_with("- ")
        || before.starts_with("? ")
        || before.starts_with("@@")
        || command.starts_with(' ')
        || command.starts_with("expected - actual");
    (!is_diff && !command.trim().is_empty()).then_some(command)
}

fn is_teardown(text: &str) -> bool {
    text.starts_with("Searching for test report files")
        || text.starts_with("Build teardown")
        || text.starts_with("Searching for files matching artifact")
}

/// Whether the line is nothing but a path, as linters write above what they found in the file.
fn is_path(text: &str) -> bool {
    text.contains('.')
        && text.len() < 300
        && !text.contains([' ', '(', ')', '|', '='])
        && (text.contains('/') || text.contains('\\') || text.split('.').count() == 2)
        && !text.ends_with(['.', ':', ','])
}

fn found(lines: &[Line], at: usize, rule: Rule, heading: Option<&str>) -> Found {
    let rest = lines.get(at..).unwrap_or_default();
    let texts = |count: usize| rest.iter().take(count).map(|line| line.text.as_str());
    let first = texts(1).next().unwrap_or_default();
    let indent = |text: &str| text.len() - text.trim_start().len();
    let count = match rule.take {
        Take::Line | Take::UnderHeading => 1,
        Take::Paragraph(most) => texts(most).take_while(|text| !text.trim().is_empty()).count(),
        Take::Indented(most) => {
            1 + texts(most)
                .skip(1)
                .take_while(|text| indent(text) > indent(first) && !text.trim().is_empty())
                .count()
        }
        Take::SameMark(most) => {
            let mark = first.split(' ').next().unwrap_or_default();
            1 + texts(most).skip(1).take_while(|text| text.starts_with(mark)).count()
        }
        Take::Traceback => {
            let inside = texts(60)
                .skip(1)
                .take_while(|text| text.starts_with(' ') || text.is_empty())
                .count();
            inside + 2
        }
        Take::Stack => {
            1 + texts(30)
                .skip(1)
                .take_while(|text| {
                    let text = text.trim_start();
                    text.starts_with("at ")
                        || text.starts_with("Caused by")
                        || text.starts_with("left:")
                        || text.starts_with("right:")
                        || text.starts_with("... ")
                })
                .count()
        }
    };
    let mut kind = rule.kind;
    let mut weight = rule.weight;
    let place = place::of(first).or_else(|| place::best(texts(count).skip(1)));
    let place = match (rule.take, heading) {
        (Take::UnderHeading, Some(heading)) => {
            let position = first.split_whitespace().next().unwrap_or_default();
            Some(format!(
                "{}:{position}",
                heading.trim_start_matches("/opt/atlassian/pipelines/agent/build/")
            ))
        }
        _ => place,
    };
    let mut said: Vec<&str> = match rule.take {
        Take::Traceback => {
            // The end says what happened; the last frame of our own says where.
            let lines: Vec<&str> = texts(count).collect();
            let (last, frames) = lines.split_last().unwrap_or((&first, &[]));
            let frame = frames
                .iter()
                .rev()
                .find(|text| text.trim_start().starts_with("File ") && !place::is_in_library(text));
            frame.copied().into_iter().chain([*last]).collect()
        }
        Take::Stack => texts(count)
            .enumerate()
            .filter(|(index, text)| {
                *index == 0
                    || !text.trim_start().starts_with("at ")
                        && !text.trim_start().starts_with("...")
            })
            .map(|(_, text)| text)
            .take(4)
            .collect(),
        Take::SameMark(_) => texts(count)
            .filter(|text| {
                text.split_whitespace().count() > 2 || *text == first || !text.starts_with("npm")
            })
            .filter(|text| !text.contains("A complete log"))
            .collect(),
        _ => texts(count).collect(),
    };
    if rule.take == Take::Stack && first.contains(" panicked at ") {
        said.extend(
            texts(count + 3)
                .skip(count)
                .take_while(|text| !text.starts_with("note:") && !text.starts_with("+ ")),
        );
    }
    if rule.take == Take::Traceback
        && let Some(inner) = said.last().and_then(|last| super::rules::rule(last))
        && inner.weight >= REASON
    {
        (kind, weight) = (inner.kind, inner.weight.max(weight));
    }
    // Clippy reports as the compiler does, and only its notes tell the two apart.
    if kind == Kind::Compile && texts(count).any(|text| text.contains("clippy::")) {
        (kind, weight) = (Kind::Lint, 84);
    }
    // Where an error names no place of the sources, a program said it, not a compiler.
    if kind == Kind::Compile && first.starts_with("error: ") && place.is_none() {
        (kind, weight) = (Kind::Error, 78);
    }
    if first.starts_with("* What went wrong")
        && texts(count).any(|text| text.contains("Could not resolve"))
    {
        (kind, weight) = (Kind::Package, 86);
    }
    let place =
        if rule.take == Take::Traceback { place::best(said.iter().copied()) } else { place };
    let said: Vec<String> =
        said.iter().map(|text| crate::text::cut(text, 240).into_owned()).collect();
    let margin = said
        .iter()
        .filter(|text| !text.trim().is_empty())
        .map(|text| indent(text))
        .min()
        .unwrap_or(0);
    let said: Vec<&str> = said.iter().map(|text| text.get(margin..).unwrap_or_default()).collect();
    Found {
        weight,
        lines: count.max(1),
        finding: Finding {
            kind,
            line: rest.first().and_then(|line| line.number),
            place: place.map(|place| Foreign::line(&place, 160)),
            text: Foreign::block(&said.join("\n"), 1000),
            repeated: 0,
        },
    }
}

static TOTALS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^test result: |^Tests:\s+\d|^\s+Tests\s+\d+ |^\s+\d+ (?:passing|failing|pending)\b",
        r"|^=+ .*\b\d+ (?:passed|failed|error).* =+$|^\d+ (?:passed|failed).* in [\d.]+s|^Ran \d+ tests? in|^FAILED \((?:failures|errors)=",
        r"|^\[(?:ERROR|WARNING|INFO)\] Tests run: \d+, Failures: \d+, Errors: \d+, Skipped: \d+$",
        r"|^\d+ tests? completed|^\d+ examples?, \d+ failures?|^(?:Failed|Passed)!\s+- |^# (?:pass|fail) \d+|^ℹ (?:pass|fail) \d+",
        r"|^\d+% tests passed|^Tests: \d+, Assertions|^✖ \d+ problems?",
    ))
    .ok()
});

/// A total of a test runner or a linter.
fn total(text: &str) -> Option<Foreign> {
    let is_total = TOTALS.as_ref().is_some_and(|totals| totals.is_match(text));
    let bare = text.trim_matches(|c: char| c == '=' || c.is_whitespace());
    let bare = bare
        .split_once("] Tests run")
        .map_or(bare, |_| bare.split_once("] ").map_or(bare, |(_, bare)| bare));
    is_total.then(|| Foreign::line(bare, 120))
}

static EXIT_CODE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:exit(?:ed)?(?: with)?(?: code| status)|non-zero code|exit code|npm (?:ERR!|error) (?:code|errno)|\*\*\* .*\bError):? ([1-9]\d{0,2})\b",
    )
    .ok()
});

fn exit_code(text: &str) -> Option<u32> {
    let found = EXIT_CODE.as_ref()?.captures(text)?;
    found.get(1)?.as_str().parse().ok()
}

/// The commands that ended well, without those with which Bitbucket clones.
fn earlier_commands(sections: &[Section]) -> Option<Foreign> {
    let is_of_script = |text: &&str| {
        !["umask", "git ", "GIT_LFS", "export ", "retry ", "ln ", "chmod 777"]
            .iter()
            .any(|start| text.starts_with(start))
    };
    let commands = sections.iter().filter_map(|section| section.command.as_ref());
    let commands: Vec<&str> =
        commands.map(|command| command.text.as_str()).filter(is_of_script).collect();
    let last = commands.get(commands.len().saturating_sub(4)..).unwrap_or_default();
    (!last.is_empty()).then(|| Foreign::line(&format!("ran: {}", last.join("; ")), 240))
}

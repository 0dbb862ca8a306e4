//! Failed tests, as their runners report them.
//!
//! Most runners give each failure a block with a head that names the test. What was expected and
//! where is found in the block in the same way for all of them.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::Line;
use super::{place, rank};

/// A failed test, and the first line after its block.
pub(super) struct Block {
    pub(super) name: String,
    pub(super) place: Option<String>,
    pub(super) message: String,
    pub(super) end: usize,
}

/// A runner's block: how it begins, with the name as the first group, and how it ends.
struct Runner {
    head: Regex,
    end: Regex,
    /// Whether it is a list with numbers, which is one of failures only below such a heading.
    numbered: bool,
}

/// A block is read up to this length.
const LONGEST_BLOCK: usize = 80;

static RUNNERS: LazyLock<Vec<Runner>> = LazyLock::new(|| {
    [
        // cargo test
        (r"^---- (.+?) (?:stdout|stderr) ----$", r"^---- |^failures:$|^test result:", false),
        // cargo nextest
        (r"^\s+FAIL \[.*?\] +(?:\([^)]*\) )?(.+)$", r".", false),
        // jest
        (r"^\s+● (.+ › .+|[^›]+)$", r"^\s+● |^Test Suites:|^(?:PASS|FAIL) |^-----", false),
        // vitest
        (r"^\s*FAIL\s+(\S+ > .+)$", r"^⎯|^\s*FAIL\s", false),
        // pytest
        (r"^_{3,} (.+?) _{3,}$", r"^_{3,} |^=+", false),
        // unittest
        (r"^(?:FAIL|ERROR): (\S+(?: \(.+\))?)$", r"^={10,}|^Ran \d+ test", false),
        // surefire
        (r"^\[ERROR\] +((?:[\w$]+\.)*[\w$]+(?:\([\w.$]*\))?(?:\[.*?\])?) .*<<< (?:FAILURE|ERROR)!", r"^\[|^$", false),
        // gradle
        (r"^([\w$.]+ > .+) FAILED$", r"^\S|^$", false),
        // go test
        (r"^\s*--- FAIL: (\S+) \(", r"^\S|^\s*--- ", false),
        // dotnet test
        (r"^\s+(?:Failed|X) (\S.*?) \[[\d<].*\]$", r"^\s+(?:Failed|Passed|Skipped|X) \S|^(?:Failed|Passed)!", false),
        // TAP and node:test
        (r"^\s*not ok \d+(?: -)? (.+)$", r"^\s*(?:not )?ok \d|^\s*\.\.\.$|^#", false),
        (r"^✖ (.+) \([\d.]+ms\)$", r"^$|^[✔✖ℹ]", false),
        // ctest and GoogleTest
        (r"^\s+\d+ - (\S+) \((?:Failed|Timeout|SEGFAULT|Subprocess).*\)$", r".", false),
        (r"^\[  FAILED  \] (\S+)(?:, where .*)? \(\d+ ms\)$", r".", false),
        // playwright
        (r"^\s+\d+\) (\[.+?\] › .+?)[ ─]*$", r"^\s+\d+\) |^\s+\d+ (?:failed|passed)", false),
        // mocha, rspec, phpunit
        (r"^\s*\d+\) (.+)$", r"^\s*\d+\) |^Finished in|^FAILURES!|^--$", true),
    ]
    .into_iter()
    .filter_map(|(head, end, numbered)| {
        Some(Runner { head: Regex::new(head).ok()?, end: Regex::new(end).ok()?, numbered })
    })
    .collect()
});

/// Below it, a list with numbers is one of failures.
static LIST_OF_FAILURES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\s+\d+ failing$|^Failures:$|^There (?:was|were) \d+ (?:failure|error)s?:$").ok()
});

/// The short lists at the end of a run, for when the blocks lie before what was read.
static SHORT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(?:FAILED|ERROR) (?P<pytest>\S+\.py(?:::\S+.*?)?)(?: - (?P<why>.*))?$",
        r"|^\[ERROR\]   (?P<surefire>[\w$.]+?):(?P<at>\d+)(?:->\S+)* (?P<said>.+)$",
        r"|^rspec (?P<rspec>\S+:\d+) # (?P<title>.+)$",
        r"|^test (?P<cargo>\S+) \.\.\. FAILED$",
    ))
    .ok()
});

/// Lines that say what was expected, or what was wrong.
static SAYS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)^\s*(?:E\s+|\+ |- )?(?:assert|expected\b|received\b|actual\b|got\b|want\b|left: |right: |but was|",
        r"to (?:equal|be|have)|failure/error|[\w.$]*(?:error|exception|failure|failed)\b|panic)|^E\s+\S",
        r"|^\S+ !== \S+$|^\s*[-+] ?\S+$|^\s+\S+_test\.go:\d+: |^\s*Failed asserting",
    ))
    .ok()
});

/// Whether `line` begins the list of what failed.
pub(super) fn begins_list(line: &str) -> bool {
    LIST_OF_FAILURES.as_ref().is_some_and(|heading| heading.is_match(line))
}

/// The failed test whose report begins at `start`.
pub(super) fn block(lines: &[Line], start: usize, in_list: bool) -> Option<Block> {
    let head = lines.get(start)?.text.as_str();
    let might = ["----", "FAIL", "●", "__", "ERROR:", "<<<", "ailed", "X ", "not ok", "✖", ") "];
    if !might.iter().any(|mark| head.contains(mark)) {
        return None;
    }
    let (runner, name) =
        RUNNERS.iter().filter(|runner| in_list || !runner.numbered).find_map(|runner| {
            Some((runner, runner.head.captures(head)?.get(1)?.as_str().trim().to_owned()))
        })?;
    if head.contains("Tests run:")
        || name.starts_with("Console")
        || name.contains("# TODO")
        || name.contains("# SKIP")
    {
        return None;
    }
    let rest = lines.get(start + 1..).unwrap_or_default();
    let length = (0..rest.len().min(LONGEST_BLOCK))
        .find(|at| {
            rest.get(*at).is_none_or(|line| runner.end.is_match(&line.text))
                || rank::command(rest, *at).is_some()
        })
        .unwrap_or(rest.len().min(LONGEST_BLOCK));
    let body = rest.get(..length).unwrap_or_default();
    let (name, body) = if runner.numbered { whole_name(name, body) } else { (name, body) };
    let texts = || body.iter().map(|line| line.text.as_str());
    let mut message = message(texts());
    let mut place = place::best(texts()).or_else(|| place::of(&name));
    if message.is_empty() && head.contains("--- FAIL: ") {
        // With `-v`, Go writes what a test said before its verdict.
        let from = start.saturating_sub(20);
        let before = lines.get(from..start).unwrap_or_default().iter();
        let said: Vec<&str> = before
            .rev()
            .map(|line| line.text.as_str())
            .take_while(|text| !text.trim_start().starts_with("---") && !text.starts_with("+ "))
            .filter(|text| text.contains("_test.go:"))
            .collect();
        message = self::message(said.iter().rev().copied());
        place = place.or_else(|| place::best(said.iter().rev().copied()));
    }
    Some(Block { name, place, message, end: start + 1 + length })
}

/// A failed test in one line of a short list.
pub(super) fn short(line: &str) -> Option<Block> {
    if !line.starts_with(['F', 'E', '[', 'r', 't']) {
        return None;
    }
    let found = SHORT.as_ref()?.captures(line)?;
    let part = |name| found.name(name).map(|part| part.as_str().to_owned());
    let name = ["pytest", "surefire", "title", "cargo"].into_iter().find_map(part)?;
    let place = part("rspec")
        .or_else(|| part("pytest").map(|id| id.split("::").next().unwrap_or_default().to_owned()));
    let message = part("why").or_else(|| part("said")).unwrap_or_default();
    Some(Block { name, place, message, end: 0 })
}

/// The name of a test that mocha writes over several lines, and what is left of the block.
fn whole_name(first: String, body: &[Line]) -> (String, &[Line]) {
    let ends = body.iter().take(5).position(|line| line.text.ends_with(':'));
    match ends {
        Some(end)
            if !first.ends_with(':')
                && body.iter().take(end).all(|line| {
                    !line.text.trim().is_empty()
                        && !line.text.contains("Error")
                        && !line.text.contains("Failure")
                })
                && !body.get(end).is_some_and(|line| {
                    line.text.contains("Message") || line.text.contains("Failure/")
                }) =>
        {
            let more = body.iter().take(end + 1).map(|line| line.text.trim());
            let name = more.fold(first, |name, part| format!("{name} {part}"));
            (name.trim_end_matches(':').to_owned(), body.get(end + 1..).unwrap_or_default())
        }
        _ => (first.trim_end_matches(':').to_owned(), body),
    }
}

/// What a block says about the reason, in at most four lines.
fn message<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let lines: Vec<&str> = lines
        .filter(|line| {
            let line = line.trim_start();
            !line.is_empty()
                && !["- Expected", "+ Received", "+ expected - actual", "Error Message:"]
                    .contains(&line)
                && !line.starts_with("at ")
                && !line.starts_with("note: ")
                && !line.starts_with("stack backtrace")
                && !line.starts_with("Traceback")
                && !line.starts_with("-----")
                && !line.starts_with("# ")
                && !line.starts_with("=== ")
        })
        .collect();
    let said: Vec<&str> = lines.iter().copied().filter(|line| says(line)).take(4).collect();
    let chosen: Vec<&str> =
        if said.is_empty() { lines.into_iter().take(3).collect() } else { said };
    let mut seen: Vec<String> = Vec::new();
    for line in chosen {
        let line = line.trim().trim_start_matches("E  ").trim();
        let line = crate::text::clean_line(line, 200);
        if !seen.contains(&line) {
            seen.push(line);
        }
    }
    seen.join("\n")
}

fn says(line: &str) -> bool {
    SAYS.as_ref().is_some_and(|says| says.is_match(line))
        || line.contains(" panicked at ")
        || line.contains("Error: ")
}

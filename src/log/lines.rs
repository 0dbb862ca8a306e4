//! The lines of a log, without what only a terminal understands.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use crate::text;

/// A line, cleaned.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) text: String,
    /// Its number in the whole log, where that is known.
    pub(super) number: Option<u64>,
}

/// A log is read up to this length, from its end.
const LONGEST_LOG: usize = 1024 * 1024;

/// A line is read up to this length: minified sources and embedded data say nothing more.
const LONGEST_LINE: usize = 1000;

/// What an ANSI terminal takes as an order (ECMA-48: control sequences, strings, and the rest).
static ESCAPES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])").ok()
});

/// What tools put before each line: a time, the step and time of a docker build, the package of a
/// monorepo, the container.
static PREFIX: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(?:\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z| ?[+-]\d\d:?\d\d)?\]?[ \t]",
        r"|\[\d\d:\d\d:\d\d(?:[.,]\d+)?\][ \t]|\d\d:\d\d:\d\d(?:[.,]\d+)?[ \t]",
        r"|#\d+ \d+\.\d+ |\d+\.\d{2,3} ",
        r"|@?[\w/-]+:(?:test|build|lint|check|typecheck|type-check|ci)[\w-]*: ",
        r"|[\w.-]+[-_]\d+ +\| )",
    ))
    .ok()
});

/// The lines of `log`, the first of which has the number `first`.
pub(super) fn read(log: &str, first: Option<u64>) -> Vec<Line> {
    let start = start_of_end(log);
    let (skipped, log) = log.split_at_checked(start).unwrap_or(("", log));
    let skipped = skipped.bytes().filter(|byte| *byte == b'\n').count() as u64;
    log.lines()
        .zip(0_u64..)
        .map(|(line, index)| Line {
            text: plain(line),
            number: first.map(|first| first + skipped + index),
        })
        .collect()
}

/// Where the last [`LONGEST_LOG`] bytes begin, at a line.
fn start_of_end(log: &str) -> usize {
    let Some(earliest) = log.len().checked_sub(LONGEST_LOG) else { return 0 };
    let rest = log.as_bytes().get(earliest..).unwrap_or_default();
    rest.iter().position(|byte| *byte == b'\n').map_or(log.len(), |at| earliest + at + 1)
}

fn plain(line: &str) -> String {
    // A progress bar writes itself anew after each carriage return: the last state counts.
    let line = text::within_bytes(line, 8 * LONGEST_LINE);
    let line = line.rsplit('\r').find(|part| !part.trim().is_empty()).unwrap_or_default();
    let line = match &*ESCAPES {
        Some(escapes) if line.contains('\u{1b}') => escapes.replace_all(line, ""),
        _ => Cow::Borrowed(line),
    };
    let mut line = text::clean(&line).replace('\n', " ");
    if let Some(prefix) = PREFIX.as_ref().and_then(|prefix| prefix.find(&line)) {
        line.drain(..prefix.end());
    }
    line.truncate(text::within_bytes(&line, LONGEST_LINE).len());
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain_lines(log: &str) -> Vec<String> {
        read(log, Some(1)).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn takes_out_what_only_a_terminal_understands() {
        for (line, left) in [
            ("\u{1b}[1m\u{1b}[31merror\u{1b}[0m: no", "error: no"),
            ("\u{1b}]8;;https://example.com\u{7}link\u{1b}]8;;\u{7}", "link"),
            ("10%\r50%\r100% done\r", "100% done"),
            ("2026-03-01T10:00:00.123Z + npm ci", "+ npm ci"),
            ("#12 0.543 npm ERR! code E404", "npm ERR! code E404"),
            ("shop:test: FAIL src/a.test.ts", "FAIL src/a.test.ts"),
            ("web-1  | listening", "listening"),
            ("src/a.ts:12: bad", "src/a.ts:12: bad"),
            ("hidden\u{200b}\u{202e}text", "hiddentext"),
        ] {
            assert_eq!(plain(line), left, "{line:?}");
        }
    }

    #[test]
    fn reads_the_end_of_a_log_that_is_too_long_and_keeps_its_numbers() {
        let log = "0123456789\n".repeat(200_000);
        let lines = read(&log, Some(1));
        assert!(lines.len() < 100_000);
        assert_eq!(lines.last().unwrap().number, Some(200_000));
        assert_eq!(plain_lines("one\ntwo"), ["one", "two"]);
    }
}

//! Requirements and plans on a terminal. Colours are taken out by whatever prints them elsewhere.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::setup::{Action, Change, Line, Plan, Row, State, lines};
use crate::text::clean_line;

/// The longest value that is shown: names in it may be somebody's own.
const LONGEST: usize = 400;
/// As wide as the longest word for a state.
const STATE: usize = 11;

/// A table of requirements: how each stands, and below what is not met, why and what mends it.
pub(in crate::cli) fn rows(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.id.len()).max().unwrap_or_default();
    let mut text = String::new();
    for row in rows {
        let (word, style) = standing(row.state);
        let requirement = clean_line(&row.requirement, LONGEST);
        let _ = writeln!(text, "{style}{word:STATE$}{style:#}  {:width$}  {requirement}", row.id);
        if row.state == State::Ok {
            continue;
        }
        let details =
            [("found", &row.found), ("wanted", &row.wanted), ("why", &row.why), ("fix", &row.fix)];
        for (name, value) in details.into_iter().filter(|(_, value)| !value.is_empty()) {
            let dim = Style::new().dimmed();
            let value = clean_line(value, LONGEST);
            let _ = writeln!(text, "{:STATE$}  {dim}{name:6}{dim:#}  {value}", "");
        }
    }
    text
}

/// How many requirements stand how, in one line.
pub(in crate::cli) fn tally(rows: &[Row]) -> String {
    let states = [State::Ok, State::Missing, State::Wrong, State::CannotTell];
    let counts = states.map(|state| {
        let count = rows.iter().filter(|row| row.state == state).count();
        (count > 0).then(|| format!("{count} {}", standing(state).0))
    });
    counts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The changes of a plan, or of what has come of one.
pub(super) fn changes(changes: &[Change]) -> String {
    let mut text = String::new();
    for line in lines(changes) {
        let (sign, style) = match line.action() {
            Action::Create => ('+', AnsiColor::Green.on_default()),
            Action::Update => ('~', AnsiColor::Yellow.on_default()),
            Action::Delete => ('-', AnsiColor::Red.on_default()),
        };
        let shown = clean_line(&line.to_string(), LONGEST);
        let shown = shown.trim_start();
        let _ = match line {
            Line::Object(_) => writeln!(text, "{style}{sign} {shown}{style:#}"),
            Line::Field(_) => writeln!(text, "    {shown}"),
        };
    }
    text
}

/// A whole plan: the changes, and what remains to do by hand.
pub(super) fn plan(plan: &Plan) -> String {
    let mut text = if plan.changes.is_empty() {
        "Nothing to change.\n".to_owned()
    } else {
        changes(&plan.changes)
    };
    if !plan.by_hand.is_empty() {
        let _ = write!(
            text,
            "\nBy hand, since it cannot be changed from here:\n\n{}",
            rows(&plan.by_hand)
        );
    }
    text
}

fn standing(state: State) -> (&'static str, Style) {
    match state {
        State::Ok => ("ok", AnsiColor::Green.on_default()),
        State::Missing => ("missing", AnsiColor::Red.on_default()),
        State::Wrong => ("wrong", AnsiColor::Red.on_default()),
        State::CannotTell => ("cannot tell", AnsiColor::Yellow.on_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &'static str, state: State) -> Row {
        Row {
            id,
            requirement: format!("the requirement of {id}"),
            state,
            found: "nothing".into(),
            wanted: "something".into(),
            why: "without it nothing works".into(),
            fix: "make it".into(),
        }
    }

    #[test]
    fn shows_each_requirement_in_a_line_and_below_it_what_is_the_matter() {
        let all = [
            row("connection.exists", State::Ok),
            row("stdio.rotation", State::Wrong),
            row("vault.exchange", State::CannotTell),
        ];
        let plain = anstream::adapter::strip_str(&rows(&all)).to_string();
        insta::assert_snapshot!(plain, @"
        ok           connection.exists  the requirement of connection.exists
        wrong        stdio.rotation     the requirement of stdio.rotation
                     found   nothing
                     wanted  something
                     why     without it nothing works
                     fix     make it
        cannot tell  vault.exchange     the requirement of vault.exchange
                     found   nothing
                     wanted  something
                     why     without it nothing works
                     fix     make it
        ");
        assert_eq!(tally(&all), "1 ok, 1 wrong, 1 cannot tell");
        assert!(rows(&all).contains('\u{1b}'));
    }
}

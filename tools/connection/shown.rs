//! Requirements and changes as an agent reads them.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use crate::setup::{self, Action, Change, Plan, State};
use crate::text::clean_line;

/// The longest text of a requirement or a value. Names in it may be somebody's own.
const LONGEST: usize = 400;

/// One requirement, and how it stands.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Row {
    /// Its stable name.
    pub(super) id: &'static str,
    /// What must hold.
    requirement: String,
    /// How it stands.
    pub(super) state: Standing,
    /// What is there.
    found: String,
    /// What must be there.
    wanted: String,
    /// What goes wrong without it.
    why: String,
    /// What mends it; empty where nothing has to be.
    fix: String,
}

/// How a requirement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum Standing {
    Ok,
    Missing,
    Wrong,
    CannotTell,
}

/// One field of one object of the tenant, as it is changed. Secrets show as `set` or `not set`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Edit {
    /// The object.
    object: String,
    /// What happens to it.
    action: Deed,
    /// Which of its fields.
    field: String,
    /// What is there now.
    from: String,
    /// What will be there.
    to: String,
}

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Deed {
    Create,
    Update,
    Delete,
}

impl Row {
    /// The requirement as lines: how it stands, what is there, and what mends it.
    pub(super) fn lines(&self) -> String {
        let Self { id, requirement, state, found, wanted, why, fix } = self;
        let mut text = format!("{} {id}: {requirement}", state.word());
        let _ = write!(text, "\n  found: {found}");
        if *state == Standing::Ok {
            return text;
        }
        let _ = write!(text, "; wanted: {wanted}");
        for (name, words) in [("why", why), ("fix", fix)] {
            if !words.is_empty() {
                let _ = write!(text, "\n  {name}: {words}");
            }
        }
        text
    }
}

impl Standing {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::Wrong => "wrong",
            Self::CannotTell => "cannot tell",
        }
    }
}

impl From<setup::Row> for Row {
    fn from(row: setup::Row) -> Self {
        let line = |text: String| clean_line(&text, LONGEST);
        Self {
            id: row.id,
            requirement: line(row.requirement),
            state: match row.state {
                State::Ok => Standing::Ok,
                State::Missing => Standing::Missing,
                State::Wrong => Standing::Wrong,
                State::CannotTell => Standing::CannotTell,
            },
            found: line(row.found),
            wanted: line(row.wanted),
            why: line(row.why),
            fix: line(row.fix),
        }
    }
}

impl From<&Change> for Edit {
    fn from(change: &Change) -> Self {
        let line = |text: &str| clean_line(text, LONGEST);
        Self {
            object: line(&change.object),
            action: match change.action {
                Action::Create => Deed::Create,
                Action::Update => Deed::Update,
                Action::Delete => Deed::Delete,
            },
            field: line(&change.field),
            from: line(&change.from),
            to: line(&change.to),
        }
    }
}

/// The changes as lines, `at_most` so many; the rest is counted.
pub(super) fn diff(changes: &[Change], at_most: usize) -> String {
    let lines: Vec<_> = setup::lines(changes).collect();
    let mut text = String::new();
    for line in lines.iter().take(at_most) {
        // What stands at the margin is ours, so a name cannot start a line of its own.
        let shown = clean_line(&line.to_string(), LONGEST);
        let margin = if matches!(line, setup::Line::Field(_)) { "  " } else { "" };
        let _ = writeln!(text, "{margin}{}", shown.trim_start());
    }
    if let Some(more) = lines.len().checked_sub(at_most).filter(|more| *more > 0) {
        let _ = writeln!(text, "… and {more} more lines");
    }
    text.truncate(text.trim_end().len());
    text
}

/// A plan as an agent reads it: the changes, what remains to do by hand, the digest, and what comes
/// next.
pub(super) fn plan(plan: &Plan) -> String {
    let mut text = String::new();
    if plan.changes.is_empty() {
        text.push_str("nothing to change: what can be set up from here is set up");
    } else {
        text.push_str(&diff(&plan.changes, usize::MAX));
    }
    if !plan.by_hand.is_empty() {
        text.push_str("\nby hand, since it cannot be changed from here:");
        for row in &plan.by_hand {
            let _ = write!(text, "\n{}", Row::from(row.clone()).lines());
        }
    }
    if plan.changes.is_empty() {
        return text;
    }
    let _ = write!(text, "\ndigest: {}", plan.digest);
    if plan.wants_consumer {
        text.push_str(
            "\nthe Bitbucket consumer's key and secret are asked for on a page in the user's browser, \
             never here",
        );
    }
    text.push_str(
        "\nnext: show the user these changes; once they agree, call `configure_connection` with this \
         digest",
    );
    text
}

//! What a requirement has come to.

use std::fmt::Write as _;

use serde_json::Value;

use crate::setup::edit::{Action, Edit, Object, Set};
use crate::setup::row::{Row, State};
use crate::setup::snapshot::Unread;
use crate::text::clean_line;

/// Names of other people's are cut at this length.
const LONGEST_NAME: usize = 100;

/// How a requirement stands, and what we would change about it.
pub(in crate::setup) struct Finding {
    pub(in crate::setup) row: Row,
    pub(in crate::setup) edits: Vec<Edit>,
}

/// What must hold, before it is known whether it does.
pub(super) struct Requirement {
    id: &'static str,
    requirement: String,
    wanted: String,
    why: &'static str,
}

/// What must hold, what that comes to, and what goes wrong without it.
pub(super) fn requirement(
    id: &'static str,
    requirement: impl Into<String>,
    wanted: impl Into<String>,
    why: &'static str,
) -> Requirement {
    Requirement { id, requirement: requirement.into(), wanted: wanted.into(), why }
}

impl Requirement {
    pub(super) fn ok(self, found: impl Into<String>) -> Finding {
        self.finding(State::Ok, found.into(), String::new(), Vec::new())
    }

    /// `fix` is what a person does about it; `edits` is what we can.
    pub(super) fn missing(
        self,
        found: impl Into<String>,
        fix: impl Into<String>,
        edits: Vec<Edit>,
    ) -> Finding {
        self.finding(State::Missing, found.into(), fix.into(), edits)
    }

    /// `fix` is what a person does about it; `edits` is what we can.
    pub(super) fn wrong(
        self,
        found: impl Into<String>,
        fix: impl Into<String>,
        edits: Vec<Edit>,
    ) -> Finding {
        self.finding(State::Wrong, found.into(), fix.into(), edits)
    }

    pub(super) fn cannot_tell(self, found: impl Into<String>, fix: impl Into<String>) -> Finding {
        self.finding(State::CannotTell, found.into(), fix.into(), Vec::new())
    }

    /// Where what it looks at could not be read.
    pub(super) fn unread(self, why: Unread<'_>) -> Finding {
        match why {
            Unread::Lacking(scope) => self.hidden_without(scope),
            Unread::Failed(why) => {
                let found = format!("not readable: {}", shown_name(why));
                self.cannot_tell(found, "check again later")
            }
        }
    }

    /// Where the management application lacks `scope` to see it.
    pub(super) fn hidden_without(self, scope: &str) -> Finding {
        let fix = format!("grant `{scope}` to the management application, then check again");
        self.cannot_tell("not readable", fix)
    }

    fn finding(self, state: State, found: String, fix: String, edits: Vec<Edit>) -> Finding {
        let Self { id, requirement, wanted, why } = self;
        let fix = match (edits.is_empty(), fix.is_empty()) {
            (true, _) => fix,
            (false, true) => "apply the plan".to_owned(),
            (false, false) => format!("apply the plan, or {fix}"),
        };
        let row = Row { id, requirement, state, found, wanted, why: why.to_owned(), fix };
        Finding { row, edits }
    }
}

/// An edit that makes a field `value`, which may be shown.
pub(super) fn set(
    object: &Object,
    action: Action,
    field: &'static str,
    from: impl Into<String>,
    value: impl Into<Value>,
) -> Edit {
    let value = value.into();
    let to = shown(&value);
    Edit { object: object.clone(), action, field, from: from.into(), to, set: Set::Value(value) }
}

/// An edit of a field of an object that is not there yet.
pub(super) fn create(object: &Object, field: &'static str, value: impl Into<Value>) -> Edit {
    set(object, Action::Create, field, NOT_SET, value)
}

/// How what is not there is shown.
pub(super) const NOT_SET: &str = "not set";

/// A value as people read it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => clean_line(text, LONGEST_NAME),
        Value::Array(all) if !all.is_empty() && all.iter().all(Value::is_string) => {
            list(all.iter().filter_map(Value::as_str))
        }
        Value::Array(all) if all.is_empty() => "nothing".to_owned(),
        other => clean_line(&other.to_string(), 4 * LONGEST_NAME),
    }
}

/// A switch as it is shown.
pub(super) fn shown_switch(switch: Option<bool>) -> &'static str {
    match switch {
        Some(true) => "true",
        Some(false) => "false",
        None => NOT_SET,
    }
}

/// A name that is not ours to choose.
pub(super) fn shown_name(name: &str) -> String {
    clean_line(name, LONGEST_NAME)
}

/// A list as it is shown in a plan.
pub(super) fn list<'a>(all: impl IntoIterator<Item = &'a str>) -> String {
    let mut shown = String::new();
    for one in all {
        let separator = if shown.is_empty() { "" } else { ", " };
        let _ = write!(shown, "{separator}{}", clean_line(one, LONGEST_NAME));
    }
    if shown.is_empty() { "nothing".to_owned() } else { shown }
}

/// A list as it is shown in a sentence: each in backticks.
pub(super) fn quoted<'a>(all: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> =
        all.into_iter().map(|one| format!("`{}`", clean_line(one, LONGEST_NAME))).collect();
    if quoted.is_empty() { "nothing".to_owned() } else { quoted.join(", ") }
}

/// Those of `wanted` that are not in `found`.
pub(super) fn lacking<'a>(wanted: &[&'a str], found: &[String]) -> Vec<&'a str> {
    wanted.iter().copied().filter(|one| !found.iter().any(|found| found == one)).collect()
}

/// `found`, and those of `wanted` that it lacks: what others rely on stays.
pub(super) fn extended(found: &[String], wanted: &[&str]) -> Vec<String> {
    let new = lacking(wanted, found).into_iter().map(str::to_owned);
    found.iter().cloned().chain(new).collect()
}

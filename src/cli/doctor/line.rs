//! A row about this machine, before it is known how it stands.

use crate::setup::{Row, State};

/// What must hold on this machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// The row's name for scripts.
    pub(super) id: &'static str,
    /// What must hold, in a few words.
    pub(super) requirement: &'static str,
    /// What must be there.
    pub(super) wanted: &'static str,
    /// What goes wrong without it.
    pub(super) why: &'static str,
}

impl Line {
    /// All is well.
    pub(super) fn ok(self, found: impl Into<String>) -> Row {
        self.row(State::Ok, found, "")
    }

    /// Something is not there.
    pub(super) fn missing(self, found: impl Into<String>, fix: impl Into<String>) -> Row {
        self.row(State::Missing, found, fix)
    }

    /// Something is not as it must be.
    pub(super) fn wrong(self, found: impl Into<String>, fix: impl Into<String>) -> Row {
        self.row(State::Wrong, found, fix)
    }

    /// It could not be looked at.
    pub(super) fn cannot_tell(self, found: impl Into<String>, fix: impl Into<String>) -> Row {
        self.row(State::CannotTell, found, fix)
    }

    fn row(self, state: State, found: impl Into<String>, fix: impl Into<String>) -> Row {
        Row {
            id: self.id,
            requirement: self.requirement.to_owned(),
            state,
            found: found.into(),
            wanted: self.wanted.to_owned(),
            why: self.why.to_owned(),
            fix: fix.into(),
        }
    }
}

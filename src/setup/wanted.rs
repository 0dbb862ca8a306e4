//! What must be there: the choice and the settings, put together.

use super::{Choice, Setup};

/// What must be there.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) choice: Choice,
}

impl Setup {
    /// What `choice` asks for under the settings.
    pub(super) fn wanted(&self, choice: &Choice) -> Wanted {
        Wanted { choice: choice.clone() }
    }
}

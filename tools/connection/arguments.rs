//! The options that check, plan and configure share.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::setup::{Choice, Transports};

/// Whom the connection serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum For {
    Stdio,
    Http,
    Both,
}

impl From<For> for Transports {
    fn from(transports: For) -> Self {
        match transports {
            For::Stdio => Self::Stdio,
            For::Http => Self::Http,
            For::Both => Self::Both,
        }
    }
}

/// What the three options choose. An application without a name is none.
pub(super) fn choice(transports: Option<For>, login: bool, app: Option<String>) -> Choice {
    let app = app.map(|app| app.trim().to_owned()).filter(|app| !app.is_empty());
    Choice { transports: transports.map(Into::into), login, app }
}

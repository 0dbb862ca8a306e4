//! How one requirement stands.

use serde::Serialize;

/// How a requirement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it must be.
    Ok,
    /// Not there.
    Missing,
    /// There, but not as it must be.
    Wrong,
    /// Only a scope that is lacking, or a real exchange, could tell.
    CannotTell,
}

/// One requirement of Token Vault for Bitbucket, and how it stands on this tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name for scripts, such as `connection.purpose`. Stable.
    pub id: &'static str,
    /// What must hold, in a few words.
    pub requirement: String,
    /// How it stands.
    pub state: State,
    /// What is there. Never a secret.
    pub found: String,
    /// What must be there.
    pub wanted: String,
    /// What goes wrong without it.
    pub why: String,
    /// What to do; empty where all is well.
    pub fix: String,
}

/// Every requirement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// In the order in which they are best mended.
    pub rows: Vec<Row>,
}

impl Report {
    /// Whether every row is ok.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.rows.iter().all(|row| row.state == State::Ok)
    }
}

//! The plan: what would be changed, and its digest.

use serde::Serialize;

use super::edit::{Change, Edit};
use super::row::Row;
use super::{Choice, Setup};
use crate::auth0::Error;

/// Names a plan: its choice, the tenant, and everything that it would change and why.
///
/// It carries the choice with it, so that whoever has a digest need not repeat the options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Digest(pub(super) String);

impl Digest {
    /// Reads the text of a digest.
    ///
    /// # Errors
    /// [`ApplyError::NoDigest`](super::ApplyError::NoDigest)
    pub fn parse(text: &str) -> Result<Self, super::ApplyError> {
        let _ = text;
        todo!()
    }

    /// What is to be set up.
    #[must_use]
    pub fn choice(&self) -> &Choice {
        todo!()
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What would be changed.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Names exactly this plan.
    pub digest: Digest,
    /// What is to be set up.
    pub choice: Choice,
    /// What would change, in order.
    pub changes: Vec<Change>,
    /// What stands in the way and is not for us to mend.
    pub by_hand: Vec<Row>,
    /// Whether the consumer's key and secret must be asked for before it can be applied.
    pub wants_consumer: bool,
    pub(super) edits: Vec<Edit>,
}

impl Setup {
    /// Reads the tenant and says what would be changed. Writes nothing.
    ///
    /// # Errors
    /// When the Management API cannot be used at all.
    pub async fn plan(&self, choice: &Choice) -> Result<Plan, Error> {
        let _ = choice;
        todo!()
    }
}

//! The requirements, one file for each kind of object.

use super::edit::Edit;
use super::row::{Report, Row};
use super::snapshot::Snapshot;
use super::wanted::Wanted;
use super::{Choice, Setup};
use crate::auth0::Error;

/// How a requirement stands, and what we would change about it.
pub(super) struct Finding {
    pub(super) row: Row,
    pub(super) edits: Vec<Edit>,
}

/// Every requirement, held against the tenant.
pub(super) fn findings(wanted: &Wanted, snapshot: &Snapshot) -> Vec<Finding> {
    let _ = (wanted, snapshot);
    todo!()
}

impl Setup {
    /// Reads the tenant and says how every requirement stands.
    ///
    /// # Errors
    /// When the Management API cannot be used at all.
    pub async fn check(&self, choice: &Choice) -> Result<Report, Error> {
        let wanted = self.wanted(choice);
        let snapshot = self.snapshot(&wanted).await?;
        let rows = findings(&wanted, &snapshot).into_iter().map(|finding| finding.row).collect();
        Ok(Report { rows })
    }
}

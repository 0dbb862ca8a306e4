//! Environments, and what was deployed to them.

use axum::Router;

use super::state::Api;

/// What is kept of this for one repository.
#[derive(Debug, Default)]
pub(crate) struct Store {}

impl Store {
    /// What is there from the start in the repository `full_name`.
    pub(crate) fn seeded(full_name: &str) -> Self {
        let _ = full_name;
        Self::default()
    }
}

pub(super) fn routes() -> Router<Api> {
    Router::new()
}

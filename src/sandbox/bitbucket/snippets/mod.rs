//! Snippets of a workspace.

use axum::Router;

use super::state::Api;

/// All snippets of all workspaces.
#[derive(Debug, Default)]
pub(crate) struct Store {}

impl Store {
    /// What is there from the start.
    pub(crate) fn seeded() -> Self {
        Self::default()
    }
}

pub(super) fn routes() -> Router<Api> {
    Router::new()
}

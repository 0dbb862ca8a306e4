//! Code search, which Bitbucket has deprecated and which an administrator may not have turned on.

use axum::Router;

use super::state::Api;

pub(super) fn routes() -> Router<Api> {
    Router::new()
}

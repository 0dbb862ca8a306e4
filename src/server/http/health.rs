//! Whether the process lives, and whether it can serve. Nothing else is told: anybody may ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::StatusCode;

use super::answer;
use super::drain::Drain;
use crate::identity::bearer::Verifier;

/// How soon Auth0 is asked for its keys again, at first and at the longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// What is known of the server's health.
pub(super) struct Health {
    has_keys: AtomicBool,
    drain: Drain,
}

impl Health {
    /// Not ready yet.
    pub(super) fn new(drain: Drain) -> Self {
        Self { has_keys: AtomicBool::new(false), drain }
    }

    /// Gets Auth0's keys, however often that takes: nobody can be let in before.
    pub(super) async fn become_ready(&self, verifier: &Verifier) {
        let (mut pause, longest) = RETRY;
        while let Err(error) = verifier.warm_up().await {
            tracing::warn!(%error, "not ready yet");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
        self.has_keys.store(true, Ordering::Release);
        tracing::info!("ready");
    }
}

/// `/livez` and `/readyz`.
pub(super) fn router(health: &Arc<Health>) -> Router {
    let health = Arc::clone(health);
    let ready = async move || {
        if health.drain.is_ending() {
            answer::words(StatusCode::SERVICE_UNAVAILABLE, "shutting down")
        } else if health.has_keys.load(Ordering::Acquire) {
            answer::words(StatusCode::OK, "ready")
        } else {
            answer::words(StatusCode::SERVICE_UNAVAILABLE, "waiting for the keys of Auth0")
        }
    };
    Router::new()
        .route(super::LIVEZ, get(async || answer::words(StatusCode::OK, "alive")))
        .route(super::READYZ, get(ready))
}

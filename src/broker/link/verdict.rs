//! What has come of a page, for the agent that waits for it.

use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::Outcome;

/// The outcome of one page, as far as it is known.
pub(super) struct Verdict {
    expires_at: SystemTime,
    outcome: watch::Sender<Outcome>,
}

impl Verdict {
    /// Nothing is known yet, and nothing will be after `expires_at`.
    pub(super) fn until(expires_at: SystemTime) -> Self {
        Self { expires_at, outcome: watch::Sender::new(Outcome::Waiting) }
    }

    pub(super) fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    pub(super) fn is_over(&self) -> bool {
        SystemTime::now() >= self.expires_at
    }

    pub(super) fn tell(&self, outcome: Outcome) {
        self.outcome.send_replace(outcome);
    }

    /// Tells it where nothing was told yet.
    pub(super) fn tell_first(&self, outcome: Outcome) {
        self.outcome.send_if_modified(|told| {
            let first = matches!(told, Outcome::Waiting);
            if first {
                *told = outcome;
            }
            first
        });
    }

    /// Fires whenever something is told.
    pub(super) fn news(&self) -> watch::Receiver<Outcome> {
        self.outcome.subscribe()
    }

    /// What has come of the page, after a wait of `patience` at most. A failure is told once while the
    /// page is open: it stays good, and the next try may do better.
    pub(super) async fn wait(&self, patience: Duration, is_open: impl Fn() -> bool) -> Outcome {
        let left = self.expires_at.duration_since(SystemTime::now()).unwrap_or_default();
        let mut news = self.news();
        // Cloned at once: what `wait_for` lends would keep anybody from sending.
        let decided = async {
            let decided = news.wait_for(|outcome| !matches!(outcome, Outcome::Waiting)).await;
            decided.map(|outcome| outcome.clone())
        };
        match tokio::time::timeout(patience.min(left), decided).await {
            Ok(Ok(outcome)) => {
                if matches!(outcome, Outcome::Failed(_)) && is_open() {
                    self.tell(Outcome::Waiting);
                }
                outcome
            }
            _ if self.is_over() => Outcome::Expired,
            _ => Outcome::Waiting,
        }
    }
}

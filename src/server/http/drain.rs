//! Coming to an end: nothing new is let in, and what is under way is waited for.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedRwLockReadGuard, RwLock};
use tokio_util::sync::CancellationToken;

/// Knows what is under way. Clones share everything.
#[derive(Clone, Default)]
pub(super) struct Drain {
    ending: CancellationToken,
    /// Held for reading by whoever works, and for writing once nobody does.
    work: Arc<RwLock<()>>,
}

/// Something under way: the server does not end before it is dropped, unless that takes too long.
#[derive(Debug)]
pub(super) struct Work {
    _guard: OwnedRwLockReadGuard<()>,
}

impl Drain {
    /// Lets work in; `None` once the end has begun.
    pub(super) fn enter(&self) -> Option<Work> {
        let guard = Arc::clone(&self.work).try_read_owned().ok()?;
        // Looked at after the lock is held: the end waits for whoever held it before it began.
        (!self.is_ending()).then_some(Work { _guard: guard })
    }

    /// Whether the end has begun.
    pub(super) fn is_ending(&self) -> bool {
        self.ending.is_cancelled()
    }

    /// Lets nothing in any more, and waits for what is under way, for `patience` at most.
    pub(super) async fn end(&self, patience: Duration) {
        self.ending.cancel();
        if tokio::time::timeout(patience, self.work.write()).await.is_err() {
            tracing::warn!("requests that are still under way are dropped");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_for_what_is_under_way_and_lets_nothing_new_in() {
        let drain = Drain::default();
        let work = drain.enter().unwrap();
        assert!(!drain.is_ending());
        let ending = {
            let drain = drain.clone();
            tokio::spawn(async move { drain.end(Duration::from_secs(60)).await })
        };
        while !drain.is_ending() {
            tokio::task::yield_now().await;
        }
        assert!(drain.enter().is_none());
        assert!(!ending.is_finished());
        drop(work);
        ending.await.unwrap();
        assert!(drain.enter().is_none());
    }

    #[tokio::test]
    async fn does_not_wait_for_ever() {
        let drain = Drain::default();
        let _work = drain.enter().unwrap();
        drain.end(Duration::from_millis(1)).await;
        assert!(drain.enter().is_none());
    }
}

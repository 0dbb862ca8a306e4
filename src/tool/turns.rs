//! How many calls run at the same time. A call that waits for a person runs nothing: others have its
//! turn meanwhile, or a few people who take their time would keep everybody else out.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Error, Result};

/// The turns that there are. Clones share them.
#[derive(Clone, Debug)]
pub struct Turns(Arc<Semaphore>);

/// The turn of one call, free again when dropped.
#[derive(Debug)]
pub struct Turn {
    all: Turns,
    /// None while the call waits for a person.
    permit: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Turns {
    /// Turns for `count` calls at the same time.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count)))
    }

    /// A turn, if one is free.
    #[must_use]
    pub fn try_take(&self) -> Option<Turn> {
        let permit = Arc::clone(&self.0).try_acquire_owned().ok()?;
        Some(self.turn(permit))
    }

    /// A turn, as soon as one is free. Whoever asks first gets it first.
    ///
    /// # Errors
    /// None: turns are never closed.
    pub async fn take(&self) -> Result<Turn> {
        Ok(self.turn(self.permit().await?))
    }

    fn turn(&self, permit: OwnedSemaphorePermit) -> Turn {
        Turn { all: self.clone(), permit: Mutex::new(Some(permit)) }
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        Arc::clone(&self.0).acquire_owned().await.map_err(Error::internal)
    }
}

impl Turn {
    /// Waits for what a person does, and lets others have the turn until then. What is there at once
    /// does not cost it.
    ///
    /// # Errors
    /// None: turns are never closed.
    pub async fn lend<F: Future>(&self, wait: F) -> Result<F::Output> {
        let mut wait = pin!(wait);
        if let Poll::Ready(output) = futures::poll!(wait.as_mut()) {
            return Ok(output);
        }
        drop(self.permit().take());
        let output = wait.await;
        let permit = self.all.permit().await?;
        *self.permit() = Some(permit);
        Ok(output)
    }

    fn permit(&self) -> MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_call_that_waits_for_a_person_lets_another_run() {
        let turns = Turns::new(1);
        let turn = Arc::new(turns.take().await.unwrap());
        assert!(turns.try_take().is_none());
        let (done, person) = oneshot::channel::<&str>();
        let waiting = {
            let turn = Arc::clone(&turn);
            tokio::spawn(async move { turn.lend(person).await.unwrap().unwrap() })
        };
        let other = turns.take().await.unwrap();
        // Back from the person, it has to wait for its turn like everybody else.
        done.send("linked").unwrap();
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(other);
        assert_eq!(waiting.await.unwrap(), "linked");
        assert!(turns.try_take().is_none());
        drop(turn);
        assert!(turns.try_take().is_some());
    }

    #[tokio::test]
    async fn what_is_there_at_once_costs_no_turn() {
        let turns = Turns::new(1);
        let turn = turns.take().await.unwrap();
        let seen = turn.lend(async { turns.try_take().is_some() }).await.unwrap();
        assert!(!seen);
        assert!(turns.try_take().is_none());
    }

    #[tokio::test]
    async fn a_call_that_is_dropped_while_it_waits_leaves_its_turn_to_others() {
        let turns = Turns::new(1);
        let turn = Arc::new(turns.take().await.unwrap());
        let waiting = {
            let turn = Arc::clone(&turn);
            tokio::spawn(async move { turn.lend(std::future::pending::<()>()).await })
        };
        let other = turns.take().await.unwrap();
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        drop((turn, other));
        let _one = turns.take().await.unwrap();
        assert!(turns.try_take().is_none());
    }
}

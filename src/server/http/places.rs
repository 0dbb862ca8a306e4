//! How many tool calls run at the same time: in total, and of one caller.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::identity::Caller;

/// The places for calls.
pub(super) struct Places {
    all: Arc<Semaphore>,
    each: usize,
    taken: Arc<Taken>,
}

/// How many places each caller has, who has any.
#[derive(Default)]
struct Taken(Mutex<HashMap<Caller, usize>>);

/// A place, free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    caller: Caller,
    taken: Arc<Taken>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoPlace {
    /// The caller has as many as one caller gets.
    #[error("too many of your calls are under way; wait for one to end")]
    Caller,
    /// All are taken.
    #[error("too many calls are under way; try again in a moment")]
    Server,
}

impl Places {
    /// `all` places, of which one caller gets `each` at most.
    pub(super) fn new(all: usize, each: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), each, taken: Arc::default() }
    }

    /// A place for a call of `caller`.
    pub(super) fn take(&self, caller: &Caller) -> Result<Place, NoPlace> {
        let mut taken = self.taken.lock();
        let mine = taken.get(caller).copied().unwrap_or_default();
        if mine >= self.each {
            return Err(NoPlace::Caller);
        }
        let permit = Arc::clone(&self.all).try_acquire_owned().map_err(|_| NoPlace::Server)?;
        taken.insert(caller.clone(), mine + 1);
        Ok(Place { _permit: permit, caller: caller.clone(), taken: Arc::clone(&self.taken) })
    }
}

impl Taken {
    fn lock(&self) -> MutexGuard<'_, HashMap<Caller, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Taken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Taken")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        match taken.get_mut(&self.caller) {
            Some(mine) if *mine > 1 => *mine -= 1,
            _ => drop(taken.remove(&self.caller)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(subject: &str) -> Caller {
        Caller { issuer: "https://i/".into(), subject: subject.into(), organization: None }
    }

    #[test]
    fn one_caller_cannot_take_the_places_of_another() {
        let places = Places::new(3, 2);
        let (ana, ben) = (caller("ana"), caller("ben"));
        let first = places.take(&ana).unwrap();
        let _second = places.take(&ana).unwrap();
        assert_eq!(places.take(&ana).unwrap_err(), NoPlace::Caller);
        let _third = places.take(&ben).unwrap();
        assert_eq!(places.take(&ben).unwrap_err(), NoPlace::Server);
        drop(first);
        places.take(&ben).unwrap();
        places.take(&ana).unwrap();
    }

    #[test]
    fn nothing_is_remembered_of_a_caller_without_calls() {
        let places = Places::new(3, 2);
        let held = [places.take(&caller("ana")).unwrap(), places.take(&caller("ana")).unwrap()];
        drop(held);
        assert!(places.taken.lock().is_empty());
        assert_eq!(places.all.available_permits(), 3);
    }
}

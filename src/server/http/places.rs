//! How many tool calls run at the same time: in total, and of one caller.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::identity::Caller;
use crate::tool::{Turn, Turns};

/// The places for calls.
pub(super) struct Places {
    all: Turns,
    shares: Shares,
}

/// A place, free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    _share: Share,
    turn: Arc<Turn>,
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

/// What each caller has of something that is there for all of them.
pub(super) struct Shares {
    each: usize,
    taken: Arc<Taken>,
}

/// How much each caller has, who has any.
#[derive(Default)]
struct Taken(Mutex<HashMap<Caller, usize>>);

/// What a caller has taken, given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    caller: Caller,
    size: usize,
    taken: Arc<Taken>,
}

impl Places {
    /// `all` turns, of which one caller gets `each` at most.
    pub(super) fn new(all: Turns, each: usize) -> Self {
        Self { all, shares: Shares::new(each) }
    }

    /// A place for a call of `caller`.
    pub(super) fn take(&self, caller: &Caller) -> Result<Place, NoPlace> {
        let share = self.shares.take(caller, 1).ok_or(NoPlace::Caller)?;
        let turn = self.all.try_take().ok_or(NoPlace::Server)?;
        Ok(Place { _share: share, turn: Arc::new(turn) })
    }
}

impl Place {
    /// The call's turn. While it is lent to others, the caller still has the place.
    pub(super) fn turn(&self) -> Arc<Turn> {
        Arc::clone(&self.turn)
    }
}

impl Shares {
    /// One caller gets `each` at most.
    pub(super) fn new(each: usize) -> Self {
        Self { each, taken: Arc::default() }
    }

    /// So much for `caller`; `None` if that is more than one caller gets.
    pub(super) fn take(&self, caller: &Caller, size: usize) -> Option<Share> {
        let mut taken = self.taken.lock();
        let mine = taken.get(caller).copied().unwrap_or_default();
        let mine = mine.checked_add(size).filter(|mine| *mine <= self.each)?;
        taken.insert(caller.clone(), mine);
        Some(Share { caller: caller.clone(), size, taken: Arc::clone(&self.taken) })
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

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        match taken.get_mut(&self.caller) {
            Some(mine) if *mine > self.size => *mine -= self.size,
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
        let places = Places::new(Turns::new(3), 2);
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

    #[tokio::test]
    async fn a_caller_keeps_the_place_whose_turn_is_lent() {
        let places = Places::new(Turns::new(1), 1);
        let place = places.take(&caller("ana")).unwrap();
        assert_eq!(places.take(&caller("ben")).unwrap_err(), NoPlace::Server);
        let turn = place.turn();
        let waiting =
            tokio::spawn(async move { turn.lend(std::future::pending::<()>()).await.is_ok() });
        let bens = loop {
            match places.take(&caller("ben")) {
                Ok(place) => break place,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        drop(bens);
        assert_eq!(places.take(&caller("ana")).unwrap_err(), NoPlace::Caller);
        waiting.abort();
    }

    #[test]
    fn nothing_is_remembered_of_a_caller_without_calls() {
        let places = Places::new(Turns::new(2), 2);
        let held = [places.take(&caller("ana")).unwrap(), places.take(&caller("ana")).unwrap()];
        drop(held);
        assert!(places.shares.taken.lock().is_empty());
        assert!(places.all.try_take().is_some());
    }
}

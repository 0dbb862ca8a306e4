//! Leaving the token endpoint alone for as long as Auth0 wants.
//!
//! All callers of a tenant share its rate limit. After a 429 every further request would be refused as
//! well, and would keep the limit reached for everybody.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The longest pause, whatever Auth0 says: an answer must not stop the server for an hour.
const LONGEST: Duration = Duration::from_secs(60);

/// Until when nothing is asked that can wait.
#[derive(Default)]
pub(super) struct Pause {
    until: Mutex<Option<Instant>>,
}

impl Pause {
    /// Begins a pause, or lengthens the one that is under way.
    pub(super) fn begin(&self, now: Instant, after: Duration) {
        let until = now + after.min(LONGEST);
        let mut known = self.lock();
        *known = Some(known.map_or(until, |known| known.max(until)));
    }

    /// What is left of it, in whole seconds so that nobody comes back too early.
    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        let left = self.lock().as_ref()?.checked_duration_since(now)?;
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn lasts_as_long_as_auth0_says_but_a_minute_at_most() {
        let now = Instant::now();
        for (after, lasts) in [(7, 7), (60, 60), (3600, 60)] {
            let pause = Pause::default();
            assert_eq!(pause.left(now), None);
            pause.begin(now, seconds(after));
            assert_eq!(pause.left(now), Some(seconds(lasts)));
            assert_eq!(pause.left(now + Duration::from_millis(1)), Some(seconds(lasts)));
            assert_eq!(pause.left(now + seconds(lasts - 1)), Some(seconds(1)));
            assert_eq!(pause.left(now + seconds(lasts)), None);
            assert_eq!(pause.left(now + seconds(lasts + 1)), None);
        }
    }

    #[test]
    fn is_not_shortened_by_an_answer_that_wants_less() {
        let (pause, now) = (Pause::default(), Instant::now());
        pause.begin(now, seconds(20));
        pause.begin(now + seconds(1), seconds(2));
        assert_eq!(pause.left(now + seconds(5)), Some(seconds(15)));
        pause.begin(now + seconds(10), seconds(30));
        assert_eq!(pause.left(now + seconds(10)), Some(seconds(30)));
    }
}

//! How much of an account's hourly allowance we have spent ourselves.
//!
//! Bitbucket counts requests per user in a rolling hour and tells people's tokens nothing about it:
//! a 429 is plain text, usually without `Retry-After`. So we count along, to say when the limit is
//! open again, and to leave Bitbucket alone until then.
//! <https://support.atlassian.com/bitbucket-cloud/docs/api-request-limits/>

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Error;

const HOUR: Duration = Duration::from_secs(3_600);

/// Requests are counted by the minute, so an account costs at most 61 numbers per family.
const SLOT: Duration = Duration::from_secs(60);

/// How long nothing is sent after a 429 that we cannot explain: others use up the account's
/// allowance as well, and each try may count.
const PAUSE: Duration = Duration::from_secs(60);

/// Requests that Bitbucket counts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Everything below `repositories/`.
    Repository,
    /// Contents of single files.
    RawFile,
    /// Users and workspaces.
    Other,
}

/// What one account has spent.
#[derive(Debug, Default)]
pub(super) struct Budget(Mutex<[Window; 3]>);

#[derive(Debug, Default)]
struct Window {
    slots: VecDeque<(Instant, u32)>,
    closed: Option<(Instant, Limit)>,
}

#[derive(Clone, Copy, Debug)]
struct Limit {
    resource: &'static str,
    /// Whether we know when it opens, or only when it opens at the latest.
    known: bool,
    until: Timestamp,
}

impl Family {
    fn allowance(self) -> u32 {
        match self {
            Self::RawFile => 5_000,
            Self::Repository | Self::Other => 1_000,
        }
    }

    fn resource(self) -> &'static str {
        match self {
            Self::Repository => "repository data",
            Self::RawFile => "file contents",
            Self::Other => "accounts and workspaces",
        }
    }
}

impl Budget {
    /// Counts one request, or refuses it while the limit is known to be reached.
    pub(super) fn spend(&self, family: Family) -> Result<(), Error> {
        self.spend_at(family, Instant::now())
    }

    /// Notes a 429, and says what it means.
    pub(super) fn exhausted(&self, family: Family, retry_after: Option<Duration>) -> Error {
        self.exhausted_at(family, retry_after, Instant::now(), Timestamp::now())
    }

    fn spend_at(&self, family: Family, now: Instant) -> Result<(), Error> {
        self.with(family, |window| {
            if let Some((opens, limit)) = window.closed {
                if now < opens {
                    return Err(limit.error(Some(opens.duration_since(now))));
                }
                window.closed = None;
            }
            window.forget(now);
            match window.slots.back_mut() {
                Some((start, count)) if now.duration_since(*start) < SLOT => *count += 1,
                _ => window.slots.push_back((now, 1)),
            }
            Ok(())
        })
    }

    fn exhausted_at(
        &self,
        family: Family,
        retry_after: Option<Duration>,
        now: Instant,
        clock: Timestamp,
    ) -> Error {
        self.with(family, |window| {
            window.forget(now);
            let spent_opens = window.opens(family.allowance());
            let known = retry_after.is_some() || spent_opens.is_some();
            let wait = retry_after
                .or_else(|| spent_opens.map(|opens| opens.saturating_duration_since(now)))
                .map(|wait| wait.min(HOUR));
            let latest = wait.unwrap_or(HOUR);
            let until = clock.checked_add(latest).unwrap_or(clock);
            let limit = Limit { resource: family.resource(), known, until };
            let pause = wait.unwrap_or(PAUSE);
            window.closed = now.checked_add(pause).map(|opens| (opens, limit));
            limit.error(Some(pause))
        })
    }

    fn with<T>(&self, family: Family, work: impl FnOnce(&mut Window) -> T) -> T {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [repository, raw_file, other] = &mut *windows;
        work(match family {
            Family::Repository => repository,
            Family::RawFile => raw_file,
            Family::Other => other,
        })
    }
}

impl Window {
    fn forget(&mut self, now: Instant) {
        while self.slots.front().is_some_and(|(start, _)| now.duration_since(*start) >= HOUR + SLOT)
        {
            self.slots.pop_front();
        }
    }

    /// When enough of our own requests are an hour old for one more; `None` if that is so already.
    fn opens(&self, allowance: u32) -> Option<Instant> {
        let mut left: u32 = self.slots.iter().map(|(_, count)| count).sum();
        let mut opens = None;
        for (start, count) in &self.slots {
            if left < allowance {
                break;
            }
            left = left.saturating_sub(*count);
            opens = start.checked_add(HOUR + SLOT);
        }
        opens
    }
}

impl Limit {
    fn error(self, wait: Option<Duration>) -> Error {
        let after = if self.known { wait } else { None };
        Error::RateLimited { resource: self.resource, after, until: self.until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: u64, start: Instant) -> Instant {
        start + Duration::from_secs(60 * minutes)
    }

    fn limit(error: Error) -> (Option<u64>, String) {
        match error {
            Error::RateLimited { after, until, .. } => {
                (after.map(|after| after.as_secs()), until.to_string())
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn knows_when_its_own_requests_are_an_hour_old() {
        let (budget, start) = (Budget::default(), Instant::now());
        let clock: Timestamp = "2026-11-24T13:50:00Z".parse().unwrap();
        for _ in 0..600 {
            budget.spend_at(Family::Repository, start).unwrap();
        }
        for _ in 0..500 {
            budget.spend_at(Family::Repository, at(10, start)).unwrap();
        }
        let told = limit(budget.exhausted_at(Family::Repository, None, at(30, start), clock));
        assert_eq!(told, (Some(31 * 60), "2026-11-24T14:21:00Z".to_owned()));
        let refused = budget.spend_at(Family::Repository, at(40, start)).unwrap_err();
        assert_eq!(limit(refused), (Some(21 * 60), "2026-11-24T14:21:00Z".to_owned()));
        budget.spend_at(Family::RawFile, at(40, start)).unwrap();
        budget.spend_at(Family::Repository, at(61, start)).unwrap();
    }

    #[test]
    fn pauses_when_others_used_the_allowance_up() {
        let (budget, start) = (Budget::default(), Instant::now());
        let clock: Timestamp = "2026-11-24T13:20:00Z".parse().unwrap();
        budget.spend_at(Family::Other, start).unwrap();
        let told = limit(budget.exhausted_at(Family::Other, None, start, clock));
        assert_eq!(told, (None, "2026-11-24T14:20:00Z".to_owned()));
        assert!(budget.spend_at(Family::Other, start + PAUSE / 2).is_err());
        budget.spend_at(Family::Other, start + PAUSE).unwrap();
    }

    #[test]
    fn believes_retry_after() {
        let (budget, start) = (Budget::default(), Instant::now());
        let clock: Timestamp = "2026-11-24T13:20:00Z".parse().unwrap();
        let wait = Some(Duration::from_secs(90));
        let told = limit(budget.exhausted_at(Family::Other, wait, start, clock));
        assert_eq!(told, (Some(90), "2026-11-24T13:21:30Z".to_owned()));
    }
}

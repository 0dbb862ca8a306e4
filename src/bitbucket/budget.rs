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
/// allowance as well, and each try may count. Then one request goes through to see; the next pause
/// is twice as long, up to a minute.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Requests that Bitbucket counts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Everything below `repositories/`.
    Repository,
    /// Contents of single files.
    RawFile,
    /// What stands against a merge. Its limit is its own, and not documented.
    MergeChecks,
    /// The search index, whose limit is its own as well.
    Search,
    /// Users and workspaces.
    Other,
}

/// What one account has spent.
#[derive(Debug, Default)]
pub(super) struct Budget(Mutex<[Window; 5]>);

#[derive(Debug, Default)]
struct Window {
    slots: VecDeque<(Instant, u32)>,
    closed: Option<Limit>,
}

/// A limit that is reached.
#[derive(Clone, Copy, Debug)]
struct Limit {
    resource: &'static str,
    opens: Instant,
    why: Why,
}

/// How we know when it opens.
#[derive(Clone, Copy, Debug)]
enum Why {
    /// Bitbucket said so.
    Told,
    /// Our own requests of the last hour are as many as the allowance: at the latest then.
    Spent(Timestamp),
    /// We do not, and wait for so long before a request goes through to see.
    Unknown { pause: Duration, is_tried: bool },
}

impl Family {
    fn allowance(self) -> u32 {
        match self {
            Self::RawFile => 5_000,
            Self::Repository | Self::Other => 1_000,
            Self::MergeChecks | Self::Search => u32::MAX,
        }
    }

    fn resource(self) -> &'static str {
        match self {
            Self::Repository => "repository data",
            Self::RawFile => "file contents",
            Self::MergeChecks => "merge checks",
            Self::Search => "code search",
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

    /// Notes that a request went through, or failed for another reason: if it was the one to see
    /// whether an unexplained limit is still there, the others may follow.
    pub(super) fn not_refused(&self, family: Family) {
        self.with(family, |window| {
            window.closed = window.closed.filter(|limit| !matches!(limit.why, Why::Unknown { .. }));
        });
    }

    fn spend_at(&self, family: Family, now: Instant) -> Result<(), Error> {
        self.with(family, |window| {
            if let Some(limit) = &mut window.closed {
                if now < limit.opens {
                    return Err(limit.error(now));
                }
                match &mut limit.why {
                    // This request is to see; the others wait for what becomes of it.
                    Why::Unknown { pause, is_tried } => {
                        *is_tried = true;
                        limit.opens = now.checked_add(*pause).unwrap_or(now);
                    }
                    Why::Told | Why::Spent(_) => window.closed = None,
                }
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
            let until = |wait| clock.checked_add(wait).unwrap_or(clock);
            let (wait, why) = if let Some(wait) = retry_after {
                (wait.min(HOUR), Why::Told)
            } else if let Some(opens) = window.opens(family.allowance()) {
                let wait = opens.saturating_duration_since(now).min(HOUR);
                (wait, Why::Spent(until(wait)))
            } else {
                let pause = match window.closed.map(|limit| limit.why) {
                    Some(Why::Unknown { pause, is_tried: true }) => (pause * 2).min(LONGEST_PAUSE),
                    // Requests that were under way together are refused together.
                    Some(Why::Unknown { pause, is_tried: false }) => pause,
                    _ => FIRST_PAUSE,
                };
                (pause, Why::Unknown { pause, is_tried: false })
            };
            let opens = now.checked_add(wait).unwrap_or(now);
            let limit = Limit { resource: family.resource(), opens, why };
            window.closed = Some(limit);
            limit.error(now)
        })
    }

    fn with<T>(&self, family: Family, work: impl FnOnce(&mut Window) -> T) -> T {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [repository, raw_file, merge_checks, search, other] = &mut *windows;
        work(match family {
            Family::Repository => repository,
            Family::RawFile => raw_file,
            Family::MergeChecks => merge_checks,
            Family::Search => search,
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
    fn error(self, now: Instant) -> Error {
        let (after, until) = match self.why {
            Why::Told => (Some(self.opens.saturating_duration_since(now)), None),
            Why::Spent(until) => (None, Some(until)),
            Why::Unknown { .. } => (None, None),
        };
        Error::RateLimited { resource: self.resource, after, until }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bitbucket::Path;
    use crate::bitbucket::stand_in::{Reply, StandIn};

    fn at(minutes: u64, start: Instant) -> Instant {
        start + Duration::from_secs(60 * minutes)
    }

    fn limit(error: Error) -> String {
        match error {
            Error::RateLimited { after: Some(after), until: None, .. } => {
                format!("in {} seconds", after.as_secs())
            }
            Error::RateLimited { after: None, until: Some(until), .. } => format!("until {until}"),
            Error::RateLimited { after: None, until: None, .. } => "unknown".to_owned(),
            other => panic!("{other:?}"),
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
        assert_eq!(told, "until 2026-11-24T14:21:00Z");
        let refused = budget.spend_at(Family::Repository, at(40, start)).unwrap_err();
        assert_eq!(limit(refused), "until 2026-11-24T14:21:00Z");
        budget.not_refused(Family::Repository);
        budget.spend_at(Family::Repository, at(40, start)).unwrap_err();
        budget.spend_at(Family::RawFile, at(40, start)).unwrap();
        budget.spend_at(Family::Repository, at(61, start)).unwrap();
    }

    #[test]
    fn lets_one_request_through_to_see_whether_a_limit_is_still_there() {
        let (budget, start) = (Budget::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        let spend = |seconds| budget.spend_at(Family::Repository, after(seconds)).map_err(limit);
        let refused = |seconds| {
            let clock = Timestamp::UNIX_EPOCH;
            limit(budget.exhausted_at(Family::Repository, None, after(seconds), clock))
        };
        let unknown = || Err("unknown".to_owned());
        spend(0).unwrap();
        assert_eq!(refused(0), "unknown");
        assert_eq!(spend(9), unknown());
        assert_eq!(spend(10), Ok(()));
        assert_eq!(spend(11), unknown(), "only one goes to see");
        assert_eq!(refused(12), "unknown");
        assert_eq!(spend(31), unknown(), "the second pause is twice as long");
        assert_eq!(spend(32), Ok(()));
        budget.not_refused(Family::Repository);
        assert_eq!(spend(33), Ok(()));
        assert_eq!(refused(34), "unknown");
        assert_eq!(spend(44), Ok(()), "and then it starts over");
    }

    #[test]
    fn closes_no_other_data_because_of_merge_checks() {
        let (budget, start) = (Budget::default(), Instant::now());
        budget.spend_at(Family::MergeChecks, start).unwrap();
        budget.exhausted_at(Family::MergeChecks, None, start, Timestamp::UNIX_EPOCH);
        budget.spend_at(Family::MergeChecks, start).unwrap_err();
        budget.spend_at(Family::Repository, start).unwrap();
    }

    #[test]
    fn believes_retry_after() {
        let (budget, start) = (Budget::default(), Instant::now());
        let wait = Some(Duration::from_secs(90));
        let told = budget.exhausted_at(Family::Other, wait, start, Timestamp::UNIX_EPOCH);
        assert_eq!(limit(told), "in 90 seconds");
        let soon = start + Duration::from_secs(60);
        assert_eq!(limit(budget.spend_at(Family::Other, soon).unwrap_err()), "in 30 seconds");
    }

    #[tokio::test]
    async fn leaves_bitbucket_alone_after_a_429() {
        let stand_in = StandIn::new(|_| {
            Reply::new(429, "text/plain", "Rate limit for this resource has been exceeded")
        })
        .await;
        let client = stand_in.client();
        for _ in 0..2 {
            let error = client.get(Path::new("user")).empty().await.unwrap_err();
            assert!(
                matches!(error, Error::RateLimited { after: None, until: None, .. }),
                "{error:?}"
            );
        }
        assert_eq!(stand_in.seen().len(), 1);
    }

    #[tokio::test]
    async fn goes_on_with_a_repository_when_only_its_merge_checks_are_refused() {
        let stand_in = StandIn::new(|asked| {
            if asked.target.contains("mergeability") {
                return Reply::new(429, "text/plain", "Rate limit for this resource");
            }
            Reply::json(200, &json!({ "id": 1 }))
        })
        .await;
        let client = stand_in.client();
        let repository = client.repository(&"acme/shop".try_into().unwrap());
        for _ in 0..2 {
            let error = repository.mergeability(1).await.unwrap_err();
            assert_eq!(error.to_string(), "Bitbucket's rate limit for merge checks is reached");
            repository.get_pull_request(1).await.unwrap();
        }
        assert_eq!(stand_in.seen().len(), 3);
    }
}

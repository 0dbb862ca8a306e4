//! Bitbucket tokens in memory: one slot per caller, and one exchange under way in each, or two when
//! the first one hangs.
//!
//! A token is kept until shortly before it ends, by the wall clock, since monotonic clocks stop
//! while a laptop sleeps. There is no timer: a call that finds its token nearly used up has the next one
//! fetched in the background, and goes on with the one that is still good.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, select_all};

use super::Error;
use crate::bitbucket::{AccessToken, Granted, Scopes};

/// How long before its end a token is no longer given to a call, which may take a while itself.
const LEEWAY: Duration = Duration::from_secs(60);
/// How long before that, at most, the next one is fetched ahead.
const AHEAD: Duration = Duration::from_secs(3 * 60);
/// How long a failed fetch ahead is left alone.
const PAUSE: Duration = Duration::from_secs(30);
/// How long it counts that the vault had nothing better than a token that Bitbucket refused. It spares
/// the calls whose refusal arrives a little later an exchange each.
const REFUSAL: Duration = Duration::from_secs(10);

/// After so long an exchange counts as hanging: whoever comes then does not wait for it alone.
const STALE: Duration = Duration::from_secs(4);
/// How many exchanges may be under way. More would only add to the troubles of a slow Auth0.
const MOST_FLIGHTS: usize = 2;

/// What an exchange brought.
pub(crate) struct Issued {
    pub(crate) token: AccessToken,
    pub(crate) expires_in: Option<Duration>,
    /// What the token may do, where the vault says so.
    pub(crate) scopes: Option<Scopes>,
}

/// A token, and whether it was at hand.
pub(crate) struct Held {
    pub(crate) token: AccessToken,
    pub(crate) from_memory: bool,
}

/// The place of one caller's token.
pub(crate) struct Slot {
    granted: Arc<Granted>,
    max_age: Duration,
    miss_age: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: Option<Kept>,
    /// The exchanges under way, the newest last.
    flights: Vec<Flight>,
    departed: u64,
    refused: Option<(AccessToken, SystemTime)>,
    /// What the vault said last, where that was no token: nothing is linked, or the link is broken.
    missed: Option<(Error, SystemTime)>,
    /// What the vault said of the last token's scopes.
    scopes: Option<Scopes>,
}

struct Kept {
    token: AccessToken,
    /// The number of the exchange that brought it.
    flight: u64,
    since: SystemTime,
    ahead_from: SystemTime,
    until: SystemTime,
}

/// An exchange under way, which everybody who needs its token waits for.
struct Flight {
    number: u64,
    since: SystemTime,
    landing: Landing,
}

type Landing = Shared<BoxFuture<'static, Result<AccessToken, Error>>>;

impl Slot {
    /// An empty place for tokens that are kept for `max_age` at most, whatever their life. That there
    /// is none to be had counts for `miss_age`.
    pub(crate) fn new(max_age: Duration, miss_age: Duration) -> Self {
        Self { granted: Arc::default(), max_age, miss_age, state: Mutex::default() }
    }

    /// What Bitbucket said of the scopes of this slot's tokens.
    pub(crate) fn granted(&self) -> &Arc<Granted> {
        &self.granted
    }

    /// What the vault said of the scopes of the last token that it gave.
    pub(crate) fn vault_scopes(&self) -> Option<Scopes> {
        self.lock().scopes.clone()
    }

    /// The token at hand, if there is one; the next is fetched behind it when its end is near.
    pub(crate) fn at_hand<F>(self: &Arc<Self>, exchange: impl FnOnce() -> F) -> Option<AccessToken>
    where
        F: Future<Output = Result<Issued, Error>> + Send + 'static,
    {
        let mut state = self.lock();
        let (token, next_is_due) = state.at_hand(SystemTime::now())?;
        if next_is_due {
            self.depart(&mut state, exchange(), None);
        }
        Some(token)
    }

    /// The token at hand, or the one that `exchange` brings.
    pub(crate) async fn token<F>(
        self: &Arc<Self>,
        exchange: impl FnOnce() -> F,
    ) -> Result<Held, Error>
    where
        F: Future<Output = Result<Issued, Error>> + Send + 'static,
    {
        let landings = {
            let mut state = self.lock();
            let now = SystemTime::now();
            if let Some((token, next_is_due)) = state.at_hand(now) {
                if next_is_due {
                    self.depart(&mut state, exchange(), None);
                }
                return Ok(Held { token, from_memory: true });
            }
            if let Some(miss) = state.missed(now, self.miss_age) {
                return Err(miss);
            }
            self.board(&mut state, exchange, None)
        };
        Ok(Held { token: first_of(landings).await?, from_memory: false })
    }

    /// A token other than `rejected`, which Bitbucket refused: the one that somebody else has renewed
    /// meanwhile, or else the one that a single exchange brings for all who were refused.
    pub(crate) async fn renew<F>(
        self: &Arc<Self>,
        rejected: &AccessToken,
        exchange: impl Fn() -> F,
    ) -> Result<AccessToken, Error>
    where
        F: Future<Output = Result<Issued, Error>> + Send + 'static,
    {
        loop {
            let landings = {
                let mut state = self.lock();
                let now = SystemTime::now();
                if state.has_refused(rejected, now) {
                    return Err(Error::LinkBroken);
                }
                if let Some(kept) = state.live(now).filter(|kept| kept.token != *rejected) {
                    return Ok(kept.token.clone());
                }
                if let Some(miss) = state.missed(now, self.miss_age) {
                    return Err(miss);
                }
                state.kept = None;
                self.board(&mut state, &exchange, Some(rejected))
            };
            let token = first_of(landings).await?;
            if token != *rejected {
                return Ok(token);
            }
            // That exchange began before the refusal, so it says nothing about it.
        }
    }

    /// Forgets the token, or that there was none. An exchange that is under way still serves those who
    /// wait for it.
    pub(crate) fn clear(&self) {
        let mut state = self.lock();
        state.kept = None;
        state.refused = None;
        state.missed = None;
    }

    /// Takes over a token that was fetched on the side, and that Bitbucket has just accepted.
    pub(crate) fn take_over(&self, issued: Issued) {
        self.clear();
        let number = {
            let mut state = self.lock();
            state.departed += 1;
            state.departed
        };
        // Nothing was refused, so it lands.
        let _ = self.land(Ok(issued), number, None);
    }

    /// Whether a token is at hand.
    pub(crate) fn is_live(&self) -> bool {
        self.lock().live(SystemTime::now()).is_some()
    }

    /// The exchanges to wait for: what is under way, and a new one unless a young one is among it.
    fn board<F>(
        self: &Arc<Self>,
        state: &mut State,
        exchange: impl FnOnce() -> F,
        rejected: Option<&AccessToken>,
    ) -> Vec<Landing>
    where
        F: Future<Output = Result<Issued, Error>> + Send + 'static,
    {
        let is_young = |flight: &Flight| flight.is_young(SystemTime::now());
        if !state.is_in_flight()
            || (state.flights.len() < MOST_FLIGHTS && !state.flights.last().is_some_and(is_young))
        {
            self.depart(state, exchange(), rejected.cloned());
        }
        state.flights.iter().map(|flight| flight.landing.clone()).collect()
    }

    /// Starts an exchange in a task of its own: a caller who gives up takes it from nobody else.
    fn depart<F>(self: &Arc<Self>, state: &mut State, exchange: F, rejected: Option<AccessToken>)
    where
        F: Future<Output = Result<Issued, Error>> + Send + 'static,
    {
        state.departed += 1;
        let (slot, number) = (Arc::clone(self), state.departed);
        let task = tokio::spawn(async move {
            let answer = exchange.await;
            slot.land(answer, number, rejected.as_ref())
        });
        let landing = async { task.await.unwrap_or(Err(Error::Interrupted)) }.boxed().shared();
        state.flights.push(Flight { number, since: SystemTime::now(), landing });
    }

    fn land(
        &self,
        answer: Result<Issued, Error>,
        number: u64,
        rejected: Option<&AccessToken>,
    ) -> Result<AccessToken, Error> {
        let mut state = self.lock();
        let now = SystemTime::now();
        state.flights.retain(|flight| flight.number != number);
        if state.kept.as_ref().is_some_and(|kept| kept.flight > number) {
            // It hung, and a later one has brought what counts.
            return answer.map(|issued| issued.token);
        }
        let answer = match answer {
            Ok(issued)
                if rejected == Some(&issued.token) || state.has_refused(&issued.token, now) =>
            {
                state.refused = Some((issued.token, now));
                Err(Error::LinkBroken)
            }
            answer => answer,
        };
        match answer {
            Ok(issued) => {
                let token = issued.token.clone();
                state.missed = None;
                state.scopes.clone_from(&issued.scopes);
                state.kept = Some(Kept::new(issued, number, now, self.max_age));
                Ok(token)
            }
            Err(error) => {
                match &mut state.kept {
                    Some(kept) if !error.is_final() => kept.ahead_from = now + PAUSE,
                    kept => *kept = None,
                }
                if matches!(error, Error::NotLinked | Error::LinkBroken) {
                    state.missed = Some((error.clone(), now));
                }
                Err(error)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn live(&self, now: SystemTime) -> Option<&Kept> {
        self.kept.as_ref().filter(|kept| kept.is_live(now))
    }

    /// The token that is kept, and whether it is time to fetch the next one behind it.
    fn at_hand(&mut self, now: SystemTime) -> Option<(AccessToken, bool)> {
        let kept = self.live(now)?;
        let (token, is_late) = (kept.token.clone(), now >= kept.ahead_from);
        Some((token, is_late && !self.is_in_flight()))
    }

    /// Whether any exchange is under way. One that ended without landing, by a panic, is none.
    fn is_in_flight(&mut self) -> bool {
        self.flights.retain(|flight| flight.landing.peek().is_none());
        !self.flights.is_empty()
    }

    fn has_refused(&self, token: &AccessToken, now: SystemTime) -> bool {
        self.refused
            .as_ref()
            .is_some_and(|(refused, since)| refused == token && is_younger(*since, now, REFUSAL))
    }

    fn missed(&self, now: SystemTime, miss_age: Duration) -> Option<Error> {
        let (error, since) = self.missed.as_ref()?;
        is_younger(*since, now, miss_age).then(|| error.clone())
    }
}

impl Flight {
    fn is_young(&self, now: SystemTime) -> bool {
        is_younger(self.since, now, STALE)
    }
}

/// Whether `since` is less than `age` ago. A clock that was set back makes nothing younger.
fn is_younger(since: SystemTime, now: SystemTime, age: Duration) -> bool {
    now.duration_since(since).is_ok_and(|passed| passed < age)
}

/// The first token that lands, or what ends the hope for one.
async fn first_of(mut landings: Vec<Landing>) -> Result<AccessToken, Error> {
    let mut last = Error::Interrupted;
    while !landings.is_empty() {
        let (landed, _, others) = select_all(landings).await;
        match landed {
            Err(error) if !error.is_final() => last = error,
            decided => return decided,
        }
        landings = others;
    }
    Err(last)
}

impl Kept {
    /// A token that lives shorter than twice the leeway is kept for half its life.
    fn new(issued: Issued, flight: u64, now: SystemTime, max_age: Duration) -> Self {
        let life =
            issued.expires_in.map_or(max_age, |life| life.saturating_sub(LEEWAY.min(life / 2)));
        let life = life.min(max_age);
        let until = now + life;
        let ahead_from = until - AHEAD.min(life / 4);
        Self { token: issued.token, flight, since: now, ahead_from, until }
    }

    /// A clock that was set back must not lengthen a token's life.
    fn is_live(&self, now: SystemTime) -> bool {
        self.since <= now && now < self.until
    }
}

#[cfg(test)]
mod tests;

//! Bitbucket tokens in memory: one slot per caller, and one exchange under way in each, or two when
//! the first one hangs.
//!
//! A token is kept until shortly before it ends, by the wall clock, since monotonic clocks stop
//! while a laptop sleeps. There is no timer: a call that finds its token nearly used up has the next one
//! fetched in the background, and goes on with the one that is still good.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures::future::{BoxFuture, Shared};
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};

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
    exchanges: Arc<AtomicU64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: Option<Kept>,
    /// The exchanges under way, the newest last.
    flights: Vec<Flight>,
    departed: u64,
    refused: Option<(AccessToken, SystemTime)>,
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
    since: SystemTime,
    landing: Landing,
}

type Landing = Shared<BoxFuture<'static, Result<AccessToken, Error>>>;

impl Slot {
    /// An empty place for tokens that are kept for `max_age` at most, whatever their life.
    pub(crate) fn new(max_age: Duration, exchanges: Arc<AtomicU64>) -> Self {
        Self { granted: Arc::default(), max_age, exchanges, state: Mutex::default() }
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
        let now = SystemTime::now();
        let kept = state.live(now)?;
        let (token, ahead) = (kept.token.clone(), now >= kept.ahead_from);
        if ahead && !state.is_in_flight() {
            self.depart(&mut state, exchange(), None);
        }
        Some(token)
    }

    /// The token at hand, or the one that `exchange` brings.
    pub(crate) async fn token<F>(self: &Arc<Self>, exchange: impl Fn() -> F) -> Result<Held, Error>
    where
        F: Future<Output = Result<Issued, Error>> + Send + 'static,
    {
        if let Some(token) = self.at_hand(&exchange) {
            return Ok(Held { token, from_memory: true });
        }
        let landings = self.board(&mut self.lock(), exchange, None);
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

    /// Forgets the token. An exchange that is under way still serves those who wait for it.
    pub(crate) fn clear(&self) {
        let mut state = self.lock();
        state.kept = None;
        state.refused = None;
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
        self.exchanges.fetch_add(1, Ordering::Relaxed);
        state.departed += 1;
        let (slot, number) = (Arc::clone(self), state.departed);
        let task = tokio::spawn(async move {
            let answer = exchange.await;
            slot.land(answer, number, rejected.as_ref())
        });
        let landing = async { task.await.unwrap_or(Err(Error::Interrupted)) }.boxed().shared();
        state.flights.push(Flight { since: SystemTime::now(), landing });
    }

    fn land(
        &self,
        answer: Result<Issued, Error>,
        number: u64,
        rejected: Option<&AccessToken>,
    ) -> Result<AccessToken, Error> {
        let mut state = self.lock();
        let now = SystemTime::now();
        if state.kept.as_ref().is_some_and(|kept| kept.flight > number) {
            // It hung, and a later one has brought what counts.
            return answer.map(|issued| issued.token);
        }
        match answer {
            Ok(issued)
                if rejected == Some(&issued.token) || state.has_refused(&issued.token, now) =>
            {
                state.kept = None;
                state.refused = Some((issued.token, now));
                Err(Error::LinkBroken)
            }
            Ok(issued) => {
                let token = issued.token.clone();
                state.scopes.clone_from(&issued.scopes);
                state.kept = Some(Kept::new(issued, number, now, self.max_age));
                Ok(token)
            }
            Err(error) => {
                match &mut state.kept {
                    Some(kept) if !error.is_final() => kept.ahead_from = now + PAUSE,
                    kept => *kept = None,
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

    /// Whether any exchange is under way. Those that have ended, or by a panic never land, are let go.
    fn is_in_flight(&mut self) -> bool {
        self.flights.retain(|flight| flight.landing.peek().is_none());
        !self.flights.is_empty()
    }

    fn has_refused(&self, token: &AccessToken, now: SystemTime) -> bool {
        self.refused.as_ref().is_some_and(|(refused, since)| {
            refused == token && now.duration_since(*since).is_ok_and(|age| age < REFUSAL)
        })
    }
}

impl Flight {
    /// A clock that was set back makes an exchange no younger.
    fn is_young(&self, now: SystemTime) -> bool {
        now.duration_since(self.since).is_ok_and(|age| age < STALE)
    }
}

/// The first token that lands, or what ends the hope for one.
async fn first_of(landings: Vec<Landing>) -> Result<AccessToken, Error> {
    let mut landings: FuturesUnordered<Landing> = landings.into_iter().collect();
    let mut last = Error::Interrupted;
    while let Some(landed) = landings.next().await {
        match landed {
            Err(error) if !error.is_final() => last = error,
            decided => return decided,
        }
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
mod tests {
    use secrecy::SecretString;
    use tokio::sync::Semaphore;

    use super::*;

    const HOUR: Option<Duration> = Some(Duration::from_secs(3_600));

    fn token(text: &str) -> AccessToken {
        AccessToken::new(SecretString::from(text.to_owned()))
    }

    fn slot() -> Arc<Slot> {
        Arc::new(Slot::new(Duration::from_secs(900), Arc::default()))
    }

    fn exchanges(slot: &Slot) -> u64 {
        slot.exchanges.load(Ordering::Relaxed)
    }

    async fn issue(text: &str, expires_in: Option<Duration>) -> Result<Issued, Error> {
        Ok(Issued { token: token(text), expires_in, scopes: None })
    }

    /// Lets what was spawned run.
    async fn settle() {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    fn age(slot: &Slot, by: Duration) {
        let mut state = slot.lock();
        let kept = state.kept.as_mut().unwrap();
        kept.since -= by;
        kept.ahead_from -= by;
        kept.until -= by;
    }

    #[test]
    fn keeps_a_token_for_its_life_less_the_leeway_but_not_longer_than_allowed() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        for (expires_in, kept_for, ahead_after) in [
            (Some(7_200), 900, 720),
            (Some(660), 600, 450),
            (Some(120), 60, 45),
            (Some(40), 20, 15),
            (Some(0), 0, 0),
            (None, 900, 720),
        ] {
            let expires_in = expires_in.map(Duration::from_secs);
            let issued = Issued { token: token("a"), expires_in, scopes: None };
            let kept = Kept::new(issued, 1, now, Duration::from_secs(900));
            let after = |time: SystemTime| time.duration_since(now).unwrap().as_secs();
            assert_eq!((after(kept.until), after(kept.ahead_from)), (kept_for, ahead_after));
        }
    }

    #[test]
    fn does_not_trust_a_clock_that_was_set_back() {
        let now = SystemTime::now();
        let kept =
            Kept::new(Issued { token: token("a"), expires_in: HOUR, scopes: None }, 1, now, LEEWAY);
        assert!(kept.is_live(now));
        assert!(!kept.is_live(now - Duration::from_secs(1)));
        assert!(!kept.is_live(now + LEEWAY));
    }

    #[tokio::test]
    async fn exchanges_once_however_many_calls_wait() {
        let slot = slot();
        let gate = Arc::new(Semaphore::new(0));
        let calls: Vec<_> = (0..32)
            .map(|_| {
                let (slot, gate) = (Arc::clone(&slot), Arc::clone(&gate));
                tokio::spawn(async move {
                    let exchange = async move {
                        gate.acquire().await.unwrap().forget();
                        issue("a", HOUR).await
                    };
                    slot.token(|| exchange).await.map(|held| held.token)
                })
            })
            .collect();
        settle().await;
        gate.add_permits(32);
        for call in calls {
            assert_eq!(call.await.unwrap().unwrap(), token("a"));
        }
        for _ in 0..50 {
            assert!(slot.token(|| issue("b", HOUR)).await.unwrap().from_memory);
        }
        assert_eq!(exchanges(&slot), 1);
    }

    #[tokio::test]
    async fn gives_a_token_that_is_all_but_over_to_those_who_wait_for_it() {
        let slot = slot();
        let (one, two) = tokio::join!(
            slot.token(|| issue("a", Some(Duration::ZERO))),
            slot.token(|| issue("b", Some(Duration::ZERO))),
        );
        assert_eq!((one.unwrap().token, two.unwrap().token), (token("a"), token("a")));
        assert_eq!(slot.token(|| issue("c", HOUR)).await.unwrap().token, token("c"));
    }

    #[tokio::test]
    async fn fetches_the_next_token_behind_a_call_that_uses_the_old_one() {
        let slot = slot();
        slot.token(|| issue("a", HOUR)).await.unwrap();
        age(&slot, Duration::from_secs(800));
        assert_eq!(slot.token(|| issue("b", HOUR)).await.unwrap().token, token("a"));
        assert_eq!(slot.token(|| issue("c", HOUR)).await.unwrap().token, token("a"));
        settle().await;
        assert_eq!(slot.token(|| issue("d", HOUR)).await.unwrap().token, token("b"));
        assert_eq!(exchanges(&slot), 2);
    }

    #[tokio::test]
    async fn waits_a_while_after_a_failed_fetch_ahead() {
        let slot = slot();
        slot.token(|| issue("a", HOUR)).await.unwrap();
        age(&slot, Duration::from_secs(800));
        for _ in 0..5 {
            let held = slot.token(|| async { Err(Error::TimedOut) }).await.unwrap();
            assert_eq!(held.token, token("a"));
            settle().await;
        }
        assert_eq!(exchanges(&slot), 2);
    }

    #[tokio::test]
    async fn drops_the_token_when_a_fetch_ahead_finds_the_link_gone() {
        let slot = slot();
        slot.token(|| issue("a", HOUR)).await.unwrap();
        age(&slot, Duration::from_secs(800));
        slot.token(|| async { Err(Error::NotLinked) }).await.unwrap();
        settle().await;
        assert!(!slot.is_live());
    }

    #[tokio::test]
    async fn shares_an_error_with_those_who_wait_and_keeps_it_for_nobody() {
        let slot = slot();
        let fail = || async { Err(Error::NotLinked) };
        let (one, two) = tokio::join!(slot.token(fail), slot.token(fail));
        assert!(matches!((one, two), (Err(Error::NotLinked), Err(Error::NotLinked))));
        assert_eq!(exchanges(&slot), 1);
        assert_eq!(slot.token(|| issue("a", HOUR)).await.unwrap().token, token("a"));
    }

    #[tokio::test]
    async fn renews_once_for_all_who_were_refused() {
        let slot = slot();
        let old = slot.token(|| issue("a", HOUR)).await.unwrap().token;
        let renewals = (0..32).map(|_| slot.renew(&old, || issue("b", HOUR)));
        for renewed in futures::future::join_all(renewals).await {
            assert_eq!(renewed.unwrap(), token("b"));
        }
        assert_eq!(slot.renew(&old, || issue("c", HOUR)).await.unwrap(), token("b"));
        assert_eq!(exchanges(&slot), 2);
    }

    #[tokio::test]
    async fn calls_the_link_broken_when_the_refused_token_comes_back() {
        let slot = slot();
        let old = slot.token(|| issue("a", HOUR)).await.unwrap().token;
        let renewals = (0..8).map(|_| slot.renew(&old, || issue("a", HOUR)));
        for renewed in futures::future::join_all(renewals).await {
            assert!(matches!(renewed, Err(Error::LinkBroken)));
        }
        let late = slot.renew(&old, || issue("a", HOUR)).await;
        assert!(matches!(late, Err(Error::LinkBroken)));
        assert_eq!(exchanges(&slot), 2);
    }

    #[tokio::test]
    async fn looks_again_when_the_exchange_under_way_began_before_the_refusal() {
        let slot = slot();
        let old = slot.token(|| issue("a", HOUR)).await.unwrap().token;
        age(&slot, Duration::from_secs(800));
        slot.token(|| issue("a", HOUR)).await.unwrap();
        let renewed = slot.renew(&old, || issue("b", HOUR)).await;
        assert_eq!(renewed.unwrap(), token("b"));
        assert_eq!(exchanges(&slot), 3);
    }

    #[tokio::test]
    async fn ends_an_exchange_that_its_first_caller_gave_up() {
        let slot = slot();
        let gate = Arc::new(Semaphore::new(0));
        let held = Arc::clone(&gate);
        let exchange = async move {
            held.acquire().await.unwrap().forget();
            issue("a", HOUR).await
        };
        assert!(slot.token(|| exchange).now_or_never().is_none());
        gate.add_permits(1);
        assert_eq!(slot.token(|| issue("b", HOUR)).await.unwrap().token, token("a"));
        assert_eq!(exchanges(&slot), 1);
    }

    #[tokio::test]
    async fn starts_another_exchange_when_the_one_under_way_hangs_but_never_a_third() {
        let slot = slot();
        let gate = Arc::new(Semaphore::new(0));
        let hanging = || {
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.unwrap().forget();
                issue("late", HOUR).await
            }
        };
        assert!(slot.token(hanging).now_or_never().is_none());
        assert!(slot.token(hanging).now_or_never().is_none());
        assert_eq!(exchanges(&slot), 1);
        let grow_old = || slot.lock().flights.iter_mut().for_each(|flight| flight.since -= STALE);
        grow_old();
        assert_eq!(slot.token(|| issue("a", HOUR)).await.unwrap().token, token("a"));
        assert_eq!(exchanges(&slot), 2);
        gate.add_permits(1);
        settle().await;
        let kept = slot.token(|| issue("b", HOUR)).await.unwrap();
        assert_eq!((kept.token, kept.from_memory), (token("a"), true));

        slot.clear();
        for departed in [3, 4, 4] {
            assert!(slot.token(hanging).now_or_never().is_none());
            assert_eq!(exchanges(&slot), departed);
            grow_old();
        }
        gate.add_permits(1);
        assert_eq!(slot.token(hanging).await.unwrap().token, token("late"));
    }

    #[tokio::test]
    async fn believes_the_exchange_that_answers_not_the_one_that_hangs() {
        let slot = slot();
        assert!(slot.token(|| futures::future::pending()).now_or_never().is_none());
        slot.lock().flights.iter_mut().for_each(|flight| flight.since -= STALE);
        let unlinked = slot.token(|| async { Err(Error::NotLinked) }).await;
        assert!(matches!(unlinked, Err(Error::NotLinked)));
    }
}

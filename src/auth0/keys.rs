//! The tenant's signing keys: read by every request, fetched seldom, by one task at a time.
//!
//! Anybody can show a token that names a key which nobody has. So known keys are read without
//! waiting for anything, and however many unknown ones are named, the tenant is asked about once a
//! minute.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use url::Url;

use super::error::Asked;
use super::jwt::VerifyingKey;
use super::{Error, SERVICE, Tenant};
use crate::net;

/// From then on the keys are fetched again, while those that there are go on serving.
const FRESH: Duration = Duration::from_secs(600);
/// From then on a request waits for that fetch, so that after an idle night a withdrawn key does not
/// count once more.
const AGEING: Duration = Duration::from_secs(1200);
/// How long keys serve when Auth0 gives no others.
const OLDEST: Duration = Duration::from_secs(24 * 3600);
/// An unknown key can mean a rotation, but anybody can name an unknown key. Counts from the end of
/// the last fetch, whether it worked or not.
const PAUSE: Duration = Duration::from_secs(60);
/// The same while there are no keys at all and nobody can be let in.
const PAUSE_WITHOUT_KEYS: Duration = Duration::from_secs(5);
/// A fetch that takes longer has failed: requests are waiting for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// A fetch that is under way, for whoever wants to wait for it.
type Fetch = Shared<BoxFuture<'static, Outcome>>;
type Outcome = Result<(), Arc<Error>>;

#[derive(Default)]
pub(super) struct Keys {
    set: ArcSwap<KeySet>,
    fetching: Mutex<Fetching>,
    clock: Clock,
}

/// The keys at one time.
#[derive(Default)]
pub(super) struct KeySet {
    keys: Vec<Arc<VerifyingKey>>,
    /// Another number means other keys.
    pub(super) generation: u64,
    /// When they came. None before the first.
    fetched: Option<Duration>,
}

#[derive(Default)]
struct Fetching {
    running: Option<Fetch>,
    /// When the last one ended, and how.
    last: Option<(Duration, Outcome)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Fresh,
    Ageing,
    Old,
    Gone,
}

/// What the tenant publishes (RFC 7517 section 5).
#[derive(Deserialize)]
struct Published {
    keys: Vec<serde_json::Value>,
}

impl KeySet {
    /// The key that is called so; for a token without a name of a key, the only one there is.
    pub(super) fn find(&self, kid: Option<&str>) -> Option<Arc<VerifyingKey>> {
        match (kid, self.keys.as_slice()) {
            (Some(kid), keys) => keys.iter().find(|key| key.kid() == Some(kid)).cloned(),
            (None, [only]) => Some(Arc::clone(only)),
            (None, _) => None,
        }
    }
}

impl Tenant {
    /// Fetches the tenant's signing keys, unless they are there: for whom it is better to wait at the
    /// start than at the first request.
    ///
    /// # Errors
    /// Why Auth0 gives none.
    pub async fn warm_up_keys(&self) -> Result<(), Error> {
        self.keys().await.map(|_| ())
    }

    /// The keys that count now.
    pub(super) async fn keys(&self) -> Result<Arc<KeySet>, Error> {
        let keys = &self.inner.keys;
        let set = keys.set.load_full();
        match keys.standing(&set) {
            Standing::Fresh => return Ok(set),
            Standing::Ageing => {
                drop(self.fetch_keys(PAUSE));
                return Ok(set);
            }
            Standing::Old => {
                // Once a fetch has failed, nobody waits for the next: Auth0 is down.
                let failed = keys.last_failure().is_some();
                if let Some(fetch) = self.fetch_keys(PAUSE)
                    && !failed
                {
                    drop(fetch.await);
                }
            }
            Standing::Gone => {
                if let Some(fetch) = self.fetch_keys(PAUSE_WITHOUT_KEYS) {
                    fetch.await.map_err(Error::Keys)?;
                }
            }
        }
        let set = keys.set.load_full();
        match keys.standing(&set) {
            Standing::Gone => Err(keys.last_failure().map_or_else(late, Error::Keys)),
            _ => Ok(set),
        }
    }

    /// The key among `set` that is called `kid`, or among newer ones than those; none when the tenant
    /// has no such key.
    pub(super) async fn signing_key(
        &self,
        set: &KeySet,
        kid: Option<&str>,
    ) -> Result<Option<Arc<VerifyingKey>>, Error> {
        if let Some(key) = set.find(kid) {
            return Ok(Some(key));
        }
        match self.fetch_keys(PAUSE) {
            Some(fetch) => fetch.await.map_err(Error::Keys)?,
            // Whether there is such a key is not known: the answer must not be that there is none.
            None => {
                if let Some(error) = self.inner.keys.last_failure() {
                    return Err(Error::Keys(error));
                }
            }
        }
        Ok(self.inner.keys.set.load().find(kid))
    }

    /// The fetch that is under way, or a new one, unless the last ended less than `pause` ago.
    fn fetch_keys(&self, pause: Duration) -> Option<Fetch> {
        let keys = &self.inner.keys;
        let mut fetching = keys.fetching();
        if let Some(running) = &fetching.running
            && running.peek().is_none()
        {
            return Some(running.clone());
        }
        let now = keys.now();
        if fetching.last.as_ref().is_some_and(|(ended, _)| now.saturating_sub(*ended) < pause) {
            return None;
        }
        // A task of its own: who waits for it may go away, and with them the answer for the others.
        let tenant = self.clone();
        let task = tokio::spawn(async move { tenant.replace_keys().await });
        let outcome = task.map(|done| done.unwrap_or_else(|_| Err(Arc::new(late()))));
        let fetch = outcome.boxed().shared();
        fetching.running = Some(fetch.clone());
        Some(fetch)
    }

    async fn replace_keys(&self) -> Outcome {
        let fetched = tokio::time::timeout(PATIENCE, self.published_keys()).await;
        let outcome = match fetched.unwrap_or_else(|_| Err(late())) {
            Ok(published) => {
                self.inner.keys.replace(published);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, "the tenant's signing keys cannot be fetched");
                Err(Arc::new(error))
            }
        };
        let keys = &self.inner.keys;
        let ended = keys.now();
        let mut fetching = keys.fetching();
        fetching.running = None;
        fetching.last = Some((ended, outcome.clone()));
        outcome
    }

    async fn published_keys(&self) -> Result<Vec<Arc<VerifyingKey>>, Error> {
        let url: Url = self.key_set_url().await?;
        let answer = self.get(&url).await?;
        if !answer.is_success() {
            return Err(Error::of(Asked::Metadata, &answer));
        }
        let published: Published = answer.json("a key set")?;
        // A kind of key that we do not know must not hide those that we do.
        let known = published.keys.into_iter().filter_map(|key| {
            let jwk: Jwk = serde_json::from_value(key).ok()?;
            VerifyingKey::from_jwk(jwk).map(Arc::new)
        });
        Ok(known.collect())
    }
}

impl Keys {
    fn replace(&self, published: Vec<Arc<VerifyingKey>>) {
        let old = self.set.load();
        let same = old.fetched.is_some()
            && old.keys.iter().map(|key| key.jwk()).eq(published.iter().map(|key| key.jwk()));
        let generation = if same { old.generation } else { old.generation + 1 };
        let fetched = Some(self.now());
        self.set.store(Arc::new(KeySet { keys: published, generation, fetched }));
    }

    fn standing(&self, set: &KeySet) -> Standing {
        match set.fetched.map(|fetched| self.now().saturating_sub(fetched)) {
            Some(age) if age < FRESH => Standing::Fresh,
            Some(age) if age < AGEING => Standing::Ageing,
            Some(age) if age < OLDEST => Standing::Old,
            _ => Standing::Gone,
        }
    }

    fn last_failure(&self) -> Option<Arc<Error>> {
        self.fetching().last.as_ref()?.1.as_ref().err().cloned()
    }

    /// Nothing in it can be half done.
    fn fetching(&self) -> MutexGuard<'_, Fetching> {
        self.fetching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Lets time pass.
    #[cfg(test)]
    pub(super) fn pass(&self, time: Duration) {
        self.clock.0.fetch_add(time.as_secs(), std::sync::atomic::Ordering::Relaxed);
    }
}

/// Counts from when it was made.
#[cfg(not(test))]
struct Clock(std::time::Instant);

/// Stands still but for [`Keys::pass`], so that no test depends on how fast it runs.
#[cfg(test)]
#[derive(Default)]
struct Clock(std::sync::atomic::AtomicU64);

#[cfg(not(test))]
impl Default for Clock {
    fn default() -> Self {
        Self(std::time::Instant::now())
    }
}

impl Clock {
    #[cfg(not(test))]
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    #[cfg(test)]
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(std::sync::atomic::Ordering::Relaxed))
    }
}

fn late() -> Error {
    net::Error::TimedOut { service: SERVICE }.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::signer::Signer;
    use super::super::stand_in::{KEYS_PATH, StandIn};
    use super::*;

    /// `k1` if the tenant has it, why not otherwise.
    async fn said(tenant: &Tenant, kid: &str) -> String {
        let set = match tenant.keys().await {
            Ok(set) => set,
            Err(error) => return error.to_string(),
        };
        match tenant.signing_key(&set, Some(kid)).await {
            Ok(Some(key)) => key.kid().unwrap().to_owned(),
            Ok(None) => "unknown".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    fn fetches(stand_in: &StandIn) -> usize {
        stand_in.requests().iter().filter(|request| request.path == KEYS_PATH).count()
    }

    #[tokio::test]
    async fn asks_about_unknown_keys_once_a_minute() {
        let stand_in = StandIn::start().await;
        let tenant = stand_in.tenant();
        for kid in ["k1", "k2", "k3", "k2", ""] {
            assert_eq!(said(&tenant, kid).await, if kid == "k1" { "k1" } else { "unknown" });
        }
        assert_eq!(fetches(&stand_in), 1);
        tenant.inner.keys.pass(PAUSE);
        let flood = (0..200).map(|number| {
            let tenant = tenant.clone();
            async move { said(&tenant, &format!("forged-{number}")).await }
        });
        assert_eq!(futures::future::join_all(flood).await, ["unknown"; 200]);
        assert_eq!(fetches(&stand_in), 2);
    }

    #[tokio::test]
    async fn asks_no_more_often_when_the_answer_is_a_failure() {
        let stand_in = StandIn::start().await;
        let tenant = stand_in.tenant();
        assert_eq!(said(&tenant, "k1").await, "k1");
        stand_in.answer(KEYS_PATH, 503, json!({}));
        tenant.inner.keys.pass(PAUSE);
        for _ in 0..5 {
            let told = said(&tenant, "k2").await;
            assert_eq!(told, "Auth0 is not working right now (HTTP 503)");
            assert_eq!(said(&tenant, "k1").await, "k1");
        }
        assert_eq!(fetches(&stand_in), 2);
    }

    #[tokio::test]
    async fn serves_known_keys_while_a_fetch_hangs() {
        let stand_in = StandIn::start().await;
        let tenant = stand_in.tenant();
        assert_eq!(said(&tenant, "k1").await, "k1");
        let held = stand_in.hold(KEYS_PATH);
        tenant.inner.keys.pass(FRESH);
        let waiting = tokio::spawn({
            let tenant = tenant.clone();
            async move { said(&tenant, "k2").await }
        });
        let many = (0..100).map(|_| said(&tenant, "k1"));
        assert_eq!(futures::future::join_all(many).await, ["k1"; 100]);
        stand_in.set_keys(&[&Signer::tenant(), &Signer::ec("k2")]);
        drop(held);
        assert_eq!(waiting.await.unwrap(), "k2");
        assert_eq!(fetches(&stand_in), 2);
    }

    #[tokio::test]
    async fn finds_a_new_key_at_once_and_drops_a_withdrawn_one() {
        let stand_in = StandIn::start().await;
        let tenant = stand_in.tenant();
        assert_eq!(said(&tenant, "k1").await, "k1");
        let first = tenant.keys().await.unwrap().generation;
        tenant.inner.keys.pass(PAUSE);
        let new = Signer::ec("k2");
        stand_in.set_keys(&[&Signer::tenant(), &new]);
        assert_eq!(said(&tenant, "k2").await, "k2");
        assert_ne!(tenant.keys().await.unwrap().generation, first);
        stand_in.set_keys(&[&new]);
        assert_eq!(said(&tenant, "k1").await, "k1", "nobody has asked since");
        tenant.inner.keys.pass(AGEING);
        assert_eq!(said(&tenant, "k1").await, "unknown");
    }

    #[tokio::test]
    async fn refreshes_ageing_keys_behind_the_back_of_requests() {
        let stand_in = StandIn::start().await;
        let tenant = stand_in.tenant();
        assert_eq!(said(&tenant, "k1").await, "k1");
        let generation = tenant.keys().await.unwrap().generation;
        tenant.inner.keys.pass(FRESH);
        let held = stand_in.hold(KEYS_PATH);
        assert_eq!(said(&tenant, "k1").await, "k1");
        drop(held);
        let running = tenant.inner.keys.fetching().running.clone();
        if let Some(running) = running {
            running.await.unwrap();
        }
        let set = tenant.keys().await.unwrap();
        assert!(tenant.inner.keys.standing(&set) == Standing::Fresh);
        assert_eq!(set.generation, generation, "the keys are the same");
    }

    #[tokio::test]
    async fn goes_on_for_a_day_without_auth0() {
        let stand_in = StandIn::start().await;
        let tenant = stand_in.tenant();
        assert_eq!(said(&tenant, "k1").await, "k1");
        stand_in.answer(KEYS_PATH, 503, json!({}));
        tenant.inner.keys.pass(OLDEST - PAUSE);
        assert_eq!(said(&tenant, "k1").await, "k1");
        tenant.inner.keys.pass(PAUSE);
        assert_eq!(said(&tenant, "k1").await, "Auth0 is not working right now (HTTP 503)");
    }

    #[tokio::test]
    async fn tries_again_soon_after_a_start_without_auth0() {
        let stand_in = StandIn::start().await;
        stand_in.answer(KEYS_PATH, 503, json!({}));
        let tenant = stand_in.tenant();
        let down = "Auth0 is not working right now (HTTP 503)";
        assert_eq!(tenant.warm_up_keys().await.unwrap_err().to_string(), down);
        assert_eq!(said(&tenant, "k1").await, down);
        assert_eq!(fetches(&stand_in), 1);
        stand_in.set_keys(&[&Signer::tenant()]);
        tenant.inner.keys.pass(PAUSE_WITHOUT_KEYS);
        assert_eq!(said(&tenant, "k1").await, "k1");
    }

    #[tokio::test]
    async fn does_not_lose_a_fetch_with_the_request_that_began_it() {
        let stand_in = StandIn::start().await;
        let tenant = stand_in.tenant();
        let held = stand_in.hold(KEYS_PATH);
        let first = tokio::time::timeout(Duration::from_millis(1), tenant.warm_up_keys()).await;
        assert!(first.is_err());
        drop(held);
        assert_eq!(said(&tenant, "k1").await, "k1");
        assert_eq!(fetches(&stand_in), 1);
    }
}

//! One slot, and exchanges that end when the test says so.

use secrecy::SecretString;
use tokio::sync::Semaphore;

use super::*;

const HOUR: Option<Duration> = Some(Duration::from_secs(3_600));

fn token(text: &str) -> AccessToken {
    AccessToken::new(SecretString::from(text.to_owned()))
}

fn slot() -> Arc<Slot> {
    slot_with(Duration::ZERO)
}

fn slot_with(miss_age: Duration) -> Arc<Slot> {
    Arc::new(Slot::new(Duration::from_secs(900), miss_age))
}

fn exchanges(slot: &Slot) -> u64 {
    slot.lock().departed
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
async fn remembers_for_a_while_that_there_is_no_link_or_a_broken_one() {
    for says in [Error::NotLinked, Error::LinkBroken] {
        let slot = slot_with(Duration::from_secs(900));
        let fail = || std::future::ready(Err(says.clone()));
        for _ in 0..20 {
            let refused = slot.token(fail).await.map(|held| held.token).unwrap_err();
            assert_eq!(refused.to_string(), says.to_string());
        }
        assert_eq!(exchanges(&slot), 1);
        slot.lock().missed.as_mut().unwrap().1 -= Duration::from_secs(900);
        assert_eq!(slot.token(|| issue("a", HOUR)).await.unwrap().token, token("a"));
        assert!(slot.lock().missed.is_none());
    }
}

#[tokio::test]
async fn remembers_no_other_failure_and_nothing_once_it_is_cleared() {
    let slot = slot_with(Duration::from_secs(900));
    for passing in [Error::TokenEnded, Error::NotSignedIn, Error::TimedOut, Error::Interrupted] {
        assert!(slot.token(|| std::future::ready(Err(passing))).await.is_err());
    }
    assert_eq!(exchanges(&slot), 4);
    assert!(slot.token(|| async { Err(Error::NotLinked) }).await.is_err());
    slot.clear();
    assert_eq!(slot.token(|| issue("a", HOUR)).await.unwrap().token, token("a"));
}

#[tokio::test]
async fn remembers_a_broken_link_for_those_whose_token_is_refused_later() {
    let slot = slot_with(Duration::from_secs(900));
    let old = slot.token(|| issue("a", HOUR)).await.unwrap().token;
    for _ in 0..3 {
        let renewed = slot.renew(&old, || async { Err(Error::NotLinked) }).await;
        assert!(matches!(renewed, Err(Error::NotLinked)));
    }
    assert_eq!(exchanges(&slot), 2);
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
    assert!(slot.token(futures::future::pending).now_or_never().is_none());
    slot.lock().flights.iter_mut().for_each(|flight| flight.since -= STALE);
    let unlinked = slot.token(|| async { Err(Error::NotLinked) }).await;
    assert!(matches!(unlinked, Err(Error::NotLinked)));
}

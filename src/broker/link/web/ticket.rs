//! One ticket: what it is for, which browsers have opened it, and how far they have come.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use url::Url;

use super::super::accounts::Started;
use super::super::digest::Digest;
use super::super::verdict::Verdict;
use super::super::{LinkedAccount, Outcome};
use super::Asker;
use super::keys::Sealed;
use crate::auth0::{AccountId, random_token};
use crate::bitbucket::Consumer;
use crate::identity::{Caller, PendingLogin};

/// How many browsers one ticket remembers: a scanner that opens it, or a person who changes devices,
/// takes nothing away from the one that goes through with it.
const VISITS: usize = 8;
/// How many trips to Auth0 one browser may be away on.
const TRIPS: usize = 3;
/// How many applications that ask are named to the person.
const ASKERS: usize = 4;
/// How often Auth0 is asked for one ticket before it is no good any more.
const TRIES: u32 = 30;

/// A page of ours that one caller was offered.
pub(super) struct Ticket {
    /// Who alone can use it.
    pub(super) caller: Caller,
    pub(super) purpose: Purpose,
    /// What its secret is made from.
    pub(super) nonce: [u8; 32],
    /// The hash of its secret.
    pub(super) id: Digest,
    pub(super) verdict: Verdict,
    /// Held while something is done that must happen once.
    pub(super) turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

/// What happens on the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// An account goes into the vault.
    Link,
    /// An account is taken out: this one, or the one that the person names.
    Unlink(Option<String>),
    /// The key and secret of the Bitbucket consumer are entered, which must have this callback URL.
    Consumer {
        /// It is shown to the person.
        callback: Url,
    },
}

impl Purpose {
    /// Whether the person has to sign in for it, however lately they have done so: rule 18.
    pub(super) fn wants_fresh_sign_in(&self) -> bool {
        matches!(self, Self::Unlink(_) | Self::Consumer { .. })
    }
}

struct State {
    stage: Stage,
    askers: Vec<Asker>,
    visits: VecDeque<Visit>,
    tries: u32,
    /// What was entered, and until when it is kept.
    consumer: Option<(Consumer, SystemTime)>,
}

/// How far it has come.
#[derive(Clone)]
pub(super) enum Stage {
    /// It can be used.
    Open,
    /// A newer one stands in its place.
    Replaced,
    /// The person said no.
    Refused,
    /// The account is in the vault.
    Linked(Box<Linked>),
    /// It was, and this browser took it back.
    Undone(Digest),
    /// The account was taken out of the vault.
    Unlinked(Box<Unlinked>),
    /// The consumer's key and secret were entered in this browser.
    Entered(Digest),
}

/// What was linked.
#[derive(Clone)]
pub(super) struct Linked {
    /// As far as it is known.
    pub(super) account: LinkedAccount,
    /// Auth0's identifier of it.
    pub(super) id: AccountId,
    /// Why it cannot be used, as a sentence.
    pub(super) unusable: Option<String>,
    /// The cookie of the browser that did it, hashed.
    pub(super) browser: Digest,
    /// What to call the person.
    pub(super) person: String,
    /// Until when it can be taken back.
    pub(super) undo_until: SystemTime,
}

/// What was unlinked.
#[derive(Clone)]
pub(super) struct Unlinked {
    pub(super) account: LinkedAccount,
    /// The accounts that are still linked; unknown where they could not be read.
    pub(super) left: Option<Vec<LinkedAccount>>,
    /// The cookie of the browser that did it, hashed.
    pub(super) browser: Digest,
    /// What to call the person.
    pub(super) person: String,
}

/// One browser.
struct Visit {
    cookie: Digest,
    trips: VecDeque<Trip>,
    signed_in: Option<Arc<SignedIn>>,
    /// The only account that could be unlinked, since its name was asked for.
    asked_about: Option<LinkedAccount>,
}

/// The right person, at one browser.
pub(super) struct SignedIn {
    /// Their My Account token, where the ticket needs one.
    pub(super) sealed: Option<Sealed>,
    /// Until when it is kept.
    pub(super) until: SystemTime,
    /// What to call them.
    pub(super) name: String,
}

struct Trip {
    state: Digest,
    errand: Errand,
}

/// What a browser is away for.
pub(super) enum Errand {
    /// To sign in.
    SignIn(Box<PendingLogin>),
    /// To consent to a link.
    Connect(Box<Started>),
    /// To fetch, without a page, what an account's name is asked for with.
    Introduce(Box<PendingLogin>),
}

/// Which of our two callbacks a browser comes back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callback {
    SignedIn,
    Connected,
}

impl Ticket {
    pub(super) fn new(
        caller: Caller,
        purpose: Purpose,
        nonce: [u8; 32],
        secret: &str,
        life: Duration,
    ) -> Self {
        let (askers, visits) = Default::default();
        let state = State { stage: Stage::Open, askers, visits, tries: 0, consumer: None };
        Self {
            caller,
            purpose,
            nonce,
            id: Digest::of(secret),
            verdict: Verdict::until(SystemTime::now() + life),
            turn: tokio::sync::Mutex::default(),
            state: Mutex::new(state),
        }
    }

    /// Notes that this application has asked for it: several agents of one person share a ticket.
    pub(super) fn ask(&self, asker: &Asker) {
        let askers = &mut self.state().askers;
        if !askers.contains(asker) && askers.len() < ASKERS {
            askers.push(asker.clone());
        }
    }

    /// The applications that have asked for it.
    pub(super) fn askers(&self) -> Vec<Asker> {
        self.state().askers.clone()
    }

    /// Whether it can still be used.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state().stage, Stage::Open) && !self.verdict.is_over()
    }

    pub(super) fn stage(&self) -> Stage {
        self.state().stage.clone()
    }

    /// Comes to an end, or a step further. Nobody stays signed in, but in the browser that made a link:
    /// it can still take that back.
    pub(super) fn enter(&self, stage: Stage, outcome: Outcome) {
        let mut state = self.state();
        let keeper = match &stage {
            Stage::Linked(linked) => Some(linked.browser),
            _ => None,
        };
        state.stage = stage;
        for visit in &mut state.visits {
            if keeper != Some(visit.cookie) {
                visit.signed_in = None;
            }
        }
        drop(state);
        self.verdict.tell(outcome);
    }

    /// Makes room for a newer ticket of the same caller. What was done with this one stays readable.
    pub(super) fn replace(&self) {
        let is_open = matches!(self.state().stage, Stage::Open);
        if is_open {
            self.enter(Stage::Replaced, Outcome::Expired);
        }
    }

    /// Adds what is known by now of the account that was linked.
    pub(super) fn amend(&self, change: impl FnOnce(&mut Linked)) {
        if let Stage::Linked(linked) = &mut self.state().stage {
            change(linked);
        }
    }

    /// Adds what is known by now of the only account that is left.
    pub(super) fn amend_left(&self, account: LinkedAccount) {
        if let Stage::Unlinked(unlinked) = &mut self.state().stage {
            unlinked.left = Some(vec![account]);
        }
    }

    /// The browser that this ticket was used up in.
    pub(super) fn was_ended_by(&self, cookie: Digest) -> bool {
        match &self.state().stage {
            Stage::Linked(linked) => linked.browser == cookie,
            Stage::Undone(browser) => *browser == cookie,
            Stage::Unlinked(unlinked) => unlinked.browser == cookie,
            Stage::Entered(browser) => *browser == cookie,
            Stage::Open | Stage::Replaced | Stage::Refused => false,
        }
    }

    /// Keeps what was entered until `until`.
    pub(super) fn keep_consumer(&self, consumer: Consumer, until: SystemTime) {
        self.state().consumer = Some((consumer, until));
    }

    /// What was entered, once.
    pub(super) fn take_consumer(&self) -> Option<Consumer> {
        let (consumer, until) = self.state().consumer.take()?;
        (SystemTime::now() < until).then_some(consumer)
    }

    /// Whether Auth0 may be asked once more.
    pub(super) fn may_try(&self) -> bool {
        let mut state = self.state();
        state.tries = state.tries.saturating_add(1);
        state.tries <= TRIES
    }

    /// A new `state` parameter, by which an answer finds its way back to this ticket.
    pub(super) fn new_state(&self) -> String {
        format!("{}.{}", self.id.written(), random_token())
    }

    pub(super) fn knows(&self, cookie: Digest) -> bool {
        self.state().visits.iter().any(|visit| visit.cookie == cookie)
    }

    /// The browser with `cookie` goes on a trip that comes back with `state`. One that was not here yet
    /// is remembered; the oldest that nobody has signed in at makes room for it.
    pub(super) fn depart(&self, cookie: Digest, state: &str, errand: Errand) {
        let trip = Trip { state: Digest::of(state), errand };
        let visits = &mut self.state().visits;
        if let Some(visit) = visits.iter_mut().find(|visit| visit.cookie == cookie) {
            if visit.trips.len() >= TRIPS {
                visit.trips.pop_front();
            }
            visit.trips.push_back(trip);
            return;
        }
        if visits.len() >= VISITS {
            let index = visits.iter().position(|visit| visit.signed_in.is_none()).unwrap_or(0);
            visits.remove(index);
        }
        let trips = VecDeque::from([trip]);
        visits.push_back(Visit { cookie, trips, signed_in: None, asked_about: None });
    }

    /// What the browser with `cookie` was away for, if it comes back to the right place. It does so
    /// once.
    pub(super) fn arrive(&self, cookie: Digest, state: &str, callback: Callback) -> Option<Errand> {
        let state = Digest::of(state);
        let visits = &mut self.state().visits;
        let visit = visits.iter_mut().find(|visit| visit.cookie == cookie)?;
        let index = visit
            .trips
            .iter()
            .position(|trip| trip.state == state && callback.ends(&trip.errand))?;
        visit.trips.remove(index).map(|trip| trip.errand)
    }

    /// Ends the trip that has come back to the right place in another browser than set out on it: its
    /// address has got into other hands.
    pub(super) fn end_trip(&self, state: &str, callback: Callback) {
        let state = Digest::of(state);
        for visit in &mut self.state().visits {
            visit.trips.retain(|trip| trip.state != state || !callback.ends(&trip.errand));
        }
    }

    /// The right person has signed in at the browser with `cookie`, which has a new one from now on:
    /// whoever planted the old one has gained nothing.
    pub(super) fn sign_in(&self, cookie: Digest, new: Digest, person: SignedIn) {
        let mut state = self.state();
        // It may have come to its end meanwhile, and then nothing is kept.
        let is_open = matches!(state.stage, Stage::Open);
        if let Some(visit) = state.visits.iter_mut().find(|visit| visit.cookie == cookie) {
            visit.cookie = new;
            visit.signed_in = is_open.then(|| Arc::new(person));
            visit.asked_about = None;
        }
    }

    /// Notes that the name of `account` is being asked for at the browser with `cookie`. Once a sign-in
    /// is often enough: whoever cannot be told it goes on without.
    pub(super) fn may_ask_about(&self, cookie: Digest, account: LinkedAccount) -> bool {
        let visits = &mut self.state().visits;
        let visit = visits.iter_mut().find(|visit| visit.cookie == cookie);
        let Some(visit) = visit.filter(|visit| visit.asked_about.is_none()) else { return false };
        visit.asked_about = Some(account);
        true
    }

    /// The account whose name was asked for at the browser with `cookie`, as far as it is known.
    pub(super) fn asked_about(&self, cookie: Digest) -> Option<LinkedAccount> {
        let state = self.state();
        let visit = state.visits.iter().find(|visit| visit.cookie == cookie)?;
        visit.asked_about.clone()
    }

    /// What has come of that.
    pub(super) fn learn(&self, cookie: Digest, account: LinkedAccount) {
        let visits = &mut self.state().visits;
        if let Some(visit) = visits.iter_mut().find(|visit| visit.cookie == cookie) {
            visit.asked_about = Some(account);
        }
    }

    /// Who has signed in at the browser with `cookie`, for as long as that is kept.
    pub(super) fn signed_in(&self, cookie: Digest) -> Option<Arc<SignedIn>> {
        let state = self.state();
        let visit = state.visits.iter().find(|visit| visit.cookie == cookie)?;
        visit.signed_in.clone().filter(|person| SystemTime::now() < person.until)
    }

    /// Forgets who has signed in at the browser with `cookie`.
    pub(super) fn sign_out(&self, cookie: Digest) {
        let visits = &mut self.state().visits;
        if let Some(visit) = visits.iter_mut().find(|visit| visit.cookie == cookie) {
            visit.signed_in = None;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Callback {
    /// Whether that is where browsers come back to from such an errand.
    fn ends(self, errand: &Errand) -> bool {
        (self == Self::Connected) == matches!(errand, Errand::Connect(_))
    }
}

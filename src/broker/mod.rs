//! From a caller to a Bitbucket client: the only module that sees both kinds of token.
//!
//! Auth0's Token Vault holds each person's Bitbucket grant. The broker exchanges the caller's Auth0
//! token for the Bitbucket token in there, keeps that for a while, and hands out clients that fetch a
//! fresh one by themselves when Bitbucket refuses the old. [`link`] puts a grant into the vault.

mod cache;
mod consumer;
mod error;
mod exchange;
pub mod link;
mod probe;

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use self::cache::{Held, Issued, Slot};
pub use self::consumer::ConsumerPage;
pub use self::error::Error;
pub use self::probe::{Failure, Probe, Step};
use crate::auth0::{BearerToken, RefreshToken, Tenant};
use crate::bitbucket::{AccessToken, Client, Connector, Limits, Scopes, TokenError, TokenSource};
use crate::identity::{Caller, SignedIn};

/// Makes Bitbucket clients for callers. Clones share everything.
#[derive(Clone)]
pub struct Broker {
    shared: Arc<Shared>,
}

/// What a broker works with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of the Auth0 connection whose accounts are used.
    pub connection: String,
    /// How long a token is kept at most, whatever its life.
    pub cache_age: Duration,
    /// How long a caller counts as not linked, or their link as broken, once the vault has said so.
    /// Where many share the tenant's rate limit this keeps one who calls in a loop from using it up.
    /// Zero asks the vault each time.
    pub miss_age: Duration,
    /// Of how many callers tokens are kept.
    pub capacity: u64,
}

/// A caller, and the Auth0 token that shows it.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Who calls.
    pub caller: Caller,
    /// What is exchanged on their behalf.
    pub token: SubjectToken,
}

/// The Auth0 token that is exchanged.
#[derive(Clone, Debug)]
pub enum SubjectToken {
    /// The refresh token of a person who has signed in to this application.
    Refresh(RefreshToken),
    /// The access token that a caller has shown at our API.
    Access(BearerToken),
}

/// What the broker has done and has in hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Exchanges asked of the vault, whether they succeeded or not.
    pub exchanges: u64,
    /// Clients made with a token that was at hand.
    pub hits: u64,
    /// Tokens at hand now.
    pub cached: u64,
}

struct Shared {
    tenant: Tenant,
    connector: Arc<Connector>,
    settings: Settings,
    slots: Cache<Caller, Arc<Slot>>,
    notes: Cache<Caller, Note>,
    exchanges: Arc<AtomicU64>,
    hits: AtomicU64,
}

/// What linking has taught about a caller. It outlives the token.
#[derive(Clone, Default)]
struct Note {
    /// The scopes that the last link brought.
    linked_scopes: Option<Scopes>,
    /// The ids of the linked accounts, when there are several.
    several: Vec<String>,
    /// Which of several to use.
    login_hint: Option<String>,
}

impl Broker {
    /// A broker that has exchanged nothing yet.
    #[must_use]
    pub fn new(tenant: Tenant, connector: Arc<Connector>, settings: Settings) -> Self {
        // By default a full cache turns newcomers away, and each of their calls would cost an exchange.
        let slots = Cache::builder()
            .max_capacity(settings.capacity)
            .time_to_idle(settings.cache_age)
            .eviction_policy(EvictionPolicy::lru())
            .build();
        let notes = Cache::builder()
            .max_capacity(settings.capacity)
            .eviction_policy(EvictionPolicy::lru())
            .build();
        let (exchanges, hits) = Default::default();
        Self {
            shared: Arc::new(Shared { tenant, connector, settings, slots, notes, exchanges, hits }),
        }
    }

    /// A client that acts as the caller's Bitbucket account.
    ///
    /// It is made only once there is a token, so that somebody without a linked account is found here,
    /// before anything is sent to Bitbucket.
    ///
    /// # Errors
    /// [`Error::NotLinked`], [`Error::LinkBroken`], [`Error::SeveralAccounts`] and
    /// [`Error::NotSignedIn`] are for the person to mend; all else is a failure of Auth0, or the end of
    /// `limits`.
    pub async fn client(&self, proof: &Proof, limits: Limits) -> Result<Client, Error> {
        let note = self.note(&proof.caller);
        if !note.several.is_empty() && note.login_hint.is_none() {
            return Err(Error::SeveralAccounts(note.several));
        }
        let source = self.source(proof, note.login_hint);
        let held = within(&limits, source.held()).await?;
        if held.from_memory {
            self.shared.hits.fetch_add(1, Ordering::Relaxed);
        }
        *source.given() = Some(held.token);
        let (connector, granted) =
            (Arc::clone(&self.shared.connector), Arc::clone(source.slot.granted()));
        Ok(Client::new(connector, Arc::new(source), granted, limits))
    }

    /// Drops the person's token, what is known of its scopes, and that there was no account, in whichever
    /// organization they act: after an unlink or a new link. It is one vault.
    pub fn forget(&self, caller: &Caller) {
        let is_theirs =
            |other: &Caller| other.issuer == caller.issuer && other.subject == caller.subject;
        for (other, slot) in self.shared.slots.iter().filter(|(other, _)| is_theirs(other)) {
            self.shared.slots.invalidate(&*other);
            slot.clear();
        }
    }

    /// Says which of several linked accounts the caller uses; `None` takes that back.
    pub fn choose(&self, caller: &Caller, login_hint: Option<String>) {
        self.edit_note(caller, |note| note.login_hint = login_hint);
        self.forget(caller);
    }

    /// Whether consent could bring the scope `missing`.
    ///
    /// Bitbucket grants what its consumer has, not what a request names. So once a link has been made
    /// without that scope, another would end the same way until an administrator adds it.
    #[must_use]
    pub fn relinking_can_help(&self, caller: &Caller, missing: &str) -> bool {
        let scopes = self.note(caller).linked_scopes;
        scopes.is_none_or(|scopes| scopes.allows(missing) != Some(false))
    }

    /// What the caller's Bitbucket account has granted, as far as that is known: what Bitbucket said
    /// last, else what the vault said of its token.
    #[must_use]
    pub fn scopes(&self, caller: &Caller) -> Option<Scopes> {
        let slot = self.shared.slots.get(caller)?;
        slot.granted().scopes().or_else(|| slot.vault_scopes())
    }

    /// What has been done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let cached = self.shared.slots.iter().filter(|(_, slot)| slot.is_live()).count();
        Counts {
            exchanges: self.shared.exchanges.load(Ordering::Relaxed),
            hits: self.shared.hits.load(Ordering::Relaxed),
            cached: u64::try_from(cached).unwrap_or(u64::MAX),
        }
    }

    /// Notes which scopes a new link has brought.
    fn note_link(&self, caller: &Caller, scopes: Option<Scopes>) {
        self.edit_note(caller, |note| note.linked_scopes = scopes);
    }

    /// Notes the ids of the accounts that are linked.
    fn note_accounts(&self, caller: &Caller, ids: Vec<String>) {
        self.edit_note(caller, |note| {
            note.several = if ids.len() > 1 { ids } else { Vec::new() };
            if note.several.is_empty() {
                note.login_hint = None;
            }
        });
    }

    fn note(&self, caller: &Caller) -> Note {
        self.shared.notes.get(caller).unwrap_or_default()
    }

    fn edit_note(&self, caller: &Caller, edit: impl FnOnce(&mut Note)) {
        self.shared.notes.entry_by_ref(caller).and_upsert_with(|entry| {
            let mut note = entry.map(moka::Entry::into_value).unwrap_or_default();
            edit(&mut note);
            note
        });
    }

    fn source(&self, proof: &Proof, login_hint: Option<String>) -> Source {
        Source {
            slot: self.slot(&proof.caller),
            shared: Arc::clone(&self.shared),
            proof: proof.clone(),
            login_hint,
            given: Mutex::default(),
        }
    }

    fn slot(&self, caller: &Caller) -> Arc<Slot> {
        let Shared { slots, settings, .. } = &*self.shared;
        slots
            .entry_by_ref(caller)
            .or_insert_with(|| Arc::new(Slot::new(settings.cache_age, settings.miss_age)))
            .into_value()
    }
}

impl From<SignedIn> for Proof {
    fn from(signed_in: SignedIn) -> Self {
        Self { caller: signed_in.caller, token: SubjectToken::Refresh(signed_in.refresh_token) }
    }
}

/// Where one client's token comes from.
struct Source {
    slot: Arc<Slot>,
    shared: Arc<Shared>,
    proof: Proof,
    login_hint: Option<String>,
    /// The token that the call goes by where none is kept. One that is at its end already is used
    /// until Bitbucket refuses it, and not exchanged for its like before each request.
    given: Mutex<Option<AccessToken>>,
}

impl Source {
    fn given(&self) -> MutexGuard<'_, Option<AccessToken>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token at hand, or the one that an exchange brings.
    ///
    /// Somebody can call with several access tokens of theirs. The exchange under way may be for
    /// another one, and that this has ended says nothing about ours.
    async fn held(&self) -> Result<Held, Error> {
        loop {
            let ours = AtomicBool::new(false);
            match self.slot.token(|| self.exchange_as(&ours)).await {
                Err(Error::TokenEnded) if !ours.load(Ordering::Relaxed) => {}
                answer => return answer,
            }
        }
    }

    /// A token other than `rejected`. As with the first one, what has ended must be our own token.
    async fn renewed(&self, rejected: &AccessToken) -> Result<AccessToken, Error> {
        loop {
            let ours = AtomicBool::new(false);
            match self.slot.renew(rejected, || self.exchange_as(&ours)).await {
                Err(Error::TokenEnded) if !ours.load(Ordering::Relaxed) => {}
                answer => return answer,
            }
        }
    }

    /// An exchange, and the note that it is of our own token.
    fn exchange_as(
        &self,
        ours: &AtomicBool,
    ) -> impl Future<Output = Result<Issued, Error>> + Send + 'static + use<> {
        ours.store(true, Ordering::Relaxed);
        self.exchange()
    }

    fn exchange(&self) -> impl Future<Output = Result<Issued, Error>> + Send + 'static + use<> {
        exchange::exchange(
            self.shared.tenant.clone(),
            Arc::clone(&self.shared.exchanges),
            self.shared.settings.connection.clone(),
            self.proof.clone(),
            self.login_hint.clone(),
        )
    }
}

impl TokenSource for Source {
    fn token(&self) -> BoxFuture<'_, Result<AccessToken, TokenError>> {
        async {
            let known = self.slot.at_hand(|| self.exchange()).or_else(|| self.given().clone());
            match known {
                Some(token) => Ok(token),
                None => Ok(self.held().await.map_err(carried)?.token),
            }
        }
        .boxed()
    }

    fn renew<'a>(
        &'a self,
        rejected: &'a AccessToken,
    ) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        async {
            let fresh = self.renewed(rejected).await.map_err(carried)?;
            *self.given() = Some(fresh.clone());
            Ok(fresh)
        }
        .boxed()
    }
}

fn carried(error: Error) -> TokenError {
    TokenError(Box::new(error))
}

async fn within<T>(
    limits: &Limits,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::select! {
        biased;
        done = work => done,
        () = limits.cancel.cancelled() => Err(Error::Cancelled),
        () = tokio::time::sleep_until(limits.deadline.into()) => Err(Error::TimedOut),
    }
}

#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests;

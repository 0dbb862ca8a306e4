//! Linking: how a Bitbucket account gets into a person's vault.
//!
//! [`Linker::offer`] gives an address on this machine, for the one local person. They open it, sign in
//! to Auth0 if need be, consent at Bitbucket, and read which account is now linked to whom;
//! [`Linker::outcome`] tells the agent the same. [`web`] does so for many people, each in a browser of
//! their own.

mod accounts;
mod attempts;
pub(super) mod digest;
mod elsewhere;
mod flow;
mod page;
mod reading;
mod step;
#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests;
mod vault;
mod verdict;
pub mod web;

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use self::accounts::Accounts;
pub use self::elsewhere::{Elsewhere, Pasted};
use self::flow::{Flow, Lives};
pub use self::reading::Reader;
use self::vault::Vault;
use super::{Broker, Error};
use crate::auth0::{AccountId, Tenant, random_token};
use crate::identity::{Loopback, PORTS, Session};
use crate::text::Foreign;

/// A link works for a quarter of an hour, and can be taken back for ten minutes after.
const LIVES: Lives =
    Lives { ticket: Duration::from_secs(15 * 60), undo: Duration::from_secs(10 * 60) };
/// A laptop that sleeps stops timers but no clock, so the clock is looked at this often.
const LOOK: Duration = Duration::from_secs(30);

/// Links and unlinks the local person's Bitbucket account. Clones share everything.
#[derive(Clone)]
pub struct Linker {
    inner: Arc<Inner>,
}

/// An address for the person to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Not to be guessed, and without anything about the person in it.
    pub url: Url,
    /// Until when it works.
    pub expires_at: SystemTime,
}

/// What has come of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The account is linked.
    Linked(LinkedAccount),
    /// The account was taken out of the vault; `None` where nothing was linked.
    Unlinked(Option<LinkedAccount>),
    /// The account is linked, but cannot be used: why, as a sentence.
    Unusable(String),
    /// The consumer's key and secret were entered.
    Entered,
    /// The person said no, or took the link back.
    Refused,
    /// Nobody used the address in time, or there is none.
    Expired,
    /// Nothing has happened yet.
    Waiting,
    /// It did not work: why, as a sentence. The address still works.
    Failed(String),
}

/// A Bitbucket account in the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedAccount {
    /// Auth0's identifier of it, where Auth0 could be asked for it.
    pub id: Option<String>,
    /// The Auth0 connection that it is on.
    pub connection: String,
    /// What Bitbucket calls the account; absent when Bitbucket was not asked or did not answer.
    pub username: Option<Foreign>,
    /// The person's name at Bitbucket.
    pub display_name: Option<Foreign>,
    /// What the account has granted, as Bitbucket or the vault says. Absent when neither did, and when
    /// several accounts are linked: what Auth0 lists of each is what was asked for.
    pub scopes: Option<Vec<String>>,
    /// Whether the vault or Bitbucket refused the link, so that only a new one helps.
    pub broken: bool,
    /// Since when.
    pub linked_at: Option<jiff::Timestamp>,
}

/// What an unlink has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unlinked {
    /// This account was taken out of the vault. Bitbucket's own grant remains.
    Removed(LinkedAccount),
    /// Nothing was linked.
    Nothing,
    /// Only the person can do it, on this page; what came of it is the outcome of the page.
    Page(Offer),
}

struct Inner {
    vault: Vault,
    ports: RangeInclusive<u16>,
    lives: Lives,
    /// Held while a page is being opened, so that two offers at once are one.
    offering: tokio::sync::Mutex<()>,
    pending: Mutex<Option<Pending>>,
    /// Closes the page of an earlier link when dropped.
    retired: Mutex<Option<DropGuard>>,
}

struct Pending {
    url: Url,
    flow: Arc<Flow>,
    /// Gone once there is nothing left to show.
    page: Option<Loopback>,
}

impl Linker {
    /// A linker with no page open.
    #[must_use]
    pub fn new(session: Session, broker: Broker, tenant: Tenant, connection: String) -> Self {
        let accounts = Accounts { broker, tenant, connection };
        Self::with(Vault { session, accounts }, PORTS, LIVES)
    }

    fn with(vault: Vault, ports: RangeInclusive<u16>, lives: Lives) -> Self {
        let (offering, pending, retired) = Default::default();
        Self { inner: Arc::new(Inner { vault, ports, lives, offering, pending, retired }) }
    }

    /// An address for the person to open. While one works, it is the same.
    ///
    /// # Errors
    /// [`Error::Identity`] when no port of the loopback range is free.
    pub async fn offer(&self) -> Result<Offer, Error> {
        let _offering = self.inner.offering.lock().await;
        if let Some(Pending { url, flow, page: Some(_) }) = &*self.inner.pending()
            && flow.is_open()
        {
            return Ok(Offer { url: url.clone(), expires_at: flow.expires_at() });
        }
        self.inner.retire();
        self.close().await;
        let mut page = Loopback::bind_first_of(self.inner.ports.clone()).await?;
        let ticket = random_token();
        let (vault, lives) = (self.inner.vault.clone(), self.inner.lives);
        let flow = Arc::new(Flow::new(vault, page.callback_url().clone(), &ticket, lives));
        page.serve(Arc::clone(&flow).router());
        let url = page.url(&format!("/{ticket}"));
        let offer = Offer { url: url.clone(), expires_at: flow.expires_at() };
        tokio::spawn(close_in_time(Arc::downgrade(&self.inner), Arc::downgrade(&flow)));
        *self.inner.pending() = Some(Pending { url, flow, page: Some(page) });
        Ok(offer)
    }

    /// A link for a browser on another machine: the person opens its address there, and pastes back the
    /// one that the browser ends on.
    ///
    /// # Errors
    /// A failure of Auth0.
    pub async fn elsewhere(&self) -> Result<Elsewhere, Error> {
        let mut callback =
            Url::parse("http://127.0.0.1/callback").map_err(|_| Error::Interrupted)?;
        // Any of the registered ports does: nobody listens there.
        let _ = callback.set_port(Some(*self.inner.ports.start()));
        let (vault, lives) = (self.inner.vault.clone(), self.inner.lives);
        let flow = Arc::new(Flow::new(vault, callback.clone(), &random_token(), lives));
        Elsewhere::begin(flow, callback).await
    }

    /// What has come of the last offer, after a wait of `patience` at most.
    pub async fn outcome(&self, patience: Duration) -> Outcome {
        let flow = self.inner.pending().as_ref().map(|pending| Arc::clone(&pending.flow));
        match flow {
            Some(flow) => flow.outcome(patience).await,
            None => Outcome::Expired,
        }
    }

    /// The accounts that are linked, as Auth0 lists them. The name comes from Bitbucket, when there is
    /// one account only.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`], or a failure of Auth0.
    pub async fn accounts(&self) -> Result<Vec<LinkedAccount>, Error> {
        let mut signed_in = self.inner.vault.signed_in().await?;
        self.inner.vault.list(&mut signed_in).await
    }

    /// Takes an account out of the vault; `account` says which when there are several.
    ///
    /// # Errors
    /// [`Error::SeveralAccounts`] when it is not said which, [`Error::UnknownAccount`] when there is no
    /// such one.
    pub async fn unlink(&self, account: Option<&str>) -> Result<Unlinked, Error> {
        let vault = &self.inner.vault;
        let mut signed_in = vault.signed_in().await?;
        let mut accounts = vault.list(&mut signed_in).await?;
        let index = match account {
            Some(id) => accounts
                .iter()
                .position(|account| account.id.as_deref() == Some(id))
                .ok_or_else(|| Error::UnknownAccount(id.to_owned()))?,
            None if accounts.len() > 1 => {
                let ids = accounts.into_iter().filter_map(|account| account.id).collect();
                return Err(Error::SeveralAccounts(ids));
            }
            None if accounts.is_empty() => {
                vault.accounts.broker.forget(&signed_in.caller);
                return Ok(Unlinked::Nothing);
            }
            None => 0,
        };
        let account = accounts.swap_remove(index);
        let id = account.id.clone().unwrap_or_default();
        let id = AccountId::try_from(id.clone()).map_err(|_| Error::UnknownAccount(id))?;
        vault.remove(&mut signed_in, &id).await?;
        Ok(Unlinked::Removed(account))
    }

    /// Closes the page at once, and waits until the browser has the answers that are under way.
    pub async fn close(&self) {
        let page = self.inner.take_page();
        if let Some(page) = page {
            page.shut().await;
        }
    }

    /// Closes the page at once. Answers under way reach the browser if the process lives on.
    pub fn shut(&self) {
        self.inner.shut();
    }
}

impl Inner {
    fn shut(&self) {
        *self.retired.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let page = self.take_page();
        if let (Some(page), Ok(runtime)) = (page, Handle::try_current()) {
            runtime.spawn(page.shut());
        }
    }

    /// Leaves the page of an earlier link up while that link can still be undone, for the browser that
    /// shows it: the new one takes another port. One such page is kept.
    fn retire(&self) {
        let mut pending = self.pending();
        let Some(Pending { flow, page, .. }) = &mut *pending else { return };
        let left = flow.undoable_until().and_then(|end| end.duration_since(SystemTime::now()).ok());
        let Some((left, page)) = left.zip(page.take()) else { return };
        let replaced = CancellationToken::new();
        let guard = replaced.clone().drop_guard();
        *self.retired.lock().unwrap_or_else(PoisonError::into_inner) = Some(guard);
        tokio::spawn(async move {
            let _ = tokio::time::timeout(left, replaced.cancelled()).await;
            page.shut().await;
        });
    }

    fn take_page(&self) -> Option<Loopback> {
        self.pending().as_mut().and_then(|pending| pending.page.take())
    }

    fn pending(&self) -> MutexGuard<'_, Option<Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes the page of `flow` once nothing is left to show on it.
async fn close_in_time(inner: Weak<Inner>, flow: Weak<Flow>) {
    let Some(mut news) = flow.upgrade().map(|flow| flow.news()) else { return };
    loop {
        let Some(closes_at) = flow.upgrade().map(|flow| flow.closes_at()) else { return };
        let Ok(left) = closes_at.duration_since(SystemTime::now()) else { break };
        tokio::select! {
            () = tokio::time::sleep(left.min(LOOK)) => {}
            changed = news.changed() => if changed.is_err() { return },
        }
    }
    let Some(inner) = inner.upgrade() else { return };
    let is_the_last = inner
        .pending()
        .as_ref()
        .is_some_and(|pending| Weak::ptr_eq(&Arc::downgrade(&pending.flow), &flow));
    if is_the_last {
        inner.shut();
    }
}

//! Where an administrator enters the Bitbucket consumer's key and secret: a page in their own browser, so
//! that neither passes through the agent.
//!
//! On this machine [`ConsumerPage`] serves it, for the one local person; nobody has to be signed in, and
//! no application has to be there, since the tenant may still be empty. For people elsewhere
//! [`WebLinker`](super::link::web::WebLinker) does, behind a sign-in.

mod desk;
mod form;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use self::desk::Desk;
pub(super) use self::form::{Form, Words, read, taken};
use super::Error;
use super::link::Offer;
use crate::auth0::random_token;
use crate::bitbucket::Consumer;
use crate::identity::{Loopback, PORTS};

/// What was entered is kept for this long at most, in memory alone.
pub(super) const KEPT: Duration = Duration::from_secs(10 * 60);
/// The page works for a quarter of an hour.
const LIVES: Lives = Lives { page: Duration::from_secs(15 * 60), entry: KEPT };

/// The page on this machine. One is open at a time. Clones share everything.
#[derive(Clone)]
pub struct ConsumerPage {
    inner: Arc<Inner>,
}

/// How long things live.
#[derive(Clone, Copy, Debug)]
struct Lives {
    /// A page that nobody used.
    page: Duration,
    /// What was entered and is not fetched.
    entry: Duration,
}

struct Inner {
    connection: String,
    ports: RangeInclusive<u16>,
    lives: Lives,
    /// Held while a page is being opened, so that two offers at once are one.
    offering: tokio::sync::Mutex<()>,
    last: Mutex<Option<Last>>,
}

/// The page that was offered last.
struct Last {
    desk: Arc<Desk>,
    url: Url,
    /// Closes the page when dropped.
    _open: DropGuard,
}

impl ConsumerPage {
    /// A page for the consumer of `connection`, which is not open yet.
    #[must_use]
    pub fn new(connection: String) -> Self {
        Self::with(connection, PORTS, LIVES)
    }

    fn with(connection: String, ports: RangeInclusive<u16>, lives: Lives) -> Self {
        let (offering, last) = Default::default();
        Self { inner: Arc::new(Inner { connection, ports, lives, offering, last }) }
    }

    /// An address for the person to open, which names `callback` as the callback URL that the consumer
    /// must have. While one works, it is the same.
    ///
    /// # Errors
    /// [`Error::Identity`] when no port can be had.
    pub async fn offer(&self, callback: &Url) -> Result<Offer, Error> {
        let _offering = self.inner.offering.lock().await;
        if let Some(Last { desk, url, .. }) = &*self.inner.last()
            && desk.serves(callback)
        {
            return Ok(Offer { url: url.clone(), expires_at: desk.expires_at() });
        }
        // Nothing comes back here from Auth0, so any port does where those for linking are taken.
        let mut page = match Loopback::bind_first_of(self.inner.ports.clone()).await {
            Ok(page) => page,
            Err(_) => Loopback::bind_first_of(0..=0).await?,
        };
        let (ticket, lives) = (random_token(), self.inner.lives);
        let words = Words::new(&self.inner.connection, callback);
        let desk = Arc::new(Desk::new(&ticket, words, SystemTime::now() + lives.page, lives.entry));
        page.serve(Arc::clone(&desk).router());
        let url = page.url(&format!("/{ticket}"));
        let offer = Offer { url: url.clone(), expires_at: desk.expires_at() };
        let replaced = CancellationToken::new();
        let open = replaced.clone().drop_guard();
        let closing = Arc::clone(&desk);
        tokio::spawn(async move {
            tokio::select! {
                () = closing.done_with(lives.page) => {}
                () = replaced.cancelled() => {}
            }
            page.shut().await;
        });
        *self.inner.last() = Some(Last { desk, url, _open: open });
        Ok(offer)
    }

    /// What was entered on the last page, after a wait of `patience` at most. It is handed out once.
    pub async fn entered(&self, patience: Duration) -> Option<Consumer> {
        let desk = self.inner.last().as_ref().map(|last| Arc::clone(&last.desk))?;
        desk.entered(patience).await
    }
}

impl Inner {
    fn last(&self) -> MutexGuard<'_, Option<Last>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

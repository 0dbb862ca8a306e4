//! Linking over HTTP: many people, each in a browser of their own, which is on another machine than
//! the server.
//!
//! [`WebLinker::offer`] gives a caller a ticket: an address of ours, which the agent hands on. Whoever
//! opens it gets a cookie, signs in at Auth0 and must turn out to be the caller; is asked, by name,
//! whether the agent shall act for them; consents at Bitbucket; and reads what was linked. Each step
//! goes on only in the browser that holds the cookie, so that an address of any step that is sent to
//! somebody else is good for nothing there. Looking at an address changes nothing.
//!
//! Whoever sets the connection up enters the consumer's key and secret the same way.

mod browser;
mod consumer;
mod entry;
mod keys;
mod linking;
mod pages;
mod routes;
#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests;
mod ticket;
mod tickets;
mod unlinking;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use url::Url;

use self::browser::Cookies;
use self::keys::Keys;
use self::ticket::{Purpose, Ticket};
use self::tickets::Tickets;
use super::accounts::Accounts;
use super::{Offer, Outcome};
use crate::auth0::Tenant;
use crate::bitbucket::Consumer;
use crate::broker::{Broker, Error};
use crate::identity::Caller;
use crate::text::Foreign;

/// A ticket works for a quarter of an hour. Whoever has signed in is known for ten minutes, and can
/// take a link back for as long.
const LIVES: Lives = Lives {
    ticket: Duration::from_secs(15 * 60),
    sign_in: Duration::from_secs(10 * 60),
    introduction: Duration::from_secs(10),
};
/// Of how many callers tickets are kept. Each is a few kilobytes at most.
const CAPACITY: u64 = 10_000;

/// Links and unlinks people's Bitbucket accounts by pages of ours. Clones share everything.
#[derive(Clone)]
pub struct WebLinker {
    inner: Arc<Inner>,
}

/// What a [`WebLinker`] goes by.
#[derive(Clone, Debug)]
pub struct WebSettings {
    /// Where people reach this server: scheme, host and port.
    pub public_url: Url,
    /// The identifier of our own API.
    pub audience: String,
    /// The name of the Bitbucket connection.
    pub connection: String,
}

/// The application that asks for a link, for the person to recognise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asker {
    /// Its client id at Auth0, as the caller's token says.
    pub client_id: Option<String>,
    /// What it calls itself, which is not checked.
    pub name: Option<Foreign>,
}

/// How long things live.
#[derive(Clone, Copy, Debug)]
struct Lives {
    /// A ticket that nobody used.
    ticket: Duration,
    /// What is kept of a person who has signed in.
    sign_in: Duration,
    /// The browser's way to fetch the linked account's name, before the agent is told without it.
    introduction: Duration,
}

/// What the pages work with.
struct Inner {
    accounts: Accounts,
    public_url: Url,
    audience: String,
    cookies: Cookies,
    keys: Keys,
    tickets: Tickets,
    lives: Lives,
}

impl WebLinker {
    /// A linker with no page open. `web` is the tenant as the application sees it that signs people in;
    /// `broker` exchanges access tokens of the API that `settings` name.
    #[must_use]
    pub fn new(web: Tenant, broker: Broker, settings: WebSettings) -> Self {
        Self::with(web, broker, settings, LIVES, CAPACITY)
    }

    fn with(
        web: Tenant,
        broker: Broker,
        settings: WebSettings,
        lives: Lives,
        capacity: u64,
    ) -> Self {
        let WebSettings { public_url, audience, connection } = settings;
        let life = lives.ticket + lives.sign_in;
        let inner = Inner {
            accounts: Accounts { broker, tenant: web, connection },
            cookies: Cookies::of(&public_url, life),
            public_url,
            audience,
            keys: Keys::random(),
            tickets: Tickets::new(capacity, life),
            lives,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The pages, at `/link/…`, with all their headers. The check of the `Host` is left to whoever
    /// serves them.
    pub fn router(&self) -> Router {
        routes::router(Arc::clone(&self.inner))
    }

    /// A page where `caller` can link an account. While one is open, it is the same.
    ///
    /// # Errors
    /// None so far: another store of tickets may fail.
    pub async fn offer(&self, caller: &Caller, asker: &Asker) -> Result<Offer, Error> {
        Ok(self.inner.offer(caller, asker, &Purpose::Link))
    }

    /// A page where `caller` can take an account out of the vault; `account` says which when there are
    /// several. It takes the place of a page that is open for something else.
    ///
    /// # Errors
    /// As [`offer`](Self::offer).
    pub async fn offer_unlink(
        &self,
        caller: &Caller,
        asker: &Asker,
        account: Option<&str>,
    ) -> Result<Offer, Error> {
        Ok(self.inner.offer(caller, asker, &Purpose::Unlink(account.map(str::to_owned))))
    }

    /// A page where `caller` can enter the Bitbucket consumer's key and secret; it names `callback` as
    /// the callback URL that the consumer must have. It takes the place of a page that is open for
    /// something else. Whether the caller may set the connection up is for whoever offers it to know.
    ///
    /// # Errors
    /// As [`offer`](Self::offer).
    pub async fn offer_consumer(
        &self,
        caller: &Caller,
        asker: &Asker,
        callback: &Url,
    ) -> Result<Offer, Error> {
        Ok(self.inner.offer(caller, asker, &Purpose::Consumer { callback: callback.clone() }))
    }

    /// What the caller has entered on their last page, after a wait of `patience` at most. It is handed
    /// out once.
    pub async fn consumer(&self, caller: &Caller, patience: Duration) -> Option<Consumer> {
        let ticket = self.inner.tickets.of(caller)?;
        if !matches!(ticket.purpose, Purpose::Consumer { .. }) {
            return None;
        }
        ticket.verdict.wait(patience, || ticket.is_open()).await;
        ticket.take_consumer()
    }

    /// What has come of the caller's last page, after a wait of `patience` at most.
    pub async fn outcome(&self, caller: &Caller, patience: Duration) -> Outcome {
        match self.inner.tickets.of(caller) {
            Some(ticket) => ticket.verdict.wait(patience, || ticket.is_open()).await,
            None => Outcome::Expired,
        }
    }
}

impl Inner {
    fn offer(&self, caller: &Caller, asker: &Asker, purpose: &Purpose) -> Offer {
        let serves = |ticket: &Ticket| ticket.purpose == *purpose;
        let ticket = self.tickets.live_or_new(caller, serves, || {
            let nonce = rand::random();
            let secret = self.keys.ticket(&nonce);
            Ticket::new(caller.clone(), purpose.clone(), nonce, &secret, self.lives.ticket)
        });
        ticket.ask(asker);
        Offer { url: self.url_of(&ticket), expires_at: ticket.verdict.expires_at() }
    }

    /// The ticket's own page.
    fn url_of(&self, ticket: &Ticket) -> Url {
        self.url(&format!("/link/{}", self.keys.ticket(&ticket.nonce)))
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.public_url.clone();
        url.set_path(path);
        url
    }
}

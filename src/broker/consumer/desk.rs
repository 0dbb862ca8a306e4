//! One page on this machine, from the offer to what was entered.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Form as Posted, Path, State};
use axum::middleware;
use axum::routing::get;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::sync::watch;
use url::Url;

use super::form::{Form, Words, read, taken};
use crate::auth0::random_token;
use crate::bitbucket::Consumer;
use crate::broker::link::digest::Digest;
use crate::identity::{Page, render_page};

/// How long the page still answers once all is done, for a browser that loads it again.
const LAST_LOOK: Duration = Duration::from_secs(60);
/// No form of ours is longer.
const LONGEST_FORM: usize = 16 * 1024;

pub(super) struct Desk {
    /// The hash of its secret address.
    ticket: Digest,
    /// What only its form carries. Cookies would show nothing here: all ports of a host share them.
    token: String,
    words: Words,
    expires_at: SystemTime,
    kept: Duration,
    entry: watch::Sender<Entry>,
}

enum Entry {
    /// Nothing was entered yet.
    Awaited,
    /// It waits to be fetched.
    Here(Consumer),
    /// It was fetched, or nobody came for it.
    Gone,
}

/// What the form sends.
#[derive(Deserialize)]
struct Entered {
    token: String,
    key: String,
    secret: SecretString,
}

impl Desk {
    pub(super) fn new(ticket: &str, words: Words, expires_at: SystemTime, kept: Duration) -> Self {
        Self {
            ticket: Digest::of(ticket),
            token: random_token(),
            words,
            expires_at,
            kept,
            entry: watch::Sender::new(Entry::Awaited),
        }
    }

    pub(super) fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/{ticket}", get(opened).post(posted))
            .fallback(async || Page::unknown())
            .method_not_allowed_fallback(async || Page::unexpected())
            .layer(DefaultBodyLimit::max(LONGEST_FORM))
            .layer(middleware::from_fn(render_page))
            .with_state(self)
    }

    pub(super) fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// Whether something can still be entered here, for a consumer with this callback URL.
    pub(super) fn serves(&self, callback: &Url) -> bool {
        self.words.is_for(callback) && self.closed().is_none()
    }

    /// Waits until the page has nothing more to show, which is after `life` at the latest.
    pub(super) async fn done_with(&self, life: Duration) {
        if tokio::time::timeout(life, self.news()).await.is_ok() {
            tokio::time::sleep(LAST_LOOK).await;
        }
    }

    /// What was entered, once, after a wait of `patience` at most.
    pub(super) async fn entered(&self, patience: Duration) -> Option<Consumer> {
        let _ = tokio::time::timeout(patience, self.news()).await;
        self.empty()
    }

    /// Waits until something was entered.
    async fn news(&self) {
        let mut news = self.entry.subscribe();
        // The sender lives as long as this does.
        let _ = news.wait_for(|entry| !matches!(entry, Entry::Awaited)).await;
    }

    /// Waits until what was entered is gone.
    #[cfg(test)]
    pub(super) async fn forgotten(&self) {
        let mut news = self.entry.subscribe();
        news.wait_for(|entry| matches!(entry, Entry::Gone)).await.unwrap();
    }

    /// Takes what is here, so that nobody else can.
    fn empty(&self) -> Option<Consumer> {
        let mut consumer = None;
        self.entry.send_if_modified(|entry| match std::mem::replace(entry, Entry::Gone) {
            Entry::Here(here) => {
                consumer = Some(here);
                true
            }
            awaited @ Entry::Awaited => {
                *entry = awaited;
                false
            }
            Entry::Gone => false,
        });
        consumer
    }

    /// Keeps `consumer` for a while. `false` where something was entered before.
    fn keep(self: &Arc<Self>, consumer: Consumer) -> bool {
        let mut first = Some(consumer);
        let kept = self.entry.send_if_modified(|entry| {
            let awaited = matches!(entry, Entry::Awaited);
            if awaited && let Some(consumer) = first.take() {
                *entry = Entry::Here(consumer);
            }
            awaited
        });
        if kept {
            tokio::spawn(forget(Arc::downgrade(self), self.kept));
        }
        kept
    }

    /// The page to show instead when nothing can be entered any more.
    fn closed(&self) -> Option<Page> {
        if !matches!(*self.entry.borrow(), Entry::Awaited) {
            return Some(Page::spent());
        }
        (SystemTime::now() >= self.expires_at).then(Page::expired)
    }

    fn form<'a>(&'a self, ticket: &'a str) -> Form<'a> {
        Form { words: &self.words, action: ticket, token: &self.token, introduction: "" }
    }
}

/// The address that the agent was given. Opening it changes nothing, whatever stands behind a `?`.
async fn opened(State(desk): State<Arc<Desk>>, Path(ticket): Path<String>) -> Page {
    if Digest::of(&ticket) != desk.ticket {
        return Page::unknown();
    }
    desk.closed().unwrap_or_else(|| desk.form(&ticket).page())
}

async fn posted(
    State(desk): State<Arc<Desk>>,
    Path(ticket): Path<String>,
    entered: Result<Posted<Entered>, FormRejection>,
) -> Page {
    if Digest::of(&ticket) != desk.ticket {
        return Page::unknown();
    }
    if let Some(page) = desk.closed() {
        return page;
    }
    let Ok(Posted(Entered { token, key, secret })) = entered else { return Page::unexpected() };
    if Digest::of(&token) != Digest::of(&desk.token) {
        return Page::unexpected();
    }
    let consumer = match read(&key, secret.expose_secret()) {
        Ok(consumer) => consumer,
        Err(why) => return desk.form(&ticket).again(&key, why),
    };
    if !desk.keep(consumer) {
        return Page::spent();
    }
    tracing::info!("the Bitbucket consumer's key and secret were entered");
    taken()
}

/// Nobody came for it.
async fn forget(desk: Weak<Desk>, kept: Duration) {
    tokio::time::sleep(kept).await;
    if let Some(desk) = desk.upgrade()
        && desk.empty().is_some()
    {
        tracing::info!("the Bitbucket consumer's secret was entered and not used");
    }
}

//! Entering the consumer's key and secret: the right person, freshly signed in, reads what is set, and
//! sends both from our own form.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use secrecy::ExposeSecret as _;
use url::Url;

use super::super::Outcome;
use super::super::digest::Digest;
use super::keys::Form as Bound;
use super::routes::{Answer, DONE, Reply};
use super::ticket::{SignedIn, Stage, Ticket};
use super::{Inner, pages};
use crate::broker::consumer::{Form, KEPT, Words, read};
use crate::identity::Page;

impl Inner {
    /// The form, for `person`.
    pub(super) fn ask_for_consumer(
        &self,
        ticket: &Ticket,
        cookie: &str,
        person: &SignedIn,
        callback: &Url,
    ) -> Page {
        self.with_form(ticket, cookie, person, callback, |form| form.page())
    }

    /// Takes what was sent, and keeps it for the caller alone.
    pub(super) fn enter_consumer(
        &self,
        ticket: &Arc<Ticket>,
        cookie: &str,
        callback: &Url,
        answer: &Answer,
    ) -> Reply {
        let Some(person) = ticket.signed_in(Digest::of(cookie)) else {
            // Too long ago: the person signs in once more.
            return pages::go_on(self.url_of(ticket), "the sign-in").into();
        };
        let (Some(key), Some(secret)) = (&answer.key, &answer.secret) else {
            return Page::unexpected().into();
        };
        match read(key, secret.expose_secret()) {
            Err(why) => self
                .with_form(ticket, cookie, &person, callback, |form| form.again(key, why))
                .into(),
            Ok(consumer) => {
                ticket.keep_consumer(consumer, SystemTime::now() + KEPT);
                tokio::spawn(forget(Arc::downgrade(ticket), KEPT));
                tracing::info!("the Bitbucket consumer's key and secret were entered");
                ticket.enter(Stage::Entered(Digest::of(cookie)), Outcome::Entered);
                self.url(DONE).into()
            }
        }
    }

    fn with_form(
        &self,
        ticket: &Ticket,
        cookie: &str,
        person: &SignedIn,
        callback: &Url,
        page: impl FnOnce(&Form<'_>) -> Page,
    ) -> Page {
        let url = self.url_of(ticket);
        page(&Form {
            words: &Words::new(&self.accounts.connection, callback),
            action: url.path(),
            token: &self.keys.form_token(Bound::Ticket, ticket.id, cookie),
            introduction: &pages::asks_for_consumer(&person.name, &ticket.askers()),
        })
    }
}

/// Nobody came for it.
async fn forget(ticket: Weak<Ticket>, kept: Duration) {
    tokio::time::sleep(kept).await;
    if let Some(ticket) = ticket.upgrade() {
        drop(ticket.take_consumer());
    }
}

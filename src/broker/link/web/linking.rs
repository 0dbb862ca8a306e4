//! Linking itself: from the person's yes to the page that says what was linked, and back.

use std::sync::Arc;
use std::time::SystemTime;

use http::HeaderMap;

use super::super::accounts::Started;
use super::super::digest::Digest;
use super::super::page::UndoForm;
use super::super::{LinkedAccount, Outcome};
use super::keys::Form;
use super::routes::{CONNECTED, DONE, Reply, SIGNED_IN, Undo};
use super::ticket::{Errand, Linked, Stage, Ticket, Unlinked};
use super::{Inner, pages};
use crate::auth0::{self, MyAccountToken};
use crate::broker::{Error, Proof, SubjectToken, consumer};
use crate::identity::{CallbackQuery, Page, PendingLogin, Question};

impl Inner {
    /// The person has said yes: on to Bitbucket. Auth0's five minutes start here.
    pub(super) async fn connect(
        &self,
        ticket: &Ticket,
        cookie: &str,
        token: &MyAccountToken,
    ) -> Reply {
        if !ticket.may_try() {
            ticket.replace();
            return pages::worn_out().into();
        }
        let state = ticket.new_state();
        match self.accounts.start(token, &self.url(CONNECTED), &state).await {
            Ok(started) => {
                let url = started.url().clone();
                ticket.depart(Digest::of(cookie), &state, Errand::Connect(Box::new(started)));
                pages::go_on(url, "Auth0").into()
            }
            Err(error) => self.stopped(ticket, cookie, &error),
        }
    }

    /// The person comes back from Bitbucket.
    pub(super) async fn connected(
        self: &Arc<Self>,
        ticket: &Arc<Ticket>,
        cookie: &str,
        started: Started,
        query: &CallbackQuery,
        posted: bool,
    ) -> Reply {
        let _turn = ticket.turn.lock().await;
        if let Some(reply) = self.closed(ticket, Some(cookie)) {
            return reply;
        }
        if query.error.as_deref() == Some("access_denied") {
            ticket.enter(Stage::Refused, Outcome::Refused);
            return Page::refused().into();
        }
        if let Err(error) = self.complete(ticket, cookie, &started, query).await {
            return self.failed(ticket, &error).into();
        }
        let next = match self.introduction(ticket, cookie).await {
            Ok(url) => url,
            Err(error) => {
                tracing::warn!(%error, "the linked account's name cannot be asked for");
                self.tell_without_name(ticket);
                self.url(DONE)
            }
        };
        // A form of ours must not lead on to Auth0 by a redirect: see `Page::leading_to`.
        if posted { pages::go_on(next, "the next page").into() } else { next.into() }
    }

    /// Puts the account into the vault, once.
    async fn complete(
        self: &Arc<Self>,
        ticket: &Arc<Ticket>,
        cookie: &str,
        started: &Started,
        query: &CallbackQuery,
    ) -> Result<(), Error> {
        let code = self.accounts.code(query)?;
        let (person, token) = self.unseal(ticket, cookie).ok_or(auth0::Error::LinkExpired)?;
        let account = self.accounts.complete(&ticket.caller, &token, started, code).await?;
        self.accounts.settle(&ticket.caller, &token, started).await;
        tracing::info!(account = account.id.as_str(), "a Bitbucket account was linked");
        let linked = Linked {
            id: account.id.clone(),
            account: LinkedAccount::from(account),
            unusable: None,
            browser: Digest::of(cookie),
            person: person.name.clone(),
            undo_until: person.until,
        };
        ticket.enter(Stage::Linked(Box::new(linked)), Outcome::Waiting);
        // The browser may never come back with what the name is asked for.
        let (inner, later, patience) =
            (Arc::clone(self), Arc::clone(ticket), self.lives.introduction);
        tokio::spawn(async move {
            tokio::time::sleep(patience).await;
            inner.tell_without_name(&later);
        });
        Ok(())
    }

    /// Where the browser fetches a token for our own API, without a page. It stands for the person as a
    /// caller's does, so the vault gives the Bitbucket token for it, and Bitbucket tells whose that is.
    pub(super) async fn introduction(
        &self,
        ticket: &Ticket,
        cookie: &str,
    ) -> Result<url::Url, Error> {
        let question = Question {
            purpose: auth0::Purpose::Api(&self.audience),
            redirect_uri: self.url(SIGNED_IN),
            state: ticket.new_state(),
            organization: ticket.caller.organization.clone(),
            prompt: Some("none"),
            afresh: false,
        };
        let state = question.state.clone();
        let (pending, url) = PendingLogin::ask(&self.accounts.tenant, question).await?;
        ticket.depart(Digest::of(cookie), &state, Errand::Introduce(Box::new(pending)));
        Ok(url)
    }

    /// Asks Bitbucket who was linked. Whatever comes of that, the link stands.
    pub(super) async fn introduce(
        &self,
        ticket: &Ticket,
        pending: PendingLogin,
        query: &CallbackQuery,
    ) {
        // An undo meanwhile would find that the token is still to come, and leave it at hand.
        let _turn = ticket.turn.lock().await;
        let Stage::Linked(linked) = ticket.stage() else { return };
        let mut account = linked.account;
        let asked = async {
            let proof = self.proof(ticket, pending, query).await?;
            self.accounts.introduce_new(&proof, &mut account).await
        };
        match asked.await {
            Ok(()) => {
                ticket.amend(|linked| linked.account = account.clone());
                ticket.verdict.tell(Outcome::Linked(account));
            }
            Err(error) if error.is_final() => {
                let words = error.to_string();
                ticket.amend(|linked| linked.unusable = Some(words.clone()));
                ticket.verdict.tell(Outcome::Unusable(words));
            }
            Err(error) => {
                tracing::info!(%error, "the linked account's name could not be asked for");
                self.tell_without_name(ticket);
            }
        }
    }

    /// What the browser has fetched: it shows the person as a caller's own token does.
    pub(super) async fn proof(
        &self,
        ticket: &Ticket,
        pending: PendingLogin,
        query: &CallbackQuery,
    ) -> Result<Proof, Error> {
        let (identity, token) = pending.finish_for_api(&self.accounts.tenant, query).await?;
        if !self.is(&ticket.caller, &identity) {
            return Err(Error::AnotherPerson);
        }
        Ok(Proof { caller: ticket.caller.clone(), token: SubjectToken::Access(token) })
    }

    fn tell_without_name(&self, ticket: &Ticket) {
        if let Stage::Linked(linked) = ticket.stage() {
            ticket.verdict.tell_first(Outcome::Linked(linked.account));
        }
    }

    /// What was done in this browser last.
    pub(super) fn done(&self, headers: &HeaderMap) -> Page {
        let ended = self.cookies.all(headers).filter_map(|(id, cookie)| {
            let ticket = self.tickets.find(id)?;
            ticket.was_ended_by(Digest::of(cookie)).then_some((ticket, cookie))
        });
        match ended.max_by_key(|(ticket, _)| ticket.verdict.expires_at()) {
            Some((ticket, cookie)) => self.ended(&ticket, cookie),
            None => pages::nothing_done(),
        }
    }

    fn ended(&self, ticket: &Ticket, cookie: &str) -> Page {
        let linked = match ticket.stage() {
            Stage::Linked(linked) => linked,
            Stage::Undone(_) => return Page::undone(),
            Stage::Unlinked(unlinked) => {
                let Unlinked { account, left, person, .. } = &*unlinked;
                return pages::unlinked(account, person, left.as_deref());
            }
            Stage::Entered(_) => return consumer::taken(),
            Stage::Open | Stage::Replaced | Stage::Refused => return pages::nothing_done(),
        };
        let id = ticket.id.written();
        let token = self.keys.form_token(Form::Undo, ticket.id, cookie);
        let undo = undo_form(&id, &token);
        let undo = (SystemTime::now() < linked.undo_until).then_some(&undo);
        match &linked.unusable {
            Some(why) => Page::linked_in_vain(why, &linked.person, undo),
            None => Page::linked(&linked.account, &linked.person, undo),
        }
    }

    /// Takes the link back. A second press finds nothing left to do.
    pub(super) async fn undo(self: Arc<Self>, headers: &HeaderMap, undo: Undo) -> Reply {
        let ticket = Digest::read(&undo.link).and_then(|id| self.tickets.find(id));
        let Some(ticket) = ticket else { return Page::unknown().into() };
        let Some(cookie) = self.cookie(headers, &ticket) else {
            return pages::another_browser().into();
        };
        if !self.keys.is_form_token(Form::Undo, ticket.id, &cookie, &undo.token) {
            return Page::unexpected().into();
        }
        let _turn = ticket.turn.lock().await;
        let browser = Digest::of(&cookie);
        let linked = match ticket.stage() {
            Stage::Linked(linked) if linked.browser == browser => linked,
            Stage::Undone(by) if by == browser => return self.url(DONE).into(),
            _ => return Page::unexpected().into(),
        };
        let Some((_, token)) = self.unseal(&ticket, &cookie) else {
            return pages::too_late().into();
        };
        match self.accounts.remove(&ticket.caller, &token, &linked.id).await {
            Ok(_) => {
                ticket.enter(Stage::Undone(browser), Outcome::Refused);
                self.url(DONE).into()
            }
            Err(error) => {
                tracing::warn!(%error, "a link could not be undone");
                Page::not_undone(&error.to_string(), &undo_form(&undo.link, &undo.token)).into()
            }
        }
    }
}

fn undo_form<'a>(link: &'a str, token: &'a str) -> UndoForm<'a> {
    UndoForm { action: DONE, fields: vec![("link", link), ("token", token)] }
}

//! The way in: opening a ticket, signing in, and being asked.

use std::sync::Arc;
use std::time::SystemTime;

use http::HeaderMap;

use super::super::Outcome;
use super::super::digest::Digest;
use super::keys::{Form, Lock};
use super::routes::{Answer, DONE, Reply, SIGNED_IN};
use super::ticket::{Callback, Errand, Purpose, SignedIn, Stage, Ticket};
use super::{Inner, pages};
use crate::auth0::{self, IdTokenProblem, Identity, MyAccountToken, random_token};
use crate::broker::Error;
use crate::identity::{self, CallbackQuery, Caller, Page, PendingLogin, Question};
use crate::text::Foreign;

/// Names longer than this are cut.
const NAME: usize = 200;

impl Inner {
    /// The page of a ticket. Without a sign-in in this browser it leads to one; to `glance` is to do
    /// nothing at all.
    pub(super) async fn open(
        &self,
        secret: &str,
        headers: &HeaderMap,
        again: bool,
        glance: bool,
    ) -> Reply {
        let Some(ticket) = self.tickets.find(Digest::of(secret)) else {
            return Page::unknown().into();
        };
        let cookie = self.cookie(headers, &ticket);
        if let Some(reply) = self.closed(&ticket, cookie.as_deref()) {
            return reply;
        }
        if glance {
            return Page::unexpected().into();
        }
        if let Some(cookie) = &cookie
            && !again
            && let Some(person) = ticket.signed_in(Digest::of(cookie))
        {
            return match &ticket.purpose {
                Purpose::Link => {
                    let token = self.keys.form_token(Form::Ticket, ticket.id, cookie);
                    let url = self.url_of(&ticket);
                    pages::confirm(&person.name, &ticket.askers(), &url, &token).into()
                }
                Purpose::Unlink(account) => {
                    self.choose(&ticket, cookie, &person, account.as_deref()).await
                }
                Purpose::Consumer { callback } => {
                    self.ask_for_consumer(&ticket, cookie, &person, callback).into()
                }
            };
        }
        let afresh = again || ticket.purpose.wants_fresh_sign_in();
        self.send_to_sign_in(&ticket, cookie, afresh).await
    }

    async fn send_to_sign_in(
        &self,
        ticket: &Ticket,
        cookie: Option<String>,
        afresh: bool,
    ) -> Reply {
        let question = Question {
            // Where the consumer is still to come, so may be what the My Account API takes.
            purpose: match ticket.purpose {
                Purpose::Link | Purpose::Unlink(_) => auth0::Purpose::MyAccount,
                Purpose::Consumer { .. } => auth0::Purpose::Identify,
            },
            redirect_uri: self.url(SIGNED_IN),
            state: ticket.new_state(),
            organization: ticket.caller.organization.clone(),
            prompt: afresh.then_some("login"),
            // Nobody does this by a sign-in that somebody else has left behind in the browser.
            afresh: ticket.purpose.wants_fresh_sign_in(),
        };
        let state = question.state.clone();
        let (pending, url) = match PendingLogin::ask(&self.accounts.tenant, question).await {
            Ok(asked) => asked,
            Err(error) => return self.failed_to_sign_in(ticket, &error.into()).into(),
        };
        let cookie = cookie.unwrap_or_else(random_token);
        ticket.depart(Digest::of(&cookie), &state, Errand::SignIn(Box::new(pending)));
        Reply { cookie: self.cookies.set(ticket.id, &cookie), ..url.into() }
    }

    /// Acts on what the browser brought back from Auth0; `posted` by a form of ours.
    pub(super) async fn come_back(
        self: Arc<Self>,
        callback: Callback,
        headers: &HeaderMap,
        query: CallbackQuery,
        posted: bool,
    ) -> Reply {
        // A code of one kind is nothing to the other.
        let foreign = match callback {
            Callback::SignedIn => query.connect_code.is_some(),
            Callback::Connected => query.code.is_some(),
        };
        let state = query.state.as_deref().unwrap_or_default();
        let Some(ticket) = self.ticket_of(state).filter(|_| !foreign) else {
            return Page::unexpected().into();
        };
        let Some(cookie) = self.cookie(headers, &ticket) else {
            ticket.end_trip(state, callback);
            return pages::another_browser().into();
        };
        let Some(errand) = ticket.arrive(Digest::of(&cookie), state, callback) else {
            ticket.end_trip(state, callback);
            return self
                .closed(&ticket, Some(&cookie))
                .unwrap_or_else(|| Page::unexpected().into());
        };
        match errand {
            Errand::SignIn(pending) => self.sign_in(&ticket, &cookie, *pending, &query).await,
            Errand::Connect(started) => {
                self.connected(&ticket, &cookie, *started, &query, posted).await
            }
            Errand::Introduce(pending) => match ticket.purpose {
                Purpose::Link => {
                    self.introduce(&ticket, *pending, &query).await;
                    self.url(DONE).into()
                }
                Purpose::Unlink(_) => {
                    self.introduce_for_unlinking(&ticket, &cookie, *pending, &query).await
                }
                Purpose::Consumer { .. } => Page::unexpected().into(),
            },
        }
    }

    async fn sign_in(
        &self,
        ticket: &Arc<Ticket>,
        cookie: &str,
        pending: PendingLogin,
        query: &CallbackQuery,
    ) -> Reply {
        if let Some(reply) = self.closed(ticket, Some(cookie)) {
            return reply;
        }
        if !ticket.may_try() {
            ticket.replace();
            return pages::worn_out().into();
        }
        let tenant = &self.accounts.tenant;
        let finished = match ticket.purpose {
            Purpose::Link | Purpose::Unlink(_) => {
                let finished = pending.finish_for_my_account(tenant, query).await;
                finished.map(|(identity, token)| (identity, Some(token)))
            }
            Purpose::Consumer { .. } => {
                pending.finish_for_identity(tenant, query).await.map(|identity| (identity, None))
            }
        };
        let signed_in = match finished {
            // It is not known who that was, so it refuses nothing in anybody's name.
            Err(identity::Error::Refused) => {
                return pages::not_signed_in(&self.url_of(ticket)).into();
            }
            Err(identity::Error::Auth0(auth0::Error::IdToken(IdTokenProblem::Organization))) => {
                return self.someone_else(ticket).into();
            }
            Err(error) => return self.failed_to_sign_in(ticket, &error.into()).into(),
            Ok(signed_in) => signed_in,
        };
        let (identity, token) = signed_in;
        if !self.is(&ticket.caller, &identity) {
            tracing::info!("somebody else has opened a link");
            return self.someone_else(ticket).into();
        }
        let new = random_token();
        let subject = &ticket.caller.subject;
        let lock = Lock { cookie: &new, ticket: ticket.id, subject };
        let sealed = match token {
            Some(token) => match self.keys.seal(&token, &lock) {
                Some(sealed) => Some(sealed),
                None => return self.failed_to_sign_in(ticket, &Error::Interrupted).into(),
            },
            None => None,
        };
        let until = SystemTime::now() + self.lives.sign_in;
        let person = SignedIn { sealed, until, name: name(&identity) };
        let visit = Digest::of(&new);
        ticket.sign_in(Digest::of(cookie), visit, person);
        let (forgetful, life) = (Arc::downgrade(ticket), self.lives.sign_in);
        tokio::spawn(async move {
            tokio::time::sleep(life).await;
            if let Some(ticket) = forgetful.upgrade() {
                ticket.sign_out(visit);
            }
        });
        Reply { cookie: self.cookies.set(ticket.id, &new), ..self.url_of(ticket).into() }
    }

    /// Acts on a button of the ticket's page.
    pub(super) async fn answer(
        self: Arc<Self>,
        secret: &str,
        headers: &HeaderMap,
        answer: Answer,
    ) -> Reply {
        let Some(ticket) = self.tickets.find(Digest::of(secret)) else {
            return Page::unknown().into();
        };
        let Some(cookie) = self.cookie(headers, &ticket) else {
            return pages::another_browser().into();
        };
        if !self.keys.is_form_token(Form::Ticket, ticket.id, &cookie, &answer.token) {
            return Page::unexpected().into();
        }
        let _turn = ticket.turn.lock().await;
        if let Some(reply) = self.closed(&ticket, Some(&cookie)) {
            return reply;
        }
        if let Purpose::Consumer { callback } = &ticket.purpose {
            return self.enter_consumer(&ticket, &cookie, callback, &answer);
        }
        let Some((person, token)) = self.unseal(&ticket, &cookie) else {
            // Too long ago: the person signs in once more.
            return pages::go_on(self.url_of(&ticket), "the sign-in").into();
        };
        match (answer.action.as_str(), &ticket.purpose) {
            ("continue", Purpose::Link) => self.connect(&ticket, &cookie, &token).await,
            ("unlink", Purpose::Unlink(only)) => {
                let chosen = answer.account.unwrap_or_default();
                if only.as_ref().is_some_and(|only| *only != chosen) {
                    return Page::unexpected().into();
                }
                self.unlink(&ticket, &cookie, &person, &token, &chosen).await
            }
            ("cancel", Purpose::Link) => {
                ticket.enter(Stage::Refused, Outcome::Refused);
                Page::refused().into()
            }
            ("cancel", Purpose::Unlink(_)) => {
                ticket.enter(Stage::Refused, Outcome::Refused);
                pages::kept().into()
            }
            _ => Page::unexpected().into(),
        }
    }

    /// What to answer instead when the ticket cannot be used any more.
    pub(super) fn closed(&self, ticket: &Ticket, cookie: Option<&str>) -> Option<Reply> {
        if cookie.is_some_and(|cookie| ticket.was_ended_by(Digest::of(cookie))) {
            return Some(self.url(DONE).into());
        }
        Some(match ticket.stage() {
            Stage::Open if !ticket.verdict.is_over() => return None,
            Stage::Open => Page::expired().into(),
            Stage::Replaced => pages::replaced().into(),
            _ => Page::spent().into(),
        })
    }

    /// The cookie of a browser that this ticket knows.
    pub(super) fn cookie(&self, headers: &HeaderMap, ticket: &Ticket) -> Option<String> {
        let cookie = self.cookies.of_ticket(headers, ticket.id)?;
        ticket.knows(Digest::of(&cookie)).then_some(cookie)
    }

    /// Who has signed in at this browser, with their My Account token.
    pub(super) fn unseal(
        &self,
        ticket: &Ticket,
        cookie: &str,
    ) -> Option<(Arc<SignedIn>, MyAccountToken)> {
        let person = ticket.signed_in(Digest::of(cookie))?;
        let lock = Lock { cookie, ticket: ticket.id, subject: &ticket.caller.subject };
        let token = self.keys.open(person.sealed.as_ref()?, &lock)?;
        Some((person, token))
    }

    /// The same issuer, person and organization. Without an organization at the caller there is none
    /// here either, or the one of the settings, which the sign-in was held to.
    pub(super) fn is(&self, caller: &Caller, identity: &Identity) -> bool {
        let organization = match (&caller.organization, &identity.organization) {
            (Some(_), _) => identity.organization == caller.organization,
            (None, Some(_)) => self.accounts.tenant.organization().is_some(),
            (None, None) => true,
        };
        identity.issuer == caller.issuer && identity.subject == caller.subject && organization
    }

    /// Auth0 did not do what the token of the browser with `cookie` was for. One that has ended sends
    /// the person back to the sign-in; all else is told.
    pub(super) fn stopped(&self, ticket: &Ticket, cookie: &str, error: &Error) -> Reply {
        if matches!(error, Error::Auth0(why) if matches!(**why, auth0::Error::MyAccountTokenRejected))
        {
            ticket.sign_out(Digest::of(cookie));
            return pages::go_on(self.url_of(ticket), "the sign-in").into();
        }
        self.failed(ticket, error).into()
    }

    /// Tells both the person and the agent. The ticket stays good.
    pub(super) fn failed(&self, ticket: &Ticket, error: &Error) -> Page {
        tracing::warn!(%error, "a link page came no further");
        let words = error.to_string();
        if ticket.is_open() {
            ticket.verdict.tell(Outcome::Failed(words.clone()));
        }
        pages::failed(&words, &self.url_of(ticket))
    }

    /// Tells the person alone: until the right one has signed in, anybody could make the agent read
    /// this.
    fn failed_to_sign_in(&self, ticket: &Ticket, error: &Error) -> Page {
        tracing::warn!(%error, "a sign-in for a link page did not work");
        pages::failed(&error.to_string(), &self.url_of(ticket))
    }

    fn someone_else(&self, ticket: &Ticket) -> Page {
        let mut again = self.url_of(ticket);
        again.set_query(Some("again=1"));
        pages::someone_else(&again)
    }

    /// The ticket that a `state` parameter of ours belongs to.
    fn ticket_of(&self, state: &str) -> Option<Arc<Ticket>> {
        let (id, _) = state.split_once('.')?;
        self.tickets.find(Digest::read(id)?)
    }
}

/// What to call the person, so that they know whom they have signed in as.
fn name(identity: &Identity) -> String {
    let Identity { name, email, subject, .. } = identity;
    let name = match (name, email) {
        (Some(name), Some(email)) if name != email => format!("{name} ({email})"),
        (Some(name), _) => name.clone(),
        (None, Some(email)) => email.clone(),
        (None, None) => subject.clone(),
    };
    Foreign::line(&name, NAME).as_str().to_owned()
}

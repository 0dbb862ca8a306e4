//! One link in the making: from the address that the person opens to the page that says what was linked.
//!
//! Only the local person is at the other end, so opening the address leads straight on to Auth0. What
//! ties an answer to its question is `state` and PKCE, never a cookie: all ports of this machine share
//! those.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Path, Query, State};
use axum::middleware;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tokio::sync::watch;
use url::Url;

use super::attempts::{Attempt, Attempts, Connecting};
use super::digest::Digest;
use super::page::UndoForm;
use super::vault::Vault;
use super::verdict::Verdict;
use super::{LinkedAccount, Outcome};
use crate::auth0::{self, AccountId, Identity, random_token};
use crate::broker::{Error, Proof};
use crate::identity::{CallbackQuery, Caller, Page, PendingLogin, SignedIn, render_page};

/// Where Auth0 sends the browser back.
const CALLBACK: &str = "/callback";
/// Where a link is taken back.
const UNDO: &str = "/undo";
/// How long the page of a spent link can still be read.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// How long things live.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lives {
    /// A link that nobody used.
    pub(super) ticket: Duration,
    /// The button that takes a link back.
    pub(super) undo: Duration,
}

/// One link in the making, and what its pages do.
pub(super) struct Flow {
    vault: Vault,
    callback: Url,
    ticket: Digest,
    lives: Lives,
    attempts: Attempts,
    /// Held while an answer of Auth0 is acted upon: of two browsers, the first to arrive wins.
    turn: tokio::sync::Mutex<()>,
    stage: Mutex<Stage>,
    verdict: Verdict,
}

/// How far the link has come.
enum Stage {
    /// Nothing has happened yet; who has signed in with this link, if anybody had to.
    Open(Option<Caller>),
    Refused {
        since: SystemTime,
    },
    Linked {
        since: SystemTime,
        link: Box<Link>,
    },
    Undone {
        since: SystemTime,
    },
}

/// What was linked, for the undo button.
#[derive(Clone)]
struct Link {
    signed_in: SignedIn,
    account: AccountId,
    undo: Digest,
    /// What the browser that made the link came back with.
    state: Digest,
    /// What it was shown, once that is known.
    page: Option<Page>,
}

/// What the browser does next.
pub(super) enum Step {
    /// It goes on to Auth0.
    GoOn(Url),
    /// It shows a page of ours.
    Show(Page),
}

#[derive(Deserialize)]
struct Undo {
    token: String,
}

impl Flow {
    pub(super) fn new(vault: Vault, callback: Url, ticket: &str, lives: Lives) -> Self {
        Self {
            vault,
            callback,
            ticket: Digest::of(ticket),
            lives,
            attempts: Attempts::default(),
            turn: tokio::sync::Mutex::default(),
            stage: Mutex::new(Stage::Open(None)),
            verdict: Verdict::until(SystemTime::now() + lives.ticket),
        }
    }

    pub(super) fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route(CALLBACK, get(returned).post(handed_on))
            .route(UNDO, post(taken_back))
            .route("/{ticket}", get(opened))
            .fallback(async || Page::unknown())
            .method_not_allowed_fallback(async || Page::unexpected())
            .layer(middleware::from_fn(render_page))
            .with_state(self)
    }

    pub(super) fn expires_at(&self) -> SystemTime {
        self.verdict.expires_at()
    }

    /// Whether the link can still be used.
    pub(super) fn is_open(&self) -> bool {
        matches!(*self.stage(), Stage::Open(_)) && !self.verdict.is_over()
    }

    /// Until when the link can be taken back, if there is one.
    pub(super) fn undoable_until(&self) -> Option<SystemTime> {
        match *self.stage() {
            Stage::Linked { since, .. } => Some(since + self.lives.undo),
            _ => None,
        }
    }

    /// When nothing is left to show.
    pub(super) fn closes_at(&self) -> SystemTime {
        match *self.stage() {
            Stage::Open(_) => self.verdict.expires_at(),
            Stage::Linked { since, .. } => since + self.lives.undo,
            Stage::Refused { since } | Stage::Undone { since } => since + LAST_LOOK,
        }
    }

    /// What has come of it, after a wait of `patience` at most.
    pub(super) async fn outcome(&self, patience: Duration) -> Outcome {
        self.verdict.wait(patience, || self.is_open()).await
    }

    /// Fires whenever the link comes a step further.
    pub(super) fn news(&self) -> watch::Receiver<Outcome> {
        self.verdict.news()
    }

    /// Where the browser goes first: to sign in where nobody is, and to link where somebody is.
    pub(super) async fn begin(&self) -> Result<Url, Error> {
        match self.vault.session.current().await? {
            Some(signed_in) => match self.connect(signed_in).await {
                Err(Error::NotSignedIn) => self.log_in().await,
                sent => sent,
            },
            None => self.log_in().await,
        }
    }

    async fn log_in(&self) -> Result<Url, Error> {
        let (pending, url) =
            PendingLogin::start(self.vault.tenant(), self.callback.clone()).await?;
        self.attempts.open(Attempt::Login(Box::new(pending)));
        Ok(url)
    }

    /// Auth0's five minutes for the person's consent start here.
    async fn connect(&self, mut signed_in: SignedIn) -> Result<Url, Error> {
        let token = self.vault.my_account(&mut signed_in).await?;
        let state = random_token();
        let started = self.vault.accounts.start(&token, &self.callback, &state).await?;
        let url = started.url().clone();
        let connecting = Connecting { state: Digest::of(&state), signed_in, token, started };
        self.attempts.open(Attempt::Connect(Box::new(connecting)));
        Ok(url)
    }

    /// Acts on what the browser brought back.
    pub(super) async fn arrive(&self, query: CallbackQuery) -> Step {
        match self.act_on(query).await {
            Ok(step) => step,
            Err(error) => Step::Show(self.failed(&error)),
        }
    }

    async fn act_on(&self, query: CallbackQuery) -> Result<Step, Error> {
        let Some(attempt) = self.attempts.take(&query) else {
            return Ok(Step::Show(self.seen_before(&query)));
        };
        let _turn = self.turn.lock().await;
        if let Some(page) = self.closed() {
            return Ok(Step::Show(page));
        }
        if query.error.as_deref() == Some("access_denied") {
            self.enter(Stage::Refused { since: SystemTime::now() }, Outcome::Refused);
            return Ok(Step::Show(Page::refused()));
        }
        match attempt {
            Attempt::Login(pending) if query.connect_code.is_none() => {
                Ok(Step::GoOn(self.finish_login(*pending, &query).await?))
            }
            Attempt::Connect(connecting) if query.code.is_none() => {
                // Auth0 promises `iss` for logins only, so here its absence says nothing.
                if query.iss.is_some() {
                    self.vault.tenant().check_issuer(query.iss.as_deref())?;
                }
                match &query.connect_code {
                    Some(code) if query.error.is_none() => {
                        Ok(Step::Show(self.complete(*connecting, code).await?))
                    }
                    _ => Err(auth0::Error::Denied.into()),
                }
            }
            _ => Ok(Step::Show(Page::unexpected())),
        }
    }

    async fn finish_login(
        &self,
        pending: PendingLogin,
        query: &CallbackQuery,
    ) -> Result<Url, Error> {
        let login = pending.finish(self.vault.tenant(), query).await?;
        let Identity { issuer, subject, organization, .. } = login.identity.clone();
        let caller = Caller { issuer, subject, organization };
        if let Stage::Open(known) = &mut *self.stage()
            && *known.get_or_insert_with(|| caller.clone()) != caller
        {
            return Err(Error::AnotherPerson);
        }
        let signed_in = self.vault.session.sign_in(login).await?;
        self.connect(signed_in).await
    }

    /// Puts the account into the vault, and finds out which one it is.
    async fn complete(&self, connecting: Connecting, code: &str) -> Result<Page, Error> {
        let Connecting { signed_in, token, started, state } = connecting;
        let accounts = &self.vault.accounts;
        let account = accounts.complete(&signed_in.caller, &token, &started, code).await?;
        let undo = random_token();
        let link = Link {
            signed_in: signed_in.clone(),
            account: account.id.clone(),
            undo: Digest::of(&undo),
            state,
            page: None,
        };
        self.enter(
            Stage::Linked { since: SystemTime::now(), link: Box::new(link) },
            Outcome::Waiting,
        );
        accounts.settle(&signed_in.caller, &token, &started).await;
        let person = self.vault.name(&signed_in).await;
        let mut account = LinkedAccount::from(account);
        let introduced = accounts.introduce_new(&Proof::from(signed_in), &mut account).await;
        match introduced {
            Err(error) if error.is_final() => {
                let words = error.to_string();
                self.verdict.tell(Outcome::Unusable(words.clone()));
                return Ok(self.keep(Page::linked_in_vain(
                    &words,
                    &person,
                    Some(&undo_form(&undo)),
                )));
            }
            Err(error) => {
                tracing::warn!(%error, "Bitbucket did not tell the linked account's name")
            }
            Ok(()) => {}
        }
        tracing::info!(account = account.id, "a Bitbucket account was linked");
        self.verdict.tell(Outcome::Linked(account.clone()));
        Ok(self.keep(Page::linked(&account, &person, Some(&undo_form(&undo)))))
    }

    /// Keeps the page that tells of the link, for a browser that reloads it.
    fn keep(&self, page: Page) -> Page {
        if let Stage::Linked { link, .. } = &mut *self.stage() {
            link.page = Some(page.clone());
        }
        page
    }

    /// An answer that nobody waits for: a page that is reloaded, or somebody's guess.
    fn seen_before(&self, query: &CallbackQuery) -> Page {
        if let Stage::Linked { link, .. } = &*self.stage()
            && let Some(page) = &link.page
            && query.state.as_deref().map(Digest::of) == Some(link.state)
        {
            return page.clone();
        }
        self.closed().unwrap_or_else(Page::unexpected)
    }

    /// Takes the link back. A second press finds nothing left to do.
    async fn undo(&self, token: &str) -> Result<Page, Error> {
        let _turn = self.turn.lock().await;
        let mut link = match &*self.stage() {
            Stage::Linked { link, .. } if link.undo == Digest::of(token) => (**link).clone(),
            Stage::Undone { .. } => return Ok(Page::undone()),
            _ => return Ok(Page::unexpected()),
        };
        self.vault.remove(&mut link.signed_in, &link.account).await?;
        self.enter(Stage::Undone { since: SystemTime::now() }, Outcome::Refused);
        Ok(Page::undone())
    }

    /// The page to show instead when the link cannot be used any more.
    fn closed(&self) -> Option<Page> {
        match *self.stage() {
            Stage::Open(_) if !self.verdict.is_over() => None,
            Stage::Open(_) => Some(Page::expired()),
            _ => Some(Page::spent()),
        }
    }

    fn enter(&self, stage: Stage, outcome: Outcome) {
        *self.stage() = stage;
        self.verdict.tell(outcome);
    }

    /// Tells both the person and the agent. The link stays good.
    fn failed(&self, error: &Error) -> Page {
        tracing::warn!(%error, "linking failed");
        if matches!(error, Error::AnotherPerson) {
            return Page::another_person();
        }
        let words = error.to_string();
        if self.is_open() {
            self.verdict.tell(Outcome::Failed(words.clone()));
        }
        Page::failed(&words)
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IntoResponse for Step {
    fn into_response(self) -> Response {
        match self {
            Self::GoOn(url) => Redirect::to(url.as_str()).into_response(),
            Self::Show(page) => page.into_response(),
        }
    }
}

/// The address that the agent was given. Opening it changes nothing: a scanner may do so too.
async fn opened(State(flow): State<Arc<Flow>>, Path(ticket): Path<String>) -> Response {
    if Digest::of(&ticket) != flow.ticket {
        return Page::unknown().into_response();
    }
    if let Some(page) = flow.closed() {
        return page.into_response();
    }
    let step = match flow.begin().await {
        Ok(url) => Step::GoOn(url),
        Err(error) => Step::Show(flow.failed(&error)),
    };
    step.into_response()
}

/// The way back from Auth0. Without a code it may still be behind the `#`.
async fn returned(
    State(flow): State<Arc<Flow>>,
    query: Result<Query<CallbackQuery>, QueryRejection>,
) -> Response {
    match query {
        Ok(Query(CallbackQuery { code: None, connect_code: None, error: None, state, .. })) => {
            Page::fragment(CALLBACK, &state.unwrap_or_default()).into_response()
        }
        Ok(Query(query)) => settle(flow, query).await,
        Err(_) => Page::unexpected().into_response(),
    }
}

/// What was behind the `#`, posted on by the page.
async fn handed_on(
    State(flow): State<Arc<Flow>>,
    form: Result<Form<CallbackQuery>, FormRejection>,
) -> Response {
    match form {
        Ok(Form(mut query)) => {
            // The page posts every field, also those that there was nothing for.
            query.drop_empty();
            settle(flow, query).await
        }
        Err(_) => Page::unexpected().into_response(),
    }
}

async fn taken_back(
    State(flow): State<Arc<Flow>>,
    form: Result<Form<Undo>, FormRejection>,
) -> Response {
    let Ok(Form(Undo { token })) = form else { return Page::unexpected().into_response() };
    let again = token.clone();
    let undone = tokio::spawn(async move {
        flow.undo(&token).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "a link could not be undone");
            Page::not_undone(&error.to_string(), &undo_form(&token))
        })
    });
    undone
        .await
        .unwrap_or_else(|_| Page::not_undone("it was interrupted", &undo_form(&again)))
        .into_response()
}

/// In a task of its own, so that a browser that goes away does not stop what has begun.
async fn settle(flow: Arc<Flow>, query: CallbackQuery) -> Response {
    let arrival = tokio::spawn(async move { flow.arrive(query).await.into_response() });
    arrival.await.unwrap_or_else(|_| Page::failed("it was interrupted").into_response())
}

fn undo_form(token: &str) -> UndoForm<'_> {
    UndoForm { action: UNDO, fields: vec![("token", token)] }
}

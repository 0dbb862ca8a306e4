//! The addresses under `/link/`, and what a browser sends there.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Form, Path, Query, State};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, Method};
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::super::step::Step;
use super::Inner;
use super::ticket::Callback;
use crate::identity::{CallbackQuery, Page, Site, guard_page, render_page};

pub(super) const SIGNED_IN: &str = "/link/signed-in";
pub(super) const CONNECTED: &str = "/link/connected";
pub(super) const DONE: &str = "/link/done";
/// No form of ours is longer.
const LONGEST_FORM: usize = 16 * 1024;

/// What a browser is answered.
pub(super) struct Reply {
    pub(super) step: Step,
    pub(super) cookie: Option<HeaderValue>,
}

/// The one question that a ticket's page is asked.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    /// Present where the person wants to sign in as somebody else.
    again: Option<String>,
}

/// An answer to the page of a ticket.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer {
    pub(super) token: String,
    pub(super) action: String,
    pub(super) account: Option<String>,
    pub(super) key: Option<String>,
    pub(super) secret: Option<SecretString>,
}

/// A press of the undo button.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Undo {
    pub(super) link: String,
    pub(super) token: String,
}

pub(super) fn router(inner: Arc<Inner>) -> Router {
    let site = Site::of(&inner.public_url);
    Router::new()
        .route(SIGNED_IN, get(signed_in))
        .route(CONNECTED, get(connected).post(handed_on))
        .route(DONE, get(done).post(taken_back))
        .route("/link/{ticket}", get(opened).post(answered))
        .method_not_allowed_fallback(async || Page::unexpected())
        .layer(DefaultBodyLimit::max(LONGEST_FORM))
        .layer(middleware::from_fn(render_page))
        .layer(middleware::from_fn_with_state(site, guard_page))
        .with_state(inner)
}

impl From<Page> for Reply {
    fn from(page: Page) -> Self {
        Self { step: Step::Show(page), cookie: None }
    }
}

impl From<Url> for Reply {
    fn from(url: Url) -> Self {
        Self { step: Step::GoOn(url), cookie: None }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = self.step.into_response();
        if let Some(cookie) = self.cookie {
            response.headers_mut().insert(SET_COOKIE, cookie);
        }
        response
    }
}

/// The address that the agent was given. Opening it changes nothing: a scanner may do so too.
async fn opened(
    State(inner): State<Arc<Inner>>,
    method: Method,
    Path(secret): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Reply {
    let again = asked.is_ok_and(|Query(asked)| asked.again.is_some());
    inner.open(&secret, &headers, again, method == Method::HEAD).await
}

async fn answered(
    State(inner): State<Arc<Inner>>,
    Path(secret): Path<String>,
    headers: HeaderMap,
    form: Result<Form<Answer>, FormRejection>,
) -> Reply {
    let Ok(Form(answer)) = form else { return Page::unexpected().into() };
    to_the_end(async move { inner.answer(&secret, &headers, answer).await }).await
}

async fn signed_in(
    State(inner): State<Arc<Inner>>,
    method: Method,
    headers: HeaderMap,
    query: Result<Query<CallbackQuery>, QueryRejection>,
) -> Reply {
    let Ok(Query(query)) = query else { return Page::unexpected().into() };
    if method == Method::HEAD {
        return Page::unexpected().into();
    }
    to_the_end(async move { inner.come_back(Callback::SignedIn, &headers, query, false).await })
        .await
}

/// Without a code, it may still be behind the `#`.
async fn connected(
    State(inner): State<Arc<Inner>>,
    method: Method,
    headers: HeaderMap,
    query: Result<Query<CallbackQuery>, QueryRejection>,
) -> Reply {
    match query {
        Ok(Query(CallbackQuery { code: None, connect_code: None, error: None, state, .. })) => {
            Page::fragment(CONNECTED, &state.unwrap_or_default()).into()
        }
        Ok(Query(query)) if method != Method::HEAD => {
            to_the_end(
                async move { inner.come_back(Callback::Connected, &headers, query, false).await },
            )
            .await
        }
        _ => Page::unexpected().into(),
    }
}

/// What was behind the `#`, posted on by the page.
async fn handed_on(
    State(inner): State<Arc<Inner>>,
    headers: HeaderMap,
    form: Result<Form<CallbackQuery>, FormRejection>,
) -> Reply {
    let Ok(Form(mut query)) = form else { return Page::unexpected().into() };
    query.drop_empty();
    to_the_end(async move { inner.come_back(Callback::Connected, &headers, query, true).await })
        .await
}

async fn done(State(inner): State<Arc<Inner>>, headers: HeaderMap) -> Reply {
    inner.done(&headers).into()
}

async fn taken_back(
    State(inner): State<Arc<Inner>>,
    headers: HeaderMap,
    form: Result<Form<Undo>, FormRejection>,
) -> Reply {
    let Ok(Form(undo)) = form else { return Page::unexpected().into() };
    to_the_end(async move { inner.undo(&headers, undo).await }).await
}

/// In a task of its own, so that a browser that goes away does not stop what has begun.
async fn to_the_end(work: impl Future<Output = Reply> + Send + 'static) -> Reply {
    tokio::spawn(work).await.unwrap_or_else(|_| Page::failed("it was interrupted").into())
}

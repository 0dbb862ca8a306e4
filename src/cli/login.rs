//! `login`: sign the local person in.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::middleware;
use axum::routing::get;
use clap::Args;
use http::StatusCode;
use tokio::sync::{Mutex, oneshot};

use super::configured;
use super::settings::Settings;
use super::terminal::{prompt, say, show};
use crate::auth0::Tenant;
use crate::config::{Need, Sources};
use crate::identity::{
    CallbackQuery, Loopback, Page, PendingLogin, Session, SignedIn, render_page,
};
use crate::{Error, text};

/// Sign in at Auth0, in a browser.
#[derive(Debug, Args)]
pub(super) struct Login {
    /// Print the URL, and take the URL that the browser ends on, instead of opening a browser here.
    #[arg(long)]
    pub(super) no_browser: bool,
    #[command(flatten)]
    pub(super) settings: Settings,
}

impl Login {
    pub(super) async fn run(self, sources: Sources) -> anyhow::Result<ExitCode> {
        let config = configured::load(&sources, Need::Auth0)?;
        if config.auth0()?.refresh_token.is_some() {
            bail!(
                "`AUTH0_REFRESH_TOKEN` is set and would be used instead of this sign-in; unset it first"
            );
        }
        let local = configured::local(&config)?;
        let mut loopback = Loopback::bind().await?;
        let callback = loopback.callback_url().clone();
        let (pending, url) = PendingLogin::start(&local.tenant, callback.clone()).await?;
        let signed_in = if self.no_browser {
            say(&format!(
                "Open this page in any browser, sign in, and copy the address that the browser ends \
                 on, even if that page does not load:\n\n  {url}\n"
            ));
            let pasted = prompt("Address: ").await.context("no address was given")?;
            let query = CallbackQuery::from_pasted(&pasted, &callback)?;
            let login = pending.finish(&local.tenant, &query).await?;
            local.session.sign_in(login).await?
        } else {
            let (waiting, signed_in) = Waiting::new(pending, local.tenant, local.session);
            loopback.serve(waiting.router());
            show(url.as_str());
            signed_in.await.context("the sign-in was interrupted")??
        };
        loopback.shut().await;
        say(&format!("Signed in as {}.", name(&signed_in)));
        Ok(ExitCode::SUCCESS)
    }
}

fn name(signed_in: &SignedIn) -> String {
    let identity = signed_in.identity.as_ref();
    let name = identity.and_then(|identity| identity.name.as_deref().or(identity.email.as_deref()));
    text::clean_line(name.unwrap_or(&signed_in.caller.subject), 120)
}

/// A sign-in whose answer the browser brings.
#[derive(Clone)]
struct Waiting {
    inner: Arc<Mutex<Option<Pending>>>,
    tenant: Tenant,
    session: Session,
}

struct Pending {
    login: PendingLogin,
    done: oneshot::Sender<anyhow::Result<SignedIn>>,
}

impl Waiting {
    fn new(
        login: PendingLogin,
        tenant: Tenant,
        session: Session,
    ) -> (Self, oneshot::Receiver<anyhow::Result<SignedIn>>) {
        let (done, signed_in) = oneshot::channel();
        let inner = Arc::new(Mutex::new(Some(Pending { login, done })));
        (Self { inner, tenant, session }, signed_in)
    }

    fn router(self) -> Router {
        Router::new()
            .route("/callback", get(returned))
            .fallback(async || unexpected())
            .method_not_allowed_fallback(async || unexpected())
            .layer(middleware::from_fn(render_page))
            .with_state(self)
    }
}

/// The browser is back. Whatever does not answer our question is ignored, for any page can send it.
async fn returned(
    State(waiting): State<Waiting>,
    query: Result<Query<CallbackQuery>, QueryRejection>,
) -> Page {
    let Ok(Query(query)) = query else { return unexpected() };
    let mut inner = waiting.inner.lock().await;
    let Some(pending) = inner.take_if(|pending| pending.login.is_answered_by(&query)) else {
        return unexpected();
    };
    let login = pending.login.finish(&waiting.tenant, &query).await;
    let signed_in = match login {
        Ok(login) => waiting.session.sign_in(login).await,
        Err(error) => Err(error),
    };
    let page = match &signed_in {
        Ok(_) => Page::new(StatusCode::OK, "You are signed in", "<p>You can close this page.</p>"),
        Err(_) => {
            let body = "<p>Nothing was changed. The terminal says why.</p>";
            Page::new(StatusCode::BAD_GATEWAY, "You are not signed in", body)
        }
    };
    let _ = pending.done.send(signed_in.map_err(|error| anyhow::Error::new(Error::from(error))));
    page
}

fn unexpected() -> Page {
    let body =
        "<p>Nothing was changed. Go on where you signed in, or run the command once more.</p>";
    Page::new(StatusCode::BAD_REQUEST, "This page was not expected", body)
}

//! The one person of a stdio server that has no application at Auth0 yet: nobody can sign in, but an
//! administrator can set the tenant up from here.

use std::sync::OnceLock;
use std::time::Duration;

use futures::future::BoxFuture;
use url::Url;

use super::local::Local;
use crate::auth0::Identity;
use crate::bitbucket::{self, Consumer};
use crate::broker::link::{LinkedAccount, Offer, Outcome, Unlinked};
use crate::broker::{ConsumerPage, Probe};
use crate::tool::Person;
use crate::{Error, Result};

/// Somebody who can sign in once the server has an application.
pub struct Newcomer {
    /// Looks for the application's settings.
    find: Box<dyn Fn() -> Option<Local> + Send + Sync>,
    found: OnceLock<Local>,
    /// Where an administrator enters the consumer's key and secret; for that nobody has to sign in.
    consumer_page: ConsumerPage,
}

impl Newcomer {
    /// Somebody for whom `find` looks for an application whenever one is needed, until there is one.
    /// `connection` is the name of the Bitbucket connection.
    #[must_use]
    pub fn new(
        connection: String,
        find: impl Fn() -> Option<Local> + Send + Sync + 'static,
    ) -> Self {
        let (find, found) = (Box::new(find), OnceLock::new());
        Self { find, found, consumer_page: ConsumerPage::new(connection) }
    }

    /// The person, once the server has an application for them to sign in with.
    pub fn local(&self) -> Option<&Local> {
        if self.found.get().is_none()
            && let Some(local) = (self.find)()
        {
            return Some(self.found.get_or_init(|| local));
        }
        self.found.get()
    }

    fn signed_up(&self) -> Result<&Local> {
        self.local().ok_or_else(no_application)
    }
}

fn no_application() -> Error {
    Error::Misconfigured {
        says: "this server has no application at Auth0 yet, so nobody can sign in".into(),
        hint: "`check_connection` shows what is missing, and `get_setup_guide` how to set it up; it is \
               an administrator's work"
            .into(),
    }
}

impl Person for Newcomer {
    fn caller(&self) -> BoxFuture<'_, String> {
        match self.local() {
            Some(local) => local.caller(),
            None => Box::pin(async { String::new() }),
        }
    }

    fn bitbucket(&self, limits: bitbucket::Limits) -> BoxFuture<'_, Result<bitbucket::Client>> {
        Box::pin(async move { self.signed_up()?.bitbucket(limits).await })
    }

    fn identity(&self) -> BoxFuture<'_, Result<Option<Identity>>> {
        Box::pin(async move { self.signed_up()?.identity().await })
    }

    fn accounts(&self) -> BoxFuture<'_, Result<Vec<LinkedAccount>>> {
        Box::pin(async move { self.signed_up()?.accounts().await })
    }

    fn offer_link(&self) -> BoxFuture<'_, Result<Offer>> {
        Box::pin(async move { self.signed_up()?.offer_link().await })
    }

    fn link_outcome(&self, patience: Duration) -> BoxFuture<'_, Outcome> {
        match self.local() {
            Some(local) => local.link_outcome(patience),
            None => Box::pin(async { Outcome::Expired }),
        }
    }

    fn relinking_can_help<'a>(&'a self, missing: &'a str) -> BoxFuture<'a, bool> {
        match self.local() {
            Some(local) => local.relinking_can_help(missing),
            None => Box::pin(async { true }),
        }
    }

    fn probe(&self, limits: bitbucket::Limits) -> BoxFuture<'_, Probe> {
        match self.local() {
            Some(local) => local.probe(limits),
            None => Box::pin(async { Probe::failed(Probe::SIGN_IN, no_application()) }),
        }
    }

    fn offer_consumer_page<'a>(&'a self, callback: &'a Url) -> BoxFuture<'a, Result<Offer>> {
        Box::pin(async move { Ok(self.consumer_page.offer(callback).await?) })
    }

    fn consumer(&self, patience: Duration) -> BoxFuture<'_, Option<Consumer>> {
        Box::pin(self.consumer_page.entered(patience))
    }

    fn unlink<'a>(&'a self, account: Option<&'a str>) -> BoxFuture<'a, Result<Unlinked>> {
        Box::pin(async move { self.signed_up()?.unlink(account).await })
    }
}

//! The one person of a stdio server: who is signed in on this machine.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use url::Url;

use crate::auth0::{self, Identity, RefreshToken, Tenant};
use crate::bitbucket::{self, Connector, Consumer};
use crate::broker::link::{LinkedAccount, Linker, Offer, Outcome, Unlinked};
use crate::broker::{self, Broker, ConsumerPage, Failure, Probe};
use crate::identity::{Keep, Session, SignedIn};
use crate::net::Http;
use crate::text::clean_line;
use crate::tool::Person;
use crate::{Error, Result};

/// How many callers' tokens are cached: on this machine there is one person at a time.
const CALLERS: u64 = 16;

/// What is needed to act for the person on this machine.
pub struct LocalSettings {
    /// The tenant and the application.
    pub auth0: auth0::Settings,
    /// The name of the Bitbucket connection.
    pub connection: String,
    /// A sign-in from elsewhere, instead of the one that is kept here.
    pub refresh_token: Option<RefreshToken>,
    /// Bitbucket's API.
    pub bitbucket_api_url: Url,
    /// How long a Bitbucket token is kept at most.
    pub cache_age: Duration,
    /// Where a sign-in is kept.
    pub keep: Keep,
}

/// The person who is signed in on this machine, with all that acts for them.
#[derive(Clone)]
pub struct Local {
    /// The tenant.
    pub tenant: Tenant,
    /// Who is signed in.
    pub session: Session,
    /// Exchanges their tokens.
    pub broker: Broker,
    /// Links their account.
    pub linker: Linker,
    /// Where the consumer's key and secret are entered.
    pub consumer_page: ConsumerPage,
}

impl Local {
    /// Puts the parts together. Nothing is sent or read yet.
    ///
    /// # Errors
    /// When a setting of the application cannot be used, such as a key that is no key.
    pub fn new(settings: LocalSettings) -> std::result::Result<Self, auth0::Error> {
        let http = Http::new();
        let tenant = Tenant::new(http.clone(), settings.auth0)?;
        let session = Session::new(tenant.clone(), settings.keep, settings.refresh_token);
        let connector = Arc::new(Connector::new(http, settings.bitbucket_api_url));
        let broker = Broker::new(
            tenant.clone(),
            connector,
            broker::Settings {
                connection: settings.connection.clone(),
                cache_age: settings.cache_age,
                // One person may have linked elsewhere a moment ago, and is in nobody's way.
                miss_age: Duration::ZERO,
                capacity: CALLERS,
            },
        );
        let consumer_page = ConsumerPage::new(settings.connection.clone());
        let linker =
            Linker::new(session.clone(), broker.clone(), tenant.clone(), settings.connection);
        Ok(Self { tenant, session, broker, linker, consumer_page })
    }

    async fn signed_in(&self) -> Result<SignedIn> {
        self.session.current().await?.ok_or(Error::NotSignedIn { url: None })
    }

    /// Whoever is signed in, after Auth0 has renewed their sign-in just now, and what to say of that.
    async fn renewed(&self) -> Result<(SignedIn, String), Failure> {
        let mut person = self.signed_in().await?;
        let refreshed = match self.tenant.refresh(&person.refresh_token).await {
            // `login` in another process may have replaced it.
            Err(auth0::Error::SignedOut) => {
                let anew =
                    self.session.replaced(&person.refresh_token).await.map_err(Error::from)?;
                person = anew.ok_or(Error::NotSignedIn { url: None })?;
                self.tenant.refresh(&person.refresh_token).await
            }
            refreshed => refreshed,
        };
        let refreshed = refreshed.map_err(|error| Failure::from(broker::Error::from(error)))?;
        if let Some(token) = refreshed.rotated {
            // The old one is dead already.
            self.session.rotated(token).await.map_err(Error::from)?;
            return Err(Failure {
                why: "Auth0 gave a new refresh token for the old one: the application rotates its \
                      refresh tokens, and Token Vault does not support that"
                    .to_owned(),
                fix: "an admin turns refresh token rotation off for the application; \
                      `plan_connection` plans that"
                    .to_owned(),
            });
        }
        let subject = refreshed.identity.map_or_else(
            || "this person".to_owned(),
            |identity| clean_line(&identity.subject, 120),
        );
        Ok((person, format!("Auth0 renewed the sign-in of {subject}")))
    }
}

impl Person for Local {
    fn caller(&self) -> BoxFuture<'_, String> {
        Box::pin(async move {
            match self.signed_in().await {
                Ok(SignedIn { caller, .. }) => {
                    [caller.issuer, caller.subject, caller.organization.unwrap_or_default()]
                        .join(" ")
                }
                Err(_) => String::new(),
            }
        })
    }

    /// A sign-in that has ended may have been replaced by `login` in another process: looked up once.
    fn bitbucket(&self, limits: bitbucket::Limits) -> BoxFuture<'_, Result<bitbucket::Client>> {
        Box::pin(async move {
            let person = self.signed_in().await?;
            let token = person.refresh_token.clone();
            match self.broker.client(&person.into(), limits.clone()).await {
                Err(broker::Error::NotSignedIn) => match self.session.replaced(&token).await? {
                    Some(anew) => Ok(self.broker.client(&anew.into(), limits).await?),
                    None => Err(broker::Error::NotSignedIn.into()),
                },
                other => Ok(other?),
            }
        })
    }

    fn identity(&self) -> BoxFuture<'_, Result<Option<Identity>>> {
        Box::pin(async move { Ok(self.session.identify().await?) })
    }

    fn accounts(&self) -> BoxFuture<'_, Result<Vec<LinkedAccount>>> {
        Box::pin(async move { Ok(self.linker.accounts().await?) })
    }

    fn offer_link(&self) -> BoxFuture<'_, Result<Offer>> {
        Box::pin(async move { Ok(self.linker.offer().await?) })
    }

    fn link_outcome(&self, patience: Duration) -> BoxFuture<'_, Outcome> {
        Box::pin(self.linker.outcome(patience))
    }

    fn relinking_can_help<'a>(&'a self, missing: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let Ok(person) = self.signed_in().await else { return true };
            self.broker.relinking_can_help(&person.caller, missing)
        })
    }

    fn probe(&self, limits: bitbucket::Limits) -> BoxFuture<'_, Probe> {
        Box::pin(async move {
            match self.renewed().await {
                Ok((person, says)) => {
                    let proof = person.into();
                    let probe = self.broker.probe(&proof, limits, Failure::from).await;
                    probe.after(Probe::SIGN_IN, says)
                }
                Err(failure) => Probe::failed(Probe::SIGN_IN, failure),
            }
        })
    }

    fn offer_consumer_page<'a>(&'a self, callback: &'a Url) -> BoxFuture<'a, Result<Offer>> {
        Box::pin(async move { Ok(self.consumer_page.offer(callback).await?) })
    }

    fn consumer(&self, patience: Duration) -> BoxFuture<'_, Option<Consumer>> {
        Box::pin(self.consumer_page.entered(patience))
    }

    fn unlink<'a>(&'a self, account: Option<&'a str>) -> BoxFuture<'a, Result<Unlinked>> {
        Box::pin(async move { Ok(self.linker.unlink(account).await?) })
    }
}

//! The one person of a stdio server: who is signed in on this machine.

use std::time::Duration;

use futures::future::BoxFuture;

use crate::broker::link::{LinkedAccount, Linker, Offer, Outcome, Unlinked};
use crate::broker::{Broker, Proof, SubjectToken};
use crate::identity::{Identity, Session, SignedIn};
use crate::tool::Person;
use crate::{Error, Result, bitbucket};

/// The person who is signed in on this machine.
#[derive(Clone)]
pub struct LocalPerson {
    session: Session,
    broker: Broker,
    linker: Linker,
}

impl LocalPerson {
    /// The person of `session`.
    #[must_use]
    pub fn new(session: Session, broker: Broker, linker: Linker) -> Self {
        Self { session, broker, linker }
    }

    async fn signed_in(&self) -> Result<SignedIn> {
        self.session.current().await?.ok_or(Error::NotSignedIn { url: None })
    }
}

impl Person for LocalPerson {
    fn bitbucket(&self, limits: bitbucket::Limits) -> BoxFuture<'_, Result<bitbucket::Client>> {
        Box::pin(async move {
            let person = self.signed_in().await?;
            let token = SubjectToken::Refresh(person.refresh_token);
            let proof = Proof { caller: person.caller, token };
            Ok(self.broker.client(&proof, limits).await?)
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

    fn unlink<'a>(&'a self, account: Option<&'a str>) -> BoxFuture<'a, Result<Unlinked>> {
        Box::pin(async move { Ok(self.linker.unlink(account).await?) })
    }
}

//! The person of one request, where many people share the server.
//!
//! Each request brings the token of whoever sends it. It is used for this request and then gone: a
//! session of the old protocol keeps nothing of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use http::request::Parts;
use rmcp::model::{ErrorData, JsonObject};
use rmcp::service::{RequestContext, RoleServer};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::Result;
use crate::auth0::Identity;
use crate::bitbucket::{self, Consumer};
use crate::broker::link::web::{Asker, WebLinker};
use crate::broker::link::{LinkedAccount, Offer, Outcome, Reader, Unlinked};
use crate::broker::{Broker, Failure, Probe, Proof, SubjectToken};
use crate::identity::bearer::Verified;
use crate::server::{People, policy};
use crate::text::{Foreign, clean_line};
use crate::tool::{Entry, Person};

/// How long it may take to read what is linked.
const READING: Duration = Duration::from_secs(20);

/// How often a page is looked at whose end a client waits for.
const WATCH: Duration = Duration::from_secs(60);

/// When a page is looked at again on which something has just failed.
const SECOND_TRY: Duration = Duration::from_secs(3);

/// Everybody who calls. Clones share everything.
#[derive(Clone)]
pub(super) struct Everybody {
    pub(super) broker: Broker,
    pub(super) reader: Reader,
    pub(super) linker: WebLinker,
}

/// Whoever sent one request.
struct Remote {
    verified: Verified,
    asker: Asker,
    all: Everybody,
}

impl People for Everybody {
    fn of(
        &self,
        context: &RequestContext<RoleServer>,
        entry: &Entry,
        arguments: Option<&JsonObject>,
    ) -> Result<Arc<dyn Person>, ErrorData> {
        let parts = context.extensions.get::<Parts>();
        let verified = parts.and_then(|parts| parts.extensions.get::<Verified>());
        let Some(verified) = verified else {
            return Err(ErrorData::internal_error("the request names nobody", None));
        };
        // The door has looked at this too. It read the message by itself, though, and this is what
        // will be carried out.
        if policy::scope_of(entry, arguments).is_some_and(|scope| !verified.scopes.allow(scope)) {
            let says = format!("the access token does not allow `{}`", entry.name);
            return Err(ErrorData::invalid_request(says, None));
        }
        let name = context.client_info().map(|client| Foreign::line(&client.name, 80));
        Ok(Arc::new(Remote {
            asker: Asker { client_id: verified.client_id.clone(), name },
            verified: verified.clone(),
            all: self.clone(),
        }))
    }
}

impl Remote {
    fn proof(&self) -> Proof {
        Proof {
            caller: self.verified.caller.clone(),
            token: SubjectToken::Access(self.verified.token.clone()),
        }
    }
}

impl Person for Remote {
    fn caller(&self) -> BoxFuture<'_, String> {
        Box::pin(async { super::label(&self.verified.caller) })
    }

    fn bitbucket(&self, limits: bitbucket::Limits) -> BoxFuture<'_, Result<bitbucket::Client>> {
        Box::pin(async move { Ok(self.all.broker.client(&self.proof(), limits).await?) })
    }

    fn identity(&self) -> BoxFuture<'_, Result<Option<Identity>>> {
        let caller = &self.verified.caller;
        let identity = Identity {
            issuer: caller.issuer.clone(),
            subject: caller.subject.clone(),
            name: None,
            email: None,
            organization: caller.organization.clone(),
        };
        Box::pin(async move { Ok(Some(identity)) })
    }

    fn accounts(&self) -> BoxFuture<'_, Result<Vec<LinkedAccount>>> {
        Box::pin(async move {
            let limits = bitbucket::Limits {
                deadline: Instant::now() + READING,
                cancel: CancellationToken::new(),
            };
            Ok(self.all.reader.accounts(&self.proof(), limits).await?)
        })
    }

    fn offer_link(&self) -> BoxFuture<'_, Result<Offer>> {
        Box::pin(
            async move { Ok(self.all.linker.offer(&self.verified.caller, &self.asker).await?) },
        )
    }

    fn link_outcome(&self, patience: Duration) -> BoxFuture<'_, Outcome> {
        Box::pin(self.all.linker.outcome(&self.verified.caller, patience))
    }

    fn relinking_can_help<'a>(&'a self, missing: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(async move { self.all.broker.relinking_can_help(&self.verified.caller, missing) })
    }

    fn page_done(&self) -> BoxFuture<'static, bool> {
        let (linker, caller) = (self.all.linker.clone(), self.verified.caller.clone());
        Box::pin(async move {
            loop {
                match linker.outcome(&caller, WATCH).await {
                    Outcome::Waiting => {}
                    // The page still works, and this outcome is there at once.
                    Outcome::Failed(_) => tokio::time::sleep(SECOND_TRY).await,
                    Outcome::Linked(_) | Outcome::Unlinked(_) | Outcome::Entered => return true,
                    Outcome::Unusable(_) | Outcome::Refused | Outcome::Expired => return false,
                }
            }
        })
    }

    fn probe(&self, limits: bitbucket::Limits) -> BoxFuture<'_, Probe> {
        Box::pin(async move {
            let probe = self.all.broker.probe(&self.proof(), limits, Failure::from).await;
            // The door has verified the token, or there would be no call.
            let subject = clean_line(&self.verified.caller.subject, 120);
            probe.after(Probe::SIGN_IN, format!("the access token is good, and names {subject}"))
        })
    }

    fn offer_consumer_page<'a>(&'a self, callback: &'a Url) -> BoxFuture<'a, Result<Offer>> {
        Box::pin(async move {
            let caller = &self.verified.caller;
            Ok(self.all.linker.offer_consumer(caller, &self.asker, callback).await?)
        })
    }

    fn consumer(&self, patience: Duration) -> BoxFuture<'_, Option<Consumer>> {
        Box::pin(self.all.linker.consumer(&self.verified.caller, patience))
    }

    fn unlink<'a>(&'a self, account: Option<&'a str>) -> BoxFuture<'a, Result<Unlinked>> {
        Box::pin(async move {
            match self.accounts().await {
                // Nobody has to sign in to read that there is nothing to do.
                Ok(accounts) if accounts.is_empty() => return Ok(Unlinked::Nothing),
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(%error, "what is linked could not be read; the page will tell");
                }
            }
            let caller = &self.verified.caller;
            let offer = self.all.linker.offer_unlink(caller, &self.asker, account).await?;
            Ok(Unlinked::Page(offer))
        })
    }
}

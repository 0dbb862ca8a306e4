//! What a call does about a link: has the person make one, or end it, and waits for them.

use std::time::Duration;

use super::{Answered, Context, Visit};
use crate::broker::link::{LinkedAccount, Outcome, Unlinked};
use crate::{Error, Result};

/// What is kept of the call's time for the work that follows a wait for the person.
const RESERVE: Duration = Duration::from_secs(5);

impl Context {
    /// Has the person link an account: asks them to open the page, and waits until they are done.
    ///
    /// # Errors
    /// [`Error::NotLinked`] with the page where nobody could be asked, the person refused, or the
    /// time of this call is over: the page stays good for the next call.
    pub async fn link(&self) -> Result<LinkedAccount> {
        if self.parts.ask.is_back()
            && let Outcome::Linked(account) = self.parts.person.link_outcome(Duration::ZERO).await
        {
            return Ok(account);
        }
        let offer = self.parts.person.offer_link().await?;
        let visit = Visit {
            message: "Open this page to let the agent work in Bitbucket as you. \
                      You sign in and consent there; no password or token passes through the agent."
                .to_owned(),
            url: offer.url.clone(),
        };
        match self.outcome_of(&visit).await? {
            Outcome::Linked(account) => {
                self.parts.ask.opened(&visit).await;
                Ok(account)
            }
            Outcome::Refused => Err(Error::link_declined()),
            // An unlink from elsewhere has taken the page's place.
            Outcome::Waiting | Outcome::Expired | Outcome::Unlinked(_) | Outcome::Entered => {
                Err(Error::not_linked(offer.url))
            }
            Outcome::Unusable(why) | Outcome::Failed(why) => Err(Error::refused(
                format!("linking did not work: {why}"),
                "call `link_account` to try again",
            )),
        }
    }

    /// Takes an account out of the vault, where need be by a page that the person is asked to open.
    /// `None` says that nothing was linked.
    ///
    /// # Errors
    /// [`Error::Refused`] with the page where nobody could be asked, the person refused, or the time of
    /// this call is over: the page stays good for the next call.
    pub async fn unlink(&self, account: Option<&str>) -> Result<Option<LinkedAccount>> {
        if self.parts.ask.is_back()
            && let Outcome::Unlinked(account) = self.parts.person.link_outcome(Duration::ZERO).await
        {
            return Ok(account);
        }
        let offer = match self.parts.person.unlink(account).await? {
            Unlinked::Removed(account) => return Ok(Some(account)),
            Unlinked::Nothing => return Ok(None),
            Unlinked::Page(offer) => offer,
        };
        let visit = Visit {
            message:
                "Open this page to take your Bitbucket account away from the agent. You sign in \
                      and confirm there."
                    .to_owned(),
            url: offer.url.clone(),
        };
        match self.outcome_of(&visit).await? {
            Outcome::Unlinked(account) => {
                self.parts.ask.opened(&visit).await;
                Ok(account)
            }
            Outcome::Refused => Err(Error::unlink_declined()),
            Outcome::Failed(why) => Err(Error::refused(
                format!("unlinking did not work: {why}"),
                "call `unlink_account` to try again",
            )),
            // A link from elsewhere has taken the page's place, or nothing has happened yet.
            Outcome::Waiting
            | Outcome::Expired
            | Outcome::Linked(_)
            | Outcome::Unusable(_)
            | Outcome::Entered => Err(Error::only_by_page(&offer.url)),
        }
    }

    /// Asks the person to open a page, and tells what has come of it in the time of this call: nothing
    /// yet, where nobody could be asked.
    async fn outcome_of(&self, visit: &Visit) -> Result<Outcome> {
        match self.parts.turn.lend(self.parts.ask.open(visit)).await?? {
            Answered::Yes => {}
            Answered::No => return Ok(Outcome::Refused),
            Answered::Nobody => return Ok(Outcome::Waiting),
        }
        let patience = self.time_left().saturating_sub(RESERVE);
        tokio::select! {
            outcome = self.parts.turn.lend(self.parts.person.link_outcome(patience)) => outcome,
            () = self.parts.cancel.cancelled() => Err(Error::Cancelled),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use futures::future::BoxFuture;
    use tokio_util::sync::CancellationToken;
    use url::Url;

    use super::super::{Ask, CallLabel, ContextParts, Person, Progress, RepositoryPolicy, Turns};
    use super::*;
    use crate::bitbucket;
    use crate::broker::Probe;
    use crate::broker::link::Offer;
    use crate::identity::Identity;
    use crate::seal::Seal;

    /// A person elsewhere, whose page came to this end.
    struct Elsewhere(Outcome);

    impl Person for Elsewhere {
        fn caller(&self) -> BoxFuture<'_, String> {
            Box::pin(async { "ana".to_owned() })
        }

        fn bitbucket(&self, _: bitbucket::Limits) -> BoxFuture<'_, Result<bitbucket::Client>> {
            Box::pin(async { Err(Error::unlinked()) })
        }

        fn identity(&self) -> BoxFuture<'_, Result<Option<Identity>>> {
            Box::pin(async { Ok(None) })
        }

        fn accounts(&self) -> BoxFuture<'_, Result<Vec<LinkedAccount>>> {
            Box::pin(async { Ok(Vec::new()) })
        }

        fn offer_link(&self) -> BoxFuture<'_, Result<Offer>> {
            Box::pin(async { Ok(page()) })
        }

        fn link_outcome(&self, _: Duration) -> BoxFuture<'_, Outcome> {
            Box::pin(async { self.0.clone() })
        }

        fn relinking_can_help<'a>(&'a self, _: &'a str) -> BoxFuture<'a, bool> {
            Box::pin(async { true })
        }

        fn probe(&self, _: bitbucket::Limits) -> BoxFuture<'_, Probe> {
            Box::pin(async { Probe::default() })
        }

        fn offer_consumer_page<'a>(&'a self, _: &'a Url) -> BoxFuture<'a, Result<Offer>> {
            Box::pin(async { Ok(page()) })
        }

        fn consumer(&self, _: Duration) -> BoxFuture<'_, Option<bitbucket::Consumer>> {
            Box::pin(async { None })
        }

        fn unlink<'a>(&'a self, _: Option<&'a str>) -> BoxFuture<'a, Result<Unlinked>> {
            Box::pin(async { Ok(Unlinked::Page(page())) })
        }
    }

    struct Client {
        answers: Answered,
        is_back: bool,
    }

    impl Ask for Client {
        fn confirm<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Answered>> {
            Box::pin(async { Ok(self.answers) })
        }

        fn open<'a>(&'a self, _: &'a Visit) -> BoxFuture<'a, Result<Answered>> {
            Box::pin(async { Ok(self.answers) })
        }

        fn is_back(&self) -> bool {
            self.is_back
        }

        fn opened<'a>(&'a self, _: &'a Visit) -> BoxFuture<'a, ()> {
            Box::pin(async {})
        }
    }

    impl Progress for Client {
        fn report(&self, _: u32, _: Option<u32>, _: &str) {}
    }

    fn page() -> Offer {
        let url = Url::parse("https://mcp.example.com/link/t-1").unwrap();
        Offer { url, expires_at: std::time::SystemTime::now() }
    }

    async fn unlink(answers: Answered, is_back: bool, outcome: Outcome) -> String {
        let client = || Client { answers, is_back };
        let label =
            CallLabel { caller: "ana".into(), tool: "unlink_account", arguments: "".into() };
        let cx = Context::new(ContextParts {
            person: Arc::new(Elsewhere(outcome)),
            ask: Arc::new(client()),
            progress: Arc::new(client()),
            repositories: RepositoryPolicy::default(),
            read_only: false,
            setup: None,
            seal: Seal::new(),
            turn: Arc::new(Turns::new(1).take().await.unwrap()),
            label,
            deadline: Instant::now() + Duration::from_secs(60),
            cancel: CancellationToken::new(),
        });
        match cx.unlink(None).await {
            Ok(account) => format!("unlinked {}", account.is_some()),
            Err(error) => error.words(),
        }
    }

    #[tokio::test]
    async fn unlinks_by_a_page_where_only_the_person_can() {
        let nobody = unlink(Answered::Nobody, false, Outcome::Waiting).await;
        insta::assert_snapshot!(nobody, @"
        refused: only the user can unlink, on a page in their browser; until then the account stays linked as it is
        hint: ask the user to open https://mcp.example.com/link/t-1 in their browser and finish there; then call `get_account` to see that it is gone
        ");
        // The page stays good where the person takes longer than the call.
        assert_eq!(unlink(Answered::Yes, false, Outcome::Waiting).await, nobody);
        assert_eq!(unlink(Answered::Yes, true, Outcome::Waiting).await, nobody);
        let declined = unlink(Answered::No, false, Outcome::Waiting).await;
        insta::assert_snapshot!(declined, @"
        refused: the user did not agree to unlink the Bitbucket account
        hint: the account stays linked as it is; do not ask again unless the user wants it
        ");
        assert_eq!(unlink(Answered::Yes, false, Outcome::Refused).await, declined);
        let failed = Outcome::Failed("Auth0 did not answer in time".into());
        insta::assert_snapshot!(unlink(Answered::Yes, false, failed).await, @"
        refused: unlinking did not work: Auth0 did not answer in time
        hint: call `unlink_account` to try again
        ");
        for is_back in [false, true] {
            let done = unlink(Answered::Yes, is_back, Outcome::Unlinked(None)).await;
            assert_eq!(done, "unlinked false");
        }
    }
}

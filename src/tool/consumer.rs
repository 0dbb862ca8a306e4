//! How a call gets the Bitbucket consumer's key and secret: from the person, on a page of their own
//! browser. They never pass through the agent.

use std::time::Duration;

use url::Url;

use super::{Answered, Context, Visit};
use crate::bitbucket::Consumer;
use crate::{Error, Result};

/// What is kept of the call's time to write with what was entered.
const RESERVE: Duration = Duration::from_secs(10);

impl Context {
    /// The consumer's key and secret, as the person enters them on a page; what they entered for an
    /// earlier call that gave up waiting counts. `callback` is the callback URL that the consumer must
    /// have.
    ///
    /// # Errors
    /// [`Error::Refused`] with the page where nobody could be asked, the person refused, or the time of
    /// this call is over: the page stays good for the next call.
    pub async fn consumer(&self, callback: &Url) -> Result<Consumer> {
        let person = self.person();
        if let Some(consumer) = person.consumer(Duration::ZERO).await {
            return Ok(consumer);
        }
        let offer = person.offer_consumer_page(callback).await?;
        let visit = Visit {
            message:
                "Open this page to enter the key and secret of the Bitbucket OAuth consumer. They \
                      go from there to Auth0; the agent never sees them."
                    .to_owned(),
            url: offer.url.clone(),
        };
        let not_entered = |says: &str| {
            Error::refused(
                says,
                format!(
                    "ask the user to open {} in their browser and enter them there, then call again",
                    visit.url
                ),
            )
        };
        match self.parts.turn.lend(self.parts.ask.open(&visit)).await?? {
            Answered::Yes => {}
            Answered::No => {
                return Err(Error::refused(
                    "the user did not want to enter the Bitbucket consumer's key and secret",
                    "nothing was changed; do not ask again unless the user wants it",
                ));
            }
            Answered::Nobody => {
                return Err(not_entered("the Bitbucket consumer's key and secret are needed"));
            }
        }
        let patience = self.time_left().saturating_sub(RESERVE);
        let entered = tokio::select! {
            entered = self.parts.turn.lend(person.consumer(patience)) => entered?,
            () = self.parts.cancel.cancelled() => return Err(Error::Cancelled),
        };
        let Some(consumer) = entered else {
            return Err(not_entered(
                "the Bitbucket consumer's key and secret have not been entered yet",
            ));
        };
        self.parts.ask.opened(&visit).await;
        Ok(consumer)
    }
}

//! Linking where the browser is on another machine: the person carries the addresses over by hand.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::Outcome;
use super::flow::Flow;
use super::step::Step;
use crate::broker::Error;
use crate::identity::CallbackQuery;

/// A link that is made by pasting: nothing listens here, so the browser ends on a page that cannot be
/// reached, and the address of that page is what counts.
pub struct Elsewhere {
    url: Url,
    callback: Url,
    flow: Arc<Flow>,
}

/// What a pasted address has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pasted {
    /// The person is signed in now. This address is to be opened next.
    GoOn(Url),
    /// This has come of the link; [`Outcome::Waiting`] when the address answers nothing that was asked.
    Done(Outcome),
}

impl Elsewhere {
    pub(super) async fn begin(flow: Arc<Flow>, callback: Url) -> Result<Self, Error> {
        Ok(Self { url: flow.begin().await?, callback, flow })
    }

    /// The address to open in whatever browser the person has.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Takes the address that the browser ended on.
    ///
    /// # Errors
    /// [`Error::Identity`] when the text is no such address.
    pub async fn paste(&self, text: &str) -> Result<Pasted, Error> {
        let query = CallbackQuery::from_pasted(text, &self.callback)?;
        Ok(match self.flow.arrive(query).await {
            Step::GoOn(url) => Pasted::GoOn(url),
            Step::Show(_) => Pasted::Done(self.flow.outcome(Duration::ZERO).await),
        })
    }
}

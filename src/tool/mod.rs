//! What a tool is: a struct that an agent fills in, and what happens when it is called.
//!
//! [`Tool`] is what a tool's file implements, [`Entry`] is how the catalogue lists it, and
//! [`Context`] is everything that a running call may reach.

mod consumer;
mod context;
mod entry;
mod linking;
mod schema;
mod turns;

use std::future::Future;

use rmcp::model::ToolAnnotations;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use crate::Result;

pub use context::{
    Answered, Ask, CallLabel, Context, ContextParts, Person, Progress, RepositoryPolicy, Visit,
};
pub use entry::{Call, Entry, Rendered};
pub use turns::{Turn, Turns};

/// One thing an agent can do.
///
/// The implementing struct *is* the call: its doc comment is the description the model reads, its
/// fields are the arguments, and their doc comments describe them.
pub trait Tool: DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// What agents call it. The file has the same name.
    const NAME: &'static str;
    /// What people call it.
    const TITLE: &'static str;
    /// What it does to the world.
    const EFFECT: Effect;
    /// Bitbucket scopes without which no call of this tool can work; none if it needs no Bitbucket
    /// account.
    const SCOPES: &'static [&'static str];
    /// What it gives back.
    type Output: Answer;

    /// The Bitbucket scopes that this very call needs.
    fn scopes(&self) -> Vec<&'static str> {
        Self::SCOPES.to_vec()
    }

    /// What the person must say yes to before this call, as one question; nothing if the call may
    /// go ahead unasked.
    fn approval(&self) -> Option<String> {
        None
    }

    /// The same question with what only a look at the services can tell; nothing if that look shows that
    /// the call may go ahead unasked. Asked for right before a person is asked, and only where
    /// [`approval`](Self::approval) has a question.
    ///
    /// # Errors
    /// When the look shows that the call cannot be carried out anyway.
    fn question(&self, cx: &Context) -> impl Future<Output = Result<Option<String>>> + Send {
        let _ = cx;
        std::future::ready(Ok(self.approval()))
    }

    /// Carries out the call.
    fn run(self, cx: &Context) -> impl Future<Output = Result<Self::Output>> + Send;
}

/// What a tool gives back, in two forms that say the same.
pub trait Answer: Serialize + JsonSchema + Send + 'static {
    /// The whole answer in its most compact honest form; many clients show the model only this.
    fn text(&self) -> String;
}

/// What a tool does to the world. There is no default: every tool says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Changes nothing.
    Reads,
    /// Adds something, and a second call adds it again.
    Adds,
    /// Sets something to a value; a second call changes nothing more.
    Sets,
    /// Ends something, or cannot be undone.
    Ends,
    /// What the operation does that it calls: anything from reading to ending something.
    Calls,
}

impl Effect {
    /// The effect in a word, as the reference shows it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Adds => "adds",
            Self::Sets => "sets",
            Self::Ends => "ends something",
            Self::Calls => "does what its operation does",
        }
    }

    /// The MCP hints, which follow from the effect alone.
    fn annotations(self, title: &str) -> ToolAnnotations {
        ToolAnnotations::from_raw(
            Some(title.to_owned()),
            Some(self == Self::Reads),
            Some(matches!(self, Self::Ends | Self::Calls)),
            Some(matches!(self, Self::Reads | Self::Sets)),
            Some(true),
        )
    }
}

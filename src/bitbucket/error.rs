//! How a call to Bitbucket fails: statuses and their meaning, but no advice.

use std::time::Duration;

use jiff::Timestamp;

use super::redirect::Refusal;
use super::token::TokenError;
use crate::net;
use crate::text::Foreign;

/// A call to Bitbucket that did not work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Bitbucket answered with a status that has no variant of its own.
    #[error("Bitbucket answered {status}{}", said(message.as_ref()))]
    Status {
        /// The HTTP status.
        status: u16,
        /// What it said.
        message: Option<Foreign>,
        /// What it said beyond that.
        detail: Option<Foreign>,
        /// Fields of the request that it did not like, and why.
        fields: Vec<(Foreign, Foreign)>,
    },
    /// The account has not granted a scope that the endpoint needs.
    #[error("the Bitbucket account has not granted {}", required.join(", "))]
    MissingScope {
        /// What the endpoint needs.
        required: Vec<String>,
        /// What is granted.
        granted: Vec<String>,
    },
    /// Bitbucket does not take the token, and a fresh exchange brought no better one.
    #[error("Bitbucket does not accept the token")]
    Unauthorized,
    /// There is no such thing, or the user may not know of it.
    #[error("Bitbucket found nothing{}", said(message.as_ref()))]
    NotFound {
        /// What it said.
        message: Option<Foreign>,
    },
    /// The endpoint was taken away, or the repository was blocked.
    #[error("Bitbucket no longer offers this")]
    Gone {
        /// What it said.
        message: Option<Foreign>,
        /// Atlassian's page about it.
        announcement: Option<String>,
    },
    /// The hourly allowance is spent.
    #[error("Bitbucket's rate limit for {resource} is reached")]
    RateLimited {
        /// Of what there was too much.
        resource: &'static str,
        /// When to try again, where Bitbucket says so.
        after: Option<Duration>,
        /// When the limit is open again at the latest, where our own requests of the last hour
        /// explain it.
        until: Option<Timestamp>,
    },
    /// Bitbucket gave up (its status 555), or took longer than the endpoint may.
    #[error("Bitbucket did not finish in time")]
    TimedOut,
    /// The time for the whole call is over.
    #[error("the call's time is over")]
    Deadline,
    /// The caller does not want the answer any more.
    #[error("the call was cancelled")]
    Cancelled,
    /// Bitbucket sent the request somewhere it does not go.
    #[error("Bitbucket redirected the request: {0}")]
    Redirect(#[from] Refusal),
    /// The answer is larger than it may be.
    #[error("Bitbucket's answer is larger than {limit} bytes")]
    TooLarge {
        /// How large it may be.
        limit: usize,
    },
    /// The answer is not what the endpoint should give.
    #[error("Bitbucket's answer is not as expected: {why}")]
    Unreadable {
        /// In which way. Never the answer's own text.
        why: String,
    },
    /// An argument that would lead to another address.
    #[error("{} cannot be part of an address", Foreign::line(argument, 80).quoted())]
    Unaddressable {
        /// The argument.
        argument: String,
    },
    /// There is no token to act with.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Bitbucket could not be reached, or the connection broke.
    #[error(transparent)]
    Transport(#[from] net::Error),
}

impl Error {
    /// Whether a write that ended so may have been carried out all the same.
    #[must_use]
    pub fn leaves_outcome_open(&self) -> bool {
        match self {
            Self::TimedOut
            | Self::Deadline
            | Self::Cancelled
            | Self::TooLarge { .. }
            // A 303 comes after the work is done: RFC 9110 §15.4.4.
            | Self::Redirect(_)
            | Self::Unreadable { .. } => true,
            Self::Status { status, .. } => *status >= 500,
            Self::Transport(error) => !error.nothing_was_sent(),
            _ => false,
        }
    }

    /// Whether it says that there is no such thing.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    pub(super) fn unreadable(why: impl Into<String>) -> Self {
        Self::Unreadable { why: why.into() }
    }
}

fn said(message: Option<&Foreign>) -> String {
    message.map(|message| format!(": {}", message.quoted())).unwrap_or_default()
}

//! What the person's browsers are away for: one record per trip to Auth0, found again by its `state`,
//! once.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::accounts::Started;
use super::digest::Digest;
use crate::auth0::MyAccountToken;
use crate::identity::{CallbackQuery, PendingLogin, SignedIn};

/// How many trips are remembered. Opening a link costs nothing, so the oldest gives way.
const CAPACITY: usize = 16;

/// One trip to Auth0.
pub(super) enum Attempt {
    /// To sign in. It comes back with a `code`.
    Login(Box<PendingLogin>),
    /// To link an account. It comes back with a `connect_code`.
    Connect(Box<Connecting>),
}

/// What a link in the making needs at its end.
pub(super) struct Connecting {
    /// What Auth0 gives back, so that the answer is known to be to this question.
    pub(super) state: Digest,
    /// Whose vault the account goes into.
    pub(super) signed_in: SignedIn,
    /// The token that the link was started with. It belongs to the same person.
    pub(super) token: MyAccountToken,
    /// What Auth0 and the vault said at its beginning.
    pub(super) started: Started,
}

/// The trips that have not come back yet.
#[derive(Default)]
pub(super) struct Attempts {
    open: Mutex<VecDeque<Attempt>>,
}

impl Attempt {
    fn is_answered_by(&self, query: &CallbackQuery) -> bool {
        match self {
            Self::Login(pending) => pending.is_answered_by(query),
            Self::Connect(connecting) => {
                query.state.as_deref().map(Digest::of) == Some(connecting.state)
            }
        }
    }
}

impl Attempts {
    /// Remembers a trip.
    pub(super) fn open(&self, attempt: Attempt) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= CAPACITY {
            open.pop_front();
        }
        open.push_back(attempt);
    }

    /// The trip that `query` comes back from. It does so once.
    pub(super) fn take(&self, query: &CallbackQuery) -> Option<Attempt> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let index = open.iter().position(|attempt| attempt.is_answered_by(query))?;
        open.remove(index)
    }
}

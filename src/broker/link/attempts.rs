//! What the person's browsers are away for: one record per trip to Auth0, found again by its `state`.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::auth0::{AccountId, ConnectTicket, MyAccountToken, PkceVerifier};
use crate::identity::{PendingLogin, SignedIn};

/// How many trips are remembered. Opening a link costs nothing, so the oldest gives way.
const CAPACITY: usize = 16;

/// The hash of something random that only its holder can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest([u8; 32]);

/// One trip to Auth0. Each kind takes back only the code that it was sent for.
pub(super) enum Attempt {
    /// To sign in. It comes back with a `code`.
    Login(PendingLogin),
    /// To link an account. It comes back with a `connect_code`.
    Connect(Box<Connecting>),
}

/// What a link in the making needs at its end.
pub(super) struct Connecting {
    /// Whose vault the account goes into.
    pub(super) signed_in: SignedIn,
    /// The token that the link was started with. It belongs to the same person.
    pub(super) token: MyAccountToken,
    /// Auth0's side of the attempt.
    pub(super) ticket: ConnectTicket,
    /// Shows that who ends the attempt also began it.
    pub(super) verifier: PkceVerifier,
    /// The ids of the accounts that were linked before; unknown when they could not be read.
    pub(super) before: Option<Vec<AccountId>>,
}

/// The trips that have not come back yet.
#[derive(Default)]
pub(super) struct Attempts {
    open: Mutex<VecDeque<(Digest, Attempt)>>,
}

impl Digest {
    /// The hash of `text`. Comparing hashes tells nothing of how nearly a guess was right.
    pub(super) fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }
}

impl Attempts {
    /// Remembers a trip under its `state`.
    pub(super) fn open(&self, state: &str, attempt: Attempt) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= CAPACITY {
            open.pop_front();
        }
        open.push_back((Digest::of(state), attempt));
    }

    /// The trip that comes back with `state`. It does so once.
    pub(super) fn take(&self, state: &str) -> Option<Attempt> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let digest = Digest::of(state);
        let index = open.iter().position(|(known, _)| *known == digest)?;
        open.remove(index).map(|(_, attempt)| attempt)
    }
}

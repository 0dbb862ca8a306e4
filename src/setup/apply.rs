//! Applies a plan that was shown.

use super::edit::Change;
use super::keep::Kept;
use super::{Digest, Plan, Setup};
use crate::auth0::Error;
use crate::bitbucket::Consumer;

/// What an apply has done.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// Carried out and read back.
    pub applied: Vec<Change>,
    /// Not carried out; empty when all went well.
    pub remaining: Vec<Change>,
    /// Why it stopped, where it did: one sentence.
    pub stopped: Option<String>,
    /// The settings that the server needs now, and where they were written.
    pub kept: Vec<Kept>,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The tenant is not as it was when the plan was shown.
    #[error("the tenant has changed since this plan was shown, or the digest is of another plan")]
    Changed(Box<Plan>),
    /// The text is no digest of ours.
    #[error("this is no digest of a plan")]
    NoDigest,
    /// The consumer's key and secret are needed and were not given.
    #[error("the Bitbucket consumer's key and secret are needed")]
    NoConsumer(Box<Plan>),
    /// There is nowhere to keep a secret that Auth0 would make.
    #[error("there is nowhere to keep the secrets that Auth0 would make")]
    NowhereToKeep,
    /// The tenant could not be read.
    #[error(transparent)]
    Auth0(#[from] Error),
}

impl Setup {
    /// Carries out the plan that `digest` names, if the tenant still is as it was then.
    ///
    /// `consumer` is what the person entered; the settings come first. `progress` hears of each write:
    /// how many are done, how many there are, and what is written.
    ///
    /// # Errors
    /// Where nothing was written. A failure midway is no error: see [`Applied::remaining`].
    pub async fn apply(
        &self,
        digest: &Digest,
        consumer: Option<Consumer>,
        progress: &(dyn Fn(usize, usize, &str) + Send + Sync),
    ) -> Result<Applied, ApplyError> {
        let _ = (digest, consumer, progress);
        todo!()
    }
}

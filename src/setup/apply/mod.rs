//! Applies a plan that was shown.

mod body;
mod kept;
mod read;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::ExposeSecret as _;

use super::edit::{Action, Change, Edit};
use super::keep::{KeepError, Kept};
use super::plan::Options;
use super::{Digest, Plan, Setup};
use crate::auth0::Error;
use crate::bitbucket::Consumer;
use write::Writer;

pub use kept::WRITTEN;

/// What an apply has done.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// Carried out and read back.
    pub applied: Vec<Change>,
    /// Not carried out, or not seen to be; empty when all went well.
    pub remaining: Vec<Change>,
    /// Why it stopped, where it did, or else what the person must still do: one sentence.
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
    NoConsumer,
    /// The connection is of another consumer, whose secret cannot be read and would be erased.
    #[error(
        "the connection's secret cannot be read, so the one of its consumer `{key}` is needed, lest it be \
         erased; what was given is of another consumer"
    )]
    OtherConsumer {
        /// The key of the consumer that the connection has.
        key: String,
    },
    /// The connection's options would be replaced by what is in the plan alone.
    #[error(
        "the connection's options cannot be read without `read:connections_options`, and writing them \
         would erase what is in them"
    )]
    OptionsHidden,
    /// There is nowhere to keep a secret that Auth0 would make.
    #[error("there is nowhere to keep the secrets that Auth0 would make")]
    NowhereToKeep,
    /// There is, but it cannot be used.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// The tenant could not be read.
    #[error(transparent)]
    Auth0(#[from] Error),
}

impl Setup {
    /// Carries out the plan that `digest` names, if the tenant still is as it was then.
    ///
    /// `consumer` is what the person entered; the settings come first. `progress` hears of each write:
    /// how many are done, how many there are, and what is written. One apply runs at a time.
    ///
    /// # Errors
    /// Where nothing was written. A failure midway is no error: see [`Applied::remaining`].
    pub async fn apply(
        &self,
        digest: &Digest,
        consumer: Option<Consumer>,
        progress: &(dyn Fn(usize, usize, &str) + Send + Sync),
    ) -> Result<Applied, ApplyError> {
        let turn = Arc::new(Arc::clone(&self.applying).lock_owned().await);
        let wanted = self.wanted(digest.choice());
        let snapshot = self.snapshot(&wanted).await?;
        let plan = self.plan_of(&wanted, &snapshot);
        if plan.digest != *digest {
            return Err(ApplyError::Changed(Box::new(plan)));
        }
        let consumer = self.inner.consumer.clone().or(consumer).filter(is_whole);
        guard(&plan, consumer.as_ref())?;
        if plan.makes_secrets() {
            let keep = self.inner.keep.as_ref().ok_or(ApplyError::NowhereToKeep)?;
            keep.prepare(wanted.transports).await?;
        }
        let mut writer = Writer {
            management: self.inner.management.clone(),
            keep: self.inner.keep.clone(),
            consumer,
            places: plan.places.clone(),
            secrets: BTreeMap::new(),
            turn,
        };
        let mut applied = carry_out(&plan, &mut writer, progress).await;
        applied.kept = self.keep_settings(&wanted, &writer).await;
        Ok(applied)
    }
}

/// Object after object, in order, until something goes wrong.
async fn carry_out(
    plan: &Plan,
    writer: &mut Writer,
    progress: &(dyn Fn(usize, usize, &str) + Send + Sync),
) -> Applied {
    let mut applied = Applied::default();
    let groups = || plan.edits.chunk_by(|one, other| one.object == other.object);
    let total = groups().count();
    let mut changes = plan.changes.iter().cloned();
    let mut note = None;
    for (done, edits) in groups().enumerate() {
        let Some(first) = edits.first() else { continue };
        progress(done, total, plan.places.name(&first.object));
        let outcome = writer.carry_out(&first.object, edits).await;
        for (held, change) in outcome.held.into_iter().zip(&mut changes) {
            let list = if held { &mut applied.applied } else { &mut applied.remaining };
            list.push(change);
        }
        note = note.or(outcome.note);
        if outcome.halt.is_some() {
            applied.stopped = outcome.halt;
            break;
        }
    }
    if applied.stopped.is_none() && total > 0 {
        progress(total, total, "everything is written and read back");
    }
    applied.stopped = applied.stopped.or(note);
    applied.remaining.extend(changes);
    applied
}

/// Nothing that is there may be lost, and everything that is needed must be at hand, before the first
/// write.
fn guard(plan: &Plan, consumer: Option<&Consumer>) -> Result<(), ApplyError> {
    if plan.options == Options::Hidden {
        return Err(ApplyError::OptionsHidden);
    }
    if !plan.needs_consumer() {
        return Ok(());
    }
    let Some(consumer) = consumer else {
        return Err(ApplyError::NoConsumer);
    };
    match &plan.options {
        Options::WithoutSecret(Some(key)) if *key != consumer.key && !plan.writes_key() => {
            Err(ApplyError::OtherConsumer { key: key.clone() })
        }
        _ => Ok(()),
    }
}

fn is_whole(consumer: &Consumer) -> bool {
    !consumer.key.trim().is_empty() && !consumer.secret.expose_secret().trim().is_empty()
}

impl Plan {
    /// Whether Auth0 will make secrets that it says only once.
    fn makes_secrets(&self) -> bool {
        let makes_one = |edit: &Edit| edit.action == Action::Create && edit.object.is_application();
        self.edits.iter().any(makes_one)
    }
}

#[cfg(test)]
mod tests;

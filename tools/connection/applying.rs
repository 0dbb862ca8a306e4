//! Carries out a plan. Writing goes on where the call does not: a secret that Auth0 has just made is
//! shown once, so what has begun must come to its end even if the client gives up or the time is over.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::bitbucket::Consumer;
use crate::setup::{Applied, ApplyError, Digest, Plan, Setup};
use crate::tool::Context;
use crate::{Error, Result};

/// What is kept of the call's time to answer in.
const RESERVE: Duration = Duration::from_secs(1);

/// What has come of it.
pub(super) enum Outcome {
    /// Something, or all, was written.
    Applied(Applied),
    /// Nothing was: the tenant is another one now, and so is the plan.
    Changed(Box<Plan>),
    /// Nothing was: the consumer's key and secret are needed first.
    WantsConsumer,
}

/// Applies the plan of `digest` and tells the client of each write.
pub(super) async fn apply(
    cx: &Context,
    setup: &Setup,
    digest: &Digest,
    consumer: Option<Consumer>,
) -> Result<Outcome> {
    let (tell, mut told) = mpsc::unbounded_channel::<(usize, usize, String)>();
    let mut writing = {
        let (setup, digest) = (setup.clone(), digest.clone());
        tokio::spawn(async move {
            let progress = move |done: usize, total: usize, what: &str| {
                let _ = tell.send((done, total, what.to_owned()));
            };
            setup.apply(&digest, consumer, &progress).await
        })
    };
    let mut over = std::pin::pin!(tokio::time::sleep(cx.time_left().saturating_sub(RESERVE)));
    loop {
        tokio::select! {
            Some((done, total, what)) = told.recv() => {
                let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
                cx.progress(count(done), Some(count(total)), &what);
            }
            ended = &mut writing => return outcome(ended.map_err(Error::internal)?),
            () = &mut over => return Err(Error::TimedOut {
                says: "the changes are still being made".into(),
                hint: "wait a minute, then call `check_connection` to see what has become of them".into(),
            }),
        }
    }
}

fn outcome(ended: Result<Applied, ApplyError>) -> Result<Outcome> {
    match ended {
        Ok(applied) => Ok(Outcome::Applied(applied)),
        Err(ApplyError::Changed(plan)) => Ok(Outcome::Changed(plan)),
        Err(ApplyError::NoConsumer) => Ok(Outcome::WantsConsumer),
        Err(error @ ApplyError::NoDigest) => Err(Error::InvalidArguments(format!(
            "`digest`: {error}; call `plan_connection` for one"
        ))),
        Err(error @ ApplyError::NowhereToKeep) => Err(Error::refused(
            format!("{error}; nothing was written"),
            "an administrator runs `bitbucket-vault-mcp setup apply` on a machine where they may be kept",
        )),
        Err(error @ ApplyError::Keep(_)) => Err(Error::refused(
            format!("{error}; nothing was written"),
            "mend that on the machine that the server runs on, then call again",
        )),
        Err(error @ ApplyError::OtherConsumer { .. }) => Err(Error::refused(
            format!("{error}; nothing was written"),
            "call again with the secret of that consumer, or set `BITBUCKET_CONSUMER_KEY` and \
             `BITBUCKET_CONSUMER_SECRET` and plan anew, so that the connection changes to another consumer",
        )),
        Err(error @ ApplyError::OptionsHidden) => Err(Error::refused(
            format!("{error}; nothing was written"),
            "an administrator grants that scope to the management application",
        )),
        Err(ApplyError::Auth0(error)) => Err(error.into()),
    }
}

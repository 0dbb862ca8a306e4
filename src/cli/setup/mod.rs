//! `setup`: the connection between Auth0 and Bitbucket, at a terminal.

mod apply;
mod check;
mod guide;
pub(in crate::cli) mod options;
mod plan;
pub(in crate::cli) mod screen;

use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Args, Subcommand};

use super::configured;
use crate::Error;
use crate::config::{Config, Flags, Need, Sources};
use crate::setup::{self, Transports};
use crate::tool::Person as _;

/// Set up Token Vault for Bitbucket on the Auth0 tenant.
#[derive(Debug, Args)]
pub(super) struct Setup {
    #[command(subcommand)]
    command: SetupCommand,
}

#[derive(Debug, Subcommand)]
enum SetupCommand {
    Guide(guide::GuideCommand),
    Check(check::Check),
    Plan(plan::Plan),
    Apply(apply::Apply),
}

impl Setup {
    pub(super) fn flags(&self) -> Flags {
        match &self.command {
            SetupCommand::Guide(command) => command.settings.flags.clone(),
            SetupCommand::Check(command) => command.common.settings.flags.clone(),
            SetupCommand::Plan(command) => command.common.settings.flags.clone(),
            SetupCommand::Apply(command) => command.common.settings.flags.clone(),
        }
    }

    /// Whether a sandbox runs beside it.
    #[cfg(feature = "sandbox")]
    pub(super) fn in_sandbox(&self) -> bool {
        match &self.command {
            SetupCommand::Guide(command) => command.sandbox.sandbox,
            SetupCommand::Check(command) => command.common.sandbox.sandbox,
            SetupCommand::Plan(command) => command.common.sandbox.sandbox,
            SetupCommand::Apply(command) => command.common.sandbox.sandbox,
        }
    }

    pub(super) async fn run(self, sources: Sources) -> anyhow::Result<ExitCode> {
        match self.command {
            SetupCommand::Guide(command) => command.run(sources).await,
            SetupCommand::Check(command) => command.run(sources).await,
            SetupCommand::Plan(command) => command.run(sources).await,
            SetupCommand::Apply(command) => command.run(sources).await,
        }
    }
}

/// The configuration, and the set-up that it makes.
pub(in crate::cli) fn prepare(sources: &Sources) -> anyhow::Result<(Config, setup::Setup)> {
    let config = configured::load(sources, Need::Setup)?;
    let keep = configured::keep(&config, sources);
    let management = configured::management(&config)?;
    let setup = configured::setup(&config, management, made_for(&config), keep)
        .ok_or_else(|| anyhow::anyhow!("the settings of the Management API are missing"))?;
    Ok((config, setup))
}

/// Tries an exchange for the person who is signed in on this machine, if anybody is: what only that can
/// show is then no longer in doubt.
async fn prove(config: &Config, setup: &setup::Setup) {
    let Some(local) = config.auth0.as_ref().and_then(|_| configured::local(config).ok()) else {
        return;
    };
    if local.probe(configured::limits(config)).await.is_ok() {
        setup.proved(SystemTime::now());
    }
}

/// What the settings are made for: `http` where they name what only `http` has, a client that exchanges
/// its callers' tokens. Whatever is set up, an application of theirs is the one of that transport: two
/// would share it otherwise.
fn made_for(config: &Config) -> Transports {
    if config.api_client_id.is_some() { Transports::Http } else { Transports::Stdio }
}

/// An error as somebody at a terminal reads it: what is wrong, and what to do.
fn told(error: impl Into<Error>) -> anyhow::Error {
    let error = error.into();
    match error.hint() {
        Some(hint) => anyhow::anyhow!("{error}\n  hint: {hint}"),
        None => error.into(),
    }
}

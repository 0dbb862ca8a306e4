//! `unlink`: unlink a Bitbucket account.

use std::process::ExitCode;

use clap::Args;

use super::configured;
use super::settings::Settings;
use super::terminal::{TerminalAsk, say};
use crate::Error;
use crate::broker::link::Unlinked;
use crate::config::{Need, Sources};
use crate::tool::{Answered, Ask};

/// Unlink your Bitbucket account from Token Vault.
#[derive(Debug, Args)]
pub(super) struct Unlink {
    /// Do not ask.
    #[arg(long, short)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) settings: Settings,
}

impl Unlink {
    pub(super) async fn run(self, sources: Sources) -> anyhow::Result<ExitCode> {
        let config = configured::load(&sources, Need::Auth0)?;
        let local = configured::local(&config)?;
        let ask = TerminalAsk { yes: self.yes };
        let question = "Remove your Bitbucket account from Token Vault?";
        if ask.confirm(question).await? != Answered::Yes {
            say("Nothing was changed.");
            return Ok(ExitCode::FAILURE);
        }
        match local.linker.unlink(None).await.map_err(Error::from)? {
            Unlinked::Nothing => say("No Bitbucket account was linked."),
            Unlinked::Removed(_) => say(
                "Unlinked. Bitbucket's own grant remains until you end it under Personal settings, \
                 App authorizations.",
            ),
            Unlinked::Page(offer) => say(&format!("Open {} to unlink.", offer.url)),
        }
        Ok(ExitCode::SUCCESS)
    }
}

//! `logout`: sign the local person out.

use std::process::ExitCode;

use clap::Args;

use super::configured;
use super::settings::Settings;
use super::terminal::say;
use crate::config::{Need, Sources};

/// Sign out: revoke the sign-in and forget it.
#[derive(Debug, Args)]
pub(super) struct Logout {
    #[command(flatten)]
    pub(super) settings: Settings,
}

impl Logout {
    pub(super) async fn run(self, sources: Sources) -> anyhow::Result<ExitCode> {
        let config = configured::load(&sources, Need::Auth0)?;
        let local = configured::local(&config)?;
        let was_signed_in = local.session.sign_out().await?;
        say(if was_signed_in { "Signed out." } else { "Nobody was signed in." });
        Ok(ExitCode::SUCCESS)
    }
}

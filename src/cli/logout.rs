//! `logout`: sign the local person out.

use std::process::ExitCode;

use clap::Args;

use super::local;
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
        let config = local::load(&sources, Need::Auth0)?;
        let local = local::local(&config)?;
        let was_signed_in = local.session.sign_out().await?;
        say(if was_signed_in { "Signed out." } else { "Nobody was signed in." });
        Ok(ExitCode::SUCCESS)
    }
}

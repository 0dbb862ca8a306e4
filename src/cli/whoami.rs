//! `whoami`: who is signed in.

use clap::Args;

use super::settings::Settings;

/// Say who is signed in, which Bitbucket account is linked, and with which scopes.
#[derive(Debug, Args)]
pub(super) struct Whoami {
    /// Print one JSON object.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) settings: Settings,
}

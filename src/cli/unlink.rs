//! `unlink`: unlink a Bitbucket account.

use clap::Args;

use super::settings::Settings;

/// Unlink your Bitbucket account from Token Vault.
#[derive(Debug, Args)]
pub(super) struct Unlink {
    /// Do not ask.
    #[arg(long, short)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) settings: Settings,
}

//! `logout`: sign the local person out.

use clap::Args;

use super::settings::Settings;

/// Sign out: revoke the sign-in and forget it.
#[derive(Debug, Args)]
pub(super) struct Logout {
    #[command(flatten)]
    pub(super) settings: Settings,
}

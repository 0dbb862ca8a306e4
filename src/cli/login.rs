//! `login`: sign the local person in.

use clap::Args;

use super::settings::Settings;

/// Sign in at Auth0, in a browser.
#[derive(Debug, Args)]
pub(super) struct Login {
    /// Print the URL, and take the URL that the browser ends on, instead of opening a browser here.
    #[arg(long)]
    pub(super) no_browser: bool,
    #[command(flatten)]
    pub(super) settings: Settings,
}

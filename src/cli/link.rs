//! `link`: link a Bitbucket account.

use clap::Args;

use super::settings::Settings;

/// Link your Bitbucket account, in a browser.
#[derive(Debug, Args)]
pub(super) struct Link {
    /// Print the URL, and take the URL that the browser ends on, instead of opening a browser here.
    #[arg(long)]
    pub(super) no_browser: bool,
    #[command(flatten)]
    pub(super) settings: Settings,
}

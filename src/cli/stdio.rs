//! `stdio`: the server for one person, over stdin and stdout.

use clap::Args;

#[cfg(feature = "sandbox")]
use super::sandbox_option::SandboxOption;
use super::settings::Settings;

/// Serve MCP over stdin and stdout, for one person.
#[derive(Debug, Args)]
pub(super) struct Stdio {
    #[cfg(feature = "sandbox")]
    #[command(flatten)]
    pub(super) sandbox: SandboxOption,
    #[command(flatten)]
    pub(super) settings: Settings,
}

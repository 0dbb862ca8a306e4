//! `tools`: what an agent would see under the current settings.

use clap::{Args, Subcommand};

#[cfg(feature = "sandbox")]
use super::sandbox_option::SandboxOption;
use super::settings::Settings;

/// List the tools as an agent would see them under the current settings.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = false)]
pub(super) struct Tools {
    #[command(subcommand)]
    pub(super) command: Option<ToolsCommand>,
    /// Print JSON.
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[cfg(feature = "sandbox")]
    #[command(flatten)]
    pub(super) sandbox: SandboxOption,
    #[command(flatten)]
    pub(super) settings: Settings,
}

#[derive(Debug, Subcommand)]
pub(super) enum ToolsCommand {
    /// Print one tool's whole definition.
    Show {
        /// The tool's name.
        name: String,
    },
}

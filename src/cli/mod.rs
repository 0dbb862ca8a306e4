//! The command line: one file per command. Doc comments are the help text.

mod completions;
mod logging;
mod output;
#[cfg(feature = "sandbox")]
mod sandbox;
#[cfg(feature = "sandbox")]
mod sandbox_option;
mod settings;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use logging::start as start_logging;
pub use output::report;

use crate::config::{Flags, Sources};

/// Bitbucket Cloud for an LLM agent, as its user, with tokens from Auth0 Token Vault.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "sandbox")]
    Sandbox(sandbox::Sandbox),
    Completions(completions::Completions),
}

impl Cli {
    /// The settings that were given as flags.
    pub fn flags(&self) -> Flags {
        match &self.command {
            #[cfg(feature = "sandbox")]
            Command::Sandbox(_) => Flags::new(),
            Command::Completions(_) => Flags::new(),
        }
    }

    /// How many threads the command's work is worth. One person's server is as quick on one; the
    /// sandbox beside it deserves its own.
    pub fn threads(&self) -> usize {
        match &self.command {
            #[cfg(feature = "sandbox")]
            Command::Sandbox(_) => 2,
            Command::Completions(_) => 1,
        }
    }

    /// Carries out the command.
    pub async fn run(self, _sources: Sources) -> anyhow::Result<ExitCode> {
        match self.command {
            #[cfg(feature = "sandbox")]
            Command::Sandbox(command) => command.run().await,
            Command::Completions(command) => command.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn hangs_together() {
        Cli::command().debug_assert();
    }
}

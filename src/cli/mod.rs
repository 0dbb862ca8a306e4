//! The command line: one file per command. Doc comments are the help text.

mod call;
mod completions;
mod configured;
#[cfg(feature = "sandbox")]
mod demo;
mod doctor;
mod http;
mod install;
mod link;
mod logging;
mod login;
mod logout;
mod output;
#[cfg(feature = "sandbox")]
mod sandbox;
#[cfg(feature = "sandbox")]
mod sandbox_option;
mod settings;
mod setup;
mod stdio;
mod stop;
mod terminal;
mod tools;
mod unlink;
mod whoami;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use logging::start as start_logging;
pub use output::report;

use crate::config::{Flags, Logging, Sources};

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
    Demo(demo::Demo),
    Stdio(stdio::Stdio),
    Http(http::Http),
    #[cfg(feature = "sandbox")]
    Sandbox(sandbox::Sandbox),
    Login(login::Login),
    Logout(logout::Logout),
    Whoami(whoami::Whoami),
    Link(link::Link),
    Unlink(unlink::Unlink),
    Setup(setup::Setup),
    Doctor(doctor::Doctor),
    Tools(tools::Tools),
    Call(call::Call),
    Install(install::Install),
    Completions(completions::Completions),
}

impl Cli {
    /// The settings that were given as flags.
    pub fn flags(&self) -> Flags {
        match &self.command {
            Command::Stdio(command) => command.settings.flags.clone(),
            Command::Http(command) => command.settings.flags.clone(),
            Command::Login(command) => command.settings.flags.clone(),
            Command::Logout(command) => command.settings.flags.clone(),
            Command::Whoami(command) => command.settings.flags.clone(),
            Command::Link(command) => command.settings.flags.clone(),
            Command::Unlink(command) => command.settings.flags.clone(),
            Command::Setup(command) => command.flags(),
            Command::Doctor(command) => command.common.settings.flags.clone(),
            Command::Tools(command) => command.settings.flags.clone(),
            Command::Call(command) => command.settings.flags.clone(),
            Command::Install(command) => command.flags(),
            #[cfg(feature = "sandbox")]
            Command::Demo(_) | Command::Sandbox(_) => Flags::new(),
            Command::Completions(_) => Flags::new(),
        }
    }

    /// How much the command logs. A person at a terminal wants the answer only, unless they said so.
    pub fn logging(&self, logging: Logging) -> Logging {
        match &self.command {
            Command::Stdio(_) | Command::Http(_) => logging,
            _ => logging.quiet_by_default(),
        }
    }

    /// How many threads the command's work is worth. One person's server is as quick on one; the
    /// sandbox beside it deserves its own.
    pub fn threads(&self) -> usize {
        match &self.command {
            #[cfg(feature = "sandbox")]
            Command::Demo(_) | Command::Sandbox(_) => 2,
            #[cfg(feature = "sandbox")]
            Command::Stdio(command) if command.sandbox.sandbox => 2,
            #[cfg(feature = "sandbox")]
            Command::Call(command) if command.sandbox.sandbox => 2,
            #[cfg(feature = "sandbox")]
            Command::Setup(command) if command.in_sandbox() => 2,
            #[cfg(feature = "sandbox")]
            Command::Doctor(command) if command.common.sandbox.sandbox => 2,
            Command::Http(_) => 2,
            _ => 1,
        }
    }

    /// Carries out the command.
    pub async fn run(self, sources: Sources) -> anyhow::Result<ExitCode> {
        match self.command {
            #[cfg(feature = "sandbox")]
            Command::Demo(command) => command.run().await,
            Command::Stdio(command) => command.run(sources).await,
            Command::Http(command) => command.run(sources).await,
            #[cfg(feature = "sandbox")]
            Command::Sandbox(command) => command.run().await,
            Command::Login(command) => command.run(sources).await,
            Command::Logout(command) => command.run(sources).await,
            Command::Whoami(command) => command.run(sources).await,
            Command::Link(command) => command.run(sources).await,
            Command::Unlink(command) => command.run(sources).await,
            Command::Setup(command) => command.run(sources).await,
            Command::Doctor(command) => command.run(sources).await,
            Command::Tools(command) => command.run(sources).await,
            Command::Call(command) => command.run(sources).await,
            Command::Install(command) => command.run(sources).await,
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

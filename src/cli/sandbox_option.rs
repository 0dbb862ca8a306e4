//! `--sandbox`, for the commands that can run against it.

use clap::Args;

use crate::config::Sources;
use crate::sandbox::{ACCOUNTS, Options, Sandbox, Start};

/// Use a sandbox in this process instead of real services.
#[derive(Clone, Debug, Args)]
pub(super) struct SandboxOption {
    /// Use a sandbox in this process instead of Auth0 and Bitbucket; no other setting for them counts.
    #[arg(long)]
    pub(super) sandbox: bool,
    /// The sandbox's account to be.
    #[arg(
        id = "as",
        long = "as",
        value_name = "ACCOUNT",
        default_value = "linked",
        value_parser = ACCOUNTS,
        requires = "sandbox"
    )]
    pub(super) account: String,
    /// How far the sandbox's tenant is set up.
    #[arg(
        long,
        value_name = "STATE",
        default_value = "ready",
        value_parser = super::sandbox::start(),
        requires = "sandbox"
    )]
    pub(super) tenant: Start,
}

impl SandboxOption {
    /// Starts the sandbox if it was asked for. It runs for as long as the caller keeps it.
    pub(super) async fn start(
        &self,
        sources: Sources,
    ) -> anyhow::Result<(Sources, Option<Sandbox>)> {
        if !self.sandbox {
            return Ok((sources, None));
        }
        let sandbox = Sandbox::start(Options { tenant: self.tenant, ..Options::default() }).await?;
        let settings = sandbox.settings(Some(&self.account));
        Ok((sources.in_sandbox(settings), Some(sandbox)))
    }
}

//! `--sandbox`, for the commands that can run against it.

use clap::Args;
use tempfile::TempDir;

use crate::config::Sources;
use crate::config::settings::STATE_DIR;
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

/// A sandbox that runs, with a folder for what is written during its life.
pub(super) struct Running {
    _sandbox: Sandbox,
    _folder: TempDir,
}

impl SandboxOption {
    /// Starts the sandbox if it was asked for. It runs for as long as the caller keeps it.
    pub(super) async fn start(
        &self,
        sources: Sources,
    ) -> anyhow::Result<(Sources, Option<Running>)> {
        if !self.sandbox {
            return Ok((sources, None));
        }
        let sandbox = Sandbox::start(Options { tenant: self.tenant, ..Options::default() }).await?;
        let folder = tempfile::tempdir()?;
        let mut settings = sandbox.settings(Some(&self.account));
        settings.extend(sandbox.management_settings());
        // Not there yet, so that whoever needs it makes it for themselves alone.
        let state = folder.path().join("state");
        settings.push((STATE_DIR.variable, state.to_string_lossy().into_owned()));
        let sources = sources.in_sandbox(settings).keeping_at(folder.path().join("config.toml"));
        Ok((sources, Some(Running { _sandbox: sandbox, _folder: folder })))
    }
}

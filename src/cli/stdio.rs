//! `stdio`: the server for one person, over stdin and stdout.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::configured;
#[cfg(feature = "sandbox")]
use super::sandbox_option::SandboxOption;
use super::settings::Settings;
use crate::config::{Need, Sources};
use crate::server::{self, Server};

/// Serve MCP over stdin and stdout, for one person.
#[derive(Debug, Args)]
pub(super) struct Stdio {
    #[cfg(feature = "sandbox")]
    #[command(flatten)]
    pub(super) sandbox: SandboxOption,
    #[command(flatten)]
    pub(super) settings: Settings,
}

impl Stdio {
    pub(super) async fn run(self, sources: Sources) -> anyhow::Result<ExitCode> {
        #[cfg(feature = "sandbox")]
        let (sources, _sandbox) = self.sandbox.start(sources).await?;
        let config = configured::load(&sources, Need::Auth0)?;
        let person = Arc::new(configured::local(&config)?);
        let server = Server::new(configured::dispatcher(&config)?, person);
        server::stdio::serve(server).await?;
        Ok(ExitCode::SUCCESS)
    }
}

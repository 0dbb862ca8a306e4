//! `stdio`: the server for one person, over stdin and stdout.

use std::process::ExitCode;

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
        let config = configured::load(&sources, Need::Stdio)?;
        let dispatcher = configured::dispatcher_for_one(&config, &sources)?;
        let server = Server::new(dispatcher, configured::person(&config, &sources)?);
        server::stdio::serve(server).await?;
        Ok(ExitCode::SUCCESS)
    }
}

//! `tools`: what an agent would see under the current settings.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};

#[cfg(feature = "sandbox")]
use super::sandbox_option::SandboxOption;
use super::settings::Settings;
use super::{configured, output};
use crate::config::{Need, Sources};
use crate::server::policy::Policy;
use crate::tool::Entry;

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

impl Tools {
    pub(super) async fn run(self, sources: Sources) -> anyhow::Result<ExitCode> {
        #[cfg(feature = "sandbox")]
        let (sources, _sandbox) = self.sandbox.start(sources).await?;
        let config = configured::load(&sources, Need::Nothing)?;
        let policy = configured::policy(&config);
        let text = match &self.command {
            Some(ToolsCommand::Show { name }) => {
                let Some(entry) = policy.find(name) else {
                    bail!("no tool is called `{name}` under these settings");
                };
                serde_json::to_string_pretty(&entry.definition())?
            }
            None if self.json => {
                let tools: Vec<_> = policy.tools().map(Entry::definition).collect();
                serde_json::to_string_pretty(&tools)?
            }
            None => table(&policy),
        };
        writeln!(output::stdout(), "{text}")?;
        Ok(ExitCode::SUCCESS)
    }
}

/// One line a tool: its name, its effect, and what people call it.
fn table(policy: &Policy) -> String {
    let width = policy.tools().map(|entry| entry.name.len()).max().unwrap_or_default();
    let lines: Vec<String> = policy
        .tools()
        .map(|entry| format!("{:width$}  {:14}  {}", entry.name, entry.effect.word(), entry.title))
        .collect();
    lines.join("\n")
}

//! `setup plan`: what would be changed.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::options::Common;
use super::{prepare, screen, told};
use crate::cli::output;
use crate::config::Sources;
use crate::setup;

/// Show what would be changed on the tenant. Changes nothing.
#[derive(Debug, Args)]
pub(super) struct Plan {
    #[command(flatten)]
    pub(super) common: Common,
}

impl Plan {
    pub(super) async fn run(self, sources: Sources) -> anyhow::Result<ExitCode> {
        #[cfg(feature = "sandbox")]
        let (sources, _sandbox) = self.common.sandbox.start(sources).await?;
        let choice = self.common.choice();
        let (_, setup) = prepare(&sources)?;
        let plan = setup.plan(&choice).await.map_err(told)?;
        let text = if self.common.json { json(&plan) } else { text(&plan) };
        writeln!(output::stdout(), "{text}")?;
        Ok(ExitCode::SUCCESS)
    }
}

fn json(plan: &setup::Plan) -> String {
    json!({
        "digest": plan.digest,
        "changes": plan.changes,
        "by_hand": plan.by_hand,
        "asks_for_consumer": plan.wants_consumer,
    })
    .to_string()
}

fn text(plan: &setup::Plan) -> String {
    let mut text = screen::plan(plan);
    if !plan.changes.is_empty() {
        text.push_str(&format!(
            "\nTo carry out exactly this:\n\n  bitbucket-vault-mcp setup apply --digest {}",
            plan.digest
        ));
    }
    text.truncate(text.trim_end().len());
    text
}

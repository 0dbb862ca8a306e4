//! `setup check`: how the tenant stands.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;

use super::options::Common;
use super::{prepare, prove, screen, told};
use crate::cli::output;
use crate::config::Sources;

/// Say of every requirement whether it is met, and what mends it where not.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    pub(super) common: Common,
}

impl Check {
    pub(super) async fn run(self, sources: Sources) -> anyhow::Result<ExitCode> {
        #[cfg(feature = "sandbox")]
        let (sources, _sandbox) = self.common.sandbox.start(sources).await?;
        let choice = self.common.choice();
        let (config, setup) = prepare(&sources)?;
        prove(&config, &setup).await;
        let report = setup.check(&choice).await.map_err(told)?;
        let mut stdout = output::stdout();
        if self.common.json {
            writeln!(stdout, "{}", serde_json::to_string(&report)?)?;
        } else {
            let rows = screen::rows(&report.rows);
            write!(stdout, "{rows}\n{}: {}\n", setup.domain(), screen::tally(&report.rows))?;
        }
        Ok(if report.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

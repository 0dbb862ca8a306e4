//! `doctor`: everything between this machine and a working call of Bitbucket.
//!
//! The rows about the tenant are those of `setup check`; the rest is about this machine. Nothing is
//! changed anywhere, but one exchange is made for whoever is signed in: nothing else proves that it
//! works.

mod clients;
mod files;
mod line;
mod network;
mod person;
mod proxies;
mod settings;
#[cfg(test)]
mod tests;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;

use super::setup::options::Common;
use super::setup::{prepare, screen};
use super::{configured, output};
use crate::Error;
use crate::config::{Config, Need, Places, Sources};
use crate::setup::{Report, Row, State, Transports};
use line::Line;

/// Look for everything that keeps Bitbucket from working here, and say what mends it.
///
/// That is what `setup check` looks at, and this machine: settings, files, network, clock, keyring,
/// sign-in and the files of MCP clients.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    pub(super) common: Common,
}

impl Doctor {
    pub(super) async fn run(self, sources: Sources) -> anyhow::Result<ExitCode> {
        let places = Places::gather(&sources);
        #[cfg(feature = "sandbox")]
        let (sources, _sandbox) = self.common.sandbox.start(sources).await?;
        let rows = self.rows(&sources, places.ok().as_ref()).await;
        let report = Report { rows };
        let mut stdout = output::stdout();
        if self.common.json {
            writeln!(stdout, "{}", serde_json::to_string(&report)?)?;
        } else {
            write!(stdout, "{}", text(&report.rows))?;
        }
        Ok(if report.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn rows(&self, sources: &Sources, places: Option<&Places>) -> Vec<Row> {
        let transports = self.transports(sources);
        let need = match transports {
            Transports::Http if !sources.in_a_sandbox() => Need::Http,
            _ => Need::Stdio,
        };
        let loaded = configured::read(sources, need);
        let mut rows = settings::rows(sources, &loaded);
        // What is wrong with one setting keeps nobody from looking at what the others lead to.
        let config = loaded.or_else(|_| configured::read(sources, Need::Tenant)).ok();
        rows.extend(files::rows(sources, config.as_ref()));
        rows.extend(proxies::rows(sources, config.as_ref()));
        rows.extend(network::rows(config.as_ref()).await);
        let proved = match &config {
            Some(config) if transports.stdio() => {
                let (of_the_person, proved) = person::rows(config).await;
                rows.extend(of_the_person);
                proved
            }
            _ => false,
        };
        if let Some(places) = places {
            rows.extend(clients::rows(sources, places).await);
        }
        rows.extend(self.tenant(sources, config.as_ref(), proved).await);
        rows
    }

    /// The rows of `setup check`. `proved` says whether an exchange has worked just now.
    async fn tenant(&self, sources: &Sources, config: Option<&Config>, proved: bool) -> Vec<Row> {
        if config.is_none_or(|config| config.management.is_none()) {
            return vec![TENANT.cannot_tell(
                "the settings name no management application, so nothing of this was looked at",
                "set `AUTH0_MANAGEMENT_CLIENT_ID` and `AUTH0_MANAGEMENT_CLIENT_SECRET`; how such an \
                 application is made, `setup guide` says",
            )];
        }
        let choice = self.common.choice();
        let setup = match prepare(sources) {
            Ok((_, setup)) => setup,
            Err(error) => {
                let fix = "mend the settings first";
                return vec![TENANT.cannot_tell(format!("{error:#}"), fix)];
            }
        };
        if proved {
            setup.proved(std::time::SystemTime::now());
        }
        match setup.check(&choice).await {
            Ok(report) => report.rows,
            Err(error) => {
                let error = Error::from(error);
                let fix = error.hint().unwrap_or_else(|| "try again".into());
                vec![TENANT.cannot_tell(error.to_string(), fix)]
            }
        }
    }

    /// Whom the settings are made for.
    fn transports(&self, sources: &Sources) -> Transports {
        self.common.choice().transports.unwrap_or_else(|| {
            let public_url =
                crate::config::door(sources).is_ok_and(|door| door.public_url.is_some());
            if public_url { Transports::Http } else { Transports::Stdio }
        })
    }
}

/// The row that stands for all of `setup check`'s where they cannot be had.
const TENANT: Line = Line {
    id: "management.scopes",
    requirement: "the tenant as `setup check` sees it",
    wanted: "a management application with the scopes that are needed",
    why: "whether the tenant is set up for Token Vault is not known",
};

/// The screen: this machine row by row, of the tenant what is not as it must be.
fn text(rows: &[Row]) -> String {
    let (well, mut shown): (Vec<Row>, Vec<Row>) = rows
        .iter()
        .cloned()
        .partition(|row| row.state == State::Ok && !row.id.starts_with("local."));
    for row in shown.iter_mut().filter(|row| row.state == State::Ok) {
        // Where all is well, what was found is worth its line.
        row.requirement = format!("{}: {}", row.requirement, row.found);
    }
    let mut text = screen::rows(&shown);
    if !well.is_empty() {
        text.push_str(&format!(
            "and {} more of the tenant are ok; `setup check` lists them\n",
            well.len()
        ));
    }
    text.push_str(&format!("\n{}\n", screen::tally(rows)));
    text
}

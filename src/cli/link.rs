//! `link`: link a Bitbucket account.

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use clap::Args;

use super::configured;
use super::settings::Settings;
use super::terminal::{prompt, say, show};
use crate::Error;
use crate::broker::link::{LinkedAccount, Linker, Offer, Outcome, Pasted};
use crate::config::{Need, Sources};

/// Link your Bitbucket account, in a browser.
#[derive(Debug, Args)]
pub(super) struct Link {
    /// Print the URL, and take the URL that the browser ends on, instead of opening a browser here.
    #[arg(long)]
    pub(super) no_browser: bool,
    #[command(flatten)]
    pub(super) settings: Settings,
}

impl Link {
    pub(super) async fn run(self, sources: Sources) -> anyhow::Result<ExitCode> {
        let config = configured::load(&sources, Need::Auth0)?;
        let local = configured::local(&config)?;
        let outcome = if self.no_browser {
            by_pasting(&local.linker).await?
        } else {
            let offer = local.linker.offer().await.map_err(Error::from)?;
            show(offer.url.as_str());
            let outcome = local.linker.outcome(time_left(&offer)).await;
            local.linker.close().await;
            outcome
        };
        match outcome {
            Outcome::Linked(account) => say(&format!("Linked {}.", name(&account))),
            Outcome::Refused => bail!("nothing was linked: you refused"),
            Outcome::Expired | Outcome::Waiting | Outcome::Unlinked(_) | Outcome::Entered => {
                bail!("nothing was linked in time")
            }
            Outcome::Unusable(why) | Outcome::Failed(why) => bail!("{why}"),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn time_left(offer: &Offer) -> Duration {
    offer.expires_at.duration_since(SystemTime::now()).unwrap_or_default()
}

fn name(account: &LinkedAccount) -> String {
    let name = account.username.as_ref().or(account.display_name.as_ref());
    name.map_or_else(|| "a Bitbucket account".to_owned(), |name| name.as_str().to_owned())
}

/// For a browser on another machine: what it ends on is pasted here.
async fn by_pasting(linker: &Linker) -> anyhow::Result<Outcome> {
    let elsewhere = linker.elsewhere().await.map_err(Error::from)?;
    let mut url = elsewhere.url().clone();
    loop {
        say(&format!(
            "Open this page in any browser, go on there, and copy the address that the browser ends \
             on, even if that page does not load:\n\n  {url}\n"
        ));
        let pasted = prompt("Address: ").await.context("no address was given")?;
        match elsewhere.paste(&pasted).await.map_err(Error::from)? {
            Pasted::GoOn(next) => url = next,
            Pasted::Done(Outcome::Waiting) => {
                say("That address answers nothing that was asked here.")
            }
            Pasted::Done(outcome) => return Ok(outcome),
        }
    }
}

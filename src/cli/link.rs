//! `link`: link a Bitbucket account.

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use clap::Args;
use url::Url;

use super::local;
use super::settings::Settings;
use super::terminal::{prompt, say, show};
use crate::Error;
use crate::broker::link::{LinkedAccount, Offer, Outcome};
use crate::config::{Need, Sources};
use crate::net::Http;

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
        let config = local::load(&sources, Need::Auth0)?;
        let local = local::local(&config)?;
        let offer = local.linker.offer().await.map_err(Error::from)?;
        if self.no_browser {
            relay(&offer.url).await?;
        } else {
            show(offer.url.as_str());
        }
        let outcome = local.linker.outcome(time_left(&offer)).await;
        local.linker.shut();
        match outcome {
            Outcome::Linked(account) => say(&format!("Linked {}.", name(&account))),
            Outcome::Refused => bail!("nothing was linked: you refused"),
            Outcome::Expired | Outcome::Waiting => bail!("nothing was linked in time"),
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

/// Carries addresses between our own page, which only this machine reaches, and a browser elsewhere:
/// where the page sends a browser is printed, and where that browser ends is pasted.
async fn relay(page: &Url) -> anyhow::Result<()> {
    let http = Http::new();
    let mut next = visit(&http, page).await?;
    while let Some(url) = next {
        say(&format!(
            "Open this page in any browser, go on there, and copy the address that the browser ends on, \
             even if that page does not load:\n\n  {url}\n"
        ));
        let pasted = prompt("Address: ").await.context("no address was given")?;
        let pasted: Url = pasted.trim().parse().context("this is no address")?;
        if pasted.origin() != page.origin() {
            bail!(
                "this is not an address that starts with `{}`",
                page.origin().ascii_serialization()
            );
        }
        next = visit(&http, &pasted).await?;
    }
    Ok(())
}

/// Where our own page leads on to, if it does.
async fn visit(http: &Http, url: &Url) -> anyhow::Result<Option<Url>> {
    let answer = http.client_for(url)?.get(url.clone()).send().await?;
    let location = answer.headers().get(http::header::LOCATION);
    let location = location.and_then(|location| location.to_str().ok());
    Ok(location.map(|location| url.join(location)).transpose()?)
}

//! `setup guide`: what only a person can do. It says how the credentials are got that all else needs, so
//! it needs none.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::made_for;
use super::options::For;
#[cfg(feature = "sandbox")]
use crate::cli::sandbox_option::SandboxOption;
use crate::cli::settings::Settings;
use crate::cli::{configured, output};
use crate::config::{Config, Need, Sources};
use crate::setup::{DomainStanding, Guide, Occasion, Transports};

/// Say, step by step, what only a person can do: the OAuth consumer at Bitbucket, and the Auth0
/// application that sets up the rest. It needs nothing but `AUTH0_DOMAIN`.
#[derive(Debug, Args)]
pub(super) struct GuideCommand {
    /// For one person's machine, for many people over HTTP, or both. Left out, what the settings are
    /// made for.
    #[arg(long = "for", value_name = "TRANSPORT", value_enum)]
    transports: Option<For>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[cfg(feature = "sandbox")]
    #[command(flatten)]
    pub(super) sandbox: SandboxOption,
    #[command(flatten)]
    pub(super) settings: Settings,
}

impl GuideCommand {
    pub(super) async fn run(self, sources: Sources) -> anyhow::Result<ExitCode> {
        #[cfg(feature = "sandbox")]
        let (sources, _sandbox) = self.sandbox.start(sources).await?;
        let config = configured::load(&sources, Need::Tenant)?;
        let guide = guide(&config, self.transports.map(Into::into)).await?;
        let text = if self.json { json(&guide).to_string() } else { guide.text() };
        writeln!(output::stdout(), "{text}")?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The guide for the tenant that the settings name; what is read of it, where they say how.
async fn guide(config: &Config, transports: Option<Transports>) -> anyhow::Result<Guide> {
    let made_for = made_for(config);
    let management = configured::management(config)?;
    if let Some(setup) = configured::setup(config, management, made_for, None) {
        return Ok(setup.guide(transports).await);
    }
    let tenant = config.tenant.as_ref().ok_or_else(|| anyhow::anyhow!("no tenant is named"))?;
    Ok(Guide::new(&Occasion {
        domain: tenant.domain.clone(),
        standing: DomainStanding::Unknown,
        scopes: configured::scopes(config),
        transports: transports.unwrap_or(made_for),
        has_management: false,
        has_consumer: config.consumer.as_ref().is_some_and(|consumer| consumer.secret.is_some()),
    }))
}

fn json(guide: &Guide) -> Value {
    let permissions: Vec<Value> = guide
        .permissions
        .iter()
        .map(|one| json!({ "label": one.label, "scope": one.scope }))
        .collect();
    let steps: Vec<Value> = guide
        .steps
        .iter()
        .map(|step| json!({ "title": step.title, "lines": step.lines }))
        .collect();
    let scopes: Vec<&str> = guide.management_scopes.iter().map(|scope| scope.name).collect();
    json!({
        "callback_url": guide.callback,
        "permissions": permissions,
        "management_scopes": scopes,
        "steps": steps,
    })
}

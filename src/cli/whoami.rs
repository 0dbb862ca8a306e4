//! `whoami`: who is signed in.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};

use super::settings::Settings;
use super::{configured, output};
use crate::Error;
use crate::auth0::Identity;
use crate::broker::link::LinkedAccount;
use crate::config::{Need, Sources};
use crate::text::clean_line;

/// Say who is signed in, which Bitbucket account is linked, and with which scopes.
#[derive(Debug, Args)]
pub(super) struct Whoami {
    /// Print one JSON object.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) settings: Settings,
}

impl Whoami {
    pub(super) async fn run(self, sources: Sources) -> anyhow::Result<ExitCode> {
        let config = configured::load(&sources, Need::Auth0)?;
        let local = configured::local(&config)?;
        let Some(identity) = local.session.identify().await? else {
            bail!("nobody is signed in; `bitbucket-vault-mcp login` signs you in");
        };
        let accounts = local.linker.accounts().await.map_err(Error::from)?;
        let text = if self.json { json(&identity, &accounts)? } else { text(&identity, &accounts) };
        writeln!(output::stdout(), "{text}")?;
        Ok(ExitCode::SUCCESS)
    }
}

fn json(identity: &Identity, accounts: &[LinkedAccount]) -> serde_json::Result<String> {
    let accounts: Vec<Value> = accounts
        .iter()
        .map(|account| {
            json!({
                "id": account.id,
                "connection": account.connection,
                "username": account.username,
                "scopes": account.scopes,
            })
        })
        .collect();
    serde_json::to_string(&json!({ "subject": identity.subject, "accounts": accounts }))
}

fn text(identity: &Identity, accounts: &[LinkedAccount]) -> String {
    let name = identity.name.as_deref().or(identity.email.as_deref());
    let mut lines = vec![match name {
        Some(name) => format!("{} ({})", clean_line(name, 80), clean_line(&identity.subject, 120)),
        None => clean_line(&identity.subject, 120),
    }];
    for account in accounts {
        let name = account.username.as_ref().map_or("a Bitbucket account", |name| name.as_str());
        lines.push(format!("linked: {name} on `{}`", account.connection));
        let scopes = account.scopes.as_ref().map(|scopes| scopes.join(" "));
        lines.push(format!("scopes: {}", scopes.as_deref().unwrap_or("unknown")));
    }
    if accounts.is_empty() {
        lines.push(
            "no Bitbucket account is linked; `bitbucket-vault-mcp link` links one".to_owned(),
        );
    }
    lines.join("\n")
}

//! `sandbox`: the two fake services alone, for another process to use.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use super::output;
use super::stop::stopped;
use crate::sandbox::{self, Options};

/// Run a fake Auth0 tenant and a fake Bitbucket Cloud on this machine, until stopped.
#[derive(Debug, Args)]
pub(super) struct Sandbox {
    /// Print only the settings that another process needs, as `KEY=value` lines.
    #[arg(long, conflicts_with = "json")]
    env: bool,
    /// Print only the settings that another process needs, as one JSON object.
    #[arg(long)]
    json: bool,
    /// The account whose refresh token is among the settings.
    #[arg(
        id = "as",
        long = "as",
        value_name = "ACCOUNT",
        default_value = "linked",
        value_parser = ["linked", "limited", "guest"]
    )]
    account: String,
    /// The port of the Auth0 tenant; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    auth0_port: u16,
    /// The port of Bitbucket Cloud; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    bitbucket_port: u16,
}

impl Sandbox {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let Self { auth0_port, bitbucket_port, .. } = self;
        let running = sandbox::Sandbox::start(Options { auth0_port, bitbucket_port })
            .await
            .context("the sandbox could not start")?;
        let text = self.introduction(&running.settings(Some(&self.account)))?;
        let mut stdout = output::stdout();
        stdout.write_all(text.as_bytes())?;
        // The reader may be waiting for these lines while the sandbox runs on.
        stdout.flush()?;
        drop(stdout);
        stopped().await?;
        Ok(ExitCode::SUCCESS)
    }

    fn introduction(&self, settings: &[(&str, String)]) -> anyhow::Result<String> {
        let lines: String =
            settings.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        if self.env {
            return Ok(lines);
        }
        if self.json {
            let object: serde_json::Map<_, _> = settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.as_str().into()))
                .collect();
            return Ok(format!("{}\n", serde_json::to_string(&object)?));
        }
        Ok(format!(
            "The sandbox is running: an Auth0 tenant and a Bitbucket Cloud of its own, on this \
             machine only.\nSettings for another process, as the account `{}`:\n\n{lines}\n\
             Stop it with Ctrl-C.\n",
            self.account
        ))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    #[command(no_binary_name = true)]
    struct Line {
        #[command(flatten)]
        sandbox: Sandbox,
    }

    fn said(arguments: &[&str]) -> String {
        let line = Line::try_parse_from(arguments).unwrap();
        let settings = [
            ("AUTH0_DOMAIN", "http://127.0.0.1:1".to_owned()),
            ("AUTH0_CLIENT_ID", "c".to_owned()),
        ];
        line.sandbox.introduction(&settings).unwrap()
    }

    #[test]
    fn prints_nothing_but_the_settings_when_asked_for_lines_or_an_object() {
        assert_eq!(said(&["--env"]), "AUTH0_DOMAIN=http://127.0.0.1:1\nAUTH0_CLIENT_ID=c\n");
        assert_eq!(
            said(&["--json"]),
            "{\"AUTH0_CLIENT_ID\":\"c\",\"AUTH0_DOMAIN\":\"http://127.0.0.1:1\"}\n"
        );
    }
}

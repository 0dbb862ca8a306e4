//! `sandbox`: the two fake services alone, for another process to use.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use tempfile::NamedTempFile;

use super::output;
use super::stop::stopped;
use crate::net;
use crate::sandbox::{self, ACCOUNTS, Options, Start};

/// By what variables processes are told of another authority to trust: ours and most, Node.js, and
/// Python's `requests`.
const TRUST: [&str; 3] = ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"];

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
        value_parser = ACCOUNTS
    )]
    account: String,
    /// Where `http` will be reached that uses this sandbox: the tenant has an API for it.
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:8080",
        value_parser = origin
    )]
    public_url: String,
    /// Serve https as `localhost`, with a certificate authority made for this run; the settings say
    /// where it is.
    #[arg(long)]
    tls: bool,
    /// Where to write the certificate authority. Left out, a temporary file.
    #[arg(long, value_name = "PATH", requires = "tls")]
    ca_file: Option<PathBuf>,
    /// How far the tenant is set up. Where it is not ready, the settings are those by which `setup` sets
    /// it up.
    #[arg(long, value_name = "STATE", default_value = "ready", value_parser = start())]
    tenant: Start,
    /// The port of the Auth0 tenant; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    auth0_port: u16,
    /// The port of Bitbucket Cloud; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    bitbucket_port: u16,
}

impl Sandbox {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let Self { auth0_port, bitbucket_port, tls, tenant, .. } = self;
        let running = sandbox::Sandbox::start(Options { auth0_port, bitbucket_port, tls, tenant })
            .await
            .context("the sandbox could not start")?;
        running.open_api(&self.public_url);
        let mut settings = running.settings(Some(&self.account));
        if tenant == Start::Ready {
            settings.extend(running.api_settings(&self.public_url));
            settings.extend(running.management_settings());
        }
        let authority = running
            .authority()
            .map(|authority| Authority::write(authority, self.ca_file.as_deref()))
            .transpose()
            .context("the certificate authority could not be written")?;
        if let Some(authority) = &authority {
            let path = authority.path().to_string_lossy();
            settings.extend(TRUST.map(|variable| (variable, path.clone().into_owned())));
        }
        let text = self.introduction(&settings)?;
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
        let purpose = match self.tenant {
            Start::Ready => format!("as the account `{}`", self.account),
            Start::Empty | Start::Half => "to set the tenant up".to_owned(),
        };
        Ok(format!(
            "The sandbox is running: an Auth0 tenant and a Bitbucket Cloud of its own, on this \
             machine only.\nSettings for another process, {purpose}:\n\n{lines}\n\
             Stop it with Ctrl-C.\n"
        ))
    }
}

/// The file with the certificate authority. One that nobody named goes when this is dropped.
enum Authority {
    Temporary(NamedTempFile),
    Named(PathBuf),
}

impl Authority {
    fn write(authority: &str, path: Option<&Path>) -> std::io::Result<Self> {
        match path {
            Some(path) => {
                std::fs::write(path, authority)?;
                Ok(Self::Named(std::path::absolute(path)?))
            }
            None => {
                let mut file =
                    tempfile::Builder::new().prefix("sandbox-ca-").suffix(".pem").tempfile()?;
                file.write_all(authority.as_bytes())?;
                file.flush()?;
                Ok(Self::Temporary(file))
            }
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(file) => file.path(),
            Self::Named(path) => path,
        }
    }
}

/// How far a tenant is set up, by name.
pub(super) fn start() -> impl TypedValueParser<Value = Start> {
    PossibleValuesParser::new(Start::NAMES).map(|name| Start::named(&name).unwrap_or_default())
}

/// Scheme, host and port, as `http` takes them.
fn origin(text: &str) -> Result<String, String> {
    net::origin(text)
        .ok_or_else(|| "give scheme, host and port, as in `http://127.0.0.1:8080`".to_owned())
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

    #[test]
    fn takes_a_public_url_that_is_an_origin() {
        let taken = |url: &str| {
            let line = Line::try_parse_from(["--public-url", url]).ok()?;
            Some(line.sandbox.public_url)
        };
        assert_eq!(taken("http://127.0.0.1:9000/").as_deref(), Some("http://127.0.0.1:9000"));
        for other in ["127.0.0.1:9000", "http://127.0.0.1/mcp", "http://a@b/", "http://b/?x"] {
            assert_eq!(taken(other), None, "{other}");
        }
    }

    #[test]
    fn keeps_a_named_file_for_the_authority_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        drop(Authority::write("PEM", Some(&path)).unwrap());
        assert_eq!(std::fs::read_to_string(path).unwrap(), "PEM");
        let temporary = Authority::write("PEM", None).unwrap();
        let path = temporary.path().to_owned();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "PEM");
        drop(temporary);
        assert!(!path.exists());
    }
}

//! `http`: the server for many people, over Streamable HTTP.

use std::io::Write as _;
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tokio_util::sync::CancellationToken;

use super::configured;
use super::settings::Settings;
use super::stop::stopped;
use crate::auth0::Tenant;
use crate::bitbucket::Connector;
use crate::broker::link::Reader;
use crate::broker::link::web::{WebLinker, WebSettings};
use crate::broker::{self, Broker};
use crate::config::{self, Config, Need, Sources};
use crate::identity::bearer::{Verifier, VerifierSettings};
use crate::net;
use crate::server::http::{Certificate, HttpParts, HttpSettings, serve_on};
use crate::setup::Transports;

/// Of how many callers Bitbucket tokens are kept.
const CALLERS: u64 = 10_000;
/// How long somebody counts as not linked without asking Auth0 again. A page that ends a link ends this
/// too, so it is only a link made elsewhere that goes unseen for so long.
const MISS_AGE: Duration = Duration::from_secs(5);

/// Serve MCP over HTTP, for many people.
#[derive(Debug, Args)]
pub(super) struct Http {
    /// Use a sandbox in this process instead of Auth0 and Bitbucket, and print an access token for each
    /// of its accounts; no other setting for them counts.
    #[cfg(feature = "sandbox")]
    #[arg(long)]
    sandbox: bool,
    #[command(flatten)]
    pub(super) settings: Settings,
}

impl Http {
    pub(super) async fn run(self, sources: Sources) -> anyhow::Result<ExitCode> {
        #[cfg(feature = "sandbox")]
        if self.sandbox {
            let played = sandbox::Played::start(sources).await?;
            let config = configured::load(&played.sources, Need::Http)?;
            return serve(&config, &played.sources, Some(played.listener), &played.introduction)
                .await;
        }
        serve(&configured::load(&sources, Need::Http)?, &sources, None, "").await
    }
}

async fn serve(
    config: &Config,
    sources: &Sources,
    listener: Option<TcpListener>,
    introduction: &str,
) -> anyhow::Result<ExitCode> {
    let http = config.http.as_ref().context("the http settings are missing")?;
    let parts = parts(config, sources, http)?;
    let settings = HttpSettings {
        allowed_hosts: http.allowed_hosts.clone(),
        allowed_origins: http.allowed_origins.clone(),
        trusted_proxies: http.trusted_proxies.clone(),
        require_dpop: http.require_dpop,
        max_calls_per_caller: http.max_calls_per_caller,
        ..HttpSettings::new(http.public_url.clone(), config.auth0()?.domain.clone())
    };
    let certificate = match &http.tls {
        Some(tls) => Some(
            Certificate::read(&tls.certificate, &tls.key)
                .context("the certificate cannot be used")?,
        ),
        None => None,
    };
    let listener = match listener {
        Some(listener) => listener,
        None => TcpListener::bind(http.listen)
            .with_context(|| format!("cannot listen on `{}`", http.listen))?,
    };
    let address = listener.local_addr()?;
    let metadata = settings.metadata_url();
    // Not a line of the log, which may be off: whoever starts a server wants to know where it is.
    let _ = writeln!(
        anstream::stderr(),
        "listening on {address} for {} (metadata at {metadata})\n{introduction}",
        http.audience
    );
    let stop = CancellationToken::new();
    let serving = serve_on(listener, certificate, settings, parts, stop.clone());
    let stopping = async {
        stopped().await?;
        stop.cancel();
        // Whoever says it twice does not want to wait.
        stopped().await
    };
    tokio::select! {
        ended = serving => ended?,
        stopped = stopping => stopped?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What acts for the people who call.
fn parts(config: &Config, sources: &Sources, http: &config::Http) -> anyhow::Result<HttpParts> {
    let auth0 = config.auth0()?;
    let client = net::Http::new();
    let tenant = |client_id: &str, authentication: &config::ClientAuthentication| {
        let settings = configured::application(auth0, client_id, authentication);
        Tenant::new(client.clone(), settings)
            .with_context(|| format!("the settings of the client `{client_id}` cannot be used"))
    };
    let web = tenant(&auth0.client_id, &auth0.client)?;
    let api = tenant(&http.api_client_id, &http.api_client)?;
    let connector = Arc::new(Connector::new(client.clone(), config.bitbucket_api_url.clone()));
    let broker = Broker::new(
        api.clone(),
        connector,
        broker::Settings {
            connection: auth0.connection.clone(),
            cache_age: config.cache_age,
            miss_age: MISS_AGE,
            capacity: CALLERS,
        },
    );
    let linker = WebLinker::new(
        web,
        broker.clone(),
        WebSettings {
            public_url: http.public_url.clone(),
            audience: http.audience.clone(),
            connection: auth0.connection.clone(),
        },
    );
    let verifier = Verifier::new(
        api,
        VerifierSettings {
            audience: http.audience.clone(),
            require_dpop: http.require_dpop,
            first_party_clients: http.first_party_clients.clone(),
        },
    );
    let management = configured::management(config)?;
    let reader = Reader::new(broker.clone(), management.clone(), auth0.connection.clone());
    let keep = if http.allow_configure { configured::keep(config, sources) } else { None };
    let setup = configured::setup(config, management, Transports::Http, keep);
    let dispatcher = configured::dispatcher(config, setup)?;
    Ok(HttpParts { dispatcher, verifier, broker, reader, linker })
}

/// `--sandbox`: a tenant and a Bitbucket Cloud in this process, made for where the server listens.
#[cfg(feature = "sandbox")]
mod sandbox {
    use url::Url;

    use super::*;
    use crate::config::{Problem, Problems};
    use crate::sandbox::{ACCOUNTS, Options, Sandbox};

    /// A sandbox with the server's place in it.
    pub(super) struct Played {
        pub(super) sources: Sources,
        pub(super) listener: TcpListener,
        /// What a person needs to try it.
        pub(super) introduction: String,
        /// Runs for as long as this is kept.
        _sandbox: Sandbox,
    }

    impl Played {
        pub(super) async fn start(sources: Sources) -> anyhow::Result<Self> {
            let door = config::door(&sources)?;
            if !door.listen.ip().to_canonical().is_loopback() {
                return Err(Problems::from(Problem {
                    name: door.listen_name,
                    what: format!("is `{}`, which is not loopback", door.listen),
                    hint: "`--sandbox` listens on loopback only: its tokens are no secret".into(),
                })
                .into());
            }
            let listener = TcpListener::bind(door.listen)
                .with_context(|| format!("cannot listen on `{}`", door.listen))?;
            let here = format!("http://{}", listener.local_addr()?);
            let public_url = door.public_url.as_ref().map_or(here, origin);
            let sandbox = Sandbox::start(Options::default()).await?;
            sandbox.open_api(&public_url);
            let settings = [
                sandbox.settings(None),
                sandbox.api_settings(&public_url),
                sandbox.management_settings(),
            ]
            .concat();
            let introduction = introduction(&sandbox, &public_url);
            let sources = sources.in_sandbox(settings);
            Ok(Self { sources, listener, introduction, _sandbox: sandbox })
        }
    }

    fn origin(url: &Url) -> String {
        url.origin().ascii_serialization()
    }

    fn introduction(sandbox: &Sandbox, public_url: &str) -> String {
        let mut text =
            String::from("\nThe sandbox is running. An access token for each account:\n\n");
        for account in ACCOUNTS {
            let token = sandbox.bearer_token(account).unwrap_or_default();
            text.push_str(&format!("{account}: {token}\n"));
        }
        text.push_str(&format!(
            "\nTo add it to a client, for example:\n  claude mcp add --transport http bitbucket \
             {public_url}/mcp --header \"Authorization: Bearer TOKEN\"\n"
        ));
        text
    }
}

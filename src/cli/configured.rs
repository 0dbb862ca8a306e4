//! From a configuration to the parts that commands put together.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::auth0::{self, Management, ManagementSettings, RefreshToken};
use crate::bitbucket::{Consumer, Limits};
use crate::config::settings::LISTEN;
use crate::config::{self, Config, Known, Need, Problems, Sources};
use crate::server::dispatch::{Approval, Dispatcher, Settings};
use crate::server::local::{Local, LocalSettings};
use crate::server::newcomer::Newcomer;
use crate::server::policy::{Policy, Selection};
use crate::setup::{self, Setup, Transports};
use crate::tool::{Person, RepositoryPolicy};
use crate::tools::{self, TOOLSETS};
use crate::{identity, net};

/// The tool that changes the tenant, which many people get only where the settings allow it.
const CONFIGURES: &str = "configure_connection";

/// Loads the configuration, and warns of what will not do what its author hoped for.
pub(super) fn load(sources: &Sources, need: Need) -> Result<Config, Problems> {
    let config = read(sources, need)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    Ok(config)
}

/// Loads the configuration.
pub(super) fn read(sources: &Sources, need: Need) -> Result<Config, Problems> {
    let names = |keep: fn(&&tools::Toolset) -> bool| -> Vec<&str> {
        TOOLSETS.iter().filter(keep).map(|toolset| toolset.name).collect()
    };
    let all_tools: Vec<&str> = tools::all().map(|entry| entry.name).collect();
    let managed = TOOLSETS.iter().filter(|toolset| toolset.needs_management);
    let management_tools: Vec<&str> =
        managed.flat_map(|toolset| toolset.tools).map(|entry| entry.name).collect();
    let known = Known {
        toolsets: &names(|_| true),
        default_toolsets: &names(|toolset| toolset.default),
        tools: &all_tools,
        management_toolsets: &names(|toolset| toolset.needs_management),
        management_tools: &management_tools,
    };
    config::load(sources, &known, need)
}

/// The person on this machine, as the configuration says how to reach Auth0 and Bitbucket.
pub(super) fn local(config: &Config) -> anyhow::Result<Local> {
    let auth0 = config.auth0()?;
    let settings = LocalSettings {
        auth0: application(auth0, &auth0.client_id, &auth0.client),
        connection: auth0.connection.clone(),
        refresh_token: auth0.refresh_token.clone().map(RefreshToken::new),
        bitbucket_api_url: config.bitbucket_api_url.clone(),
        cache_age: config.cache_age,
        keep: keep_of_sign_ins(config),
    };
    Local::new(settings).context("the Auth0 settings cannot be used")
}

/// Where sign-ins are kept.
pub(super) fn keep_of_sign_ins(config: &Config) -> identity::Keep {
    identity::Keep::new(config.state_dir.clone(), !config.sandboxed)
}

/// The person whom a server on this machine serves.
pub(super) fn person(config: &Config, sources: &Sources) -> anyhow::Result<Arc<dyn Person>> {
    match &config.auth0 {
        Some(_) => Ok(Arc::new(local(config)?)),
        None => Ok(Arc::new(newcomer(config, sources))),
    }
}

/// The same where there is no application yet: the settings are read anew for every call, until set-up
/// has written one.
pub(super) fn newcomer(config: &Config, sources: &Sources) -> Newcomer {
    let connection = config.tenant.as_ref().map(|tenant| tenant.connection.clone());
    let sources = sources.clone();
    Newcomer::new(connection.unwrap_or_default(), move || {
        let config = read(&sources.reread(), Need::Stdio)
            .inspect_err(|problems| tracing::debug!(%problems, "the settings cannot be used yet"))
            .ok()?;
        config.auth0.as_ref()?;
        local(&config)
            .inspect_err(|error| tracing::warn!(%error, "the settings cannot be used"))
            .ok()
    })
}

/// The Management API, where the configuration names an application for it.
pub(super) fn management(config: &Config) -> anyhow::Result<Option<Management>> {
    let Some(management) = &config.management else { return Ok(None) };
    let settings = ManagementSettings {
        domain: management.domain.clone(),
        client_id: management.client_id.clone(),
        client_secret: management.client_secret.clone(),
    };
    let management = Management::new(net::Http::new(), settings);
    Ok(Some(management.context("the settings of the Management API cannot be used")?))
}

/// What sets the tenant up, where there is a management application. `transports` is what the settings
/// are made for; `keep` says whether secrets and settings may be written on this machine.
pub(super) fn setup(
    config: &Config,
    management: Option<Management>,
    transports: Transports,
    keep: Option<setup::Keep>,
) -> Option<Setup> {
    let tenant = config.tenant.as_ref()?;
    let http = config.http.as_ref();
    let consumer = config.consumer.as_ref().and_then(|consumer| {
        Some(Consumer { key: consumer.key.clone(), secret: consumer.secret.clone()? })
    });
    Some(Setup::new(setup::Settings {
        management: management?,
        domain: tenant.domain.clone(),
        connection: tenant.connection.clone(),
        application: tenant.client_id.clone().map(|id| (transports, id)),
        api_client: http
            .map_or(config.api_client_id.clone(), |http| Some(http.api_client_id.clone())),
        public_url: http.map_or_else(|| public_url(config), |http| Some(http.public_url.clone())),
        organization: tenant.organization.clone(),
        consumer,
        scopes: scopes(config),
        transports,
        keep,
    }))
}

/// Where `http` would be reached: as the settings say, or where it listens by default if the tenant is
/// on this machine as well.
fn public_url(config: &Config) -> Option<Url> {
    config.public_url.clone().or_else(|| {
        config.tenant.as_ref().filter(|tenant| net::is_loopback(&tenant.domain))?;
        Url::parse(&format!("http://{}", LISTEN.default?)).ok()
    })
}

/// How long one call may take from now on.
pub(super) fn limits(config: &Config) -> Limits {
    Limits { deadline: Instant::now() + config.deadline, cancel: CancellationToken::new() }
}

/// Where set-up writes what Auth0 gives it: secrets to the state folder, settings to the configuration
/// file. `http` has a file of its own beside that of `stdio`, unless it is `http` that runs.
pub(super) fn keep(config: &Config, sources: &Sources) -> Option<setup::Keep> {
    let path = sources.config_path.clone()?;
    let folder = config.state_dir.join("secrets");
    let is_http = config.http.is_some() || path.file_name().is_some_and(|name| name == "http.toml");
    let (stdio_config, http_config) = if is_http {
        (path.with_file_name("config.toml"), path)
    } else {
        let http_config = path.with_file_name("http.toml");
        (path, http_config)
    };
    Some(setup::Keep { folder, stdio_config, http_config })
}

/// The Bitbucket scopes that the tools which exist may need.
pub(super) fn scopes(config: &Config) -> Vec<&'static str> {
    let policy = policy(config);
    let exists = |toolset: &&tools::Toolset| {
        toolset.tools.iter().any(|entry| policy.find(entry.name).is_some())
    };
    let all = TOOLSETS.iter().filter(exists).flat_map(|toolset| toolset.scopes).copied();
    // Whoever only reads needs no scope to write.
    let needed = all.map(|scope| match scope.strip_suffix(":write") {
        Some(reading) if config.read_only => reading,
        _ => scope,
    });
    needed.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The tenant as one of its applications sees it.
pub(super) fn application(
    auth0: &config::Auth0,
    client_id: &str,
    client: &config::ClientAuthentication,
) -> auth0::Settings {
    auth0::Settings {
        domain: auth0.domain.clone(),
        client_id: client_id.to_owned(),
        authentication: match client.clone() {
            config::ClientAuthentication::Secret(secret) => {
                auth0::ClientAuthentication::Secret(secret)
            }
            config::ClientAuthentication::SigningKey(key) => {
                auth0::ClientAuthentication::SigningKey(key)
            }
        },
        organization: auth0.organization.clone(),
    }
}

/// What carries out calls as the configuration says.
pub(super) fn dispatcher(config: &Config, setup: Option<Setup>) -> anyhow::Result<Arc<Dispatcher>> {
    let approval = match config.approval {
        config::Approval::Auto => Approval::Auto,
        config::Approval::Required => Approval::Required,
        config::Approval::Off => Approval::Off,
    };
    Ok(Arc::new(Dispatcher::new(Settings {
        policy: policy(config),
        repositories: RepositoryPolicy::new(&config.repositories)
            .context("the allow-list of repositories cannot be read")?,
        approval,
        deadline: config.deadline,
        max_calls: config.max_calls,
        setup,
        read_only: config.read_only,
    })))
}

/// Which tools exist.
pub(super) fn policy(config: &Config) -> Policy {
    let mut exclude = config.exclude_tools.clone();
    if config.http.as_ref().is_some_and(|http| !http.allow_configure) {
        exclude.push(CONFIGURES.to_owned());
    }
    Policy::new(&Selection {
        toolsets: config.toolsets.clone().unwrap_or_default(),
        tools: config.tools.clone().unwrap_or_default(),
        exclude,
        read_only: config.read_only,
        management: config.management.is_some(),
    })
}

/// What carries out calls for the one person on this machine, who may set the tenant up.
pub(super) fn dispatcher_for_one(
    config: &Config,
    sources: &Sources,
) -> anyhow::Result<Arc<Dispatcher>> {
    let setup = setup(config, management(config)?, Transports::Stdio, keep(config, sources));
    dispatcher(config, setup)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::*;

    const HTTP: &[(&str, &str)] = &[
        ("AUTH0_DOMAIN", "acme.eu.auth0.com"),
        ("AUTH0_CLIENT_ID", "web"),
        ("AUTH0_CLIENT_SECRET", "secret"),
        ("AUTH0_AUDIENCE", "http://127.0.0.1:8080/mcp"),
        ("AUTH0_API_CLIENT_ID", "api"),
        ("AUTH0_API_CLIENT_SECRET", "secret"),
        ("AUTH0_MANAGEMENT_CLIENT_ID", "management"),
        ("AUTH0_MANAGEMENT_CLIENT_SECRET", "secret"),
    ];

    fn sources(more: &[(&str, &str)]) -> Sources {
        let all = HTTP.iter().chain(more);
        let environment: BTreeMap<_, _> =
            all.map(|(name, value)| ((*name).to_owned(), value.into())).collect();
        let mut sources = Sources::new(environment);
        sources.state_folder = Some(PathBuf::from("/state"));
        sources.config_path = Some(PathBuf::from("/etc/vault/config.toml"));
        sources
    }

    fn tools(more: &[(&str, &str)], need: Need) -> Vec<&'static str> {
        let config = load(&sources(more), need).unwrap();
        policy(&config).tools().map(|entry| entry.name).collect()
    }

    #[test]
    fn many_people_check_and_plan_but_change_the_tenant_only_where_that_is_allowed() {
        let allowed = &[("BITBUCKET_MCP_ALLOW_CONFIGURE", "true")];
        for (more, need, configures) in
            [(&[][..], Need::Http, false), (allowed, Need::Http, true), (&[], Need::Stdio, true)]
        {
            let tools = tools(more, need);
            assert!(tools.contains(&"check_connection") && tools.contains(&"plan_connection"));
            assert_eq!(tools.contains(&CONFIGURES), configures, "{more:?} {need:?}");
        }
        let named = &[("BITBUCKET_MCP_TOOLS", CONFIGURES)];
        assert!(!tools(named, Need::Http).contains(&CONFIGURES), "not even by its name");
    }

    #[test]
    fn the_connection_is_to_have_the_scopes_of_the_tools_that_exist() {
        let wanted = |more: &[(&str, &str)]| scopes(&load(&sources(more), Need::Stdio).unwrap());
        assert_eq!(
            wanted(&[]),
            [
                "account",
                "project",
                "pullrequest",
                "pullrequest:write",
                "repository",
                "repository:write"
            ]
        );
        let reading = [("BITBUCKET_MCP_READ_ONLY", "true")];
        assert_eq!(wanted(&reading), ["account", "project", "pullrequest", "repository"]);
        assert_eq!(
            wanted(&[("BITBUCKET_MCP_TOOLSETS", "refs")]),
            ["pullrequest", "repository:write"]
        );
    }

    #[test]
    fn http_has_a_configuration_of_its_own_beside_that_of_stdio() {
        let kept = |path: &str, need| {
            let mut sources = sources(&[]);
            sources.config_path = Some(PathBuf::from(path));
            let kept = keep(&load(&sources, need).unwrap(), &sources).unwrap();
            let shown = |path: PathBuf| path.display().to_string();
            [shown(kept.folder), shown(kept.stdio_config), shown(kept.http_config)]
        };
        let usual = ["/state/secrets", "/etc/vault/config.toml", "/etc/vault/http.toml"];
        assert_eq!(kept("/etc/vault/config.toml", Need::Stdio), usual);
        assert_eq!(kept("/etc/vault/http.toml", Need::Setup), usual);
        // The file that a running server was given is the one it will read again.
        let server = kept("/etc/vault/server.toml", Need::Http);
        let own = ["/state/secrets", "/etc/vault/config.toml", "/etc/vault/server.toml"];
        assert_eq!(server, own);
    }
}

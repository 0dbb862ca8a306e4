//! From a configuration to the parts that commands put together.

use std::sync::Arc;

use anyhow::Context as _;

use crate::auth0::{self, RefreshToken};
use crate::config::{self, Config, Known, Need, Problems, Sources};
use crate::identity::Keep;
use crate::server::dispatch::{Approval, Dispatcher, Settings};
use crate::server::local::{Local, LocalSettings};
use crate::server::policy::{Policy, Selection};
use crate::tool::RepositoryPolicy;
use crate::tools::{self, TOOLSETS};

/// Loads the configuration, and warns of what will not do what its author hoped for.
pub(super) fn load(sources: &Sources, need: Need) -> Result<Config, Problems> {
    let names = |keep: fn(&&tools::Toolset) -> bool| -> Vec<&str> {
        TOOLSETS.iter().filter(keep).map(|toolset| toolset.name).collect()
    };
    let all_tools: Vec<&str> = tools::all().map(|entry| entry.name).collect();
    let known = Known {
        toolsets: &names(|_| true),
        default_toolsets: &names(|toolset| toolset.default),
        tools: &all_tools,
    };
    let config = config::load(sources, &known, need)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    Ok(config)
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
        keep: Keep::new(config.state_dir.clone(), true),
    };
    Local::new(settings).context("the Auth0 settings cannot be used")
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
pub(super) fn dispatcher(config: &Config) -> anyhow::Result<Arc<Dispatcher>> {
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
        setup: None,
        read_only: config.read_only,
    })))
}

/// Which tools exist.
pub(super) fn policy(config: &Config) -> Policy {
    Policy::new(&Selection {
        toolsets: config.toolsets.clone().unwrap_or_default(),
        tools: config.tools.clone().unwrap_or_default(),
        exclude: config.exclude_tools.clone(),
        read_only: config.read_only,
        management: false,
    })
}

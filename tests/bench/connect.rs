//! A real client on one stream to the real server in this process.

use std::sync::Arc;
use std::time::Duration;

use bitbucket_vault_mcp::auth0::{ClientAuthentication, RefreshToken, Settings as Auth0};
use bitbucket_vault_mcp::identity::Keep;
use bitbucket_vault_mcp::sandbox::Sandbox;
use bitbucket_vault_mcp::server::dispatch::{Approval, Dispatcher, Settings};
use bitbucket_vault_mcp::server::local::{Local, LocalSettings};
use bitbucket_vault_mcp::server::policy::{Policy, Selection};
use bitbucket_vault_mcp::server::{Server, stdio};
use bitbucket_vault_mcp::tool::RepositoryPolicy;
use rmcp::service::RunningService;
use rmcp::{RoleClient, ServiceExt};

/// A client of a server that works for the sandbox's linked person.
pub(crate) async fn connect(sandbox: &Sandbox) -> RunningService<RoleClient, ()> {
    let local = Local::new(LocalSettings {
        auth0: Auth0 {
            domain: format!("{}/", sandbox.auth0_domain()).parse().unwrap(),
            client_id: sandbox.client_id(),
            authentication: ClientAuthentication::Secret(sandbox.client_secret().into()),
            organization: None,
        },
        connection: "bitbucket".to_owned(),
        refresh_token: sandbox.refresh_token("linked").map(RefreshToken::from),
        bitbucket_api_url: sandbox.bitbucket_api_url().parse().unwrap(),
        cache_age: Duration::from_secs(900),
        keep: Keep::new(std::env::temp_dir(), false),
    });
    let server = Server::new(Arc::new(dispatcher()), Arc::new(local.unwrap()));
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    tokio::spawn(async move {
        let (reader, writer) = tokio::io::split(theirs);
        stdio::serve_on(server, reader, writer).await.unwrap();
    });
    ().serve(ours).await.unwrap()
}

/// What carries out calls, with the tools that are on by default.
pub(crate) fn dispatcher() -> Dispatcher {
    Dispatcher::new(Settings {
        policy: Policy::new(&Selection::default()),
        repositories: RepositoryPolicy::default(),
        approval: Approval::Auto,
        deadline: Duration::from_secs(50),
        max_calls: 64,
        setup: None,
        read_only: false,
    })
}

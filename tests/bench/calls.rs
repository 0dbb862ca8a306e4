//! What a call costs above the request that it makes, in pairs within one run:
//! `cargo bench --bench calls`.
//!
//! Each group is the same read of the sandbox's Bitbucket: once by a bare HTTP client, once as a tool
//! call of a real MCP client through the real server on one stream, and once as a tool call over HTTP,
//! whose access token is checked each time. The Bitbucket token is already in the cache.

#![allow(
    missing_docs,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a bench fails by panicking"
)]

mod http;

use std::sync::Arc;
use std::time::Duration;

use bitbucket_vault_mcp::auth0::{ClientAuthentication, RefreshToken, Settings as Auth0};
use bitbucket_vault_mcp::identity::Keep;
use bitbucket_vault_mcp::sandbox::{Options, Sandbox};
use bitbucket_vault_mcp::server::dispatch::{Approval, Dispatcher, Settings};
use bitbucket_vault_mcp::server::local::{Local, LocalSettings};
use bitbucket_vault_mcp::server::policy::{Policy, Selection};
use bitbucket_vault_mcp::server::{Server, stdio};
use bitbucket_vault_mcp::tool::RepositoryPolicy;
use criterion::{Criterion, criterion_group, criterion_main};
use http::Served;
use rmcp::model::CallToolRequestParams;
use rmcp::service::RunningService;
use rmcp::{RoleClient, ServiceExt};
use serde_json::Value;
use tokio::runtime::Runtime;

/// What is read, as a tool call and as the request behind it.
const PAIRS: &[(&str, &str, &str)] = &[
    ("get_repository", r#"{"repository":"acme/shop"}"#, "repositories/acme/shop"),
    (
        "list_pull_requests",
        r#"{"repository":"acme/shop"}"#,
        "repositories/acme/shop/pullrequests?pagelen=25",
    ),
];

fn calls(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let sandbox = runtime.block_on(Sandbox::start(Options::default())).unwrap();
    let client = runtime.block_on(connect(&sandbox));
    let served = runtime.block_on(async { Served::start(&sandbox, dispatcher()) });
    let bare = reqwest::Client::builder().no_proxy().build().unwrap();
    for (tool, arguments, path) in PAIRS {
        let arguments: Value = serde_json::from_str(arguments).unwrap();
        let call = || {
            CallToolRequestParams::new(*tool).with_arguments(arguments.as_object().unwrap().clone())
        };
        let answer = runtime.block_on(client.call_tool(call())).unwrap();
        assert_ne!(answer.is_error, Some(true), "{tool}");
        let answer = runtime.block_on(served.call(tool, &arguments));
        assert!(answer["result"]["structuredContent"].is_object(), "{answer}");
        let bearer = bearer(&sandbox);
        let url = format!("{}/{path}", sandbox.bitbucket_api_url());
        let mut group = criterion.benchmark_group(*tool);
        group.bench_function("bare request", |bencher| {
            bencher.to_async(&runtime).iter(|| async {
                let answer = bare.get(&url).header("authorization", &bearer).send().await.unwrap();
                answer.error_for_status().unwrap().bytes().await.unwrap()
            });
        });
        group.bench_function("tool call", |bencher| {
            bencher.to_async(&runtime).iter(|| async { client.call_tool(call()).await.unwrap() });
        });
        group.bench_function("tool call over HTTP", |bencher| {
            bencher.to_async(&runtime).iter(|| async { served.call(tool, &arguments).await });
        });
        group.finish();
    }
    criterion.bench_function("tools/list", |bencher| {
        bencher.to_async(&runtime).iter(|| async { client.list_tools(None).await.unwrap() });
    });
}

/// The header that the server's last request to Bitbucket carried.
fn bearer(sandbox: &Sandbox) -> String {
    let requests = sandbox.requests();
    let to_bitbucket = requests.iter().rev().find(|request| request.path.starts_with("/2.0"));
    to_bitbucket.unwrap().authorization.clone().unwrap()
}

async fn connect(sandbox: &Sandbox) -> RunningService<RoleClient, ()> {
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

fn dispatcher() -> Dispatcher {
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

criterion_group!(benches, calls);
criterion_main!(benches);

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

mod connect;
mod http;

use bitbucket_vault_mcp::sandbox::{Options, Sandbox};
use connect::{connect, dispatcher};
use criterion::{Criterion, criterion_group, criterion_main};
use http::Served;
use rmcp::model::CallToolRequestParams;
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

criterion_group!(benches, calls);
criterion_main!(benches);

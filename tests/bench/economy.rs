//! What the jobs of a working day cost an agent, in calls, tokens and requests to Bitbucket:
//! `cargo bench --bench economy`.
//!
//! Each job is done through a real MCP client on the sandbox's own repository, `acme/shop`, as a careful
//! agent would do it. Tokens are those of the answers, by the o200k vocabulary: of the text, and of the
//! structured content as compact JSON. The figures beside them are the most that a job may cost; a job
//! that costs more ends the run with an error.

#![allow(
    missing_docs,
    clippy::exit,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints its table and fails by panicking"
)]

mod connect;

use bitbucket_vault_mcp::sandbox::{Options, Sandbox};
use rmcp::RoleClient;
use rmcp::model::CallToolRequestParams;
use rmcp::service::RunningService;
use serde_json::{Value, json};

/// How much longer the structured content may be than the text's figure, in percent.
const STRUCTURED: usize = 115;

/// A job, what it may cost, and the steps of it.
struct Job {
    name: &'static str,
    /// Calls, tokens, requests to Bitbucket.
    most: [usize; 3],
    steps: &'static [Step],
}

/// Makes one call out of the structured answers so far.
type Step = fn(&[Value]) -> (&'static str, Value);

/// What a job did cost.
struct Cost {
    calls: usize,
    text: usize,
    structured: usize,
    requests: usize,
}

const JOBS: &[Job] = &[
    Job {
        name: "review: context, diff of 3 files, 3 comments, verdict",
        most: [3, 5_400, 10],
        steps: &[
            |_| ("get_pull_request", json!({ "repository": "acme/shop", "number": 42 })),
            |_| {
                (
                    "get_pull_request_diff",
                    json!({
                        "repository": "acme/shop", "number": 42,
                        "paths": ["src/money/money.ts", "src/checkout/total.ts", "src/money/round.ts"],
                    }),
                )
            },
            |_| {
                (
                    "review_pull_request",
                    json!({
                        "repository": "acme/shop", "number": 42, "verdict": "approve",
                        "comments": [
                            { "path": "src/money/money.ts", "quote": "Math.round(rate * 100)", "text": "Please refuse rates with more digits." },
                            { "path": "src/checkout/total.ts", "quote": "const reduced", "text": "A name that says reduced by what would help." },
                            { "path": "src/money/money.ts", "line": 3, "text": "Worth a word on why cents are kept as integers." },
                        ],
                    }),
                )
            },
        ],
    },
    Job {
        name: "answer and resolve 3 open threads",
        most: [2, 320, 8],
        steps: &[
            |_| {
                (
                    "list_comments",
                    json!({ "repository": "acme/shop", "number": 42, "unresolved": true }),
                )
            },
            |answers| {
                let on_files: Vec<&Value> = answers[0]["threads"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|thread| thread.get("path").is_some())
                    .map(|thread| &thread["id"])
                    .take(3)
                    .collect();
                let replies: Vec<Value> = on_files
                    .iter()
                    .map(|id| json!({ "reply_to": id, "text": "Done, thank you." }))
                    .collect();
                (
                    "review_pull_request",
                    json!({
                        "repository": "acme/shop", "number": 42, "comments": replies, "resolve": on_files,
                    }),
                )
            },
        ],
    },
    Job {
        name: "open a pull request with default reviewers",
        most: [1, 60, 4],
        steps: &[|_| {
            (
                "create_pull_request",
                json!({
                    "repository": "acme/shop", "source": "experiment/bun", "title": "Say what a basket costs",
                }),
            )
        }],
    },
    Job {
        name: "list 20 open pull requests",
        most: [1, 760, 1],
        steps: &[|_| ("list_pull_requests", json!({ "repository": "acme/shop", "limit": 20 }))],
    },
    Job {
        name: "find code, read 60 lines around it",
        most: [2, 1_350, 3],
        steps: &[
            |_| ("search_code", json!({ "repository": "acme/shop", "query": "roundOnce" })),
            |answers| {
                let first = &answers[0]["files"][0];
                let line = first["lines"][0]["line"].as_u64().unwrap();
                (
                    "get_file",
                    json!({
                        "repository": "acme/shop", "path": first["path"],
                        "revision": answers[0]["commit"],
                        "from_line": line.saturating_sub(29).max(1), "lines": 60,
                    }),
                )
            },
        ],
    },
    Job {
        name: "merge when green",
        most: [1, 60, 5],
        steps: &[|_| ("merge_pull_request", json!({ "repository": "acme/shop", "number": 35 }))],
    },
    Job {
        name: "change 2 files on a new branch, open a pull request",
        most: [2, 90, 8],
        steps: &[
            |_| {
                (
                    "commit_files",
                    json!({
                        "repository": "acme/shop", "new_branch": "docs/two-files", "message": "Say how prices are rounded",
                        "files": [
                            { "path": "docs/prices.md", "content": "# Prices\n\nPrices are rounded once.\n" },
                            { "path": "docs/taxes.md", "content": "# Taxes\n\nTaxes are rounded once.\n" },
                        ],
                    }),
                )
            },
            |_| {
                (
                    "create_pull_request",
                    json!({
                        "repository": "acme/shop", "source": "docs/two-files", "title": "Say how prices are rounded",
                    }),
                )
            },
        ],
    },
];

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!(
        "{:<55} {:>9} {:>15} {:>13} {:>10}",
        "job", "calls", "tokens", "structured", "requests"
    );
    let mut kept = true;
    for job in JOBS {
        let cost = runtime.block_on(job.cost());
        let [calls, tokens, requests] = job.most;
        println!(
            "{:<55} {:>5} ≤ {calls} {:>7} ≤ {tokens:>5} {:>5} ≤ {:>5} {:>5} ≤ {requests:>2}",
            job.name,
            cost.calls,
            cost.text,
            cost.structured,
            tokens * STRUCTURED / 100,
            cost.requests,
        );
        kept &= cost.calls <= calls
            && cost.text <= tokens
            && cost.structured <= tokens * STRUCTURED / 100
            && cost.requests <= requests;
    }
    if !kept {
        println!("a job costs more than it may");
        std::process::exit(1);
    }
}

impl Job {
    /// Does the job once, in a sandbox of its own, whose person has been at work before: their token and
    /// scopes are known.
    async fn cost(&self) -> Cost {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        let client = connect::connect(&sandbox).await;
        call(&client, "list_branches", json!({ "repository": "acme/shop", "limit": 1 })).await;
        sandbox.clear_requests();
        let (mut answers, mut text, mut structured) = (Vec::new(), 0, 0);
        for step in self.steps {
            let (tool, arguments) = step(&answers);
            let (said, answer) = call(&client, tool, arguments).await;
            text += tokens(&said);
            structured += tokens(&answer.to_string());
            answers.push(answer);
        }
        let to_bitbucket = |path: &str| path.starts_with("/2.0");
        let requests = sandbox.requests().iter().filter(|one| to_bitbucket(&one.path)).count();
        Cost { calls: self.steps.len(), text, structured, requests }
    }
}

async fn call(
    client: &RunningService<RoleClient, ()>,
    tool: &'static str,
    arguments: Value,
) -> (String, Value) {
    let call =
        CallToolRequestParams::new(tool).with_arguments(arguments.as_object().unwrap().clone());
    let answer = client.call_tool(call).await.unwrap();
    let text =
        serde_json::to_value(&answer.content).unwrap()[0]["text"].as_str().unwrap().to_owned();
    assert_ne!(answer.is_error, Some(true), "{tool}: {text}");
    (text, answer.structured_content.unwrap())
}

fn tokens(text: &str) -> usize {
    tiktoken_rs::o200k_base_singleton().encode_with_special_tokens(text).len()
}

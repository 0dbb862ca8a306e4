//! `demo`: the whole story, offline. Every line tells what happened in this very run.

mod story;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use rmcp::model::{CallToolRequestParams, CallToolResult, ProtocolVersion};
use rmcp::service::RunningService;
use rmcp::{ClientLifecycleMode, ClientServiceExt, RoleClient};
use serde_json::{Value, json};

use super::configured;
use crate::config::{Need, Sources};
use crate::sandbox::{Options, Sandbox, Start};
use crate::server::newcomer::Newcomer;
use crate::server::{self, Server};
use crate::tool;
use story::{Person, Story};

/// Whose part the demo plays: somebody whose Bitbucket account is not linked yet.
const ACCOUNT: &str = "guest";
const REPOSITORY: &str = "acme/shop";
/// The pull request that is reviewed and merged.
const NUMBER: u32 = 42;
/// How much of a pipe the client and the server share.
const PIPE: usize = 1 << 20;

/// Show the whole story offline: set an empty tenant up, link an account, then read, review and merge a
/// pull request.
#[derive(Debug, Args)]
pub(super) struct Demo {}

impl Demo {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let started = Instant::now();
        let options = Options { tenant: Start::Empty, ..Options::default() };
        let sandbox = Sandbox::start(options).await.context("the sandbox could not start")?;
        let sandbox = Arc::new(sandbox);
        let story = Story::new();
        story.chapter("The stage");
        story.line(
            "sandbox",
            &format!("an Auth0 tenant at {}, as good as new", sandbox.auth0_domain()),
        );
        story.line("sandbox", &format!("a Bitbucket Cloud at {}", sandbox.bitbucket_api_url()));
        let mut agent = Agent::connect(Arc::clone(&sandbox), story.clone()).await?;
        agent.list_tools().await?;
        agent.set_up().await?;
        agent.tell().await?;
        agent.check_secrecy()?;
        agent.client.close().await?;
        story.chapter("The end");
        story.line(
            "demo",
            &format!("all of it happened in {:.1} s", started.elapsed().as_secs_f32()),
        );
        story.finish()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A real MCP client before the real server, with a person beside it.
struct Agent {
    client: RunningService<RoleClient, Person>,
    /// Whom the server serves.
    served: Arc<Newcomer>,
    sandbox: Arc<Sandbox>,
    story: Story,
    _state: tempfile::TempDir,
}

impl Agent {
    async fn connect(sandbox: Arc<Sandbox>, story: Story) -> anyhow::Result<Self> {
        // Nothing of this machine counts here: not its environment, not its state.
        let state = tempfile::tempdir()?;
        let mut sources = Sources::new(BTreeMap::new());
        sources.state_folder = Some(state.path().to_owned());
        // The person enters the consumer's key and secret, as most will; so they are no settings.
        let settings = sandbox.setup_settings().into_iter();
        let settings = settings.filter(|(name, _)| !name.starts_with("BITBUCKET_CONSUMER_"));
        let sources = sources.in_sandbox(settings).keeping_at(state.path().join("config.toml"));
        let config = configured::load(&sources, Need::Stdio)?;
        let served = Arc::new(configured::newcomer(&config, &sources));
        let dispatcher = configured::dispatcher_for_one(&config, &sources)?;
        let server = Server::new(dispatcher, Arc::clone(&served) as Arc<dyn tool::Person>);
        let (ours, theirs) = tokio::io::duplex(PIPE);
        tokio::spawn(async move {
            let (reader, writer) = tokio::io::split(theirs);
            if let Err(error) = server::stdio::serve_on(server, reader, writer).await {
                tracing::error!(%error, "the server stopped");
            }
        });
        let person = Person::new(Arc::clone(&sandbox), ACCOUNT, story.clone());
        let lifecycle = ClientLifecycleMode::Discover {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        };
        let client = person.serve_with_lifecycle(ours, lifecycle).await?;
        Ok(Self { client, served, sandbox, story, _state: state })
    }

    async fn list_tools(&self) -> anyhow::Result<()> {
        let tools = self.client.list_all_tools().await?;
        let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
        self.story.line("agent", "connects as an MCP client (2026-07-28) and lists the tools");
        self.story.result(&format!("{} tools: {}", tools.len(), names.join(", ")), usize::MAX);
        Ok(())
    }

    async fn set_up(&mut self) -> anyhow::Result<()> {
        self.story.chapter("An empty tenant: what is missing, and what would be changed");
        let checked = self.call("check_connection", json!({}), 16).await?;
        let rows = checked.get("rows").and_then(Value::as_array);
        ensure!(rows.is_some_and(|rows| !rows.is_empty()), "nothing is missing: {checked}");
        let planned = self.call("plan_connection", json!({}), 24).await?;
        let digest = planned.get("digest").cloned().unwrap_or_default();

        self.story.chapter("The person approves the changes, and enters the secret elsewhere");
        let done = self.call("configure_connection", json!({ "digest": digest }), 12).await?;
        let remaining = done.get("remaining").and_then(Value::as_array);
        ensure!(remaining.is_some_and(Vec::is_empty), "something remains: {done}");
        Ok(())
    }

    async fn tell(&mut self) -> anyhow::Result<()> {
        self.story.chapter("The first call finds no Bitbucket account linked");
        self.call("list_pull_requests", json!({ "repository": REPOSITORY, "limit": 6 }), 10)
            .await?;

        self.story.chapter("A real exchange proves the connection");
        let tested = self.call("test_connection", json!({}), 8).await?;
        ensure!(tested.get("works") == Some(&Value::Bool(true)), "it does not work: {tested}");
        let checked = self.call("check_connection", json!({}), 4).await?;
        ensure!(checked.get("met") == checked.get("total"), "something is missing: {checked}");

        self.story.chapter("Now the agent works as its user");
        self.call("get_pull_request", about(json!({})), 30).await?;
        let paths = json!({ "paths": ["src/checkout/total.ts", "src/checkout/tax.ts"] });
        self.call("get_pull_request_diff", about(paths), 24).await?;

        self.story.chapter("A whole review is one call, and a repeated one posts nothing twice");
        let review = about(json!({
            "comments": [
                { "text": "Reads well. One more test, for an empty cart?" },
                { "text": "The one place that rounds now: good.", "path": "src/checkout/total.ts" },
            ],
            "verdict": "approve",
        }));
        self.call("review_pull_request", review.clone(), 12).await?;
        self.story.line("agent", "sends the same review again, as agents do");
        self.call("review_pull_request", review, 12).await?;

        self.story.chapter("A merge is checked first, and needs the person's yes");
        let refused = self.attempt("merge_pull_request", about(json!({})), 6).await?;
        ensure!(refused.is_error == Some(true), "the open task did not stop the merge");
        self.story.line("person", "tells the agent that the task can wait");
        let merge = about(json!({ "ignore": ["tasks"] }));
        let merged = self.call("merge_pull_request", merge, 6).await?;
        let commit = merged.get("commit").and_then(Value::as_str);
        ensure!(commit.is_some(), "the merge names no commit: {merged}");
        let include = json!({ "include": ["mergeability"] });
        let read = self.call("get_pull_request", about(include), 4).await?;
        let state = read.get("state").and_then(Value::as_str);
        ensure!(state == Some("merged"), "the pull request is not merged: {read}");
        Ok(())
    }

    /// Calls a tool, which must work, and gives what code reads.
    async fn call(&self, tool: &str, arguments: Value, lines: usize) -> anyhow::Result<Value> {
        let result = self.attempt(tool, arguments, lines).await?;
        ensure!(result.is_error != Some(true), "`{tool}` failed");
        result.structured_content.with_context(|| format!("`{tool}` answered without structure"))
    }

    /// Calls a tool as an agent would, and tells what went to and fro.
    async fn attempt(
        &self,
        tool: &str,
        arguments: Value,
        lines: usize,
    ) -> anyhow::Result<CallToolResult> {
        let exchanges = self.sandbox.world().exchanges(ACCOUNT);
        let requests = self.sandbox.requests().len();
        self.story.line("agent", &format!("{tool} {arguments}"));
        let Value::Object(arguments) = arguments else { bail!("arguments are an object") };
        let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let result = self.client.call_tool(request).await?;
        let text = result.content.first().and_then(|block| block.as_text());
        let text = text.with_context(|| format!("`{tool}` answered without text"))?;
        self.story.result(&text.text, lines);
        self.story.line("vault", &self.vault(exchanges, requests));
        Ok(result)
    }

    /// What the call cost, as the sandbox itself counted.
    fn vault(&self, exchanges_before: usize, requests_before: usize) -> String {
        let exchanges = self.sandbox.world().exchanges(ACCOUNT) - exchanges_before;
        let to_bitbucket = self.sandbox.requests().into_iter().skip(requests_before);
        let to_bitbucket = to_bitbucket.filter(|request| request.path.starts_with("/2.0")).count();
        let cached = self.served.local().map_or(0, |local| local.broker.counts().cached);
        format!(
            "{} exchanged, {cached} cached; {} to Bitbucket",
            many(exchanges, "token"),
            many(to_bitbucket, "request"),
        )
    }

    /// No token that either service ever saw may stand in what the agent saw.
    fn check_secrecy(&self) -> anyhow::Result<()> {
        self.story.chapter("What the agent never saw");
        let seen = self.story.seen_by_agent();
        let mut tokens = 0;
        for request in self.sandbox.requests() {
            let Some(header) = &request.authorization else { continue };
            let token = header.split_once(' ').map_or(header.as_str(), |(_, token)| token);
            tokens += 1;
            ensure!(!seen.contains(token), "a token reached the agent");
        }
        let secrets = self.sandbox.setup_settings();
        for (_, secret) in secrets.iter().filter(|(name, _)| name.ends_with("_SECRET")) {
            ensure!(!seen.contains(secret), "a secret reached the agent");
        }
        self.story.line(
            "demo",
            &format!("{tokens} requests carried a token; none of them is in the {} bytes that the agent read", seen.len()),
        );
        Ok(())
    }
}

/// `arguments` about the pull request of this story.
fn about(mut arguments: Value) -> Value {
    if let Value::Object(arguments) = &mut arguments {
        arguments.insert("repository".to_owned(), REPOSITORY.into());
        arguments.insert("number".to_owned(), NUMBER.into());
    }
    arguments
}

fn many(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

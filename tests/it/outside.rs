//! The built binary between a client and a sandbox that runs in the test itself, so that the test sees
//! everything that reaches Auth0 and Bitbucket.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bitbucket_vault_mcp::sandbox::{Options, Sandbox, Service, Start};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::child::{Server, modern, program};

/// Pages for the browser are on six fixed ports, so one test at a time may open some.
static PAGES: Mutex<()> = Mutex::new(());

/// What a client declares that shows forms, opens pages, or both. `{}` is one that can do neither.
pub(crate) fn can(modes: &[&str]) -> Value {
    if modes.is_empty() {
        return json!({});
    }
    let modes: serde_json::Map<_, _> =
        modes.iter().map(|mode| ((*mode).to_owned(), json!({}))).collect();
    json!({ "elicitation": modes })
}

/// The world of one test.
pub(crate) struct Outside {
    sandbox: Sandbox,
    state: TempDir,
    runtime: Runtime,
    _pages: Option<MutexGuard<'static, ()>>,
}

impl Outside {
    pub(crate) fn new() -> Self {
        Self::starting(Start::Ready)
    }

    /// With a tenant that is set up so far.
    pub(crate) fn starting(tenant: Start) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.unwrap();
        let sandbox =
            runtime.block_on(Sandbox::start(Options { tenant, ..Options::default() })).unwrap();
        Self { sandbox, state: tempfile::tempdir().unwrap(), runtime, _pages: None }
    }

    /// For a test whose server may open a page for the browser.
    pub(crate) fn with_pages() -> Self {
        Self::new().opening_pages()
    }

    /// The same world, in which the server may open a page for the browser.
    pub(crate) fn opening_pages(self) -> Self {
        let pages = PAGES.lock().unwrap_or_else(PoisonError::into_inner);
        Self { _pages: Some(pages), ..self }
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Where the program keeps its state.
    pub(crate) fn state(&self) -> &Path {
        self.state.path()
    }

    /// The program with the settings for `account`; without one, nobody is signed in.
    pub(crate) fn command(&self, arguments: &[&str], account: Option<&str>) -> Command {
        let mut command = program(arguments);
        command.env("HOME", self.state.path()).env("XDG_CONFIG_HOME", self.state.path());
        command.env("BITBUCKET_MCP_STATE_DIR", self.state.path().join("state"));
        command.envs(self.sandbox.settings(account));
        command
    }

    /// `stdio` with more settings, ready for a client of the stateless protocol.
    pub(crate) fn server(&self, account: &str, settings: &[(&str, &str)]) -> Server {
        let mut command = self.command(&["stdio"], Some(account));
        command.envs(settings.iter().copied());
        Server::start(command)
    }

    /// The same, in a session of 2025-11-25 with `capabilities`.
    pub(crate) fn session(
        &self,
        account: &str,
        capabilities: Value,
        settings: &[(&str, &str)],
    ) -> Server {
        let mut server = self.server(account, settings);
        server.initialize("2025-11-25", capabilities);
        server
    }

    /// The person of `account` opens `url` and agrees to everything; gives the last page's text.
    pub(crate) fn consent(&self, url: &str, account: &str) -> String {
        self.runtime.block_on(self.sandbox.consent(url, account)).unwrap()
    }

    /// The person of `account` opens `url`, signs in and refuses.
    pub(crate) fn refuse(&self, url: &str, account: &str) -> String {
        self.runtime.block_on(self.sandbox.refuse(url, account)).unwrap()
    }

    /// Runs what needs a runtime.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// How many requests that were no reads have reached Bitbucket.
    pub(crate) fn writes(&self) -> usize {
        let is_write = |request: &&bitbucket_vault_mcp::sandbox::Recorded| {
            request.service == Service::Bitbucket && request.method != "GET"
        };
        self.sandbox.requests().iter().filter(is_write).count()
    }

    /// How often the tenant was changed through the Management API.
    pub(crate) fn changes(&self) -> usize {
        let is_change = |request: &&bitbucket_vault_mcp::sandbox::Recorded| {
            request.path.starts_with("/api/v2/") && request.method != "GET"
        };
        self.sandbox.requests().iter().filter(is_change).count()
    }
}

/// A call of a stateless client, bringing `answers` and `state` where it has them.
pub(crate) fn call(
    tool: &str,
    arguments: &Value,
    capabilities: Value,
    again: Option<(Value, &str)>,
) -> Value {
    let mut params = modern(json!({ "name": tool, "arguments": arguments }), capabilities);
    if let Some((answers, state)) = again {
        params["inputResponses"] = answers;
        params["requestState"] = state.into();
    }
    params
}

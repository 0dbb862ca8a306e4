//! A stage for tests: the sandbox with the real server in front of it, seen as an agent sees it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::auth0::{
    ClientAuthentication, Management, ManagementSettings, RefreshToken, Settings as Auth0Settings,
};
use crate::identity::Keep;
use crate::net::Http;
use crate::sandbox::{Options, Recorded, Sandbox};
use crate::server::dispatch::{Approval, Dispatcher, Request, Settings};
use crate::server::local::{Local, LocalSettings};
use crate::server::policy::{Policy, Selection};
use crate::setup::{self, Setup, Transports};
use crate::tool::{Answered, Ask, Progress, Rendered, RepositoryPolicy, Visit};
use crate::{Result, tools};

/// A sandbox, and a server for each of its accounts.
pub(crate) struct Stage {
    sandbox: Arc<Sandbox>,
    servers: Mutex<HashMap<String, Arc<Served>>>,
    repositories: Vec<String>,
    approval: Approval,
    read_only: bool,
    setup: Setup,
    state: tempfile::TempDir,
}

/// The server of one account.
pub(crate) struct Served {
    pub(crate) local: Local,
    pub(crate) dispatcher: Dispatcher,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let sandbox = Arc::new(Sandbox::start(Options::default()).await.unwrap());
        let setup = Setup::new(setup_settings(&sandbox));
        Self {
            sandbox,
            setup,
            servers: Mutex::default(),
            repositories: Vec::new(),
            approval: Approval::Auto,
            read_only: false,
            state: tempfile::tempdir().unwrap(),
        }
    }

    /// Only these repositories exist.
    pub(crate) fn only(mut self, globs: &[&str]) -> Self {
        self.repositories = globs.iter().map(ToString::to_string).collect();
        self
    }

    pub(crate) fn approval(mut self, approval: Approval) -> Self {
        self.approval = approval;
        self
    }

    /// Nothing may be changed.
    pub(crate) fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// The set-up of the sandbox's tenant.
    pub(crate) fn setup(&self) -> &Setup {
        &self.setup
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// What reached Bitbucket since the last [`clear_requests`](Sandbox::clear_requests), as
    /// `GET /path?query`.
    pub(crate) fn requests(&self) -> Vec<String> {
        let to_bitbucket = |recorded: &Recorded| recorded.path.starts_with("/2.0");
        self.sandbox
            .requests()
            .iter()
            .filter(|recorded| to_bitbucket(recorded))
            .map(|recorded| format!("{} {}", recorded.method, recorded.path))
            .collect()
    }

    /// What the agent reads when a client without any way to ask calls `tool`.
    pub(crate) async fn call_as(&self, account: &str, tool: &str, arguments: Value) -> String {
        self.call(account, tool, arguments, Arc::new(Nobody))
            .await
            .map_or_else(|error| error.words(), |answer| answer.text)
    }

    /// The same, where the person says yes to everything and links when asked.
    pub(crate) async fn call_consenting_as(
        &self,
        account: &str,
        tool: &str,
        arguments: Value,
    ) -> String {
        let ask = Consenting { sandbox: Arc::clone(&self.sandbox), account: account.to_owned() };
        self.call(account, tool, arguments, Arc::new(ask))
            .await
            .map_or_else(|error| error.words(), |answer| answer.text)
    }

    /// The same, where the person says no.
    pub(crate) async fn call_refusing_as(
        &self,
        account: &str,
        tool: &str,
        arguments: Value,
    ) -> String {
        self.call(account, tool, arguments, Arc::new(Refusing))
            .await
            .map_or_else(|error| error.words(), |answer| answer.text)
    }

    /// What code reads.
    pub(crate) async fn structured_as(&self, account: &str, tool: &str, arguments: Value) -> Value {
        let answer = self.call(account, tool, arguments, Arc::new(Nobody)).await;
        answer.unwrap_or_else(|error| panic!("{error}")).structured
    }

    pub(crate) async fn call(
        &self,
        account: &str,
        tool: &str,
        arguments: Value,
        ask: Arc<dyn Ask>,
    ) -> Result<Rendered> {
        let entry = tools::find(tool).unwrap_or_else(|| panic!("no tool `{tool}`"));
        let served = self.served(account);
        let person = Arc::new(served.local.clone());
        let request = Request::new(person, entry, arguments.as_object().unwrap().clone()).await;
        let cancel = CancellationToken::new();
        served.dispatcher.call(&request, ask, Arc::new(Silent), cancel).await
    }

    /// The server of `account`, the same at every call.
    pub(crate) fn served(&self, account: &str) -> Arc<Served> {
        let mut servers = self.servers.lock().unwrap();
        let served =
            servers.entry(account.to_owned()).or_insert_with(|| Arc::new(self.serve(account)));
        Arc::clone(served)
    }

    fn serve(&self, account: &str) -> Served {
        let local = Local::new(self.settings(account)).unwrap();
        let settings = Settings {
            policy: Policy::new(&Selection {
                toolsets: vec!["all".into()],
                management: true,
                read_only: self.read_only,
                ..Selection::default()
            }),
            repositories: RepositoryPolicy::new(&self.repositories).unwrap(),
            approval: self.approval,
            deadline: Duration::from_secs(20),
            max_calls: 64,
            setup: Some(self.setup.clone()),
            read_only: self.read_only,
        };
        Served { dispatcher: Dispatcher::new(settings), local }
    }

    fn settings(&self, account: &str) -> LocalSettings {
        let refresh_token = self.sandbox.refresh_token(account).unwrap();
        LocalSettings {
            auth0: Auth0Settings {
                domain: format!("{}/", self.sandbox.auth0_domain()).parse().unwrap(),
                client_id: self.sandbox.client_id().to_owned(),
                authentication: ClientAuthentication::Secret(
                    self.sandbox.client_secret().to_owned().into(),
                ),
                organization: None,
            },
            connection: "bitbucket".to_owned(),
            refresh_token: Some(RefreshToken::from(refresh_token)),
            bitbucket_api_url: self.sandbox.bitbucket_api_url().parse().unwrap(),
            cache_age: Duration::from_secs(15 * 60),
            keep: Keep::new(self.state.path().to_owned(), false),
        }
    }

    /// `text` without what differs from run to run: ports, tickets, ids of links, days.
    pub(crate) fn without_ids(&self, text: &str) -> String {
        let mut plain = String::new();
        for word in text.split_inclusive([' ', '\n', ',']) {
            let bare = word.trim_end_matches([' ', '\n', ',']);
            let rest = &word[bare.len()..];
            plain.push_str(match bare {
                _ if bare.starts_with("http://127.0.0.1:") => "http://127.0.0.1/…",
                _ if bare.starts_with("cac_") => "cac_…",
                _ if bare.len() == 10 && bare.starts_with("20") && bare.contains('-') => "…day…",
                _ => bare,
            });
            plain.push_str(rest);
        }
        plain
    }
}

fn setup_settings(sandbox: &Sandbox) -> setup::Settings {
    let given = sandbox.management_settings();
    let given = |name: &str| given.iter().find(|(known, _)| *known == name).unwrap().1.clone();
    let domain: Url = format!("{}/", sandbox.auth0_domain()).parse().unwrap();
    let management = ManagementSettings {
        domain: domain.clone(),
        client_id: given("AUTH0_MANAGEMENT_CLIENT_ID"),
        client_secret: given("AUTH0_MANAGEMENT_CLIENT_SECRET").into(),
    };
    let mut scopes: Vec<&str> = tools::all().flat_map(|entry| entry.scopes).copied().collect();
    scopes.sort_unstable();
    scopes.dedup();
    setup::Settings {
        management: Management::new(Http::new(), management).unwrap(),
        domain,
        connection: "bitbucket".to_owned(),
        application: Some((Transports::Stdio, sandbox.client_id())),
        api_client: None,
        public_url: None,
        organization: None,
        consumer: None,
        scopes,
        transports: Transports::Stdio,
        keep: None,
    }
}

/// How many tokens a model reads `text` as, by the o200k vocabulary.
pub(crate) fn tokens(text: &str) -> usize {
    tiktoken_rs::o200k_base_singleton().encode_with_special_tokens(text).len()
}

/// A client that has no way to ask.
pub(crate) struct Nobody;
/// A person who says no.
struct Refusing;
/// A person who says yes, and follows a page to its end.
struct Consenting {
    sandbox: Arc<Sandbox>,
    account: String,
}
/// A client that does not want to hear of progress.
pub(crate) struct Silent;

impl Ask for Nobody {
    fn confirm<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Answered>> {
        Box::pin(async { Ok(Answered::Nobody) })
    }

    fn open<'a>(&'a self, _: &'a Visit) -> BoxFuture<'a, Result<Answered>> {
        Box::pin(async { Ok(Answered::Nobody) })
    }

    fn opened<'a>(&'a self, _: &'a Visit) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

impl Ask for Refusing {
    fn confirm<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Answered>> {
        Box::pin(async { Ok(Answered::No) })
    }

    fn open<'a>(&'a self, _: &'a Visit) -> BoxFuture<'a, Result<Answered>> {
        Box::pin(async { Ok(Answered::No) })
    }

    fn opened<'a>(&'a self, _: &'a Visit) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

impl Ask for Consenting {
    fn confirm<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Answered>> {
        Box::pin(async { Ok(Answered::Yes) })
    }

    fn open<'a>(&'a self, visit: &'a Visit) -> BoxFuture<'a, Result<Answered>> {
        let (sandbox, account) = (Arc::clone(&self.sandbox), self.account.clone());
        let url = visit.url.to_string();
        Box::pin(async move {
            tokio::spawn(async move { sandbox.consent(&url, &account).await.unwrap() });
            Ok(Answered::Yes)
        })
    }

    fn opened<'a>(&'a self, _: &'a Visit) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

impl Progress for Silent {
    fn report(&self, _: u32, _: Option<u32>, _: &str) {}
}

//! The MCP side: lists the catalogue and hands calls to it, nothing else.
//!
//! What every call goes through is in [`dispatch`]; how a person is asked is in [`ask`]; which tools
//! exist is in [`policy`]; the two ways in are [`stdio`] and [`http`].

pub mod ask;
pub mod dispatch;
pub mod http;
pub mod local;
pub mod newcomer;
pub mod policy;
mod progress;
mod spent;
pub mod stdio;
mod visits;

use std::sync::Arc;

use rmcp::ServerHandler;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CustomRequest,
    CustomResult, ErrorCode, ErrorData, Implementation, InputRequiredResult, JsonObject,
    ListToolsResult, MetaObject, PaginatedRequestParams, ProtocolVersion, ServerCapabilities,
    ServerConfig,
};
use rmcp::service::{RequestContext, RoleServer};

use crate::Error;
use crate::tool::{Entry, Person};

use ask::ClientAsk;
use dispatch::{Dispatcher, Request};
use progress::ClientProgress;
use visits::Visits;

/// What the protocol calls the place where a result says which server made it.
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// How long a client may keep the list of tools: settings are fixed while the server runs.
const LIST_LIFE_MS: u64 = 60 * 60 * 1000;

/// Serves the catalogue.
#[derive(Clone)]
pub struct Server {
    dispatcher: Arc<Dispatcher>,
    people: Arc<dyn People>,
    visits: Arc<Visits>,
}

/// Tells whom a request is made for.
pub trait People: Send + Sync {
    /// The person behind `context`, who wants to call `entry` with `arguments`.
    ///
    /// # Errors
    /// When the request does not say who it is for, or they may not call it.
    fn of(
        &self,
        context: &RequestContext<RoleServer>,
        entry: &Entry,
        arguments: Option<&JsonObject>,
    ) -> Result<Arc<dyn Person>, ErrorData>;
}

/// Everything is for one person.
struct One(Arc<dyn Person>);

impl People for One {
    fn of(
        &self,
        _: &RequestContext<RoleServer>,
        _: &Entry,
        _: Option<&JsonObject>,
    ) -> Result<Arc<dyn Person>, ErrorData> {
        Ok(Arc::clone(&self.0))
    }
}

impl Server {
    /// Serves calls of `person` through `dispatcher`.
    #[must_use]
    pub fn new(dispatcher: Arc<Dispatcher>, person: Arc<dyn Person>) -> Self {
        Self::of_many(dispatcher, Arc::new(One(person)))
    }

    /// Serves calls of each of `people` through `dispatcher`.
    #[must_use]
    pub fn of_many(dispatcher: Arc<Dispatcher>, people: Arc<dyn People>) -> Self {
        Self { dispatcher, people, visits: Arc::new(Visits::new()) }
    }

    fn implementation() -> Implementation {
        Implementation::new("bitbucket-vault-mcp", env!("CARGO_PKG_VERSION"))
            .with_title("Bitbucket with Auth0 Token Vault")
    }

    /// The mark of this server on a result, for clients that know it (2026-07-28 and later).
    fn mark(context: &RequestContext<RoleServer>) -> Option<MetaObject> {
        if !is_modern(context) {
            return None;
        }
        let mut meta = MetaObject::default();
        let info = serde_json::to_value(Self::implementation()).ok()?;
        meta.insert(SERVER_INFO.to_owned(), info);
        Some(meta)
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Self::implementation())
            .with_instructions(self.dispatcher.instructions())
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        if request.and_then(|request| request.cursor).is_some() {
            return Err(ErrorData::invalid_params("the list has one page, so no cursor", None));
        }
        let tools = self.dispatcher.policy().tools().map(|entry| entry.definition()).collect();
        let mut list = ListToolsResult::with_all_items(tools);
        list.meta = Self::mark(&context);
        list.ttl_ms = Some(LIST_LIFE_MS);
        list.cache_scope = Some(CacheScope::Private);
        Ok(list)
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let method = crate::text::clean_line(&request.method, 80);
        let removed = is_modern(&context) && REMOVED_METHODS.contains(&method.as_str());
        if METHODS.contains(&method.as_str()) && !removed {
            let says = format!("the parameters of `{method}` are not as the protocol has them");
            return Err(ErrorData::invalid_params(says, None));
        }
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, format!("no method `{method}`"), None))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(entry) = self.dispatcher.policy().find(&request.name) else {
            let name = crate::text::clean_line(&request.name, 80);
            return Err(ErrorData::new(
                ErrorCode::INVALID_PARAMS,
                format!("unknown tool `{name}`"),
                None,
            ));
        };
        let person = self.people.of(&context, entry, request.arguments.as_ref())?;
        let progress = ClientProgress::start(&context);
        let meta = Self::mark(&context);
        let cancel = context.ct.clone();
        let turn = http::turn(&context);
        let (answers, state) = (request.input_responses, request.request_state);
        let arguments = request.arguments.unwrap_or_default();
        let request = Request::new(Arc::clone(&person), entry, arguments).await;
        let request = request.answering(answers, state).with_turn(turn);
        let peer = context.peer.clone();
        let visitor = request.visitor(&context);
        let ask = Arc::new(match &visitor {
            Some(visitor) => ClientAsk::by_error(context, self.visits.was_told(visitor)),
            None => ClientAsk::new(context, self.dispatcher.open_state(&request)),
        });
        let outcome = self.dispatcher.call(&request, ask, progress.reporter(), cancel).await;
        progress.finish().await;
        match outcome {
            Err(Error::Suspended(suspension)) => {
                if let Some(visitor) = visitor {
                    let done = person.page_done();
                    return Err(self.visits.tell(visitor, suspension.request, peer, done));
                }
                let (requests, state) = self.dispatcher.suspend(&request, *suspension)?;
                let mut result = InputRequiredResult::new(Some(requests), Some(state));
                result.meta = meta;
                Ok(result.into())
            }
            outcome => {
                let mut result: CallToolResult = outcome.map_or_else(Into::into, Into::into);
                result.meta = meta;
                Ok(result.into())
            }
        }
    }
}

/// Requests of the protocol whose parameters can be wrong. What rmcp cannot read as one of them it
/// hands on as a method of its own, which would be "not found" to the client.
const METHODS: &[&str] = &[
    "initialize",
    "ping",
    "server/discover",
    "tools/call",
    "tools/list",
    "subscriptions/listen",
    "logging/setLevel",
];

/// Those of them that are gone from the stateless protocol, whatever parameters they carry.
const REMOVED_METHODS: &[&str] = &["initialize", "ping", "logging/setLevel"];

/// Whether the request speaks the stateless protocol (2026-07-28 and later).
fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    context
        .protocol_version()
        .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}

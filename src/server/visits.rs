//! Pages that clients of 2025-11-25 are told of by an error instead of a question, and the word that
//! they get once the page is done with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use http::request::Parts;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use rmcp::model::{ElicitRequestParams, ErrorCode, ErrorData, InputRequest};
use rmcp::service::{Peer, RequestContext, RoleServer};
use serde_json::json;

use super::ask::page_done;

/// What 2025-11-25 calls this error: a page must be opened before the call can be made.
const PAGE_REQUIRED: ErrorCode = ErrorCode(-32042);
/// How long it is remembered that a call ended so: as long as the page works.
const LIFE: Duration = Duration::from_secs(15 * 60);
/// Of how many calls that is remembered.
const CALLS: u64 = 10_000;
/// How often somebody who waits for a page looks whether the client still does.
const LOOK: Duration = Duration::from_secs(30);

/// The pages that clients were told of.
pub(super) struct Visits {
    told: Cache<Visitor, ()>,
    watched: Arc<Watched>,
}

/// The pages whose end a session waits for, with the id that it knows each by. A session waits for a
/// page once, however many of its calls ended there, so there are never more of these than sessions
/// times their owner's one page.
#[derive(Default)]
struct Watched(Mutex<HashMap<(String, String), String>>);

/// A call, as far as a later one can be told to be the same.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Visitor {
    session: String,
    caller: String,
    tool: &'static str,
    arguments: String,
}

impl Visitor {
    /// The call of `context` by `caller`; `None` unless it came in a session over HTTP.
    pub(super) fn of(
        context: &RequestContext<RoleServer>,
        caller: &str,
        tool: &'static str,
        arguments: &str,
    ) -> Option<Self> {
        let parts = context.extensions.get::<Parts>().filter(|_| !super::is_modern(context))?;
        let session = parts.headers.get("mcp-session-id")?.to_str().ok()?.to_owned();
        Some(Self { session, caller: caller.to_owned(), tool, arguments: arguments.to_owned() })
    }
}

impl Visits {
    /// No pages yet.
    pub(super) fn new() -> Self {
        // The oldest goes for a new one, which a full cache would turn away by default.
        let lru = EvictionPolicy::lru();
        let told = Cache::builder().max_capacity(CALLS).time_to_live(LIFE).eviction_policy(lru);
        let told = told.build();
        Self { told, watched: Arc::default() }
    }

    /// Whether a call like this has ended with a page. It counts once: the next page is another.
    pub(super) fn was_told(&self, visitor: &Visitor) -> bool {
        self.told.remove(visitor).is_some()
    }

    /// The error that a call ends with, for a page that `request` asks the client to open. Once `done`
    /// says that the page came to a good end, the client is told on its session's stream.
    pub(super) fn tell(
        &self,
        visitor: Visitor,
        request: InputRequest,
        peer: Peer<RoleServer>,
        done: BoxFuture<'static, bool>,
    ) -> ErrorData {
        let page = match request {
            InputRequest::Elicitation(request) => request.params,
            _ => return ErrorData::internal_error("the question could not be asked", None),
        };
        let ElicitRequestParams::UrlElicitationParams { message, url, .. } = page else {
            return ErrorData::internal_error("the question could not be asked", None);
        };
        let id = self.watch((visitor.session.clone(), url.clone()), peer, done);
        self.told.insert(visitor, ());
        let elicitation =
            json!({ "mode": "url", "elicitationId": id, "url": url, "message": message });
        ErrorData::new(
            PAGE_REQUIRED,
            "the user must open a page first; make the same call again once they are done there",
            Some(json!({ "elicitations": [elicitation] })),
        )
    }

    /// Has the session told of the end of the page; gives the id that it knows the page by.
    fn watch(
        &self,
        key: (String, String),
        peer: Peer<RoleServer>,
        done: BoxFuture<'static, bool>,
    ) -> String {
        if let Some(id) = self.watched.lock().get(&key) {
            return id.clone();
        }
        let id = crate::auth0::random_token();
        self.watched.lock().insert(key.clone(), id.clone());
        let (watched, told) = (Arc::clone(&self.watched), id.clone());
        tokio::spawn(async move {
            let done = ended(done, &peer).await;
            watched.lock().remove(&key);
            if done && let Err(error) = peer.send_notification(page_done(&told)).await {
                tracing::debug!(%error, "the client no longer listens");
            }
        });
        id
    }
}

/// Whether the page came to a good end before the session ended.
async fn ended(mut done: BoxFuture<'static, bool>, peer: &Peer<RoleServer>) -> bool {
    loop {
        tokio::select! {
            done = &mut done => return done,
            () = tokio::time::sleep(LOOK) => if peer.is_transport_closed() { return false },
        }
    }
}

impl Watched {
    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! `/mcp`: everything that is asked of a request before the protocol gets it, in this order: its
//! origin, its sender, room for its body, its shape, its scopes, a place.

use std::sync::Arc;
use std::time::SystemTime;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use rmcp::model::ErrorData;
use rmcp::transport::streamable_http_server::StreamableHttpService;
use url::Url;

use super::bodies::Bodies;
use super::challenge::Challenges;
use super::door::ClientAddress;
use super::drain::{Drain, Work};
use super::held::Held;
use super::hosts::Hosts;
use super::message::{Kind, Message, Unreadable};
use super::places::{Place, Places};
use super::sessions::Sessions;
use super::{answer, cors};
use crate::identity::bearer::{Presented, Refusal, Verified, Verifier};
use crate::server::Server;
use crate::server::dispatch::Dispatcher;
use crate::server::policy::scope_of;

/// When to come back where everything is taken, in seconds.
const RETRY: u16 = 1;
/// When to come back where a session must end first, or the server does, in seconds.
const LATER: u16 = 5;

/// The endpoint.
pub(super) struct Endpoint {
    pub(super) mcp: StreamableHttpService<Server, Sessions>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) dispatcher: Arc<Dispatcher>,
    pub(super) verifier: Verifier,
    pub(super) challenges: Challenges,
    pub(super) hosts: Arc<Hosts>,
    pub(super) bodies: Bodies,
    pub(super) places: Places,
    pub(super) drain: Drain,
    /// What clients know the endpoint by.
    pub(super) url: Url,
}

/// What a call has as long as it is under way.
#[derive(Clone, Debug)]
struct UnderWay(#[expect(dead_code, reason = "only its end matters")] Arc<(Work, Option<Place>)>);

/// Answers a request to `/mcp`.
pub(super) async fn serve(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if !endpoint.hosts.allow_origin(&parts.headers) {
        let client = parts.extensions.get::<ClientAddress>();
        tracing::info!(?client, "a request was refused: it comes from the page of another site");
        return answer::words(
            StatusCode::FORBIDDEN,
            "pages of this origin may not use the server; if they should, add the origin to \
             `BITBUCKET_MCP_ALLOWED_ORIGINS`",
        );
    }
    let headers = parts.headers.clone();
    let response = match parts.method {
        Method::OPTIONS => cors::preflight(),
        Method::POST | Method::GET | Method::DELETE => {
            endpoint.answer(parts, body).await.unwrap_or_else(|refused| *refused)
        }
        _ => {
            let mut refused =
                answer::words(StatusCode::METHOD_NOT_ALLOWED, "only POST, GET, DELETE");
            let allowed = HeaderValue::from_static("POST, GET, DELETE, OPTIONS");
            refused.headers_mut().insert(ALLOW, allowed);
            refused
        }
    };
    cors::open(response, &headers)
}

impl Endpoint {
    /// The answer, or the refusal where a request does not get as far as the protocol.
    async fn answer(&self, mut parts: Parts, body: Body) -> Result<Response, Box<Response>> {
        let work = self.drain.enter().ok_or_else(ending)?;
        let verified = self.verify(&parts).await?;
        // From here on nobody needs them, and what is logged or kept of a request cannot hold them.
        for secret in [AUTHORIZATION.as_str(), COOKIE.as_str(), "dpop"] {
            parts.headers.remove(secret);
        }
        match parts.method {
            Method::POST => self.post(parts, body, verified, work).await,
            Method::DELETE => self.delete(parts, verified).await,
            _ => Ok(self.listen(parts, verified).await),
        }
    }

    async fn verify(&self, parts: &Parts) -> Result<Verified, Box<Response>> {
        let presented =
            Presented { headers: &parts.headers, method: &parts.method, url: &self.url };
        self.verifier.verify(&presented).await.map_err(|refusal| {
            let client = parts.extensions.get::<ClientAddress>();
            match &refusal {
                Refusal::Missing(_) => tracing::debug!(?client, "{refusal}"),
                _ => tracing::info!(?client, "a request was refused: {refusal}"),
            }
            Box::new(self.challenges.not_let_in(&refusal))
        })
    }

    async fn post(
        &self,
        mut parts: Parts,
        body: Body,
        verified: Verified,
        work: Work,
    ) -> Result<Response, Box<Response>> {
        let caller = verified.caller.clone();
        let body = self.bodies.read(&caller, &parts.headers, body).await?;
        let Message { id, kind } = Message::read(&body).map_err(unreadable)?;
        let mut place = None;
        match &kind {
            Kind::Call(name) => {
                self.check_scope(name, &verified)?;
                let taken = self.places.take(&caller).map_err(|full| {
                    let says = full.to_string();
                    let refused =
                        answer::refusal(StatusCode::TOO_MANY_REQUESTS, id.as_ref(), &says);
                    answer::retry_after(refused, RETRY)
                })?;
                parts.extensions.insert(taken.turn());
                place = Some(taken);
                // Only what a call needs: the rest of a session has no use for a token.
                parts.extensions.insert(verified);
            }
            Kind::Initialize if !self.sessions.has_room(&caller) => {
                let says = "too many sessions are open; try again in a moment";
                let refused = answer::refusal(StatusCode::SERVICE_UNAVAILABLE, id.as_ref(), says);
                return Err(Box::new(answer::retry_after(refused, LATER)));
            }
            Kind::Initialize | Kind::Other => {}
        }
        // Held by the call and by its answer: a client that goes away ends neither by itself in a
        // session, and the place is free only when both are over.
        let held = UnderWay(Arc::new((work, place)));
        parts.extensions.insert(held.clone());
        let is_json = is_json(&parts.headers);
        let request = Request::from_parts(parts, Body::from(body));
        let response = Sessions::on_behalf_of(caller, self.mcp.handle(request)).await;
        if response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE && is_json {
            let says = "the body is no JSON-RPC 2.0 message of MCP";
            let error = ErrorData::invalid_request(says, None);
            return Err(Box::new(answer::error(StatusCode::BAD_REQUEST, id.as_ref(), &error)));
        }
        Ok(response.map(|body| Body::new(Held::new(Body::new(body), held))))
    }

    /// Refuses a call that the token was not granted. An unknown tool is refused further in, and so is a
    /// call whose arguments ask for more than its tool does.
    fn check_scope(&self, name: &str, verified: &Verified) -> Result<(), Box<Response>> {
        let Some(entry) = self.dispatcher.policy().find(name) else { return Ok(()) };
        match scope_of(entry, None).filter(|scope| !verified.scopes.allow(*scope)) {
            Some(scope) => {
                tracing::info!(tool = entry.name, scope = scope.name(), "a call lacks a scope");
                Err(Box::new(self.challenges.insufficient_scope(
                    entry.name,
                    scope,
                    verified.scheme,
                )))
            }
            None => Ok(()),
        }
    }

    /// The stream of a session. It stays open for hours, but not longer than the token that opened it.
    async fn listen(&self, parts: Parts, verified: Verified) -> Response {
        let life = verified.expires_at.duration_since(SystemTime::now()).unwrap_or_default();
        let request = Request::from_parts(parts, Body::empty());
        let response = Sessions::on_behalf_of(verified.caller, self.mcp.handle(request)).await;
        response.map(|body| Body::new(Held::new(Body::new(body), ()).ending_after(life)))
    }

    async fn delete(&self, parts: Parts, verified: Verified) -> Result<Response, Box<Response>> {
        let id = parts.headers.get("mcp-session-id").and_then(|id| id.to_str().ok());
        if id.is_some_and(|id| !self.sessions.knows(&verified.caller, id)) && !is_modern(&parts) {
            let says = "session not found";
            return Err(Box::new(answer::words(StatusCode::NOT_FOUND, says)));
        }
        let request = Request::from_parts(parts, Body::empty());
        let response = Sessions::on_behalf_of(verified.caller, self.mcp.handle(request)).await;
        if response.status() == StatusCode::ACCEPTED {
            // The session is gone by now, and some clients take 202 for a failure.
            let mut closed = Response::default();
            *closed.status_mut() = StatusCode::NO_CONTENT;
            return Ok(closed);
        }
        Ok(response.map(Body::new))
    }
}

fn unreadable(Unreadable { id, error }: Unreadable) -> Box<Response> {
    Box::new(answer::error(StatusCode::BAD_REQUEST, id.as_ref(), &error))
}

fn ending() -> Box<Response> {
    let says = "the server is shutting down";
    let refused = answer::refusal(StatusCode::SERVICE_UNAVAILABLE, None, says);
    Box::new(answer::retry_after(refused, LATER))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// Whether the request says that it is of a revision without sessions.
fn is_modern(parts: &Parts) -> bool {
    let version = parts.headers.get("mcp-protocol-version").and_then(|it| it.to_str().ok());
    version.is_some_and(|version| version >= "2026-07-28")
}

//! What both servers do around their handlers: write down the request, fail where told to, answer.

use std::future::ready;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use futures::stream::{self, StreamExt};
use rustls::ServerConfig;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::auth0;
use super::control;
use super::faults::{Effect, Faults};
use super::record::{Record, Recorded, Service};
use super::world::{TokenProblem, World};

/// The largest body that either service takes.
const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// What the layer around the handlers needs.
#[derive(Clone)]
pub(crate) struct Around {
    pub(crate) service: Service,
    pub(crate) world: Arc<World>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) record: Arc<Record>,
}

/// Serves `handlers` until `stop`; with `tls`, over https only.
pub(crate) fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    handlers: Router,
    around: Around,
    stop: CancellationToken,
) -> io::Result<()> {
    let control = control::router(Arc::clone(&around.world), Arc::clone(&around.faults));
    let handlers = handlers.layer(axum::middleware::from_fn_with_state(around, handle));
    let router = control.fallback_service(handlers);
    match tls {
        Some(tls) => serve_tls(listener.into_std()?, tls, router, stop)?,
        None => serve_plain(listener, router, stop),
    }
    Ok(())
}

fn serve_plain(listener: TcpListener, router: Router, stop: CancellationToken) {
    // Without it, small answers wait for the caller's delayed acknowledgement.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "the sandbox could not turn Nagle's algorithm off");
        }
    });
    tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(%error, "the sandbox stopped");
        }
    });
}

fn serve_tls(
    listener: std::net::TcpListener,
    tls: Arc<ServerConfig>,
    router: Router,
    stop: CancellationToken,
) -> io::Result<()> {
    let handle = Handle::new();
    let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(tls)).acceptor(NoDelayAcceptor);
    let server = axum_server::from_tcp(listener)?.acceptor(acceptor).handle(handle.clone());
    tokio::spawn(async move {
        if let Err(error) = server.serve(router.into_make_service()).await {
            tracing::error!(%error, "the sandbox stopped");
        }
    });
    tokio::spawn(async move {
        stop.cancelled_owned().await;
        handle.graceful_shutdown(None);
    });
    Ok(())
}

async fn handle(State(around): State<Around>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let text = |name| parts.headers.get(name).map(lossy);
    let authorization = text(header::AUTHORIZATION);
    let ticket = around.record.arrived(Recorded {
        service: around.service,
        method: parts.method.to_string(),
        path: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        host: text(header::HOST),
        authorization: authorization.clone(),
        body: String::from_utf8_lossy(&body).into_owned(),
        status: None,
        time: jiff::Timestamp::now(),
    });
    let path = parts.uri.path().to_owned();
    let effect = around.faults.strike(around.service, parts.method.as_str(), &path);
    let spoil = |problem| {
        let bearer = authorization.as_deref().and_then(bearer);
        match around.service {
            Service::Bitbucket => {
                if let Some(bearer) = bearer {
                    around.world.spoil_bitbucket_token(bearer, problem);
                }
            }
            Service::Auth0 => {
                auth0::spoil_token(&around.world, bearer, &parts.headers, &body, problem)
            }
        }
    };
    match &effect {
        Some(Effect::Delay(delay)) => tokio::time::sleep(*delay).await,
        Some(Effect::ExpiredToken) => spoil(TokenProblem::Expired),
        Some(Effect::RevokedToken) => spoil(TokenProblem::Revoked),
        _ => {}
    }
    let request = Request::from_parts(parts.clone(), Body::from(body));
    let response = match effect {
        Some(Effect::Status { code, body, content_type, headers, handled }) => {
            if handled {
                next.run(request).await;
            }
            let body = if body.is_empty() { refusal(around.service, &path, code) } else { body };
            let headers = headers.into_iter().chain([("content-type".to_owned(), content_type)]);
            answer(code, body, headers)
        }
        Some(Effect::Cut) => cut(next.run(request).await).await,
        Some(Effect::Unanswered) => unanswered(),
        _ => next.run(request).await,
    };
    around.record.answered(ticket, response.status().as_u16());
    response
}

/// The token of a `Bearer` header.
pub(crate) fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn lossy(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

fn answer(code: u16, body: String, headers: impl Iterator<Item = (String, String)>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Sends about half of an answer that promised more.
async fn cut(response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let whole = axum::body::to_bytes(body, BODY_LIMIT).await.unwrap_or_default();
    let half = whole.slice(..whole.len() / 2);
    let start = stream::iter((!half.is_empty()).then_some(Ok(half)));
    let end = stream::once(async {
        // A pause, so that the half is on its way before the connection closes.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(std::io::Error::other("cut on purpose"))
    });
    let mut response = Response::from_parts(parts, Body::from_stream(start.chain(end)));
    let promised = HeaderValue::from(whole.len().max(1));
    response.headers_mut().insert(header::CONTENT_LENGTH, promised);
    response
}

/// Closes the connection: the error comes before anything is written.
fn unanswered() -> Response {
    let error = stream::once(ready(Err::<Bytes, _>(std::io::Error::other("cut on purpose"))));
    Response::new(Body::from_stream(error))
}

/// An error in the shape that `service` gives it at `path`.
fn refusal(service: Service, path: &str, code: u16) -> String {
    let reason = StatusCode::from_u16(code).ok().and_then(|status| status.canonical_reason());
    let reason = reason.unwrap_or("Unknown Error");
    let body = match service {
        Service::Bitbucket => json!({ "type": "error", "error": { "message": reason } }),
        Service::Auth0 if path.starts_with("/me/") => json!({
            "type": format!("https://auth0.com/api-errors/A0E-{code}-0001"),
            "title": reason,
            "detail": reason,
            "status": code,
        }),
        Service::Auth0 if path.starts_with("/api/v2/") => {
            let mut body = json!({ "statusCode": code, "error": reason, "message": reason });
            if code == 429
                && let Some(body) = body.as_object_mut()
            {
                body.insert("errorCode".to_owned(), "too_many_requests".into());
            }
            body
        }
        Service::Auth0 => {
            let error = match code {
                429 => "too_many_requests",
                500.. => "server_error",
                401 => "invalid_client",
                403 => "access_denied",
                _ => "invalid_request",
            };
            json!({ "error": error, "error_description": reason })
        }
    };
    body.to_string()
}

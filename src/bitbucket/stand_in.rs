//! A tiny HTTP server that answers as a test tells it to, and remembers what it was asked.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::Response;
use axum::routing::any;
use futures::future::BoxFuture;
use secrecy::SecretString;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{AccessToken, Client, Connector, Granted, Limits, TokenError, TokenSource};
use crate::net::Http;

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) authorization: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) body: String,
    pub(crate) origin: String,
    /// How many requests came before.
    pub(crate) index: usize,
}

/// What is answered.
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    delay: Duration,
}

/// The server. It stops when dropped.
pub(crate) struct StandIn {
    pub(crate) origin: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: tokio::task::JoinHandle<()>,
}

/// Gives out `tokens` one after the other, and the last one again and again.
pub(crate) struct Tokens(Mutex<Vec<&'static str>>);

impl Asked {
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let url = Url::parse(&format!("{}{}", self.origin, self.target)).unwrap();
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { status, headers, body: body.into(), delay: Duration::ZERO }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    pub(crate) fn redirect(status: u16, location: impl Into<String>) -> Self {
        Self::new(status, "text/html", "").header("location", location)
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

impl StandIn {
    pub(crate) async fn new(reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (reply, log, own) = (Arc::new(reply), Arc::clone(&asked), origin.clone());
        let handle = move |request: Request| {
            let (reply, log, origin) = (Arc::clone(&reply), Arc::clone(&log), own.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = to_bytes(body, 1 << 20).await.unwrap();
                let header = |name| Some(parts.headers.get(name)?.to_str().unwrap().to_owned());
                let reply = {
                    let mut log = log.lock().unwrap();
                    let asked = Asked {
                        method: parts.method.to_string(),
                        target: parts.uri.to_string(),
                        authorization: header("authorization"),
                        content_type: header("content-type"),
                        body: String::from_utf8(body.to_vec()).unwrap(),
                        origin,
                        index: log.len(),
                    };
                    log.push(asked.clone());
                    reply(&asked)
                };
                tokio::time::sleep(reply.delay).await;
                let mut response = Response::builder().status(reply.status);
                for (name, value) in reply.headers {
                    response = response.header(name, value);
                }
                response.body(Body::from(reply.body)).unwrap()
            }
        };
        let router = axum::Router::new().fallback(any(handle));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { origin, asked, task }
    }

    /// A client with one good token and ten seconds.
    pub(crate) fn client(&self) -> Client {
        self.client_with(&["good"], Duration::from_secs(10), CancellationToken::new())
    }

    pub(crate) fn client_with(
        &self,
        tokens: &[&'static str],
        time: Duration,
        cancel: CancellationToken,
    ) -> Client {
        let base = Url::parse(&format!("{}/2.0", self.origin)).unwrap();
        Client::new(
            Arc::new(Connector::new(Http::new(), base)),
            Arc::new(Tokens(Mutex::new(tokens.to_vec()))),
            Arc::new(Granted::new()),
            Limits { deadline: Instant::now() + time, cancel },
        )
    }

    /// What was asked so far: method, path and query, token.
    pub(crate) fn seen(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .map(|asked| {
                let token = asked.authorization.as_deref().unwrap_or("no token");
                format!("{} {} {token}", asked.method, asked.target)
            })
            .collect()
    }

    /// Everything that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TokenSource for Tokens {
    fn token(&self) -> BoxFuture<'_, Result<AccessToken, TokenError>> {
        let token = AccessToken::new(SecretString::from(self.0.lock().unwrap()[0]));
        Box::pin(async { Ok(token) })
    }

    fn renew<'a>(&'a self, _: &'a AccessToken) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        let mut tokens = self.0.lock().unwrap();
        if tokens.len() > 1 {
            tokens.remove(0);
        }
        drop(tokens);
        self.token()
    }
}

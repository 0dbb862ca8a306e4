//! A tenant for tests: it answers what it is told to, and remembers what it was asked.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, RETRY_AFTER};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::watch;
use url::Url;

use super::signer::Signer;
use super::{ClientAuthentication, Settings, Tenant};
use crate::net;

/// Where the tenant's keys are.
pub(crate) const KEYS_PATH: &str = "/.well-known/jwks.json";

/// What our API is called there.
pub(crate) const AUDIENCE: &str = "https://mcp.example.com/mcp";

/// The tenant's key pair in PEM, and the application's too: private, then public.
static KEYS: LazyLock<[String; 2]> = LazyLock::new(|| {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let public: PublicKeyX509Der<'_> =
        aws_lc_rs::signature::KeyPair::public_key(&pair).as_der().unwrap();
    [pem("PRIVATE KEY", private.as_ref()), pem("PUBLIC KEY", public.as_ref())]
});

pub(crate) fn private_key() -> &'static str {
    &KEYS[0]
}

pub(crate) fn public_key() -> &'static str {
    &KEYS[1]
}

/// The tenant. It stops when dropped.
pub(crate) struct StandIn {
    domain: Url,
    shared: Arc<Mutex<Shared>>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    requests: Vec<Request>,
    answers: HashMap<String, (u16, Value)>,
    queues: HashMap<String, VecDeque<(u16, Value)>>,
    metadata: Value,
    held: HashMap<String, watch::Receiver<()>>,
    retry_after: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: String,
}

impl Request {
    /// The body's form fields, decoded, one a line.
    pub(crate) fn form(&self) -> String {
        let fields = url::form_urlencoded::parse(self.body.as_bytes());
        fields.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("\n")
    }
}

impl StandIn {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let domain = format!("http://{}/", listener.local_addr().unwrap());
        let domain = Url::parse(&domain).unwrap();
        let shared = Arc::new(Mutex::new(Shared::default()));
        let router = axum::Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let stand_in = Self { domain, shared, task };
        stand_in.reset_metadata();
        stand_in.set_keys(&[&Signer::tenant()]);
        stand_in
    }

    pub(crate) fn domain(&self) -> &Url {
        &self.domain
    }

    pub(crate) fn tenant(&self) -> Tenant {
        self.tenant_of(None)
    }

    pub(crate) fn tenant_of(&self, organization: Option<&str>) -> Tenant {
        self.tenant_with(ClientAuthentication::Secret("hush".into()), organization)
    }

    pub(crate) fn tenant_with(
        &self,
        authentication: ClientAuthentication,
        organization: Option<&str>,
    ) -> Tenant {
        tenant(self.domain.clone(), authentication, organization)
    }

    pub(crate) fn tenant_at(&self, domain: &str) -> Tenant {
        tenant(Url::parse(domain).unwrap(), ClientAuthentication::Secret("hush".into()), None)
    }

    /// Answers every request for `path` with this.
    pub(crate) fn answer(&self, path: &str, status: u16, body: Value) {
        self.shared().answers.insert(path.to_owned(), (status, body));
    }

    /// Answers one request for `path` with this, in turn.
    pub(crate) fn answer_next(&self, path: &str, status: u16, body: Value) {
        self.shared().queues.entry(path.to_owned()).or_default().push_back((status, body));
    }

    /// Answers requests for `path` only once what this gives is dropped.
    pub(crate) fn hold(&self, path: &str) -> watch::Sender<()> {
        let (sender, receiver) = watch::channel(());
        self.shared().held.insert(path.to_owned(), receiver);
        sender
    }

    /// Says with each 429 to come back after so many seconds.
    pub(crate) fn ask_for_patience(&self, seconds: u64) {
        self.shared().retry_after = Some(seconds);
    }

    /// Publishes these keys, after one of a kind that nobody knows, as real sets may.
    pub(crate) fn set_keys(&self, signers: &[&Signer]) {
        let unknown = json!({ "kty": "new", "use": "quantum" });
        let keys: Vec<Value> =
            std::iter::once(unknown).chain(signers.iter().map(|signer| signer.jwk())).collect();
        self.answer(KEYS_PATH, 200, json!({ "keys": keys }));
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared().requests.clone()
    }

    pub(crate) fn set_metadata(&self, key: &str, value: Value) {
        self.shared().metadata[key] = value;
    }

    pub(crate) fn reset_metadata(&self) {
        self.shared().metadata = json!({
            "issuer": self.domain,
            "authorization_endpoint": self.domain.join("authorize").unwrap(),
            "jwks_uri": self.domain.join(".well-known/jwks.json").unwrap(),
        });
    }

    /// What an ID token for Ana says, in answer to the nonce `n-1`.
    pub(crate) fn claims(&self) -> Value {
        let now = jsonwebtoken::get_current_timestamp();
        json!({
            "iss": self.domain, "sub": "auth0|ana", "aud": "app", "nonce": "n-1",
            "iat": now, "exp": now + 3600, "name": "Ana Lima", "email": "ana@example.com",
        })
    }

    /// What an access token for Ana says, that a client got for our API.
    pub(crate) fn access_claims(&self) -> Value {
        let now = jsonwebtoken::get_current_timestamp();
        json!({
            "iss": self.domain, "sub": "auth0|ana", "aud": AUDIENCE, "azp": "agent",
            "iat": now, "exp": now + 3600, "scope": "openid bitbucket:read bitbucket:write",
        })
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_with(&json!({ "alg": "RS256", "kid": "k1" }), claims)
    }

    pub(crate) fn sign_with(&self, header: &Value, claims: &Value) -> String {
        Signer::tenant().sign(header, claims)
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    State(shared): State<Arc<Mutex<Shared>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().to_owned();
    let held = {
        let mut shared = shared.lock().unwrap();
        shared.remember(method, &uri, &headers, &body);
        shared.held.get(&path).cloned()
    };
    if let Some(mut held) = held {
        // The error says that the sender is gone, which is what is waited for.
        let _ = held.changed().await;
    }
    let mut shared = shared.lock().unwrap();
    let queued = shared.queues.get_mut(&path).and_then(VecDeque::pop_front);
    let (status, body) = match path.as_str() {
        "/.well-known/openid-configuration" => (200, shared.metadata.clone()),
        _ => queued
            .or_else(|| shared.answers.get(&path).cloned())
            .unwrap_or((404, json!({ "error": "not_found" }))),
    };
    let mut response = (StatusCode::from_u16(status).unwrap(), Json(body)).into_response();
    if let Some(seconds) = shared.retry_after.filter(|_| status == 429) {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

impl Shared {
    fn remember(&mut self, method: Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) {
        let authorization = headers.get(AUTHORIZATION);
        self.requests.push(Request {
            method,
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            authorization: authorization.and_then(|value| Some(value.to_str().ok()?.to_owned())),
            body: String::from_utf8_lossy(body).into_owned(),
        });
    }
}

fn tenant(domain: Url, authentication: ClientAuthentication, organization: Option<&str>) -> Tenant {
    let settings = Settings {
        domain,
        client_id: "app".to_owned(),
        authentication,
        organization: organization.map(str::to_owned),
    };
    Tenant::new(net::Http::new(), settings).unwrap()
}

pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap());
    let body = lines.collect::<Vec<_>>().join("\n");
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

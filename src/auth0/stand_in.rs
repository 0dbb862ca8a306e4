//! A tenant for tests: it answers what it is told to, and remembers what it was asked.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use url::Url;

use super::client::install_cryptography;
use super::{ClientAuthentication, Settings, Tenant};
use crate::net;

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

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_with(&json!({ "alg": "RS256", "kid": "k1" }), claims)
    }

    pub(crate) fn sign_with(&self, header: &Value, claims: &Value) -> String {
        install_cryptography();
        let [header, claims] =
            [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{header}.{claims}");
        let key = signing_key();
        let signature =
            jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::RS256).unwrap();
        format!("{signed}.{signature}")
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
    let mut shared = shared.lock().unwrap();
    shared.requests.push(Request {
        method,
        path: path.clone(),
        query: uri.query().unwrap_or_default().to_owned(),
        authorization: headers
            .get(AUTHORIZATION)
            .and_then(|value| Some(value.to_str().ok()?.to_owned())),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let queued = shared.queues.get_mut(&path).and_then(VecDeque::pop_front);
    let (status, body) = match path.as_str() {
        "/.well-known/openid-configuration" => (200, shared.metadata.clone()),
        "/.well-known/jwks.json" => (200, key_set()),
        _ => queued
            .or_else(|| shared.answers.get(&path).cloned())
            .unwrap_or((404, json!({ "error": "not_found" }))),
    };
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

/// Holds a key of a kind that nobody knows, as real sets may.
fn key_set() -> Value {
    install_cryptography();
    let mut key = Jwk::from_encoding_key(&signing_key(), Algorithm::RS256).unwrap();
    key.common.key_id = Some("k1".to_owned());
    json!({ "keys": [{ "kty": "new", "use": "quantum" }, key] })
}

fn signing_key() -> EncodingKey {
    EncodingKey::from_rsa_pem(private_key().as_bytes()).unwrap()
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

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap());
    let body = lines.collect::<Vec<_>>().join("\n");
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

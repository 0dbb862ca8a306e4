//! A client for the tenant's own tests: plain HTTP, and a place for browsers to come back to.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::Uri;
use axum::response::Html;
use axum::routing::get;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use reqwest::Method;
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use url::Url;

use crate::sandbox::{Options, Sandbox, Start};

use super::MANAGEMENT_CLIENT_ID;

/// The verifier and challenge of RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) struct Harness {
    pub(crate) sandbox: Sandbox,
    /// A registered callback that answers.
    pub(crate) callback: String,
    http: reqwest::Client,
    came_back: Arc<Mutex<Vec<Uri>>>,
}

impl Harness {
    pub(crate) async fn start() -> Self {
        Self::at(Start::Ready).await
    }

    pub(crate) async fn at(tenant: Start) -> Self {
        let sandbox = Sandbox::start(Options { tenant, ..Options::default() }).await.unwrap();
        let came_back = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&came_back);
        let note = move |uri: Uri| async move {
            notes.lock().unwrap().push(uri);
            Html("<h1>Back at the application</h1>")
        };
        let router = Router::new().route("/callback", get(note));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let callback = format!("http://{}/callback", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        sandbox.world().allow_callback(&callback);
        let http = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { sandbox, callback, http, came_back }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.auth0_domain())
    }

    /// Sends a form with the client's id and secret; gives status and body.
    pub(crate) async fn form(&self, path: &str, pairs: &[(&str, &str)]) -> (u16, Value) {
        self.form_as(&self.sandbox.client_id(), path, pairs).await
    }

    /// Sends a form as the client with this id, with its secret if it has one.
    pub(crate) async fn form_as(
        &self,
        id: &str,
        path: &str,
        pairs: &[(&str, &str)],
    ) -> (u16, Value) {
        let secret = self.sandbox.world().lock().tenant.secret_of(id);
        let mut all = vec![("client_id", id), ("client_secret", secret.as_str())];
        all.retain(|(_, value)| !value.is_empty());
        all.extend_from_slice(pairs);
        self.bare_form(path, &all).await
    }

    pub(crate) async fn bare_form(&self, path: &str, pairs: &[(&str, &str)]) -> (u16, Value) {
        answer(self.http.post(self.url(path)).form(pairs)).await
    }

    pub(crate) async fn send(
        &self,
        build: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder,
    ) -> (u16, Value) {
        answer(build(&self.http)).await
    }

    /// A token for the Management API, with the scopes granted now.
    pub(crate) async fn management_token(&self) -> String {
        let audience = self.url("/api/v2/");
        let pairs = [("grant_type", "client_credentials"), ("audience", &*audience)];
        let (status, body) = self.form_as(MANAGEMENT_CLIENT_ID, "/oauth/token", &pairs).await;
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }

    /// A call of the Management API with a fresh token, and a body unless it is `null`.
    pub(crate) async fn manage(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let token = self.management_token().await;
        let url = self.url(&format!("/api/v2{path}"));
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.http.request(method, url).bearer_auth(token);
        answer(if body.is_null() { request } else { request.json(&body) }).await
    }

    /// The same, which must go well.
    pub(crate) async fn managed(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.manage(method, path, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// A call of the My Account API.
    pub(crate) async fn me(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let url = self.url(&format!("/me/v1/connected-accounts{path}"));
        let mut request = self.http.request(method, url).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        answer(request).await
    }

    /// A My Account token of `account`, by multi-resource refresh token.
    pub(crate) async fn my_account_token(&self, account: &str) -> String {
        let refresh_token = self.sandbox.refresh_token(account).unwrap();
        let audience = self.url("/me/");
        let pairs = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.as_str()),
            ("audience", audience.as_str()),
        ];
        let (status, body) = self.form("/oauth/token", &pairs).await;
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }

    /// A good `/authorize` URL, with parameters added or, by an empty value, taken away.
    pub(crate) fn authorize_url(&self, changes: &[(&str, &str)]) -> String {
        let id = self.sandbox.client_id();
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", id.as_str()),
            ("redirect_uri", self.callback.as_str()),
            ("scope", "openid profile email offline_access made:up"),
            ("state", "state-1"),
            ("nonce", "nonce-1"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        pairs.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        pairs.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        Url::parse_with_params(&self.url("/authorize"), pairs).unwrap().into()
    }

    /// The cookie of a browser in which `account` has signed in to the web application.
    pub(crate) async fn signed_in(&self, account: &str) -> String {
        let login = self.location(&self.authorize_url(&[]), "").await;
        let form = [("account", account), ("action", "sign-in")];
        let response = self.http.post(login).form(&form).send().await.unwrap();
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    /// Where the tenant sends a browser on that opens `url`.
    pub(crate) async fn location(&self, url: &str, cookie: &str) -> Url {
        let response = self.http.get(url).header("cookie", cookie).send().await.unwrap();
        let location = response.headers()["location"].to_str().unwrap();
        Url::parse(&self.url("/")).unwrap().join(location).unwrap()
    }

    /// Takes `account` through the login of a third-party client for `resource`, and redeems the code.
    pub(crate) async fn dance(
        &self,
        client_id: &str,
        account: &str,
        resource: &str,
    ) -> (u16, Value) {
        let url = self.authorize_url(&[
            ("client_id", client_id),
            ("resource", resource),
            ("scope", "openid offline_access bitbucket:read bitbucket:write"),
        ]);
        let page = self.sandbox.consent(&url, account).await.unwrap();
        assert_eq!(page, "Back at the application");
        let code = self.parameter("code").unwrap();
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &self.callback),
            ("code_verifier", VERIFIER),
            ("resource", resource),
        ];
        self.form_as(client_id, "/oauth/token", &pairs).await
    }

    /// The claims of a token that the tenant's published keys have signed, by another library.
    pub(crate) async fn claims(&self, token: &str, audience: &str) -> Option<Value> {
        let (_, keys) = self.send(|http| http.get(self.url("/.well-known/jwks.json"))).await;
        let keys: JwkSet = serde_json::from_value(keys).unwrap();
        let key = keys.find(&decode_header(token).unwrap().kid.unwrap())?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[audience]);
        validation.set_issuer(&[self.url("/")]);
        let key = DecodingKey::from_jwk(key).unwrap();
        Some(decode::<Value>(token, &key, &validation).ok()?.claims)
    }

    /// A good body for `connect`.
    pub(crate) fn connect_body(&self) -> Value {
        json!({
            "connection": "bitbucket",
            "redirect_uri": self.callback,
            "state": "state-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        })
    }

    /// Opens a connect request; gives its `auth_session` and the URL for the browser.
    pub(crate) async fn open_connect(&self, token: &str) -> (String, String) {
        let body = self.connect_body();
        let (status, body) = self.me(Method::POST, "/connect", token, Some(body)).await;
        assert_eq!(status, 201, "{body}");
        assert_eq!(body["expires_in"], 300);
        let ticket = body["connect_params"]["ticket"].as_str().unwrap();
        let uri = body["connect_uri"].as_str().unwrap();
        let url = Url::parse_with_params(uri, [("ticket", ticket)]).unwrap();
        (body["auth_session"].as_str().unwrap().to_owned(), url.into())
    }

    pub(crate) async fn complete(&self, token: &str, session: &str, code: &str) -> (u16, Value) {
        let body = json!({
            "auth_session": session,
            "connect_code": code,
            "redirect_uri": self.callback,
            "code_verifier": VERIFIER,
        });
        self.me(Method::POST, "/complete", token, Some(body)).await
    }

    /// The parameters with which the last browser came back.
    pub(crate) fn parameters(&self) -> Vec<(String, String)> {
        let uris = self.came_back.lock().unwrap();
        let query = uris.last().and_then(Uri::query).unwrap_or_default();
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        self.parameters().into_iter().find(|(one, _)| one == name).map(|(_, value)| value)
    }
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

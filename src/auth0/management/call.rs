//! One call to the Management API: with a token, within the rate limit, and never twice.

use std::time::Duration;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde::Serialize;
use tokio::time::Instant;
use url::Url;

use super::{Body, Management, ManagementToken};
use crate::auth0::Error;
use crate::auth0::error::Asked;
use crate::auth0::wire::{Answer, TIMEOUT};

/// How long one try of reading may take. People wait for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long one call may wait altogether until the rate limit lets it through.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long a call that the rate limit refused waits at least: `X-RateLimit-Reset` counts whole seconds,
/// so the present one reads as none. It doubles with each refusal.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// Lists come in pages of fifty objects, and an application takes some kilobytes.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// What would end a path segment, or be decoded again. Identifiers of APIs are URLs: they go out as
/// `https:%2F%2F…`.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What is asked.
struct Call<'a, B> {
    method: Method,
    url: Url,
    body: Option<&'a B>,
    /// What was sent and must not come back in an error.
    secrets: Vec<&'a str>,
}

impl Management {
    /// What stands at `url`, for a person who waits: a rate limit is told at once.
    pub(super) async fn read_now(&self, url: Url) -> Result<Answer, Error> {
        self.send_once(&Call::reading(url)).await
    }

    /// What stands at `url`.
    pub(super) async fn read(&self, url: Url) -> Result<Answer, Error> {
        self.send(&Call::reading(url)).await
    }

    /// Makes an object at `url`.
    pub(super) async fn create(&self, url: Url, body: &Body) -> Result<Answer, Error> {
        let mut secrets = Vec::new();
        collect(body, &mut secrets);
        self.send(&Call { method: Method::POST, url, body: Some(body), secrets }).await
    }

    /// Changes the object at `url`.
    pub(super) async fn update(&self, url: Url, body: &Body) -> Result<Answer, Error> {
        let mut secrets = Vec::new();
        collect(body, &mut secrets);
        self.send(&Call { method: Method::PATCH, url, body: Some(body), secrets }).await
    }

    /// Changes what stands at `url`, by something that holds no secret.
    pub(super) async fn update_with<B: Serialize + Sync>(
        &self,
        url: Url,
        body: &B,
    ) -> Result<Answer, Error> {
        let call = Call { method: Method::PATCH, url, body: Some(body), secrets: Vec::new() };
        self.send(&call).await
    }

    /// Where `collection` is.
    pub(super) fn place(&self, collection: &str) -> Url {
        self.inner.tenant.endpoint(&format!("api/v2/{collection}"))
    }

    /// Where the object `id` of `collection` is, or something `below` it.
    pub(super) fn object(&self, collection: &str, id: &str, below: &str) -> Result<Url, Error> {
        let id = segment(id)?;
        Ok(self.place(&format!("{collection}/{id}{below}")))
    }

    /// Sends `call`, again only where the rate limit kept Auth0 from carrying it out.
    ///
    /// Free tenants allow two requests a second, and two at once, so no more are under way.
    async fn send<B: Serialize + Sync>(&self, call: &Call<'_, B>) -> Result<Answer, Error> {
        let began = Instant::now();
        let _turn = self.inner.turns.acquire().await.ok();
        let mut pause = FIRST_PAUSE;
        loop {
            let sent = self.send_once(call).await;
            let Err(Error::RateLimited { after }) = &sent else { return sent };
            let wait = after.unwrap_or_default().max(pause);
            if began.elapsed() + wait > self.inner.longest_wait {
                return sent;
            }
            tracing::debug!(?wait, "waiting for the Management API's rate limit");
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// A token that was taken back before its time is replaced once: a call with such a token is not
    /// carried out either.
    async fn send_once<B: Serialize + Sync>(&self, call: &Call<'_, B>) -> Result<Answer, Error> {
        let token = self.token(None).await?;
        let answer = self.try_with(call, &token).await?;
        let answer = if answer.status == 401 {
            let token = self.token(Some(&token)).await?;
            self.try_with(call, &token).await?
        } else {
            answer
        };
        if answer.is_success() {
            return Ok(answer);
        }
        Err(Error::without(&call.secrets, Asked::Management, &answer))
    }

    async fn try_with<B: Serialize + Sync>(
        &self,
        call: &Call<'_, B>,
        token: &ManagementToken,
    ) -> Result<Answer, Error> {
        let bearer = token.0.expose_secret();
        let build = |client: &reqwest::Client| {
            let request = client.request(call.method.clone(), call.url.clone()).bearer_auth(bearer);
            Ok(match call.body {
                Some(body) => request.json(body),
                None => request,
            })
        };
        // Whether a change has happened is worth waiting for.
        let patience = if call.method == Method::GET { PATIENCE } else { TIMEOUT };
        self.inner.tenant.send_bounded(patience, MAX_BODY, &call.url, build).await
    }
}

impl Call<'_, Body> {
    fn reading(url: Url) -> Self {
        Call { method: Method::GET, url, body: None, secrets: Vec::new() }
    }
}

/// `text` as one segment of a path. Percent-encoding does not keep dots from being steps upwards: the URL
/// standard takes `%2e%2e` for `..`.
fn segment(text: &str) -> Result<String, Error> {
    if text.bytes().all(|byte| byte == b'.') {
        return Err(Error::Invalid("the identifier cannot stand in a URL"));
    }
    Ok(utf8_percent_encode(text, SEGMENT).to_string())
}

/// Every text in `body` that stands under the name of a secret.
fn collect<'a>(body: &'a Body, secrets: &mut Vec<&'a str>) {
    for (name, value) in body {
        match value {
            serde_json::Value::String(text) if is_secret(name) => secrets.push(text),
            serde_json::Value::Object(inner) => collect(inner, secrets),
            _ => {}
        }
    }
}

fn is_secret(name: &str) -> bool {
    ["secret", "password", "token", "key", "pem"].iter().any(|sign| name.contains(sign))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{body, management, ready};
    use super::*;

    const CONNECTIONS: &str = "/api/v2/connections";

    fn limited() -> serde_json::Value {
        json!({
            "statusCode": 429, "error": "Too Many Requests", "message": "Global limit has been reached",
            "errorCode": "too_many_requests",
        })
    }

    #[tokio::test]
    async fn waits_for_the_rate_limit_and_then_reads_and_writes() {
        let stand_in = ready().await;
        stand_in.answer_next(CONNECTIONS, 429, limited());
        stand_in.answer_next(CONNECTIONS, 200, json!([]));
        stand_in.answer_next(CONNECTIONS, 429, limited());
        stand_in.answer_next(
            CONNECTIONS,
            201,
            json!({ "id": "con_1", "name": "bitbucket", "strategy": "bitbucket" }),
        );
        let management = management(&stand_in);
        assert!(management.connections("bitbucket").await.unwrap().is_empty());
        let made = management.create_connection(&body(&json!({ "name": "bitbucket" }))).await;
        assert_eq!(made.unwrap().id, "con_1");
        let asked = stand_in.requests().into_iter().skip(1).map(|one| one.method.to_string());
        assert_eq!(asked.collect::<Vec<_>>(), ["GET", "GET", "POST", "POST"]);
    }

    #[tokio::test]
    async fn gives_up_on_a_rate_limit_that_lasts() {
        let stand_in = ready().await;
        stand_in.ask_for_patience(3600);
        stand_in.answer(CONNECTIONS, 429, limited());
        let management = management(&stand_in);
        let reads = (0..4).map(|_| management.connections("bitbucket"));
        for read in futures::future::join_all(reads).await {
            let Err(Error::RateLimited { after }) = read else { panic!("{read:?}") };
            assert_eq!(after, Some(Duration::from_secs(3600)));
        }
        assert_eq!(stand_in.requests().len(), 5, "each asks once, with one token");
    }

    #[tokio::test]
    async fn has_no_more_than_two_calls_under_way() {
        let stand_in = ready().await;
        let held = stand_in.hold(CONNECTIONS);
        stand_in.answer(CONNECTIONS, 200, json!([]));
        let management = management(&stand_in);
        let reads = (0..6).map(|_| {
            let management = management.clone();
            tokio::spawn(async move { management.connections("bitbucket").await })
        });
        let reads: Vec<_> = reads.collect();
        let under_way = || stand_in.requests().iter().filter(|one| one.path == CONNECTIONS).count();
        while under_way() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!((under_way(), management.inner.turns.available_permits()), (2, 0));
        drop(held);
        for read in reads {
            assert!(read.await.unwrap().unwrap().is_empty());
        }
        assert_eq!(under_way(), 6);
    }

    #[tokio::test]
    async fn never_writes_twice() {
        let stand_in = ready().await;
        let management = management(&stand_in);
        let change = body(&json!({ "connected_accounts": { "active": true } }));
        for status in [500, 502, 503, 504, 409, 400] {
            stand_in.answer(CONNECTIONS, status, json!({ "statusCode": status }));
            let before = stand_in.requests().len();
            management.create_connection(&change).await.unwrap_err();
            let token = usize::from(before == 0);
            assert_eq!(stand_in.requests().len(), before + 1 + token, "{status}");
        }
    }

    #[tokio::test]
    async fn renews_a_token_for_a_write_as_well() {
        let stand_in = ready().await;
        let unauthorized =
            json!({ "statusCode": 401, "error": "Unauthorized", "message": "Invalid token" });
        stand_in.answer_next(CONNECTIONS, 401, unauthorized.clone());
        stand_in.answer_next(
            CONNECTIONS,
            201,
            json!({ "id": "con_1", "name": "bitbucket", "strategy": "bitbucket" }),
        );
        let management = management(&stand_in);
        management.create_connection(&body(&json!({}))).await.unwrap();
        stand_in.answer(CONNECTIONS, 401, unauthorized);
        let error = management.create_connection(&body(&json!({}))).await.unwrap_err();
        assert_eq!(error.to_string(), "Auth0 does not accept the token for its Management API");
    }

    #[tokio::test]
    async fn repeats_no_secret_that_a_refusal_quotes() {
        let stand_in = ready().await;
        let management = management(&stand_in);
        let change =
            body(&json!({ "options": { "client_id": "k", "client_secret": "kN3-short pass" } }));
        let mut told = Vec::new();
        for quote in [
            "kN3-short pass",
            "KN3-short p…",
            "'hort pass' (string)",
            "eyJhbGciOiJSUzI1NiIsInR5cCI6",
        ] {
            let message =
                format!("Payload validation error: 'Bad value {quote}' on property options.");
            stand_in.answer(
                CONNECTIONS,
                400,
                json!({
                    "statusCode": 400, "error": "Bad Request", "message": message,
                    "errorCode": "invalid_body",
                }),
            );
            let error = management.create_connection(&change).await.unwrap_err();
            assert!(!format!("{error:?}").contains("hort pass"), "{error:?}");
            told.push(error.to_string());
        }
        insta::assert_snapshot!(told.join("\n"), @r#"
        Auth0 does not take what was sent: "[it repeats a secret]"
        Auth0 does not take what was sent: "[it repeats a secret]"
        Auth0 does not take what was sent: "[it repeats a secret]"
        Auth0 does not take what was sent: "Payload validation error: 'Bad value [masked] on property options."
        "#);
    }

    #[test]
    fn keeps_an_identifier_inside_its_segment() {
        for (text, segment_of_it) in [
            ("https://mcp.example.com/mcp", "https:%2F%2Fmcp.example.com%2Fmcp"),
            ("https://mrrt", "https:%2F%2Fmrrt"),
            ("con_sytCTiCS494Z9iAx", "con_sytCTiCS494Z9iAx"),
            ("../clients?x#y", "..%2Fclients%3Fx%23y"),
            ("..\\clients", "..%5Cclients"),
            ("%2e%2e", "%252e%252e"),
        ] {
            assert_eq!(segment(text).unwrap(), segment_of_it);
        }
        for text in ["", ".", ".."] {
            let error = segment(text).unwrap_err();
            assert_eq!(error.to_string(), "the identifier cannot stand in a URL");
        }
    }
}

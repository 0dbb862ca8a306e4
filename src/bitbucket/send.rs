//! Sends a request until it has an answer: redirects by hand, one fresh token, a few repeats.

use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, StatusCode};
use url::Url;

use super::budget::Family;
use super::call::Body;
use super::problem::{self, LONGEST_PROBLEM};
use super::redirect::{self, Leaving, MOST_HOPS, Refusal};
use super::token::{AccessToken, TokenError};
use super::{Client, Error};
use crate::net;

const SERVICE: &str = "Bitbucket";

/// How often a read is repeated at most.
const MOST_REPEATS: u32 = 2;

/// The longest wait between two tries. Longer ones are the agent's to decide.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The wait before the first repeat, where the answer names none; doubled for the next.
const FIRST_WAIT: Duration = Duration::from_millis(400);

pub(super) struct Request<'r> {
    pub(super) method: Method,
    pub(super) url: Url,
    /// What we put into the URL's query ourselves.
    pub(super) query: &'r [(&'static str, String)],
    pub(super) body: Option<Body>,
    pub(super) accept: &'static str,
    pub(super) family: Family,
    pub(super) leaving: Leaving,
}

/// An answer whose body is not read yet.
pub(super) struct Opened {
    response: reqwest::Response,
    pub(super) url: Url,
    /// Whether it came from the API itself.
    authorized: bool,
    /// The host that a redirect names which was not followed.
    pub(super) elsewhere: Option<String>,
}

impl Client {
    /// Sends `request` and gives a successful answer, or the reason why there is none.
    pub(super) async fn open(&self, request: &Request<'_>) -> Result<Opened, Error> {
        let reads = request.method == Method::GET;
        let mut token = self.token.token().await?;
        let (mut renewed, mut repeats) = (false, 0);
        loop {
            let opened = match self.follow(request, &token).await {
                Err(Error::Transport(error))
                    if reads
                        && repeats < MOST_REPEATS
                        && !matches!(error, net::Error::Setup(_))
                        && self.pause(backoff(repeats)).await =>
                {
                    repeats += 1;
                    continue;
                }
                opened => opened?,
            };
            let status = opened.status();
            if status.is_success() || opened.elsewhere.is_some() {
                return Ok(opened);
            }
            match status.as_u16() {
                // A 401 means that nothing was done, so even a write may be sent once more.
                401 if opened.authorized && !renewed => {
                    let fresh = self.token.renew(&token).await?;
                    if fresh == token {
                        return Err(Error::Unauthorized);
                    }
                    (token, renewed) = (fresh, true);
                }
                429 if opened.authorized => {
                    let wait = opened.retry_after();
                    let limit = self.granted.budget().exhausted(request.family, wait);
                    match wait {
                        Some(wait) if reads && repeats == 0 && self.pause(wait).await => {
                            repeats += 1
                        }
                        _ => return Err(limit),
                    }
                }
                status @ (502..=504 | 555) if reads => {
                    let most = if status == 555 { 1 } else { MOST_REPEATS };
                    let wait = opened.retry_after().unwrap_or_else(|| backoff(repeats));
                    if repeats >= most || !self.pause(wait).await {
                        return Err(opened.problem(&token).await);
                    }
                    repeats += 1;
                }
                _ => return Err(opened.problem(&token).await),
            }
        }
    }

    /// Sends `request` once, through its redirects.
    async fn follow(&self, request: &Request<'_>, token: &AccessToken) -> Result<Opened, Error> {
        let (mut url, mut method, mut authorized) =
            (request.url.clone(), request.method.clone(), true);
        for hop in 0..=MOST_HOPS {
            let mut opened = self.once(request, &method, url, authorized.then_some(token)).await?;
            if !is_redirect(opened.status()) {
                return Ok(opened);
            }
            if hop == MOST_HOPS {
                break;
            }
            let next = redirect::next_hop(
                &self.connector,
                (&method, opened.status()),
                (&opened.url, authorized),
                opened.header("location"),
            )?;
            if !next.authorized {
                match request.leaving {
                    Leaving::Refused => return Err(Refusal::Elsewhere.into()),
                    Leaving::Told => {
                        opened.elsewhere = Some(next.url.host_str().unwrap_or_default().to_owned());
                        return Ok(opened);
                    }
                    Leaving::Followed => {}
                }
                if !self.connector.is_loopback() && redirect::resolves_to_private(&next.url).await {
                    return Err(Refusal::Private.into());
                }
            }
            (url, method, authorized) = (next.url, next.method, next.authorized);
            if authorized && method == Method::GET {
                carry_over(&mut url, request.query);
            }
        }
        Err(Refusal::TooMany.into())
    }

    async fn once(
        &self,
        request: &Request<'_>,
        method: &Method,
        url: Url,
        token: Option<&AccessToken>,
    ) -> Result<Opened, Error> {
        let http = self.connector.http().client_for(&url)?;
        let mut builder = http.request(method.clone(), url.clone());
        if let Some(token) = token {
            self.granted.budget().spend(request.family)?;
            builder =
                builder.header(AUTHORIZATION, bearer(token)?).header("accept", request.accept);
        } else {
            builder = builder.header("accept", "*/*");
        }
        if let Some(body) = request.body.as_ref().filter(|_| method == request.method) {
            builder = builder.header("content-type", &body.content_type).body(body.data.clone());
        }
        let sent = builder.send().await;
        if token.is_some()
            && !sent.as_ref().is_ok_and(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS)
        {
            self.granted.budget().not_refused(request.family);
        }
        let response = sent.map_err(|error| net::Error::from_reqwest(SERVICE, error))?;
        let opened = Opened { response, url, authorized: token.is_some(), elsewhere: None };
        // A refused token says nothing about the account.
        if opened.authorized
            && opened.status() != StatusCode::UNAUTHORIZED
            && let Some(scopes) = opened.header("x-oauth-scopes")
        {
            self.granted.record(scopes);
        }
        Ok(opened)
    }

    /// Waits, if that makes sense within the call's time.
    async fn pause(&self, wait: Duration) -> bool {
        let fits = wait <= LONGEST_WAIT
            && Instant::now()
                .checked_add(wait + FIRST_WAIT)
                .is_some_and(|then| then < self.limits.deadline);
        if fits {
            tokio::time::sleep(wait).await;
        }
        fits
    }
}

impl Opened {
    pub(super) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// The length of the body, where the answer names it and did not squeeze it on the way.
    pub(super) fn length(&self) -> Option<u64> {
        self.response.content_length()
    }

    pub(super) fn is_json(&self) -> bool {
        let kind = self.media_type();
        kind.eq_ignore_ascii_case("application/json") || kind.ends_with("+json")
    }

    /// Whether it is a page for people.
    pub(super) fn is_page(&self) -> bool {
        self.media_type().eq_ignore_ascii_case("text/html")
    }

    fn media_type(&self) -> &str {
        let kind = self.header("content-type").unwrap_or_default();
        kind.split(';').next().unwrap_or_default().trim()
    }

    /// The next piece of the body.
    pub(super) async fn chunk(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, Error> {
        let chunk = self.response.chunk().await;
        Ok(chunk.map_err(|error| net::Error::from_reqwest(SERVICE, error))?)
    }

    /// The body, or its first `limit` bytes and `true`.
    pub(super) async fn read(&mut self, limit: usize) -> Result<(Vec<u8>, bool), Error> {
        let mut data = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            let chunk = chunk.as_ref();
            let room = limit.saturating_sub(data.len());
            data.extend_from_slice(chunk.get(..room).unwrap_or(chunk));
            if chunk.len() > room {
                return Ok((data, true));
            }
        }
        Ok((data, false))
    }

    fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
    }

    async fn problem(mut self, token: &AccessToken) -> Error {
        let status = self.status();
        // A status from elsewhere says nothing about the account, its rights or its limits.
        if !self.authorized {
            return Error::unreadable(format!(
                "it led to another address, which answered {status}"
            ));
        }
        let is_json = self.is_json();
        let body = if is_json { self.read(LONGEST_PROBLEM).await.ok() } else { None };
        let (body, _) = body.unwrap_or_default();
        problem::error(status, is_json, &body, token.expose())
    }
}

/// Adds the parameters that a redirect lost on its way: a pull request's diff forgets which files
/// were asked for.
fn carry_over(url: &mut Url, query: &[(&'static str, String)]) {
    let there: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    let lost: Vec<_> =
        query.iter().filter(|(name, _)| !there.iter().any(|there| there == name)).collect();
    if !lost.is_empty() {
        let mut pairs = url.query_pairs_mut();
        for (name, value) in lost {
            pairs.append_pair(name, value);
        }
    }
}

fn bearer(token: &AccessToken) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
        .map_err(|_| TokenError("the token does not fit into a header".into()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn backoff(repeats: u32) -> Duration {
    FIRST_WAIT * 2_u32.saturating_pow(repeats)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::bitbucket::Path;
    use crate::bitbucket::stand_in::{Reply, StandIn};

    const PLENTY: Duration = Duration::from_secs(10);

    async fn ask(client: &Client) -> Result<Value, Error> {
        client.get(Path::new("user")).json().await
    }

    fn fine() -> Reply {
        Reply::json(200, &json!({ "fine": true }))
    }

    #[tokio::test]
    async fn asks_for_one_fresh_token() {
        let stand_in = StandIn::new(|asked| match asked.authorization.as_deref() {
            Some("Bearer fresh") => fine().header("x-oauth-scopes", "account, repository"),
            _ => Reply::json(401, &json!({})).header("x-oauth-scopes", "nothing"),
        })
        .await;
        let client = stand_in.client_with(&["old", "fresh"], PLENTY, CancellationToken::new());
        ask(&client).await.unwrap();
        assert_eq!(stand_in.seen(), ["GET /2.0/user Bearer old", "GET /2.0/user Bearer fresh"]);
        assert_eq!(client.granted().scopes().unwrap().to_string(), "account repository");

        let client = stand_in.client_with(&["old", "older", "x"], PLENTY, CancellationToken::new());
        assert!(matches!(ask(&client).await, Err(Error::Unauthorized)));
        assert_eq!(stand_in.seen().len(), 4);
    }

    #[tokio::test]
    async fn does_not_send_a_refused_token_again() {
        let stand_in = StandIn::new(|_| Reply::json(401, &json!({}))).await;
        let client = stand_in.client_with(&["same"], PLENTY, CancellationToken::new());
        let error = client.post(Path::new("user")).empty().await.unwrap_err();
        assert!(matches!(error, Error::Unauthorized));
        assert_eq!(stand_in.seen().len(), 1);
    }

    #[tokio::test]
    async fn sends_an_empty_object_when_a_write_has_no_body() {
        let stand_in = StandIn::new(|_| Reply::new(204, "text/plain", "")).await;
        let client = stand_in.client();
        client.post(Path::new("a")).empty().await.unwrap();
        client.post(Path::new("b")).json_body(&json!({ "x": 1 })).empty().await.unwrap();
        client.delete(Path::new("c")).empty().await.unwrap();
        let sent = |asked: &crate::bitbucket::stand_in::Asked| {
            (asked.body.clone(), asked.content_type.clone().unwrap_or_default())
        };
        let json = "application/json".to_owned();
        assert_eq!(
            stand_in.asked().iter().map(sent).collect::<Vec<_>>(),
            [
                ("{}".to_owned(), json.clone()),
                (r#"{"x":1}"#.to_owned(), json),
                (String::new(), String::new())
            ]
        );
    }

    #[tokio::test]
    async fn never_shows_what_is_not_json() {
        let stand_in = StandIn::new(|asked| match asked.query("status").as_deref() {
            Some("200") => Reply::new(200, "text/html", "<p>secret-of-a-page"),
            Some("broken") => Reply::new(200, "application/json", "{\"secret-of-a-page"),
            Some("204") => Reply::new(204, "text/plain", ""),
            _ => Reply::new(404, "text/html; charset=utf-8", "<p>secret-of-a-page"),
        })
        .await;
        let client = stand_in.client();
        for (status, said) in [
            ("404", "Bitbucket found nothing"),
            ("200", "Bitbucket's answer is not as expected: it is a web page"),
            ("204", "Bitbucket's answer is not as expected: it is empty"),
            (
                "broken",
                "Bitbucket's answer is not as expected: its JSON is broken (line 1, column 18)",
            ),
        ] {
            let call = client.get(Path::new("user")).query("status", status);
            assert_eq!(call.json::<Value>().await.unwrap_err().to_string(), said);
        }
        let page = || client.post(Path::new("user")).query("status", "200");
        let said = "Bitbucket's answer is not as expected: it is a web page";
        assert_eq!(page().empty().await.unwrap_err().to_string(), said);
        assert_eq!(page().answer::<Value>().await.unwrap_err().to_string(), said);
    }

    #[tokio::test]
    async fn repeats_reads_only() {
        let stand_in = StandIn::new(|asked| match (asked.method.as_str(), asked.index) {
            ("GET", 0) => Reply::json(429, &json!({})).header("retry-after", "0"),
            ("GET", 1) => Reply::json(503, &json!({})),
            ("GET", _) => fine(),
            _ => Reply::json(503, &json!({})),
        })
        .await;
        let client = stand_in.client();
        ask(&client).await.unwrap();
        assert_eq!(stand_in.seen().len(), 3);
        let error = client.post(Path::new("user")).empty().await.unwrap_err();
        assert!(error.leaves_outcome_open());
        assert_eq!(stand_in.seen().len(), 4);
    }

    #[tokio::test]
    async fn gives_up_on_555_and_at_the_deadline() {
        let stand_in = StandIn::new(|_| Reply::json(555, &json!({}))).await;
        assert!(matches!(ask(&stand_in.client()).await, Err(Error::TimedOut)));
        assert_eq!(stand_in.seen().len(), 2);
        let slow = StandIn::new(|_| fine().after(PLENTY)).await;
        let client =
            slow.client_with(&["good"], Duration::from_millis(50), CancellationToken::new());
        assert!(matches!(ask(&client).await, Err(Error::Deadline)));
    }

    #[tokio::test]
    async fn stops_when_the_caller_does() {
        let stand_in = StandIn::new(|_| fine().after(PLENTY)).await;
        let cancel = CancellationToken::new();
        let client = stand_in.client_with(&["good"], PLENTY, cancel.clone());
        let stop = async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            cancel.cancel();
        };
        let (answer, ()) = tokio::join!(ask(&client), stop);
        assert!(matches!(answer, Err(Error::Cancelled)));
    }

    #[tokio::test]
    async fn reads_as_much_as_it_may() {
        let stand_in = StandIn::new(|_| Reply::new(200, "text/plain", "0123456789")).await;
        let client = stand_in.client();
        let bytes = client.get(Path::new("x")).bytes(4).await.unwrap();
        assert_eq!((bytes.data.as_slice(), bytes.truncated), (b"0123".as_slice(), true));
        assert_eq!(bytes.total, Some(10));
        let bytes = client.get(Path::new("x")).bytes(10).await.unwrap();
        assert_eq!((bytes.data.len(), bytes.truncated), (10, false));
    }

    #[tokio::test]
    async fn understands_a_202_with_nothing_in_it() {
        let stand_in = StandIn::new(|asked| {
            Reply::json(202, &json!("")).header("location", format!("{}/2.0/task/7", asked.origin))
        })
        .await;
        let answer = stand_in.client().post(Path::new("merge")).answer::<Value>().await.unwrap();
        assert_eq!((answer.status, answer.body), (202, None));
        assert_eq!(answer.location.unwrap().checked(), Ok("task/7"));
    }
}

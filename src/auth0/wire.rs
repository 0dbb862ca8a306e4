//! One request to Auth0 and the whole answer, within bounds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::RETRY_AFTER;
use serde::de::DeserializeOwned;
use url::Url;

use super::{Error, SERVICE, Tenant};
use crate::net;

/// From the first byte out to the last byte in, where losing the answer loses something.
pub(super) const TIMEOUT: Duration = Duration::from_secs(20);
/// Key sets are the largest answers, and take a few kilobytes.
const MAX_BODY: usize = 256 * 1024;
/// A longer wait is no wait but a different afternoon.
const MAX_RETRY_AFTER: u64 = 3600;

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON. What is wrong with it is not told: the message could quote a token.
    pub(super) fn json<T: DeserializeOwned>(&self, what: &'static str) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|_| Error::Unreadable(what))
    }
}

impl Tenant {
    /// Sends what `build` makes for `url`, once more if the first try never reached Auth0.
    ///
    /// `build` runs per try, since a client assertion is good for one request.
    pub(super) async fn send<F>(&self, url: &Url, build: F) -> Result<Answer, Error>
    where
        F: Fn(&reqwest::Client) -> Result<reqwest::RequestBuilder, Error>,
    {
        self.send_within(TIMEOUT, url, build).await
    }

    /// The same with a time of its own for each try.
    pub(super) async fn send_within<F>(
        &self,
        timeout: Duration,
        url: &Url,
        build: F,
    ) -> Result<Answer, Error>
    where
        F: Fn(&reqwest::Client) -> Result<reqwest::RequestBuilder, Error>,
    {
        self.send_bounded(timeout, MAX_BODY, url, build).await
    }

    /// The same with a bound of its own for the answer, in bytes.
    pub(super) async fn send_bounded<F>(
        &self,
        timeout: Duration,
        max_body: usize,
        url: &Url,
        build: F,
    ) -> Result<Answer, Error>
    where
        F: Fn(&reqwest::Client) -> Result<reqwest::RequestBuilder, Error>,
    {
        let client = self.inner.http.client_for(url)?;
        let response = match build(client)?.timeout(timeout).send().await {
            Err(error) if error.is_connect() => {
                tracing::debug!(error = %error.without_url(), "connecting to Auth0 failed once");
                build(client)?.timeout(timeout).send().await
            }
            sent => sent,
        };
        read(response.map_err(broken)?, max_body).await
    }

    pub(super) async fn get(&self, url: &Url) -> Result<Answer, Error> {
        self.send(url, |client| Ok(client.get(url.clone()))).await
    }
}

async fn read(mut response: reqwest::Response, max_body: usize) -> Result<Answer, Error> {
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > max_body {
            return Err(Error::Unreadable("an answer of reasonable size"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, retry_after, body })
}

fn broken(error: reqwest::Error) -> Error {
    net::Error::from_reqwest(SERVICE, error).into()
}

/// `Retry-After` in seconds, else the moment in `X-RateLimit-Reset`.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let seconds = number(RETRY_AFTER.as_str()).or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
        number("x-ratelimit-reset")?.checked_sub(now)
    })?;
    Some(Duration::from_secs(seconds.min(MAX_RETRY_AFTER)))
}

//! One request to an endpoint, put together and read.

use std::fmt::Display;
use std::time::Duration;

use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::budget::Family;
use super::connector::Connector;
use super::multipart::Multipart;
use super::path::Path;
use super::redirect::Leaving;
use super::send::{Opened, Request};
use super::{Client, Error};

/// How large a JSON answer may be.
const LONGEST_JSON: usize = 16 * 1024 * 1024;

/// How long most endpoints may take, and how long those that Bitbucket itself gives a minute.
const USUAL: Duration = Duration::from_secs(30);
const SLOW: Duration = Duration::from_secs(90);

/// A request that is not sent yet.
#[must_use = "a call does nothing until its answer is asked for"]
pub(crate) struct Call<'a> {
    client: &'a Client,
    method: Method,
    path: Path,
    query: Vec<(&'static str, String)>,
    body: Option<Result<Body, String>>,
    time: Duration,
    family: Option<Family>,
    leaving: Leaving,
}

#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) data: Vec<u8>,
    pub(super) content_type: String,
}

/// The answer to a write that may be carried out later.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    /// The HTTP status.
    pub(crate) status: u16,
    /// Where its `Location` leads, if that is below the API's base.
    pub(crate) location: Option<Path>,
    /// Its body, unless it is empty.
    pub(crate) body: Option<T>,
}

/// An answer that is not JSON, or its beginning.
#[derive(Debug)]
pub(crate) struct Bytes {
    pub(crate) data: Vec<u8>,
    /// Whether there was more.
    pub(crate) truncated: bool,
    /// How much there was in all, where the answer says so.
    pub(crate) total: Option<u64>,
    pub(crate) content_type: Option<String>,
    /// Whether the answer calls itself a file to be saved, as raw files do and folders do not.
    pub(crate) is_attachment: bool,
    /// The host that the content would have come from, where the call was to stay at the API.
    pub(crate) elsewhere: Option<String>,
}

impl<'a> Call<'a> {
    pub(super) fn new(client: &'a Client, method: Method, path: Path) -> Self {
        Self {
            client,
            method,
            path,
            query: Vec::new(),
            body: None,
            time: USUAL,
            family: None,
            leaving: Leaving::Refused,
        }
    }

    /// Adds a parameter to the query. The same name may come more than once.
    pub(crate) fn query(mut self, name: &'static str, value: impl Display) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Adds parameters to the query.
    pub(crate) fn queries<V: Display>(
        mut self,
        pairs: impl IntoIterator<Item = (&'static str, V)>,
    ) -> Self {
        self.query.extend(pairs.into_iter().map(|(name, value)| (name, value.to_string())));
        self
    }

    /// Asks for these fields only. A list's must name `next`.
    pub(crate) fn fields(self, fields: &'static str) -> Self {
        self.query("fields", fields)
    }

    /// Sends `body` as JSON. A POST or PUT without one sends `{}`.
    pub(crate) fn json_body(mut self, body: &impl Serialize) -> Self {
        let data = serde_json::to_vec(body).map_err(|error| error.to_string());
        let json = |data| Body { data, content_type: "application/json".to_owned() };
        self.body = Some(data.map(json));
        self
    }

    /// Sends `form`.
    pub(crate) fn multipart(mut self, form: Multipart) -> Self {
        self.body = Some(Ok(form.body()));
        self
    }

    /// Gives the endpoint the time that diffs and merges need.
    pub(crate) fn slow(mut self) -> Self {
        self.time = SLOW;
        self
    }

    /// Counts as the contents of a file, of which an account may read more.
    pub(super) fn raw_file(mut self) -> Self {
        self.family = Some(Family::RawFile);
        self
    }

    /// Counts as a look at merge checks, which have a limit of their own.
    pub(super) fn merge_checks(mut self) -> Self {
        self.family = Some(Family::MergeChecks);
        self
    }

    /// Counts as a search, which has a limit of its own.
    pub(super) fn search(mut self) -> Self {
        self.family = Some(Family::Search);
        self
    }

    /// Takes a redirect that leaves the API for an answer, and does not follow it.
    pub(crate) fn tells_when_elsewhere(mut self) -> Self {
        self.leaving = Leaving::Told;
        self
    }

    /// Follows a redirect that leaves the API, since the content is expected to come from storage.
    pub(crate) fn follow_to_storage(mut self) -> Self {
        self.leaving = Leaving::Followed;
        self
    }

    /// The same call at an address that the API gave, which already holds its query.
    pub(super) fn at(mut self, path: Path) -> Self {
        self.path = path;
        self.query.clear();
        self
    }

    /// Sends it, and reads the answer as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.fetch().await.map(|(answer, _)| answer)
    }

    /// Sends it, and takes any success for an answer, unless it is a page for people.
    pub(crate) async fn empty(self) -> Result<(), Error> {
        let work = async {
            let opened = self.open("application/json").await?;
            if opened.is_page() { Err(Error::unreadable(WEB_PAGE)) } else { Ok(()) }
        };
        self.within(work).await
    }

    /// Sends it, and reads at most `limit` bytes.
    pub(crate) async fn bytes(self, limit: usize) -> Result<Bytes, Error> {
        self.bytes_if(limit, |_| true).await
    }

    /// [`bytes`](Self::bytes), but goes on after the first ones only if `wanted` says so.
    pub(super) async fn bytes_if(
        self,
        limit: usize,
        wanted: impl Fn(&Bytes) -> bool,
    ) -> Result<Bytes, Error> {
        let work = async {
            let mut opened = self.open("*/*").await?;
            let mut bytes = Bytes {
                data: Vec::new(),
                truncated: false,
                total: opened.length(),
                content_type: opened.header("content-type").map(str::to_owned),
                is_attachment: opened
                    .header("content-disposition")
                    .is_some_and(|text| text.trim_start().starts_with("attachment")),
                elsewhere: opened.elsewhere.take(),
            };
            if bytes.elsewhere.is_some() {
                bytes.truncated = true;
                return Ok(bytes);
            }
            let mut judged = false;
            while let Some(chunk) = opened.chunk().await? {
                let chunk = chunk.as_ref();
                let room = limit.saturating_sub(bytes.data.len());
                bytes.data.extend_from_slice(chunk.get(..room).unwrap_or(chunk));
                bytes.truncated = chunk.len() > room;
                if !judged && bytes.data.len() >= FIRST_LOOK.min(limit) {
                    judged = true;
                    bytes.truncated |= !wanted(&bytes);
                }
                if bytes.truncated {
                    break;
                }
            }
            if !bytes.truncated {
                bytes.total = u64::try_from(bytes.data.len()).ok();
            }
            Ok(bytes)
        };
        self.within(work).await
    }

    /// Sends it, and gives the whole answer: status, `Location`, and the body if there is one.
    pub(crate) async fn answer<T: DeserializeOwned>(self) -> Result<Answer<T>, Error> {
        let work = async {
            let mut opened = self.open("application/json").await?;
            let status = opened.status().as_u16();
            let location = opened
                .header("location")
                .and_then(|location| opened.url.join(location).ok())
                .and_then(|url| self.connector().relative(&url))
                .map(|relative| Path::given(&relative));
            let (data, truncated) = opened.read(LONGEST_JSON).await?;
            // A 202 has `""` for a body, and a 201 may have none.
            let is_empty = matches!(data.trim_ascii(), b"" | b"\"\"");
            let body = if is_empty {
                None
            } else if truncated {
                return Err(Error::TooLarge { limit: LONGEST_JSON });
            } else {
                Some(decode(&opened, &data)?)
            };
            Ok(Answer { status, location, body })
        };
        self.within(work).await
    }

    /// Sends it as it stands, and gives the answer and the address that it came from.
    pub(super) async fn fetch<T: DeserializeOwned>(&self) -> Result<(T, Url), Error> {
        let work = async {
            let mut opened = self.open("application/json").await?;
            let (data, truncated) = opened.read(LONGEST_JSON).await?;
            if truncated {
                return Err(Error::TooLarge { limit: LONGEST_JSON });
            }
            let answer = decode(&opened, &data)?;
            Ok((answer, opened.url))
        };
        self.within(work).await
    }

    pub(super) fn connector(&self) -> &'a Connector {
        &self.client.connector
    }

    /// What was added to the query.
    pub(super) fn parameters(&self) -> &[(&'static str, String)] {
        &self.query
    }

    /// The path, relative to the API's base.
    pub(super) fn path_text(&self) -> Result<&str, Error> {
        let refused = |argument: &str| Error::Unaddressable { argument: argument.to_owned() };
        self.path.checked().map_err(refused)
    }

    async fn open(&self, accept: &'static str) -> Result<Opened, Error> {
        let mut url = self.connector().url(&self.path)?;
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        let body = match &self.body {
            Some(Ok(body)) => Some(body.clone()),
            Some(Err(error)) => return Err(Error::unreadable(format!("our own body: {error}"))),
            // Without one, some of these endpoints answer 400 or 411.
            None if matches!(self.method, Method::POST | Method::PUT) => {
                Some(Body { data: b"{}".to_vec(), content_type: "application/json".to_owned() })
            }
            None => None,
        };
        let family = self.family.unwrap_or_else(|| {
            let is_repository =
                self.path.checked().is_ok_and(|path| path.starts_with("repositories/"));
            if is_repository { Family::Repository } else { Family::Other }
        });
        self.client
            .open(&Request {
                method: self.method.clone(),
                url,
                query: &self.query,
                body,
                accept,
                family,
                leaving: self.leaving,
            })
            .await
    }

    /// Ends `work` with the call's time, the endpoint's, or the caller's patience.
    async fn within<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let limits = &self.client.limits;
        let endpoint = std::time::Instant::now() + self.time;
        let (end, late) = if limits.deadline <= endpoint {
            (limits.deadline, Error::Deadline)
        } else {
            (endpoint, Error::TimedOut)
        };
        tokio::select! {
            biased;
            () = limits.cancel.cancelled() => Err(Error::Cancelled),
            done = tokio::time::timeout_at(end.into(), work) => done.unwrap_or(Err(late)),
        }
    }
}

/// How much of a file is looked at before the rest is downloaded.
const FIRST_LOOK: usize = 8 * 1024;

/// What is said of a sign-in page or a proxy's page, where data was expected.
pub(super) const WEB_PAGE: &str = "it is a web page";

/// Reads an answer without showing any of it in the error: only where it went wrong.
fn decode<T: DeserializeOwned>(opened: &Opened, data: &[u8]) -> Result<T, Error> {
    if opened.is_page() {
        return Err(Error::unreadable(WEB_PAGE));
    }
    if data.is_empty() {
        return Err(Error::unreadable("it is empty"));
    }
    if !opened.is_json() {
        return Err(Error::unreadable("it is not JSON"));
    }
    serde_json::from_slice(data).map_err(|error| {
        let kind = match error.classify() {
            serde_json::error::Category::Data => "its JSON has another shape",
            _ => "its JSON is broken",
        };
        Error::unreadable(format!("{kind} (line {}, column {})", error.line(), error.column()))
    })
}

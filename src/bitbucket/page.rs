//! Lists that come in pages.
//!
//! Bitbucket promises `values` and, while there is more, `next`: an address that is followed as it
//! is. It comes from outside, so it is followed only to the endpoint that was asked.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::{Url, form_urlencoded};

use super::Error;
use super::call::Call;
use super::path::Path;
use super::refs::is_hash;

/// How many requests one list may take.
const MOST_REQUESTS: usize = 40;

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Its elements.
    pub values: Vec<T>,
    /// Where the list goes on, if it does.
    pub next: Option<Resume>,
    /// How long the whole list is, where Bitbucket says so.
    pub size: Option<u64>,
}

/// Where a list goes on. It can be kept by the caller, and is checked again when it comes back.
///
/// It ends up in a cursor that a model carries, so it holds only what the call does not say anyway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Resume {
    /// The next page's path, relative to the API's base, where it is not the one that was asked.
    #[serde(rename = "p", skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// The commit in the path.
    #[serde(rename = "c", skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    /// The next page's query, without the call's own parameters unless it is whole.
    #[serde(rename = "q", skip_serializing_if = "String::is_empty")]
    query: String,
    /// Whether the call's own parameters are not to be added.
    #[serde(rename = "w", skip_serializing_if = "std::ops::Not::not")]
    whole: bool,
    /// How many elements of that page were given out already.
    #[serde(rename = "s", skip_serializing_if = "is_zero")]
    skip: usize,
}

impl Resume {
    /// For a list that we make ourselves out of a whole one: how much of it was given out already.
    /// It leads to no endpoint.
    pub(crate) fn after(skip: usize) -> Self {
        Self { skip, ..Self::default() }
    }

    /// How much was given out already.
    pub(crate) fn skipped(&self) -> usize {
        self.skip
    }

    /// The commit whose files or history the list goes through.
    pub(super) fn commit(&self) -> Option<String> {
        self.commit.clone().filter(|commit| is_hash(commit))
    }

    /// Keeps of `next` what the call to `asked` with its `own` parameters does not say.
    fn shorten(asked: &str, own: &[(&'static str, String)], next: &str, skip: usize) -> Self {
        let (path, query) = next.split_once('?').unwrap_or((next, ""));
        let there = segments(path);
        let is_hash_of_repository =
            |hash: &&String| is_hash(hash) && there.first().is_some_and(|w| w == "repositories");
        let commit = there.get(4).filter(is_hash_of_repository).map(|c| c.to_ascii_lowercase());
        let path = (segments(asked) != there).then(|| path.to_owned());
        let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> =
            form_urlencoded::parse(query.as_bytes()).collect();
        for (name, value) in own {
            let place = pairs.iter().position(|(key, text)| key == name && text == value.as_str());
            match place {
                Some(place) => {
                    pairs.remove(place);
                }
                None => {
                    return Self { path, commit, query: query.to_owned(), whole: true, skip };
                }
            }
        }
        Self { path, commit, query: encode(&pairs), whole: false, skip }
    }

    /// The address that it was made from, for the same call.
    fn lengthen(&self, asked: &str, own: &[(&'static str, String)]) -> String {
        let mut query = self.query.clone();
        if !self.whole && !own.is_empty() {
            let own = encode(own);
            query = if query.is_empty() { own } else { format!("{own}&{query}") };
        }
        let path = self.path.as_deref().unwrap_or(asked);
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }
}

fn encode(pairs: &[(impl AsRef<str>, impl AsRef<str>)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[derive(Deserialize)]
struct Envelope<T> {
    values: Vec<T>,
    next: Option<String>,
    size: Option<u64>,
}

impl<T> Page<T> {
    /// The same part of the list with other elements.
    pub fn map<U>(self, shape: impl FnMut(T) -> U) -> Page<U> {
        let values = self.values.into_iter().map(shape).collect();
        Page { values, next: self.next, size: self.size }
    }
}

impl Call<'_> {
    /// At most `limit` elements from the start or from `resume` on. `cap` is the most elements that
    /// the endpoint gives per page.
    pub(crate) async fn page<T: DeserializeOwned>(
        mut self,
        cap: u32,
        limit: usize,
        resume: Option<&Resume>,
    ) -> Result<Page<T>, Error> {
        let limit = limit.max(1);
        let asked = self.path_text()?.to_owned();
        let mut page = Page { values: Vec::new(), next: None, size: None };
        let own = self.parameters().to_vec();
        let shorten = |next: &str, skip| Some(Resume::shorten(&asked, &own, next, skip));
        let mut skip = 0;
        if let Some(resume) = resume {
            let next = resume.lengthen(&asked, &own);
            if !leads_on(&asked, &next) {
                return Err(Error::unreadable("the list goes on at another endpoint"));
            }
            skip = resume.skip;
            self = self.at(Path::given(&next));
        } else {
            self = self.query("pagelen", limit.min(cap as usize));
        }
        for _ in 0..MOST_REQUESTS {
            let (envelope, answered) = self.envelope::<T>().await?;
            page.size = envelope.size.or(page.size);
            let missing = limit - page.values.len();
            let on_page = envelope.values.len();
            let shown = on_page.saturating_sub(skip).min(missing);
            page.values.extend(envelope.values.into_iter().skip(skip).take(missing));
            if skip + shown < on_page {
                let next = self.relative(&answered)?;
                page.next = shorten(&next, skip + shown);
                return Ok(page);
            }
            // Some implementations send an empty `next` at the end.
            let Some(next) = envelope.next.filter(|next| !next.is_empty()) else {
                page.next = None;
                return Ok(page);
            };
            let next = self.checked_next(&answered, &next)?;
            page.next = shorten(&next, 0);
            if page.values.len() == limit {
                return Ok(page);
            }
            skip = 0;
            self = self.at(Path::given(&next));
        }
        Ok(page)
    }

    /// The whole list, or its first `at_most` elements.
    pub(crate) async fn all<T: DeserializeOwned>(
        self,
        cap: u32,
        at_most: usize,
    ) -> Result<Page<T>, Error> {
        self.page(cap, at_most, None).await
    }

    async fn envelope<T: DeserializeOwned>(&self) -> Result<(Envelope<T>, Url), Error> {
        self.fetch().await
    }

    /// `next` relative to the API's base, if it leads on from the page that `answered`.
    fn checked_next(&self, answered: &Url, next: &str) -> Result<String, Error> {
        let refused = || Error::unreadable("the list goes on at another address");
        let url = answered.join(next).map_err(|_| refused())?;
        let relative = self.connector().relative(&url).ok_or_else(refused)?;
        if &url == answered {
            return Err(Error::unreadable("the list goes on at the same page"));
        }
        let current = self.relative(answered)?;
        if leads_on(&current, &relative) { Ok(relative) } else { Err(refused()) }
    }

    fn relative(&self, url: &Url) -> Result<String, Error> {
        let relative = self.connector().relative(url);
        relative.ok_or_else(|| Error::unreadable("the list is not below the API's base"))
    }
}

/// Whether `next` is a further page of `asked`.
///
/// Bitbucket may spell the same address in another way: escapes, case, a final slash, a slug for a
/// uuid. A pull request's diffstat is redirected to its repository's, where its pages go on.
fn leads_on(asked: &str, next: &str) -> bool {
    let (asked, next) = (segments(asked), segments(next));
    let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    let named_alike = |index: usize, a: &str, b: &str| {
        let is_name = match asked.first().map(String::as_str) {
            Some("repositories") => matches!(index, 1 | 2),
            Some("workspaces") => index == 1,
            _ => false,
        };
        same(a, b) || is_name && (a.starts_with('{') || b.starts_with('{'))
    };
    let alike = |count: usize| {
        let pairs = asked.iter().zip(&next).take(count).enumerate();
        pairs.fold(true, |alike, (index, (a, b))| alike && named_alike(index, a, b))
    };
    if asked.len() == next.len() && alike(asked.len()) {
        return true;
    }
    let is_pull_request = asked.get(3).is_some_and(|word| word == "pullrequests");
    let (last, there) = (asked.get(5), next.get(3));
    is_pull_request && asked.len() == 6 && next.len() > 3 && alike(3) && last == there
}

fn segments(relative: &str) -> Vec<String> {
    let path = relative.split_once('?').map_or(relative, |(path, _)| path);
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    decoded.trim_end_matches('/').split('/').map(str::to_owned).collect()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::bitbucket::stand_in::{Reply, StandIn};

    #[test]
    fn goes_on_at_the_endpoint_that_was_asked_only() {
        for (asked, next, fine) in [
            ("user/workspaces", "user/workspaces?page=2", true),
            (
                "repositories/acme/shop/src/m/a%20b/",
                "repositories/Acme/shop/src/m/a b?page=x",
                true,
            ),
            ("repositories/%7Bu%7D/%7Bv%7D/commits", "repositories/acme/shop/commits?page=x", true),
            ("repositories/acme/shop/commits", "repositories/acme/other/commits", false),
            ("repositories/acme/shop/commits", "repositories/acme/shop/commits/main", false),
            ("repositories/acme/shop/commits", "user", false),
            (
                "repositories/acme/shop/pullrequests/42/diffstat",
                "repositories/acme/shop/diffstat/acme/shop:a%0Db?page=2",
                true,
            ),
            (
                "repositories/acme/shop/pullrequests/42/diffstat",
                "repositories/acme/other/diffstat/acme/shop:a%0Db?page=2",
                false,
            ),
            (
                "repositories/acme/shop/pullrequests/42/diffstat",
                "repositories/acme/shop/diff/acme/shop:a%0Db?page=2",
                false,
            ),
        ] {
            assert_eq!(leads_on(asked, next), fine, "{asked} {next}");
        }
    }

    fn numbers(page: &Page<Value>) -> String {
        page.values.iter().map(Value::to_string).collect::<Vec<_>>().join(" ")
    }

    /// Ten numbers, by the page that was asked for.
    async fn counting() -> StandIn {
        StandIn::new(|request| {
            let number = |name: &str, default| {
                request.query(name).and_then(|text| text.parse().ok()).unwrap_or(default)
            };
            let (pagelen, page) = (number("pagelen", 10_usize), number("page", 1_usize));
            let values: Vec<_> = (1..=10).skip((page - 1) * pagelen).take(pagelen).collect();
            let mut body = json!({ "values": values, "size": 10 });
            if page * pagelen < 10 {
                let next =
                    format!("{}/2.0/things?pagelen={pagelen}&page={}", request.origin, page + 1);
                body["next"] = next.into();
            }
            Reply::json(200, &body)
        })
        .await
    }

    #[tokio::test]
    async fn resumes_in_the_middle_of_a_page() {
        let stand_in = counting().await;
        let client = stand_in.client();
        let call = || client.get(Path::new("things"));
        let first = call().page::<Value>(4, 6, None).await.unwrap();
        assert_eq!((numbers(&first).as_str(), first.size), ("1 2 3 4 5 6", Some(10)));
        let resume = serde_json::to_string(&first.next.unwrap()).unwrap();
        assert_eq!(resume, r#"{"q":"pagelen=4&page=2","s":2}"#);
        let resume: Resume = serde_json::from_str(&resume).unwrap();
        let second = call().page::<Value>(4, 2, Some(&resume)).await.unwrap();
        assert_eq!(numbers(&second), "7 8");
        let third = call().page::<Value>(4, 9, second.next.as_ref()).await.unwrap();
        assert_eq!((numbers(&third).as_str(), third.next), ("9 10", None));
        let all = call().all::<Value>(3, 100).await.unwrap();
        assert_eq!((numbers(&all).as_str(), all.next), ("1 2 3 4 5 6 7 8 9 10", None));
    }

    #[test]
    fn holds_only_what_the_call_does_not_say() {
        let hash = "a6e5e7d797edf751cbd839d6bd4aef86c941eec9";
        let asked = format!("repositories/acme/shop/commits/{hash}");
        let own = [("path", "a b".to_owned()), ("fields", "values.hash,next".to_owned())];
        for (next, kept) in [
            (
                format!("{asked}?fields=values.hash%2Cnext&page=x&path=a%20b&pagelen=5"),
                format!(r#"{{"c":"{hash}","q":"page=x&pagelen=5"}}"#),
            ),
            (
                format!("{asked}?ctx=%2B&page=x"),
                format!(r#"{{"c":"{hash}","q":"ctx=%2B&page=x","w":true}}"#),
            ),
            (
                "repositories/acme/shop/diff/x?path=a+b&fields=values.hash,next".to_owned(),
                r#"{"p":"repositories/acme/shop/diff/x"}"#.to_owned(),
            ),
        ] {
            let resume = Resume::shorten(&asked, &own, &next, 0);
            assert_eq!(serde_json::to_string(&resume).unwrap(), kept);
            let url = |text: &str| Url::parse(&format!("http://x/{text}")).unwrap();
            let pairs = |url: &Url| {
                let mut pairs: Vec<_> = url.query_pairs().into_owned().collect();
                pairs.sort();
                pairs
            };
            let (before, after) = (url(&next), url(&resume.lengthen(&asked, &own)));
            assert_eq!((before.path(), pairs(&before)), (after.path(), pairs(&after)));
        }
    }

    #[tokio::test]
    async fn does_not_take_a_foreign_resume() {
        let stand_in = counting().await;
        let client = stand_in.client();
        for next in ["user", "../1.0/things", "things/../user", "//evil.example/things"] {
            let resume = Resume { path: Some(next.to_owned()), ..Resume::default() };
            let call = client.get(Path::new("things"));
            assert!(call.page::<Value>(4, 6, Some(&resume)).await.is_err(), "{next}");
        }
        assert_eq!(stand_in.seen(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn follows_no_next_to_another_host_or_endpoint() {
        let stand_in = StandIn::new(|request| {
            let next = match request.query("q").as_deref() {
                Some("host") => "http://127.0.0.1:1/2.0/things?page=2".to_owned(),
                Some("base") => format!("{}/1.0/things?page=2", request.origin),
                Some("endpoint") => format!("{}/2.0/user?page=2", request.origin),
                Some("credentials") => {
                    format!("{}/2.0/things?page=2", request.origin.replace("//", "//me:x@"))
                }
                _ => format!("{}{}", request.origin, request.target),
            };
            Reply::json(200, &json!({ "values": [1], "next": next }))
        })
        .await;
        let client = stand_in.client();
        for q in ["host", "base", "endpoint", "credentials", "loop"] {
            let call = client.get(Path::new("things")).query("q", q);
            let error = call.page::<Value>(1, 5, None).await.unwrap_err();
            assert!(error.to_string().contains("the list goes on at"), "{q}: {error}");
        }
        assert_eq!(stand_in.seen().len(), 5);
    }
}

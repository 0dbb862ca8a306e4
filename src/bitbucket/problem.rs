//! Reads what Bitbucket says when it refuses.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use serde::Deserialize;
use serde::de::IgnoredAny;
use url::Url;

use super::Error;
use super::scopes::is_scope;
use crate::text::Foreign;

/// How much of a message is passed on, in characters.
const MESSAGE: usize = 300;

/// How much of an error's body is looked at.
pub(super) const LONGEST_PROBLEM: usize = 64 * 1024;

/// Bitbucket's error object. Every part is optional, and of more than one shape in practice.
#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default)]
    error: Part,
}

#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Part {
    Whole(Box<Body>),
    Text(String),
    Other(IgnoredAny),
    #[default]
    Nothing,
}

#[derive(Default, Deserialize)]
struct Body {
    message: Option<Text>,
    detail: Option<Detail>,
    #[serde(default)]
    fields: Option<Fields>,
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Said(String),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Detail {
    Text(String),
    Scopes {
        required: Vec<String>,
        #[serde(default)]
        granted: Vec<String>,
    },
    Other(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Fields {
    Known(BTreeMap<String, Reasons>),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Reasons {
    One(String),
    Many(Vec<String>),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Data {
    Known { announcement_url: Option<String>, arguments: Option<BTreeMap<String, Reasons>> },
    Other(IgnoredAny),
}

/// What `status` with `body` means. The body of anything but JSON is not even looked at: Bitbucket's
/// HTML pages hold the caller's profile and a short-lived token.
///
/// Whatever `secret` is, it does not come back out.
pub(super) fn error(status: StatusCode, is_json: bool, body: &[u8], secret: &str) -> Error {
    let body = if is_json { parse(body) } else { Body::default() };
    let foreign = |text: String| {
        let text = if secret.is_empty() { text } else { text.replace(secret, "[token]") };
        Some(Foreign::line(&text, MESSAGE)).filter(|line| !line.is_empty())
    };
    let message = match body.message {
        Some(Text::Said(text)) => foreign(text),
        _ => None,
    };
    let (announcement, arguments) = match body.data {
        Some(Data::Known { announcement_url, arguments }) => {
            (announcement_url.filter(|url| is_atlassian(url)), arguments.unwrap_or_default())
        }
        _ => (None, BTreeMap::new()),
    };
    let detail = match body.detail {
        Some(Detail::Scopes { required, granted }) if status == StatusCode::FORBIDDEN => {
            let kept = |scopes: Vec<String>| scopes.into_iter().filter(|s| is_scope(s)).collect();
            return Error::MissingScope { required: kept(required), granted: kept(granted) };
        }
        Some(Detail::Text(text)) => foreign(text),
        _ => None,
    };
    let detail = detail.filter(|detail| Some(detail) != message.as_ref());
    let fields = match body.fields {
        Some(Fields::Known(fields)) => fields,
        _ => BTreeMap::new(),
    };
    match status.as_u16() {
        401 => Error::Unauthorized,
        404 => Error::NotFound { message: message.or(detail) },
        410 => Error::Gone { message, announcement },
        555 => Error::TimedOut,
        status => {
            let fields = fields
                .into_iter()
                .chain(arguments)
                .filter_map(|(name, reasons)| Some((foreign(name)?, foreign(reasons.joined())?)))
                .take(10)
                .collect();
            Error::Status { status, message, detail, fields }
        }
    }
}

impl Reasons {
    fn joined(self) -> String {
        match self {
            Self::One(reason) => reason,
            Self::Many(reasons) => reasons.join("; "),
            Self::Other(_) => String::new(),
        }
    }
}

fn parse(body: &[u8]) -> Body {
    match serde_json::from_slice::<Problem>(body).unwrap_or_default().error {
        Part::Whole(body) => *body,
        Part::Text(text) => Body { message: Some(Text::Said(text)), ..Body::default() },
        Part::Other(_) | Part::Nothing => Body::default(),
    }
}

/// An announcement is shown as a link of ours, so it may only lead to Atlassian.
fn is_atlassian(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        let of = |domain: &str| {
            url.host_str()
                .and_then(|host| host.strip_suffix(domain))
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        url.scheme() == "https"
            && (of("atlassian.com") || of("bitbucket.org"))
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(status: u16, body: &str) -> String {
        let status = StatusCode::from_u16(status).unwrap();
        format!("{:?}", error(status, true, body.as_bytes(), "s3cret"))
    }

    #[test]
    fn reads_every_shape_of_refusal() {
        for (status, body, said) in [
            (
                403,
                r#"{"type":"error","error":{"message":"Your credentials lack one or more required privilege scopes.","detail":{"required":["pullrequest:write"],"granted":["account","repository"]}}}"#,
                r#"MissingScope { required: ["pullrequest:write"], granted: ["account", "repository"] }"#,
            ),
            (
                400,
                r#"{"type":"error","error":{"message":"Bad request","fields":{"source":["branch not found: x"],"title":"required"}}}"#,
                r#"Status { status: 400, message: Some(Foreign("Bad request")), detail: None, fields: [(Foreign("source"), Foreign("branch not found: x")), (Foreign("title"), Foreign("required"))] }"#,
            ),
            (
                400,
                r#"{"type":"error","error":{"message":"Bad","detail":"Requested selector\nis not found","data":{"arguments":{"key":"taken"}}}}"#,
                r#"Status { status: 400, message: Some(Foreign("Bad")), detail: Some(Foreign("Requested selector is not found")), fields: [(Foreign("key"), Foreign("taken"))] }"#,
            ),
            (
                410,
                r#"{"type":"error","error":{"message":"CHANGE-2770 - Functionality has been deprecated","data":{"announcement_url":"https://developer.atlassian.com/cloud/bitbucket/changelog#CHANGE-2770"}}}"#,
                r#"Gone { message: Some(Foreign("CHANGE-2770 - Functionality has been deprecated")), announcement: Some("https://developer.atlassian.com/cloud/bitbucket/changelog#CHANGE-2770") }"#,
            ),
            (
                410,
                r#"{"error":{"data":{"announcement_url":"https://evil.example/?atlassian.com"}}}"#,
                "Gone { message: None, announcement: None }",
            ),
            (404, r#"{"error":{"message":12}}"#, "NotFound { message: None }"),
            (
                404,
                r#"{"error":{"message":"s3cret leaks"}}"#,
                r#"NotFound { message: Some(Foreign("[token] leaks")) }"#,
            ),
            (404, r#"{"error":"plain"}"#, r#"NotFound { message: Some(Foreign("plain")) }"#),
            (409, "[1]", "Status { status: 409, message: None, detail: None, fields: [] }"),
            (555, "{}", "TimedOut"),
        ] {
            assert_eq!(shown(status, body), said, "{body}");
        }
    }
}

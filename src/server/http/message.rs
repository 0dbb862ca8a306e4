//! What of a message decides whether it may go on, read before anything runs.
//!
//! The message is read a second time where it is carried out. So nothing may be in it that two readers
//! could understand in two ways: a name that stands twice is refused, however it is spelt.

use std::fmt;

use rmcp::model::ErrorData;
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// One message of a client, as far as the door looks into it.
#[derive(Debug, PartialEq)]
pub(super) struct Message {
    /// Its id, for the answer.
    pub(super) id: Option<Value>,
    /// What it wants.
    pub(super) kind: Kind,
}

/// What a message wants.
#[derive(Debug, PartialEq)]
pub(super) enum Kind {
    /// A call of the tool of this name.
    Call(String),
    /// A session (revisions before 2026-07-28).
    Initialize,
    /// Anything else, which needs no scope and no place.
    Other,
}

/// Why a body is no message, with the id that it carries if that much could be read.
#[derive(Debug)]
pub(super) struct Unreadable {
    /// The id.
    pub(super) id: Option<Value>,
    /// What is wrong.
    pub(super) error: ErrorData,
}

impl Message {
    /// Looks into `body`.
    pub(super) fn read(body: &[u8]) -> Result<Self, Unreadable> {
        match body.trim_ascii_start().first() {
            Some(b'{') => {}
            Some(b'[') => return Err(refused(None, "batches are not supported; send one message")),
            _ if serde_json::from_slice::<IgnoredAny>(body).is_ok() => {
                return Err(refused(None, "the body is no JSON object"));
            }
            _ => return Err(not_json()),
        }
        let head: Head = serde_json::from_slice(body).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => {
                refused(None, "the body is no JSON-RPC 2.0 message, or names something twice")
            }
            _ => not_json(),
        })?;
        let Head { id, method, .. } = head;
        let kind = match method.as_deref() {
            Some("tools/call") => match serde_json::from_slice::<CallHead>(body) {
                Ok(CallHead { params: Some(Params { name: Some(Value::String(name)) }) }) => {
                    Kind::Call(name)
                }
                // No tool is called without a name; what is missing is told further in.
                Ok(_) => Kind::Other,
                Err(_) => {
                    let says = "the parameters of `tools/call` are no object, or name two tools";
                    return Err(Unreadable { id, error: ErrorData::invalid_params(says, None) });
                }
            },
            Some("initialize") => Kind::Initialize,
            _ => Kind::Other,
        };
        Ok(Self { id, kind })
    }
}

fn refused(id: Option<Value>, says: &'static str) -> Unreadable {
    Unreadable { id, error: ErrorData::invalid_request(says, None) }
}

fn not_json() -> Unreadable {
    Unreadable { id: None, error: ErrorData::parse_error("the body is not JSON", None) }
}

/// A name that stands twice is an error of `serde` for the fields that are listed here.
#[derive(Deserialize)]
struct Head {
    id: Option<Value>,
    method: Option<String>,
    #[serde(rename = "params")]
    _params: Option<IgnoredAny>,
    #[serde(rename = "jsonrpc")]
    _jsonrpc: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct CallHead {
    params: Option<Params>,
}

struct Params {
    name: Option<Value>,
}

impl<'de> Deserialize<'de> for Params {
    /// By hand, since a derived reader would take a list for an object.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ParamsVisitor)
    }
}

struct ParamsVisitor;

impl<'de> Visitor<'de> for ParamsVisitor {
    type Value = Params;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object that names one tool")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Params, A::Error> {
        let mut seen = std::collections::HashSet::new();
        let mut name = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == "name" {
                name = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            if !seen.insert(key) {
                return Err(de::Error::custom("a parameter stands twice"));
            }
        }
        Ok(Params { name })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kind(body: &str) -> Result<Kind, (i32, String)> {
        Message::read(body.as_bytes())
            .map(|message| message.kind)
            .map_err(|unreadable| (unreadable.error.code.0, unreadable.error.message.into_owned()))
    }

    #[test]
    fn finds_the_tool_that_is_called() {
        let body = json!({
            "jsonrpc": "2.0", "id": "a", "method": "tools/call",
            "params": { "arguments": { "name": "x" }, "name": "get_file", "_meta": { "name": "y" } },
        });
        let message = Message::read(body.to_string().as_bytes()).unwrap();
        assert_eq!(message, Message { id: Some(json!("a")), kind: Kind::Call("get_file".into()) });
    }

    #[test]
    fn reads_a_name_as_it_is_meant_however_it_is_spelt() {
        let body = r#"{"jsonrpc":"2.0","id":1,"\u006dethod":"tools\/call","p\u0061rams":{"n\u0061me":"get\u005ffile"}}"#;
        assert_eq!(kind(body), Ok(Kind::Call("get_file".into())));
    }

    #[test]
    fn takes_nothing_that_could_be_read_in_two_ways() {
        let request =
            (-32600, "the body is no JSON-RPC 2.0 message, or names something twice".into());
        let params =
            (-32602, "the parameters of `tools/call` are no object, or name two tools".to_owned());
        for (body, why) in [
            (
                r#"{"id":1,"method":"tools/list","method":"tools/call","params":{"name":"a"}}"#,
                &request,
            ),
            (
                r#"{"id":1,"method":"tools/call","m\u0065thod":"tools/list","params":{"name":"a"}}"#,
                &request,
            ),
            (
                r#"{"id":1,"method":"tools/call","params":{"name":"a"},"params":{"name":"b"}}"#,
                &request,
            ),
            (r#"{"id":1,"id":2,"method":"tools/call","params":{"name":"a"}}"#, &request),
            (r#"{"id":1,"method":"tools/call","params":{"name":"a","name":"b"}}"#, &params),
            (r#"{"id":1,"method":"tools/call","params":{"name":"a","n\u0061me":"b"}}"#, &params),
            (
                r#"{"id":1,"method":"tools/call","params":{"name":"a","arguments":{},"arguments":{}}}"#,
                &params,
            ),
            (r#"{"id":1,"method":"tools/call","params":[null,"a"]}"#, &params),
            (r#"{"id":1,"method":"tools/call","params":"a"}"#, &params),
        ] {
            assert_eq!(kind(body), Err(why.clone()), "{body}");
        }
    }

    #[test]
    fn tells_what_is_no_message() {
        let batch = (-32600, "batches are not supported; send one message".to_owned());
        assert_eq!(kind(" [{}]"), Err(batch));
        let broken = Err((-32700, "the body is not JSON".to_owned()));
        for body in ["", "x", "\"tools/call", "7 8", "{", "{\"id\":1,}"] {
            assert_eq!(kind(body), broken, "{body}");
        }
        let other = Err((-32600, "the body is no JSON object".to_owned()));
        for body in ["7", " null", "true", "\"tools/call\""] {
            assert_eq!(kind(body), other, "{body}");
        }
    }

    #[test]
    fn leaves_the_rest_to_the_protocol() {
        for (body, wants) in [
            (r#"{"id":1,"method":"initialize","params":{}}"#, Kind::Initialize),
            (r#"{"id":1,"method":"tools/call","params":{"arguments":{}}}"#, Kind::Other),
            (r#"{"id":1,"method":"tools/call","params":{"name":7}}"#, Kind::Other),
            (r#"{"id":1,"method":"tools/call"}"#, Kind::Other),
            (r#"{"id":1,"result":{"action":"accept"}}"#, Kind::Other),
            (r#"{"method":"notifications/initialized"}"#, Kind::Other),
        ] {
            assert_eq!(kind(body), Ok(wants), "{body}");
        }
    }
}

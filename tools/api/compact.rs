//! Bitbucket's JSON without what nobody asked for.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::text::{clean, cut};
use crate::tools::shown::time as time_of;

/// How long one text may be.
const LONGEST_TEXT: usize = 8_000;

/// Members that say nothing to an agent.
const NOISE: &[&str] = &["rendered", "html", "markup", "avatar"];

/// Members that are secrets whatever they are called around it.
const SECRETS: &[&str] = &["secret", "private_key", "token", "password", "client_secret"];

/// Names that begin or end like a secret, and hold none.
const NO_SECRETS: &[&str] = &["token_endpoint", "secret_set"];

/// Bitbucket's answer, made small.
#[derive(Debug, Default)]
pub(super) struct Compact {
    /// The members that were left out because they are secrets.
    pub(super) secrets: Vec<String>,
    /// Whether links stay.
    pub(super) links: bool,
}

impl Compact {
    /// `value` without nulls, links, avatars, renderings and secrets, and with texts that are clean and
    /// not too long; nothing if nothing is left.
    pub(super) fn value(&mut self, value: Value) -> Option<Value> {
        match value {
            Value::Null => None,
            Value::String(text) => {
                let text = match text.parse::<Timestamp>() {
                    Ok(time) if text.len() > 19 => time_of(time),
                    _ => cut(&clean(&text), LONGEST_TEXT).into_owned(),
                };
                Some(text.into())
            }
            Value::Array(values) => {
                let kept: Vec<Value> =
                    values.into_iter().filter_map(|value| self.value(value)).collect();
                (!kept.is_empty()).then_some(Value::Array(kept))
            }
            Value::Object(members) => self.object(members),
            plain => Some(plain),
        }
    }

    /// The elements of a list. What kind each is stays, where they are of several.
    pub(super) fn elements(&mut self, values: Vec<Value>) -> Vec<Value> {
        let kind = |value: &Value| value.get("type").and_then(Value::as_str).map(str::to_owned);
        let kinds: Vec<Option<String>> = values.iter().map(kind).collect();
        let is_mixed = kinds.iter().any(|kind| Some(kind) != kinds.first());
        values
            .into_iter()
            .zip(kinds)
            .filter_map(|(value, kind)| {
                let mut value = self.value(value)?;
                if let (true, Some(kind), Value::Object(members)) = (is_mixed, kind, &mut value) {
                    members.insert("type".to_owned(), crate::text::clean_line(&kind, 60).into());
                }
                Some(value)
            })
            .collect()
    }

    fn object(&mut self, mut members: Map<String, Value>) -> Option<Value> {
        // Text comes raw, as markup and as HTML: the first is what somebody wrote.
        if members.contains_key("raw") && members.contains_key("html") {
            return members.remove("raw").and_then(|raw| self.value(raw));
        }
        // A person has a dozen members.
        if members.contains_key("display_name") {
            members.retain(|name, _| matches!(name.as_str(), "display_name" | "nickname" | "uuid"));
        }
        let is_variable = members.contains_key("secured");
        let mut kept = Map::new();
        for (name, value) in members {
            let is_noise = NOISE.contains(&name.as_str())
                || name == "links" && !self.links
                || name == "type" && value.is_string();
            if is_noise {
                continue;
            }
            if is_secret(&name) && !is_variable && is_held(&value) {
                let name = crate::text::clean_line(&name, 60);
                if !self.secrets.contains(&name) {
                    self.secrets.push(name);
                }
                continue;
            }
            if let Some(value) = self.value(value) {
                kept.insert(crate::text::clean_line(&name, 100), value);
            }
        }
        (!kept.is_empty()).then_some(Value::Object(kept))
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !NO_SECRETS.contains(&name.as_str())
        && SECRETS.iter().any(|secret| name == *secret || name.ends_with(&format!("_{secret}")))
}

/// Whether it can hold a secret, and not only say that there is one.
fn is_held(value: &Value) -> bool {
    value.is_string() || value.is_object() || value.is_array()
}

/// The scalars of `value` with the dotted names that lead to them, in order.
pub(super) fn flat(value: &Value) -> Vec<(String, &Value)> {
    let mut pairs = Vec::new();
    flatten(String::new(), value, &mut pairs);
    pairs
}

fn flatten<'a>(name: String, value: &'a Value, pairs: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                let inner =
                    if name.is_empty() { member.clone() } else { format!("{name}.{member}") };
                flatten(inner, value, pairs);
            }
        }
        value => pairs.push((name, value)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keeps_what_was_asked_for() {
        let mut compact = Compact::default();
        let value = compact.value(json!({
            "type": "pullrequest",
            "id": 7,
            "draft": false,
            "title": "Round\u{202e} up",
            "merge_commit": null,
            "reviewers": [],
            "content": { "raw": "a *b*", "markup": "markdown", "html": "<p>a <i>b</i></p>" },
            "author": { "display_name": "Ana", "uuid": "{1}", "account_id": "x", "links": {} },
            "links": { "self": { "href": "https://api.bitbucket.org/2.0/…" } },
        }));
        assert_eq!(
            value,
            Some(json!({
                "id": 7,
                "draft": false,
                "title": "Round up",
                "content": "a *b*",
                "author": { "display_name": "Ana", "uuid": "{1}" },
            }))
        );
        assert!(compact.secrets.is_empty());
    }

    #[test]
    fn leaves_secrets_out_and_says_which() {
        let mut compact = Compact::default();
        let value = compact.value(json!({
            "url": "https://ci.example",
            "secret": "s3cret",
            "secret_set": true,
            "oauth_client": { "id": "x", "secret": "y", "access_token": "z" },
            "key_pair": { "private_key": "PEM", "public_key": "ssh-rsa" },
        }));
        assert_eq!(
            value,
            Some(json!({
                "url": "https://ci.example",
                "secret_set": true,
                "oauth_client": { "id": "x" },
                "key_pair": { "public_key": "ssh-rsa" },
            }))
        );
        assert_eq!(compact.secrets, ["private_key", "access_token", "secret"]);
    }
}

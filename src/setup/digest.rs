//! The name of a plan: what whoever approves it approves.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::edit::{Change, Edit, Set};
use super::{ApplyError, Choice};

/// How many hexadecimal digits stand for the plan: 128 bits of its SHA-256.
const DIGITS: usize = 32;
/// A choice that takes more is not one of ours.
const MAX_CHOICE: usize = 1024;

/// Names a plan: its choice, the tenant, and everything that it would change, from what to what.
///
/// It carries the choice with it where that is not the default one, so that whoever has a digest need
/// not repeat the options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct Digest {
    hash: String,
    choice: Choice,
}

impl Digest {
    /// Reads the text of a digest. Only the one spelling that is printed is accepted.
    ///
    /// # Errors
    /// [`ApplyError::NoDigest`]
    pub fn parse(text: &str) -> Result<Self, ApplyError> {
        let text = text.trim();
        let (hash, choice) = match text.split_once('.') {
            None => (text, Some(Choice::default())),
            Some((hash, choice)) => (hash, read(choice)),
        };
        let digest = choice
            .filter(|_| hash.len() == DIGITS)
            .map(|choice| Self { hash: hash.to_owned(), choice })
            .ok_or(ApplyError::NoDigest)?;
        let hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if hash.bytes().all(hexadecimal) && digest.to_string() == text {
            Ok(digest)
        } else {
            Err(ApplyError::NoDigest)
        }
    }

    /// What is to be set up.
    #[must_use]
    pub fn choice(&self) -> &Choice {
        &self.choice
    }

    /// The digest of the plan that makes these edits, in this order, on these objects.
    ///
    /// Values are covered as they are written, not only as they are shown: what is shown may be short.
    /// The consumer's key and secret are covered as being written, not by what they are.
    pub(super) fn of(
        domain: &str,
        choice: &Choice,
        edits: &[(&Edit, &Change, Option<&str>)],
    ) -> Self {
        let edits: Vec<_> = edits
            .iter()
            .map(|(edit, change, id)| json!([change, id, written(&edit.set)]))
            .collect();
        let covered = json!({ "domain": domain, "choice": choice, "edits": edits });
        let hash = Sha256::digest(covered.to_string());
        let hash = hash.iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect();
        Self { hash, choice: choice.clone() }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.hash)?;
        if self.choice == Choice::default() {
            return Ok(());
        }
        let choice = serde_json::to_vec(&self.choice).map_err(|_| fmt::Error)?;
        write!(formatter, ".{}", URL_SAFE_NO_PAD.encode(choice))
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

fn read(choice: &str) -> Option<Choice> {
    if choice.len() > MAX_CHOICE {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(choice).ok()?).ok()
}

fn written(set: &Set) -> Value {
    match set {
        Set::Value(value) => json!({ "value": value }),
        Set::IdOf(object) => json!({ "id_of": format!("{object:?}") }),
        Set::ConsumerKey => "consumer key".into(),
        Set::ConsumerSecret => "consumer secret".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Transports;
    use super::super::edit::{Action, Object};
    use super::*;

    fn choices() -> [Choice; 4] {
        [
            Choice::default(),
            Choice { transports: Some(Transports::Http), ..Choice::default() },
            Choice { login: true, ..Choice::default() },
            Choice {
                transports: Some(Transports::Both),
                login: true,
                app: Some("Bitbucket für alle \"x\"".into()),
            },
        ]
    }

    fn edit(field: &'static str, to: &str, set: Set) -> (Edit, Change) {
        let change = Change {
            object: "tenant".into(),
            action: Action::Update,
            field: field.into(),
            from: "not set".into(),
            to: to.into(),
        };
        let edit = Edit {
            object: Object::Tenant,
            action: Action::Update,
            field,
            from: change.from.clone(),
            to: change.to.clone(),
            set,
        };
        (edit, change)
    }

    fn digest(domain: &str, choice: &Choice, edits: &[(Edit, Change)], id: Option<&str>) -> Digest {
        let edits: Vec<_> = edits.iter().map(|(edit, change)| (edit, change, id)).collect();
        Digest::of(domain, choice, &edits)
    }

    #[test]
    fn carries_the_choice_through_text() {
        for choice in choices() {
            let digest = digest("https://acme.eu.auth0.com/", &choice, &[], None);
            let text = digest.to_string();
            assert_eq!(serde_json::to_value(&digest).unwrap(), json!(text));
            let read = Digest::parse(&format!(" {text}\n")).unwrap();
            assert_eq!((read.choice(), &read), (&choice, &digest));
            assert_eq!(text.contains('.'), choice != Choice::default());
        }
    }

    #[test]
    fn changes_with_everything_that_it_covers() {
        let value = |text: &str| Set::Value(text.into());
        let base = [edit("flag", "on", value("on"))];
        let choice = Choice::default();
        let mut digests = vec![
            digest("https://a/", &choice, &base, None),
            digest("https://b/", &choice, &base, None),
            digest("https://a/", &choice, &base, Some("id")),
            digest("https://a/", &choice, &[], None),
            digest("https://a/", &choice, &[edit("flag", "on", value("off"))], None),
            digest("https://a/", &choice, &[edit("flag", "off", value("on"))], None),
            digest("https://a/", &choice, &[edit("other", "on", value("on"))], None),
            digest("https://a/", &choice, &[edit("flag", "on", Set::ConsumerSecret)], None),
            digest("https://a/", &choice, &[edit("flag", "on", Set::IdOf(Object::Api))], None),
        ];
        digests.extend(choices().iter().skip(1).map(|one| digest("https://a/", one, &base, None)));
        for (index, one) in digests.iter().enumerate() {
            let same = digests.iter().filter(|other| other.hash == one.hash).count();
            assert_eq!(same, 1, "{index}");
        }
        assert_eq!(digest("https://a/", &choice, &base, None), digests[0]);
    }

    #[test]
    fn refuses_what_is_no_digest_of_ours() {
        let good = "0123456789abcdef0123456789abcdef";
        Digest::parse(good).unwrap();
        let encoded = |json: &str| format!("{good}.{}", URL_SAFE_NO_PAD.encode(json));
        Digest::parse(&encoded(r#"{"login":true}"#)).unwrap();
        let forged = [
            String::new(),
            ".".into(),
            good.to_uppercase(),
            good[1..].into(),
            format!("{good}0"),
            format!("{good}."),
            format!("{}g", &good[1..]),
            encoded("{}"),
            encoded(r#"{"login":false}"#),
            encoded(r#"{"login": true}"#),
            encoded(r#"{"login":true,"login":true}"#),
            encoded(r#"{"login":true,"more":1}"#),
            encoded(r#"{"app":null,"login":true}"#),
            encoded("nothing"),
            format!("{}=", encoded(r#"{"login":true}"#)),
            format!("{}.x", encoded(r#"{"login":true}"#)),
            encoded(&format!(r#"{{"app":"{}"}}"#, "a".repeat(2000))),
            "ä".repeat(16),
        ];
        for text in forged {
            let refused = Digest::parse(&text).unwrap_err();
            assert_eq!(refused.to_string(), "this is no digest of a plan", "{text}");
        }
    }
}

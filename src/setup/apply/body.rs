//! The body of one write: the fields that change, and around them what Auth0 would otherwise replace.

use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::super::edit::{Edit, Set};
use super::super::place::Places;
use super::read::{OPTIONS, has_secret};
use crate::auth0::management::Body;
use crate::bitbucket::Consumer;

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// The options are hidden from us.
    OptionsHidden,
    /// The options would lose their secret.
    SecretLost,
    /// The consumer is needed.
    NoConsumer,
    /// The id of an object is needed that is not there.
    NoObject,
}

impl Unfit {
    /// What stands in the way.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::OptionsHidden => {
                "its options cannot be read, and writing them would erase all that is in them; grant \
                 `read:connections_options`"
            }
            Self::SecretLost => {
                "its secret can neither be read nor was it supplied, and writing the options would \
                 erase it"
            }
            Self::NoConsumer => "the Bitbucket consumer's key and secret are needed",
            Self::NoObject => "what it refers to is not there",
        }
    }
}

/// The body of a create.
pub(super) fn created(
    edits: &[Edit],
    places: &Places,
    consumer: Option<&Consumer>,
) -> Result<Body, Unfit> {
    changed(edits, &Body::new(), places, consumer)
}

/// The body of a change of an object whose fields are `now`. Of those only the objects are looked at
/// that hold a field that changes: they are sent whole.
pub(super) fn changed(
    edits: &[Edit],
    now: &Body,
    places: &Places,
    consumer: Option<&Consumer>,
) -> Result<Body, Unfit> {
    let mut body = Body::new();
    for edit in edits {
        let value = value(&edit.set, places, consumer)?;
        match edit.field.split_once('.') {
            None => {
                body.insert(edit.field.to_owned(), value);
            }
            Some((outer, path)) => {
                let whole = || now.get(outer).cloned().unwrap_or_else(|| Body::new().into());
                put(body.entry(outer).or_insert_with(whole), path, value);
            }
        }
    }
    Ok(body)
}

/// Sees to it that the options in `body`, which replace those that are there, keep what must not be lost.
pub(super) fn guard_options(
    body: &mut Body,
    now: &Body,
    consumer: Option<&Consumer>,
) -> Result<(), Unfit> {
    let Some(options) = body.get_mut(OPTIONS).and_then(Value::as_object_mut) else { return Ok(()) };
    if !now.contains_key(OPTIONS) {
        return Err(Unfit::OptionsHidden);
    }
    if has_secret(options) {
        return Ok(());
    }
    let key = options.get("client_id").and_then(Value::as_str);
    let consumer = consumer.filter(|consumer| Some(consumer.key.as_str()) == key);
    let consumer = consumer.ok_or(Unfit::SecretLost)?;
    options.insert("client_secret".to_owned(), consumer.secret.expose_secret().into());
    Ok(())
}

/// Whether a change of these fields sends an object whole.
pub(super) fn merges(edits: &[Edit]) -> bool {
    edits.iter().any(|edit| edit.field.contains('.') || edit.field == OPTIONS)
}

fn value(set: &Set, places: &Places, consumer: Option<&Consumer>) -> Result<Value, Unfit> {
    Ok(match set {
        Set::Value(value) => value.clone(),
        Set::IdOf(object) => places.id(object).ok_or(Unfit::NoObject)?.into(),
        Set::ConsumerKey => consumer.ok_or(Unfit::NoConsumer)?.key.clone().into(),
        Set::ConsumerSecret => {
            consumer.ok_or(Unfit::NoConsumer)?.secret.expose_secret().to_owned().into()
        }
    })
}

/// Puts `value` at `path` inside `object`, making objects on the way.
fn put(object: &mut Value, path: &str, value: Value) {
    if !object.is_object() {
        *object = Body::new().into();
    }
    let Some(fields) = object.as_object_mut() else { return };
    match path.split_once('.') {
        None => {
            fields.insert(path.to_owned(), value);
        }
        Some((outer, path)) => {
            put(fields.entry(outer).or_insert_with(|| Body::new().into()), path, value);
        }
    }
}

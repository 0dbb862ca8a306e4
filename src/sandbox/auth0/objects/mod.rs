//! The tenant's objects as the Management API shows them. They are the one truth: logins, tokens and
//! exchanges read them too.

mod client;
mod connection;
mod grant;
mod resource_server;
mod settings;

use serde_json::{Map, Value};

use crate::sandbox::world::random;

pub(crate) use client::{new_client, public_client, refresh_token};
pub(crate) use connection::new_connection;
pub(crate) use grant::new_grant;
pub(crate) use resource_server::{my_account_api, new_resource_server, system_api};
pub(crate) use settings::{new_settings, shown_settings};

/// One object, whole.
#[derive(Clone, Default)]
pub(crate) struct Object(pub(crate) Map<String, Value>);

impl Object {
    /// The object that `value` is; an empty one where it is none.
    pub(crate) fn new(value: Value) -> Self {
        match value {
            Value::Object(map) => Self(map),
            _ => Self::default(),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// A switch that is on or off; off where it is not there.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.switch(name).unwrap_or(false)
    }

    /// A switch, where it is there.
    pub(crate) fn switch(&self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    /// The texts of a list.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        texts(self.get(name))
    }

    /// What is inside an object inside.
    pub(crate) fn inside(&self, outer: &str, inner: &str) -> Option<&Value> {
        self.get(outer)?.get(inner)
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Sets a member of an object inside, which is made where it is not there.
    pub(crate) fn set_inside(&mut self, outer: &str, inner: &str, value: impl Into<Value>) {
        let entry = self.0.entry(outer.to_owned()).or_insert_with(|| Value::Object(Map::new()));
        if let Some(entry) = entry.as_object_mut() {
            entry.insert(inner.to_owned(), value.into());
        }
    }

    /// Takes over each member of `changes`, whole; `null` takes one away.
    pub(crate) fn change(&mut self, changes: Map<String, Value>) {
        for (name, value) in changes {
            match value {
                Value::Null => self.0.remove(&name),
                value => self.0.insert(name, value),
            };
        }
    }

    /// Adds a text to a list or takes it out.
    pub(crate) fn put_in_list(&mut self, name: &str, text: &str, there: bool) {
        let mut list = self.list(name);
        list.retain(|one| one != text);
        if there {
            list.push(text.to_owned());
        }
        self.set(name, list);
    }

    pub(crate) fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

/// The texts of a list; none where there is no list.
pub(crate) fn texts(list: Option<&Value>) -> Vec<String> {
    let listed = list.and_then(Value::as_array).into_iter().flatten();
    listed.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// An identifier as Auth0 makes them: a prefix and `length` letters and digits.
pub(crate) fn identifier(prefix: &str, length: usize) -> String {
    format!("{prefix}{}", random(length))
}

/// An identifier of 24 hexadecimal digits, as APIs have it.
pub(crate) fn hexadecimal() -> String {
    format!("{:024x}", rand::random::<u128>() >> 32)
}

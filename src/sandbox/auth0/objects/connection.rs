//! Connections: where people sign in, and whose accounts they connect.

use serde_json::{Map, Value, json};

use super::{Object, identifier};

/// A connection as a creation makes it.
pub(crate) fn new_connection(body: Map<String, Value>) -> Object {
    let name = body.get("name").cloned().unwrap_or_default();
    let mut connection = Object::new(json!({
        "id": identifier("con_", 16),
        "options": {},
        "is_domain_connection": false,
        "authentication": { "active": true },
        "connected_accounts": { "active": false },
        "enabled_clients": [],
        "realms": [name],
    }));
    connection.change(body);
    connection
}

impl Object {
    pub(crate) fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }

    pub(crate) fn name(&self) -> &str {
        self.text("name").unwrap_or_default()
    }

    /// Whether people can sign in with the connection. Old ones do not say, and mean yes.
    pub(crate) fn signs_people_in(&self) -> bool {
        self.inside("authentication", "active").and_then(Value::as_bool).unwrap_or(true)
    }

    /// Whether the connection serves Token Vault. The switch of 2025 in `options` counts no more.
    pub(crate) fn serves_vault(&self) -> bool {
        self.inside("connected_accounts", "active").and_then(Value::as_bool).unwrap_or(false)
    }

    /// Whether an application may use the connection: one on domain level serves all of them.
    pub(crate) fn is_enabled_for(&self, client_id: &str) -> bool {
        self.flag("is_domain_connection")
            || self.list("enabled_clients").iter().any(|one| one == client_id)
    }

    pub(crate) fn enable_for(&mut self, client_id: &str, enabled: bool) {
        self.put_in_list("enabled_clients", client_id, enabled);
    }

    /// One of the connection's options, where it is a text.
    pub(crate) fn option(&self, name: &str) -> &str {
        self.inside("options", name).and_then(Value::as_str).unwrap_or_default()
    }
}

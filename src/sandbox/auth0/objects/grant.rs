//! Client grants: what an application may do at an API, for itself or for people.

use serde_json::{Map, Value, json};

use super::{Object, identifier};

/// A grant as a creation makes it.
pub(crate) fn new_grant(body: Map<String, Value>) -> Object {
    let mut grant = Object::new(json!({ "id": identifier("cgr_", 16) }));
    grant.change(body);
    if grant.text("subject_type").is_none() {
        grant.set("subject_type", "client");
    }
    // One or the other: a grant of all scopes lists none.
    match grant.flag("allow_all_scopes") {
        true => grant.remove("scope"),
        false if grant.get("scope").is_none() => grant.set("scope", Vec::<String>::new()),
        false => {}
    }
    grant
}

impl Object {
    /// Whether this grant is for an API, on behalf of people or of the application itself.
    pub(crate) fn grants(&self, audience: &str, subject_type: &str) -> bool {
        self.text("audience") == Some(audience) && self.text("subject_type") == Some(subject_type)
    }

    /// Which of an API's scopes are granted.
    pub(crate) fn granted(&self, all: &[String]) -> Vec<String> {
        if self.flag("allow_all_scopes") {
            return all.to_vec();
        }
        let mut granted = self.list("scope");
        granted.retain(|scope| all.contains(scope));
        granted
    }
}

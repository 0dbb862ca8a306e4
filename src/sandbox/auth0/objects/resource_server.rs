//! APIs, which the Management API calls resource servers.

use serde_json::{Map, Value, json};

use super::{Object, hexadecimal};

/// What the My Account API lets people do besides what Token Vault needs; it shows up a moment later.
const FURTHER_SCOPES: [(&str, &str); 5] = [
    ("read:me:authentication_methods", "Read Authentication Methods"),
    ("delete:me:authentication_methods", "Delete Authentication Methods"),
    ("update:me:authentication_methods", "Update Authentication Methods"),
    ("read:me:factors", "Read Factors"),
    ("create:me:authentication_methods", "Create Authentication Methods"),
];

/// An API as a creation makes it.
pub(crate) fn new_resource_server(mut body: Map<String, Value>) -> Object {
    let mut server = Object::new(json!({
        "id": hexadecimal(),
        "allow_offline_access": false,
        "skip_consent_for_verifiable_first_party_clients": false,
        "subject_type_authorization": {
            "client": { "policy": "require_client_grant" },
            "user": { "policy": "allow_all" },
        },
        "token_lifetime": 86_400,
        "token_lifetime_for_web": 7_200,
        "signing_alg": "RS256",
    }));
    let authorization = body.remove("subject_type_authorization");
    server.change(body);
    if let Some(Value::Object(given)) = authorization {
        for (subject, policy) in given {
            server.set_inside("subject_type_authorization", &subject, policy);
        }
    }
    server
}

/// The My Account API at `identifier`: whoever activates it has no say in how it is.
pub(crate) fn my_account_api(identifier: &str) -> Object {
    let scopes = [
        ("create:me:connected_accounts", "Create Connected Accounts"),
        ("read:me:connected_accounts", "Read Connected Accounts"),
        ("delete:me:connected_accounts", "Delete Connected Accounts"),
    ];
    Object::new(json!({
        "id": hexadecimal(),
        "name": "Auth0 My Account API",
        "identifier": identifier,
        "allow_offline_access": true,
        "skip_consent_for_verifiable_first_party_clients": true,
        "subject_type_authorization": {
            "client": { "policy": "deny_all" },
            "user": { "policy": "require_client_grant" },
        },
        "token_lifetime": 600,
        "token_lifetime_for_web": 600,
        "signing_alg": "RS256",
        "scopes": scopes.map(scope),
        "is_system": true,
        "proof_of_possession": { "mechanism": "dpop", "required": false },
    }))
}

/// The Management API at `identifier`, which every tenant has.
pub(crate) fn system_api(identifier: &str, scopes: &[&str]) -> Object {
    let scopes: Vec<_> = scopes.iter().map(|scope| json!({ "value": scope })).collect();
    Object::new(json!({
        "id": hexadecimal(),
        "name": "Auth0 Management API",
        "identifier": identifier,
        "allow_offline_access": false,
        "skip_consent_for_verifiable_first_party_clients": false,
        "subject_type_authorization": {
            "client": { "policy": "require_client_grant" },
            "user": { "policy": "allow_all" },
        },
        "token_lifetime": 86_400,
        "token_lifetime_for_web": 7_200,
        "signing_alg": "RS256",
        "scopes": scopes,
        "is_system": true,
    }))
}

fn scope((value, description): (&str, &str)) -> Value {
    json!({ "value": value, "description": description })
}

impl Object {
    pub(crate) fn identifier(&self) -> &str {
        self.text("identifier").unwrap_or_default()
    }

    pub(crate) fn is_system(&self) -> bool {
        self.flag("is_system")
    }

    /// The names of an API's scopes.
    pub(crate) fn scope_names(&self) -> Vec<String> {
        let listed = self.get("scopes").and_then(Value::as_array).into_iter().flatten();
        let names = listed.filter_map(|scope| scope.get("value")?.as_str());
        names.map(str::to_owned).collect()
    }

    /// Who gets tokens for the API: `user` or `client` by `allow_all`, `require_client_grant` or
    /// `deny_all`.
    pub(crate) fn policy(&self, subject: &str) -> &str {
        let subject = self.inside("subject_type_authorization", subject);
        subject.and_then(|subject| subject.get("policy")?.as_str()).unwrap_or("allow_all")
    }

    /// Whether the API's tokens have the shape of RFC 9068.
    pub(crate) fn speaks_rfc9068(&self) -> bool {
        self.text("token_dialect").is_some_and(|dialect| dialect.starts_with("rfc9068"))
    }

    /// Whether the API's tokens carry permissions.
    pub(crate) fn carries_permissions(&self) -> bool {
        self.text("token_dialect").is_some_and(|dialect| dialect.ends_with("_authz"))
    }

    /// Adds the scopes of the My Account API that its activation does not answer with.
    pub(crate) fn add_further_scopes(&mut self) {
        if let Some(scopes) = self.0.get_mut("scopes").and_then(Value::as_array_mut)
            && scopes.len() == 3
        {
            scopes.extend(FURTHER_SCOPES.map(scope));
        }
    }
}

//! Applications, which the Management API calls clients.

use serde_json::{Map, Value, json};

use crate::sandbox::world::random;

use super::super::applications::Application;
use super::super::vault;
use super::{Object, identifier, texts};

/// An application as a creation makes it: what `body` says, and Auth0's defaults for the rest. They are
/// those of the recordings: one created with a name alone is not OIDC-conformant, and its ID tokens are
/// signed with its secret.
pub(crate) fn new_client(body: Map<String, Value>) -> Object {
    let kind = body.get("app_type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let for_api = kind == "resource_server";
    let public = body.get("token_endpoint_auth_method").and_then(Value::as_str) == Some("none");
    let third_party = body.get("is_first_party") == Some(&Value::Bool(false));
    let grants: &[&str] = match (for_api, third_party, public) {
        (true, ..) => &[],
        (_, true, _) => &["authorization_code", "refresh_token"],
        (.., true) => &["authorization_code", "implicit", "refresh_token"],
        _ => &["authorization_code", "implicit", "refresh_token", "client_credentials"],
    };
    let configuration = match for_api {
        true => json!({ "secret_encoded": false, "alg": "RS256" }),
        false => json!({ "secret_encoded": false, "lifetime_in_seconds": 36_000 }),
    };
    let id = if third_party { identifier("tpc_", 22) } else { random(32) };
    let mut client = Object::new(json!({
        "client_id": id,
        "client_secret": random(64),
        "is_first_party": true,
        "is_token_endpoint_ip_header_trusted": false,
        "oidc_conformant": for_api || third_party,
        "jwt_configuration": &configuration,
        "signing_keys": [{ "cert": "A certificate that nobody checks" }],
        "sso_disabled": false,
        "cross_origin_authentication": false,
        "grant_types": grants,
        "custom_login_page_on": true,
        "refresh_token": refresh_token(&Map::new()),
    }));
    let configured = body.get("jwt_configuration").and_then(Value::as_object).cloned();
    let refreshed = body.get("refresh_token").and_then(Value::as_object).cloned();
    client.change(body);
    if let Some(configured) = configured {
        client.set("jwt_configuration", configuration);
        for (name, value) in configured {
            client.set_inside("jwt_configuration", &name, value);
        }
    }
    if let Some(refreshed) = refreshed {
        client.set("refresh_token", refresh_token(&refreshed));
    }
    client
}

/// A third party's application that nobody made by hand.
pub(crate) fn public_client(
    id: &str,
    name: &str,
    callbacks: &[String],
    method: &str,
    rotates: bool,
) -> Object {
    let body = json!({
        "name": name,
        "is_first_party": false,
        "third_party_security_mode": "strict",
        "callbacks": callbacks,
        "token_endpoint_auth_method": method,
    });
    let mut client = new_client(Object::new(body).0);
    client.set("client_id", id);
    client.set_inside("jwt_configuration", "alg", "RS256");
    client.set_rotation(rotates);
    client
}

/// An application's refresh tokens: what `given` says, and Auth0's defaults for the rest.
pub(crate) fn refresh_token(given: &Map<String, Value>) -> Value {
    let mut defaults = Object::new(json!({
        "rotation_type": "non-rotating",
        "expiration_type": "non-expiring",
        "leeway": 0,
        "token_lifetime": 31_557_600,
        "infinite_token_lifetime": true,
        "infinite_idle_token_lifetime": true,
        "idle_token_lifetime": 2_592_000,
    }));
    if given.get("expiration_type").and_then(Value::as_str) == Some("expiring") {
        defaults.set("infinite_token_lifetime", false);
        defaults.set("infinite_idle_token_lifetime", false);
    }
    defaults.change(given.clone());
    defaults.to_value()
}

impl Object {
    /// The application that this client is, as its requests are answered by.
    pub(crate) fn application(&self, key: Option<String>) -> Application {
        let method = self.text("token_endpoint_auth_method");
        let secret = self.text("client_secret").filter(|_| method != Some("none"));
        let policies = self.inside("refresh_token", "policies").and_then(Value::as_array);
        let policies = policies.into_iter().flatten().filter_map(|policy| {
            let audience = policy.get("audience")?.as_str()?.to_owned();
            Some((audience, texts(policy.get("scope"))))
        });
        Application {
            id: self.text("client_id").unwrap_or_default().to_owned(),
            name: self.text("name").unwrap_or_default().to_owned(),
            third_party: self.is_third_party(),
            for_api: self.text("app_type") == Some("resource_server"),
            api: self.text("resource_server_identifier").map(str::to_owned),
            conformant: self.flag("oidc_conformant"),
            public: method == Some("none"),
            secret: secret.map(str::to_owned),
            key,
            callbacks: self.list("callbacks"),
            grant_types: self.list("grant_types"),
            rotates: self.inside("refresh_token", "rotation_type").and_then(Value::as_str)
                == Some("rotating"),
            policies: policies.collect(),
            skips_confirmation: self.switch("skip_non_verifiable_callback_uri_confirmation_prompt"),
            organization_usage: self.text("organization_usage").map(str::to_owned),
            signs_with_secret: self.inside("jwt_configuration", "alg").and_then(Value::as_str)
                != Some("RS256"),
        }
    }

    pub(crate) fn is_third_party(&self) -> bool {
        !self.flag("is_first_party")
    }

    pub(crate) fn set_rotation(&mut self, rotates: bool) {
        let kind = if rotates { "rotating" } else { "non-rotating" };
        self.set_inside("refresh_token", "rotation_type", kind);
    }

    pub(crate) fn set_vault_grant(&mut self, there: bool) {
        self.put_in_list("grant_types", vault::GRANT_TYPE, there);
    }
}

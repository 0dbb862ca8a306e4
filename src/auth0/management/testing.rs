//! What the tests of this folder share.

use serde_json::{Value, json};

use super::{Body, Management, ManagementSettings};
use crate::auth0::Error;
use crate::auth0::stand_in::StandIn;
use crate::net;

pub(super) const ACCOUNTS: &str = "/api/v2/users/auth0%7Cana/connected-accounts";

/// A tenant that gives the application `machine` a token.
pub(super) async fn ready() -> StandIn {
    let stand_in = StandIn::start().await;
    stand_in.answer("/oauth/token", 200, token("t1", 86_400));
    stand_in
}

/// What `value`, which is an object, says as a body.
pub(super) fn body(value: &Value) -> Body {
    value.as_object().unwrap().clone()
}

/// What was asked besides tokens: method, path, query and body.
pub(super) fn asked(stand_in: &StandIn) -> Vec<String> {
    let requests = stand_in.requests().into_iter().filter(|one| one.path != "/oauth/token");
    requests
        .map(|one| {
            let query =
                if one.query.is_empty() { String::new() } else { format!("?{}", one.query) };
            format!("{} {}{query} {}", one.method, one.path, one.body).trim().to_owned()
        })
        .collect()
}

pub(super) fn management(stand_in: &StandIn) -> Management {
    let settings = ManagementSettings {
        domain: stand_in.domain().clone(),
        client_id: "machine".into(),
        client_secret: "hush".into(),
    };
    Management::new(net::Http::new(), settings).unwrap()
}

pub(super) fn token(name: &str, life: u64) -> Value {
    json!({
        "access_token": name, "scope": "read:users", "expires_in": life,
        "token_type": "Bearer",
    })
}

/// As recorded on a real tenant.
pub(super) fn account(id: &str, connection: &str) -> Value {
    json!({
        "id": id, "connection": connection, "connection_id": "con_BXvD3jxIMEDqJNN9",
        "strategy": connection, "access_type": "offline", "scopes": ["account"],
        "created_at": "2026-05-28T14:42:20.861Z",
    })
}

pub(super) fn list(accounts: &[Value]) -> Value {
    json!({ "connected_accounts": accounts })
}

pub(super) async fn read(management: &Management) -> Result<Vec<String>, Error> {
    let accounts = management.connected_accounts("auth0|ana", "bitbucket").await?;
    Ok(accounts.into_iter().map(|account| account.id.to_string()).collect())
}

//! What another process can do to a running sandbox: `/_sandbox/…` on either service, with the header
//! `x-sandbox: 1`.
//!
//! ```text
//! POST   /_sandbox/faults   one fault, as JSON; more than one as an array
//! DELETE /_sandbox/faults   forgets them all
//! PATCH  /_sandbox/tenant   switches of the tenant, for example {"connect_code_in_fragment": true}
//! PATCH  /_sandbox/objects  objects of the tenant, for example {"clients": {"an app": {"callbacks": []}}}
//!                           with `null` for what is to go; kinds are clients, connections,
//!                           client_grants, resource_servers, settings, custom_domains, organizations
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{patch, post};
use axum::{Json, Router};
use serde_json::Value;

use super::auth0::{Kind, Switch};
use super::faults::{Fault, Faults};
use super::world::World;

#[derive(Clone)]
struct Control {
    world: Arc<World>,
    faults: Arc<Faults>,
}

/// The routes. They are on no record, and faults do not strike them.
pub(super) fn router(world: Arc<World>, faults: Arc<Faults>) -> Router {
    Router::new()
        .route("/_sandbox/faults", post(add_faults).delete(clear_faults))
        .route("/_sandbox/tenant", patch(change_tenant))
        .route("/_sandbox/objects", patch(change_objects))
        .with_state(Control { world, faults })
}

async fn add_faults(
    State(control): State<Control>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    if !asked_on_purpose(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let list = if body.is_array() { body } else { Value::Array(vec![body]) };
    match serde_json::from_value::<Vec<Fault>>(list) {
        Ok(added) => {
            added.into_iter().for_each(|fault| control.faults.add(fault));
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

async fn clear_faults(State(control): State<Control>, headers: HeaderMap) -> StatusCode {
    if !asked_on_purpose(&headers) {
        return StatusCode::FORBIDDEN;
    }
    control.faults.clear();
    StatusCode::NO_CONTENT
}

async fn change_tenant(
    State(control): State<Control>,
    headers: HeaderMap,
    Json(switches): Json<BTreeMap<String, bool>>,
) -> Response {
    if !asked_on_purpose(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let mut known = Vec::new();
    for (name, on) in switches {
        let Ok(switch) = serde_json::from_value::<Switch>(name.clone().into()) else {
            let text = format!("the tenant has no switch `{name}`");
            return (StatusCode::BAD_REQUEST, text).into_response();
        };
        known.push((switch, on));
    }
    control.world.change_tenant(|tenant| {
        known.into_iter().for_each(|(switch, on)| tenant.set(switch, on));
    });
    StatusCode::NO_CONTENT.into_response()
}

async fn change_objects(
    State(control): State<Control>,
    headers: HeaderMap,
    Json(changes): Json<Value>,
) -> Response {
    if !asked_on_purpose(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    match serde_json::from_value::<BTreeMap<Kind, BTreeMap<String, Value>>>(changes) {
        Ok(changes) => {
            control.world.change_tenant(|tenant| {
                for (kind, objects) in &changes {
                    objects.iter().for_each(|(name, changes)| tenant.change(*kind, name, changes));
                }
            });
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

/// A page in a browser cannot send this header to another origin without a preflight, which is not
/// answered here.
fn asked_on_purpose(headers: &HeaderMap) -> bool {
    headers.get("x-sandbox").is_some_and(|value| value == "1")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::sandbox::auth0::VAULT_GRANT_TYPE;
    use crate::sandbox::{Options, Sandbox};

    async fn change(sandbox: &Sandbox, switches: &Value) -> (u16, String) {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/_sandbox/tenant", sandbox.auth0_domain());
        let request = http.patch(url).header("x-sandbox", "1").json(switches);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    #[tokio::test]
    async fn throws_all_switches_or_none() {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        let state = || {
            let tenant = &sandbox.world().lock().tenant;
            let web = tenant.application(&tenant.web_id().unwrap()).unwrap();
            (tenant.connect_code_in_fragment, web.may_use(VAULT_GRANT_TYPE))
        };
        assert_eq!(state(), (false, true));
        let both = json!({ "connect_code_in_fragment": true, "vault_grant": false });
        assert_eq!(change(&sandbox, &both).await, (204, String::new()));
        assert_eq!(state(), (true, false));
        let unknown = json!({ "connect_code_in_fragment": false, "surprise": true });
        let text = "the tenant has no switch `surprise`".to_owned();
        assert_eq!(change(&sandbox, &unknown).await, (400, text));
        assert_eq!(state(), (true, false));
        assert_eq!(change(&sandbox, &json!({ "vault_grant": "yes" })).await.0, 422);
    }
}

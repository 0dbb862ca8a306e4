//! Carries edits out on a tenant in JSON, as the Management API would: what they make must pass.

use serde_json::{Map, Value, json};

use super::tenants::{empty, my_account, push, ready, snapshot};
use super::{SECRET, check, edits, plan, table, wanted};
use crate::setup::Transports;
use crate::setup::edit::{Action, Edit, Object, Set};
use crate::setup::row::State;
use crate::setup::target::Target;
use crate::setup::wanted::Wanted;

/// The tenant after every edit that the findings hold.
pub(super) fn mended(wanted: &Wanted, tenant: &Value) -> Value {
    let snapshot = snapshot(tenant);
    let target = Target::of(wanted, &snapshot);
    let mut edits = edits(&check(wanted, tenant));
    edits.sort_by(|one, other| one.object.cmp(&other.object));
    let mut after = tenant.clone();
    let mut made: Vec<(Object, String)> = Vec::new();
    for edit in &edits {
        let id = target.id_of(&edit.object).or_else(|| id_in(&made, &edit.object));
        if let Object::Enabled { application } = &edit.object {
            let client = target.id_of(application).or_else(|| id_in(&made, application)).unwrap();
            push(&mut after["connection_clients"], client.into());
            continue;
        }
        let id = match (edit.action, id) {
            (_, Some(id)) => id,
            (Action::Create, None) => {
                let id = format!("{:?}", edit.object);
                create(&mut after, &edit.object, &id);
                made.push((edit.object.clone(), id.clone()));
                id
            }
            (action, None) => {
                assert_eq!((action, &edit.object), (Action::Update, &Object::Tenant));
                String::new()
            }
        };
        let value = match &edit.set {
            Set::Value(value) => value.clone(),
            Set::IdOf(object) => {
                target.id_of(object).or_else(|| id_in(&made, object)).unwrap().into()
            }
            Set::ConsumerKey => "consumer-key".into(),
            Set::ConsumerSecret => SECRET.into(),
        };
        put(object(&mut after, &edit.object, &id), edit, value);
    }
    after
}

fn id_in(made: &[(Object, String)], object: &Object) -> Option<String> {
    made.iter().find(|(one, _)| one == object).map(|(_, id)| id.clone())
}

/// With what Auth0 itself puts in.
fn create(tenant: &mut Value, object: &Object, id: &str) {
    match object {
        Object::Connection => push(&mut tenant["connections"], json!({ "id": id })),
        Object::MyAccount => tenant["my_account"] = my_account(),
        Object::Api => {
            tenant["api"] = json!({
                "id": id, "signing_alg": "RS256", "subject_type_authorization": {
                    "client": { "policy": "require_client_grant" },
                    "user": { "policy": "allow_all" },
                },
            });
        }
        Object::StdioApplication | Object::HttpApplication => {
            push(
                &mut tenant["applications"],
                json!({
                    "client_id": id, "is_first_party": true, "oidc_conformant": false,
                }),
            );
        }
        Object::ApiClient => {
            push(
                &mut tenant["applications"],
                json!({
                    "client_id": id, "is_first_party": true, "oidc_conformant": true, "grant_types": [],
                }),
            );
        }
        Object::Grant { api, .. } if **api == Object::MyAccount => {
            push(&mut tenant["my_account_grants"], json!({ "id": id }));
        }
        Object::Grant { .. } | Object::ThirdPartyGrant => {
            push(&mut tenant["api_grants"], json!({ "id": id }));
        }
        Object::Tenant | Object::Enabled { .. } | Object::LoginConnection { .. } => {
            panic!("{object:?} is never made")
        }
    }
}

fn object<'a>(tenant: &'a mut Value, object: &Object, id: &str) -> &'a mut Value {
    let (list, key) = match object {
        Object::Tenant => return &mut tenant["tenant"],
        Object::MyAccount => return &mut tenant["my_account"],
        Object::Api => return &mut tenant["api"],
        Object::StdioApplication | Object::HttpApplication | Object::ApiClient => {
            ("applications", "client_id")
        }
        Object::Grant { api, .. } if **api == Object::MyAccount => ("my_account_grants", "id"),
        Object::Grant { .. } | Object::ThirdPartyGrant => ("api_grants", "id"),
        Object::Connection | Object::LoginConnection { .. } => ("connections", "id"),
        Object::Enabled { .. } => panic!("a connection is enabled by another call"),
    };
    let all = tenant[list].as_array_mut().unwrap();
    all.iter_mut().find(|one| one[key] == id).unwrap()
}

/// With dots into objects, which are merged.
fn put(object: &mut Value, edit: &Edit, value: Value) {
    let mut place = object;
    for part in edit.field.split('.') {
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        let inner = place.as_object_mut().unwrap();
        place = inner.entry(part).or_insert_with(|| Value::Object(Map::new()));
    }
    *place = value;
}

#[test]
fn makes_an_empty_tenant_ready_at_once_and_then_changes_nothing() {
    for transports in [Transports::Stdio, Transports::Http, Transports::Both] {
        let wanted = wanted(transports);
        let after = mended(&wanted, &empty());
        let again = check(&wanted, &after);
        assert_eq!(plan(&again), "", "{transports:?}");
        let left = again.iter().filter(|finding| finding.row.state != State::Ok);
        let left: Vec<_> = left.map(|finding| finding.row.id).collect();
        assert_eq!(left, ["vault.exchange"], "{transports:?}\n{}", table(&again));
    }
}

#[test]
fn changes_nothing_about_a_tenant_that_is_ready() {
    for transports in [Transports::Stdio, Transports::Http, Transports::Both] {
        let wanted = wanted(transports);
        assert_eq!(plan(&check(&wanted, &ready())), "", "{transports:?}");
        assert_eq!(mended(&wanted, &ready()), ready(), "{transports:?}");
    }
}

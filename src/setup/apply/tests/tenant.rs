//! A tenant in memory: its Management API over objects, with faults at chosen writes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use url::Url;

/// What becomes of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is refused for want of a scope.
    Refused,
    /// It is not carried out, and the answer says nothing of it.
    Down,
    /// It is carried out, and the answer is lost.
    Lost,
    /// It is answered well and not carried out.
    Forgotten,
}

/// The tenant. It stops when dropped.
pub(super) struct Tenant {
    pub(super) domain: Url,
    objects: Arc<Mutex<Objects>>,
    task: tokio::task::JoinHandle<()>,
}

/// What is in the tenant.
#[derive(Default)]
pub(super) struct Objects {
    /// By the path of their kind, in the order in which they were made.
    pub(super) kinds: BTreeMap<String, Vec<Value>>,
    /// By connection, the applications that it is enabled for.
    pub(super) enabled: BTreeMap<String, Vec<String>>,
    pub(super) settings: Value,
    /// Every write, as it was sent.
    pub(super) writes: Vec<String>,
    /// What happens to the write of this number.
    pub(super) fault: Option<(usize, Fault)>,
    /// Whether the options of connections are shown.
    pub(super) hides_options: bool,
    /// Whether their secrets are.
    pub(super) hides_secrets: bool,
    made: usize,
}

impl Tenant {
    /// One in which nothing is.
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let settings = json!({ "resource_parameter_profile": "audience", "flags": {} });
        let objects = Arc::new(Mutex::new(Objects { settings, ..Objects::default() }));
        let app = axum::Router::new().fallback(answer).with_state(Arc::clone(&objects));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { domain: Url::parse(&format!("http://{address}/")).unwrap(), objects, task }
    }

    pub(super) fn objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap()
    }

    /// How many writes there were.
    pub(super) fn written(&self) -> usize {
        self.objects().writes.len()
    }

    /// The objects of a kind.
    pub(super) fn all(&self, kind: &str) -> Vec<Value> {
        self.objects().kinds.get(kind).cloned().unwrap_or_default()
    }

    /// Changes the one object of a kind.
    pub(super) fn change(&self, kind: &str, change: impl FnOnce(&mut Value)) {
        change(&mut self.objects().kinds.get_mut(kind).unwrap()[0]);
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    State(objects): State<Arc<Mutex<Objects>>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response {
    let (status, answer) = objects.lock().unwrap().take(&method, &uri, &body);
    let status = StatusCode::from_u16(status).unwrap();
    match answer {
        Some(answer) => (status, Json(answer)).into_response(),
        None => status.into_response(),
    }
}

impl Objects {
    fn take(&mut self, method: &Method, uri: &Uri, body: &[u8]) -> (u16, Option<Value>) {
        if uri.path() == "/oauth/token" {
            let scope = "read:clients create:clients read:connections read:connections_options";
            let token = json!({
                "access_token": "machine", "scope": scope, "expires_in": 86400,
                "token_type": "Bearer",
            });
            return (200, Some(token));
        }
        let path = uri.path().strip_prefix("/api/v2/").unwrap();
        let path: Vec<_> =
            path.split('/').map(|part| percent_decode_str(part).decode_utf8().unwrap()).collect();
        let path: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
        if method == Method::GET {
            return self.read(&path, uri.query().unwrap_or_default());
        }
        let number = self.writes.len();
        let text = std::str::from_utf8(body).unwrap();
        self.writes.push(format!("{method} {} {text}", path.join("/")));
        let fault = self.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        let problem = |status: u16, code: &str, message: &str| {
            let body = json!({ "statusCode": status, "error": "", "message": message,
                "errorCode": code });
            (status, Some(body))
        };
        let body: Value = serde_json::from_slice(body).unwrap();
        match fault {
            Some(Fault::Refused) => problem(
                403,
                "insufficient_scope",
                "Insufficient scope, expected any of: update:everything",
            ),
            Some(Fault::Down) => (503, Some(json!("down"))),
            Some(Fault::Lost) => {
                self.write(method, &path, body);
                (503, Some(json!("down")))
            }
            // Whoever creates must be told of something; it is not there when it is looked for.
            Some(Fault::Forgotten) if method == Method::POST => {
                let answer = self.write(method, &path, body);
                self.kinds.get_mut(path[0]).unwrap().pop();
                answer
            }
            Some(Fault::Forgotten) if path.last() == Some(&"clients") => (204, None),
            Some(Fault::Forgotten) if path[0] == "tenants" => (200, Some(self.settings.clone())),
            Some(Fault::Forgotten) => {
                (200, self.find(path[0], path[1]).map(|object| self.shown(path[0], object.clone())))
            }
            None => self.write(method, &path, body),
        }
    }

    fn read(&self, path: &[&str], query: &str) -> (u16, Option<Value>) {
        let query: BTreeMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).collect();
        let found = match path {
            ["tenants", "settings"] => Some(self.settings.clone()),
            ["guardian", "policies"] | ["custom-domains"] => Some(json!([])),
            ["connections", id, "clients"] => {
                let clients = self.enabled.get(*id).into_iter().flatten();
                let clients: Vec<_> = clients.map(|id| json!({ "client_id": id })).collect();
                Some(json!({ "clients": clients }))
            }
            [kind] => {
                let fits = |object: &&Value| {
                    ["name", "strategy", "audience"].iter().all(|key| {
                        query.get(*key).is_none_or(|wanted| object[*key] == wanted.as_ref())
                    })
                };
                let all = self.kinds.get(*kind).into_iter().flatten().filter(fits);
                let all: Vec<_> = all.map(|object| self.shown(kind, object.clone())).collect();
                Some(match query.get("include_totals") {
                    Some(_) => {
                        let key = kind.replace('-', "_");
                        let total = all.len();
                        json!({ "start": 0, "limit": 50, "total": total, key: all })
                    }
                    None => json!(all),
                })
            }
            [kind, id] => self.find(kind, id).map(|object| self.shown(kind, object.clone())),
            _ => None,
        };
        match found {
            Some(found) => (200, Some(found)),
            None => {
                let kind = path[0].trim_end_matches('s').replace('-', "_");
                let body = json!({
                    "statusCode": 404, "error": "Not Found", "message": "It does not exist",
                    "errorCode": format!("inexistent_{kind}"),
                });
                (404, Some(body))
            }
        }
    }

    fn write(&mut self, method: &Method, path: &[&str], body: Value) -> (u16, Option<Value>) {
        match (method.as_str(), path) {
            ("PATCH", ["tenants", "settings"]) => {
                merge(&mut self.settings, body);
                (200, Some(self.settings.clone()))
            }
            ("PATCH", ["connections", id, "clients"]) => {
                let enabled = self.enabled.entry((*id).to_owned()).or_default();
                for one in body.as_array().unwrap() {
                    enabled.push(one["client_id"].as_str().unwrap().to_owned());
                }
                (204, None)
            }
            ("PATCH", [kind, id]) => {
                let Some(place) = self.place(kind, id) else { return (404, None) };
                let object = &mut self.kinds.get_mut(*kind).unwrap()[place];
                merge(object, body);
                let object = object.clone();
                (200, Some(self.shown(kind, object)))
            }
            ("POST", [kind]) => {
                self.made += 1;
                let mut object = defaults(kind, self.made, &body);
                merge(&mut object, body);
                if object["identifier"].as_str().is_some_and(|one| one.ends_with("/me/")) {
                    merge(&mut object, my_account());
                }
                self.kinds.entry((*kind).to_owned()).or_default().push(object.clone());
                (201, Some(object))
            }
            _ => panic!("{method} {path:?}"),
        }
    }

    /// An object as it is read: an application without its secret, a connection with what may be seen.
    fn shown(&self, kind: &str, mut object: Value) -> Value {
        if kind == "clients" {
            object.as_object_mut().unwrap().remove("client_secret");
        }
        if kind == "connections" && self.hides_options {
            object.as_object_mut().unwrap().remove("options");
        }
        if kind == "connections" && self.hides_secrets {
            object["options"].as_object_mut().unwrap().remove("client_secret");
        }
        object
    }

    fn find(&self, kind: &str, id: &str) -> Option<&Value> {
        let place = self.place(kind, id)?;
        Some(&self.kinds[kind][place])
    }

    fn place(&self, kind: &str, id: &str) -> Option<usize> {
        let is_it = |object: &Value| {
            ["id", "client_id", "identifier"].iter().any(|key| object[*key] == id)
                && (kind == "clients" || object["id"] == id || object["identifier"] == id)
        };
        self.kinds.get(kind)?.iter().position(is_it)
    }
}

/// A change replaces what it names, whole.
fn merge(object: &mut Value, body: Value) {
    let Value::Object(body) = body else { panic!("{body}") };
    for (key, value) in body {
        object[key] = value;
    }
}

/// What Auth0 gives an object that is made, as recorded.
fn defaults(kind: &str, number: usize, body: &Value) -> Value {
    match kind {
        "clients" => {
            let is_api_client = body["app_type"] == "resource_server";
            json!({
                "client_id": format!("client{number:026}"),
                "client_secret": format!("fresh-secret-{number}"),
                "is_first_party": true,
                "oidc_conformant": is_api_client,
                "grant_types": if is_api_client { json!([]) } else {
                    json!(["authorization_code", "implicit", "refresh_token", "client_credentials"])
                },
                "token_endpoint_auth_method": "client_secret_post",
                "jwt_configuration": { "secret_encoded": false, "lifetime_in_seconds": 36_000 },
                "refresh_token": {
                    "rotation_type": "non-rotating", "expiration_type": "non-expiring",
                    "leeway": 0, "token_lifetime": 31_557_600,
                },
            })
        }
        "connections" => json!({
            "id": format!("con_{number}"), "is_domain_connection": false,
            "authentication": { "active": true }, "connected_accounts": { "active": false },
            "enabled_clients": [],
        }),
        "client-grants" => json!({ "id": format!("cgr_{number}"), "subject_type": "client" }),
        "resource-servers" => json!({
            "id": format!("{number:024}"), "allow_offline_access": false,
            "skip_consent_for_verifiable_first_party_clients": false, "signing_alg": "RS256",
            "subject_type_authorization": {
                "client": { "policy": "require_client_grant" }, "user": { "policy": "allow_all" },
            },
        }),
        _ => panic!("{kind}"),
    }
}

/// What Auth0 makes of its own API.
fn my_account() -> Value {
    json!({
        "name": "Auth0 My Account API", "is_system": true, "allow_offline_access": true,
        "skip_consent_for_verifiable_first_party_clients": true,
        "subject_type_authorization": {
            "client": { "policy": "deny_all" }, "user": { "policy": "require_client_grant" },
        },
        "proof_of_possession": { "mechanism": "dpop", "required": false },
    })
}

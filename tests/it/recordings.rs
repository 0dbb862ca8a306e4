//! What Auth0's Management API really said, read by the client that we have: recorded exchanges of
//! go-vcr are played back to it, one after the other.
//!
//! The recordings are other people's and not part of this project, so this runs only where
//! `AUTH0_RECORDINGS` names a folder of them.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use bitbucket_vault_mcp::auth0::management::Body;
use bitbucket_vault_mcp::auth0::{Management, ManagementSettings};
use bitbucket_vault_mcp::net::Http;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

#[derive(Deserialize)]
struct Cassette {
    interactions: Vec<Interaction>,
}

#[derive(Clone, Deserialize)]
struct Interaction {
    request: Asked,
    response: Answered,
}

#[derive(Clone, Default, Deserialize)]
struct Asked {
    method: String,
    url: String,
    #[serde(default)]
    body: String,
}

#[derive(Clone, Default, Deserialize)]
struct Answered {
    code: u16,
    #[serde(default)]
    body: String,
}

/// What is answered next, and what was asked last.
#[derive(Default)]
struct Player {
    answer: Answered,
    asked: Asked,
}

type Shared = Arc<Mutex<Player>>;

#[tokio::test]
async fn reads_what_auth0_really_said() {
    let Some(folder) = recordings() else {
        // Past the capture of the test's output, which nobody sees when it passes.
        let _ = writeln!(std::io::stderr(), "left out: recordings, for want of `AUTH0_RECORDINGS`");
        return;
    };
    let player = Shared::default();
    let management = start(&player).await;
    let mut played = 0;
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|kind| kind == "yaml")) {
        let text = std::fs::read_to_string(file).unwrap();
        let cassette: Cassette = serde_yaml_ng::from_str(&text).unwrap();
        for interaction in cassette.interactions {
            player.lock().unwrap().answer = interaction.response.clone();
            let Some(read) = call(&management, &interaction).await else { continue };
            let what = format!("{} {}", interaction.request.method, interaction.request.url);
            assert_eq!(read, expected(&interaction), "{what}");
            let player = player.lock().unwrap();
            assert_eq!(player.asked.method, interaction.request.method, "{what}");
            assert_eq!(player.asked.url, place(&interaction), "{what}");
            assert_eq!(json(&player.asked.body), json(&interaction.request.body), "{what}");
            played += 1;
        }
    }
    assert!(played > 0, "there is no recording that we could play");
}

#[expect(clippy::disallowed_methods, reason = "where this machine has recordings is no setting")]
fn recordings() -> Option<PathBuf> {
    std::env::var_os("AUTH0_RECORDINGS").map(PathBuf::from)
}

/// Makes the call of `interaction`, and says of the answer what [`expected`] does. `None` for a call that
/// we never make.
async fn call(management: &Management, interaction: &Interaction) -> Option<Vec<Value>> {
    let place = place(interaction);
    let rest = place.strip_prefix("/api/v2/")?;
    let (collection, id) = rest.split_once('/').unwrap_or((rest, ""));
    let id = percent_encoding::percent_decode_str(id).decode_utf8().unwrap();
    let body: Body = json(&interaction.request.body).as_object().cloned().unwrap_or_default();
    let method = interaction.request.method.as_str();
    Some(match (method, collection) {
        ("GET" | "POST" | "PATCH", "connections") => {
            let connection = match method {
                "GET" => management.connection(&id).await,
                "POST" => management.create_connection(&body).await,
                _ => management.update_connection(&id, &body).await,
            };
            let connection = connection.unwrap();
            let active = |purpose: Option<bool>| purpose.map_or(Value::Null, Value::from);
            vec![
                connection.id.into(),
                connection.name.into(),
                connection.strategy.into(),
                active(connection.authentication.map(|purpose| purpose.active)),
                active(connection.connected_accounts.map(|purpose| purpose.active)),
                connection.options.map_or(Value::Null, |options| Value::Object(options.0)),
            ]
        }
        ("GET" | "POST" | "PATCH", "clients") => {
            let application = match method {
                "GET" => management.application(&id).await.map(Option::unwrap),
                "POST" => management.create_application(&body).await,
                _ => management.update_application(&id, &body).await,
            };
            let application = application.unwrap();
            vec![
                application.client_id.into(),
                application.name.into(),
                application.app_type.into(),
                application.is_first_party.into(),
                application.oidc_conformant.into(),
                application.grant_types.into(),
                application.refresh_token.map_or(Value::Null, Value::Object),
                application.resource_server_identifier.into(),
            ]
        }
        ("POST" | "PATCH", "client-grants") => {
            let grant = match method {
                "POST" => management.create_grant(&body).await,
                _ => management.update_grant(&id, &body).await,
            };
            let grant = grant.unwrap();
            vec![
                grant.id.into(),
                grant.client_id.into(),
                grant.audience.into(),
                grant.scope.into(),
                grant.subject_type.into(),
                grant.default_for.into(),
            ]
        }
        ("GET" | "POST" | "PATCH", "resource-servers") => {
            let api = match method {
                "GET" => management.api(&id).await.map(Option::unwrap),
                "POST" => management.create_api(&body).await,
                _ => management.update_api(&id, &body).await,
            };
            let api = api.unwrap();
            let scopes = api.scopes.map(|scopes| {
                scopes.into_iter().map(|scope| scope.value.into()).collect::<Vec<Value>>()
            });
            vec![
                api.id.into(),
                api.name.into(),
                api.identifier.into(),
                api.signing_alg.into(),
                api.token_dialect.into(),
                api.subject_type_authorization.unwrap_or_default(),
                scopes.into(),
            ]
        }
        ("GET" | "PATCH", "tenants") => {
            let settings = match method {
                "GET" => management.tenant_settings().await,
                _ => management.update_tenant_settings(&body).await,
            };
            let settings = settings.unwrap();
            vec![
                settings.resource_parameter_profile.into(),
                settings.dynamic_client_registration_security_mode.into(),
                settings.flags.map_or(Value::Null, Value::Object),
            ]
        }
        ("GET", "users") => {
            let subject = id.strip_suffix("/connected-accounts?take=50")?;
            let accounts = management.connected_accounts(subject, "google-oauth2").await.unwrap();
            accounts.into_iter().map(|account| account.id.as_str().into()).collect()
        }
        _ => return None,
    })
}

/// What the recording says of the same fields.
fn expected(interaction: &Interaction) -> Vec<Value> {
    let body = json(&interaction.response.body);
    let of = |path: &str| body.pointer(path).cloned().unwrap_or_default();
    let each = |list: &str, field: &str| {
        let list = body.get(list).and_then(Value::as_array).cloned();
        list.map(|list| list.iter().map(|one| one[field].clone()).collect::<Vec<_>>())
    };
    match place(interaction).split('/').nth(3).unwrap() {
        "connections" => [
            "/id",
            "/name",
            "/strategy",
            "/authentication/active",
            "/connected_accounts/active",
            "/options",
        ]
        .map(of)
        .to_vec(),
        "clients" => [
            "/client_id",
            "/name",
            "/app_type",
            "/is_first_party",
            "/oidc_conformant",
            "/grant_types",
            "/refresh_token",
            "/resource_server_identifier",
        ]
        .map(of)
        .to_vec(),
        "client-grants" => {
            ["/id", "/client_id", "/audience", "/scope", "/subject_type", "/default_for"]
                .map(of)
                .to_vec()
        }
        "resource-servers" => {
            let mut fields = [
                "/id",
                "/name",
                "/identifier",
                "/signing_alg",
                "/token_dialect",
                "/subject_type_authorization",
            ]
            .map(of)
            .to_vec();
            fields.push(each("scopes", "value").into());
            fields
        }
        "tenants" => {
            ["/resource_parameter_profile", "/dynamic_client_registration_security_mode", "/flags"]
                .map(of)
                .to_vec()
        }
        "users" => each("connected_accounts", "id").unwrap(),
        other => panic!("{other}"),
    }
}

/// Path and query, as they were sent.
fn place(interaction: &Interaction) -> String {
    let (_, rest) = interaction.request.url.split_once("://").unwrap();
    rest[rest.find('/').unwrap()..].to_owned()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

async fn start(player: &Shared) -> Management {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let domain = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let router = axum::Router::new().fallback(answer).with_state(Arc::clone(player));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let settings =
        ManagementSettings { domain, client_id: "machine".into(), client_secret: "hush".into() };
    Management::new(Http::new(), settings).unwrap()
}

async fn answer(State(player): State<Shared>, method: Method, uri: Uri, body: Bytes) -> Response {
    let (status, body) = if uri.path() == "/oauth/token" {
        (200, r#"{"access_token":"t","expires_in":86400}"#.to_owned())
    } else {
        let mut player = player.lock().unwrap();
        player.asked = Asked {
            method: method.to_string(),
            url: uri.to_string(),
            body: String::from_utf8(body.into()).unwrap(),
        };
        (player.answer.code, player.answer.body.clone())
    };
    let status = StatusCode::from_u16(status).unwrap();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

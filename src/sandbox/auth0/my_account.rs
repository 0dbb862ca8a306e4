//! The My Account API, as far as it concerns connected accounts.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::sandbox::serve::bearer;
use crate::sandbox::world::{ConnectedAccount, random};

use super::Auth0;
use super::errors::Problem;
use super::objects::{Object, texts};
use super::paging;
use super::schema;
use super::state::{Authorization, Connect, Stage, TICKET_LIFE, proves};
use super::tenant::Tenant;

const DEFAULT_TAKE: usize = 10;
const LARGEST_TAKE: usize = 20;
const UNKNOWN_SESSION: &str = "Invalid or expired session";

/// The routes below `/me/v1`.
pub(crate) fn router() -> Router<Auth0> {
    Router::new()
        .route("/connected-accounts/connect", post(connect))
        .route("/connected-accounts/complete", post(complete))
        .route("/connected-accounts/accounts", get(accounts))
        .route("/connected-accounts/connections", get(connections))
        .route("/connected-accounts/accounts/{id}", delete(remove))
        .fallback(async || Problem::not_found("The requested resource was not found"))
        .layer(axum::middleware::from_fn(add_rate_headers))
}

async fn connect(
    State(auth0): State<Auth0>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let caller = auth0.caller(&headers, "create:me:connected_accounts")?;
    let body = read_json(&headers, &body)?;
    schema::check(schema::CONNECT.as_ref(), &body)?;
    let redirect_uri = text(&body, "redirect_uri").unwrap_or_default();
    let mut world = auth0.world.lock();
    let tenant = &world.tenant;
    let connection = text(&body, "connection").unwrap_or_default();
    let connection = tenant
        .connection_named(&connection)
        .filter(|connection| connection.is_enabled_for(&caller.client_id))
        .ok_or_else(|| Problem::not_found("The requested resource was not found"))?;
    if !connection.serves_vault() {
        return Err(Problem::bad_request("Connected accounts are not enabled for the connection"));
    }
    let connection = connection.id().to_owned();
    let application = tenant.application(&caller.client_id);
    if !application.is_some_and(|application| application.allows_callback(&redirect_uri)) {
        return Err(Problem::bad_request("Invalid redirect_uri"));
    }
    let auth_session = random(64);
    let ticket = random(36);
    let request = Connect {
        owner: caller.person,
        connection,
        organization: caller.organization,
        ticket: ticket.clone(),
        redirect_uri,
        state: text(&body, "state"),
        challenge: text(&body, "code_challenge"),
        expires_at: Instant::now() + TICKET_LIFE,
        stage: Stage::Waiting,
    };
    world.issued.connects.insert(auth_session.clone(), request);
    let answer = json!({
        "auth_session": auth_session,
        "connect_uri": format!("{}/connected-accounts/connect", auth0.domain),
        "connect_params": { "ticket": ticket },
        "expires_in": TICKET_LIFE.as_secs(),
    });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

async fn complete(
    State(auth0): State<Auth0>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let caller = auth0.caller(&headers, "create:me:connected_accounts")?;
    let body = read_json(&headers, &body)?;
    schema::check(schema::COMPLETE.as_ref(), &body)?;
    let auth_session = text(&body, "auth_session").unwrap_or_default();
    let mut world = auth0.world.lock();
    let connect = world
        .issued
        .connects
        .get_mut(&auth_session)
        .filter(|connect| connect.owner == caller.person && connect.expires_at > Instant::now())
        .ok_or_else(|| Problem::not_found(UNKNOWN_SESSION))?;
    let holder = match &connect.stage {
        Stage::Granted { connect_code, holder }
            if text(&body, "connect_code").as_ref() == Some(connect_code) =>
        {
            *holder
        }
        Stage::Completed => {
            return Err(Problem::conflict("The session has been completed"));
        }
        Stage::Granted { .. } | Stage::Waiting | Stage::Refused => {
            return Err(Problem::bad_request("Invalid connect_code"));
        }
    };
    if text(&body, "redirect_uri").as_ref() != Some(&connect.redirect_uri) {
        return Err(Problem::bad_request("Invalid redirect_uri"));
    }
    let verifier = text(&body, "code_verifier");
    let proven = match (&connect.challenge, &verifier) {
        (Some(challenge), Some(verifier)) => proves(verifier, challenge),
        (None, None) => true,
        _ => false,
    };
    if !proven {
        return Err(Problem::bad_request("Invalid code_verifier"));
    }
    connect.stage = Stage::Completed;
    let (connection, organization) = (connect.connection.clone(), connect.organization.clone());
    let account = world.link(caller.person, holder, &connection, organization);
    let mut answer = describe(&world.tenant, &account);
    // `complete` answers without it; the list has it.
    if let Some(answer) = answer.as_object_mut() {
        answer.remove("org_id");
    }
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

async fn accounts(
    State(auth0): State<Auth0>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let caller = auth0.caller(&headers, "read:me:connected_accounts")?;
    let query = Query::read(query.as_deref())?;
    let world = auth0.world.lock();
    let tenant = &world.tenant;
    let wanted = |account: &&ConnectedAccount| {
        let named = tenant.connection(&account.connection).map(Object::name);
        account.owner == caller.person
            && (query.connections.is_empty()
                || query.connections.iter().any(|one| Some(one.as_str()) == named))
    };
    let mine = world.accounts.iter().filter(wanted);
    Ok(Json(query.page("accounts", mine.map(|account| describe(tenant, account)).collect())))
}

async fn connections(
    State(auth0): State<Auth0>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let caller = auth0.caller(&headers, "read:me:connected_accounts")?;
    let query = Query::read(query.as_deref())?;
    let world = auth0.world.lock();
    let theirs = world.tenant.connections.iter().filter(|connection| {
        connection.serves_vault() && connection.is_enabled_for(&caller.client_id)
    });
    let shown = theirs.map(|connection| {
        json!({
            "name": connection.name(),
            "strategy": connection.text("strategy"),
            "scopes": texts(connection.inside("options", "scope")),
        })
    });
    Ok(Json(query.page("connections", shown.collect())))
}

async fn remove(
    State(auth0): State<Auth0>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let caller = auth0.caller(&headers, "delete:me:connected_accounts")?;
    let letters = id.strip_prefix("cac_").unwrap_or_default();
    if letters.is_empty() || !letters.chars().all(|one| one.is_ascii_alphanumeric()) {
        return Err(Problem::bad_request("Invalid connected account id"));
    }
    let mut world = auth0.world.lock();
    let before = world.accounts.len();
    // The provider's tokens leave the vault. They are not revoked at the provider.
    world.accounts.retain(|account| account.owner != caller.person || account.id != id);
    if world.accounts.len() == before {
        return Err(Problem::not_found("The requested resource was not found"));
    }
    Ok(StatusCode::NO_CONTENT)
}

impl Auth0 {
    /// Whose token the request carries, if it is one of this API with `scope`.
    fn caller(&self, headers: &HeaderMap, scope: &str) -> Result<Authorization, Problem> {
        let world = self.world.lock();
        let audience = world.tenant.my_account_audience();
        if world.tenant.resource_server(&audience).is_none() {
            return Err(Problem::not_found("The requested resource was not found"));
        }
        let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let authorization = sent
            .and_then(bearer)
            .and_then(|token| world.issued.access_tokens.get(token))
            .filter(|token| token.expires_at > Instant::now())
            .map(|token| token.authorization.clone())
            .filter(|one| one.audience.as_deref() == Some(&audience))
            .ok_or_else(Problem::unauthorized)?;
        if !authorization.has(scope) {
            return Err(Problem::missing_scope(scope));
        }
        Ok(authorization)
    }
}

/// The query of a list.
struct Query {
    connections: Vec<String>,
    start: usize,
    take: usize,
}

impl Query {
    fn read(query: Option<&str>) -> Result<Self, Problem> {
        let mut read = Self { connections: Vec::new(), start: 0, take: DEFAULT_TAKE };
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        for (name, value) in pairs {
            match &*name {
                "connection" => read.connections.push(value.into_owned()),
                // The document says `from`; one official library sends `next`.
                "from" | "next" => {
                    read.start = paging::start(&value)
                        .ok_or_else(|| Problem::bad_request("Invalid pagination cursor"))?;
                }
                "take" => {
                    let take = value.parse().ok().filter(|take| (1..=LARGEST_TAKE).contains(take));
                    read.take =
                        take.ok_or_else(|| Problem::bad_request("take must be between 1 and 20"))?;
                }
                _ => {}
            }
        }
        if read.connections.len() > 20 || read.connections.iter().any(|one| one.len() > 128) {
            return Err(Problem::bad_request("Invalid connection filter"));
        }
        Ok(read)
    }

    fn page(&self, name: &str, all: Vec<Value>) -> Value {
        paging::page(name, all, self.start, self.take)
    }
}

fn describe(tenant: &Tenant, account: &ConnectedAccount) -> Value {
    let mut described = json!({
        "id": account.id,
        "connection": tenant.connection(&account.connection).map(Object::name),
        "access_type": "offline",
        "scopes": account.scopes,
        "created_at": format!("{:.3}", account.created_at),
    });
    if let (Some(organization), Some(described)) =
        (&account.organization, described.as_object_mut())
    {
        described.insert("org_id".to_owned(), organization.clone().into());
    }
    described
}

fn read_json(headers: &HeaderMap, body: &[u8]) -> Result<Value, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Problem::media_type());
    }
    serde_json::from_slice(body).map_err(|_| Problem::bad_request("The body is not valid JSON"))
}

fn text(body: &Value, name: &str) -> Option<String> {
    Some(body.get(name)?.as_str()?.to_owned())
}

async fn add_rate_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let headers = response.headers_mut();
    for (name, value) in
        [("x-ratelimit-limit", 25), ("x-ratelimit-remaining", 24), ("x-ratelimit-reset", now + 1)]
    {
        headers.insert(name, HeaderValue::from(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use crate::sandbox::people::CONSUMER_SCOPES;
    use reqwest::Method;
    use serde_json::{Value, json};

    use super::super::switches::Switch;
    use super::super::testing::Harness;

    async fn accounts(harness: &Harness, token: &str) -> Vec<Value> {
        let (status, body) = harness.me(Method::GET, "/accounts", token, None).await;
        assert_eq!(status, 200, "{body}");
        body["accounts"].as_array().unwrap().clone()
    }

    #[tokio::test]
    async fn connects_lists_and_deletes_an_account() {
        let harness = Harness::start().await;
        let token = harness.my_account_token("guest").await;
        assert_eq!(accounts(&harness, &token).await, Vec::<Value>::new());
        let (session, url) = harness.open_connect(&token).await;
        let page = harness.sandbox.consent(&url, "guest").await.unwrap();
        assert_eq!(page, "Back at the application");
        assert_eq!(harness.parameter("state").unwrap(), "state-1");
        let code = harness.parameter("connect_code").unwrap();
        assert_eq!(code.len(), 46);
        let (status, mut made) = harness.complete(&token, &session, &code).await;
        assert_eq!(status, 201, "{made}");
        assert_eq!(accounts(&harness, &token).await, [made.clone()]);
        let id = made["id"].take().as_str().unwrap().to_owned();
        assert!(made["created_at"].take().as_str().unwrap().ends_with('Z'));
        assert_eq!(
            made,
            json!({
                "id": null,
                "connection": "bitbucket",
                "access_type": "offline",
                "scopes": CONSUMER_SCOPES,
                "created_at": null,
            })
        );
        assert!(harness.sandbox.world().is_linked("guest"));
        let other = harness.my_account_token("linked").await;
        let path = format!("/accounts/{id}");
        assert_eq!(harness.me(Method::DELETE, &path, &other, None).await.0, 404);
        assert_eq!(harness.me(Method::DELETE, &path, &token, None).await, (204, json!("")));
        assert_eq!(harness.me(Method::DELETE, &path, &token, None).await.0, 404);
        assert_eq!(harness.me(Method::DELETE, "/accounts/x", &token, None).await.0, 400);
        assert!(!harness.sandbox.world().is_linked("guest"));
    }

    #[tokio::test]
    async fn checks_a_body_against_the_document() {
        let harness = Harness::start().await;
        let token = harness.my_account_token("guest").await;
        for (name, value) in [
            ("connection", Value::Null),
            ("redirect_uri", json!("not a uri")),
            ("scopes", json!([])),
            ("scopes", json!(["a", "a"])),
            ("code_challenge", json!("short")),
            ("code_challenge_method", json!("plain")),
            ("made_up", json!(true)),
            ("authorization_params", json!({ "made_up": "x" })),
        ] {
            let mut body = harness.connect_body();
            body[name] = value;
            let (status, body) = harness.me(Method::POST, "/connect", &token, Some(body)).await;
            let said = (status, body["type"].as_str().unwrap());
            assert_eq!(said, (400, "https://auth0.com/api-errors/A0E-400-0003"), "{name}");
        }
        let mut body = harness.connect_body();
        body["connection"] = json!("");
        let said = harness.me(Method::POST, "/connect", &token, Some(body)).await;
        let wanted = json!({
            "type": "https://auth0.com/api-errors/A0E-400-0003",
            "title": "Validation Error",
            "detail": "Invalid request payload input",
            "status": 400,
            "validation_errors": [{
                "detail": "\"\" is shorter than 1 character",
                "field": "connection",
                "pointer": "#/connection",
                "source": "body",
            }],
        });
        assert_eq!(said, (400, wanted));
        let url = harness.url("/me/v1/connected-accounts/connect");
        let (status, _) = harness.send(|http| http.post(url).bearer_auth(&token).body("{}")).await;
        assert_eq!(status, 415);
        let mut body = harness.connect_body();
        body["redirect_uri"] = json!("https://elsewhere.test/");
        let (status, body) = harness.me(Method::POST, "/connect", &token, Some(body)).await;
        assert_eq!((status, body["detail"].as_str()), (400, Some("Invalid redirect_uri")));
    }

    #[tokio::test]
    async fn takes_only_its_own_tokens_with_the_right_scope() {
        let harness = Harness::start().await;
        let refused = json!({
            "type": "https://auth0.com/api-errors/A0E-401-0003",
            "title": "Invalid Token",
            "detail": "Invalid Token",
            "status": 401,
        });
        let said = harness.me(Method::GET, "/accounts", "made-up", None).await;
        assert_eq!(said, (401, refused));
        let refresh_token = harness.sandbox.refresh_token("linked").unwrap();
        let audience = harness.url("/me/");
        let mut pairs = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.as_str()),
            ("audience", audience.as_str()),
            ("scope", "read:me:connected_accounts"),
        ];
        let (_, body) = harness.form("/oauth/token", &pairs).await;
        let read_only = body["access_token"].as_str().unwrap();
        assert_eq!(accounts(&harness, read_only).await.len(), 1);
        let (status, body) =
            harness.me(Method::POST, "/connect", read_only, Some(harness.connect_body())).await;
        let text = "Insufficient scope, expected any of: create:me:connected_accounts";
        assert_eq!((status, body["detail"].as_str()), (403, Some(text)));
        pairs.truncate(2);
        let (_, body) = harness.form("/oauth/token", &pairs).await;
        let opaque = body["access_token"].as_str().unwrap();
        assert_eq!(harness.me(Method::GET, "/accounts", opaque, None).await.0, 401);
        harness.sandbox.world().expire_access_token("linked");
        assert_eq!(harness.me(Method::GET, "/accounts", read_only, None).await.0, 401);
        let token = harness.my_account_token("linked").await;
        harness.sandbox.world().change_tenant(|tenant| tenant.set(Switch::MyAccount, false));
        assert_eq!(harness.me(Method::GET, "/accounts", &token, None).await.0, 404);
    }

    #[tokio::test]
    async fn pages_by_from_and_by_next() {
        let harness = Harness::start().await;
        harness.sandbox.world().link_as("linked", "ben");
        harness.sandbox.world().link_as("linked", "cleo");
        let token = harness.my_account_token("linked").await;
        let mut ids = Vec::new();
        let mut path = "/accounts?take=1".to_owned();
        for name in ["from", "next", "from"] {
            let (_, body) = harness.me(Method::GET, &path, &token, None).await;
            ids.push(body["accounts"][0]["id"].clone());
            match body["next"].as_str() {
                Some(next) => path = format!("/accounts?take=1&{name}={next}"),
                None => break,
            }
        }
        let all: Vec<_> =
            accounts(&harness, &token).await.iter().map(|one| one["id"].clone()).collect();
        assert_eq!(ids, all);
        assert_eq!(ids.len(), 3);
        for path in ["/accounts?take=21", "/accounts?take=0", "/accounts?from=x"] {
            assert_eq!(harness.me(Method::GET, path, &token, None).await.0, 400, "{path}");
        }
        let (_, body) = harness.me(Method::GET, "/accounts?connection=github", &token, None).await;
        assert_eq!(body, json!({ "accounts": [] }));
        let (_, body) = harness.me(Method::GET, "/connections", &token, None).await;
        assert_eq!(body["connections"][0]["strategy"], "bitbucket");
    }
}

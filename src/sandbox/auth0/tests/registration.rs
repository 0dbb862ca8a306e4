//! Clients that make themselves known.

use axum::Router;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{StatusCode, Uri};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::super::switches::Switch;
use super::super::tenant::API_CLIENT_ID;
use super::super::testing::Harness;
use super::{API, opened};

async fn register(harness: &Harness, metadata: &Value) -> (u16, Value) {
    let url = harness.url("/oidc/register");
    harness.send(|http| http.post(url).json(metadata)).await
}

/// A server of documents, each wrong in another way; gives its origin.
async fn documents(callback: String) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let at = origin.clone();
    let answer = async move |uri: Uri| {
        let mut document = json!({
            "client_id": format!("{at}{}", uri.path()),
            "client_name": "<b>An agent</b>",
            "redirect_uris": [callback],
            "token_endpoint_auth_method": "none",
        });
        let mut kind = "application/json";
        match uri.path() {
            "/mismatch.json" => document["client_id"] = json!(format!("{at}/good.json")),
            "/secret.json" => document["token_endpoint_auth_method"] = "client_secret_post".into(),
            "/large.json" => document["padding"] = "x".repeat(10 * 1_024).into(),
            "/elsewhere.json" => document["redirect_uris"] = json!(["https://other.test/"]),
            "/page.json" => kind = "text/html",
            "/missing.json" => return StatusCode::NOT_FOUND.into_response(),
            "/moved.json" => {
                return (StatusCode::FOUND, [(LOCATION, "/good.json")]).into_response();
            }
            "/text.json" => return ([(CONTENT_TYPE, kind)], "agent").into_response(),
            _ => {}
        }
        ([(CONTENT_TYPE, kind)], document.to_string()).into_response()
    };
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    origin
}

#[tokio::test]
async fn says_that_clients_may_come_by_themselves() {
    let harness = opened().await;
    let path = "/.well-known/oauth-authorization-server";
    let (_, metadata) = harness.send(|http| http.get(harness.url(path))).await;
    assert_eq!(metadata["issuer"], harness.url("/"));
    assert_eq!(metadata["registration_endpoint"], harness.url("/oidc/register"));
    assert_eq!(metadata["client_id_metadata_document_supported"], true);
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
    let methods = metadata["token_endpoint_auth_methods_supported"].as_array().unwrap();
    assert!(methods.contains(&"none".into()));
    harness.sandbox.world().change_tenant(|tenant| {
        tenant.set(Switch::DynamicRegistration, false);
        tenant.set(Switch::ClientIdMetadataDocuments, false);
    });
    let (_, metadata) = harness.send(|http| http.get(harness.url(path))).await;
    assert_eq!(metadata.get("registration_endpoint"), None);
    assert_eq!(metadata["client_id_metadata_document_supported"], false);
    let metadata = json!({ "redirect_uris": [harness.callback] });
    assert_eq!(register(&harness, &metadata).await.0, 404);
}

#[tokio::test]
async fn takes_a_client_from_registration_to_the_vault() {
    let harness = opened().await;
    let metadata = json!({
        "client_name": "An agent",
        "redirect_uris": [harness.callback],
        "token_endpoint_auth_method": "none",
    });
    let (status, mut client) = register(&harness, &metadata).await;
    let id = client["client_id"].take().as_str().unwrap().to_owned();
    assert!(id.starts_with("tpc_"));
    assert!(client["client_id_issued_at"].take().is_i64());
    let wanted = json!({
        "client_id": null,
        "client_id_issued_at": null,
        "client_name": "An agent",
        "redirect_uris": [harness.callback],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    assert_eq!((status, client), (201, wanted));
    let (status, body) = harness.dance(&id, "linked", API).await;
    assert_eq!(status, 200, "{body}");
    let token = body["access_token"].as_str().unwrap();
    let mut claims = harness.claims(token, API).await.unwrap();
    for name in ["iat", "exp", "jti"] {
        claims[name].take();
    }
    assert_eq!(
        claims,
        json!({
            "iss": harness.url("/"),
            "sub": "auth0|ana",
            "aud": [API, harness.url("/userinfo")],
            "azp": id,
            "scope": "openid offline_access bitbucket:read bitbucket:write",
            "iat": null,
            "exp": null,
            "jti": null,
        })
    );
    let (status, body) = super::access_tokens::exchange(&harness, API_CLIENT_ID, token).await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn gives_a_secret_to_a_client_that_wants_one() {
    let harness = opened().await;
    let (_, client) = register(&harness, &json!({ "redirect_uris": [harness.callback] })).await;
    assert_eq!(client["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(client["client_secret_expires_at"], 0);
    assert_eq!(client["client_secret"].as_str().unwrap().len(), 64);
    let id = client["client_id"].as_str().unwrap();
    assert_eq!(harness.dance(id, "linked", API).await.0, 200);
    let pairs = [("client_id", id), ("grant_type", "refresh_token"), ("refresh_token", "x")];
    let (status, body) = harness.bare_form("/oauth/token", &pairs).await;
    assert_eq!((status, body["error"].as_str()), (401, Some("invalid_client")));
}

#[tokio::test]
async fn says_what_is_wrong_with_a_registration() {
    let harness = opened().await;
    for (metadata, error, text) in [
        (Value::Null, "invalid_client_metadata", "The metadata is not a JSON object"),
        (json!({}), "invalid_redirect_uri", "redirect_uris must list 1 to 20 addresses"),
        (
            json!({ "redirect_uris": ["http://client.test/"] }),
            "invalid_redirect_uri",
            "redirect_uri cannot be used: http://client.test/",
        ),
        (
            json!({
                "redirect_uris": ["http://localhost/"],
                "token_endpoint_auth_method": "private_key_jwt",
            }),
            "invalid_client_metadata",
            "Unsupported token_endpoint_auth_method: private_key_jwt",
        ),
    ] {
        let wanted = json!({ "error": error, "error_description": text });
        assert_eq!(register(&harness, &metadata).await, (400, wanted));
    }
}

#[tokio::test]
async fn reads_the_document_that_a_client_id_points_to() {
    let harness = opened().await;
    let origin = documents(harness.callback.clone()).await;
    let id = format!("{origin}/good.json");
    let cookie = harness.signed_in("linked").await;
    let url = harness.authorize_url(&[("client_id", &id), ("resource", API)]);
    let consent = harness.location(&url, &cookie).await;
    let (_, page) = harness.send(|http| http.get(consent).header("cookie", cookie)).await;
    let page = page.as_str().unwrap();
    let who = format!("<strong>&lt;b&gt;An agent&lt;/b&gt;</strong> (<code>{id}</code>)");
    assert!(page.contains(&who), "{page}");
    let (status, body) = harness.dance(&id, "linked", API).await;
    assert_eq!(status, 200, "{body}");
    let claims = harness.claims(body["access_token"].as_str().unwrap(), API).await.unwrap();
    assert_eq!(claims["azp"], id);
}

#[tokio::test]
async fn refuses_a_document_that_proves_nothing() {
    let harness = opened().await;
    let origin = documents(harness.callback.clone()).await;
    for (path, text) in [
        ("/mismatch.json", "its client_id is not its own address"),
        ("/secret.json", "its token_endpoint_auth_method must be none"),
        ("/large.json", "it is larger than 10 KiB"),
        ("/page.json", "its Content-Type is not JSON"),
        ("/missing.json", "its address answers 404"),
        ("/moved.json", "its address answers 302"),
        ("/text.json", "it is not JSON"),
        ("/elsewhere.json", "not in the list of allowed callback URLs"),
    ] {
        let id = format!("{origin}{path}");
        let url = harness.authorize_url(&[("client_id", &id), ("resource", API)]);
        let page = harness.sandbox.consent(&url, "linked").await.unwrap();
        assert!(page.contains(text), "{path}: {page}");
    }
    assert_eq!(harness.parameters(), []);
    harness
        .sandbox
        .world()
        .change_tenant(|tenant| tenant.set(Switch::ClientIdMetadataDocuments, false));
    let id = format!("{origin}/good.json");
    let url = harness.authorize_url(&[("client_id", &id)]);
    let page = harness.sandbox.consent(&url, "linked").await.unwrap();
    assert!(page.contains("Unknown client"), "{page}");
}

#[tokio::test]
async fn lets_pages_of_this_machine_read_its_answers() {
    let harness = opened().await;
    let token = harness.url("/oauth/token");
    let preflight = |origin: &str| {
        let request = reqwest::Client::builder().no_proxy().build().unwrap();
        request
            .request(reqwest::Method::OPTIONS, &token)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,mcp-protocol-version")
            .send()
    };
    let response = preflight("http://localhost:6274").await.unwrap();
    assert_eq!(response.status(), 204);
    let header = |name: &str| response.headers()[name].to_str().unwrap();
    assert_eq!(header("access-control-allow-origin"), "http://localhost:6274");
    assert_eq!(header("access-control-allow-methods"), "GET, POST");
    assert_eq!(header("access-control-allow-headers"), "content-type,mcp-protocol-version");
    for origin in ["https://elsewhere.test", "http://localhost.elsewhere.test", "null"] {
        let response = preflight(origin).await.unwrap();
        assert_eq!(response.status(), 405, "{origin}");
        assert_eq!(response.headers().get("access-control-allow-origin"), None);
    }
}

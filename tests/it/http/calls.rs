//! Calls: whose they are, what they need, and what is no call.

use bitbucket_vault_mcp::sandbox::{Effect, Fault, Service};
use bitbucket_vault_mcp::server::policy::{Policy, Selection};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Bearer, Served, header, whole};
use crate::child::modern;

/// A request of the old protocol that no client would write.
async fn sent(served: &Served, token: &str, body: &str) -> (u16, Value) {
    let request = served.request(Method::POST, Some(token));
    let request = request.header("content-type", "application/json").body(body.to_owned());
    whole(request.send().await.unwrap()).await
}

fn error(id: Option<Value>, code: i64, says: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": says } })
}

#[tokio::test]
async fn answers_a_call_for_the_person_whose_token_it_shows() {
    let served = Served::new().await;
    let said = served.says(&served.token("linked"), "list_workspaces", json!({})).await;
    assert!(said.contains("acme"), "{said}");
    let response =
        served.call(&served.token("linked"), "get_account", &json!({}), json!({})).send().await;
    let response = response.unwrap();
    assert_eq!(header(&response, "content-type"), "application/json");
    let (status, answer) = whole(response).await;
    assert_eq!(status, 200);
    assert_eq!(answer["id"], 7);
    assert_eq!(answer["result"]["structuredContent"]["subject"], "auth0|ana");
}

#[tokio::test]
async fn finds_fault_with_a_token_that_does_not_hold() {
    let served = Served::new().await;
    let ended = Bearer { expires_in: -120, ..Bearer::default() };
    let machine = Bearer { machine: true, ..Bearer::default() };
    let elsewhere =
        Bearer { audience: Some("https://else.example/mcp".into()), ..Bearer::default() };
    for token in [
        served.sandbox.bearer("linked", ended).unwrap(),
        served.sandbox.bearer("linked", machine).unwrap(),
        served.sandbox.bearer("linked", elsewhere).unwrap(),
        "nonsense".to_owned(),
    ] {
        let response = served.call(&token, "get_account", &json!({}), json!({})).send().await;
        let response = response.unwrap();
        let challenge = header(&response, "www-authenticate").to_owned();
        let (status, body) = whole(response).await;
        assert_eq!((status, &body["error"]), (401, &json!("invalid_token")), "{body}");
        let says = body["error_description"].as_str().unwrap();
        let expected = format!(
            "Bearer error=\"invalid_token\", error_description=\"{says}\", \
             resource_metadata=\"{}/.well-known/oauth-protected-resource/mcp\", \
             scope=\"bitbucket:read bitbucket:write\"",
            served.url
        );
        assert_eq!(challenge, expected);
        assert!(!challenge.contains(&token));
    }
    assert_eq!(served.sandbox.world().exchanges("linked"), 0);
}

#[tokio::test]
async fn names_all_that_a_call_needs_and_runs_nothing() {
    let served = Served::new().await;
    let read = served.token_for("linked", &["bitbucket:read"]);
    let none = served.token_for("linked", &[]);
    served.sandbox.clear_requests();
    for (token, tool, scope) in [
        (&read, "merge_pull_request", "bitbucket:read bitbucket:write"),
        (&none, "merge_pull_request", "bitbucket:read bitbucket:write"),
        (&none, "list_workspaces", "bitbucket:read"),
    ] {
        // Whatever the arguments are: nobody looks at them.
        let response = served.call(token, tool, &json!({}), json!({})).send().await.unwrap();
        let says = format!("`{tool}` needs more than this access token was granted");
        let expected = format!(
            "Bearer error=\"insufficient_scope\", scope=\"{scope}\", \
             resource_metadata=\"{}/.well-known/oauth-protected-resource/mcp\", \
             error_description=\"{says}\"",
            served.url
        );
        assert_eq!(header(&response, "www-authenticate"), expected);
        let body =
            json!({ "error": "insufficient_scope", "error_description": says, "scope": scope });
        assert_eq!(whole(response).await, (403, body));
    }
    assert_eq!(served.reached(Service::Bitbucket), Vec::<String>::new());
    assert_eq!(served.sandbox.world().exchanges("linked"), 0);
    // One's own account is nobody else's business, and nothing is hidden.
    assert!(served.says(&none, "get_account", json!({})).await.contains("auth0|ana"));
    let said = served.says(&read, "list_workspaces", json!({})).await;
    assert!(said.contains("acme"), "{said}");
}

#[tokio::test]
async fn lets_no_second_name_past_the_scopes() {
    let served = Served::new().await;
    let token = served.token_for("linked", &["bitbucket:read"]);
    let session = served.session(&token, json!({})).await;
    served.sandbox.clear_requests();
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{"name":"merge_pull_request"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","m\u0065thod":"tools/list","params":{"name":"merge_pull_request"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_account"},"params":{"name":"merge_pull_request"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_account","name":"merge_pull_request"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"n\u0061me":"merge_pull_request","name":"get_account"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["get_account","merge_pull_request"]}"#,
        r#"[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"merge_pull_request"}}]"#,
    ] {
        let request = served.request(Method::POST, Some(&token));
        let request = request
            .header("content-type", "application/json")
            .header("mcp-session-id", &session.id)
            .body(body);
        assert_eq!(request.send().await.unwrap().status(), 400, "{body}");
    }
    let spelt = r#"{"jsonrpc":"2.0","id":1,"m\u0065thod":"tools\/call","params":{"n\u0061me":"merge_pull_r\u0065quest"}}"#;
    assert_eq!(sent(&served, &token, spelt).await.0, 403);
    // What two headers and a body say must be the same.
    let params = modern(json!({ "name": "merge_pull_request", "arguments": {} }), json!({}));
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let request = served.post(Some(&token), &body).header("mcp-protocol-version", "2026-07-28");
    let request = request.header("mcp-method", "tools/call").header("mcp-name", "get_account");
    assert_eq!(request.send().await.unwrap().status(), 403);
    assert_eq!(served.reached(Service::Bitbucket), Vec::<String>::new());
}

#[tokio::test]
async fn says_what_is_wrong_with_a_body() {
    let served = Served::new().await;
    let token = served.token("linked");
    for (body, answer) in [
        ("{", error(None, -32700, "the body is not JSON")),
        ("7", error(None, -32600, "the body is no JSON object")),
        ("[]", error(None, -32600, "batches are not supported; send one message")),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":4}",
            error(Some(json!(4)), -32600, "the body is no JSON-RPC 2.0 message of MCP"),
        ),
        (
            "{\"id\":1,\"id\":2}",
            error(None, -32600, "the body is no JSON-RPC 2.0 message, or names something twice"),
        ),
    ] {
        assert_eq!(sent(&served, &token, body).await, (400, answer), "{body}");
    }
    let request = served.request(Method::POST, Some(&token)).body("{\"id\":1}");
    assert_eq!(request.send().await.unwrap().status(), 415);
}

#[tokio::test]
async fn reads_no_body_that_is_too_long() {
    let served = Served::new().await;
    let token = served.token("linked");
    let too_long = error(None, 413, "the body is longer than 4194304 bytes");
    let body = format!("{{\"a\":\"{}\"}}", "x".repeat(4 * 1024 * 1024));
    assert_eq!(sent(&served, &token, &body).await, (413, too_long.clone()));
    // The same without a length announced.
    let chunks = body.into_bytes().chunks(64 * 1024).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let chunks = futures::stream::iter(chunks.into_iter().map(Ok::<_, std::io::Error>));
    let request = served.request(Method::POST, Some(&token));
    let request = request.header("content-type", "application/json");
    let response = request.body(reqwest::Body::wrap_stream(chunks)).send().await.unwrap();
    assert_eq!(whole(response).await, (413, too_long));
}

#[tokio::test]
async fn a_tool_that_settings_leave_out_is_unknown_whatever_the_scopes() {
    let served = Served::new().await;
    let token = served.token_for("linked", &[]);
    let response = served.call(&token, "no_such_tool", &json!({}), json!({})).send().await.unwrap();
    let (status, answer) = whole(response).await;
    assert_eq!((status, &answer["error"]["message"]), (200, &json!("unknown tool `no_such_tool`")));
}

#[tokio::test]
async fn lists_the_same_tools_to_everybody_and_lets_nobody_share_the_list() {
    let served = Served::new().await;
    let mut lists = Vec::new();
    for token in [served.token("linked"), served.token_for("guest", &[])] {
        let params = modern(json!({}), json!({}));
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params });
        let request = served.post(Some(&token), &body).header("mcp-protocol-version", "2026-07-28");
        let response = request.header("mcp-method", "tools/list").send().await.unwrap();
        let (status, answer) = whole(response).await;
        assert_eq!((status, &answer["result"]["cacheScope"]), (200, &json!("private")));
        lists.push(answer["result"]["tools"].clone());
    }
    assert_eq!(lists[0], lists[1]);
}

#[tokio::test]
async fn says_that_the_client_must_sign_in_again_when_auth0_refuses_its_token() {
    let served = Served::new().await;
    let token = served.token("linked");
    let revoked = Fault::new(Service::Auth0, Effect::RevokedToken).path("/oauth/token");
    served.sandbox.faults().add(revoked);
    assert_eq!(
        served.says(&token, "list_workspaces", json!({})).await,
        "not_signed_in: Auth0 no longer accepts the access token that came with this call\n\
         hint: ask the user to sign in to this server again in their MCP client, then call again"
    );
}

#[tokio::test]
async fn the_tools_of_the_connection_need_a_scope_that_no_client_gets_by_the_way() {
    let served = Served::with(|wanted| {
        wanted.calls.policy = Policy::new(&Selection { management: true, ..Selection::default() });
    })
    .await;
    for tool in ["check_connection", "plan_connection", "configure_connection", "test_connection"] {
        let call = served.call(&served.token("linked"), tool, &json!({}), json!({}));
        let (status, body) = whole(call.send().await.unwrap()).await;
        assert_eq!((status, &body["error"]), (403, &json!("insufficient_scope")), "{tool}: {body}");
        let wanted = "bitbucket:read bitbucket:write connection:admin";
        assert_eq!(body["scope"], wanted, "{tool}");
    }
    let admin = served.token_for("linked", &["connection:admin"]);
    let said = served.says(&admin, "check_connection", json!({})).await;
    assert!(said.starts_with("refused: this server has no credentials for"), "{said}");
}

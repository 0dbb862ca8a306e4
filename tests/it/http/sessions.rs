use reqwest::Method;
use serde_json::{Value, json};

use super::{Bearer, Served, header, whole};
use crate::outside::can;

fn list() -> Value {
    json!({ "jsonrpc": "2.0", "id": 5, "method": "tools/list", "params": {} })
}

#[tokio::test]
async fn a_session_is_unknown_to_everybody_but_its_opener() {
    let served = Served::new().await;
    let (ana, ben) = (served.token("linked"), served.token("limited"));
    let session = served.session(&ana, json!({})).await;
    let unknown = json!("Not Found: Session not found");
    for (token, id, expected) in [
        (&ana, session.id.as_str(), 200),
        (&ben, session.id.as_str(), 404),
        (&ana, "00000000-0000-4000-8000-000000000000", 404),
        (&ben, "00000000-0000-4000-8000-000000000000", 404),
    ] {
        let request = served.post(Some(token), &list()).header("mcp-session-id", id);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), expected);
        if expected == 404 {
            // In the same words, so that nobody learns that it is there.
            assert_eq!(whole(response).await.1, unknown);
        }
        let listening = served.request(Method::GET, Some(token)).header("mcp-session-id", id);
        assert_eq!(listening.send().await.unwrap().status(), expected, "GET");
    }
    for token in [&ben, &ana] {
        let closing = served.request(Method::DELETE, Some(token));
        let response = closing.header("mcp-session-id", &session.id).send().await.unwrap();
        let expected =
            if token == &ben { (404, json!("session not found")) } else { (204, json!("")) };
        assert_eq!(whole(response).await, expected);
    }
    let request = served.post(Some(&ana), &list()).header("mcp-session-id", &session.id);
    assert_eq!(request.send().await.unwrap().status(), 404);
    let again = served.request(Method::DELETE, Some(&ana)).header("mcp-session-id", &session.id);
    assert_eq!(again.send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_session_goes_by_the_token_of_each_request() {
    let served = Served::new().await;
    let all = served.token("linked");
    let read = served.token_for("linked", &["bitbucket:read"]);
    let session = served.session(&all, json!({})).await;
    let body = json!({
        "jsonrpc": "2.0", "id": 5, "method": "tools/call",
        "params": { "name": "merge_pull_request", "arguments": {} },
    });
    for (token, status) in [(&read, 403), (&all, 200)] {
        let request = served.post(Some(token), &body).header("mcp-session-id", &session.id);
        assert_eq!(request.send().await.unwrap().status(), status);
    }
    let request = served.post(None, &body).header("mcp-session-id", &session.id);
    assert_eq!(request.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn the_longest_unused_session_goes_for_a_new_one() {
    let served = Served::new().await;
    let (ana, ben) = (served.token("linked"), served.token("limited"));
    let bens = served.session(&ben, json!({})).await;
    let first = served.session(&ana, json!({})).await;
    let second = served.session(&ana, json!({})).await;
    for _ in 0..14 {
        served.session(&ana, json!({})).await;
    }
    assert_eq!(first.post(&list()).send().await.unwrap().status(), 200);
    served.session(&ana, json!({})).await;
    assert_eq!(first.post(&list()).send().await.unwrap().status(), 200);
    assert_eq!(second.post(&list()).send().await.unwrap().status(), 404);
    assert_eq!(bens.post(&list()).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn ids_of_sessions_are_long_and_random() {
    let served = Served::new().await;
    let token = served.token("linked");
    let mut ids = std::collections::HashSet::new();
    for _ in 0..16 {
        let id = served.session(&token, json!({})).await.id;
        // 122 bits of randomness in a UUID of version 4.
        assert!(id.len() == 36 && id.as_bytes()[14] == b'4', "{id}");
        assert!(ids.insert(id));
    }
}

#[tokio::test]
async fn asks_in_a_session_by_a_request_that_the_client_answers() {
    let served = Served::with(|wanted| {
        wanted.calls.approval = bitbucket_vault_mcp::server::dispatch::Approval::Required;
    })
    .await;
    let token = served.token("linked");
    let session = served.session(&token, can(&["form"])).await;
    let call = json!({ "repository": "acme/shop", "number": 42 });
    let mut events = session.call("merge_pull_request", call).await;
    let asked = events.next().await.unwrap();
    assert_eq!(asked["method"], "elicitation/create", "{asked}");
    let decline = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": { "action": "decline" } });
    // Another person's answer does not count, even with the session's id.
    let foreign = served.post(Some(&served.token("limited")), &decline);
    let foreign = foreign.header("mcp-session-id", &session.id).send().await.unwrap();
    assert_eq!(foreign.status(), 404);
    assert_eq!(session.post(&decline).send().await.unwrap().status(), 202);
    let answer = events.next().await.unwrap();
    let said = crate::child::text(&answer["result"]);
    assert!(said.starts_with("refused: the user did not approve this"), "{said}");
}

#[tokio::test]
async fn gives_no_session_to_the_stateless_protocol() {
    let served = Served::new().await;
    let token = served.token("linked");
    let request = served.call(&token, "get_account", &json!({}), json!({}));
    // A stray id is nobody's business there.
    let response = request.header("mcp-session-id", "stray").send().await.unwrap();
    assert_eq!(header(&response, "mcp-session-id"), "");
    assert_eq!(response.status(), 200);
    for method in [Method::GET, Method::DELETE] {
        let request = served.request(method, Some(&token));
        let response = request.header("mcp-protocol-version", "2026-07-28").send().await.unwrap();
        assert_eq!(response.status(), 405);
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_token_that_opened_it() {
    let served = Served::new().await;
    let short = Bearer { expires_in: 2, ..Bearer::default() };
    let short = served.sandbox.bearer("linked", short).unwrap();
    let session = served.session(&short, json!({})).await;
    let mut stream = session.listen().await;
    assert_eq!(stream.next().await, None);
    // The session itself goes on with the next token.
    let request = served.post(Some(&served.token("linked")), &list());
    let request = request.header("mcp-session-id", &session.id);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

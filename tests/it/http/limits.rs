use std::time::Duration;

use bitbucket_vault_mcp::sandbox::{Effect, Fault, Service};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::{Served, header, whole};
use crate::child::{modern, text};
use crate::outside::can;

/// Bitbucket answers only after a long time.
fn slow(served: &Served) {
    let late = Effect::Delay(Duration::from_secs(600));
    served.sandbox.faults().add(Fault::new(Service::Bitbucket, late).path("/2.0"));
}

fn asked_bitbucket(served: &Served) -> usize {
    served.reached(Service::Bitbucket).len()
}

#[tokio::test]
async fn one_caller_cannot_have_more_calls_than_are_theirs() {
    let served = Served::with(|wanted| wanted.http.max_calls_per_caller = 2).await;
    let (ana, ben) = (served.token("linked"), served.token("limited"));
    // The tokens are at hand before Bitbucket gets slow.
    for token in [&ana, &ben] {
        served.says(token, "list_workspaces", json!({})).await;
    }
    slow(&served);
    served.sandbox.clear_requests();
    let begin = |token: &str| {
        tokio::spawn(served.call(token, "list_workspaces", &json!({}), json!({})).send())
    };
    let first = begin(&ana);
    let second = begin(&ana);
    served.until(|served| asked_bitbucket(served) == 2).await;
    let third = served.call(&ana, "list_workspaces", &json!({}), json!({})).send().await.unwrap();
    assert_eq!(header(&third, "retry-after"), "1");
    let refused = json!({
        "jsonrpc": "2.0",
        "id": 7,
        "error": {
            "code": 429,
            "message": "too many of your calls are under way; wait for one to end",
        },
    });
    assert_eq!(whole(third).await, (429, refused));
    // Whoever else calls has places of their own, and what is no call needs none.
    let bens = begin(&ben);
    served.until(|served| asked_bitbucket(served) == 3).await;
    let session = served.session(&ana, json!({})).await;
    drop(session);

    // The place is free once the client has gone.
    served.sandbox.faults().clear();
    second.abort();
    let again = async || {
        let call = served.call(&ana, "list_workspaces", &json!({}), json!({}));
        call.send().await.unwrap().status()
    };
    while again().await != 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    first.abort();
    bens.abort();
}

#[tokio::test]
async fn all_callers_together_cannot_have_more_calls_than_there_are_places() {
    let served = Served::with(|wanted| wanted.calls.max_calls = 1).await;
    let (ana, ben) = (served.token("linked"), served.token("limited"));
    served.says(&ana, "list_workspaces", json!({})).await;
    slow(&served);
    served.sandbox.clear_requests();
    let first = tokio::spawn(served.call(&ana, "list_workspaces", &json!({}), json!({})).send());
    served.until(|served| asked_bitbucket(served) == 1).await;
    let second = served.call(&ben, "list_workspaces", &json!({}), json!({})).send().await.unwrap();
    let (status, body) = whole(second).await;
    let says = "too many calls are under way; try again in a moment";
    assert_eq!((status, &body["error"]["message"]), (429, &json!(says)));
    first.abort();
}

#[tokio::test]
async fn a_call_that_its_client_has_left_is_dropped() {
    let served = Served::new().await;
    let ana = served.token("linked");
    served.says(&ana, "list_workspaces", json!({})).await;
    let late = Effect::Delay(Duration::from_millis(700));
    served.sandbox.faults().add(Fault::new(Service::Bitbucket, late).path("/2.0"));
    served.sandbox.clear_requests();
    // It would need two rounds of requests to Bitbucket, one after the other.
    let arguments = json!({ "repository": "acme/shop", "number": 42 });
    let call = served.call(&ana, "get_pull_request", &arguments, json!({})).send();
    let call = tokio::spawn(call);
    served.until(|served| asked_bitbucket(served) > 0).await;
    call.abort();
    // The requests of one round leave together, and none is answered yet.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let before = asked_bitbucket(&served);
    // As long again as both rounds would have taken.
    tokio::time::sleep(Duration::from_millis(2000)).await;
    assert_eq!(asked_bitbucket(&served), before);
}

#[tokio::test]
async fn a_call_in_a_session_keeps_its_place_until_it_has_ended() {
    let served = Served::with(|wanted| wanted.http.max_calls_per_caller = 1).await;
    let ana = served.token("linked");
    served.says(&ana, "list_workspaces", json!({})).await;
    slow(&served);
    served.sandbox.clear_requests();
    let session = served.session(&ana, json!({})).await;
    let events = session.call("list_workspaces", json!({})).await;
    served.until(|served| asked_bitbucket(served) == 1).await;
    // In a session the call goes on where its client only lost the connection.
    drop(events);
    for _ in 0..20 {
        let call = served.call(&ana, "list_workspaces", &json!({}), json!({}));
        assert_eq!(call.send().await.unwrap().status(), 429);
    }
    served.sandbox.faults().clear();
    let cancel = json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 100 },
    });
    assert_eq!(session.post(&cancel).send().await.unwrap().status(), 202);
    loop {
        let call = served.call(&ana, "list_workspaces", &json!({}), json!({}));
        let (status, answer) = whole(call.send().await.unwrap()).await;
        if status == 200 {
            assert!(text(&answer["result"]).contains("acme"));
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_call_that_waits_for_a_person_keeps_nobody_else_out() {
    let served = Served::with(|wanted| {
        (wanted.calls.max_calls, wanted.http.max_calls_per_caller) = (1, 1);
    })
    .await;
    let (ana, guest) = (served.token("linked"), served.token("guest"));
    let call = |token: &str| served.call(token, "list_workspaces", &json!({}), can(&["url"]));
    let (_, asked) = whole(call(&guest).send().await.unwrap()).await;
    let url = asked["result"]["inputRequests"]["open"]["params"]["url"].as_str().unwrap();
    let mut params = modern(json!({ "name": "list_workspaces", "arguments": {} }), can(&["url"]));
    params["inputResponses"] = json!({ "open": { "action": "accept" } });
    params["requestState"] = asked["result"]["requestState"].clone();
    let wait = || tokio::spawn(served.modern(&guest, params.clone()).send());
    let mut waiting = wait();
    // Either of the two may come first; once the other one is refused, the wait has begun.
    while call(&guest).send().await.unwrap().status() != 429 {
        if waiting.is_finished() {
            waiting = wait();
        }
    }
    // The only turn is free for others, while the caller's own place is not.
    while call(&ana).send().await.unwrap().status() != 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (status, refused) = whole(call(&guest).send().await.unwrap()).await;
    let says = "too many of your calls are under way; wait for one to end";
    assert_eq!((status, &refused["error"]["message"]), (429, &json!(says)));
    assert!(!waiting.is_finished());
    served.sandbox.consent(url, "guest").await.unwrap();
    let (_, answer) = whole(waiting.await.unwrap().unwrap()).await;
    assert!(text(&answer["result"]).contains("acme"), "{answer}");
}

#[tokio::test]
async fn one_caller_cannot_hold_many_bodies_that_never_end() {
    let served = Served::new().await;
    let (ana, ben) = (served.token("linked"), served.token("limited"));
    let address = served.url.strip_prefix("http://").unwrap().to_owned();
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {ana}\r\n\
         Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
         Content-Length: 4000000\r\n\r\n{{"
    );
    let (answered, mut answers) = mpsc::unbounded_channel();
    let begin = || {
        let (address, request, answered) = (address.clone(), request.clone(), answered.clone());
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut status = [0; 12];
            stream.read_exact(&mut status).await.unwrap();
            answered.send(String::from_utf8(status.to_vec()).unwrap()).unwrap();
        })
    };
    let begun: Vec<_> = (0..20).map(|_| begin()).collect();
    for _ in 0..12 {
        assert_eq!(answers.recv().await.unwrap(), "HTTP/1.1 429");
    }
    let list = json!({ "jsonrpc": "2.0", "id": 5, "method": "tools/list", "params": {} });
    let ask = |token: &str| served.post(Some(token), &list).send();
    let refused = ask(&ana).await.unwrap();
    assert_eq!(header(&refused, "retry-after"), "1");
    let says = "too many of your requests are still arriving; wait for one to be answered";
    let error = json!({ "code": 429, "message": says });
    let expected = json!({ "jsonrpc": "2.0", "id": Value::Null, "error": error });
    assert_eq!(whole(refused).await, (429, expected));
    assert_ne!(ask(&ben).await.unwrap().status(), 429);

    // The others were waited for, and whoever hangs up makes room.
    assert!(answers.try_recv().is_err());
    for connection in begun {
        connection.abort();
    }
    while ask(&ana).await.unwrap().status() == 429 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

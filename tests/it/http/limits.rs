use std::time::Duration;

use bitbucket_vault_mcp::sandbox::{Effect, Fault, Service};
use serde_json::json;

use super::{Served, header, whole};
use crate::child::text;

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
    let served = Served::with(|wanted| {
        (wanted.http.max_calls, wanted.calls.max_calls) = (1, 1);
    })
    .await;
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

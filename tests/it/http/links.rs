use serde_json::{Value, json};

use super::{Served, header, whole};
use crate::child::text;
use crate::outside::can;

/// The page that an error of 2025-11-25 names.
fn page(answer: &Value) -> (String, String) {
    let error = &answer["error"];
    assert_eq!(error["code"], -32042, "{answer}");
    let page = &error["data"]["elicitations"][0];
    assert_eq!(page["mode"], "url");
    let word = |name: &str| page[name].as_str().unwrap().to_owned();
    assert!(!word("message").is_empty());
    (word("url"), word("elicitationId"))
}

/// A call once more, whose person says that they have been at the page.
fn taken_up(tool: &str, state: &Value) -> Value {
    let call = json!({ "name": tool, "arguments": {} });
    let mut params = crate::child::modern(call, can(&["url"]));
    params["inputResponses"] = json!({ "open": { "action": "accept" } });
    params["requestState"] = state.clone();
    params
}

#[tokio::test]
async fn a_session_is_told_of_the_page_and_of_its_end_and_then_the_same_call_goes_through() {
    let served = Served::new().await;
    let token = served.token("guest");
    let session = served.session(&token, can(&["url"])).await;
    let mut stream = session.listen().await;
    let (url, id) = page(&session.answer("list_workspaces", json!({})).await);
    assert!(url.starts_with(&format!("{}/link/", served.url)), "{url}");
    // Another call ends at the same page, which the session knows by the same id.
    let again = page(&session.answer("list_repositories", json!({})).await);
    assert_eq!(again, (url.clone(), id.clone()));
    let said = served.sandbox.consent(&url, "guest").await.unwrap();
    assert!(served.sandbox.world().is_linked("guest"), "{said}");
    let told = stream.next().await.unwrap();
    assert_eq!(told["method"], "notifications/elicitation/complete");
    assert_eq!(told["params"], json!({ "elicitationId": id }));
    let answer = session.answer("list_workspaces", json!({})).await;
    assert!(text(&answer["result"]).contains("acme"), "{answer}");
}

#[tokio::test]
async fn linking_anew_ends_once_it_is_done() {
    let served = Served::new().await;
    let token = served.token("linked");
    let session = served.session(&token, can(&["url"])).await;
    let arguments = json!({ "again": true });
    let (url, _) = page(&session.answer("link_account", arguments.clone()).await);
    let said = served.sandbox.consent(&url, "linked").await.unwrap();
    assert!(said.contains("linked"), "{said}");
    let answer = session.answer("link_account", arguments.clone()).await;
    assert!(text(&answer["result"]).starts_with("linked: "), "{answer}");
    // The next time is another time.
    let (next, _) = page(&session.answer("link_account", arguments).await);
    assert_ne!(next, url);
}

#[tokio::test]
async fn unlinking_is_for_the_person_to_do_on_a_page() {
    let served = Served::new().await;
    let token = served.token("linked");
    let session = served.session(&token, can(&["url"])).await;
    let (url, _) = page(&session.answer("unlink_account", json!({})).await);
    assert!(url.starts_with(&format!("{}/link/", served.url)), "{url}");
    assert!(served.sandbox.world().is_linked("linked"));
    let said = served.says(&token, "unlink_account", json!({})).await;
    assert!(said.starts_with("refused: only the user can unlink, on a page"), "{said}");
    assert!(served.sandbox.world().is_linked("linked"));
}

#[tokio::test]
async fn a_session_unlinks_once_the_person_has_said_yes_on_the_page() {
    let served = Served::new().await;
    let token = served.token("linked");
    let session = served.session(&token, can(&["url"])).await;
    let (url, _) = page(&session.answer("unlink_account", json!({})).await);
    let kept = served.sandbox.refuse(&url, "linked").await.unwrap();
    assert!(kept.starts_with("Nothing was unlinked"), "{kept}");
    assert!(served.sandbox.world().is_linked("linked"));
    let answer = session.answer("unlink_account", json!({})).await;
    let (url, _) = page(&answer);
    let said = served.sandbox.consent(&url, "linked").await.unwrap();
    assert!(
        said.starts_with("The account was unlinked Bitbucket account ana (Ana Lima)"),
        "{said}"
    );
    assert!(!served.sandbox.world().is_linked("linked"));
    let answer = session.answer("unlink_account", json!({})).await;
    assert!(text(&answer["result"]).starts_with("unlinked: "), "{answer}");
    page(&session.answer("list_workspaces", json!({})).await);
}

#[tokio::test]
async fn the_stateless_protocol_unlinks_and_takes_the_call_up_again() {
    let served = Served::new().await;
    let token = served.token("linked");
    let first = served.call(&token, "unlink_account", &json!({}), can(&["url"]));
    let (_, answer) = whole(first.send().await.unwrap()).await;
    let result = &answer["result"];
    assert_eq!(result["resultType"], "input_required", "{answer}");
    let url = result["inputRequests"]["open"]["params"]["url"].as_str().unwrap();
    let said = served.sandbox.consent(url, "linked").await.unwrap();
    assert!(!served.sandbox.world().is_linked("linked"), "{said}");
    let again = served.modern(&token, taken_up("unlink_account", &result["requestState"]));
    let (_, answer) = whole(again.send().await.unwrap()).await;
    assert!(text(&answer["result"]).starts_with("unlinked: "), "{answer}");
}

#[tokio::test]
async fn nobody_is_sent_to_a_page_where_there_is_nothing_to_unlink() {
    let served = Served::new().await;
    let token = served.token("guest");
    let session = served.session(&token, can(&["url"])).await;
    let answer = session.answer("unlink_account", json!({})).await;
    assert_eq!(text(&answer["result"]), "no Bitbucket account was linked", "{answer}");
    let said = served.says(&token, "unlink_account", json!({})).await;
    assert_eq!(said, "no Bitbucket account was linked");
}

#[tokio::test]
async fn a_client_that_opens_no_pages_reads_the_address() {
    let served = Served::new().await;
    let token = served.token("guest");
    for capabilities in [can(&[]), can(&["form"])] {
        let session = served.session(&token, capabilities).await;
        let answer = session.answer("list_workspaces", json!({})).await;
        let said = text(&answer["result"]);
        let expected = format!(
            "not_linked: no Bitbucket account is linked for this user\nhint: ask the user to open \
             {}/link/",
            served.url
        );
        assert!(said.starts_with(&expected), "{said}");
    }
}

#[tokio::test]
async fn the_stateless_protocol_ends_the_call_with_the_page_and_takes_it_up_again() {
    let served = Served::new().await;
    let token = served.token("guest");
    let first = served.call(&token, "list_workspaces", &json!({}), can(&["url"]));
    let (status, answer) = whole(first.send().await.unwrap()).await;
    let result = &answer["result"];
    assert_eq!((status, &result["resultType"]), (200, &json!("input_required")), "{answer}");
    let asked = &result["inputRequests"]["open"]["params"];
    assert_eq!(asked["mode"], "url");
    let url = asked["url"].as_str().unwrap();
    let said = served.sandbox.consent(url, "guest").await.unwrap();
    assert!(served.sandbox.world().is_linked("guest"), "{said}");

    let again = served.modern(&token, taken_up("list_workspaces", &result["requestState"]));
    let (_, answer) = whole(again.send().await.unwrap()).await;
    assert!(text(&answer["result"]).contains("acme"), "{answer}");
}

#[tokio::test]
async fn what_a_client_carries_is_good_for_its_own_person_only() {
    let served = Served::with(|wanted| {
        wanted.calls.approval = bitbucket_vault_mcp::server::dispatch::Approval::Required;
    })
    .await;
    let (ana, ben) = (served.token("linked"), served.token("limited"));
    let arguments = json!({ "repository": "acme/shop", "number": 42 });
    let asked = served.call(&ana, "merge_pull_request", &arguments, can(&["form"]));
    let (_, asked) = whole(asked.send().await.unwrap()).await;
    let state = asked["result"]["requestState"].clone();
    assert!(state.is_string(), "{asked}");
    let mut params = crate::child::modern(
        json!({ "name": "merge_pull_request", "arguments": arguments }),
        can(&["form"]),
    );
    params["inputResponses"] =
        json!({ "confirm": { "action": "accept", "content": { "approve": true } } });
    params["requestState"] = state;
    // Somebody else's yes: they are asked anew, or lack the scope; nothing is merged.
    let (_, answer) = whole(served.modern(&ben, params).send().await.unwrap()).await;
    let merged = served.reached(bitbucket_vault_mcp::sandbox::Service::Bitbucket);
    assert!(!merged.iter().any(|request| request.ends_with("/merge")), "{answer}");

    // A place in a list is no different.
    let arguments = json!({ "repository": "acme/shop", "limit": 1 });
    let listed = served.call(&ana, "list_commits", &arguments, json!({}));
    let (_, listed) = whole(listed.send().await.unwrap()).await;
    let cursor = listed["result"]["structuredContent"]["next_cursor"].clone();
    assert!(cursor.is_string(), "{listed}");
    let next = json!({ "repository": "acme/shop", "limit": 1, "cursor": cursor });
    let mine = served.says(&ana, "list_commits", next.clone()).await;
    assert!(!mine.starts_with("invalid_arguments"), "{mine}");
    let theirs = served.says(&ben, "list_commits", next).await;
    assert!(theirs.starts_with("invalid_arguments: `cursor`: it does not belong"), "{theirs}");
}

#[tokio::test]
async fn the_pages_are_there_and_have_rules_of_their_own() {
    let served = Served::new().await;
    let response = served.client.get(format!("{}/link/nothing", served.url)).send().await.unwrap();
    assert_ne!(response.status(), 200);
    assert!(header(&response, "content-security-policy").contains("default-src 'none'"));
}

//! An administrator enters the Bitbucket consumer's key and secret on a page, and the agent that asked for
//! it sets the connection up without having seen them.

use bitbucket_vault_mcp::sandbox::Kind;
use bitbucket_vault_mcp::server::dispatch::Approval;
use bitbucket_vault_mcp::server::policy::{Policy, Selection};
use serde_json::{Value, json};

use super::{Served, whole};
use crate::outside::can;

/// A server whose tenant has everything but the connection, and the digest of the plan that makes one.
async fn without_connection() -> (Served, String, String) {
    let served = Served::with(|wanted| {
        wanted.setup = true;
        wanted.calls.approval = Approval::Off;
        wanted.calls.policy = Policy::new(&Selection { management: true, ..Selection::default() });
    })
    .await;
    served
        .sandbox
        .world()
        .change_tenant(|tenant| tenant.change(Kind::Connections, "bitbucket", &Value::Null));
    let token = served.token_for("linked", &["connection:admin"]);
    let plan = served.call(&token, "plan_connection", &json!({}), json!({}));
    let (_, plan) = whole(plan.send().await.unwrap()).await;
    let digest = plan["result"]["structuredContent"]["digest"].as_str();
    (served, token, digest.unwrap_or_else(|| panic!("{plan}")).to_owned())
}

/// The page that a refusal names.
fn page(said: &str) -> &str {
    let rest = said.split_once("ask the user to open ").unwrap_or_else(|| panic!("{said}")).1;
    rest.split_once(' ').unwrap().0
}

#[tokio::test]
async fn a_client_that_opens_no_pages_reads_the_address_and_calls_again() {
    let (served, token, digest) = without_connection().await;
    let arguments = json!({ "digest": digest });
    let said = served.says(&token, "configure_connection", arguments.clone()).await;
    let url = page(&said).to_owned();
    assert!(url.starts_with(&format!("{}/link/", served.url)), "{said}");
    // Nobody else gets to the form.
    let other = served.sandbox.consent(&url, "guest").await.unwrap();
    assert!(other.starts_with("This link is for someone else"), "{other}");
    let again = served.says(&token, "configure_connection", arguments.clone()).await;
    assert_eq!(page(&again), url, "the page is still the same");
    let entered = served.sandbox.consent(&url, "linked").await.unwrap();
    assert!(entered.starts_with("The key and the secret were entered"), "{entered}");
    let call = served.call(&token, "configure_connection", &arguments, json!({}));
    let (_, answer) = whole(call.send().await.unwrap()).await;
    let result = &answer["result"];
    assert_eq!(result["structuredContent"]["remaining"], json!([]), "{answer}");
    let (key, secret) = served.sandbox.consumer();
    for said in [said, again, other, entered, answer.to_string()] {
        assert!(!said.contains(&secret), "{said}");
    }
    let written = served.sandbox.requests().into_iter().any(|request| {
        request.path == "/api/v2/connections"
            && request.method == "POST"
            && request.body.contains(&key)
            && request.body.contains(&secret)
    });
    assert!(written, "the connection has what was entered");
}

#[tokio::test]
async fn the_stateless_protocol_ends_the_call_with_the_page_and_takes_it_up_again() {
    let (served, token, digest) = without_connection().await;
    let arguments = json!({ "digest": digest });
    let first = served.call(&token, "configure_connection", &arguments, can(&["url"]));
    let (_, answer) = whole(first.send().await.unwrap()).await;
    let result = &answer["result"];
    assert_eq!(result["resultType"], "input_required", "{answer}");
    let url = result["inputRequests"]["open"]["params"]["url"].as_str().unwrap();
    served.sandbox.consent(url, "linked").await.unwrap();
    let call = json!({ "name": "configure_connection", "arguments": arguments });
    let mut params = crate::child::modern(call, can(&["url"]));
    params["inputResponses"] = json!({ "open": { "action": "accept" } });
    params["requestState"] = result["requestState"].clone();
    let (_, answer) = whole(served.modern(&token, params).send().await.unwrap()).await;
    assert_eq!(answer["result"]["structuredContent"]["remaining"], json!([]), "{answer}");
}

#[tokio::test]
async fn only_whoever_may_set_the_connection_up_is_offered_the_page() {
    let (served, _, digest) = without_connection().await;
    let token = served.token("linked");
    let call = served.call(&token, "configure_connection", &json!({ "digest": digest }), json!({}));
    let (status, answer) = whole(call.send().await.unwrap()).await;
    assert_eq!(status, 403, "{answer}");
    assert!(!answer.to_string().contains("/link/"), "{answer}");
}

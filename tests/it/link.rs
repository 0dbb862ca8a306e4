//! Linking as a client and a person meet it, in both eras of the protocol.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::child::{Server, text};
use crate::outside::{Outside, call, can};

const TOOL: &str = "list_workspaces";
/// What Gus reads where he is a member.
const ACME: &str = "workspaces:\n  acme";
const DECLINED: &str = "refused: the user did not agree to link a Bitbucket account\n\
                        hint: do not ask again unless the user wants it; `link_account` starts over";

#[test]
fn a_client_that_opens_no_page_gets_it_in_words() {
    let outside = Outside::with_pages();
    let mut pages = Vec::new();
    for capabilities in [can(&[]), json!({ "elicitation": {} }), can(&["form"])] {
        let mut old = outside.session("guest", capabilities.clone(), &[]);
        pages.push(page_in_words(&old.call(TOOL, json!({}))));
        let first = old.call(TOOL, json!({}));
        assert_eq!(pages.last(), Some(&page_in_words(&first)), "one page at a time");
        let mut new = outside.server("guest", &[]);
        let answer = new.request("tools/call", call(TOOL, &json!({}), capabilities, None));
        assert_eq!(answer["result"]["resultType"], "complete");
        page_in_words(&answer["result"]);
    }
    pages.dedup();
    assert_eq!(pages.len(), 3, "every server has a page of its own");
    for page in pages {
        let (address, ticket) = page.rsplit_once('/').unwrap();
        let port: u16 = address.strip_prefix("http://127.0.0.1:").unwrap().parse().unwrap();
        assert!((18_484..=18_489).contains(&port), "{page}");
        assert!(ticket.len() >= 22, "128 bits at least: {page}");
    }
}

#[test]
fn the_page_in_words_links_and_the_same_call_goes_through() {
    let outside = Outside::with_pages();
    let mut server = outside.session("guest", can(&[]), &[]);
    let page = page_in_words(&server.call(TOOL, json!({})));
    let seen = outside.consent(&page, "guest");
    assert_eq!(
        seen,
        "Bitbucket account gus is now linked Bitbucket account gus (Gus Weber) is now linked to \
         Gus Weber . You can close this page and go back to your agent. Not mine: undo"
    );
    assert_eq!(text(&server.call(TOOL, json!({}))), ACME);
    let again = outside.consent(&page, "guest");
    assert!(again.contains("already used"), "{again}");
}

#[test]
fn looking_at_the_page_changes_nothing() {
    let outside = Outside::with_pages();
    let mut server = outside.session("guest", can(&[]), &[]);
    let page = page_in_words(&server.call(TOOL, json!({})));
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let http = http.build().unwrap();
    let (port, _) = page.strip_prefix("http://127.0.0.1:").unwrap().split_once('/').unwrap();
    outside.wait(async {
        for _ in 0..3 {
            assert_eq!(http.get(&page).send().await.unwrap().status(), 303);
            http.head(&page).send().await.unwrap();
        }
        for other in [format!("{page}x"), page.replace(&page[page.len() - 5..], "")] {
            assert_eq!(http.get(&other).send().await.unwrap().status(), 404);
        }
        let rebound = http.get(&page).header("host", format!("elsewhere.test:{port}"));
        assert_eq!(rebound.send().await.unwrap().status(), 421);
        for query in ["", "?state=made-up&connect_code=made-up", "?error=access_denied"] {
            let callback = format!("http://127.0.0.1:{port}/callback{query}");
            http.get(callback).send().await.unwrap();
        }
    });
    assert!(!outside.sandbox().world().is_linked("guest"));
    outside.consent(&page, "guest");
    assert!(outside.sandbox().world().is_linked("guest"));
    assert_eq!(text(&server.call(TOOL, json!({}))), ACME);
}

#[test]
fn a_client_of_2025_11_25_opens_the_page_and_the_same_call_goes_through() {
    let outside = Outside::with_pages();
    let mut server = outside.session("guest", can(&["url"]), &[]);
    let mut id = Value::Null;
    let (answer, notifications) = server.request_answering("tools/call", plain(TOOL), |asked| {
        assert_eq!(asked["method"], "elicitation/create");
        let params = &asked["params"];
        assert_eq!(params["mode"], "url");
        assert_eq!(
            params["message"],
            "Open this page to let the agent work in Bitbucket as you. You sign in and consent \
             there; no password or token passes through the agent."
        );
        id = params["elicitationId"].clone();
        outside.consent(params["url"].as_str().unwrap(), "guest");
        json!({ "action": "accept" })
    });
    assert_eq!(text(&answer["result"]), ACME);
    assert!(id.as_str().is_some_and(|id| !id.is_empty()));
    let complete: Vec<_> = notifications
        .iter()
        .filter(|sent| sent["method"] == "notifications/elicitation/complete")
        .collect();
    assert_eq!(complete.len(), 1, "{notifications:?}");
    assert_eq!(complete[0]["params"]["elicitationId"], id);
}

#[test]
fn a_call_waits_for_the_person_who_agreed_to_open_the_page() {
    let outside = Outside::with_pages();
    let mut server = outside.session("guest", can(&["form", "url"]), &[]);
    std::thread::scope(|scope| {
        let (answer, _) = server.request_answering("tools/call", plain(TOOL), |asked| {
            let url = asked["params"]["url"].as_str().unwrap().to_owned();
            let outside = &outside;
            scope.spawn(move || {
                std::thread::sleep(std::time::Duration::from_millis(300));
                outside.consent(&url, "guest");
            });
            json!({ "action": "accept" })
        });
        assert_eq!(text(&answer["result"]), ACME);
    });
}

#[test]
fn a_client_of_2026_07_28_carries_the_page_and_its_state() {
    let outside = Outside::with_pages();
    let mut server = outside.server("guest", &[]);
    let (url, state) = page_to_open(&mut server, TOOL, &json!({}));
    let held = serde_json::to_string(&state).unwrap();
    assert!(!url.is_empty() && !held.contains(url.rsplit('/').next().unwrap()));
    let accepted = json!({ "open": { "action": "accept" } });
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(300));
            outside.consent(&url, "guest");
        });
        let params = call(TOOL, &json!({}), can(&["url"]), Some((accepted.clone(), &state)));
        let answer = server.request("tools/call", params);
        assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
        assert_eq!(text(&answer["result"]), ACME);
    });
    let params = call(TOOL, &json!({}), can(&["url"]), Some((accepted, &state)));
    assert_eq!(text(&server.request("tools/call", params)["result"]), ACME);
}

#[test]
fn a_new_link_that_is_made_before_the_client_is_back_is_not_asked_for_again() {
    let outside = Outside::with_pages();
    let mut server = outside.server("linked", &[]);
    let again = json!({ "again": true });
    let (url, state) = page_to_open(&mut server, "link_account", &again);
    outside.sandbox().world().unlink("linked");
    outside.consent(&url, "linked");
    let accepted = json!({ "open": { "action": "accept" } });
    let params = call("link_account", &again, can(&["url"]), Some((accepted, &state)));
    let answer = server.request("tools/call", params);
    assert!(text(&answer["result"]).starts_with("linked: "), "{answer}");
}

#[test]
fn who_declines_or_cancels_is_not_asked_in_a_loop() {
    let outside = Outside::with_pages();
    for action in ["decline", "cancel"] {
        let mut old = outside.session("guest", can(&["url"]), &[]);
        let mut asked = 0;
        let (answer, _) = old.request_answering("tools/call", plain(TOOL), |_| {
            asked += 1;
            json!({ "action": action })
        });
        assert_eq!((text(&answer["result"]), asked), (DECLINED, 1));
        assert_eq!(answer["result"]["isError"], true);
        let mut new = outside.server("guest", &[]);
        let (_, state) = page_to_open(&mut new, TOOL, &json!({}));
        let said = json!({ "open": { "action": action } });
        let params = call(TOOL, &json!({}), can(&["url"]), Some((said, &state)));
        assert_eq!(text(&new.request("tools/call", params)["result"]), DECLINED);
    }
    // The client agrees, and then the person refuses on the page itself.
    let mut server = outside.session("guest", can(&["url"]), &[]);
    let (answer, notifications) = server.request_answering("tools/call", plain(TOOL), |asked| {
        let seen = outside.refuse(asked["params"]["url"].as_str().unwrap(), "guest");
        assert_eq!(seen, "You refused Nothing was linked. You can close this page.");
        json!({ "action": "accept" })
    });
    assert_eq!(text(&answer["result"]), DECLINED);
    assert_eq!(notifications, Vec::<Value>::new(), "nothing was completed");
    assert!(!outside.sandbox().world().is_linked("guest"));
}

#[test]
fn a_state_that_is_not_of_this_call_is_asked_anew() {
    let outside = Outside::with_pages();
    let mut server = outside.server("guest", &[]);
    let arguments = json!({ "limit": 5 });
    let (url, state) = page_to_open(&mut server, TOOL, &arguments);
    let (_, other_arguments) = page_to_open(&mut server, TOOL, &json!({ "limit": 6 }));
    let (_, other_tool) =
        page_to_open(&mut server, "list_branches", &json!({ "repository": "acme/shop" }));
    let mut other_server = outside.server("guest", &[]);
    let (_, other_process) = page_to_open(&mut other_server, TOOL, &arguments);
    let middle = state.len() / 2;
    let turned = if &state[middle..=middle] == "A" { "B" } else { "A" };
    let changed = format!("{}{turned}{}", &state[..middle], &state[middle + 1..]);
    let cut = state[..state.len() - 1].to_owned();
    let accepted = json!({ "open": { "action": "accept" } });
    for (what, answers, state) in [
        ("forged", accepted.clone(), "rs1.e30.AAAA"),
        ("empty", accepted.clone(), ""),
        ("long", accepted.clone(), &*"x".repeat(100_000)),
        ("changed", accepted.clone(), &*changed),
        ("cut", accepted.clone(), &*cut),
        ("other arguments", accepted.clone(), &*other_arguments),
        ("other tool", accepted.clone(), &*other_tool),
        ("other process", accepted.clone(), &*other_process),
        ("another question's answer", json!({ "confirm": { "action": "accept" } }), &*state),
        ("no answer", json!({}), &*state),
    ] {
        let params = call(TOOL, &arguments, can(&["url"]), Some((answers, state)));
        let answer = server.request("tools/call", params);
        let result = &answer["result"];
        assert_eq!(result["resultType"], "input_required", "{what}: {answer}");
        assert_eq!(result["inputRequests"]["open"]["params"]["url"], url.as_str(), "{what}");
        assert_ne!(result["requestState"], state, "{what}");
    }
    // Answers without any state count for nothing either.
    let mut params = call(TOOL, &arguments, can(&["url"]), None);
    params["inputResponses"] = accepted.clone();
    let answer = server.request("tools/call", params);
    assert_eq!(answer["result"]["resultType"], "input_required", "{answer}");
    // And all that did not spoil the real one.
    outside.consent(&url, "guest");
    let params = call(TOOL, &arguments, can(&["url"]), Some((accepted, &state)));
    assert_eq!(text(&server.request("tools/call", params)["result"]), ACME);
}

#[test]
fn somebody_who_is_not_signed_in_signs_in_and_links_in_one_trip() {
    let outside = Outside::with_pages();
    let mut server = Server::start(outside.command(&["stdio"], None));
    server.initialize("2025-11-25", can(&[]));
    let said = server.call(TOOL, json!({}));
    let page = text(&said)
        .strip_prefix("not_signed_in: nobody is signed in\nhint: ask the user to open ")
        .and_then(|rest| rest.strip_suffix(" in their browser and finish there, then call again"))
        .unwrap_or_else(|| panic!("{said}"))
        .to_owned();
    let seen = outside.consent(&page, "guest");
    assert!(seen.starts_with("Bitbucket account gus is now linked "), "{seen}");
    assert_eq!(text(&server.call(TOOL, json!({}))), ACME);
    drop(server);
    // The sign-in is kept for the next process.
    let mut next = Server::start(outside.command(&["stdio"], None));
    next.initialize("2025-11-25", can(&[]));
    assert_eq!(text(&next.call(TOOL, json!({}))), ACME);
}

#[test]
fn one_trip_does_both_for_clients_that_open_pages() {
    let outside = Outside::with_pages();
    let mut server = Server::start(outside.command(&["stdio"], None));
    let (url, state) = page_to_open(&mut server, TOOL, &json!({}));
    outside.consent(&url, "guest");
    let accepted = json!({ "open": { "action": "accept" } });
    let params = call(TOOL, &json!({}), can(&["url"]), Some((accepted, &state)));
    assert_eq!(text(&server.request("tools/call", params)["result"]), ACME);
    outside.sandbox().world().unlink("guest");
    drop(server);

    std::fs::remove_dir_all(outside.state().join("state")).unwrap();
    let mut server = Server::start(outside.command(&["stdio"], None));
    server.initialize("2025-11-25", can(&["url"]));
    let (answer, _) = server.request_answering("tools/call", plain(TOOL), |asked| {
        outside.consent(asked["params"]["url"].as_str().unwrap(), "guest");
        json!({ "action": "accept" })
    });
    assert_eq!(text(&answer["result"]), ACME);
}

#[test]
fn a_link_that_bitbucket_took_back_is_made_anew() {
    let outside = Outside::with_pages();
    let mut server = outside.session("linked", can(&[]), &[]);
    assert_eq!(server.call(TOOL, json!({}))["isError"], false);
    outside.sandbox().world().revoke_bitbucket_grant("linked");
    let said = server.call(TOOL, json!({}));
    let page = text(&said)
        .strip_prefix(
            "not_linked: Bitbucket no longer accepts the linked account, so it must be linked \
             again\nhint: ask the user to open ",
        )
        .and_then(|rest| rest.split_once(' '))
        .unwrap_or_else(|| panic!("{said}"));
    outside.consent(page.0, "linked");
    assert_eq!(server.call(TOOL, json!({}))["isError"], false);
}

#[test]
fn linking_again_is_advised_only_while_it_can_help() {
    let outside = Outside::with_pages();
    let mut server = outside.session("limited", can(&["url"]), &[]);
    let merge = || json!({ "repository": "acme/shop", "number": 35 });
    let missing = "missing_scope: the linked Bitbucket account did not grant `pullrequest:write`";
    assert_eq!(
        text(&server.call("merge_pull_request", merge())),
        format!(
            "{missing}\nhint: call `link_account` with `again: true` so that the user can grant it"
        )
    );
    let again = json!({ "name": "link_account", "arguments": { "again": true } });
    let (answer, _) = server.request_answering("tools/call", again, |asked| {
        outside.consent(asked["params"]["url"].as_str().unwrap(), "limited");
        json!({ "action": "accept" })
    });
    assert!(text(&answer["result"]).starts_with("linked: "), "{answer}");
    assert_eq!(
        text(&server.call("merge_pull_request", merge())),
        format!(
            "{missing}\nhint: linking again will not help: an admin must tick `pullrequest:write` on \
             the Bitbucket OAuth consumer, and then the user links again"
        )
    );
    assert_eq!(outside.writes(), 0);
}

#[test]
fn says_so_when_no_port_is_left_for_the_page() {
    let outside = Outside::with_pages();
    let _taken: Vec<_> =
        (18_484..=18_489).filter_map(|port| TcpListener::bind(("127.0.0.1", port)).ok()).collect();
    let mut server = outside.session("guest", can(&["url"]), &[]);
    assert_eq!(
        text(&server.call(TOOL, json!({}))),
        "refused: the ports 18484 to 18489 on 127.0.0.1 are all in use\n\
         hint: the user closes what uses these ports, for example another sign-in that is still open"
    );
}

#[test]
fn an_unlinked_account_is_asked_for_again() {
    let outside = Outside::with_pages();
    let mut server = outside.session("linked", can(&[]), &[]);
    assert_eq!(server.call(TOOL, json!({}))["isError"], false);
    let unlinked = server.call("unlink_account", json!({}));
    assert_eq!(unlinked["isError"], false, "{unlinked}");
    page_in_words(&server.call(TOOL, json!({})));
}

fn plain(tool: &str) -> Value {
    json!({ "name": tool, "arguments": {} })
}

/// The page of a refusal for a missing link; the refusal is compared whole.
fn page_in_words(result: &Value) -> String {
    assert_eq!(result["isError"], true, "{result}");
    assert!(result.get("structuredContent").is_none(), "{result}");
    text(result)
        .strip_prefix(
            "not_linked: no Bitbucket account is linked for this user\nhint: ask the user to open ",
        )
        .and_then(|rest| rest.strip_suffix(" in their browser and finish there, then call again"))
        .unwrap_or_else(|| panic!("{result}"))
        .to_owned()
}

/// The page and the state that a stateless client gets when it calls `tool` unlinked.
fn page_to_open(server: &mut Server, tool: &str, arguments: &Value) -> (String, String) {
    let answer = server.request("tools/call", call(tool, arguments, can(&["url"]), None));
    let result = &answer["result"];
    assert_eq!(result["resultType"], "input_required", "{answer}");
    let requests = result["inputRequests"].as_object().unwrap();
    assert_eq!(requests.keys().collect::<Vec<_>>(), ["open"]);
    let request = &requests["open"];
    assert_eq!(
        (&request["method"], &request["params"]["mode"]),
        (&"elicitation/create".into(), &"url".into())
    );
    let url = request["params"]["url"].as_str().unwrap().to_owned();
    (url, result["requestState"].as_str().unwrap().to_owned())
}

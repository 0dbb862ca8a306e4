//! How the server ends, and how the program does.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use bitbucket_vault_mcp::sandbox::{Effect, Fault, Service};
use serde_json::json;

use super::{Served, whole};
use crate::child::{program, text};

#[tokio::test]
async fn calls_under_way_are_answered_and_streams_end() {
    let mut served = Served::new().await;
    let ana = served.token("linked");
    served.says(&ana, "list_workspaces", json!({})).await;
    let session = served.session(&ana, json!({})).await;
    let mut stream = session.listen().await;
    let late = Effect::Delay(Duration::from_millis(500));
    served.sandbox.faults().add(Fault::new(Service::Bitbucket, late).path("/2.0"));
    served.sandbox.clear_requests();
    let modern = served.call(&ana, "list_workspaces", &json!({}), json!({})).send();
    let modern = tokio::spawn(modern);
    let mut legacy = session.call("list_workspaces", json!({})).await;
    served.until(|served| served.reached(Service::Bitbucket).len() == 2).await;
    served.stop();

    // An answer that was promised is given, in both protocols.
    let (status, answer) = whole(modern.await.unwrap().unwrap()).await;
    assert_eq!(status, 200);
    assert!(text(&answer["result"]).contains("acme"), "{answer}");
    let answer = legacy.next().await.unwrap();
    assert!(text(&answer["result"]).contains("acme"), "{answer}");
    assert_eq!(stream.next().await, None);
    served.ended().await.unwrap();
    // Nobody listens any more.
    let late = reqwest::Client::builder().no_proxy().build().unwrap();
    assert!(late.get(format!("{}/readyz", served.url)).send().await.is_err());
}

#[tokio::test]
async fn a_page_that_waits_for_auth0_is_answered_before_the_end() {
    let mut served = Served::new().await;
    let token = served.token("guest");
    let says = served.says(&token, "list_workspaces", json!({})).await;
    let url = says.split_whitespace().find(|word| word.contains("/link/")).unwrap().to_owned();
    // Longer than connections have for closing once nothing is under way any more.
    let late = Effect::Delay(Duration::from_secs(4));
    served.sandbox.faults().add(Fault::new(Service::Auth0, late).path("/.well-known"));
    served.sandbox.clear_requests();
    let browser = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let page = tokio::spawn(browser.get(url.trim_end_matches(['.', ',', ';'])).send());
    served.until(|served| !served.reached(Service::Auth0).is_empty()).await;
    served.stop();
    assert_eq!(page.await.unwrap().unwrap().status(), 303);
    served.ended().await.unwrap();
}

#[test]
fn a_polite_signal_ends_the_program_with_0_and_its_place_is_told_on_stderr() {
    let mut command = program(&["http", "--sandbox", "--listen", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let first = lines.next().unwrap();
    assert!(first.starts_with("listening on 127.0.0.1:"), "{first}");
    let accounts: Vec<String> = lines
        .by_ref()
        .filter_map(|line| line.split_once(": eyJ").map(|(account, _)| account.to_owned()))
        .take(3)
        .collect();
    assert_eq!(accounts, ["linked", "limited", "guest"]);
    let killed = std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_sandbox_is_played_on_loopback_only() {
    let output = program(&["http", "--sandbox", "--listen", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: the configuration has a problem\n\n\
         `--listen` is `0.0.0.0:0`, which is not loopback\n  \
         hint: `--sandbox` listens on loopback only: its tokens are no secret\n"
    );
}

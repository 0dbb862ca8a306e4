//! What happens when Auth0 does not do its part, or when time runs out.

use super::*;
use crate::sandbox::{Effect, Fault, Service};

fn failing(desk: &Desk, path: &str, effect: Effect) {
    desk.sandbox.faults().add(Fault::new(Service::Auth0, effect).path(path));
}

#[tokio::test]
async fn says_that_auth0_is_down_at_each_step_and_stays_good() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let gus = desk.visitor("guest");
    let down = || Effect::status(503);
    let words = "Auth0 is not working right now (HTTP 503)";

    failing(&desk, "/.well-known/openid-configuration", down());
    let page = gus.get(&url).await;
    assert_eq!((page.status, heading(&page.body)), (502, "Nothing was changed"));
    assert!(page.text().contains(words), "{}", page.text());
    assert_eq!(desk.outcome("guest").await, Outcome::Waiting);
    desk.sandbox.faults().clear();

    failing(&desk, "/oauth/token", down());
    let page = gus.open(&url).await;
    assert_eq!((page.status, heading(&page.body)), (502, "Nothing was changed"));
    desk.sandbox.faults().clear();

    let asked = gus.open(&url).await;
    failing(&desk, CONNECT, down());
    let form = [("token", &*hidden(&asked.body, "token")), ("action", "continue")];
    let page = gus.post(&url, &form).await;
    assert_eq!((page.status, heading(&page.body)), (502, "Nothing was changed"));
    // The right person is at it, so the agent hears of it, once.
    assert_eq!(desk.outcome("guest").await, Outcome::Failed(words.into()));
    assert_eq!(desk.outcome("guest").await, Outcome::Waiting);
    desk.sandbox.faults().clear();

    let consent_page = gus.agree(&url).await;
    failing(&desk, COMPLETE, Effect::Unanswered);
    let page = gus.open(&gus.grant(&consent_page, "gus").await).await;
    assert_eq!((page.status, heading(&page.body)), (502, "Nothing was changed"));
    assert_eq!(desk.asked(COMPLETE).len(), 1);
    desk.sandbox.faults().clear();

    let page = gus.link(&url, "gus").await;
    failing(&desk, "/me/v1/connected-accounts/accounts", down());
    let form = [("link", hidden(&page.body, "link")), ("token", hidden(&page.body, "token"))];
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    let failed = gus.post(&page.url, &form).await;
    assert_eq!((failed.status, heading(&failed.body)), (502, "The link could not be undone"));
    assert!(desk.is_linked("guest"));
    desk.sandbox.faults().clear();
    assert_eq!(gus.post(&page.url, &form).await.status, 303);
    assert!(!desk.is_linked("guest"));
}

#[tokio::test]
async fn reads_the_accounts_when_the_completion_broke_off() {
    let desk = Desk::start().await;
    let gus = desk.visitor("guest");
    failing(&desk, COMPLETE, Effect::Cut);
    let page = gus.link(&desk.offer("guest").await, "gus").await;
    assert_eq!(heading(&page.body), "Bitbucket account gus is now linked");
    assert_eq!(desk.asked(COMPLETE).len(), 1);
}

#[tokio::test]
async fn completes_once_however_often_the_answer_arrives() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let gus = desk.visitor("guest");
    let back = gus.grant(&gus.agree(&url).await, "gus").await;
    failing(&desk, COMPLETE, Effect::Delay(Duration::from_millis(200)));
    let answers = futures::future::join_all((0..4).map(|_| gus.get(&back))).await;
    let mut statuses: Vec<_> = answers.iter().map(|seen| seen.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 400, 400, 400]);
    assert_eq!(desk.asked(COMPLETE).len(), 1);
}

#[tokio::test]
async fn lets_the_first_of_two_browsers_of_one_person_win() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let (one, two) = (desk.visitor("guest"), desk.visitor("guest"));
    let first = one.grant(&one.agree(&url).await, "gus").await;
    let second = two.grant(&two.agree(&url).await, "ana").await;
    let (first, second) = tokio::join!(one.open(&first), two.open(&second));
    let mut seen = [(first.status, heading(&first.body)), (second.status, heading(&second.body))];
    seen.sort_unstable();
    assert_eq!((seen[0].0, seen[1]), (200, (410, "This link was already used")));
    assert_eq!(desk.asked(COMPLETE).len(), 1);
}

#[tokio::test]
async fn repeats_no_word_that_an_answer_brought() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let gus = desk.visitor("guest");
    gus.agree(&url).await;
    let asked: serde_json::Value = serde_json::from_str(&desk.asked(CONNECT)[0]).unwrap();
    let mut back = desk.public_url.join("/link/connected").unwrap();
    back.query_pairs_mut()
        .append_pair("error", "marked_error")
        .append_pair("error_description", "marked description")
        .append_pair("state", asked["state"].as_str().unwrap());
    let page = gus.get(&back).await;
    assert_eq!((page.status, heading(&page.body)), (502, "Nothing was changed"));
    assert!(!page.body.contains("marked"));
    assert_eq!(desk.outcome("guest").await, Outcome::Failed("Auth0 denied access".into()));
    assert!(desk.asked(COMPLETE).is_empty());
}

#[tokio::test]
async fn takes_no_answer_of_another_issuer() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let gus = desk.visitor("guest");
    let mut forged = gus.back(&url).await;
    let (code, state) = (parameter(&forged, "code"), parameter(&forged, "state"));
    let query = format!("code={code}&state={state}&iss=https://evil.example.com/");
    forged.set_query(Some(&query));
    let page = gus.get(&forged).await;
    assert_eq!(page.status, 502);
    assert!(page.text().contains("the answer came from another issuer"));
    assert!(desk.asked("/oauth/token").is_empty());
}

#[tokio::test]
async fn sends_nobody_to_a_foreign_consent_page() {
    let desk = Desk::start().await;
    let effect = Effect::Status {
        code: 201,
        body: r#"{"auth_session":"s","connect_uri":"https://evil.example.com/connect",
            "connect_params":{"ticket":"t"},"expires_in":300}"#
            .into(),
        content_type: "application/json".into(),
        headers: Default::default(),
        handled: false,
    };
    failing(&desk, CONNECT, effect);
    let url = desk.offer("guest").await;
    let gus = desk.visitor("guest");
    let asked = gus.open(&url).await;
    let form = [("token", &*hidden(&asked.body, "token")), ("action", "continue")];
    let page = gus.post(&url, &form).await;
    assert_eq!((page.status, page.body.contains("evil")), (502, false));
}

#[tokio::test]
async fn is_too_old_after_its_time() {
    let desk = Desk::with(Lives { ticket: SOON, ..LIVES }, 100, None).await;
    let url = desk.offer("guest").await;
    let gus = desk.visitor("guest");
    let back = gus.back(&url).await;
    let caller = desk.caller("guest");
    assert_eq!(desk.linker.outcome(&caller, Duration::from_secs(5)).await, Outcome::Expired);
    for address in [&url, &back] {
        let page = gus.get(address).await;
        assert_eq!((page.status, heading(&page.body)), (410, "This link is too old"));
    }
    assert!(desk.asked("/oauth/token").is_empty());
    assert_ne!(desk.offer("guest").await, url);
}

#[tokio::test]
async fn signs_in_once_more_when_the_first_sign_in_was_too_long_ago() {
    let desk = Desk::with(Lives { sign_in: SOON, ..LIVES }, 100, None).await;
    let url = desk.offer("guest").await;
    let gus = desk.visitor("guest");
    let token = hidden(&gus.open(&url).await.body, "token");
    tokio::time::sleep(SOON).await;
    let page = gus.post(&url, &[("token", &*token), ("action", "continue")]).await;
    assert_eq!((page.status, page.leads_to()), (200, url.clone()));
    assert!(desk.asked(CONNECT).is_empty());
    assert_eq!(gus.open(&url).await.status, 200);
    assert_eq!(desk.asked("/oauth/token").len(), 2);
}

#[tokio::test]
async fn answers_unknown_addresses_as_such() {
    let desk = Desk::start().await;
    let nobody = desk.visitor("guest");
    for (path, status, title) in [
        ("/link/guess", 404, "This link is not valid"),
        ("/link/signed-in", 400, "This page was not expected"),
        ("/link/signed-in?code=x&state=y", 400, "This page was not expected"),
        ("/link/connected?connect_code=x&state=y", 400, "This page was not expected"),
        ("/link/connected", 200, "One moment"),
        ("/link/done", 404, "There is nothing to see here"),
    ] {
        let page = nobody.get(&desk.public_url.join(path).unwrap()).await;
        assert_eq!((page.status, heading(&page.body)), (status, title), "{path}");
    }
    let done = desk.public_url.join("/link/done").unwrap();
    assert_eq!(nobody.post(&done, &[("link", "x"), ("token", "y")]).await.status, 404);
    assert!(desk.sandbox.requests().is_empty());
    assert_eq!(desk.outcome("guest").await, Outcome::Expired);
}

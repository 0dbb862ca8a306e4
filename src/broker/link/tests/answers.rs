//! Rules 1 to 5: what a link asks of Auth0, and which answers it takes.

use super::*;
use crate::sandbox::{Effect, Fault, Service, Switch};

#[tokio::test]
async fn rule_1_begins_at_auth0_only_when_the_page_is_opened_with_proof_and_state() {
    let desk = Desk::of("guest").await;
    let url = desk.offer().await;
    assert!(desk.sandbox().requests().is_empty());
    get(&url).await;
    get(&url).await;
    let asked = desk.asked(CONNECT);
    let [one, two]: [serde_json::Value; 2] =
        [0, 1].map(|index| serde_json::from_str(&asked[index]).unwrap());
    assert_eq!(one["redirect_uri"], url.join("/callback").unwrap().as_str());
    assert_eq!(
        (&one["code_challenge_method"], &one["connection"]),
        (&"S256".into(), &"bitbucket".into())
    );
    for key in ["state", "code_challenge"] {
        assert_eq!(one[key].as_str().unwrap().len(), 43);
        assert_ne!(one[key], two[key]);
    }
}

#[tokio::test]
async fn rule_2_is_not_spent_by_a_scanner() {
    let desk = Desk::of("guest").await;
    let url = desk.offer().await;
    for _ in 0..20 {
        assert_eq!(get(&url).await.status, 303);
    }
    assert_eq!(get(&url.join("/callback").unwrap()).await.status, 200);
    assert_eq!(desk.linker.outcome(AT_ONCE).await, Outcome::Waiting);
    assert!(desk.consent(&url, "guest").await.contains("is now linked"));
}

#[tokio::test]
async fn rule_2_offers_one_page_while_it_lives() {
    let desk = Desk::of("guest").await;
    let (one, two) = tokio::join!(desk.linker.offer(), desk.linker.offer());
    let one = one.unwrap();
    assert_eq!(one, two.unwrap());
    assert_eq!(one.url.path().len(), 44);
    desk.linker.shut();
    assert_ne!(one.url, desk.linker.offer().await.unwrap().url);
}

#[tokio::test]
async fn rule_2_is_spent_by_a_refusal() {
    let desk = Desk::of("guest").await;
    let url = desk.offer().await;
    let page = desk.sandbox().refuse(url.as_str(), "guest").await.unwrap();
    assert_eq!(page, "You refused Nothing was linked. You can close this page.");
    assert_eq!(desk.linker.outcome(AT_ONCE).await, Outcome::Refused);
    let again = get(&url).await;
    assert_eq!((again.status, heading(&again.body)), (410, "This link was already used"));
    assert!(desk.link("guest").await.contains("is now linked"));
}

#[tokio::test]
async fn rule_2_lets_the_first_of_two_browsers_win() {
    let desk = Desk::of("guest").await;
    let url = desk.offer().await;
    let one = desk.callback(&url, "guest", "gus").await;
    let two = desk.callback(&url, "guest", "ana").await;
    let (one, two) = tokio::join!(get(&one), get(&two));
    let mut seen = [(one.status, heading(&one.body)), (two.status, heading(&two.body))];
    seen.sort_unstable();
    assert_eq!(seen[1], (410, "This link was already used"));
    assert_eq!(seen[0].0, 200);
    assert_eq!(desk.asked(COMPLETE).len(), 1);
    assert_eq!(desk.linker.accounts().await.unwrap().len(), 1);
}

#[tokio::test]
async fn rule_3_sends_nobody_to_a_foreign_consent_page() {
    let desk = Desk::of("guest").await;
    let effect = Effect::Status {
        code: 201,
        body: r#"{"auth_session":"s","connect_uri":"https://evil.example.com/connect",
            "connect_params":{"ticket":"t"},"expires_in":300}"#
            .into(),
        content_type: "application/json".into(),
        headers: Default::default(),
        handled: false,
    };
    desk.sandbox().faults().add(Fault::new(Service::Auth0, effect).path(CONNECT));
    let page = get(&desk.offer().await).await;
    assert_eq!((page.status, page.location), (502, None));
    let words = "Auth0 named a consent page outside its own domain";
    assert!(page.body.contains(words));
    assert_eq!(desk.linker.outcome(AT_ONCE).await, Outcome::Failed(words.into()));
    assert_eq!(desk.linker.outcome(AT_ONCE).await, Outcome::Waiting);
}

#[tokio::test]
async fn rule_4_takes_the_code_from_behind_the_hash() {
    let desk = Desk::of("guest").await;
    desk.sandbox().world().change_tenant(|tenant| tenant.set(Switch::ConnectCodeInFragment, true));
    assert!(desk.link("guest").await.contains("Bitbucket account gus (Gus Weber) is now linked"));
}

#[tokio::test]
async fn rule_4_takes_a_code_only_where_it_was_sent_for_it() {
    let desk = Desk::of("guest").await;
    let url = desk.offer().await;
    let back = desk.callback(&url, "guest", "gus").await;
    let swapped = back.as_str().replace("connect_code=", "code=");
    let page = get(&Url::parse(&swapped).unwrap()).await;
    assert_eq!((page.status, heading(&page.body)), (400, "This page was not expected"));
    assert_eq!(get(&back).await.status, 400);
    assert!(desk.asked(COMPLETE).is_empty());

    let desk = Desk::start(None, LIVES).await;
    let url = desk.offer().await;
    let back = desk.sign_in(&url, "guest").await;
    let swapped = back.as_str().replace("code=", "connect_code=");
    assert_eq!(get(&Url::parse(&swapped).unwrap()).await.status, 400);
    assert!(desk.asked("/oauth/token").is_empty());
}

#[tokio::test]
async fn rule_4_takes_no_answer_that_it_did_not_ask_for_and_none_twice() {
    let desk = Desk::of("guest").await;
    let url = desk.offer().await;
    let back = desk.callback(&url, "guest", "gus").await;
    let mut forged = back.clone();
    forged
        .set_query(Some(&format!("connect_code={}&state=guess", parameter(&back, "connect_code"))));
    let callback = url.join("/callback").unwrap();
    let posted = post(callback, &[("connect_code", "x"), ("state", "guess"), ("error", "")]).await;
    assert_eq!((get(&forged).await.status, posted.status), (400, 400));
    let first = get(&back).await;
    assert_eq!((first.status, heading(&first.body)), (200, "Bitbucket account gus is now linked"));
    // A reload shows the same page with the same way back, and sends nothing again.
    let reloaded = get(&back).await;
    assert_eq!((reloaded.status, heading(&reloaded.body)), (200, heading(&first.body)));
    assert_eq!(hidden(&reloaded.body, "token"), hidden(&first.body, "token"));
    assert_eq!(desk.asked(COMPLETE).len(), 1);
}

#[tokio::test]
async fn rule_4_takes_no_answer_for_another_ticket() {
    let desk = Desk::of("guest").await;
    let old = desk.offer().await;
    let back = desk.callback(&old, "guest", "gus").await;
    desk.linker.shut();
    let new = desk.offer().await;
    let mut moved = new.join("/callback").unwrap();
    moved.set_query(back.query());
    assert_eq!(get(&moved).await.status, 400);
    let mut guessed = new.clone();
    guessed.set_path(old.path());
    assert_eq!(get(&guessed).await.status, 404);
    assert!(desk.asked(COMPLETE).is_empty());
}

#[tokio::test]
async fn rule_4_repeats_no_word_that_an_answer_brought() {
    let desk = Desk::of("guest").await;
    let url = desk.offer().await;
    let consent_page = get(&url).await.location.unwrap();
    assert_eq!(consent_page.path(), "/connected-accounts/connect");
    let asked: serde_json::Value = serde_json::from_str(&desk.asked(CONNECT)[0]).unwrap();
    let mut back = url.join("/callback").unwrap();
    back.query_pairs_mut()
        .append_pair("error", "marked_error")
        .append_pair("error_description", "marked description")
        .append_pair("state", asked["state"].as_str().unwrap());
    let page = get(&back).await;
    assert_eq!((page.status, heading(&page.body)), (502, "Nothing was linked"));
    assert!(!page.body.contains("marked"));
    let words = "Auth0 denied access";
    assert_eq!(desk.linker.outcome(AT_ONCE).await, Outcome::Failed(words.into()));
}

#[tokio::test]
async fn rule_5_reads_the_accounts_when_the_completion_broke_off() {
    let desk = Desk::of("guest").await;
    desk.sandbox().faults().add(Fault::new(Service::Auth0, Effect::Cut).path(COMPLETE));
    let page = desk.link("guest").await;
    assert!(page.contains("Bitbucket account gus (Gus Weber) is now linked"), "{page}");
    assert_eq!(desk.asked(COMPLETE).len(), 1);
}

#[tokio::test]
async fn rule_5_says_so_when_the_completion_never_arrived_and_lets_the_person_try_again() {
    let desk = Desk::of("guest").await;
    let lost = Fault::new(Service::Auth0, Effect::Unanswered).path(COMPLETE).times(1);
    desk.sandbox().faults().add(lost);
    let url = desk.offer().await;
    let page = desk.consent(&url, "guest").await;
    assert!(page.starts_with("Nothing was linked"), "{page}");
    assert_eq!(desk.asked(COMPLETE).len(), 1);
    assert!(!desk.sandbox().world().is_linked("guest"));
    assert!(desk.consent(&url, "guest").await.contains("is now linked"));
}

//! Rules 6 to 11: whose account goes where, and who is asked.

use super::*;
use crate::sandbox::{Effect, Fault, Service, Switch};

#[tokio::test]
async fn rule_6_says_which_account_is_now_linked_to_whom_after_one_exchange() {
    let desk = Desk::of("guest").await;
    let url = desk.offer().await;
    let (page, outcome) =
        tokio::join!(desk.consent(&url, "guest"), desk.linker.outcome(Duration::from_secs(20)));
    assert_eq!(
        page,
        "Bitbucket account gus is now linked Bitbucket account gus (Gus Weber) is now linked to \
         Gus Weber . You can close this page and go back to your agent. Not mine: undo"
    );
    let Outcome::Linked(account) = outcome else { unreachable!("{outcome:?}") };
    assert_eq!(account.username.as_ref().unwrap().as_str(), "gus");
    assert_eq!(account.connection, "bitbucket");
    assert!(account.scopes.as_ref().unwrap().contains(&"pullrequest:write".to_owned()));
    assert_eq!(desk.stage.broker.counts().exchanges, 1);
    assert_eq!(desk.linker.accounts().await.unwrap(), [account]);
    assert_eq!(desk.stage.broker.counts().exchanges, 1);
}

#[tokio::test]
async fn rule_6_takes_the_link_back_on_request_once() {
    let desk = Desk::of("guest").await;
    let url = desk.offer().await;
    let page = get(&desk.callback(&url, "guest", "ana").await).await;
    assert_eq!(heading(&page.body), "Bitbucket account ana is now linked");
    let undo = url.join("/undo").unwrap();
    let forged = post(undo.clone(), &[("token", "guess")]).await;
    assert_eq!((forged.status, desk.sandbox().world().is_linked("guest")), (400, true));
    let token = hidden(&page.body, "token");
    for _ in 0..2 {
        let undone = post(undo.clone(), &[("token", &token)]).await;
        assert_eq!((undone.status, heading(&undone.body)), (200, "The link was undone"));
    }
    assert!(!desk.sandbox().world().is_linked("guest"));
    assert_eq!(desk.linker.outcome(AT_ONCE).await, Outcome::Refused);
    assert_eq!(desk.stage.broker.counts().cached, 0);
}

#[tokio::test]
async fn rule_6_says_that_the_account_is_still_linked_when_the_undo_fails() {
    let desk = Desk::of("guest").await;
    let url = desk.offer().await;
    let page = get(&desk.callback(&url, "guest", "gus").await).await;
    let (undo, token) = (url.join("/undo").unwrap(), hidden(&page.body, "token"));
    let fault = Fault::new(Service::Auth0, Effect::status(503)).method("DELETE");
    desk.sandbox().faults().add(fault);
    let failed = post(undo.clone(), &[("token", &token)]).await;
    assert_eq!((failed.status, heading(&failed.body)), (502, "The link could not be undone"));
    assert!(desk.sandbox().world().is_linked("guest"));
    desk.sandbox().faults().clear();
    let undone = post(undo, &[("token", &hidden(&failed.body, "token"))]).await;
    assert_eq!(heading(&undone.body), "The link was undone");
    assert!(!desk.sandbox().world().is_linked("guest"));
}

#[tokio::test]
async fn rule_6_can_still_undo_when_the_next_link_is_already_on_offer() {
    let desk = Desk::of("guest").await;
    let url = desk.offer().await;
    let page = get(&desk.callback(&url, "guest", "gus").await).await;
    let next = desk.offer().await;
    assert_ne!(next.port(), url.port());
    let token = hidden(&page.body, "token");
    let undone = post(url.join("/undo").unwrap(), &[("token", &token)]).await;
    assert_eq!(heading(&undone.body), "The link was undone");
    desk.linker.shut();
    assert!(is_closed(&url).await && is_closed(&next).await);
}

#[tokio::test]
async fn rule_6_does_not_guess_between_several_accounts() {
    let desk = Desk::of("guest").await;
    assert!(desk.link("guest").await.contains("is now linked"));
    let url = desk.offer().await;
    let page = get(&desk.callback(&url, "guest", "ben").await).await;
    assert_eq!(heading(&page.body), "The linked account cannot be used");
    let ids: Vec<String> = desk
        .linker
        .accounts()
        .await
        .unwrap()
        .into_iter()
        .filter_map(|account| account.id)
        .collect();
    let words = format!("several Bitbucket accounts are linked: {}", ids.join(", "));
    assert_eq!(desk.linker.outcome(AT_ONCE).await, Outcome::Unusable(words.clone()));
    assert_eq!(desk.linker.unlink(None).await.unwrap_err().to_string(), words);
    let unknown = desk.linker.unlink(Some("cac_\u{7}x")).await.unwrap_err().to_string();
    assert_eq!(unknown, "no linked account has the id \"cac_x\"");
    let removed = desk.linker.unlink(Some(&ids[0])).await.unwrap();
    assert!(matches!(removed, Unlinked::Removed(account) if account.id.as_ref() == Some(&ids[0])));
    let left = desk.linker.accounts().await.unwrap();
    assert_eq!(left[0].username.as_ref().unwrap().as_str(), "ben");
}

#[tokio::test]
async fn rule_7_does_not_ask_again_for_a_scope_that_the_last_link_did_not_bring() {
    let desk = Desk::of("limited").await;
    let caller = desk.session.current().await.unwrap().unwrap().caller;
    let can_help = || desk.stage.broker.relinking_can_help(&caller, "pullrequest:write");
    assert!(can_help());
    desk.link("limited").await;
    assert!(!can_help());
    desk.sandbox().world().set_scopes("limited", &["account", "pullrequest:write"]);
    desk.link("limited").await;
    assert!(can_help());
    let accounts = desk.linker.accounts().await.unwrap();
    assert_eq!(accounts[0].scopes.as_ref().unwrap().join(" "), "account pullrequest:write");
}

#[tokio::test]
async fn rule_9_answers_to_its_own_address_on_this_machine_only() {
    let desk = Desk::of("guest").await;
    let url = desk.offer().await;
    assert_eq!(url.host_str(), Some("127.0.0.1"));
    let request = client().get(url.clone()).header("host", "evil.example.com");
    assert_eq!(request.send().await.unwrap().status(), 421);
    for path in ["/", "/guess", "/callback/x", "/undo"] {
        let page = get(&url.join(path).unwrap()).await;
        assert!(matches!(page.status, 400 | 404), "{path} {}", page.status);
    }
    assert!(desk.sandbox().requests().is_empty());
}

#[tokio::test]
async fn rule_9_shuts_after_use() {
    let lives = Lives { undo: SOON, ..LIVES };
    let desk = Desk::start(Some("guest"), lives).await;
    let url = desk.offer().await;
    assert!(desk.consent(&url, "guest").await.contains("is now linked"));
    assert!(is_closed(&url).await);
    assert!(matches!(desk.linker.outcome(AT_ONCE).await, Outcome::Linked(_)));
}

#[tokio::test]
async fn rule_9_shuts_when_nobody_came() {
    let lives = Lives { ticket: SOON, ..LIVES };
    let desk = Desk::start(Some("guest"), lives).await;
    let url = desk.offer().await;
    let back = desk.callback(&url, "guest", "gus").await;
    assert_eq!(desk.linker.outcome(Duration::from_secs(5)).await, Outcome::Expired);
    assert!(is_closed(&back).await);
    assert!(!desk.sandbox().world().is_linked("guest"));
}

#[tokio::test]
async fn rule_9_says_when_every_port_is_taken() {
    let desk = Desk::of("guest").await;
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let linker = Linker::with(desk.linker.inner.vault.clone(), port..=port, LIVES);
    assert_eq!(
        linker.offer().await.unwrap_err().to_string(),
        format!("the ports {port} to {port} on 127.0.0.1 are all in use")
    );
}

#[tokio::test]
async fn rule_10_signs_in_and_links_in_one_trip() {
    let desk = Desk::start(None, LIVES).await;
    assert!(matches!(desk.linker.accounts().await, Err(Error::NotSignedIn)));
    let page = desk.link("guest").await;
    assert!(page.contains("(Gus Weber) is now linked to Gus Weber"), "{page}");
    let signed_in = desk.session.current().await.unwrap().unwrap();
    assert_eq!(signed_in.caller.subject, "auth0|gus");
}

#[tokio::test]
async fn rule_10_signs_in_again_when_the_session_has_ended() {
    let desk = Desk::of("guest").await;
    desk.sandbox().world().revoke_refresh_token("guest");
    let page = desk.link("guest").await;
    assert!(page.contains("(Gus Weber) is now linked to Gus Weber"), "{page}");
}

#[tokio::test]
async fn rule_10_does_not_mix_two_people_on_one_link() {
    let desk = Desk::start(None, LIVES).await;
    let url = desk.offer().await;
    let (one, two) = (desk.sign_in(&url, "guest").await, desk.sign_in(&url, "limited").await);
    assert_eq!(get(&one).await.status, 303);
    let page = get(&two).await;
    assert_eq!((page.status, heading(&page.body)), (403, "This link is for someone else"));
    let signed_in = desk.session.current().await.unwrap().unwrap();
    assert_eq!(signed_in.caller.subject, "auth0|gus");
}

#[tokio::test]
async fn rule_10_takes_pasted_addresses_where_the_browser_is_elsewhere() {
    let desk = Desk::start(None, LIVES).await;
    let linker = Linker::with(desk.linker.inner.vault.clone(), PORTS, LIVES);
    let elsewhere = linker.elsewhere().await.unwrap();
    let signed_in = desk.log_in(elsewhere.url(), "guest").await;
    let Pasted::GoOn(next) = elsewhere.paste(signed_in.as_str()).await.unwrap() else {
        unreachable!("a sign-in leads on")
    };
    let agreed = desk.agree(&next, "guest", "gus").await;
    let forged = "http://127.0.0.1:18484/callback?connect_code=x&state=guess";
    assert_eq!(elsewhere.paste(forged).await.unwrap(), Pasted::Done(Outcome::Waiting));
    assert_eq!(
        elsewhere.paste("what now").await.unwrap_err().to_string(),
        "this is not a URL that starts with `http://127.0.0.1:18484/callback`"
    );
    let Pasted::Done(Outcome::Linked(account)) = elsewhere.paste(agreed.as_str()).await.unwrap()
    else {
        unreachable!("the consent was the last step")
    };
    assert_eq!(account.username.unwrap().as_str(), "gus");
}

#[tokio::test]
async fn rule_11_keeps_a_rotated_refresh_token() {
    let desk = Desk::of("guest").await;
    desk.sandbox().world().change_tenant(|tenant| {
        tenant.set(Switch::RotatesRefreshTokens, true);
        tenant.set(Switch::VaultRefusesRotation, false);
    });
    let before = desk.session.current().await.unwrap().unwrap().refresh_token;
    let page = desk.link("guest").await;
    assert!(page.contains("is now linked"), "{page}");
    let after = desk.session.current().await.unwrap().unwrap().refresh_token;
    assert_ne!(before, after);
    let keep = Keep::new(desk.folder.path().to_owned(), false);
    let later = Session::new(desk.stage.tenant.clone(), keep, Some(before));
    assert_eq!(later.current().await.unwrap().unwrap().refresh_token, after);
}

#[tokio::test]
async fn unlinks_and_says_what_was_unlinked() {
    let desk = Desk::of("linked").await;
    let Unlinked::Removed(account) = desk.linker.unlink(None).await.unwrap() else {
        unreachable!("an account was linked")
    };
    assert_eq!(account.display_name.unwrap().as_str(), "Ana Lima");
    assert!(!desk.sandbox().world().is_linked("linked"));
    assert_eq!(desk.stage.broker.counts().cached, 0);
    assert_eq!(desk.linker.unlink(None).await.unwrap(), Unlinked::Nothing);
    assert_eq!(desk.linker.outcome(AT_ONCE).await, Outcome::Expired);
}

//! The way of the right person.

use super::*;
use crate::broker::link::digest;
use crate::sandbox::Switch;

#[tokio::test]
async fn offers_one_address_while_it_lives_with_nothing_of_the_person_in_it() {
    let desk = Desk::start().await;
    let (one, two) = tokio::join!(desk.offer("guest"), desk.offer("guest"));
    assert_eq!(one, two);
    assert_eq!(one.origin(), desk.public_url.origin());
    let ticket = one.path().strip_prefix("/link/").unwrap();
    assert_eq!((ticket.len(), one.query()), (43, None));
    assert_ne!(desk.offer("linked").await, one);
    let other = Caller { organization: Some("org_1".into()), ..desk.caller("guest") };
    assert_ne!(desk.linker.offer(&other, &asker()).await.unwrap().url, one);
    assert!(desk.sandbox.requests().is_empty());
}

#[tokio::test]
async fn signs_in_for_linking_alone() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let authorize = desk.visitor("guest").get(&url).await.location.unwrap();
    let asked = ["audience", "scope", "redirect_uri", "code_challenge_method", "response_type"]
        .map(|name| parameter(&authorize, name));
    assert_eq!(
        asked,
        [
            format!("{}/me/", desk.sandbox.auth0_domain()),
            "openid profile email create:me:connected_accounts read:me:connected_accounts \
             delete:me:connected_accounts"
                .into(),
            desk.public_url.join("/link/signed-in").unwrap().into(),
            "S256".into(),
            "code".into(),
        ]
    );
    for (name, least) in [("state", 43), ("nonce", 43), ("code_challenge", 43)] {
        assert!(parameter(&authorize, name).len() >= least, "{name}");
    }
    assert!(!authorize.query_pairs().any(|(name, _)| name == "prompt"));
}

#[tokio::test]
async fn asks_by_name_before_anything_begins_at_auth0() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let gus = desk.visitor("guest");
    let asked = gus.open(&url).await;
    assert_eq!((asked.status, &asked.url), (200, &url));
    insta::assert_snapshot!(asked.text(), @"Let the agent work in Bitbucket as you? You are signed in as Gus Weber (gus@example.test) . An application that calls itself “The &lt;Agent&gt;” (client agent-1 ) asks you to link a Bitbucket account. If you go on, you choose the account at Bitbucket, and what you grant there is kept for you in Auth0’s vault. From then on the agent acts as you at Bitbucket, within what the account may do. Go on only if you have just asked your agent for this. Continue Cancel");
    assert!(desk.asked(CONNECT).is_empty());
    assert_eq!(gus.open(&url).await.text(), asked.text());
    assert_eq!(desk.asked("/oauth/token").len(), 1, "a reload signs nobody in again");
    gus.agree(&url).await;
    assert_eq!(desk.asked(CONNECT).len(), 1);
}

#[tokio::test]
async fn links_and_says_which_account_is_now_linked_to_whom() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let page = desk.visitor("guest").link(&url, "gus").await;
    assert_eq!((page.status, page.url.path()), (200, "/link/done"));
    insta::assert_snapshot!(page.text(), @"Bitbucket account gus is now linked Bitbucket account gus (Gus Weber) is now linked to Gus Weber (gus@example.test) . You can close this page and go back to your agent. Not mine: undo");
    let Outcome::Linked(account) = desk.outcome("guest").await else { unreachable!() };
    assert_eq!(account.username.unwrap().as_str(), "gus");
    assert!(account.scopes.unwrap().contains(&"pullrequest:write".to_owned()));
    // One exchange, and the agent's next call finds its token at hand.
    assert_eq!((desk.broker.counts().exchanges, desk.broker.counts().cached), (1, 1));
    assert_eq!(desk.asked(COMPLETE).len(), 1);
}

#[tokio::test]
async fn links_in_a_browser_that_follows_pages_without_script() {
    let desk = Desk::start().await;
    for fragment in [false, true] {
        desk.sandbox
            .world()
            .change_tenant(|tenant| tenant.set(Switch::ConnectCodeInFragment, fragment));
        let url = desk.offer("guest").await;
        let page = desk.sandbox.consent(url.as_str(), "guest").await.unwrap();
        assert!(page.starts_with("Bitbucket account gus is now linked"), "{page}");
    }
}

#[tokio::test]
async fn keeps_no_refresh_token_and_shows_no_token_to_the_browser() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let gus = desk.visitor("guest");
    let consent_page = gus.agree(&url).await;
    let done = gus.open(&gus.grant(&consent_page, "gus").await).await;
    for body in desk.asked("/oauth/token") {
        assert!(!body.contains("refresh_token=") && !body.contains("offline_access"), "{body}");
    }
    let bearers = desk.sandbox.requests().into_iter().filter_map(|request| request.authorization);
    for bearer in bearers {
        let token = bearer.split_once(' ').unwrap().1.to_owned();
        let cookies = format!("{:?}", gus.cookies());
        for shown in [done.url.as_str(), consent_page.as_str(), &done.body, &cookies] {
            assert!(!shown.contains(&token));
        }
    }
}

#[tokio::test]
async fn shows_what_was_done_in_that_browser_alone() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let gus = desk.visitor("guest");
    let consent_page = gus.agree(&url).await;
    let back = gus.grant(&consent_page, "gus").await;
    let done = gus.open(&back).await;
    for address in [&done.url, &back] {
        assert_eq!(gus.open(address).await.text(), done.text());
        let stranger = desk.visitor("guest").open(address).await;
        assert!(matches!(stranger.status, 403 | 404), "{}", stranger.status);
        assert!(!stranger.text().to_lowercase().contains("gus"));
    }
    assert_eq!(gus.open(&url).await.text(), done.text());
    let again = desk.visitor("guest").open(&url).await;
    assert_eq!((again.status, heading(&again.body)), (410, "This link was already used"));
    assert_eq!(desk.asked(COMPLETE).len(), 1);
}

#[tokio::test]
async fn takes_the_link_back_once() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let gus = desk.visitor("guest");
    let page = gus.link(&url, "ana").await;
    assert_eq!(heading(&page.body), "Bitbucket account ana is now linked");
    let form = [("link", hidden(&page.body, "link")), ("token", hidden(&page.body, "token"))];
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    // Neither somebody else's browser nor a guess takes it back.
    assert_eq!(desk.visitor("guest").post(&page.url, &form).await.status, 403);
    assert_eq!(gus.post(&page.url, &[form[0], ("token", "guess")]).await.status, 400);
    assert!(desk.is_linked("guest"));
    // The next link may be on offer already.
    let next = desk.offer("guest").await;
    assert_ne!(next, url);
    for _ in 0..2 {
        let undone = gus.post(&page.url, &form).await;
        assert_eq!((undone.status, undone.location.as_ref()), (303, Some(&page.url)));
        assert_eq!(heading(&gus.get(&page.url).await.body), "The link was undone");
    }
    assert!(!desk.is_linked("guest"));
    assert_eq!(desk.broker.counts().cached, 0);
    assert_eq!(heading(&gus.link(&next, "gus").await.body), "Bitbucket account gus is now linked");
}

#[tokio::test]
async fn takes_nothing_back_once_the_sign_in_is_forgotten() {
    let desk = Desk::with(Lives { sign_in: Duration::from_secs(2), ..LIVES }, 100, None).await;
    let url = desk.offer("guest").await;
    let gus = desk.visitor("guest");
    let page = gus.link(&url, "gus").await;
    let form = [("link", hidden(&page.body, "link")), ("token", hidden(&page.body, "token"))];
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    while gus.get(&page.url).await.body.contains("<button") {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let late = gus.post(&page.url, &form).await;
    assert_eq!((late.status, heading(&late.body)), (410, "It is too late to undo the link here"));
    assert!(desk.is_linked("guest"));
}

#[tokio::test]
async fn links_even_when_the_name_cannot_be_asked_for() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let gus = desk.visitor("guest");
    let consent_page = gus.agree(&url).await;
    let back = gus.grant(&consent_page, "gus").await;
    // From now on the tenant wants a page of its own before it goes back to loopback.
    desk.sandbox.world().change_tenant(|tenant| tenant.set(Switch::WebSkipsConfirmation, false));
    let page = gus.open(&back).await;
    assert_eq!((page.url.path(), page.status), ("/link/done", 200));
    assert_eq!(heading(&page.body), "A Bitbucket account is now linked");
    assert!(page.body.contains("Not mine: undo"));
    let Outcome::Linked(account) = desk.outcome("guest").await else { unreachable!() };
    assert_eq!((account.username, account.connection.as_str()), (None, "bitbucket"));
    assert_eq!(desk.broker.counts().exchanges, 0);
}

#[tokio::test]
async fn tells_the_agent_when_the_browser_does_not_come_back_for_the_name() {
    let desk = Desk::with(Lives { introduction: SOON, ..LIVES }, 100, None).await;
    let url = desk.offer("guest").await;
    let gus = desk.visitor("guest");
    let consent_page = gus.agree(&url).await;
    let away = gus.get(&gus.grant(&consent_page, "gus").await).await.location.unwrap();
    assert_eq!(parameter(&away, "prompt"), "none");
    assert_eq!(parameter(&away, "audience"), format!("{}mcp", desk.public_url));
    assert_eq!(desk.outcome("guest").await, Outcome::Waiting);
    let told = desk.linker.outcome(&desk.caller("guest"), Duration::from_secs(20)).await;
    assert!(matches!(told, Outcome::Linked(account) if account.username.is_none()));
    // It can still do so.
    assert_eq!(heading(&gus.open(&away).await.body), "Bitbucket account gus is now linked");
}

#[tokio::test]
async fn does_not_guess_between_several_accounts() {
    let desk = Desk::start().await;
    let ana = desk.visitor("linked");
    let page = ana.link(&desk.offer("linked").await, "ben").await;
    assert_eq!(heading(&page.body), "The linked account cannot be used");
    let Outcome::Unusable(words) = desk.outcome("linked").await else { unreachable!() };
    assert!(words.starts_with("several Bitbucket accounts are linked: cac_"), "{words}");
    assert_eq!(ana.get(&page.url).await.text(), page.text());
}

#[tokio::test]
async fn is_spent_by_a_no_here_or_at_bitbucket() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let gus = desk.visitor("guest");
    let asked = gus.open(&url).await;
    let form = [("token", &*hidden(&asked.body, "token")), ("action", "cancel")];
    let refused = gus.post(&url, &form).await;
    assert_eq!((refused.status, heading(&refused.body)), (200, "You refused"));
    assert_eq!(desk.outcome("guest").await, Outcome::Refused);
    assert_eq!(heading(&gus.get(&url).await.body), "This link was already used");
    let next = desk.offer("guest").await;
    assert_ne!(next, url);
    let consent_page = gus.agree(&next).await;
    let refused = gus.open(&gus.refuse(&consent_page).await).await;
    assert_eq!((refused.status, heading(&refused.body)), (200, "You refused"));
    assert_eq!(desk.outcome("guest").await, Outcome::Refused);
    assert_eq!(gus.get(&next).await.status, 410);
    assert!(!desk.is_linked("guest"));
}

#[tokio::test]
async fn names_every_agent_of_the_person_that_asks() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let other = Asker { client_id: Some("agent-2".into()), name: None };
    assert_eq!(desk.linker.offer(&desk.caller("guest"), &other).await.unwrap().url, url);
    let asked = desk.visitor("guest").open(&url).await.text();
    assert!(asked.contains("(client agent-1 ) and an application (client agent-2 ) ask you"));
}

#[tokio::test]
async fn keeps_nobody_signed_in_but_the_browser_that_can_take_the_link_back() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let (one, two, late) = (desk.visitor("guest"), desk.visitor("guest"), desk.visitor("guest"));
    let late_back = late.back(&url).await;
    two.open(&url).await;
    let ticket = desk.linker.inner.tickets.of(&desk.caller("guest")).unwrap();
    let is_signed_in = |visitor: &Visitor| {
        let cookies = visitor.cookies();
        cookies.values().any(|cookie| ticket.signed_in(digest::Digest::of(cookie)).is_some())
    };
    assert!(is_signed_in(&two));
    one.link(&url, "gus").await;
    late.open(&late_back).await;
    assert_eq!([&one, &two, &late].map(is_signed_in), [true, false, false]);
}

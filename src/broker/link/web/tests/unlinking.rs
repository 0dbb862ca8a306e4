//! Taking an account out of the vault.

use super::*;

#[tokio::test]
async fn unlinks_after_a_fresh_sign_in_and_a_yes() {
    let desk = Desk::start().await;
    let url = desk.offer_unlink("linked").await;
    assert_eq!(desk.offer_unlink("linked").await, url);
    let ana = desk.visitor("linked");
    let authorize = ana.get(&url).await.location.unwrap();
    assert_eq!(parameter(&authorize, "prompt"), "login");
    let asked = ana.open(&url).await;
    assert_eq!(heading(&asked.body), "Take the account away from the agent?");
    let id = hidden(
        &asked.body.replace("type=\"radio\" name=\"account\"", "name=\"account\""),
        "account",
    );
    assert!(asked.text().contains("signed in as Ana Lima (ana@example.test)"), "{}", asked.text());
    assert!(asked.text().contains(&format!("Bitbucket account {id}")), "{}", asked.text());
    assert!(desk.is_linked("linked"));
    let token = hidden(&asked.body, "token");
    let form = [("token", &*token), ("action", "unlink"), ("account", &*id)];
    let done = ana.post(&url, &form).await.location.unwrap();
    let page = ana.get(&done).await;
    insta::assert_snapshot!(page.text(), @"The account was unlinked The agent can no longer act as you at Bitbucket. Bitbucket itself still lists its own grant: you can end it there under Personal settings, App authorizations . You can close this page.");
    assert!(!desk.is_linked("linked"));
    let Outcome::Unlinked(Some(account)) = desk.outcome("linked").await else { unreachable!() };
    assert_eq!(account.id, Some(id));
    assert_eq!(ana.open(&url).await.text(), page.text());
    let again = desk.visitor("linked").open(&url).await;
    assert_eq!((again.status, heading(&again.body)), (410, "This link was already used"));
}

#[tokio::test]
async fn unlinks_only_what_was_asked_for() {
    let desk = Desk::start().await;
    desk.sandbox.world().link_as("linked", "ben");
    let ana = desk.visitor("linked");
    let all = ana.open(&desk.offer_unlink("linked").await).await;
    let ids: Vec<_> = all.body.split("name=\"account\" value=\"").skip(1).collect();
    let ids: Vec<_> = ids.iter().map(|rest| rest.split('"').next().unwrap()).collect();
    let [one, other] = ids[..] else { unreachable!("{ids:?}") };
    let caller = desk.caller("linked");
    let offer = desk.linker.offer_unlink(&caller, &asker(), Some(one)).await.unwrap();
    let asked = ana.open(&offer.url).await;
    assert!(asked.body.contains(one) && !asked.body.contains(other));
    let token = hidden(&asked.body, "token");
    let form = |id| [("token", token.as_str()), ("action", "unlink"), ("account", id)];
    assert_eq!(ana.post(&offer.url, &form(other)).await.status, 400);
    assert_eq!(ana.post(&offer.url, &form(one)).await.status, 303);
    assert!(desk.is_linked("linked"), "the other one stays");
    assert!(matches!(
        desk.outcome("linked").await,
        Outcome::Unlinked(Some(account)) if account.id.as_deref() == Some(one)
    ));
}

#[tokio::test]
async fn unlinks_nothing_for_somebody_else_or_without_a_yes() {
    let desk = Desk::start().await;
    let url = desk.offer_unlink("linked").await;
    let ben = desk.visitor("limited").open(&url).await;
    assert_eq!((ben.status, heading(&ben.body)), (403, "This link is for someone else"));
    let ana = desk.visitor("linked");
    let asked = ana.open(&url).await;
    let form = [("token", &*hidden(&asked.body, "token")), ("action", "cancel")];
    let kept = ana.post(&url, &form).await;
    assert_eq!((kept.status, heading(&kept.body)), (200, "Nothing was unlinked"));
    assert_eq!(desk.outcome("linked").await, Outcome::Refused);
    assert!(desk.is_linked("linked") && desk.is_linked("limited"));
}

#[tokio::test]
async fn has_nothing_to_unlink_for_a_guest() {
    let desk = Desk::start().await;
    let page = desk.visitor("guest").open(&desk.offer_unlink("guest").await).await;
    assert_eq!((page.status, heading(&page.body)), (200, "There is nothing to unlink"));
    assert_eq!(desk.outcome("guest").await, Outcome::Unlinked(None));
}

#[tokio::test]
async fn takes_the_place_of_a_page_for_linking() {
    let desk = Desk::start().await;
    let link = desk.offer("guest").await;
    let unlink = desk.offer_unlink("guest").await;
    assert_ne!(link, unlink);
    let replaced = desk.visitor("guest").get(&link).await;
    assert_eq!((replaced.status, heading(&replaced.body)), (410, "This link was replaced"));
}

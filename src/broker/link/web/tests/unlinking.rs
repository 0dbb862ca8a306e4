//! Taking an account out of the vault.

use super::*;
use crate::sandbox::{Effect, Fault, Service};

#[tokio::test]
async fn unlinks_after_a_fresh_sign_in_and_a_yes() {
    let desk = Desk::start().await;
    let url = desk.offer_unlink("linked").await;
    assert_eq!(desk.offer_unlink("linked").await, url);
    let ana = desk.visitor("linked");
    let authorize = ana.get(&url).await.location.unwrap();
    assert_eq!(parameter(&authorize, "prompt"), "login");
    assert_eq!(parameter(&authorize, "max_age"), "0");
    let asked = ana.open(&url).await;
    assert_eq!(heading(&asked.body), "Take the account away from the agent?");
    let id = hidden(
        &asked.body.replace("type=\"radio\" name=\"account\"", "name=\"account\""),
        "account",
    );
    assert!(asked.text().contains("signed in as Ana Lima (ana@example.test)"), "{}", asked.text());
    let choice = "Which account? Bitbucket account ana (Ana Lima), linked on ";
    assert!(asked.text().contains(choice), "{}", asked.text());
    // Looking again asks nobody again.
    let exchanges = desk.broker.counts().exchanges;
    assert_eq!(ana.get(&url).await.text(), asked.text());
    assert_eq!(desk.broker.counts().exchanges, exchanges);
    assert!(desk.is_linked("linked"));
    let token = hidden(&asked.body, "token");
    let form = [("token", &*token), ("action", "unlink"), ("account", &*id)];
    let done = ana.post(&url, &form).await.location.unwrap();
    let page = ana.get(&done).await;
    insta::assert_snapshot!(page.text(), @"The account was unlinked Bitbucket account ana (Ana Lima) is no longer linked to Ana Lima (ana@example.test) . The agent can no longer act as you at Bitbucket. Bitbucket itself still lists its own grant: you can end it there under Personal settings, App authorizations . You can close this page.");
    assert!(!desk.is_linked("linked"));
    let Outcome::Unlinked(Some(account)) = desk.outcome("linked").await else { unreachable!() };
    assert_eq!((account.id, account.username.unwrap().as_str()), (Some(id), "ana"));
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
    assert_eq!(ana.post(&offer.url, &form(one)).await.status, 200);
    assert!(desk.is_linked("linked"), "the other one stays");
    assert!(matches!(
        desk.outcome("linked").await,
        Outcome::Unlinked(Some(account)) if account.id.as_deref() == Some(one)
    ));
}

/// The ids that the page lists.
fn ids(page: &visitor::Seen) -> Vec<String> {
    let listed = page.body.split("name=\"account\" value=\"").skip(1);
    listed.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn names_the_account_by_id_and_date_where_bitbucket_cannot_be_asked() {
    let desk = Desk::start().await;
    for silently_signed_in in [true, false] {
        let ana = desk.visitor("linked");
        let url = desk.offer_unlink("linked").await;
        let back = ana.back(&url).await;
        if silently_signed_in {
            let down = Fault::new(Service::Bitbucket, Effect::status(503)).path("/2.0/user");
            desk.sandbox.faults().add(down);
        } else {
            desk.sandbox.faults().clear();
            ana.plant([("sandbox_auth0".to_owned(), "ended".to_owned())].into());
        }
        let asked = ana.open(&back).await;
        let [id] = &ids(&asked)[..] else { unreachable!("{}", asked.text()) };
        let choice = format!("Bitbucket account {id} , linked on ");
        assert!(asked.text().contains(&choice), "{}", asked.text());
    }
    assert!(desk.is_linked("linked"));
}

#[tokio::test]
async fn takes_no_sign_in_that_was_there_before() {
    let desk = Desk::start().await;
    let ana = desk.visitor("linked");
    assert_eq!(ana.open(&desk.offer("linked").await).await.status, 200);
    // Whoever sits at her browser takes out of the address what asks her to sign in once more.
    let url = desk.offer_unlink("linked").await;
    let authorize = ana.get(&url).await.location.unwrap();
    let mut silent = authorize.clone();
    let kept = authorize.query_pairs().filter(|(name, _)| !matches!(&**name, "prompt" | "max_age"));
    silent.query_pairs_mut().clear().extend_pairs(kept);
    let page = ana.open(&silent).await;
    assert_eq!((page.status, heading(&page.body)), (502, "Nothing was changed"));
    let words = "it does not show that the person has signed in just now";
    assert!(page.text().contains(words), "{}", page.text());
    assert!(desk.asked("/me/v1/connected-accounts/accounts").is_empty());
}

#[tokio::test]
async fn says_which_account_is_left_and_what_the_agent_does_with_it() {
    let desk = Desk::start().await;
    desk.sandbox.world().link_as("linked", "ben");
    desk.sandbox.world().link_as("linked", "cleo");
    let ana = desk.visitor("linked");
    let unlink_the_first = async || {
        let url = desk.offer_unlink("linked").await;
        let asked = ana.open(&url).await;
        let (ids, token) = (ids(&asked), hidden(&asked.body, "token"));
        let form = [("token", &*token), ("action", "unlink"), ("account", &*ids[0])];
        let answer = ana.post(&url, &form).await;
        let next = answer.location.clone().unwrap_or_else(|| answer.leads_to());
        (ids, asked.text(), ana.open(&next).await.text())
    };
    let (ids, _, done) = unlink_the_first().await;
    let [first, second, third] = &ids[..] else { unreachable!("{ids:?}") };
    for words in [
        format!("Bitbucket account {first} is no longer linked to Ana Lima (ana@example.test) ."),
        "These accounts are still linked. The agent acts as none of them until all but one are \
         unlinked:"
            .to_owned(),
        format!("Bitbucket account {second} , linked on "),
        format!("Bitbucket account {third} , linked on "),
    ] {
        assert!(done.contains(&words), "{words}: {done}");
    }
    let (_, _, done) = unlink_the_first().await;
    let (_, left) = done.split_once("Bitbucket account cleo (Cleo Marsh), linked on ").unwrap();
    assert!(left.contains(": still linked. From now on the agent acts as this account."), "{done}");
    assert!(!done.contains("no longer act"), "{done}");
    let (_, asked, done) = unlink_the_first().await;
    assert!(asked.contains("Bitbucket account cleo (Cleo Marsh)"), "{asked}");
    assert!(done.contains("The agent can no longer act as you at Bitbucket."), "{done}");
    assert!(!desk.is_linked("linked"));
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
    // Somebody who has an account, but not this one, must not read that there is none.
    let caller = desk.caller("linked");
    let offer = desk.linker.offer_unlink(&caller, &asker(), Some("cac_other")).await.unwrap();
    let page = desk.visitor("linked").open(&offer.url).await;
    assert_eq!(heading(&page.body), "There is nothing to unlink");
    let words = "no linked account has the id \"cac_other\"";
    assert_eq!(desk.outcome("linked").await, Outcome::Failed(words.into()));
    assert!(desk.is_linked("linked"));
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

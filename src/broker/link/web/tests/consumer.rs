//! Entering the consumer's key and secret.

use http::Method;
use secrecy::ExposeSecret as _;

use super::*;
use crate::bitbucket::Consumer;
use crate::sandbox::Switch;

const SECRET: &str = "marked-Secret-0123456789";

impl Desk {
    async fn offer_consumer(&self, account: &str) -> Url {
        let callback = Url::parse("https://acme.eu.auth0.com/login/callback").unwrap();
        let caller = self.caller(account);
        self.linker.offer_consumer(&caller, &asker(), &callback).await.unwrap().url
    }

    async fn consumer(&self, account: &str) -> Option<Consumer> {
        self.linker.consumer(&self.caller(account), AT_ONCE).await
    }
}

fn form<'a>(token: &'a str, key: &'a str, secret: &'a str) -> [(&'a str, &'a str); 4] {
    [("token", token), ("action", "enter"), ("key", key), ("secret", secret)]
}

#[tokio::test]
async fn takes_key_and_secret_after_a_fresh_sign_in_and_hands_them_to_the_caller_once() {
    let desk = Desk::start().await;
    let url = desk.offer_consumer("linked").await;
    assert_eq!(desk.offer_consumer("linked").await, url);
    let ana = desk.visitor("linked");
    let authorize = ana.get(&url).await.location.unwrap();
    assert_eq!(parameter(&authorize, "prompt"), "login");
    assert_eq!(parameter(&authorize, "max_age"), "0");
    assert_eq!(parameter(&authorize, "scope"), "openid profile email");
    assert!(!authorize.query_pairs().any(|(name, _)| name == "audience"));
    let asked = ana.open(&url).await;
    insta::assert_snapshot!(asked.text(), @"Enter the Bitbucket consumer’s key and secret You are signed in as Ana Lima (ana@example.test) . An application that calls itself “The &lt;Agent&gt;” (client agent-1 ) asks you to enter the key and secret of a Bitbucket OAuth consumer. They become part of the connection bitbucket of the Auth0 tenant acme.eu.auth0.com . They go there from this server, and your agent does not see them. At Bitbucket, under Workspace settings, OAuth consumers, the consumer must have this callback URL: https://acme.eu.auth0.com/login/callback Key Secret Enter Enter them only if you have just asked your agent to set the connection up; else close this page.");
    assert_eq!(desk.outcome("linked").await, Outcome::Waiting);
    assert!(desk.consumer("linked").await.is_none());
    let token = hidden(&asked.body, "token");
    let again = ana.post(&url, &form(&token, "the-key", " ")).await;
    assert_eq!(again.status, 422);
    assert!(again.text().contains("Both are needed: the key and the secret."), "{}", again.text());
    let done = ana.post(&url, &form(&token, " the-key ", SECRET)).await.location.unwrap();
    assert_eq!(done.path(), "/link/done");
    insta::assert_snapshot!(ana.get(&done).await.text(), @"The key and the secret were entered Your agent goes on with them. You can close this page.");
    assert_eq!(desk.outcome("linked").await, Outcome::Entered);
    assert!(desk.consumer("guest").await.is_none(), "it is the caller's alone");
    let consumer = desk.consumer("linked").await.unwrap();
    assert_eq!((consumer.key.as_str(), consumer.secret.expose_secret()), ("the-key", SECRET));
    assert!(desk.consumer("linked").await.is_none(), "once");
    assert_ne!(desk.offer_consumer("linked").await, url);
}

#[tokio::test]
async fn works_where_the_my_account_api_is_still_to_be_set_up() {
    let desk = Desk::start().await;
    desk.sandbox.world().change_tenant(|tenant| tenant.set(Switch::MyAccount, false));
    let page = desk.visitor("linked").open(&desk.offer_consumer("linked").await).await;
    assert_eq!(heading(&page.body), "Enter the Bitbucket consumer’s key and secret");
}

#[tokio::test]
async fn takes_nothing_from_anybody_else() {
    let desk = Desk::start().await;
    let url = desk.offer_consumer("linked").await;
    let ana = desk.visitor("linked");
    let gus = desk.visitor("guest");
    let page = gus.open(&url).await;
    assert_eq!((page.status, heading(&page.body)), (403, "This link is for someone else"));
    let asked = ana.open(&url).await;
    let token = hidden(&asked.body, "token");
    let mut told = Vec::new();
    let entered = form(&token, "evil", SECRET);
    let guess = crate::auth0::random_token();
    for (what, visitor, fields, headers) in [
        ("another browser", &desk.visitor("guest"), entered, None),
        ("another person's browser", &gus, entered, None),
        ("a guessed token", &ana, form(&guess, "evil", SECRET), None),
        ("no token", &ana, form("", "evil", SECRET), None),
        ("another origin", &ana, entered, Some(("origin", "https://evil.example.com"))),
        ("another site", &ana, entered, Some(("sec-fetch-site", "cross-site"))),
        (
            "another deed",
            &ana,
            [("token", &*token), ("action", "unlink"), ("account", "x"), ("z", "")],
            None,
        ),
    ] {
        let headers: Vec<_> = headers.into_iter().collect();
        let seen = visitor.send(Method::POST, &url, Some(&fields), &headers).await;
        assert!(!seen.body.contains("marked") && !seen.body.contains("evil"), "{}", seen.body);
        told.push(format!("{what}: {}", seen.status));
    }
    insta::assert_snapshot!(told.join("\n"), @"
    another browser: 403
    another person's browser: 400
    a guessed token: 400
    no token: 400
    another origin: 403
    another site: 403
    another deed: 400
    ");
    let mut filled = url.clone();
    filled.query_pairs_mut().extend_pairs(form(&token, "evil", SECRET));
    let seen = ana.get(&filled).await;
    assert!(seen.status == 200 && !seen.body.contains("evil"), "{}", seen.body);
    assert!(desk.consumer("linked").await.is_none());
    assert_eq!(desk.outcome("linked").await, Outcome::Waiting);
    assert_eq!(ana.post(&url, &form(&token, "the-key", SECRET)).await.status, 303);
    // A second form changes nothing, in whichever browser.
    assert_eq!(ana.post(&url, &form(&token, "late", "other")).await.status, 303);
    assert_eq!(gus.post(&url, &form(&token, "late", "other")).await.status, 400);
    assert_eq!(desk.consumer("linked").await.unwrap().key, "the-key");
}

#[tokio::test]
async fn takes_no_sign_in_that_was_there_before() {
    let desk = Desk::start().await;
    let ana = desk.visitor("linked");
    assert_eq!(ana.open(&desk.offer("linked").await).await.status, 200);
    let url = desk.offer_consumer("linked").await;
    let authorize = ana.get(&url).await.location.unwrap();
    let mut silent = authorize.clone();
    let kept = authorize.query_pairs().filter(|(name, _)| !matches!(&**name, "prompt" | "max_age"));
    silent.query_pairs_mut().clear().extend_pairs(kept);
    let page = ana.open(&silent).await;
    assert_eq!((page.status, heading(&page.body)), (502, "Nothing was changed"));
    assert!(desk.consumer("linked").await.is_none());
}

#[tokio::test]
async fn asks_to_sign_in_once_more_where_that_was_too_long_ago() {
    let lives = Lives { sign_in: Duration::from_millis(400), ..LIVES };
    let desk = Desk::with(lives, 100, None).await;
    let url = desk.offer_consumer("linked").await;
    let ana = desk.visitor("linked");
    let asked = ana.open(&url).await;
    let token = hidden(&asked.body, "token");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let seen = ana.post(&url, &form(&token, "the-key", SECRET)).await;
    assert_eq!(seen.leads_to(), url);
    assert!(desk.consumer("linked").await.is_none());
}

#[tokio::test]
async fn makes_room_for_a_page_of_another_kind() {
    let desk = Desk::start().await;
    let url = desk.offer_consumer("linked").await;
    assert_ne!(desk.offer("linked").await, url);
    let page = desk.visitor("linked").open(&url).await;
    assert_eq!((page.status, heading(&page.body)), (410, "This link was replaced"));
    assert!(desk.consumer("linked").await.is_none());
}

//! Each rule of linking, against a tenant and a Bitbucket on loopback.

use secrecy::SecretString;
use tempfile::TempDir;

use super::*;
use crate::auth0::RefreshToken;
use crate::broker::tests::Stage;
use crate::identity::Keep;
use crate::sandbox::{Effect, Fault, Sandbox, Service};

const CONNECT: &str = "/me/v1/connected-accounts/connect";
const COMPLETE: &str = "/me/v1/connected-accounts/complete";
const SOON: Duration = Duration::from_millis(300);
const AT_ONCE: Duration = Duration::ZERO;

/// One person's agent, and the world around it.
struct Desk {
    stage: Stage,
    session: Session,
    linker: Linker,
    folder: TempDir,
}

/// An answer of one of our pages.
struct Seen {
    status: u16,
    location: Option<Url>,
    body: String,
}

impl Desk {
    async fn of(account: &str) -> Self {
        Self::start(Some(account), LIVES).await
    }

    async fn start(account: Option<&str>, lives: Lives) -> Self {
        let stage = Stage::start().await;
        let folder = tempfile::tempdir().unwrap();
        let token = account.map(|account| stage.sandbox.refresh_token(account).unwrap());
        let token = token.map(|token| RefreshToken::new(SecretString::from(token)));
        let keep = Keep::new(folder.path().to_owned(), false);
        let session = Session::new(stage.tenant.clone(), keep, token);
        let vault = Vault {
            session: session.clone(),
            broker: stage.broker.clone(),
            tenant: stage.tenant.clone(),
            connection: "bitbucket".into(),
            person: Arc::default(),
        };
        let linker = Linker::with(vault, 0..=0, lives);
        Self { stage, session, linker, folder }
    }

    fn sandbox(&self) -> &Sandbox {
        &self.stage.sandbox
    }

    /// An offer on any free port, which the tenant then knows as a callback.
    async fn offer(&self) -> Url {
        let offer = self.linker.offer().await.unwrap();
        let callback = offer.url.join("/callback").unwrap().to_string();
        self.sandbox().world().change_tenant(|tenant| tenant.callbacks = vec![callback]);
        offer.url
    }

    async fn consent(&self, url: &Url, account: &str) -> String {
        self.sandbox().consent(url.as_str(), account).await.unwrap()
    }

    async fn link(&self, account: &str) -> String {
        let url = self.offer().await;
        self.consent(&url, account).await
    }

    /// Opens the link in a fresh browser, consents with the Bitbucket account of `holder`, and stops
    /// where Auth0 sends the browser back.
    async fn callback(&self, url: &Url, account: &str, holder: &str) -> Url {
        self.agree(&get(url).await.location.unwrap(), account, holder).await
    }

    async fn agree(&self, consent_page: &Url, account: &str, holder: &str) -> Url {
        let login_page = get(consent_page).await.location.unwrap();
        let login = client().post(login_page).form(&[("account", account)]).send().await.unwrap();
        let cookie = login.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap();
        let mut form = consent_page.clone();
        form.set_path("/connected-accounts/consent");
        let choice = [("action", "accept"), ("bitbucket_account", holder)];
        let request = client().post(form).header("cookie", cookie).form(&choice);
        seen(request.send().await.unwrap()).await.location.unwrap()
    }

    /// Opens the link where nobody is signed in, signs in as `account`, and stops where Auth0 sends
    /// the browser back.
    async fn sign_in(&self, url: &Url, account: &str) -> Url {
        self.log_in(&get(url).await.location.unwrap(), account).await
    }

    async fn log_in(&self, authorize: &Url, account: &str) -> Url {
        self.sandbox().world().change_tenant(|tenant| tenant.skips_confirmation = true);
        let login_page = get(authorize).await.location.unwrap();
        let login = client().post(login_page).form(&[("account", account)]).send().await.unwrap();
        seen(login).await.location.unwrap()
    }

    fn asked(&self, path: &str) -> Vec<String> {
        let requests = self.sandbox().requests();
        let of_path = requests.into_iter().filter(|request| request.path.starts_with(path));
        of_path.map(|request| request.body).collect()
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

async fn get(url: &Url) -> Seen {
    seen(client().get(url.clone()).send().await.unwrap()).await
}

async fn post(url: Url, form: &[(&str, &str)]) -> Seen {
    seen(client().post(url).form(form).send().await.unwrap()).await
}

async fn seen(response: reqwest::Response) -> Seen {
    let status = response.status().as_u16();
    let location = response.headers().get("location");
    let location = location.map(|to| response.url().join(to.to_str().unwrap()).unwrap());
    Seen { status, location, body: response.text().await.unwrap() }
}

fn parameter(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
}

fn hidden(body: &str, name: &str) -> String {
    let field = format!("name=\"{name}\" value=\"");
    body.split(&field).nth(1).unwrap().split('"').next().unwrap().to_owned()
}

fn heading(body: &str) -> &str {
    body.split("<h1>").nth(1).unwrap().split("</h1>").next().unwrap()
}

async fn is_closed(url: &Url) -> bool {
    for _ in 0..50 {
        if client().get(url.clone()).send().await.is_err() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

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
    desk.sandbox().world().change_tenant(|tenant| tenant.connect_code_in_fragment = true);
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
    assert_eq!(get(&back).await.status, 200);
    assert_eq!(get(&back).await.status, 400);
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
    assert!(account.scopes.contains(&"pullrequest:write".to_owned()));
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
async fn rule_6_does_not_guess_between_several_accounts() {
    let desk = Desk::of("guest").await;
    assert!(desk.link("guest").await.contains("is now linked"));
    let url = desk.offer().await;
    let page = get(&desk.callback(&url, "guest", "ben").await).await;
    assert_eq!(heading(&page.body), "The linked account cannot be used");
    let ids: Vec<String> =
        desk.linker.accounts().await.unwrap().into_iter().map(|account| account.id).collect();
    let words = format!("several Bitbucket accounts are linked: {}", ids.join(", "));
    assert_eq!(desk.linker.outcome(AT_ONCE).await, Outcome::Unusable(words.clone()));
    assert_eq!(desk.linker.unlink(None).await.unwrap_err().to_string(), words);
    let unknown = desk.linker.unlink(Some("cac_\u{7}x")).await.unwrap_err().to_string();
    assert_eq!(unknown, "no linked account has the id \"cac_x\"");
    let removed = desk.linker.unlink(Some(&ids[0])).await.unwrap();
    assert!(matches!(removed, Unlinked::Removed(account) if account.id == ids[0]));
    let left = desk.linker.accounts().await.unwrap();
    assert_eq!(left[0].username.as_ref().unwrap().as_str(), "ben");
}

#[tokio::test]
async fn rule_7_does_not_ask_again_for_a_scope_that_the_last_link_did_not_bring() {
    let desk = Desk::of("limited").await;
    assert!(desk.linker.relinking_can_help("pullrequest:write"));
    desk.link("limited").await;
    assert!(!desk.linker.relinking_can_help("pullrequest:write"));
    desk.sandbox().world().set_scopes("limited", &["account", "pullrequest:write"]);
    desk.link("limited").await;
    assert!(desk.linker.relinking_can_help("pullrequest:write"));
    let accounts = desk.linker.accounts().await.unwrap();
    assert_eq!(accounts[0].scopes, ["account", "pullrequest:write"]);
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
        assert!(matches!(page.status, 404 | 405), "{path} {}", page.status);
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
        tenant.rotates_refresh_tokens = true;
        tenant.vault_refuses_rotation = false;
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

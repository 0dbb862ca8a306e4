//! What others may try, with whatever address they have got hold of.

use http::Method;

use super::*;

#[tokio::test]
async fn turns_another_person_away_and_stays_good() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let ana = desk.visitor("linked");
    let page = ana.open(&url).await;
    assert_eq!((page.status, heading(&page.body)), (403, "This link is for someone else"));
    for name in ["gus", "weber", "ana", "lima"] {
        assert!(!page.text().to_lowercase().contains(name), "{name}");
    }
    // Whoever has several accounts can sign in as another one, and is asked to.
    let again = format!("{}?again=1", url.path());
    assert!(page.body.contains(&format!("href=\"{again}\">Sign in as someone else</a>")));
    let authorize = ana.get(&url.join(&again).unwrap()).await.location.unwrap();
    assert_eq!(parameter(&authorize, "prompt"), "login");
    assert_eq!(ana.open(&url).await.status, 403);
    assert_eq!(desk.outcome("guest").await, Outcome::Waiting);
    assert!(desk.asked(CONNECT).is_empty());
    let linked = desk.visitor("guest").link(&url, "gus").await;
    assert_eq!(heading(&linked.body), "Bitbucket account gus is now linked");
}

#[tokio::test]
async fn lets_nobody_refuse_in_another_persons_name() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let ana = desk.visitor("linked");
    let authorize = ana.get(&url).await.location.unwrap();
    let mut back = desk.public_url.join("/link/signed-in").unwrap();
    back.query_pairs_mut()
        .append_pair("error", "access_denied")
        .append_pair("error_description", "marked description")
        .append_pair("state", &parameter(&authorize, "state"));
    let page = ana.get(&back).await;
    assert_eq!((page.status, heading(&page.body)), (403, "You did not sign in"));
    assert!(!page.body.contains("marked"));
    assert_eq!(desk.outcome("guest").await, Outcome::Waiting);
    assert_eq!(desk.visitor("guest").link(&url, "gus").await.status, 200);
}

#[tokio::test]
async fn finishes_nothing_for_a_forwarded_consent_page() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let gus = desk.visitor("guest");
    // Gus, of all people, wants Ana's Bitbucket account in his vault.
    let consent_page = gus.agree(&url).await;
    let ana = desk.visitor("linked");
    let back = ana.grant(&consent_page, "ana").await;
    let page = ana.get(&back).await;
    assert_eq!((page.status, heading(&page.body)), (403, "This browser did not begin here"));
    let mut posted = back.clone();
    posted.set_query(None);
    let code = parameter(&back, "connect_code");
    let state = parameter(&back, "state");
    let form = [("connect_code", &*code), ("state", &state)];
    assert_eq!(ana.post(&posted, &form).await.status, 403);
    assert!(desk.asked(COMPLETE).is_empty() && !desk.is_linked("guest"));
    // Were he to get the address out of her, it is good for nothing at his own browser either.
    assert_eq!(gus.get(&back).await.status, 400);
    // Nor with a cookie of Ana's own for the same ticket.
    ana.get(&url).await;
    let back = ana.grant(&gus.agree(&url).await, "ana").await;
    assert_eq!(ana.get(&back).await.status, 400);
    assert_eq!(gus.get(&back).await.status, 400);
    assert!(desk.asked(COMPLETE).is_empty() && !desk.is_linked("guest"));
    // The ticket itself has lost nothing.
    assert_eq!(heading(&gus.link(&url, "gus").await.body), "Bitbucket account gus is now linked");
}

#[tokio::test]
async fn signs_nobody_in_by_a_forwarded_sign_in() {
    let desk = Desk::start().await;
    let url = desk.offer("limited").await;
    let ben = desk.visitor("limited");
    let back = ben.back(&url).await;
    let gus = desk.visitor("guest");
    let page = gus.get(&back).await;
    assert_eq!((page.status, heading(&page.body)), (403, "This browser did not begin here"));
    assert_eq!(ben.get(&back).await.status, 400, "that sign-in is over");
    // Nor with a cookie of his own for the same ticket.
    let back = ben.back(&url).await;
    gus.get(&url).await;
    let page = gus.get(&back).await;
    assert_eq!((page.status, heading(&page.body)), (400, "This page was not expected"));
    assert_eq!(ben.get(&back).await.status, 400);
    assert!(desk.asked("/oauth/token").is_empty());
    // The ticket itself has lost nothing.
    assert_eq!(ben.open(&url).await.status, 200);
}

#[tokio::test]
async fn takes_a_state_only_once_at_its_own_callback_for_its_own_kind_of_code() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let gus = desk.visitor("guest");
    let signed_in = gus.back(&url).await;
    let moved = |from: &Url, path: &str, old: &str, new: &str| {
        let mut url = from.clone();
        url.set_path(path);
        Url::parse(&url.as_str().replace(old, new)).unwrap()
    };
    for wrong in [
        moved(&signed_in, "/link/connected", "?code=", "?connect_code="),
        moved(&signed_in, "/link/connected", "", ""),
        moved(&signed_in, "/link/signed-in", "?code=", "?connect_code="),
    ] {
        assert_eq!(gus.get(&wrong).await.status, 400, "{}", wrong.path());
    }
    assert!(desk.asked("/oauth/token").is_empty());
    assert_eq!(gus.open(&signed_in).await.status, 200);
    let sent = desk.asked("/oauth/token").len();
    assert_eq!(gus.get(&signed_in).await.status, 400, "once");
    assert_eq!(desk.asked("/oauth/token").len(), sent);
    let consent_page = gus.agree(&url).await;
    let connected = gus.grant(&consent_page, "gus").await;
    for wrong in [
        moved(&connected, "/link/signed-in", "?connect_code=", "?code="),
        moved(&connected, "/link/connected", "?connect_code=", "?code="),
    ] {
        assert_eq!(gus.get(&wrong).await.status, 400, "{}", wrong.path());
    }
    assert!(desk.asked(COMPLETE).is_empty());
    assert_eq!(gus.open(&connected).await.url.path(), "/link/done");
}

#[tokio::test]
async fn takes_no_state_of_another_ticket_in_the_same_browser() {
    let desk = Desk::start().await;
    let (mine, hers) = (desk.offer("guest").await, desk.offer("linked").await);
    let browser = desk.visitor("guest");
    let (mine, hers) = (browser.back(&mine).await, browser.get(&hers).await.location.unwrap());
    let (state, other) = (parameter(&mine, "state"), parameter(&hers, "state"));
    let (id, random) = state.split_once('.').unwrap();
    let (other_id, other_random) = other.split_once('.').unwrap();
    for mixed in [
        format!("{id}.{other_random}"),
        format!("{other_id}.{random}"),
        random.to_owned(),
        format!(".{random}"),
        id.to_owned(),
    ] {
        let mut url = mine.clone();
        url.set_query(Some(&format!("code={}&state={mixed}", parameter(&mine, "code"))));
        assert_eq!(browser.get(&url).await.status, 400, "{mixed}");
    }
    assert!(desk.asked("/oauth/token").is_empty());
}

#[tokio::test]
async fn goes_on_only_by_a_form_of_its_own_page() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let gus = desk.visitor("guest");
    let token = hidden(&gus.open(&url).await.body, "token");
    let same_person = desk.visitor("guest");
    let other_token = hidden(&same_person.open(&url).await.body, "token");
    assert_ne!(token, other_token);
    for (form, status) in [
        (vec![("action", "continue")], 400),
        (vec![("token", ""), ("action", "continue")], 400),
        (vec![("token", "guess"), ("action", "continue")], 400),
        (vec![("token", &*other_token), ("action", "continue")], 400),
        (vec![("token", &*token), ("action", "unlink")], 400),
        (vec![("token", &*token)], 400),
    ] {
        assert_eq!(gus.post(&url, &form).await.status, status, "{form:?}");
    }
    let form = [("token", &*token), ("action", "continue")];
    for site in ["cross-site", "same-site"] {
        let headers = [("sec-fetch-site", site)];
        assert_eq!(gus.send(Method::POST, &url, Some(&form), &headers).await.status, 403);
    }
    let port = url.port().unwrap();
    for origin in
        ["https://evil.example.com", "http://127.0.0.1:1", &format!("http://localhost:{port}")]
    {
        let headers = [("origin", origin)];
        let refused = gus.send(Method::POST, &url, Some(&form), &headers).await.status;
        assert_eq!(refused, 403, "{origin}");
    }
    // Nobody else's browser, and none that only knows the token.
    assert_eq!(desk.visitor("guest").post(&url, &form).await.status, 403);
    assert!(desk.asked(CONNECT).is_empty());
    assert_eq!(desk.outcome("guest").await, Outcome::Waiting);
    // Browsers say `null` of our pages, which forbid referrers.
    let own = desk.public_url.origin().ascii_serialization();
    for origin in ["null", &own] {
        let headers = [("sec-fetch-site", "same-origin"), ("origin", origin)];
        assert_eq!(gus.send(Method::POST, &url, Some(&form), &headers).await.status, 200);
    }
    assert_eq!(desk.asked(CONNECT).len(), 2);
}

#[tokio::test]
async fn gives_a_planted_cookie_nothing_of_the_sign_in() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let mallory = desk.visitor("linked");
    mallory.get(&url).await;
    let planted = mallory.cookies();
    let gus = desk.visitor("guest");
    gus.plant(planted.clone());
    assert_eq!(gus.open(&url).await.status, 200);
    assert_ne!(gus.cookies(), planted);
    assert_eq!(mallory.open(&url).await.status, 403);
    assert!(desk.asked(CONNECT).is_empty());
}

#[tokio::test]
async fn is_not_spent_or_taken_over_by_scanners() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    for _ in 0..20 {
        assert_eq!(desk.visitor("linked").get(&url).await.status, 303);
        let head = desk.visitor("linked").send(Method::HEAD, &url, None, &[]).await;
        assert!(!head.headers.contains_key("set-cookie"));
    }
    let gus = desk.visitor("guest");
    let back = gus.back(&url).await;
    for _ in 0..7 {
        desk.visitor("linked").get(&url).await;
    }
    assert_eq!(gus.open(&back).await.status, 200);
    for _ in 0..20 {
        desk.visitor("linked").get(&url).await;
    }
    assert_eq!(heading(&gus.link(&url, "gus").await.body), "Bitbucket account gus is now linked");
}

#[tokio::test]
async fn asks_auth0_only_so_often_for_one_ticket() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let mallory = desk.visitor("linked");
    for _ in 0..30 {
        let state = parameter(&mallory.get(&url).await.location.unwrap(), "state");
        let mut back = desk.public_url.join("/link/signed-in").unwrap();
        back.query_pairs_mut()
            .append_pair("code", "guess")
            .append_pair("iss", &format!("{}/", desk.sandbox.auth0_domain()))
            .append_pair("state", &state);
        assert_eq!(mallory.get(&back).await.status, 502);
        assert_eq!(desk.outcome("guest").await, Outcome::Waiting, "the agent hears nothing of it");
    }
    let worn_out = mallory.open(&url).await;
    assert_eq!((worn_out.status, heading(&worn_out.body)), (429, "This link is worn out"));
    assert_eq!(desk.asked("/oauth/token").len(), 30);
    let next = desk.offer("guest").await;
    assert_ne!(next, url);
    assert_eq!(desk.visitor("guest").open(&next).await.status, 200);
}

#[tokio::test]
async fn tells_organizations_of_one_person_apart() {
    let organization = "org_SandboxAcme00001";
    let desk = Desk::start().await;
    let caller = Caller { organization: Some(organization.into()), ..desk.caller("guest") };
    let url = desk.linker.offer(&caller, &asker()).await.unwrap().url;
    let gus = desk.visitor("guest");
    let authorize = gus.get(&url).await.location.unwrap();
    assert_eq!(parameter(&authorize, "organization"), organization);
    // Whoever takes the organization out of the address is somebody else.
    let without = authorize.as_str().replace(&format!("&organization={organization}"), "");
    let page = gus.open(&Url::parse(&without).unwrap()).await;
    assert_eq!((page.status, heading(&page.body)), (403, "This link is for someone else"));
    assert_eq!(gus.open(&url).await.status, 200);
    // And the same person without an organization is nobody of that one.
    let url = desk.offer("guest").await;
    let mut authorize = gus.get(&url).await.location.unwrap();
    authorize.query_pairs_mut().append_pair("organization", organization);
    assert_eq!(gus.open(&authorize).await.status, 403);
}

#[tokio::test]
async fn holds_a_bounded_number_of_tickets_and_always_the_newest() {
    let desk = Desk::with(LIVES, 8, None).await;
    let caller =
        |index: usize| Caller { subject: format!("auth0|{index}"), ..desk.caller("guest") };
    let mut urls = Vec::new();
    for index in 0..50 {
        let url = desk.linker.offer(&caller(index), &asker()).await.unwrap().url;
        assert_eq!(desk.visitor("guest").get(&url).await.status, 303, "{index}");
        urls.push(url);
    }
    let mut open = 0;
    for url in &urls {
        open += usize::from(desk.visitor("guest").get(url).await.status == 303);
    }
    assert!((1..=16).contains(&open), "{open}");
}

#[tokio::test]
async fn keeps_a_ticket_however_many_pages_another_agent_asks_for() {
    let desk = Desk::with(LIVES, 8, None).await;
    let url = desk.offer("guest").await;
    let gus = desk.visitor("guest");
    let back = gus.back(&url).await;
    let ana = desk.caller("linked");
    for index in 0..100 {
        let account = format!("cac_{index}");
        desk.linker.offer_unlink(&ana, &asker(), Some(&account)).await.unwrap();
    }
    let confirm = gus.open(&back).await;
    assert_eq!(heading(&confirm.body), "Let the agent work in Bitbucket as you?");
}

#[tokio::test]
async fn guards_every_page_by_headers() {
    let desk = Desk::start().await;
    let url = desk.offer("guest").await;
    let gus = desk.visitor("guest");
    let (confirm, unknown) = (gus.open(&url).await, gus.get(&url.join("guess").unwrap()).await);
    let fragment = gus.get(&desk.public_url.join("/link/connected?state=x").unwrap()).await;
    for page in [confirm, unknown, fragment, desk.visitor("guest").get(&url).await] {
        let header = |name: &str| page.headers[name].to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        let nonce = policy.split("nonce-").nth(1).unwrap().split('\'').next().unwrap();
        assert_eq!(
            policy.replace(nonce, "N"),
            "default-src 'none'; style-src 'nonce-N'; script-src 'nonce-N'; form-action 'self'; \
             frame-ancestors 'none'; base-uri 'none'"
        );
        for (name, value) in [
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(header(name), value);
        }
        assert!(header("permissions-policy").contains("camera=()"));
        let inside = page.body.matches("nonce=").count();
        assert_eq!(page.body.matches(&format!("nonce=\"{nonce}\"")).count(), inside);
    }
}

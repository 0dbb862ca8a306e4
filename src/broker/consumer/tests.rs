//! The page on this machine, for the person and for others.

use std::io::Write;
use std::sync::{Arc, Mutex};

use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret as _;

use super::*;

const AT_ONCE: Duration = Duration::ZERO;
const SECRET: &str = "marked-Secret-0123456789";

fn page() -> ConsumerPage {
    with(LIVES)
}

fn with(lives: Lives) -> ConsumerPage {
    ConsumerPage::with("bitbucket".into(), 0..=0, lives)
}

fn callback() -> Url {
    Url::parse("https://acme.eu.auth0.com/login/callback").unwrap()
}

async fn offer(page: &ConsumerPage) -> Url {
    page.offer(&callback()).await.unwrap().url
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn hidden(body: &str, name: &str) -> String {
    let field = format!("name=\"{name}\" value=\"");
    body.split(&field).nth(1).unwrap().split('"').next().unwrap().to_owned()
}

fn heading(body: &str) -> &str {
    body.split("<h1>").nth(1).unwrap().split("</h1>").next().unwrap()
}

async fn seen(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

async fn open(url: &Url) -> (u16, String) {
    seen(client().get(url.clone())).await
}

/// The token of the form at `url`.
async fn token(url: &Url) -> String {
    hidden(&open(url).await.1, "token")
}

fn enter(url: &Url, token: &str, key: &str, secret: &str) -> RequestBuilder {
    client().post(url.clone()).form(&[("token", token), ("key", key), ("secret", secret)])
}

fn text(body: &str) -> String {
    let main = body.split("<main>").nth(1).unwrap();
    let text = main.split('<').map(|piece| piece.split_once('>').unwrap_or(("", piece)).1);
    text.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn takes_key_and_secret_from_the_person_and_hands_them_out_once() {
    let page = page();
    assert!(page.entered(AT_ONCE).await.is_none(), "no page was offered");
    let url = offer(&page).await;
    assert_eq!(offer(&page).await, url, "while it works, it is the same");
    let (status, body) = open(&url).await;
    assert_eq!(status, 200);
    insta::assert_snapshot!(text(&body), @"Enter the Bitbucket consumer’s key and secret They become part of the connection bitbucket of the Auth0 tenant acme.eu.auth0.com . They go there from this server, and your agent does not see them. At Bitbucket, under Workspace settings, OAuth consumers, the consumer must have this callback URL: https://acme.eu.auth0.com/login/callback Key Secret Enter Enter them only if you have just asked your agent to set the connection up; else close this page.");
    assert!(body.contains("<input type=\"password\" name=\"secret\" autocomplete=\"off\">"));
    assert!(page.entered(AT_ONCE).await.is_none(), "looking enters nothing");
    let waiting = tokio::spawn({
        let page = page.clone();
        async move { page.entered(Duration::from_secs(60)).await }
    });
    let token = hidden(&body, "token");
    let (status, body) = seen(enter(&url, &token, " the-key\n", &format!(" {SECRET} "))).await;
    assert_eq!(status, 200);
    insta::assert_snapshot!(text(&body), @"The key and the secret were entered Your agent goes on with them. You can close this page.");
    let consumer = waiting.await.unwrap().unwrap();
    assert_eq!((consumer.key.as_str(), consumer.secret.expose_secret()), ("the-key", SECRET));
    assert!(page.entered(AT_ONCE).await.is_none(), "once");
    assert_ne!(offer(&page).await, url);
}

#[tokio::test]
async fn keeps_what_was_entered_until_somebody_comes_for_it() {
    let page = page();
    let url = offer(&page).await;
    seen(enter(&url, &token(&url).await, "the-key", SECRET)).await;
    assert_eq!(page.entered(AT_ONCE).await.unwrap().key, "the-key");
    // But not for ever.
    let page = with(Lives { entry: Duration::ZERO, ..LIVES });
    let url = offer(&page).await;
    let desk = Arc::clone(&page.inner.last().as_ref().unwrap().desk);
    assert_eq!(seen(enter(&url, &token(&url).await, "the-key", SECRET)).await.0, 200);
    desk.forgotten().await;
    assert!(page.entered(AT_ONCE).await.is_none());
}

#[tokio::test]
async fn shows_the_form_again_where_something_is_wrong_and_repeats_no_secret() {
    let page = page();
    let url = offer(&page).await;
    let token = token(&url).await;
    let mut said = Vec::new();
    for (key, secret) in [
        ("", ""),
        ("the-key", "   "),
        (" ", SECRET),
        (SECRET, SECRET),
        ("the key", SECRET),
        ("the-key", "marked Secret"),
        ("the-k\u{e9}y", SECRET),
        ("<b>", "marked-Secret-\u{200b}"),
        ("the-key", &"marked-Secret-".repeat(40)),
    ] {
        let (status, body) = seen(enter(&url, &token, key, secret)).await;
        let alert = body.split("role=\"alert\"><strong>").nth(1).unwrap();
        let field = body.split("name=\"key\" value=\"").nth(1).unwrap();
        let first = |text: &str, end| text.split(end).next().unwrap().to_owned();
        said.push(format!("{status} {} [{}]", first(alert, "<"), first(field, "\"")));
        assert!(key == SECRET || !body.contains("marked"), "{body}");
    }
    insta::assert_snapshot!(said.join("\n"), @"
    422 Both are needed: the key and the secret. []
    422 Both are needed: the key and the secret. [the-key]
    422 Both are needed: the key and the secret. []
    422 The key and the secret are the same: copy each into its own field. [marked-Secret-0123456789]
    422 One of the two is no key or secret: copy them once more, without anything around them. [the key]
    422 One of the two is no key or secret: copy them once more, without anything around them. [the-key]
    422 One of the two is no key or secret: copy them once more, without anything around them. [the-kéy]
    422 One of the two is no key or secret: copy them once more, without anything around them. [&lt;b&gt;]
    422 One of the two is no key or secret: copy them once more, without anything around them. [the-key]
    ");
    assert_eq!(seen(enter(&url, &token, "the-key", SECRET)).await.0, 200, "it still works");
}

#[tokio::test]
async fn takes_nothing_from_another_site_another_page_or_an_address() {
    let page = page();
    let url = offer(&page).await;
    let token = token(&url).await;
    let ours = url.origin().ascii_serialization();
    let of = |headers: &[(&str, &str)]| {
        let mut request = enter(&url, &token, "evil", SECRET);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
    };
    let mut guessed = url.clone();
    guessed.set_path(&format!("/{}", random_token()));
    let mut filled = url.clone();
    filled.query_pairs_mut().append_pair("token", &token).append_pair("key", "evil");
    filled.query_pairs_mut().append_pair("secret", SECRET);
    let fields = [("key", "evil"), ("secret", SECRET)];
    let long = "x".repeat(20_000);
    let mut told = Vec::new();
    for (what, request) in [
        ("another host", of(&[("host", "evil.example.com")])),
        ("another origin", of(&[("origin", "https://evil.example.com")])),
        ("another port", of(&[("origin", "http://127.0.0.1:1")])),
        ("another site", of(&[("sec-fetch-site", "cross-site")])),
        ("another port's page", of(&[("sec-fetch-site", "same-site")])),
        ("no token", client().post(url.clone()).form(&fields)),
        ("an empty token", enter(&url, "", "evil", SECRET)),
        ("a guessed token", enter(&url, &random_token(), "evil", SECRET)),
        (
            "no secret",
            client().post(url.clone()).form(&[("token", token.as_str()), ("key", "evil")]),
        ),
        ("a guessed address", enter(&guessed, &token, "evil", SECRET)),
        ("the root", client().get(url.join("/").unwrap())),
        ("a form without end", enter(&url, &token, "evil", &long)),
        ("JSON", client().post(url.clone()).header("content-type", "application/json").body("{}")),
        ("the address", client().get(filled.clone())),
        ("another method", client().request(Method::PUT, url.clone())),
    ] {
        let response = request.send().await.unwrap();
        told.push(format!("{what}: {}", response.status().as_u16()));
        let body = response.text().await.unwrap();
        assert!(!body.contains("evil") && !body.contains("marked"), "{what}: {body}");
    }
    insta::assert_snapshot!(told.join("\n"), @"
    another host: 421
    another origin: 403
    another port: 403
    another site: 403
    another port's page: 403
    no token: 400
    an empty token: 400
    a guessed token: 400
    no secret: 400
    a guessed address: 404
    the root: 404
    a form without end: 400
    JSON: 400
    the address: 200
    another method: 400
    ");
    assert!(page.entered(AT_ONCE).await.is_none());
    let own = of(&[("origin", &ours), ("sec-fetch-site", "same-origin")]);
    assert_eq!(seen(own).await.0, 200);
    // Whoever comes second changes nothing.
    let (status, body) = seen(enter(&url, &token, "late", "other-secret")).await;
    assert_eq!((status, heading(&body)), (410, "This link was already used"));
    assert_eq!(open(&url).await.0, 410);
    assert_eq!(page.entered(AT_ONCE).await.unwrap().secret.expose_secret(), SECRET);
    assert_eq!(seen(enter(&url, &token, "late", "other-secret")).await.0, 410);
}

#[tokio::test]
async fn opens_a_new_page_where_the_old_one_names_another_callback_or_is_too_old() {
    let page = page();
    let url = offer(&page).await;
    let other = Url::parse("https://login.acme.example/login/callback").unwrap();
    let newer = page.offer(&other).await.unwrap().url;
    assert_ne!(newer, url);
    assert!(text(&open(&newer).await.1).contains("https://login.acme.example/login/callback"));
    let page = with(Lives { page: Duration::ZERO, ..LIVES });
    let url = offer(&page).await;
    assert_ne!(offer(&page).await, url);
}

/// Where a log goes in these tests.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn writes_the_secret_nowhere() {
    // A line that another test registers while the subscriber is set would never be written: what is
    // written here has been so once before.
    let before = page();
    let url = offer(&before).await;
    seen(enter(&url, &token(&url).await, "the-key", SECRET)).await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let page = page();
    let url = offer(&page).await;
    let token = token(&url).await;
    seen(enter(&url, &token, "the-key", "marked Secret")).await;
    seen(enter(&url, &token, "the-key", SECRET)).await;
    let consumer = page.entered(AT_ONCE).await.unwrap();
    let said = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(said.contains("the Bitbucket consumer's key and secret were entered"), "{said}");
    for text in [said, format!("{consumer:?}"), url.to_string()] {
        assert!(!text.contains("marked"), "{text}");
    }
}

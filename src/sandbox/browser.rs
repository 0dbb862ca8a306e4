//! A scripted person with a browser: opens a URL, signs in, presses buttons, until nothing is left to do.
//!
//! It reads pages as text and knows forms, redirects, pages that go on by themselves, and cookies; it
//! runs no script.

use std::collections::HashMap;

use reqwest::header::{
    ACCEPT, CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, REFERRER_POLICY, SET_COOKIE,
};
use reqwest::{Client, Method, Response};
use url::Url;

use super::people::{self, Person};

/// More pages and redirects than any honest flow has.
const STEPS: usize = 30;

/// Words on a button of the application's own pages that lead on, and words that must not be pressed.
const GO_ON: &[&str] = &["continue", "allow", "accept", "connect", "link", "yes", "go on", "enter"];
const KEEP_OFF: &[&str] =
    &["undo", "not mine", "not me", "cancel", "deny", "decline", "refuse", "remove", "no,"];
/// Words on a button behind which nobody asks once more.
const LAST_WORD: &[&str] = &["unlink"];
const CANCEL: &[&str] = &["cancel"];

/// Why the person got no further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrowserError {
    /// Nobody has this account.
    #[error("nobody in the sandbox has the account `{0}`")]
    NoSuchAccount(String),
    /// A page did not load.
    #[error("a page could not be loaded")]
    Load(#[source] reqwest::Error),
    /// A page led to something that is no address.
    #[error("a page led to an address that cannot be read")]
    Address(#[from] url::ParseError),
    /// The pages went on without end.
    #[error("the pages went on without end")]
    Endless,
}

/// Whether the person agrees to what the pages ask.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
}

pub(crate) struct Browser {
    client: Client,
    /// Cookies by host, then by name. Ports share them, as in real browsers.
    cookies: HashMap<String, HashMap<String, String>>,
    tenant: String,
    person: &'static Person,
    answer: Answer,
    /// Key and secret of the OAuth consumer, for a page of the application that asks for them.
    consumer: (String, String),
}

/// The first form of a page.
#[derive(Debug, Default, PartialEq, Eq)]
struct Form {
    action: String,
    post: bool,
    fields: Vec<(String, String)>,
    buttons: Vec<Button>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Button {
    name: String,
    value: String,
    label: String,
}

impl Browser {
    /// A browser of `account`; `tenant` is the origin whose pages ask for consent.
    pub(crate) fn new(tenant: &str, account: &str, answer: Answer) -> Result<Self, BrowserError> {
        let person = people::find(account)
            .filter(|person| person.account.is_some())
            .ok_or_else(|| BrowserError::NoSuchAccount(account.to_owned()))?;
        let client = client().build().map_err(BrowserError::Load)?;
        let (cookies, consumer) = Default::default();
        Ok(Self { client, cookies, tenant: tenant.to_owned(), person, answer, consumer })
    }

    /// The same browser of somebody who knows the consumer's key and secret.
    pub(crate) fn knowing(self, consumer: (String, String)) -> Self {
        Self { consumer, ..self }
    }

    /// The same browser, with this authority in PEM among those that it trusts.
    pub(crate) fn trusting(self, authority: Option<&str>) -> Result<Self, BrowserError> {
        let Some(authority) = authority else { return Ok(self) };
        let trusted = reqwest::Certificate::from_pem(authority.as_bytes());
        let trusted = trusted.map_err(BrowserError::Load)?;
        let client = client().tls_certs_merge([trusted]).build().map_err(BrowserError::Load)?;
        Ok(Self { client, ..self })
    }

    /// Follows `url` to the page where the flow ends, and returns that page's text.
    pub(crate) async fn walk(mut self, url: &str) -> Result<String, BrowserError> {
        let mut address = Url::parse(url)?;
        let mut response = self.load(Method::GET, &address, None).await?;
        for _ in 0..STEPS {
            if let Some(target) = redirect(&response, &address)? {
                response = self.load(Method::GET, &target, None).await?;
                address = target;
                continue;
            }
            let origin = origin_of_posts(&response, &address);
            let page = response.text().await.map_err(BrowserError::Load)?;
            if let Some(target) = refresh(&page, &address)? {
                response = self.load(Method::GET, &target, None).await?;
                address = target;
                continue;
            }
            let Some((target, body)) = self.next_step(&page, &address)? else {
                return Ok(visible_text(&page));
            };
            response = match body {
                Some(body) => self.load(Method::POST, &target, Some((body, origin))).await?,
                None => self.load(Method::GET, &target, None).await?,
            };
            address = target;
        }
        Err(BrowserError::Endless)
    }

    /// Where the page's form leads, once filled in, and what it posts there; nowhere when nothing is to
    /// be pressed.
    fn next_step(
        &self,
        page: &str,
        address: &Url,
    ) -> Result<Option<(Url, Option<String>)>, BrowserError> {
        let ours = address.origin() == Url::parse(&self.tenant)?.origin();
        // What a page's script would take from the fragment and put into the form.
        let fragment: HashMap<String, String> =
            url::form_urlencoded::parse(address.fragment().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        for mut form in forms(page) {
            let awaits_fragment = form.fields.iter().any(|(name, _)| fragment.contains_key(name));
            let button = if awaits_fragment {
                Some(form.buttons.pop().unwrap_or_default())
            } else if ours {
                self.press(&mut form.buttons)
            } else {
                press_on_application_page(&mut form.buttons, self.answer)
            };
            let Some(button) = button else { continue };
            for (name, value) in &mut form.fields {
                if ours && name == "account" {
                    self.person.account.unwrap_or_default().clone_into(value);
                } else if let Some(found) = fragment.get(name) {
                    value.clone_from(found);
                } else if !ours && name == "key" {
                    value.clone_from(&self.consumer.0);
                } else if !ours && name == "secret" {
                    value.clone_from(&self.consumer.1);
                }
            }
            let mut target = address.join(&form.action)?;
            target.set_fragment(None);
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(&form.fields);
            if !button.name.is_empty() {
                query.append_pair(&button.name, &button.value);
            }
            let query = query.finish();
            if form.post {
                return Ok(Some((target, Some(query))));
            }
            target.set_query(Some(&query));
            return Ok(Some((target, None)));
        }
        Ok(None)
    }

    /// The tenant's pages mark the button that refuses.
    fn press(&self, buttons: &mut Vec<Button>) -> Option<Button> {
        let wanted = |button: &Button| (button.value == "deny") == (self.answer == Answer::No);
        let index = buttons.iter().position(wanted).or((buttons.len() == 1).then_some(0))?;
        Some(buttons.swap_remove(index))
    }

    async fn load(
        &mut self,
        method: Method,
        url: &Url,
        posted: Option<(String, String)>,
    ) -> Result<Response, BrowserError> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut request = self.client.request(method, url.clone());
        request = request.header(ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8");
        if let Some(jar) = self.cookies.get(&host).filter(|jar| !jar.is_empty()) {
            let pairs: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, pairs.join("; "));
        }
        if let Some((body, origin)) = posted {
            request = request
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(ORIGIN, origin)
                .body(body);
        }
        let response = request.send().await.map_err(BrowserError::Load)?;
        for cookie in response.headers().get_all(SET_COOKIE) {
            let Ok(cookie) = cookie.to_str() else { continue };
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let Some((name, value)) = pair.split_once('=') else { continue };
            let jar = self.cookies.entry(host.clone()).or_default();
            if attributes.to_ascii_lowercase().contains("max-age=0") {
                jar.remove(name.trim());
            } else {
                jar.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
        Ok(response)
    }
}

/// On the application's own pages a person goes on where a button says so, and leaves the rest alone. Who
/// wants to say no does that at the tenant, and only where the way does not lead there on the spot.
fn press_on_application_page(buttons: &mut Vec<Button>, answer: Answer) -> Option<Button> {
    let says = |button: &Button, words: &[&str]| {
        let label = button.label.to_lowercase();
        words.iter().any(|word| label.contains(word))
    };
    let leads_on = |button: &Button| says(button, GO_ON) && !says(button, KEEP_OFF);
    let is_last_word = buttons.iter().any(|button| says(button, LAST_WORD));
    let index = match answer {
        Answer::No if is_last_word => buttons.iter().position(|button| says(button, CANCEL))?,
        _ => buttons.iter().position(leads_on)?,
    };
    Some(buttons.swap_remove(index))
}

/// What a browser says about where a form was posted from: nothing, where the page forbids referrers
/// (Fetch, "append a request `Origin` header").
fn origin_of_posts(page: &Response, address: &Url) -> String {
    let policy = page.headers().get(REFERRER_POLICY).and_then(|value| value.to_str().ok());
    match policy {
        Some(policy) if policy.trim() == "no-referrer" => "null".to_owned(),
        _ => address.origin().ascii_serialization(),
    }
}

fn redirect(response: &Response, address: &Url) -> Result<Option<Url>, BrowserError> {
    if !response.status().is_redirection() {
        return Ok(None);
    }
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let Some(location) = location else { return Ok(None) };
    let mut target = address.join(location)?;
    // A browser carries the fragment through a redirect that names none.
    if target.fragment().is_none() {
        target.set_fragment(address.fragment());
    }
    Ok(Some(target))
}

/// Where a page goes on by itself (HTML, `http-equiv="refresh"`).
fn refresh(page: &str, address: &Url) -> Result<Option<Url>, BrowserError> {
    let Some((_, rest)) = page.split_once("<meta http-equiv=\"refresh\"") else { return Ok(None) };
    let content = attribute(rest.split('>').next().unwrap_or_default(), "content");
    let target = content.as_deref().and_then(|content| content.split_once("url="));
    Ok(target.map(|(_, target)| address.join(target)).transpose()?)
}

fn forms(page: &str) -> Vec<Form> {
    page.split("<form")
        .skip(1)
        .map(|rest| {
            let whole = rest.split("</form").next().unwrap_or(rest);
            let (opening, inside) = whole.split_once('>').unwrap_or((whole, ""));
            let mut form = Form {
                action: attribute(opening, "action").unwrap_or_default(),
                post: attribute(opening, "method").is_some_and(|m| m.eq_ignore_ascii_case("post")),
                ..Form::default()
            };
            read_fields(inside, &mut form);
            form
        })
        .collect()
}

fn read_fields(inside: &str, form: &mut Form) {
    let mut select = None;
    for piece in inside.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap_or((piece, ""));
        let name = attribute(tag, "name").unwrap_or_default();
        let value = attribute(tag, "value");
        match tag.split([' ', '\n', '\t', '/']).next() {
            Some("input") => {
                let kind = attribute(tag, "type").unwrap_or_default();
                let chosen = has(tag, "checked") || !matches!(&*kind, "radio" | "checkbox");
                if kind == "submit" {
                    let value = value.unwrap_or_default();
                    form.buttons.push(Button { name, label: value.clone(), value });
                } else if chosen && !name.is_empty() {
                    form.fields.push((name, value.unwrap_or_default()));
                }
            }
            Some("button") if !has(tag, "type=\"button\"") => {
                let label = unescape(text.trim());
                form.buttons.push(Button { name, value: value.unwrap_or_default(), label });
            }
            Some("select") => select = Some(name),
            Some("option") => {
                let Some(select) = &select else { continue };
                let value = value.unwrap_or_else(|| unescape(text.trim()));
                match form.fields.iter_mut().find(|(name, _)| name == select) {
                    Some((_, chosen)) if has(tag, "selected") => *chosen = value,
                    Some(_) => {}
                    None => form.fields.push((select.clone(), value)),
                }
            }
            _ => {}
        }
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.match_indices(&format!("{name}=\"")).find_map(|(index, found)| {
        let before = tag.get(..index)?.chars().last()?;
        before.is_whitespace().then_some(index + found.len())
    })?;
    Some(unescape(tag.get(start..)?.split('"').next()?))
}

fn has(tag: &str, word: &str) -> bool {
    tag.split_whitespace().any(|part| part.trim_end_matches('/') == word)
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&amp;", "&")
}

/// The text a person would read: no tags, no style, no script, one space between words.
fn visible_text(page: &str) -> String {
    let mut text = String::new();
    let mut hidden = None;
    for piece in page.split('<') {
        let (tag, after) = piece.split_once('>').unwrap_or(("", piece));
        let name = tag.split_whitespace().next().unwrap_or_default();
        match hidden {
            Some(closing) if name == closing => hidden = None,
            Some(_) => continue,
            None => match name {
                "style" => hidden = Some("/style"),
                "script" => hidden = Some("/script"),
                "title" => hidden = Some("/title"),
                _ => {}
            },
        }
        if hidden.is_none() {
            text.push(' ');
            text.push_str(after);
        }
    }
    unescape(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A client that goes nowhere by itself.
fn client() -> reqwest::ClientBuilder {
    Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none())
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{Answer, Browser, BrowserError};
    use super::{Button, Form, forms, press_on_application_page, refresh, visible_text};

    const TENANT: &str = "http://127.0.0.1:1";

    #[test]
    fn puts_the_fragment_into_a_form_that_waits_for_it() {
        let browser = Browser::new(TENANT, "linked", Answer::Yes).unwrap();
        let page = r#"<form method="post" action=""><input name="connect_code"></form>"#;
        let address = Url::parse("http://127.0.0.1:2/connected?a=1#connect_code=x%2Fy").unwrap();
        let (target, body) = browser.next_step(page, &address).unwrap().unwrap();
        assert_eq!(target.as_str(), "http://127.0.0.1:2/connected?a=1");
        assert_eq!(body.unwrap(), "connect_code=x%2Fy");
    }

    #[test]
    fn presses_what_its_person_wants() {
        let page = r#"<form method="post" action="/go"><input name="account" value="linked">
            <button name="action" value="accept">Yes</button>
            <button name="action" value="deny">No</button></form>"#;
        let address = Url::parse(&format!("{TENANT}/page")).unwrap();
        for (answer, sent) in [(Answer::Yes, "accept"), (Answer::No, "deny")] {
            let browser = Browser::new(TENANT, "guest", answer).unwrap();
            let (_, body) = browser.next_step(page, &address).unwrap().unwrap();
            assert_eq!(body.unwrap(), format!("account=guest&action={sent}"));
        }
        let error = Browser::new(TENANT, "cleo", Answer::Yes).err().unwrap();
        assert!(matches!(&error, BrowserError::NoSuchAccount(_)));
        assert_eq!(error.to_string(), "nobody in the sandbox has the account `cleo`");
    }

    #[test]
    fn reads_a_form_as_a_browser_would() {
        let page = r#"<form method="post" action="/go?a=1&amp;b=2">
            <input type="hidden" name="token" value="&quot;x&quot;">
            <input type="radio" name="account" value="linked" checked>
            <input type="radio" name="account" value="guest">
            <select name="size"><option value="s">S</option><option value="m" selected>M</option></select>
            <button name="action" value="accept">Go on</button></form>"#;
        let form = Form {
            action: "/go?a=1&b=2".into(),
            post: true,
            fields: vec![
                ("token".into(), "\"x\"".into()),
                ("account".into(), "linked".into()),
                ("size".into(), "m".into()),
            ],
            buttons: vec![Button {
                name: "action".into(),
                value: "accept".into(),
                label: "Go on".into(),
            }],
        };
        assert_eq!(forms(page), [form]);
    }

    #[test]
    fn goes_on_where_a_page_says_so() {
        let address = Url::parse("http://127.0.0.1:2/link/t").unwrap();
        let page =
            r#"<meta http-equiv="refresh" content="0;url=http://127.0.0.1:1/c?a=1&amp;b=2">"#;
        let target = refresh(page, &address).unwrap().unwrap();
        assert_eq!(target.as_str(), "http://127.0.0.1:1/c?a=1&b=2");
        assert_eq!(refresh("<meta charset=\"utf-8\">", &address).unwrap(), None);
    }

    #[test]
    fn leaves_the_undo_button_alone() {
        let button = |label: &str| Button { label: label.into(), ..Button::default() };
        let mut only_undo = vec![button("Not mine: undo the link")];
        assert_eq!(press_on_application_page(&mut only_undo, Answer::Yes), None);
        for (go_on, answer, pressed) in [
            ("Continue", Answer::Yes, "Continue"),
            ("Continue", Answer::No, "Continue"),
            ("Unlink", Answer::Yes, "Unlink"),
            ("Unlink", Answer::No, "Cancel"),
        ] {
            let mut both = vec![button("Cancel"), button(go_on)];
            assert_eq!(press_on_application_page(&mut both, answer).unwrap().label, pressed);
        }
    }

    #[test]
    fn reads_only_what_a_person_sees() {
        let page =
            "<title>T</title><style>p{a:b}</style><p>A &amp; B</p>\n<script>x<1</script><p>C";
        assert_eq!(visible_text(page), "A & B C");
    }
}

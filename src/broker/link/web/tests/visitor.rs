//! A person with a browser, one step at a time.

use std::collections::BTreeMap;
use std::sync::Mutex;

use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Method};
use url::Url;

use super::super::super::tests::client;
use super::hidden;

/// More steps than any honest flow has.
const STEPS: usize = 12;

/// A browser: its cookies, and whose it is at Auth0.
pub(super) struct Visitor {
    account: &'static str,
    origin: url::Origin,
    jar: Mutex<BTreeMap<String, String>>,
}

/// What a browser was answered.
pub(super) struct Seen {
    pub(super) url: Url,
    pub(super) status: u16,
    pub(super) location: Option<Url>,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Visitor {
    pub(super) fn new(account: &'static str, ours: &Url) -> Self {
        Self { account, origin: ours.origin(), jar: Mutex::default() }
    }

    /// The cookies of our pages, by name.
    pub(super) fn cookies(&self) -> BTreeMap<String, String> {
        let jar = self.jar.lock().unwrap().clone();
        jar.into_iter().filter(|(name, _)| name.contains("bitbucket-link")).collect()
    }

    pub(super) fn plant(&self, cookies: BTreeMap<String, String>) {
        self.jar.lock().unwrap().extend(cookies);
    }

    pub(super) async fn get(&self, url: &Url) -> Seen {
        self.send(Method::GET, url, None, &[]).await
    }

    pub(super) async fn post(&self, url: &Url, form: &[(&str, &str)]) -> Seen {
        self.send(Method::POST, url, Some(form), &[]).await
    }

    pub(super) async fn send(
        &self,
        method: Method,
        url: &Url,
        form: Option<&[(&str, &str)]>,
        headers: &[(&str, &str)],
    ) -> Seen {
        let pairs: Vec<_> = {
            let jar = self.jar.lock().unwrap();
            jar.iter().map(|(name, value)| format!("{name}={value}")).collect()
        };
        let mut request = client().request(method, url.clone()).header(COOKIE, pairs.join("; "));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(form) = form {
            request = request.form(form);
        }
        let response = request.send().await.unwrap();
        let headers = response.headers().clone();
        for cookie in headers.get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.jar.lock().unwrap().insert(name.to_owned(), value.to_owned());
        }
        let location = headers.get(LOCATION).map(|to| url.join(to.to_str().unwrap()).unwrap());
        let status = response.status().as_u16();
        let body = response.text().await.unwrap();
        Seen { url: url.clone(), status, location, headers, body }
    }

    /// Goes on from `url` to the page where it ends, signing in where the tenant asks.
    pub(super) async fn open(&self, url: &Url) -> Seen {
        self.go(url, |_| false).await
    }

    /// The same, but stops before the way leads back to us.
    pub(super) async fn back(&self, url: &Url) -> Url {
        self.go(url, |next| next.origin() == self.origin).await.location.unwrap()
    }

    async fn go(&self, url: &Url, stop: impl Fn(&Url) -> bool) -> Seen {
        let mut seen = self.get(url).await;
        for _ in 0..STEPS {
            if seen.url.path() == "/u/login" && seen.status == 200 {
                seen = self.post(&seen.url, &[("account", self.account)]).await;
            }
            match &seen.location {
                Some(next) if !stop(next) => seen = self.get(&next.clone()).await,
                _ => return seen,
            }
        }
        unreachable!("the pages go on without end")
    }

    /// Opens a ticket, signs in, and says yes: to the tenant's consent page.
    pub(super) async fn agree(&self, ticket: &Url) -> Url {
        let asked = self.open(ticket).await;
        let form = [("token", &*hidden(&asked.body, "token")), ("action", "continue")];
        let leads_on = self.post(ticket, &form).await;
        leads_on.leads_to()
    }

    /// Goes on from the tenant's consent page with the Bitbucket account of `holder`, and stops before
    /// the way leads back to us.
    pub(super) async fn grant(&self, consent_page: &Url, holder: &str) -> Url {
        self.decide(consent_page, &[("action", "accept"), ("bitbucket_account", holder)]).await
    }

    pub(super) async fn refuse(&self, consent_page: &Url) -> Url {
        self.decide(consent_page, &[("action", "deny")]).await
    }

    async fn decide(&self, consent_page: &Url, choice: &[(&str, &str)]) -> Url {
        assert_eq!(self.open(consent_page).await.status, 200);
        let mut form = consent_page.clone();
        form.set_path("/connected-accounts/consent");
        self.post(&form, choice).await.location.unwrap()
    }

    /// The whole way with one's own account, or that of `holder`.
    pub(super) async fn link(&self, ticket: &Url, holder: &str) -> Seen {
        let consent_page = self.agree(ticket).await;
        let back = self.grant(&consent_page, holder).await;
        self.open(&back).await
    }
}

impl Seen {
    /// Where the page goes on by itself.
    pub(super) fn leads_to(&self) -> Url {
        let content = self.body.split("content=\"0;url=").nth(1);
        let target = content.unwrap_or_else(|| unreachable!("{}", self.body));
        let target = target.split('"').next().unwrap().replace("&amp;", "&");
        self.url.join(&target).unwrap()
    }

    /// The text between the tags.
    pub(super) fn text(&self) -> String {
        let main = self.body.split("<main>").nth(1).unwrap();
        let text = main.split('<').map(|piece| piece.split_once('>').unwrap_or(("", piece)).1);
        text.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

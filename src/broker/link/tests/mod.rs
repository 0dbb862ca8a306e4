//! Each rule of linking, against a tenant and a Bitbucket on loopback.

mod answers;
mod people;
mod reading;

use secrecy::SecretString;
use tempfile::TempDir;

use super::*;
use crate::auth0::RefreshToken;
use crate::broker::tests::Stage;
use crate::identity::Keep;
use crate::sandbox::{Sandbox, Switch};

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
            accounts: Accounts {
                broker: stage.broker.clone(),
                tenant: stage.tenant.clone(),
                connection: "bitbucket".into(),
            },
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
        self.sandbox().world().change_tenant(|tenant| tenant.set_callbacks(vec![callback]));
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
        self.sandbox().world().change_tenant(|tenant| tenant.set(Switch::SkipsConfirmation, true));
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

pub(super) fn client() -> reqwest::Client {
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

pub(super) fn parameter(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
}

pub(super) fn hidden(body: &str, name: &str) -> String {
    let field = format!("name=\"{name}\" value=\"");
    body.split(&field).nth(1).unwrap().split('"').next().unwrap().to_owned()
}

pub(super) fn heading(body: &str) -> &str {
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

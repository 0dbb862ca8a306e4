//! The whole way of a person against the sandbox: in, linked, unlinked, out.

use axum::Router;
use axum::extract::Query;
use axum::routing::get;
use tokio::sync::mpsc;

use super::*;
use crate::auth0::stand_in::{private_key, public_key};
use crate::auth0::{ClientAuthentication, Connect, PkceVerifier, Settings, Subject, Tenant};
use crate::net;
use crate::sandbox::{Options, Sandbox};

struct Stage {
    sandbox: Sandbox,
    loopback: Loopback,
    callbacks: mpsc::UnboundedReceiver<CallbackQuery>,
}

impl Stage {
    async fn new() -> Self {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        let mut loopback = Loopback::bind_first_of(0..=0).await.unwrap();
        sandbox.world().allow_callback(loopback.callback_url().as_str());
        let (sender, callbacks) = mpsc::unbounded_channel();
        let callback = async move |Query(query): Query<CallbackQuery>| {
            sender.send(query).unwrap();
            "You may close this page."
        };
        loopback.serve(Router::new().route("/callback", get(callback)));
        Self { sandbox, loopback, callbacks }
    }

    fn tenant(&self, authentication: ClientAuthentication) -> Tenant {
        let settings = Settings {
            domain: format!("{}/", self.sandbox.auth0_domain()).parse().unwrap(),
            client_id: self.sandbox.client_id(),
            authentication,
            organization: None,
        };
        Tenant::new(net::Http::new(), settings).unwrap()
    }

    fn tenant_by_secret(&self) -> Tenant {
        self.tenant(ClientAuthentication::Secret(self.sandbox.client_secret().into()))
    }

    /// What the browser of `account` brings back from `url`.
    async fn answer(&mut self, url: &url::Url, account: &str) -> CallbackQuery {
        self.sandbox.consent(url.as_str(), account).await.unwrap();
        self.callbacks.recv().await.unwrap()
    }

    async fn login(&mut self, tenant: &Tenant, account: &str) -> auth0::Login {
        let redirect_uri = self.loopback.callback_url().clone();
        let (pending, url) = PendingLogin::start(tenant, redirect_uri).await.unwrap();
        let query = self.answer(&url, account).await;
        pending.finish(tenant, &query).await.unwrap()
    }
}

#[tokio::test]
async fn signs_in_links_exchanges_unlinks_and_signs_out() {
    let mut stage = Stage::new().await;
    let tenant = stage.tenant_by_secret();
    let folder = tempfile::tempdir().unwrap();
    let session = Session::new(tenant.clone(), Keep::new(folder.path().to_owned(), false), None);

    let login = stage.login(&tenant, "guest").await;
    let signed_in = session.sign_in(login).await.unwrap();
    assert_eq!(signed_in.caller.subject, "auth0|gus");
    let token = signed_in.refresh_token;
    let before = tenant.vault_token(Subject::Refresh(&token), "bitbucket", None).await.unwrap_err();
    assert!(matches!(before, auth0::Error::NotLinked), "{before}");

    let (my_account, rotated) = tenant.my_account(&token).await.unwrap();
    assert!(rotated.is_none());
    let redirect_uri = stage.loopback.callback_url().clone();
    let verifier = PkceVerifier::random();
    let request = Connect {
        connection: "bitbucket",
        redirect_uri: &redirect_uri,
        state: "s-1",
        verifier: &verifier,
    };
    let ticket = tenant.connect_account(&my_account, &request).await.unwrap();
    let query = stage.answer(&ticket.url, "guest").await;
    assert_eq!(query.state.as_deref(), Some("s-1"));
    let code = query.connect_code.unwrap();
    let complete = || {
        tenant.complete_account(&my_account, &ticket.auth_session, &code, &redirect_uri, &verifier)
    };
    let linked = complete().await.unwrap();
    let twice = complete().await.unwrap_err();
    assert!(matches!(twice, auth0::Error::AlreadyLinked), "{twice}");

    let accounts = tenant.connected_accounts(&my_account, "bitbucket").await.unwrap();
    assert_eq!(accounts, std::slice::from_ref(&linked));
    let vault = tenant.vault_token(Subject::Refresh(&token), "bitbucket", None).await.unwrap();
    assert!(vault.expires_in.is_some());

    tenant.delete_account(&my_account, &linked.id).await.unwrap();
    let after = tenant.vault_token(Subject::Refresh(&token), "bitbucket", None).await.unwrap_err();
    assert!(matches!(after, auth0::Error::NotLinked), "{after}");

    assert!(session.sign_out().await.unwrap());
    let gone = tenant.vault_token(Subject::Refresh(&token), "bitbucket", None).await.unwrap_err();
    assert!(matches!(gone, auth0::Error::SignedOut), "{gone}");
}

#[tokio::test]
async fn proves_itself_by_a_signing_key() {
    let mut stage = Stage::new().await;
    stage.sandbox.world().set_client_key(public_key());
    let tenant = stage.tenant(ClientAuthentication::SigningKey(private_key().into()));
    let login = stage.login(&tenant, "linked").await;
    assert_eq!(login.identity.name.as_deref(), Some("Ana Lima"));
    tenant.vault_token(Subject::Refresh(&login.refresh_token), "bitbucket", None).await.unwrap();
    let by_secret = stage.tenant_by_secret();
    let error = by_secret.refresh(&login.refresh_token).await.unwrap_err();
    assert!(matches!(error, auth0::Error::BadClient), "{error}");
}

#[tokio::test]
async fn tells_a_withdrawn_consent_from_an_ended_sign_in() {
    let stage = Stage::new().await;
    let tenant = stage.tenant_by_secret();
    let token = RefreshToken::new(stage.sandbox.refresh_token("linked").unwrap().into());
    tenant.vault_token(Subject::Refresh(&token), "bitbucket", None).await.unwrap();
    stage.sandbox.world().revoke_bitbucket_grant("linked");
    let error = tenant.vault_token(Subject::Refresh(&token), "bitbucket", None).await.unwrap_err();
    assert!(matches!(error, auth0::Error::LinkBroken), "{error}");
    stage.sandbox.world().revoke_refresh_token("linked");
    let error = tenant.vault_token(Subject::Refresh(&token), "bitbucket", None).await.unwrap_err();
    assert!(matches!(error, auth0::Error::SignedOut), "{error}");
}

#[tokio::test]
async fn follows_a_tenant_that_rotates() {
    let stage = Stage::new().await;
    stage.sandbox.world().rotate_refresh_tokens(true);
    let tenant = stage.tenant_by_secret();
    let folder = tempfile::tempdir().unwrap();
    let first = RefreshToken::new(stage.sandbox.refresh_token("linked").unwrap().into());
    let keep = || Keep::new(folder.path().to_owned(), false);
    let session = Session::new(tenant.clone(), keep(), Some(first.clone()));
    assert_eq!(session.identify().await.unwrap().unwrap().subject, "auth0|ana");
    let second = session.current().await.unwrap().unwrap().refresh_token;
    assert_ne!(second, first);
    let (_, third) = tenant.my_account(&second).await.unwrap();
    let third = third.unwrap();
    session.rotated(third.clone()).await.unwrap();
    let later = Session::new(tenant, keep(), Some(first));
    assert_eq!(later.current().await.unwrap().unwrap().refresh_token, third);
}

//! The local person's sign-in: found when first needed, kept when it changes, ended on request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard};

use super::store::{Keep, Kept};
use super::{Caller, Error, SignedIn};
use crate::auth0::{self, Identity, RefreshToken};

/// How soon to look again whether somebody has signed in, in this process or another one.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// The local person's sign-in.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    tenant: auth0::Tenant,
    keep: Keep,
    headless: Option<RefreshToken>,
    state: Mutex<State>,
    identifying: Mutex<()>,
    warned_of_rotation: AtomicBool,
}

#[derive(Default)]
struct State {
    known: Option<SignedIn>,
    looked: Option<Instant>,
    signed_out: bool,
}

impl Session {
    /// The session of whoever is signed in. Nothing is read and nothing is sent.
    ///
    /// `headless` is a refresh token from the settings; it takes the place of a kept sign-in.
    #[must_use]
    pub fn new(tenant: auth0::Tenant, keep: Keep, headless: Option<RefreshToken>) -> Self {
        let inner = Inner {
            tenant,
            keep,
            headless,
            state: Mutex::default(),
            identifying: Mutex::default(),
            warned_of_rotation: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The tenant that people sign in to.
    #[must_use]
    pub fn tenant(&self) -> &auth0::Tenant {
        &self.inner.tenant
    }

    /// Whoever is signed in. Read once and remembered; while nobody is, looked for again every other
    /// second, so that a sign-in at a terminal reaches a server that runs already.
    ///
    /// # Errors
    /// [`Error::Storage`] when there is a kept sign-in that cannot be read.
    pub async fn current(&self) -> Result<Option<SignedIn>, Error> {
        let mut state = self.inner.state.lock().await;
        self.look(&mut state).await
    }

    /// Looks again where the sign-in is kept after Auth0 has refused `refused`: somebody may have
    /// signed in anew in another process. `None` when that token is still all there is.
    ///
    /// # Errors
    /// [`Error::Storage`] when there is a kept sign-in that cannot be read.
    pub async fn replaced(&self, refused: &RefreshToken) -> Result<Option<SignedIn>, Error> {
        let mut state = self.inner.state.lock().await;
        if let Some(known) = &state.known
            && known.refresh_token != *refused
        {
            return Ok(Some(known.clone()));
        }
        if self.inner.headless.is_some() {
            return Ok(None);
        }
        let kept = self.inner.keep.load(&self.key()).await?;
        let kept = kept.filter(|kept| kept.refresh_token != *refused).map(signed_in);
        if kept.is_some() {
            state.known.clone_from(&kept);
        }
        Ok(kept)
    }

    /// Who is signed in, for people to read. Asks Auth0 when that is not known yet.
    ///
    /// A token that was not made for `openid` tells nothing about its person; its fingerprint has to
    /// do then.
    ///
    /// # Errors
    /// [`auth0::Error::SignedOut`] when the sign-in has ended, and what else a refresh can run into.
    pub async fn identify(&self) -> Result<Option<Identity>, Error> {
        // One refresh however many ask, and nobody else waits for it.
        let _turn = self.inner.identifying.lock().await;
        let Some(known) = self.current().await? else { return Ok(None) };
        if known.identity.is_some() {
            return Ok(known.identity);
        }
        let refreshed = self.inner.tenant.refresh(&known.refresh_token).await?;
        let mut state = self.inner.state.lock().await;
        if let Some(current) = &mut state.known
            && current.caller == known.caller
        {
            current.identity.clone_from(&refreshed.identity);
            if let Some(token) = refreshed.rotated {
                self.replace(&mut state, token).await?;
            }
        }
        Ok(refreshed.identity.or_else(|| Some(nameless(&known.caller))))
    }

    /// Keeps a login, then goes by it.
    ///
    /// # Errors
    /// [`Error::Storage`] when it can be kept nowhere. It counts for nothing then.
    pub async fn sign_in(&self, login: auth0::Login) -> Result<SignedIn, Error> {
        let mut state = self.inner.state.lock().await;
        let kept = Kept { refresh_token: login.refresh_token, identity: login.identity };
        self.inner.keep.save(&self.key(), &kept).await?;
        let signed_in = signed_in(kept);
        *state = State { known: Some(signed_in.clone()), ..State::default() };
        Ok(signed_in)
    }

    /// Takes over a refresh token that Auth0 has put in the place of the one in use.
    ///
    /// Token Vault and rotation do not go together, so the person is warned, once.
    ///
    /// # Errors
    /// [`Error::Storage`] when it could not be kept. It is in use all the same, for the old one is
    /// dead.
    pub async fn rotated(&self, token: RefreshToken) -> Result<(), Error> {
        let mut state = self.inner.state.lock().await;
        self.replace(&mut state, token).await
    }

    /// Ends the sign-in at Auth0 and forgets it here, wherever it is kept. Tells whether there was one.
    ///
    /// # Errors
    /// [`Error::NotRevoked`] when Auth0 could not be told; it is forgotten here even so.
    pub async fn sign_out(&self) -> Result<bool, Error> {
        let mut state = self.inner.state.lock().await;
        let known = self.look(&mut state).await.unwrap_or_default();
        let kept = self.inner.keep.load(&self.key()).await.unwrap_or_default();
        *state = State { signed_out: true, ..State::default() };
        self.inner.keep.forget(&self.key()).await?;
        if let Some(headless) = &self.inner.headless {
            self.inner.keep.forget(&self.headless_key(headless)).await?;
        }
        let known = known.map(|known| known.refresh_token);
        let kept = kept.map(|kept| kept.refresh_token).filter(|kept| Some(kept) != known.as_ref());
        let was_signed_in = known.is_some() || kept.is_some();
        for token in known.into_iter().chain(kept) {
            self.inner.tenant.revoke(&token).await.map_err(Error::NotRevoked)?;
        }
        Ok(was_signed_in)
    }

    async fn look(&self, state: &mut MutexGuard<'_, State>) -> Result<Option<SignedIn>, Error> {
        let looked_lately = state.looked.is_some_and(|looked| looked.elapsed() < LOOK_AGAIN_AFTER);
        if state.known.is_some() || looked_lately {
            return Ok(state.known.clone());
        }
        state.known = match &self.inner.headless {
            Some(_) if state.signed_out => None,
            Some(token) => Some(self.headless(token).await),
            None => self.inner.keep.load(&self.key()).await?.map(signed_in),
        };
        state.looked = Some(Instant::now());
        Ok(state.known.clone())
    }

    /// A tenant that rotates has made the setting useless; its successor was kept beside it.
    async fn headless(&self, token: &RefreshToken) -> SignedIn {
        let caller = Caller {
            issuer: self.inner.tenant.domain().to_string(),
            subject: format!("headless:{}", token.fingerprint()),
            organization: self.inner.tenant.organization().map(str::to_owned),
        };
        let successor = match self.inner.keep.load(&self.headless_key(token)).await {
            Ok(kept) => kept,
            Err(error) => {
                tracing::debug!(%error, "no kept successor of the refresh token in the settings");
                None
            }
        };
        let refresh_token = successor.map_or_else(|| token.clone(), |kept| kept.refresh_token);
        SignedIn { caller, refresh_token, identity: None }
    }

    async fn replace(
        &self,
        state: &mut MutexGuard<'_, State>,
        token: RefreshToken,
    ) -> Result<(), Error> {
        let Some(known) = self.look(state).await? else { return Ok(()) };
        if known.refresh_token == token {
            return Ok(());
        }
        let identity = known.identity.unwrap_or_else(|| nameless(&known.caller));
        let key = match &self.inner.headless {
            Some(headless) => self.headless_key(headless),
            None => self.key(),
        };
        let kept = Kept { refresh_token: token.clone(), identity };
        let saved = self.inner.keep.save(&key, &kept).await;
        if let Some(known) = &mut state.known {
            known.refresh_token = token;
        }
        if !self.inner.warned_of_rotation.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "Auth0 rotates this application's refresh tokens; Token Vault does not support \
                 that, so turn refresh token rotation off in the application's settings"
            );
        }
        saved
    }

    fn key(&self) -> String {
        format!("{} {}", self.inner.tenant.domain(), self.inner.tenant.client_id())
    }

    fn headless_key(&self, token: &RefreshToken) -> String {
        format!("{} headless:{}", self.key(), token.fingerprint())
    }
}

fn signed_in(kept: Kept) -> SignedIn {
    let Kept { refresh_token, identity } = kept;
    let caller = Caller {
        issuer: identity.issuer.clone(),
        subject: identity.subject.clone(),
        organization: identity.organization.clone(),
    };
    SignedIn { caller, refresh_token, identity: Some(identity) }
}

/// All that can be said of somebody whom Auth0 has not described.
fn nameless(caller: &Caller) -> Identity {
    Identity {
        issuer: caller.issuer.clone(),
        subject: caller.subject.clone(),
        name: None,
        email: None,
        organization: caller.organization.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::auth0::stand_in::StandIn;

    fn token(text: &str) -> RefreshToken {
        RefreshToken::new(text.into())
    }

    fn session(stand_in: &StandIn, folder: &Path, headless: Option<&str>) -> Session {
        let keep = Keep::new(folder.to_owned(), false);
        Session::new(stand_in.tenant(), keep, headless.map(token))
    }

    fn login(stand_in: &StandIn, refresh_token: &str) -> auth0::Login {
        let identity = Identity {
            issuer: stand_in.domain().to_string(),
            subject: "auth0|ana".to_owned(),
            name: Some("Ana Lima".to_owned()),
            email: None,
            organization: None,
        };
        auth0::Login { refresh_token: token(refresh_token), identity }
    }

    async fn token_of(session: &Session) -> Option<String> {
        let current = session.current().await.unwrap();
        current.map(|signed_in| signed_in.refresh_token.expose().to_owned())
    }

    #[tokio::test]
    async fn finds_the_sign_in_of_an_earlier_run() {
        let stand_in = StandIn::start().await;
        let folder = tempfile::tempdir().unwrap();
        let first = session(&stand_in, folder.path(), None);
        assert_eq!(token_of(&first).await, None);
        let signed_in = first.sign_in(login(&stand_in, "rt")).await.unwrap();
        assert_eq!(signed_in.caller.subject, "auth0|ana");
        let second = session(&stand_in, folder.path(), None);
        assert_eq!(second.current().await.unwrap().unwrap().caller, signed_in.caller);
        assert_eq!(second.identify().await.unwrap(), signed_in.identity);
        assert!(stand_in.requests().is_empty());
    }

    #[tokio::test]
    async fn asks_nobody_and_writes_nothing_until_needed() {
        let stand_in = StandIn::start().await;
        let folder = tempfile::tempdir().unwrap();
        let state_dir = folder.path().join("state");
        let session = session(&stand_in, &state_dir, Some("rt"));
        let caller = session.current().await.unwrap().unwrap().caller;
        assert_eq!(caller.issuer, stand_in.domain().as_str());
        assert!(caller.subject.starts_with("headless:"), "{}", caller.subject);
        assert!(!state_dir.exists());
        assert!(stand_in.requests().is_empty());
    }

    #[tokio::test]
    async fn stays_the_same_caller_after_learning_who_it_is() {
        let stand_in = StandIn::start().await;
        let folder = tempfile::tempdir().unwrap();
        let session = session(&stand_in, folder.path(), Some("rt"));
        let before = session.current().await.unwrap().unwrap();
        let id_token = stand_in.sign(&stand_in.claims());
        let tokens = json!({ "access_token": "at", "id_token": id_token });
        stand_in.answer("/oauth/token", 200, tokens);
        let (one, other) = tokio::join!(session.identify(), session.identify());
        assert_eq!(one.unwrap().unwrap().subject, "auth0|ana");
        assert_eq!(other.unwrap().unwrap().subject, "auth0|ana");
        let after = session.current().await.unwrap().unwrap();
        assert_eq!((after.caller, after.identity.is_some()), (before.caller, true));
        let exchanges = stand_in.requests();
        let exchanges = exchanges.iter().filter(|request| request.path == "/oauth/token");
        assert_eq!(exchanges.count(), 1);
    }

    #[tokio::test]
    async fn takes_a_sign_in_without_a_name_for_one() {
        let stand_in = StandIn::start().await;
        let folder = tempfile::tempdir().unwrap();
        let session = session(&stand_in, folder.path(), Some("rt"));
        for tokens in [json!({ "access_token": "at" }), json!({ "id_token": "broken" })] {
            stand_in.answer("/oauth/token", 200, tokens);
            let identity = session.identify().await.unwrap().unwrap();
            assert!(identity.subject.starts_with("headless:"), "{}", identity.subject);
        }
        let gone = json!({ "error": "invalid_grant" });
        stand_in.answer("/oauth/token", 403, gone);
        let error = session.identify().await.unwrap_err();
        assert_eq!(error.to_string(), "the sign-in at Auth0 has ended");
    }

    #[tokio::test]
    async fn keeps_a_rotated_token_before_using_it() {
        let stand_in = StandIn::start().await;
        let folder = tempfile::tempdir().unwrap();
        let first = session(&stand_in, folder.path(), None);
        first.sign_in(login(&stand_in, "rt-1")).await.unwrap();
        first.rotated(token("rt-2")).await.unwrap();
        assert_eq!(token_of(&first).await.as_deref(), Some("rt-2"));
        let second = session(&stand_in, folder.path(), None);
        assert_eq!(token_of(&second).await.as_deref(), Some("rt-2"));
    }

    #[tokio::test]
    async fn keeps_the_successor_of_a_token_from_the_settings_apart() {
        let stand_in = StandIn::start().await;
        let folder = tempfile::tempdir().unwrap();
        session(&stand_in, folder.path(), None).sign_in(login(&stand_in, "kept")).await.unwrap();
        let headless = session(&stand_in, folder.path(), Some("set"));
        headless.rotated(token("set-2")).await.unwrap();
        let again = session(&stand_in, folder.path(), Some("set"));
        assert_eq!(token_of(&again).await.as_deref(), Some("set-2"));
        let another = session(&stand_in, folder.path(), Some("another"));
        assert_eq!(token_of(&another).await.as_deref(), Some("another"));
        let kept = session(&stand_in, folder.path(), None);
        assert_eq!(token_of(&kept).await.as_deref(), Some("kept"));
    }

    #[tokio::test]
    async fn notices_a_sign_in_of_another_process() {
        let stand_in = StandIn::start().await;
        let folder = tempfile::tempdir().unwrap();
        let server = session(&stand_in, folder.path(), None);
        let terminal = session(&stand_in, folder.path(), None);
        terminal.sign_in(login(&stand_in, "rt-1")).await.unwrap();
        assert_eq!(token_of(&server).await.as_deref(), Some("rt-1"));
        assert!(server.replaced(&token("rt-1")).await.unwrap().is_none());
        terminal.sign_in(login(&stand_in, "rt-2")).await.unwrap();
        let replaced = server.replaced(&token("rt-1")).await.unwrap().unwrap();
        assert_eq!(replaced.refresh_token, token("rt-2"));
        assert_eq!(token_of(&server).await.as_deref(), Some("rt-2"));
    }

    #[tokio::test]
    async fn signs_out_everywhere() {
        let stand_in = StandIn::start().await;
        stand_in.answer("/oauth/revoke", 200, json!("OK"));
        let folder = tempfile::tempdir().unwrap();
        let session = session(&stand_in, folder.path(), None);
        session.sign_in(login(&stand_in, "rt")).await.unwrap();
        assert!(session.sign_out().await.unwrap());
        assert_eq!(stand_in.requests()[0].form(), "token=rt\nclient_id=app\nclient_secret=hush");
        assert_eq!(token_of(&session).await, None);
        assert!(!session.sign_out().await.unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn forgets_the_sign_in_even_if_auth0_cannot_be_told() {
        let stand_in = StandIn::start().await;
        stand_in.answer("/oauth/revoke", 503, json!({}));
        let folder = tempfile::tempdir().unwrap();
        let session = session(&stand_in, folder.path(), None);
        session.sign_in(login(&stand_in, "rt")).await.unwrap();
        let error = session.sign_out().await.unwrap_err();
        assert_eq!(error.to_string(), "signed out on this machine, but Auth0 could not be told");
        assert_eq!(token_of(&session).await, None);
    }
}

//! The keyring of the operating system, which may be missing, locked or hanging.
//!
//! Every call runs on a thread of its own and is waited for only so long: a keyring may put a dialog
//! in front of a person who is elsewhere. After the first failure it is left alone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use keyring_core::{CredentialStore, Entry};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;

/// What the entries are filed under.
const SERVICE: &str = "bitbucket-vault-mcp";
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) struct Keyring {
    open: fn() -> keyring_core::Result<Arc<CredentialStore>>,
    store: Arc<OnceLock<Arc<CredentialStore>>>,
    failed: AtomicBool,
    /// Why, the first time.
    reason: OnceLock<String>,
    patience: Duration,
}

impl Keyring {
    pub(super) fn of_this_system() -> Self {
        Self::opened_by(open)
    }

    fn opened_by(open: fn() -> keyring_core::Result<Arc<CredentialStore>>) -> Self {
        Self {
            open,
            store: Arc::default(),
            failed: AtomicBool::new(false),
            reason: OnceLock::new(),
            patience: PATIENCE,
        }
    }

    pub(super) async fn load(&self, user: &str) -> Option<SecretText> {
        let text = self.ask(user, |entry| optional(entry.get_password())).await??;
        Some(SecretText(text.into()))
    }

    /// Tells whether it worked.
    pub(super) async fn save(&self, user: &str, text: SecretString) -> bool {
        self.ask(user, move |entry| entry.set_password(text.expose_secret())).await.is_some()
    }

    pub(super) async fn forget(&self, user: &str) {
        self.ask(user, |entry| optional(entry.delete_credential())).await;
    }

    /// Whether it can be used; if not, why.
    pub(super) async fn examine(&self) -> Result<(), String> {
        match self.ask("examined", |entry| optional(entry.get_password())).await {
            Some(_) => Ok(()),
            None => Err(self.reason.get().cloned().unwrap_or_default()),
        }
    }

    async fn ask<T, F>(&self, user: &str, what: F) -> Option<T>
    where
        T: Send + 'static,
        F: FnOnce(&Entry) -> keyring_core::Result<T> + Send + 'static,
    {
        if self.failed.load(Ordering::Relaxed) {
            return None;
        }
        let (open, store, user) = (self.open, Arc::clone(&self.store), user.to_owned());
        let (sender, receiver) = oneshot::channel();
        let work = move || {
            let answer = opened(open, &store)
                .and_then(|store| Entry::new_in_store(store, SERVICE, &user))
                .and_then(|entry| what(&entry));
            // Nobody waits any more if this took too long.
            let _ = sender.send(answer);
        };
        // Not the runtime's own blocking threads: those are waited for when the process ends.
        let spawned = std::thread::Builder::new().name("keyring".to_owned()).spawn(work);
        let reason = match spawned {
            Err(error) => error.to_string(),
            Ok(_) => match tokio::time::timeout(self.patience, receiver).await {
                Ok(Ok(Ok(answer))) => return Some(answer),
                Ok(Ok(Err(error))) => describe(&error),
                Ok(Err(_)) => "it broke off".to_owned(),
                Err(_) => "it did not answer in time".to_owned(),
            },
        };
        self.failed.store(true, Ordering::Relaxed);
        let reason = self.reason.get_or_init(|| reason);
        tracing::debug!(reason, "the keyring cannot be used, so the sign-in is kept in a file");
        None
    }
}

/// A password of the keyring, which no log gets.
pub(super) struct SecretText(SecretString);

impl std::ops::Deref for SecretText {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.expose_secret()
    }
}

fn opened(
    open: fn() -> keyring_core::Result<Arc<CredentialStore>>,
    store: &OnceLock<Arc<CredentialStore>>,
) -> keyring_core::Result<&Arc<CredentialStore>> {
    if let Some(store) = store.get() {
        return Ok(store);
    }
    let opened = open()?;
    Ok(store.get_or_init(|| opened))
}

fn optional<T>(answer: keyring_core::Result<T>) -> keyring_core::Result<Option<T>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(keyring_core::Error::NoEntry) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Some errors hold the stored bytes.
fn describe(error: &keyring_core::Error) -> String {
    match error {
        keyring_core::Error::BadEncoding(_) | keyring_core::Error::BadDataFormat(..) => {
            "its entry cannot be read".to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(target_os = "linux")]
fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    Err(keyring_core::Error::NoDefaultStore)
}

#[cfg(test)]
impl Keyring {
    pub(super) fn in_memory() -> Self {
        Self::opened_by(|| Ok(keyring_core::mock::Store::new()?))
    }

    pub(super) fn absent() -> Self {
        Self::opened_by(|| Err(keyring_core::Error::NoDefaultStore))
    }

    pub(super) fn hanging() -> Self {
        let hanging = Self::opened_by(|| {
            std::thread::park();
            Err(keyring_core::Error::NoDefaultStore)
        });
        Self { patience: Duration::from_millis(50), ..hanging }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn leaves_a_keyring_alone_once_it_has_failed() {
        let keyring = Keyring::absent();
        assert!(!keyring.save("ana", "x".into()).await);
        assert!(keyring.failed.load(Ordering::Relaxed));
        assert!(keyring.load("ana").await.is_none());
    }

    #[tokio::test]
    async fn says_whether_it_can_be_used() {
        assert_eq!(Keyring::in_memory().examine().await, Ok(()));
        let absent = Keyring::absent();
        let why = absent.examine().await.unwrap_err();
        assert!(!why.is_empty());
        // Also when it has been left alone since.
        assert_eq!(absent.examine().await, Err(why));
        let why = Keyring::hanging().examine().await.unwrap_err();
        assert_eq!(why, "it did not answer in time");
    }

    #[tokio::test]
    async fn takes_an_empty_keyring_for_a_working_one() {
        let keyring = Keyring::in_memory();
        assert!(keyring.load("ana").await.is_none());
        keyring.forget("ana").await;
        assert!(keyring.save("ana", "x".into()).await);
        assert_eq!(keyring.load("ana").await.as_deref(), Some("x"));
    }

    #[test]
    fn describes_no_stored_bytes() {
        let error = keyring_core::Error::BadEncoding(b"rt-marked".to_vec());
        assert_eq!(describe(&error), "its entry cannot be read");
    }
}

//! Where a sign-in is kept between two runs: the keyring of the operating system, else a file.

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::Error;
use super::file::File;
use super::keyring::Keyring;
use crate::auth0::{Identity, RefreshToken};

/// A place for sign-ins.
///
/// Where there is no keyring, or it does not answer, a file that only its owner can read does.
#[derive(Clone)]
pub struct Keep {
    keyring: Option<Arc<Keyring>>,
    file: Arc<File>,
}

/// A kind of place for sign-ins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The keyring of the operating system.
    Keyring,
    /// A file that only its owner can read.
    File {
        /// Where it is, or will be.
        path: PathBuf,
        /// Why it is not the keyring, where that was tried.
        why: Option<String>,
    },
}

/// One kept sign-in.
pub(super) struct Kept {
    pub(super) refresh_token: RefreshToken,
    pub(super) identity: Identity,
}

/// How a sign-in is written down. Small, since keyrings have narrow limits.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    refresh_token: String,
    issuer: String,
    subject: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
    saved_at: jiff::Timestamp,
}

impl Keep {
    /// Keeps sign-ins in the keyring if `use_keyring`, with `state_dir` to fall back on. Neither is
    /// touched yet.
    #[must_use]
    pub fn new(state_dir: PathBuf, use_keyring: bool) -> Self {
        let keyring = use_keyring.then(|| Arc::new(Keyring::of_this_system()));
        Self { keyring, file: Arc::new(File::new(state_dir)) }
    }

    /// The newest that either place has: a keyring that was locked for a while leaves an older one.
    pub(super) async fn load(&self, key: &str) -> Result<Option<Kept>, Error> {
        let in_keyring = match &self.keyring {
            Some(keyring) => keyring.load(key).await.and_then(|text| parse(&text)),
            None => None,
        };
        let in_file = match self.file.load(key).await {
            Err(error) if in_keyring.is_some() => {
                tracing::debug!(%error, "the keyring has the sign-in, so the file does not matter");
                None
            }
            loaded => loaded?,
        };
        let newest = [in_keyring, in_file].into_iter().flatten().max_by_key(|kept| kept.saved_at);
        Ok(newest.map(Kept::from))
    }

    /// Where a sign-in would be kept now. Asks the keyring for something that it does not have.
    pub async fn kind(&self) -> Kind {
        let path = self.file.path();
        match &self.keyring {
            None => Kind::File { path, why: None },
            Some(keyring) => match keyring.examine().await {
                Ok(()) => Kind::Keyring,
                Err(why) => Kind::File { path, why: Some(why) },
            },
        }
    }

    /// Keeps `kept` in one place, and leaves nothing older in the other.
    pub(super) async fn save(&self, key: &str, kept: &Kept) -> Result<(), Error> {
        let record = Record::from(kept);
        if let Some(keyring) = &self.keyring
            && let Ok(text) = serde_json::to_string(&record)
            && keyring.save(key, text.into()).await
        {
            if let Err(error) = self.file.forget(key).await {
                tracing::debug!(%error, "an older sign-in is left in the file");
            }
            return Ok(());
        }
        self.file.save(key, record).await
    }

    /// Forgets it in both places.
    pub(super) async fn forget(&self, key: &str) -> Result<(), Error> {
        if let Some(keyring) = &self.keyring {
            keyring.forget(key).await;
        }
        self.file.forget(key).await
    }
}

impl From<&Kept> for Record {
    fn from(kept: &Kept) -> Self {
        let Identity { issuer, subject, name, email, organization } = kept.identity.clone();
        let refresh_token = kept.refresh_token.expose().to_owned();
        let saved_at = jiff::Timestamp::now();
        Self { refresh_token, issuer, subject, name, email, organization, saved_at }
    }
}

impl From<Record> for Kept {
    fn from(record: Record) -> Self {
        let Record { refresh_token, issuer, subject, name, email, organization, .. } = record;
        let refresh_token = RefreshToken::new(SecretString::from(refresh_token));
        Self { refresh_token, identity: Identity { issuer, subject, name, email, organization } }
    }
}

fn parse(text: &str) -> Option<Record> {
    let record = serde_json::from_str(text).ok();
    if record.is_none() {
        tracing::warn!("the keyring's entry is not one of ours; sign in again to replace it");
    }
    record
}

#[cfg(test)]
impl Keep {
    pub(super) fn with_keyring(state_dir: PathBuf, keyring: Keyring) -> Self {
        Self { keyring: Some(Arc::new(keyring)), file: Arc::new(File::new(state_dir)) }
    }
}

#[cfg(test)]
pub(super) fn kept(token: &str) -> Kept {
    Kept {
        refresh_token: RefreshToken::new(token.into()),
        identity: Identity {
            issuer: "https://acme.eu.auth0.com/".to_owned(),
            subject: "auth0|ana".to_owned(),
            name: Some("Ana Lima".to_owned()),
            email: None,
            organization: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn token_in(keep: &Keep) -> Option<String> {
        let kept = keep.load("key").await.unwrap();
        kept.map(|kept| kept.refresh_token.expose().to_owned())
    }

    #[tokio::test]
    async fn prefers_the_keyring_and_clears_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let without = Keep::new(folder.path().to_owned(), false);
        without.save("key", &kept("old")).await.unwrap();
        let keyring = Keyring::in_memory();
        let with = Keep::with_keyring(folder.path().to_owned(), keyring);
        assert_eq!(token_in(&with).await.as_deref(), Some("old"));
        with.save("key", &kept("new")).await.unwrap();
        assert_eq!(token_in(&with).await.as_deref(), Some("new"));
        assert_eq!(token_in(&without).await, None);
        with.forget("key").await.unwrap();
        assert_eq!(token_in(&with).await, None);
    }

    #[tokio::test]
    async fn falls_back_to_the_file_when_the_keyring_fails() {
        let folder = tempfile::tempdir().unwrap();
        let keep = Keep::with_keyring(folder.path().to_owned(), Keyring::absent());
        keep.save("key", &kept("kept")).await.unwrap();
        assert_eq!(token_in(&keep).await.as_deref(), Some("kept"));
        keep.forget("key").await.unwrap();
        assert_eq!(token_in(&keep).await, None);
    }

    #[tokio::test]
    async fn waits_for_no_keyring_that_hangs() {
        let folder = tempfile::tempdir().unwrap();
        let keep = Keep::with_keyring(folder.path().to_owned(), Keyring::hanging());
        keep.save("key", &kept("kept")).await.unwrap();
        assert_eq!(token_in(&keep).await.as_deref(), Some("kept"));
    }

    #[tokio::test]
    async fn goes_by_the_newer_of_two() {
        let folder = tempfile::tempdir().unwrap();
        let with = Keep::with_keyring(folder.path().to_owned(), Keyring::in_memory());
        with.save("key", &kept("from the keyring")).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        let without = Keep::new(folder.path().to_owned(), false);
        without.save("key", &kept("from the file, later")).await.unwrap();
        assert_eq!(token_in(&with).await.as_deref(), Some("from the file, later"));
    }
}

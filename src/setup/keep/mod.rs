//! Where the secrets go that Auth0 makes: files that only their owner can read, and the configuration
//! that names them.

mod configuration;
mod secrets;

use std::io;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::Transports;

pub(super) use configuration::{Entry, Group};

/// Where secrets and settings are written.
#[derive(Clone, Debug)]
pub struct Keep {
    /// The folder for secrets, made with mode 0700; each secret is a file with mode 0600.
    pub folder: PathBuf,
    /// The configuration file of `stdio`. What is written there is left alone, comments included.
    pub stdio_config: PathBuf,
    /// The configuration file of `http`.
    pub http_config: PathBuf,
}

/// One setting that was written, or that the person must set. Never a secret itself.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Kept {
    /// For which transport.
    pub transport: Transports,
    /// The variable: `AUTH0_CLIENT_ID`, `AUTH0_CLIENT_SECRET_FILE`, …
    pub variable: &'static str,
    /// Its value; of a secret the path of its file.
    pub value: String,
    /// The configuration file that says so now; nothing where the person must set it.
    pub written_to: Option<PathBuf>,
}

/// Why nothing can be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The folder or a file in it.
    #[error("the secrets that Auth0 makes cannot be kept in `{}`: {reason}", path.display())]
    Secrets {
        /// Where it was tried.
        path: PathBuf,
        /// What stands in the way.
        reason: io::Error,
    },
    /// The configuration file.
    #[error("the configuration file `{}` cannot be extended: {reason}", path.display())]
    Configuration {
        /// Which.
        path: PathBuf,
        /// What stands in the way.
        reason: io::Error,
    },
}

impl Keep {
    /// Sees to it that secrets can be kept, before there are any.
    pub(super) async fn prepare(&self, transports: Transports) -> Result<(), KeepError> {
        let keep = self.clone();
        run(&self.folder, move || {
            secrets::prepare(&keep.folder).map_err(|reason| in_folder(&keep.folder, reason))?;
            for transport in transports.each() {
                let path = keep.configuration(transport);
                configuration::check(path).map_err(|reason| in_file(path, reason))?;
            }
            Ok(())
        })
        .await
    }

    /// Keeps the secret of an application.
    pub(super) async fn secret(
        &self,
        client_id: &str,
        secret: SecretString,
    ) -> Result<PathBuf, KeepError> {
        let path = self.path(client_id);
        run(&self.folder, move || {
            let kept = secrets::write(&path, &secret);
            kept.map(|()| path.clone()).map_err(|reason| in_folder(&path, reason))
        })
        .await
    }

    /// Where the secret of an application was kept, if it was.
    pub(super) fn secret_of(&self, client_id: &str) -> Option<PathBuf> {
        let path = self.path(client_id);
        let there = std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_file());
        there.then_some(path)
    }

    /// Adds the settings that the configuration of `transport` does not have yet.
    pub(super) async fn settings(
        &self,
        transport: Transports,
        groups: Vec<Group>,
    ) -> Result<Vec<Kept>, KeepError> {
        let path = self.configuration(transport).to_owned();
        run(&self.folder, move || {
            let written = configuration::extend(&path, &groups);
            let written = written.map_err(|reason| in_file(&path, reason))?;
            let entries = groups.into_iter().flat_map(|group| group.entries).zip(written);
            let kept = entries.map(|(entry, written)| Kept {
                transport,
                variable: entry.variable,
                value: entry.value,
                written_to: written.then(|| path.clone()),
            });
            Ok(kept.collect())
        })
        .await
    }

    /// The configuration names it, and is read from anywhere.
    fn path(&self, client_id: &str) -> PathBuf {
        let folder = std::path::absolute(&self.folder).unwrap_or_else(|_| self.folder.clone());
        folder.join(secrets::name_of(client_id))
    }

    fn configuration(&self, transport: Transports) -> &Path {
        if transport.http() { &self.http_config } else { &self.stdio_config }
    }
}

/// File systems block.
async fn run<T, F>(folder: &Path, work: F) -> Result<T, KeepError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, KeepError> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(in_folder(folder, io::Error::other(error))),
    }
}

fn in_folder(path: &Path, reason: io::Error) -> KeepError {
    KeepError::Secrets { path: path.to_owned(), reason }
}

fn in_file(path: &Path, reason: io::Error) -> KeepError {
    KeepError::Configuration { path: path.to_owned(), reason }
}

#[cfg(test)]
mod tests;

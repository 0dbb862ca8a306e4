//! The file for machines without a keyring: only its owner can read it, and it is whole at any time.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Error;
use super::store::Record;

const NAME: &str = "session.json";

pub(super) struct File {
    folder: PathBuf,
    /// Reading, changing and writing belong together.
    turn: tokio::sync::Mutex<()>,
}

/// By tenant and application, so that trying another tenant forgets nobody.
#[derive(Default, Serialize, Deserialize)]
struct Contents {
    sessions: BTreeMap<String, Record>,
}

impl File {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, turn: tokio::sync::Mutex::default() }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.join(NAME)
    }

    pub(super) async fn load(self: &Arc<Self>, key: &str) -> Result<Option<Record>, Error> {
        let key = key.to_owned();
        self.run(move |folder| Ok(read(folder)?.sessions.remove(&key))).await
    }

    pub(super) async fn save(self: &Arc<Self>, key: &str, record: Record) -> Result<(), Error> {
        let key = key.to_owned();
        self.run(move |folder| {
            let mut contents = read(folder)?;
            contents.sessions.insert(key, record);
            write(folder, &contents)
        })
        .await
    }

    pub(super) async fn forget(self: &Arc<Self>, key: &str) -> Result<(), Error> {
        let key = key.to_owned();
        self.run(move |folder| {
            let mut contents = read(folder)?;
            match contents.sessions.remove(&key) {
                None => Ok(()),
                Some(_) if contents.sessions.is_empty() => std::fs::remove_file(folder.join(NAME)),
                Some(_) => write(folder, &contents),
            }
        })
        .await
    }

    async fn run<T, F>(self: &Arc<Self>, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Path) -> io::Result<T> + Send + 'static,
    {
        let _turn = self.turn.lock().await;
        let file = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || work(&file.folder)).await;
        done.map_err(io::Error::other)
            .flatten()
            .map_err(|source| Error::Storage { path: self.folder.join(NAME), source })
    }
}

fn read(folder: &Path) -> io::Result<Contents> {
    let path = folder.join(NAME);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Contents::default()),
        Err(error) => return Err(error),
    };
    keep_to_the_owner(&path)?;
    Ok(serde_json::from_slice(&text).unwrap_or_else(|_| {
        tracing::warn!(path = %path.display(), "the file of sign-ins is damaged; sign in again");
        Contents::default()
    }))
}

/// A new file takes the old one's place in one step, so that a crash leaves one of the two.
fn write(folder: &Path, contents: &Contents) -> io::Result<()> {
    make(folder)?;
    let mut file = tempfile::Builder::new().prefix(".session").tempfile_in(folder)?;
    keep_to_the_owner(file.path())?;
    file.write_all(&serde_json::to_vec_pretty(contents)?)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(NAME)).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(unix)]
fn make(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // One that was there before may be open to all.
    let mode = std::fs::metadata(folder)?.permissions().mode();
    if mode & 0o077 != 0 {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn make(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}

#[cfg(unix)]
fn keep_to_the_owner(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "others could read the sign-ins; not any more");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn keep_to_the_owner(_: &Path) -> io::Result<()> {
    // A profile's folders are its owner's already.
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::store::kept;
    use super::*;

    fn file(folder: &Path) -> Arc<File> {
        Arc::new(File::new(folder.to_owned()))
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn lets_nobody_else_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("deep/state");
        file(&folder).save("key", Record::from(&kept("rt"))).await.unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let path = folder.join(NAME);
        assert_eq!((mode(&folder), mode(&path)), (0o700, 0o600));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(file(&folder).load("key").await.unwrap().is_some());
        assert_eq!(mode(&path), 0o600);
    }

    #[tokio::test]
    async fn leaves_nothing_half_written_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path());
        let saves = (0..8).map(|index| {
            let file = Arc::clone(&file);
            async move { file.save(&format!("key {index}"), Record::from(&kept("rt"))).await }
        });
        for saved in futures::future::join_all(saves).await {
            saved.unwrap();
        }
        let names = std::fs::read_dir(folder.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
        assert_eq!(names, [NAME]);
        assert_eq!(read(folder.path()).unwrap().sessions.len(), 8);
        for index in 0..8 {
            file.forget(&format!("key {index}")).await.unwrap();
        }
        assert!(!folder.path().join(NAME).exists());
    }

    #[tokio::test]
    async fn takes_a_damaged_file_for_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(NAME), "{\"sessions\":").unwrap();
        let file = file(folder.path());
        assert!(file.load("key").await.unwrap().is_none());
        file.save("key", Record::from(&kept("rt"))).await.unwrap();
        assert!(file.load("key").await.unwrap().is_some());
    }

    #[tokio::test]
    async fn says_where_it_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken");
        std::fs::write(&taken, "").unwrap();
        let error = file(&taken).save("key", Record::from(&kept("rt"))).await.unwrap_err();
        let path = taken.join(NAME);
        assert_eq!(
            error.to_string(),
            format!("the sign-in cannot be kept in `{}`", path.display())
        );
    }
}

//! The folder of secrets. It is its owner's alone, and nothing in it is followed elsewhere.

use std::io::{self, Write as _};
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

/// A name that no secret has.
const PREFIX: &str = ".secret";
/// Auth0's client ids take 32 characters.
const MAX_ID: usize = 64;

/// Makes the folder if need be, and tries it.
pub(super) fn prepare(folder: &Path) -> io::Result<()> {
    make(folder)?;
    let file = new_file(folder)?;
    belongs_to_us(folder, file.path())
}

/// Writes a secret. A new file takes the place of whatever is there in one step, so that a link that
/// somebody planted is replaced, not followed.
pub(super) fn write(path: &Path, secret: &SecretString) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    make(folder)?;
    let mut file = new_file(folder)?;
    belongs_to_us(folder, file.path())?;
    file.write_all(secret.expose_secret().as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// The name of the file with an application's secret. An id is what Auth0 says it is, and is no path.
pub(super) fn name_of(client_id: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !client_id.is_empty() && client_id.len() <= MAX_ID && client_id.bytes().all(plain) {
        return format!("client-secret-{client_id}");
    }
    let hash = Sha256::digest(client_id);
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("client-secret.{hash}")
}

/// `tempfile` makes it exclusively, with mode 0600.
fn new_file(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(PREFIX).tempfile_in(folder)
}

#[cfg(unix)]
fn make(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let found = std::fs::symlink_metadata(folder)?;
    if !found.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotADirectory, "it is a link"));
    }
    if found.permissions().mode() & 0o077 != 0 {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn make(folder: &Path) -> io::Result<()> {
    // A profile's folders are its owner's already.
    std::fs::create_dir_all(folder)
}

/// A folder that somebody else made can be changed under us whatever its mode.
#[cfg(unix)]
fn belongs_to_us(folder: &Path, ours: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    if std::fs::symlink_metadata(folder)?.uid() == std::fs::symlink_metadata(ours)?.uid() {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to somebody else"))
    }
}

#[cfg(not(unix))]
fn belongs_to_us(_: &Path, _: &Path) -> io::Result<()> {
    Ok(())
}

//! Reading and writing a file that belongs to another program and to a person who cares for it.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// What some editors of Windows put in front of UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";
/// No client's file is larger; one that is holds something else.
const LARGEST: u64 = 16 << 20;
/// How many links may lead to a file.
const LINKS: usize = 16;

/// A file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct ClientFile {
    /// Where the text really is: links stay, and what they point to is written.
    target: PathBuf,
    /// Its bytes as text; nothing where there is no file.
    raw: Option<String>,
}

impl ClientFile {
    /// Reads the file that `path` is or leads to.
    pub(in crate::cli) fn read(path: &Path) -> anyhow::Result<Self> {
        let target = follow(path)?;
        let named = || format!("`{}` cannot be read", path.display());
        let raw = match std::fs::metadata(&target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(named),
            Ok(found) if !found.is_file() => bail!("`{}` is not a file", path.display()),
            Ok(found) if found.len() > LARGEST => {
                bail!("`{}` is too large to be a client's configuration", path.display())
            }
            Ok(_) => {
                let bytes = std::fs::read(&target).with_context(named)?;
                let text = String::from_utf8(bytes).ok();
                Some(text.with_context(|| format!("`{}` is not UTF-8", path.display()))?)
            }
        };
        Ok(Self { target, raw })
    }

    /// Whether the file is there.
    pub(super) fn exists(&self) -> bool {
        self.raw.is_some()
    }

    /// Its text, without a byte order mark.
    pub(in crate::cli) fn text(&self) -> &str {
        let raw = self.raw.as_deref().unwrap_or_default();
        raw.strip_prefix(BYTE_ORDER_MARK).unwrap_or(raw)
    }

    /// Puts `text` in the place of the old one, in one step: whoever reads meanwhile sees one of the two.
    pub(super) fn write(&self, text: &str) -> anyhow::Result<()> {
        if Self::read(&self.target)? != *self {
            bail!("`{}` has changed meanwhile; nothing was written", self.target.display());
        }
        self.replace(text).with_context(|| format!("`{}` cannot be written", self.target.display()))
    }

    fn replace(&self, text: &str) -> io::Result<()> {
        let folder = self.target.parent().ok_or(io::ErrorKind::InvalidInput)?;
        std::fs::create_dir_all(folder)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".bitbucket-vault-mcp");
        as_any_new_file(&mut builder);
        let mut file = builder.tempfile_in(folder)?;
        let marked = self.raw.as_deref().is_some_and(|raw| raw.starts_with(BYTE_ORDER_MARK));
        if marked {
            file.write_all(BYTE_ORDER_MARK.as_bytes())?;
        }
        file.write_all(text.as_bytes())?;
        if self.exists() {
            std::fs::set_permissions(file.path(), std::fs::metadata(&self.target)?.permissions())?;
        }
        file.as_file().sync_all()?;
        file.persist(&self.target).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Where a chain of links ends, there or not: a link whose target is not there yet is written through.
fn follow(path: &Path) -> anyhow::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..LINKS {
        match std::fs::read_link(&target) {
            Ok(next) => {
                let folder = target.parent().unwrap_or(Path::new("")).to_owned();
                target = folder.join(next);
            }
            Err(_) => return Ok(target),
        }
    }
    bail!("`{}` is a link that leads nowhere", path.display())
}

/// The mode that any program's new file gets: what the person's `umask` leaves of it.
#[cfg(unix)]
fn as_any_new_file(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt as _;
    builder.permissions(std::fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn as_any_new_file(_: &mut tempfile::Builder<'_, '_>) {}

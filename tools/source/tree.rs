//! What a commit finds in the tree that it changes.

use std::collections::HashMap;

use super::changes::{Change, What};
use super::editing;
use crate::bitbucket::{self, EntryData, EntryKind, FileMode, FilePath, Repository, Resolved};
use crate::text::Foreign;
use crate::tools::lookup;
use crate::tools::shown::PATH;
use crate::{Error, Result};

/// How large a file may be to be edited or moved.
const LONGEST: usize = 10 * 1024 * 1024;
/// How far apart the folders of the files may be for one look at all of them.
const DEEPEST: usize = 6;

/// The tree before the commit.
pub(super) struct Before<'a> {
    repository: &'a Repository<'a>,
    resolved: &'a Resolved,
    entries: HashMap<String, EntryData>,
}

/// What becomes of one file.
#[derive(Debug)]
pub(super) struct After {
    pub(super) path: FilePath,
    /// Where it was, if it moves.
    pub(super) from: Option<FilePath>,
    /// Its new bytes and mode; nothing if it is deleted.
    pub(super) data: Option<(Vec<u8>, FileMode)>,
    /// Whether there was none.
    pub(super) created: bool,
}

impl<'a> Before<'a> {
    /// Looks at all paths that the changes name, in one request where that can be.
    pub(super) async fn read(
        repository: &'a Repository<'a>,
        resolved: &'a Resolved,
        changes: &[Change],
    ) -> Result<Before<'a>> {
        let paths: Vec<&FilePath> = changes
            .iter()
            .flat_map(|change| [Some(&change.path), change.source()])
            .flatten()
            .collect();
        let folder = common_folder(&paths);
        let above = folder.as_str().split('/').filter(|part| !part.is_empty()).count();
        let depth = paths.iter().map(|path| path.as_str().split('/').count()).max().unwrap_or(1);
        let depth = depth.saturating_sub(above).max(1);
        let mut before = Self { repository, resolved, entries: HashMap::new() };
        let mut looked = false;
        if depth <= DEEPEST {
            let depth = u32::try_from(depth).unwrap_or(1);
            let above = folders_below(&folder, changes);
            let asked: Vec<&FilePath> = paths.iter().copied().chain(&above).collect();
            match repository.entries(&resolved.hash, &folder, depth, &asked).await {
                Ok(entries) => {
                    // Where the query was taken no heed of, what is missing may still be there.
                    let is_asked =
                        |entry: &EntryData| asked.iter().any(|path| path.as_str() == entry.path);
                    looked = entries.iter().all(is_asked);
                    before.keep(entries);
                }
                Err(bitbucket::Error::NotFound { .. }) if !folder.is_root() => {
                    looked = true;
                    before.check_new(&folder).await?;
                }
                // The look takes Bitbucket too long.
                Err(bitbucket::Error::TimedOut | bitbucket::Error::Status { status: 400, .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        for change in changes {
            // What must be there is looked for by itself before it is called missing.
            for path in [(!looked).then_some(&change.path), change.source()].into_iter().flatten() {
                if before.entries.contains_key(path.as_str()) {
                    continue;
                }
                match repository.entry(&resolved.hash, path).await {
                    Ok(entry) => {
                        before.keep(vec![EntryData { path: path.as_str().into(), ..entry }])
                    }
                    Err(error) if !error.is_not_found() => return Err(error.into()),
                    Err(_) if change.source() == Some(path) => {
                        return Err(lookup::no_path(repository, resolved, path).await);
                    }
                    Err(_) => {}
                }
            }
        }
        Ok(before)
    }

    /// What the change makes of its file; nothing if that is how it is already.
    pub(super) async fn after(&self, change: &Change) -> Result<Option<After>> {
        let path = &change.path;
        let (from, edits) = match &change.what {
            What::Delete => {
                self.file(path)?;
                return Ok(Some(After {
                    path: path.clone(),
                    from: None,
                    data: None,
                    created: false,
                }));
            }
            What::Write { data, overwrite } => return self.write(change, data, *overwrite).await,
            What::Edit { from, edits } => (from, edits),
        };
        if from.is_some() {
            self.free(path, "`move_from` writes over nothing; `delete` it in a commit before")?;
            self.check_above(path)?;
        }
        let source = from.as_ref().unwrap_or(path);
        let entry = self.plain_file(source)?;
        let old = self.bytes(source).await?;
        let new = if edits.is_empty() {
            old.clone()
        } else {
            let text = std::str::from_utf8(&old).map_err(|_| {
                Error::refused(
                    format!("{} is not UTF-8 text", quoted(source)),
                    "nothing was committed; give the whole file as `content_base64`",
                )
            })?;
            let edited = editing::apply(text, edits).map_err(|why| {
                Error::refused(
                    format!("{}: {why}", quoted(source)),
                    "nothing was committed; read the lines with `get_file`",
                )
            })?;
            edited.into_bytes()
        };
        let (was, mode) = modes(Some(entry), change.executable);
        if from.is_none() && new == old && mode == was {
            return Ok(None);
        }
        let data = Some((new, mode));
        Ok(Some(After { path: path.clone(), from: from.clone(), data, created: false }))
    }

    async fn write(&self, change: &Change, data: &[u8], overwrite: bool) -> Result<Option<After>> {
        let path = &change.path;
        let there = self.entries.get(path.as_str());
        if there.is_none() || !overwrite {
            self.free(path, "`overwrite: true` replaces it, `edits` change parts of it")?;
            self.check_above(path)?;
        } else {
            self.plain_file(path)?;
        }
        let (was, mode) = modes(there, change.executable);
        let same_size =
            there.is_some_and(|entry| entry.size.is_none_or(|size| size == data.len() as u64));
        if same_size && mode == was && self.bytes(path).await? == data {
            return Ok(None);
        }
        let data = Some((data.to_vec(), mode));
        Ok(Some(After { path: path.clone(), from: None, data, created: there.is_none() }))
    }

    /// There is nothing at `path` yet.
    fn free(&self, path: &FilePath, hint: &str) -> Result<()> {
        match self.entries.get(path.as_str()) {
            None => Ok(()),
            Some(entry) if entry.kind == EntryKind::Folder => Err(folder(path)),
            Some(_) => Err(Error::conflict(
                format!("{} exists", quoted(path)),
                format!("nothing was committed; {hint}"),
            )),
        }
    }

    /// No part of the way to `path` is a file. Bitbucket would put a folder in its place.
    fn check_above(&self, path: &FilePath) -> Result<()> {
        let mut above = path.as_str();
        while let Some((parent, _)) = above.rsplit_once('/') {
            if self.entries.get(parent).is_some_and(|entry| entry.kind == EntryKind::File) {
                return Err(no_folder(parent));
            }
            above = parent;
        }
        Ok(())
    }

    /// A folder that cannot be listed is new: neither it nor one above it is a file.
    async fn check_new(&self, folder: &FilePath) -> Result<()> {
        let mut above = folder.as_str();
        loop {
            let Ok(path) = FilePath::try_from(above) else { return Ok(()) };
            match self.repository.entry(&self.resolved.hash, &path).await {
                Ok(entry) if entry.kind == EntryKind::File => return Err(no_folder(above)),
                Ok(_) => return Ok(()),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error.into()),
            }
            match above.rsplit_once('/') {
                Some((parent, _)) => above = parent,
                None => return Ok(()),
            }
        }
    }

    /// The file, link or submodule at `path`.
    fn file(&self, path: &FilePath) -> Result<&EntryData> {
        match self.entries.get(path.as_str()) {
            Some(entry) if entry.kind == EntryKind::File => Ok(entry),
            _ => Err(folder(path)),
        }
    }

    /// A file whose bytes are in git.
    fn plain_file(&self, path: &FilePath) -> Result<&EntryData> {
        let entry = self.file(path)?;
        for (attribute, what) in [
            ("link", "a symbolic link"),
            ("subrepository", "a submodule"),
            ("lfs", "a file in Git LFS"),
        ] {
            if entry.attributes.iter().any(|name| name == attribute) {
                return Err(Error::refused(
                    format!("{} is {what}", quoted(path)),
                    "nothing was committed; that can be changed by `git push` only",
                ));
            }
        }
        Ok(entry)
    }

    async fn bytes(&self, path: &FilePath) -> Result<Vec<u8>> {
        let bytes = self.repository.raw(&self.resolved.hash, path, LONGEST).await?;
        if bytes.elsewhere.is_some() || bytes.truncated {
            return Err(Error::refused(
                format!("{} is too large, or in Git LFS", quoted(path)),
                "nothing was committed; that can be changed by `git push` only",
            ));
        }
        Ok(bytes.data)
    }

    fn keep(&mut self, entries: Vec<EntryData>) {
        self.entries.extend(entries.into_iter().map(|entry| (entry.path.clone(), entry)));
    }
}

/// The mode before, and the one to be.
fn modes(entry: Option<&EntryData>, wanted: Option<bool>) -> (FileMode, FileMode) {
    let mode = |executable| if executable { FileMode::Executable } else { FileMode::Plain };
    let was = entry.is_some_and(|entry| entry.attributes.iter().any(|name| name == "executable"));
    (mode(was), mode(wanted.unwrap_or(was)))
}

/// The deepest folder that all paths are in.
fn common_folder(paths: &[&FilePath]) -> FilePath {
    let mut common: Option<Vec<&str>> = None;
    for path in paths {
        let mut parts: Vec<&str> = path.as_str().split('/').collect();
        parts.pop();
        common = Some(match common {
            None => parts,
            Some(common) => {
                common.into_iter().zip(parts).take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
            }
        });
    }
    FilePath::try_from(common.unwrap_or_default().join("/")).unwrap_or_default()
}

/// The folders between `folder` and what is written, any of which could be a file.
fn folders_below(folder: &FilePath, changes: &[Change]) -> Vec<FilePath> {
    let mut below: Vec<FilePath> = Vec::new();
    for change in changes.iter().filter(|change| !matches!(change.what, What::Delete)) {
        let mut above = change.path.as_str();
        while let Some((parent, _)) = above.rsplit_once('/') {
            above = parent;
            if parent.len() <= folder.as_str().len() {
                break;
            }
            below.extend(FilePath::try_from(parent).ok().filter(|parent| !below.contains(parent)));
        }
    }
    below
}

fn no_folder(path: &str) -> Error {
    Error::conflict(
        format!("{} is a file, not a folder", Foreign::line(path, PATH).quoted()),
        "nothing was committed; choose another path",
    )
}

fn folder(path: &FilePath) -> Error {
    Error::conflict(
        format!("{} is a folder", quoted(path)),
        "nothing was committed; name files, one by one",
    )
}

fn quoted(path: &FilePath) -> String {
    Foreign::line(path.as_str(), PATH).quoted()
}

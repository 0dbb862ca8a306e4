//! Reads the files of a tree for some text, within bounds, and says what it left out.

use std::fmt::Write as _;

use futures::StreamExt;
use schemars::JsonSchema;
use serde::Serialize;

use super::matches::{FileMatches, Terms};
use crate::Result;
use crate::bitbucket::{self, Content, EntryData, EntryKind, FilePath, Repository, Resolved};
use crate::diff::is_generated;
use crate::tools::lookup;
use crate::tools::shown::count;
use crate::tools::wanted::Wanted;

/// How deep folders are looked into; Bitbucket gives up on much more.
const DEPTH: u32 = 12;
/// How many entries of the tree are listed: a request for each hundred.
const ENTRIES: usize = 2_000;
/// How many files are read: contents of files are counted apart, 5,000 an hour.
const FILES: usize = 200;
/// How many at the same time.
const AT_ONCE: usize = 8;
/// How large a file may be.
const LONGEST: u64 = 512 * 1024;

/// One search.
pub(super) struct Grep<'a> {
    pub(super) repository: &'a Repository<'a>,
    pub(super) resolved: &'a Resolved,
    pub(super) paths: &'a [Wanted],
    /// How many files with a match are enough.
    pub(super) limit: usize,
}

/// What was read, and why.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Grepped {
    /// Why the index was of no use.
    why: &'static str,
    /// How many files were read.
    read: usize,
    /// How many more could have a match.
    unread: usize,
    /// Whether the tree was not listed to its end.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tree_cut: bool,
    /// How many are binary, links, in LFS, generated, or too large.
    #[serde(skip_serializing_if = "is_zero")]
    skipped: usize,
}

impl Grep<'_> {
    pub(super) async fn run(
        &self,
        terms: &Terms,
        why: &'static str,
    ) -> Result<(Vec<FileMatches>, Grepped)> {
        let (folder, depth) = (self.folder(), DEPTH);
        let hash = &self.resolved.hash;
        let page = self.repository.folder(hash, &folder, depth, ENTRIES, None).await;
        let page = match page {
            Err(error) if !folder.is_root() => {
                return Err(lookup::no_folder(self.repository, self.resolved, &folder, error).await);
            }
            page => page?,
        };
        let files = page.values.iter().filter(|entry| entry.kind == EntryKind::File);
        let files = files.filter(|entry| self.takes(&entry.path));
        let (wanted, skipped): (Vec<&EntryData>, Vec<&EntryData>) =
            files.partition(|entry| self.reads(entry));
        let mut grepped = Grepped {
            why,
            read: 0,
            unread: wanted.len(),
            tree_cut: page.next.is_some(),
            skipped: skipped.len(),
        };
        let mut found = Vec::new();
        let names: Vec<String> =
            wanted.iter().take(FILES).map(|entry| entry.path.clone()).collect();
        let reads = names.into_iter().map(|path| self.read(path));
        let mut reads = futures::stream::iter(reads).buffered(AT_ONCE);
        while let Some(read) = reads.next().await {
            let (path, content) = match read {
                Ok(read) => read,
                // What was found so far is of use even if the rest cannot be had.
                Err(bitbucket::Error::RateLimited { .. } | bitbucket::Error::TimedOut)
                    if grepped.read > 0 =>
                {
                    break;
                }
                Err(error) => return Err(error.into()),
            };
            grepped.read += 1;
            grepped.unread -= 1;
            if let Content::Text { text, .. } = content {
                found.extend(FileMatches::of_text(&path, &text, terms));
            }
            if found.len() >= self.limit {
                break;
            }
        }
        Ok((found, grepped))
    }

    async fn read(&self, path: String) -> Result<(String, Content), bitbucket::Error> {
        let unfit = |_| bitbucket::Error::Unaddressable { argument: path.clone() };
        let file = FilePath::try_from(path.as_str()).map_err(unfit)?;
        let limit = usize::try_from(LONGEST).unwrap_or(usize::MAX);
        Ok((path, self.repository.file(&self.resolved.hash, &file, limit).await?))
    }

    /// The one folder that all wanted paths are in, as far as that is clear without looking.
    fn folder(&self) -> FilePath {
        let [one] = self.paths else { return FilePath::default() };
        let start = one.text.split(['*', '?', '[', '{']).next().unwrap_or_default();
        let folder = start.rsplit_once('/').map_or("", |(folder, _)| folder);
        let has_ending = one.text.rsplit('/').next().is_some_and(|name| name.contains('.'));
        let folder = if one.glob.is_none() && !has_ending { &one.text } else { folder };
        FilePath::try_from(folder).unwrap_or_default()
    }

    fn takes(&self, path: &str) -> bool {
        self.paths.is_empty() || self.paths.iter().any(|wanted| wanted.takes(path))
    }

    /// Whether a file can be read as text that people wrote, or was asked for by name.
    fn reads(&self, entry: &EntryData) -> bool {
        let odd = ["link", "subrepository", "binary", "lfs"];
        let is_odd = entry.attributes.iter().any(|name| odd.contains(&name.as_str()));
        let named = self.paths.iter().any(|wanted| wanted.text == entry.path);
        !is_odd
            && entry.size.is_none_or(|size| size <= LONGEST)
            && (named || !is_generated(&entry.path))
    }
}

impl Grepped {
    /// After what was found.
    pub(super) fn write(&self, text: &mut String) {
        let _ = write!(text, "; read {} ({})", count(self.read, "file", "files"), self.why);
        let mut left = Vec::new();
        if self.unread > 0 {
            left.push(format!("{} not read", count(self.unread, "more file", "more files")));
        }
        if self.tree_cut {
            left.push(format!("the tree was not listed beyond {ENTRIES} entries"));
        }
        if self.skipped > 0 {
            left.push(format!("{} binary, generated or too large left out", self.skipped));
        }
        if !left.is_empty() {
            let _ = write!(text, ", {}", left.join(", "));
        }
        if self.unread > 0 || self.tree_cut {
            text.push_str(" (narrow with `paths`)");
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

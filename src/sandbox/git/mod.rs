//! Git repositories for the sandbox: real objects and real merges, by gitoxide, in memory.
//!
//! Hashes cross this module's boundary as 40 hex digits, whatever the caller means by them.

mod diff;
mod diff_text;
mod history;
mod merge;
mod objects;
mod tree;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gix::ObjectId;
use gix::actor::Signature;
use gix::bstr::{BStr, ByteSlice};
use gix::hash::Kind as HashKind;
use gix::objs::tree::{Editor, EntryKind as Mode};
use gix::objs::{Commit, CommitRef, Kind, Tag as TagObject, TagRef, Tree, TreeRef, Write};
use jiff::Timestamp;

pub(crate) use self::diff::{DiffOptions, FileDiff, Status};
pub(crate) use self::diff_text::is_binary;
pub(crate) use self::merge::{MergeProblem, Strategy};
use self::objects::Objects;
pub(crate) use self::tree::{Entry, EntryKind, Node};

/// What git could not do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is no such object, or it is not of the needed kind.
    #[error("there is no {0} `{1}`")]
    Missing(&'static str, String),
    /// Git itself failed.
    #[error("git failed: {0}")]
    Failed(String),
}

/// A [`std::result::Result`] whose error is git's.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// One bare repository. Cloning gives another handle to the same repository.
#[derive(Clone)]
pub(crate) struct Git(Arc<Inner>);

struct Inner {
    objects: Objects,
    references: Mutex<References>,
}

#[derive(Clone, Default)]
struct References {
    branches: BTreeMap<String, ObjectId>,
    /// The commit, or the tag object of an annotated tag.
    tags: BTreeMap<String, ObjectId>,
}

/// One file's part in a commit.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Create or replace a file.
    Write { path: String, bytes: Vec<u8>, executable: bool },
    /// Create or replace a symbolic link.
    Link { path: String, target: String },
    /// Delete a file, or a folder with all that is in it.
    Delete { path: String },
}

/// What a commit says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommitInfo {
    pub(crate) hash: String,
    pub(crate) parents: Vec<String>,
    pub(crate) author_name: String,
    pub(crate) author_mail: String,
    pub(crate) date: Timestamp,
    pub(crate) message: String,
    pub(crate) tree: String,
}

/// A tag. A light one has neither tagger, message nor date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) name: String,
    /// The tag object's hash, or the commit's where the tag is a light one.
    pub(crate) hash: String,
    /// The commit.
    pub(crate) target: String,
    /// Name and mail address.
    pub(crate) tagger: Option<(String, String)>,
    pub(crate) message: Option<String>,
    pub(crate) date: Option<Timestamp>,
}

/// What makes a tag an annotated one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Annotation<'a> {
    /// Name and mail address.
    pub(crate) tagger: (&'a str, &'a str),
    pub(crate) message: &'a str,
    pub(crate) when: Timestamp,
}

impl Git {
    /// A repository without any commit.
    pub(crate) fn create() -> Result<Self> {
        let objects = Objects::default();
        objects.write(&Tree::empty()).map_err(failed)?;
        Ok(Self(Arc::new(Inner { objects, references: Mutex::default() })))
    }

    /// A copy that changes on its own from now on. It shares the contents so far.
    pub(crate) fn fork(&self) -> Self {
        let references = Mutex::new(self.references().clone());
        Self(Arc::new(Inner { objects: self.0.objects.clone(), references }))
    }

    /// Adds a commit to the first parent's tree and moves `branch` to it.
    pub(crate) fn commit(
        &self,
        branch: &str,
        parents: &[String],
        changes: &[Change],
        author: (&str, &str),
        when: Timestamp,
        message: &str,
    ) -> Result<String> {
        let parents =
            parents.iter().map(|hash| self.commit_id(hash)).collect::<Result<Vec<_>>>()?;
        let before = match parents.first() {
            Some(parent) => self.tree_of(*parent)?,
            None => ObjectId::empty_tree(HashKind::Sha1),
        };
        let tree = self.edit(before, changes)?;
        let commit = self.write_commit(tree, parents, author, when, message)?;
        self.references().branches.insert(branch.to_owned(), commit);
        Ok(commit.to_string())
    }

    /// Every branch's name and hash, in order of the names.
    pub(crate) fn branches(&self) -> Vec<(String, String)> {
        let references = self.references();
        references.branches.iter().map(|(name, id)| (name.clone(), id.to_string())).collect()
    }

    /// Every tag, in order of the names.
    pub(crate) fn tags(&self) -> Vec<Tag> {
        let tags = self.references().tags.clone();
        tags.iter().filter_map(|(name, id)| self.read_tag(name, *id)).collect()
    }

    /// One tag, by its exact name.
    pub(crate) fn tag(&self, name: &str) -> Option<Tag> {
        let id = self.references().tags.get(name).copied()?;
        self.read_tag(name, id)
    }

    /// Creates a branch, or moves it to `hash`.
    pub(crate) fn set_branch(&self, name: &str, hash: &str) -> Result<()> {
        let id = self.commit_id(hash)?;
        self.references().branches.insert(name.to_owned(), id);
        Ok(())
    }

    /// Moves a branch from `expected` to `hash`, and says whether it was still there.
    pub(crate) fn move_branch(&self, name: &str, expected: &str, hash: &str) -> Result<bool> {
        let id = self.commit_id(hash)?;
        let mut references = self.references();
        match references.branches.get_mut(name) {
            Some(now) if ObjectId::from_hex(expected.as_bytes()).is_ok_and(|id| id == *now) => {
                *now = id;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Deletes a branch, and says whether it was there.
    pub(crate) fn delete_branch(&self, name: &str) -> bool {
        self.references().branches.remove(name).is_some()
    }

    /// Creates a tag at a commit, or moves it there. Without an annotation it is a light one.
    pub(crate) fn set_tag(
        &self,
        name: &str,
        hash: &str,
        annotation: Option<Annotation<'_>>,
    ) -> Result<()> {
        let target = self.commit_id(hash)?;
        let id = match annotation {
            None => target,
            Some(Annotation { tagger, message, when }) => self
                .0
                .objects
                .write(&TagObject {
                    target,
                    target_kind: Kind::Commit,
                    name: name.into(),
                    tagger: Some(signature(tagger, when)),
                    message: message.into(),
                    signature: None,
                })
                .map_err(failed)?,
        };
        self.references().tags.insert(name.to_owned(), id);
        Ok(())
    }

    /// Deletes a tag, and says whether it was there.
    pub(crate) fn delete_tag(&self, name: &str) -> bool {
        self.references().tags.remove(name).is_some()
    }

    /// The hash of the branch with exactly this name, slashes included.
    pub(crate) fn resolve_branch(&self, name: &str) -> Option<String> {
        self.references().branches.get(name).map(ToString::to_string)
    }

    /// The commit that a hash (whole, or at least four digits of it), a tag or a branch names.
    ///
    /// A name with a slash is never found here: Bitbucket takes only the first path segment for the
    /// revision, encoded or not (<https://jira.atlassian.com/browse/BCLOUD-9969>).
    /// [`Git::resolve_branch`] and [`Git::tag`] find those.
    pub(crate) fn resolve(&self, revision: &str) -> Option<String> {
        if revision.contains('/') {
            return None;
        }
        if let Ok(id) = ObjectId::from_hex(revision.as_bytes()) {
            return self.tree_of(id).ok().map(|_| id.to_string());
        }
        if let Some(hash) = self.resolve_branch(revision) {
            return Some(hash);
        }
        if let Some(tag) = self.tag(revision) {
            return Some(tag.target);
        }
        let short = revision.to_ascii_lowercase();
        if short.len() < 4 || !short.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut found = self.0.objects.starting_with(&short);
        found.retain(|(_, kind)| *kind == Kind::Commit);
        match found.as_slice() {
            [(only, _)] => Some(only.to_string()),
            _ => None,
        }
    }

    /// What the commit with this whole hash says about itself.
    pub(crate) fn commit_info(&self, hash: &str) -> Option<CommitInfo> {
        let id = ObjectId::from_hex(hash.as_bytes()).ok()?;
        let (kind, contents) = self.0.objects.get(&id)?;
        if kind != Kind::Commit {
            return None;
        }
        let commit = CommitRef::from_bytes(&contents, HashKind::Sha1).ok()?;
        let author = commit.author().ok()?;
        Some(CommitInfo {
            hash: id.to_string(),
            parents: commit.parents().map(|parent| parent.to_string()).collect(),
            author_name: author.name.to_str_lossy().into_owned(),
            author_mail: author.email.to_str_lossy().into_owned(),
            date: Timestamp::from_second(author.time().ok()?.seconds).ok()?,
            message: commit.message.to_str_lossy().into_owned(),
            tree: commit.tree().to_string(),
        })
    }

    fn read_tag(&self, name: &str, id: ObjectId) -> Option<Tag> {
        let (kind, contents) = self.0.objects.get(&id)?;
        let (hash, name) = (id.to_string(), name.to_owned());
        if kind == Kind::Commit {
            let target = hash.clone();
            return Some(Tag { name, hash, target, tagger: None, message: None, date: None });
        }
        let tag = TagRef::from_bytes(&contents, HashKind::Sha1).ok()?;
        let tagger = tag.tagger().ok()??;
        Some(Tag {
            name,
            hash,
            target: tag.target().to_string(),
            message: Some(tag.message.to_str_lossy().into_owned()),
            date: Timestamp::from_second(tagger.time().ok()?.seconds).ok(),
            tagger: Some((
                tagger.name.to_str_lossy().into_owned(),
                tagger.email.to_str_lossy().into_owned(),
            )),
        })
    }

    fn edit(&self, before: ObjectId, changes: &[Change]) -> Result<ObjectId> {
        let objects = &self.0.objects;
        let mut editor = Editor::new(self.read_tree(before)?, objects, HashKind::Sha1);
        for change in changes {
            match change {
                Change::Write { path, bytes, executable } => {
                    let blob = objects.write_buf(Kind::Blob, bytes).map_err(failed)?;
                    let mode = if *executable { Mode::BlobExecutable } else { Mode::Blob };
                    editor.upsert(components(path), mode, blob).map_err(failed)?;
                }
                Change::Link { path, target } => {
                    let blob = objects.write_buf(Kind::Blob, target.as_bytes()).map_err(failed)?;
                    editor.upsert(components(path), Mode::Link, blob).map_err(failed)?;
                }
                Change::Delete { path } => {
                    editor.remove(components(path)).map_err(failed)?;
                }
            }
        }
        editor.write(|tree| objects.write(tree)).map_err(failed)
    }

    fn write_commit(
        &self,
        tree: ObjectId,
        parents: Vec<ObjectId>,
        author: (&str, &str),
        when: Timestamp,
        message: &str,
    ) -> Result<ObjectId> {
        let author = signature(author, when);
        let commit = Commit {
            tree,
            parents: parents.into_iter().collect(),
            committer: author.clone(),
            author,
            encoding: None,
            message: message.into(),
            extra_headers: Vec::new(),
        };
        self.0.objects.write(&commit).map_err(failed)
    }

    fn commit_id(&self, hash: &str) -> Result<ObjectId> {
        let id = ObjectId::from_hex(hash.as_bytes()).ok();
        id.filter(|id| self.0.objects.get(id).is_some_and(|(kind, _)| kind == Kind::Commit))
            .ok_or_else(|| Error::Missing("commit", hash.to_owned()))
    }

    fn tree_of(&self, commit: ObjectId) -> Result<ObjectId> {
        let missing = || Error::Missing("commit", commit.to_string());
        let (kind, contents) = self.0.objects.get(&commit).ok_or_else(missing)?;
        if kind != Kind::Commit {
            return Err(missing());
        }
        Ok(CommitRef::from_bytes(&contents, HashKind::Sha1).map_err(failed)?.tree())
    }

    fn read_tree(&self, id: ObjectId) -> Result<Tree> {
        let missing = || Error::Missing("tree", id.to_string());
        let (_, contents) = self.0.objects.get(&id).ok_or_else(missing)?;
        Ok(TreeRef::from_bytes(&contents, HashKind::Sha1).map_err(failed)?.into())
    }

    fn references(&self) -> MutexGuard<'_, References> {
        self.0.references.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn signature((name, mail): (&str, &str), when: Timestamp) -> Signature {
    let time = gix::date::Time::new(when.as_second(), 0);
    Signature { name: name.into(), email: mail.into(), time }
}

fn components(path: &str) -> impl Iterator<Item = &BStr> {
    path.split('/').filter(|part| !part.is_empty()).map(|part| part.as_bytes().as_bstr())
}

fn failed(error: impl Display) -> Error {
    Error::Failed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_commits_the_hash_that_git_gives_them() {
        let git = Git::create().unwrap();
        let when = Timestamp::from_second(1_700_000_000).unwrap();
        let write = |path: &str, text: &str| Change::Write {
            path: path.into(),
            bytes: text.into(),
            executable: false,
        };
        let first = git
            .commit(
                "main",
                &[],
                &[write("a/b.txt", "one\n"), write("c.txt", "two\n")],
                ("Ana Lima", "ana@example.com"),
                when,
                "First\n",
            )
            .unwrap();
        // What `git hash-object -t commit` says of the same text.
        assert_eq!(first, FIRST);
        assert_eq!(git.resolve("main").as_deref(), Some(FIRST));
        assert_eq!(git.resolve(&FIRST[..7]).as_deref(), Some(FIRST));
        assert_eq!(git.resolve("abc"), None);
    }

    #[test]
    fn finds_a_branch_with_a_slash_by_its_exact_name_only() {
        let git = Git::create().unwrap();
        let when = Timestamp::from_second(1_700_000_000).unwrap();
        let hash = git.commit("feature/x", &[], &[], ("A", "a@b.c"), when, "x").unwrap();
        assert_eq!(git.resolve("feature/x"), None);
        assert_eq!(git.resolve_branch("feature/x"), Some(hash));
    }

    #[test]
    fn keeps_a_fork_apart_from_its_origin() {
        let git = Git::create().unwrap();
        let when = Timestamp::from_second(1_700_000_000).unwrap();
        let hash = git.commit("main", &[], &[], ("A", "a@b.c"), when, "x").unwrap();
        let fork = git.fork();
        fork.delete_branch("main");
        assert_eq!(git.resolve("main").as_deref(), Some(hash.as_str()));
        assert_eq!(fork.resolve("main"), None);
        assert_eq!(fork.resolve(&hash), Some(hash));
    }

    #[test]
    fn tells_annotated_tags_from_light_ones() {
        let git = Git::create().unwrap();
        let when = Timestamp::from_second(1_700_000_000).unwrap();
        let hash = git.commit("main", &[], &[], ("A", "a@b.c"), when, "x").unwrap();
        let annotation = Annotation { tagger: ("A", "a@b.c"), message: "Release\n", when };
        git.set_tag("v1", &hash, Some(annotation)).unwrap();
        git.set_tag("v1-light", &hash, None).unwrap();
        let tags = git.tags();
        assert_eq!(tags[0].target, hash);
        assert_ne!(tags[0].hash, hash);
        assert_eq!(tags[0].message.as_deref(), Some("Release\n"));
        assert_eq!(tags[0].tagger, Some(("A".into(), "a@b.c".into())));
        assert_eq!(tags[1].hash, hash);
        assert_eq!(tags[1].tagger, None);
        assert_eq!(git.resolve("v1"), Some(hash));
    }

    const FIRST: &str = "d62c1324b670c94569bcdd7bb3607d04f1e6a27e";
}

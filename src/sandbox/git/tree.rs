//! Reading files and folders.

use std::collections::VecDeque;
use std::sync::Arc;

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::objs::tree::EntryKind as Mode;
use gix::objs::{Kind, Tree};

use super::Git;

/// What is at a path.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// A file, or a symbolic link whose bytes are where it points.
    File {
        bytes: Arc<[u8]>,
        executable: bool,
        symlink: bool,
        /// The hash of the contents.
        hash: String,
    },
    /// A folder. [`Git::walk`] tells what is in it.
    Directory,
}

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The whole path from the root.
    pub(crate) path: String,
    pub(crate) kind: EntryKind,
    /// In bytes. Folders have none.
    pub(crate) size: usize,
    /// The hash of the contents.
    pub(crate) hash: String,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Executable,
    Link,
    Directory,
    Submodule,
}

impl Git {
    /// What is at `path` in a commit; the root for an empty path.
    pub(crate) fn tree(&self, commit: &str, path: &str) -> Option<Node> {
        let (mode, id) = self.object_at(commit, path)?;
        match mode {
            Mode::Tree => Some(Node::Directory),
            Mode::Commit => None,
            Mode::Blob | Mode::BlobExecutable | Mode::Link => Some(Node::File {
                bytes: self.blob(id)?,
                executable: mode == Mode::BlobExecutable,
                symlink: mode == Mode::Link,
                hash: id.to_string(),
            }),
        }
    }

    /// All entries below `path`, breadth first, down to `max_depth` levels.
    pub(crate) fn walk(&self, commit: &str, path: &str, max_depth: usize) -> Vec<Entry> {
        let Some((Mode::Tree, root)) = self.object_at(commit, path) else { return Vec::new() };
        let mut found = Vec::new();
        let mut waiting = VecDeque::from([(root, path.trim_matches('/').to_owned(), 1)]);
        while let Some((tree, path, depth)) = waiting.pop_front() {
            for entry in self.entries(tree, &path) {
                if entry.kind == EntryKind::Directory
                    && depth < max_depth
                    && let Ok(id) = ObjectId::from_hex(entry.hash.as_bytes())
                {
                    waiting.push_back((id, entry.path.clone(), depth + 1));
                }
                found.push(entry);
            }
        }
        found
    }

    /// The mode and hash of what is at `path` in a commit.
    pub(super) fn object_at(&self, commit: &str, path: &str) -> Option<(Mode, ObjectId)> {
        let commit = ObjectId::from_hex(commit.as_bytes()).ok()?;
        let mut found = (Mode::Tree, self.tree_of(commit).ok()?);
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let (Mode::Tree, id) = found else { return None };
            let tree: Tree = self.read_tree(id).ok()?;
            let entry = tree.entries.iter().find(|entry| entry.filename == name.as_bytes())?;
            found = (entry.mode.kind(), entry.oid);
        }
        Some(found)
    }

    pub(super) fn blob(&self, id: ObjectId) -> Option<Arc<[u8]>> {
        self.0.objects.get(&id).filter(|(kind, _)| *kind == Kind::Blob).map(|(_, bytes)| bytes)
    }

    fn entries(&self, tree: ObjectId, folder: &str) -> Vec<Entry> {
        let Ok(tree) = self.read_tree(tree) else { return Vec::new() };
        let entry = |entry: &gix::objs::tree::Entry| {
            let name = entry.filename.to_str_lossy();
            let path = if folder.is_empty() { name.into() } else { format!("{folder}/{name}") };
            let kind = match entry.mode.kind() {
                Mode::Tree => EntryKind::Directory,
                Mode::Blob => EntryKind::File,
                Mode::BlobExecutable => EntryKind::Executable,
                Mode::Link => EntryKind::Link,
                Mode::Commit => EntryKind::Submodule,
            };
            let size = self.blob(entry.oid).map_or(0, |bytes| bytes.len());
            Entry { path, kind, size, hash: entry.oid.to_string() }
        };
        tree.entries.iter().map(entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::{Change, Git};
    use super::{EntryKind, Node};

    #[test]
    fn walks_breadth_first_and_knows_modes() {
        let git = Git::create().unwrap();
        let write = |path: &str, executable| Change::Write {
            path: path.into(),
            bytes: path.into(),
            executable,
        };
        let changes = [
            write("src/deep/x.rs", false),
            write("src/lib.rs", false),
            write("bin/run", true),
            Change::Link { path: "latest".into(), target: "src/lib.rs".into() },
        ];
        let when = Timestamp::from_second(1).unwrap();
        let commit = git.commit("main", &[], &changes, ("A", "a@b.c"), when, "x").unwrap();
        let paths = |depth| -> Vec<String> {
            git.walk(&commit, "", depth).into_iter().map(|entry| entry.path).collect()
        };
        assert_eq!(paths(1), ["bin", "latest", "src"]);
        assert_eq!(paths(2), ["bin", "latest", "src", "bin/run", "src/deep", "src/lib.rs"]);
        assert_eq!(paths(9).last().unwrap(), "src/deep/x.rs");
        let Some(Node::File { executable: true, .. }) = git.tree(&commit, "bin/run") else {
            panic!("`bin/run` is an executable file")
        };
        let Some(Node::File { symlink: true, bytes, .. }) = git.tree(&commit, "latest") else {
            panic!("`latest` is a link")
        };
        assert_eq!(&*bytes, b"src/lib.rs");
        assert!(matches!(git.tree(&commit, "src/"), Some(Node::Directory)));
        let entries = git.walk(&commit, "src/", 1);
        assert_eq!((entries[0].kind, entries[0].path.as_str()), (EntryKind::Directory, "src/deep"));
        assert_eq!((entries[1].kind, entries[1].size), (EntryKind::File, 10));
        assert!(git.tree(&commit, "src/none").is_none());
    }
}

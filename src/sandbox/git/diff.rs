//! What changed between two commits, file by file, with renames found.

use gix::ObjectId;
use gix::bstr::{BStr, ByteSlice};
use gix::diff::blob::{Pipeline, Platform, pipeline, platform};
use gix::diff::tree_with_rewrites;
use gix::diff::tree_with_rewrites::Change;
use gix::diff::{Rewrites, tree::recorder::Location};
use gix::hash::Kind as HashKind;
use gix::objs::TreeRefIter;
use gix::objs::tree::EntryMode;

use super::diff_text::{Side, render};
use super::{Git, Result, failed};

/// How a diff is to be made.
#[derive(Clone, Debug)]
pub(crate) struct DiffOptions {
    /// Unchanged lines around each change.
    pub(crate) context: usize,
    /// Only these files and folders; everything when empty.
    pub(crate) paths: Vec<String>,
    /// Lines that differ in white space alone count as equal.
    pub(crate) ignore_whitespace: bool,
    /// Pairs a deleted with an added file of similar contents.
    pub(crate) renames: bool,
}

impl Default for DiffOptions {
    fn default() -> Self {
        Self { context: 3, paths: Vec::new(), ignore_whitespace: false, renames: true }
    }
}

/// What happened to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileDiff {
    pub(crate) status: Status,
    /// None for an added file.
    pub(crate) old_path: Option<String>,
    /// None for a removed file.
    pub(crate) new_path: Option<String>,
    /// Lines added.
    pub(crate) added: usize,
    /// Lines removed.
    pub(crate) removed: usize,
    pub(crate) binary: bool,
    /// The change in git's unified format, in the bytes of the files.
    pub(crate) unified: Vec<u8>,
}

/// What happened to a file, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Added,
    Removed,
    Modified,
    Renamed,
}

impl FileDiff {
    /// The new path, or the old one of a removed file.
    pub(crate) fn path(&self) -> &str {
        self.new_path.as_deref().or(self.old_path.as_deref()).unwrap_or_default()
    }
}

impl Git {
    /// What changes from one commit (or from nothing) to another, in order of the paths.
    pub(crate) fn diff(
        &self,
        from: Option<&str>,
        to: &str,
        options: &DiffOptions,
    ) -> Result<Vec<FileDiff>> {
        let old = match from {
            Some(hash) => self.tree_of(self.commit_id(hash)?)?,
            None => ObjectId::empty_tree(HashKind::Sha1),
        };
        let new = self.tree_of(self.commit_id(to)?)?;
        let mut found = Vec::new();
        for change in self.changed(old, new, options.renames)? {
            self.describe(&change, options, &mut found);
        }
        found.sort_by(|one, other| one.path().as_bytes().cmp(other.path().as_bytes()));
        Ok(found)
    }

    fn changed(&self, old: ObjectId, new: ObjectId, renames: bool) -> Result<Vec<Change>> {
        let tree = |id: ObjectId| {
            let missing = || super::Error::Missing("tree", id.to_string());
            self.0.objects.get(&id).map(|(_, contents)| contents).ok_or_else(missing)
        };
        let (old, new) = (tree(old)?, tree(new)?);
        let mut found = Vec::new();
        tree_with_rewrites(
            TreeRefIter::from_bytes(&old, HashKind::Sha1),
            TreeRefIter::from_bytes(&new, HashKind::Sha1),
            &mut similarity_platform(),
            &mut Default::default(),
            &self.0.objects,
            |change| {
                found.push(change.into_owned());
                Ok(std::ops::ControlFlow::Continue(()))
            },
            tree_with_rewrites::Options {
                location: Some(Location::Path),
                rewrites: renames.then(Rewrites::default),
            },
        )
        .map_err(|error| failed(format!("{error:?}")))?;
        Ok(found)
    }

    fn describe(&self, change: &Change, options: &DiffOptions, found: &mut Vec<FileDiff>) {
        let side = |path: &BStr, mode: EntryMode, id: ObjectId| {
            if mode.is_tree() {
                return None;
            }
            let bytes = match self.blob(id) {
                Some(bytes) => bytes,
                // What git itself shows for the commit of a submodule.
                None => format!("Subproject commit {id}\n").into_bytes().into(),
            };
            Some(Side { path: path.to_str_lossy().into_owned(), mode: mode.value(), id, bytes })
        };
        let (old, new, similarity) = match change {
            Change::Addition { location, entry_mode, id, .. } => {
                (None, side(location.as_ref(), *entry_mode, *id), None)
            }
            Change::Deletion { location, entry_mode, id, .. } => {
                (side(location.as_ref(), *entry_mode, *id), None, None)
            }
            Change::Modification { location, previous_entry_mode, previous_id, entry_mode, id } => {
                let old = side(location.as_ref(), *previous_entry_mode, *previous_id);
                (old, side(location.as_ref(), *entry_mode, *id), None)
            }
            Change::Rewrite {
                source_location,
                source_entry_mode,
                source_id,
                diff,
                entry_mode,
                id,
                location,
                ..
            } => {
                let old = side(source_location.as_ref(), *source_entry_mode, *source_id);
                let similarity = diff.map_or(1.0, |diff| diff.similarity);
                (old, side(location.as_ref(), *entry_mode, *id), Some(similarity))
            }
        };
        let wanted = |side: &Option<Side>| side.as_ref().is_some_and(|it| options.covers(&it.path));
        if !wanted(&old) && !wanted(&new) {
            return;
        }
        // A file that turns into a link is one file gone and another one there.
        let turned = matches!((&old, &new), (Some(old), Some(new)) if old.kind() != new.kind());
        if turned {
            found.extend(render(old.as_ref(), None, None, options));
            found.extend(render(None, new.as_ref(), None, options));
        } else {
            found.extend(render(old.as_ref(), new.as_ref(), similarity, options));
        }
    }
}

impl DiffOptions {
    fn covers(&self, path: &str) -> bool {
        let within = |wanted: &String| {
            let wanted = wanted.trim_matches('/');
            wanted.is_empty()
                || path
                    .strip_prefix(wanted)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.paths.is_empty() || self.paths.iter().any(within)
    }
}

/// What tells how similar two files are. Attributes and filters play no part here.
pub(super) fn similarity_platform() -> Platform {
    Platform::new(
        platform::Options::default(),
        Pipeline::new(Default::default(), no_filters(), Vec::new(), pipeline::Options::default()),
        pipeline::Mode::ToGit,
        no_attributes(),
    )
}

pub(super) fn no_filters() -> gix::filter::plumbing::Pipeline {
    gix::filter::plumbing::Pipeline::new(
        gix::command::Context::default(),
        HashKind::Sha1,
        gix::filter::plumbing::pipeline::Options::default(),
    )
}

pub(super) fn no_attributes() -> gix::worktree::Stack {
    use gix::worktree::stack::{State, state::Attributes};
    let state = State::AttributesStack(Attributes::default());
    let case = gix::glob::pattern::Case::Sensitive;
    gix::worktree::Stack::new("", state, case, Vec::new(), Vec::new())
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use jiff::Timestamp;

    use super::super::Change as Edit;
    use super::*;

    fn write(path: &str, text: &str) -> Edit {
        Edit::Write { path: path.into(), bytes: text.into(), executable: false }
    }

    /// Two commits, and what `git diff` says between them.
    fn diff(before: &[Edit], after: &[Edit], options: &DiffOptions) -> Vec<FileDiff> {
        let git = Git::create().unwrap();
        let when = Timestamp::from_second(1).unwrap();
        let author = ("A", "a@b.c");
        let old = git.commit("main", &[], before, author, when, "before").unwrap();
        let new =
            git.commit("main", std::slice::from_ref(&old), after, author, when, "after").unwrap();
        git.diff(Some(&old), &new, options).unwrap()
    }

    fn text(files: &[FileDiff]) -> String {
        files.iter().map(|file| String::from_utf8_lossy(&file.unified).into_owned()).collect()
    }

    fn numbers(range: std::ops::RangeInclusive<usize>) -> String {
        range.map(|number| format!("line {number}\n")).collect()
    }

    #[test]
    fn writes_hunks_with_context_as_git_does() {
        let before = format!("fn first() {{\n{}}}\n", numbers(1..=20));
        let after = before.replace("line 2\n", "line two\n").replace("line 18\n", "");
        let files = diff(
            &[write("src/a.rs", &before)],
            &[write("src/a.rs", &after)],
            &DiffOptions::default(),
        );
        assert_eq!((files[0].added, files[0].removed), (1, 2));
        assert_snapshot!(text(&files), @r#"
        diff --git a/src/a.rs b/src/a.rs
        index 4a857a4..38e713e 100644
        --- a/src/a.rs
        +++ b/src/a.rs
        @@ -1,6 +1,6 @@
         fn first() {
         line 1
        -line 2
        +line two
         line 3
         line 4
         line 5
        @@ -16,7 +16,6 @@ line 14
         line 15
         line 16
         line 17
        -line 18
         line 19
         line 20
         }
        "#);
    }

    #[test]
    fn says_when_the_last_line_has_no_end() {
        let files =
            diff(&[write("a", "one")], &[write("a", "one\ntwo\n")], &DiffOptions::default());
        assert_snapshot!(text(&files), @r#"
        diff --git a/a b/a
        index 43dd47e..814f4a4 100644
        --- a/a
        +++ b/a
        @@ -1 +1,2 @@
        -one
        \ No newline at end of file
        +one
        +two
        "#);
    }

    #[test]
    fn tells_added_removed_renamed_and_changed_modes_apart() {
        let long = numbers(1..=30);
        let run = |executable| Edit::Write {
            path: "run".into(),
            bytes: b"#!/bin/sh\n".into(),
            executable,
        };
        let before =
            [write("gone", "x\n"), write("old/name", &long), run(false), write("z", "z\n")];
        let delete = |path: &str| Edit::Delete { path: path.into() };
        let after = [
            delete("gone"),
            delete("old/name"),
            write("new/name", &long.replace("line 7\n", "line seven\n")),
            run(true),
            write("empty", ""),
        ];
        let files = diff(&before, &after, &DiffOptions::default());
        let statuses: Vec<_> = files.iter().map(|file| (file.status, file.path())).collect();
        assert_eq!(
            statuses,
            [
                (Status::Added, "empty"),
                (Status::Removed, "gone"),
                (Status::Renamed, "new/name"),
                (Status::Modified, "run"),
            ]
        );
        assert_snapshot!(text(&files), @r#"
        diff --git a/empty b/empty
        new file mode 100644
        index 0000000..e69de29
        diff --git a/gone b/gone
        deleted file mode 100644
        index 587be6b..0000000
        --- a/gone
        +++ /dev/null
        @@ -1 +0,0 @@
        -x
        diff --git a/old/name b/new/name
        similarity index 95%
        rename from old/name
        rename to new/name
        index ac9837c..2273048 100644
        --- a/old/name
        +++ b/new/name
        @@ -4,7 +4,7 @@ line 3
         line 4
         line 5
         line 6
        -line 7
        +line seven
         line 8
         line 9
         line 10
        diff --git a/run b/run
        old mode 100644
        new mode 100755
        "#);
        let apart =
            diff(&before, &after, &DiffOptions { renames: false, ..DiffOptions::default() });
        assert_eq!(apart.len(), 5);
    }

    #[test]
    fn quotes_unusual_paths_and_keeps_binary_files_out_of_the_text() {
        let picture = Edit::Write {
            path: "logo.png".into(),
            bytes: b"\x89PNG\0\0".into(),
            executable: false,
        };
        let after = [picture, write("docs/größe.md", "x\n"), write("with space", "x\n")];
        let files = diff(&[], &after, &DiffOptions::default());
        assert!(files[1].binary);
        assert_snapshot!(text(&files), @r#"
        diff --git "a/docs/gr\303\266\303\237e.md" "b/docs/gr\303\266\303\237e.md"
        new file mode 100644
        index 0000000..587be6b
        --- /dev/null
        +++ "b/docs/gr\303\266\303\237e.md"
        @@ -0,0 +1 @@
        +x
        diff --git a/logo.png b/logo.png
        new file mode 100644
        index 0000000..41e3e49
        Binary files /dev/null and b/logo.png differ
        diff --git a/with space b/with space
        new file mode 100644
        index 0000000..587be6b
        --- /dev/null
        +++ b/with space	
        @@ -0,0 +1 @@
        +x
        "#);
    }

    #[test]
    fn ignores_white_space_and_keeps_to_paths_when_asked() {
        let before = [write("a/one", "x  y\n"), write("a/two", "1\n"), write("ab", "1\n")];
        let after = [write("a/one", "x y\n"), write("a/two", "2\n"), write("ab", "2\n")];
        let ignoring = DiffOptions { ignore_whitespace: true, ..DiffOptions::default() };
        let files = diff(&before, &after, &ignoring);
        assert_eq!(files.iter().map(FileDiff::path).collect::<Vec<_>>(), ["a/two", "ab"]);
        let within = DiffOptions { paths: vec!["a/".into()], ..DiffOptions::default() };
        let files = diff(&before, &after, &within);
        assert_eq!(files.iter().map(FileDiff::path).collect::<Vec<_>>(), ["a/one", "a/two"]);
    }
}

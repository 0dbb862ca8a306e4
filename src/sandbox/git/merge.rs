//! Merging one commit into another, in the three ways a pull request can be merged.

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::hash::oid;
use gix::merge::blob::builtin_driver::text::{self, Labels};
use gix::merge::blob::platform::merge::Options as BlobOptions;
use gix::merge::blob::{Pipeline, Platform, pipeline, platform};
use gix::merge::plumbing::{commit, tree};
use gix::objs::Write;
use gix::revwalk::Graph;
use jiff::Timestamp;

use super::diff::{no_attributes, no_filters, similarity_platform};
use super::{Error, Git, Result, failed};

/// How a source is merged into its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// A commit with both as parents, even where moving the branch would do.
    MergeCommit,
    /// One commit on the destination with all the changes of the source.
    Squash,
    /// The destination becomes the source, which must already contain it.
    FastForward,
}

/// Why a merge did not happen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MergeProblem {
    /// Both sides changed the same lines of these files.
    #[error("conflicts in {}", .0.join(", "))]
    Conflicts(Vec<String>),
    /// The destination has commits that the source lacks.
    #[error("the destination has commits that the source lacks")]
    NotFastForward,
    /// Git itself failed.
    #[error(transparent)]
    Git(#[from] Error),
}

impl Git {
    /// The files that cannot be merged by themselves, in order of their paths.
    pub(crate) fn conflicts(&self, ours: &str, theirs: &str) -> Result<Vec<String>> {
        Ok(self.merge_trees(ours, theirs)?.err().unwrap_or_default())
    }

    /// Merges `source` into `destination` and gives back the resulting commit's hash.
    ///
    /// No branch moves.
    pub(crate) fn merge(
        &self,
        source: &str,
        destination: &str,
        strategy: Strategy,
        author: (&str, &str),
        message: &str,
        when: Timestamp,
    ) -> Result<String, MergeProblem> {
        let (theirs, ours) = (self.commit_id(source)?, self.commit_id(destination)?);
        if strategy == Strategy::FastForward {
            let contained = self.merge_base(source, destination).as_deref() == Some(destination);
            return if contained {
                Ok(source.to_owned())
            } else {
                Err(MergeProblem::NotFastForward)
            };
        }
        let tree = self.merge_trees(destination, source)?.map_err(MergeProblem::Conflicts)?;
        let parents = match strategy {
            Strategy::Squash => vec![ours],
            Strategy::MergeCommit | Strategy::FastForward => vec![ours, theirs],
        };
        Ok(self.write_commit(tree, parents, author, when, message)?.to_string())
    }

    /// The merged tree, or the paths in conflict.
    fn merge_trees(&self, ours: &str, theirs: &str) -> Result<Result<ObjectId, Vec<String>>> {
        let (ours, theirs) = (self.commit_id(ours)?, self.commit_id(theirs)?);
        let objects = &self.0.objects;
        let outcome = commit(
            ours,
            theirs,
            Labels::default(),
            &mut Graph::new(objects, None),
            &mut similarity_platform(),
            &mut Platform::new(
                Pipeline::new(Default::default(), no_filters(), pipeline::Options::default()),
                pipeline::Mode::ToGit,
                no_attributes(),
                Vec::new(),
                platform::Options::default(),
            ),
            objects,
            &mut |id: &oid| id.to_string(),
            options(),
        )
        .map_err(failed)?;
        let mut merged = outcome.tree_merge;
        let unresolved = tree::TreatAsUnresolved::git();
        let mut conflicts: Vec<String> = merged
            .conflicts
            .iter()
            .filter(|conflict| conflict.is_unresolved(unresolved))
            .map(|conflict| conflict.ours.location().to_str_lossy().into_owned())
            .collect();
        conflicts.sort();
        conflicts.dedup();
        if !conflicts.is_empty() {
            return Ok(Err(conflicts));
        }
        Ok(Ok(merged.tree.write(|tree| objects.write(tree)).map_err(failed)?))
    }
}

fn options() -> gix::merge::plumbing::commit::Options {
    gix::merge::plumbing::commit::Options {
        allow_missing_merge_base: true,
        use_first_merge_base: false,
        tree_merge: tree::Options {
            rewrites: Some(gix::diff::Rewrites::default()),
            blob_merge: BlobOptions {
                is_virtual_ancestor: false,
                resolve_binary_with: None,
                text: text::Options::default(),
            },
            ..tree::Options::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::Change;
    use super::*;

    const ANA: (&str, &str) = ("Ana", "ana@example.com");

    fn write(path: &str, text: &str) -> Change {
        Change::Write { path: path.into(), bytes: text.into(), executable: false }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// `main` and two branches from its first commit: one that merges, one that does not.
    fn repository() -> (Git, String, String, String) {
        let git = Git::create().unwrap();
        let text = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";
        let base = git.commit("main", &[], &[write("a", text)], ANA, at(1), "base").unwrap();
        let parents = [base];
        let main = git
            .commit(
                "main",
                &parents,
                &[write("a", &text.replace("one", "ONE"))],
                ANA,
                at(2),
                "main",
            )
            .unwrap();
        let good = git
            .commit(
                "good",
                &parents,
                &[write("a", &text.replace("seven", "SEVEN")), write("b", "new\n")],
                ANA,
                at(3),
                "good",
            )
            .unwrap();
        let bad = git
            .commit("bad", &parents, &[write("a", &text.replace("one", "1"))], ANA, at(4), "bad")
            .unwrap();
        (git, main, good, bad)
    }

    fn text_of(git: &Git, commit: &str, path: &str) -> String {
        match git.tree(commit, path) {
            Some(super::super::Node::File { bytes, .. }) => String::from_utf8_lossy(&bytes).into(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn merges_both_sides_into_a_commit_with_two_parents() {
        let (git, main, good, _) = repository();
        let merged = git.merge(&good, &main, Strategy::MergeCommit, ANA, "merge", at(5)).unwrap();
        assert_eq!(git.commit_info(&merged).unwrap().parents, [main.clone(), good]);
        assert_eq!(text_of(&git, &merged, "a"), "ONE\ntwo\nthree\nfour\nfive\nsix\nSEVEN\n");
        assert_eq!(text_of(&git, &merged, "b"), "new\n");
        assert_eq!(git.resolve("main"), Some(main));
    }

    #[test]
    fn squashes_into_one_commit_with_one_parent() {
        let (git, main, good, _) = repository();
        let merged = git.merge(&good, &main, Strategy::Squash, ANA, "squash", at(5)).unwrap();
        assert_eq!(git.commit_info(&merged).unwrap().parents, [main]);
        assert_eq!(text_of(&git, &merged, "b"), "new\n");
    }

    #[test]
    fn fast_forwards_only_what_contains_the_destination() {
        let (git, main, good, _) = repository();
        let base = git.merge_base(&main, &good).unwrap();
        let merged = git.merge(&good, &base, Strategy::FastForward, ANA, "", at(5)).unwrap();
        assert_eq!(merged, good);
        let refused = git.merge(&good, &main, Strategy::FastForward, ANA, "", at(5));
        assert!(matches!(refused, Err(MergeProblem::NotFastForward)));
    }

    #[test]
    fn names_the_files_in_conflict() {
        let (git, main, good, bad) = repository();
        assert_eq!(git.conflicts(&main, &bad).unwrap(), ["a"]);
        assert_eq!(git.conflicts(&main, &good).unwrap(), Vec::<String>::new());
        let refused = git.merge(&bad, &main, Strategy::Squash, ANA, "", at(5)).unwrap_err();
        assert_eq!(refused.to_string(), "conflicts in a");
    }
}

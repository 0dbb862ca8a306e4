//! Walking the history: logs and common ancestors.

use std::collections::{BinaryHeap, HashSet};

use gix::ObjectId;
use gix::revision::plumbing::merge_base;
use gix::revwalk::Graph;

use super::{CommitInfo, Git};

impl Git {
    /// The commits that can be reached from `from` and not from `exclude`, newest first.
    ///
    /// With a path, only those that changed something there. As in `git log`, a merge that took
    /// the path over from one parent as it was is followed into that parent alone.
    pub(crate) fn log(
        &self,
        from: &[String],
        exclude: &[String],
        path: Option<&str>,
    ) -> Vec<String> {
        let path = path.map(|path| path.trim_matches('/')).filter(|path| !path.is_empty());
        let mut seen = self.ancestors(exclude);
        let mut waiting = BinaryHeap::new();
        let mut pushed = 0_u64;
        let mut found = Vec::new();
        let mut push = |waiting: &mut BinaryHeap<Waiting>, hash: &str| {
            if !seen.insert(hash.to_owned()) {
                return;
            }
            if let Some(commit) = self.commit_info(hash) {
                pushed += 1;
                waiting.push(Waiting { when: commit.date.as_second(), earlier: !pushed, commit });
            }
        };
        for hash in from {
            push(&mut waiting, hash);
        }
        while let Some(Waiting { commit, .. }) = waiting.pop() {
            let Some(path) = path else {
                commit.parents.iter().for_each(|parent| push(&mut waiting, parent));
                found.push(commit.hash);
                continue;
            };
            let here = self.object_at(&commit.hash, path);
            let same = commit.parents.iter().find(|parent| self.object_at(parent, path) == here);
            match same {
                Some(parent) => push(&mut waiting, parent),
                None => {
                    commit.parents.iter().for_each(|parent| push(&mut waiting, parent));
                    if here.is_some() || !commit.parents.is_empty() {
                        found.push(commit.hash);
                    }
                }
            }
        }
        found
    }

    /// The best common ancestor of two commits.
    pub(crate) fn merge_base(&self, one: &str, other: &str) -> Option<String> {
        let one = ObjectId::from_hex(one.as_bytes()).ok()?;
        let other = ObjectId::from_hex(other.as_bytes()).ok()?;
        let mut graph = Graph::new(&self.0.objects, None);
        let bases = merge_base(one, &[other], &mut graph).ok()??;
        Some(bases.first().to_string())
    }

    fn ancestors(&self, of: &[String]) -> HashSet<String> {
        let mut found = HashSet::new();
        let mut waiting = of.to_vec();
        while let Some(hash) = waiting.pop() {
            if let Some(commit) = self.commit_info(&hash)
                && found.insert(hash)
            {
                waiting.extend(commit.parents);
            }
        }
        found
    }
}

/// A commit whose turn comes by its date, and among equals in the order of arrival.
struct Waiting {
    when: i64,
    earlier: u64,
    commit: CommitInfo,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.when, self.earlier).cmp(&(other.when, other.earlier))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::{Change, Git};

    fn commit(git: &Git, branch: &str, parents: &[&String], path: &str, second: i64) -> String {
        let bytes = format!("{path} at {second}\n").into_bytes();
        let change = Change::Write { path: path.into(), bytes, executable: false };
        let parents: Vec<String> = parents.iter().map(|&parent| parent.clone()).collect();
        let when = Timestamp::from_second(second).unwrap();
        git.commit(branch, &parents, &[change], ("A", "a@b.c"), when, "x").unwrap()
    }

    #[test]
    fn lists_newest_first_and_leaves_out_what_is_excluded() {
        let git = Git::create().unwrap();
        let one = commit(&git, "main", &[], "a", 1);
        let two = commit(&git, "main", &[&one], "b", 2);
        let side = commit(&git, "side", &[&one], "dir/c", 3);
        let four = commit(&git, "main", &[&two], "a", 4);
        let both = [four.clone(), side.clone()];
        let expected = [four.clone(), side.clone(), two.clone(), one.clone()];
        assert_eq!(git.log(&both, &[], None), expected);
        assert_eq!(
            git.log(std::slice::from_ref(&side), std::slice::from_ref(&four), None),
            std::slice::from_ref(&side)
        );
        assert_eq!(
            git.log(std::slice::from_ref(&four), &[], Some("a")),
            [four.clone(), one.clone()]
        );
        assert_eq!(git.log(&both, &[], Some("dir/")), std::slice::from_ref(&side));
        assert_eq!(git.merge_base(&four, &side), Some(one));
    }
}

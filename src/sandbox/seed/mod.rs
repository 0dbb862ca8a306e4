//! What is in the sandbox's repositories: believable files with a believable history.
//!
//! Dates and texts are fixed, so every sandbox has the same hashes.

mod checkout;
mod code;
mod files;
mod history;
mod lock_file;
mod others;
mod review;
mod shop;
mod shop_open;
mod shop_requests;

use std::sync::LazyLock;

use jiff::Timestamp;

use super::git::{Git, Result};

/// One repository with its history.
#[derive(Clone)]
pub(crate) struct SeededRepository {
    pub(crate) workspace: &'static str,
    pub(crate) slug: &'static str,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) language: &'static str,
    pub(crate) main_branch: &'static str,
    pub(crate) created_on: Timestamp,
    pub(crate) git: Git,
    /// In order of their numbers, which begin at 1 and have no gaps.
    pub(crate) pull_requests: Vec<SeededPullRequest>,
}

/// What the history knows of a pull request.
#[derive(Clone, Debug)]
pub(crate) struct SeededPullRequest {
    pub(crate) number: u64,
    pub(crate) title: &'static str,
    /// The author's nickname.
    pub(crate) author: &'static str,
    pub(crate) source: &'static str,
    pub(crate) destination: &'static str,
    pub(crate) opened: Timestamp,
    pub(crate) fate: Fate,
    /// The last commit of the source.
    pub(crate) source_hash: String,
    /// The commit that the destination was at before the merge, or when this was opened.
    pub(crate) destination_hash: String,
}

/// What became of a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Open,
    Merged { commit: String, when: Timestamp },
    Declined { when: Timestamp },
}

/// Every repository, to be changed at will: each call gives copies of its own.
pub(crate) fn repositories() -> Vec<SeededRepository> {
    static SEED: LazyLock<Vec<SeededRepository>> = LazyLock::new(|| {
        #[expect(clippy::expect_used, reason = "the seed is fixed, and a test builds it")]
        build().expect("the seed should build")
    });
    let fork =
        |seeded: &SeededRepository| SeededRepository { git: seeded.git.fork(), ..seeded.clone() };
    SEED.iter().map(fork).collect()
}

fn build() -> Result<Vec<SeededRepository>> {
    let mut repositories = vec![shop::repository()?];
    repositories.extend(others::repositories()?);
    Ok(repositories)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::git::{DiffOptions, FileDiff, MergeProblem, Strategy};
    use super::*;

    fn shop() -> SeededRepository {
        repositories().remove(0)
    }

    fn change(shop: &SeededRepository, number: u64) -> Vec<FileDiff> {
        let request = &shop.pull_requests[usize::try_from(number).unwrap() - 1];
        let main = shop.git.resolve("main").unwrap();
        let base = shop.git.merge_base(&request.source_hash, &main).unwrap();
        shop.git.diff(Some(&base), &request.source_hash, &DiffOptions::default()).unwrap()
    }

    #[test]
    fn is_built_fast_and_copied_faster() {
        let begun = Instant::now();
        build().unwrap();
        println!("built in {:?}", begun.elapsed());
        repositories();
        let begun = Instant::now();
        repositories();
        println!("copied in {:?}", begun.elapsed());
        // Far above what it takes, so that a busy machine does not fail it.
        assert!(begun.elapsed().as_millis() < 250);
    }

    #[test]
    fn has_the_same_hashes_every_time() {
        let heads = |repositories: Vec<SeededRepository>| -> Vec<_> {
            repositories.iter().map(|repository| repository.git.branches()).collect()
        };
        assert_eq!(heads(build().unwrap()), heads(build().unwrap()));
    }

    #[test]
    fn numbers_pull_requests_without_gaps() {
        let shop = shop();
        let numbers: Vec<u64> = shop.pull_requests.iter().map(|it| it.number).collect();
        assert_eq!(numbers, (1..=47).collect::<Vec<u64>>());
        let open = shop.pull_requests.iter().filter(|it| it.fate == Fate::Open).count();
        assert_eq!(open, 20);
        let main = shop.git.resolve("main").unwrap();
        assert_eq!(shop.git.log(&[main], &[], None).len(), 26);
    }

    #[test]
    fn makes_42_a_change_worth_a_review() {
        let files = change(&shop(), 42);
        assert_eq!(files.len(), 12);
        let lines = |file: &FileDiff| file.added + file.removed;
        let lock_file = files.iter().find(|file| file.path() == "package-lock.json").unwrap();
        assert_eq!(lines(lock_file), 412);
        assert_eq!(files.iter().map(lines).sum::<usize>(), 970);
    }

    #[test]
    fn lets_every_open_pull_request_merge_but_43() {
        let shop = shop();
        let main = shop.git.resolve("main").unwrap();
        let when = Timestamp::UNIX_EPOCH;
        for request in shop.pull_requests.iter().filter(|it| it.fate == Fate::Open) {
            assert_eq!(
                shop.git.resolve_branch(request.source).as_ref(),
                Some(&request.source_hash)
            );
            let merged = shop.git.merge(
                &request.source_hash,
                &main,
                Strategy::MergeCommit,
                ("A", "a@b.c"),
                "x",
                when,
            );
            match merged {
                Ok(_) => assert_ne!(request.number, 43),
                Err(MergeProblem::Conflicts(files)) => {
                    assert_eq!(
                        (request.number, files),
                        (43, vec!["src/checkout/shipping.ts".into()])
                    );
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}

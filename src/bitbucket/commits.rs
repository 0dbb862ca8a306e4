//! Commits.

use jiff::Timestamp;
use serde::Deserialize;

use super::merge::{BUILD_FIELDS, Build};
use super::wire::{User, time};
use super::{Error, FilePath, Page, Repository, Resume};

/// The most commits on a page.
const PAGE: u32 = 100;

/// A commit, as Bitbucket sends it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct CommitData {
    pub(crate) hash: String,
    #[serde(default, deserialize_with = "time")]
    pub(crate) date: Option<Timestamp>,
    #[serde(default)]
    pub(crate) message: Option<String>,
    pub(crate) author: Option<Author>,
    #[serde(default)]
    pub(crate) parents: Vec<CommitHash>,
}

/// A commit by its hash.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct CommitHash {
    pub(crate) hash: String,
}

/// Who wrote a commit: as git knows them, and the account with that address if there is one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Author {
    pub(crate) raw: Option<String>,
    pub(crate) user: Option<User>,
}

impl CommitData {
    /// The first line of the message.
    pub(crate) fn subject(&self) -> &str {
        self.message.as_deref().unwrap_or_default().trim_start().lines().next().unwrap_or_default()
    }
}

impl Author {
    /// The account's name, else the name that git has, without the address.
    pub(crate) fn name(&self) -> Option<&str> {
        let account = self.user.as_ref().and_then(User::name);
        account.or_else(|| {
            let raw = self.raw.as_deref()?;
            let name = raw.split_once('<').map_or(raw, |(name, _)| name).trim();
            Some(name).filter(|name| !name.is_empty())
        })
    }
}

impl Repository<'_> {
    /// `GET /commits/{revision}`: the history of `hash`, newest first, of `path` alone if given.
    pub(crate) async fn commits(
        &self,
        hash: &str,
        path: Option<&FilePath>,
        limit: usize,
        resume: Option<&Resume>,
    ) -> Result<Page<CommitData>, Error> {
        self.client
            .get(self.path().fixed("commits").segment(hash))
            .queries(path.map(|path| ("path", path)))
            .fields(concat!(
                "values.hash,values.date,values.message,values.author.raw,",
                "values.author.user.nickname,values.author.user.display_name,",
                "values.parents.hash,next"
            ))
            .page(PAGE, limit, resume)
            .await
    }
}

impl Repository<'_> {
    /// `GET /commit/{hash}`
    pub(crate) async fn get_commit(&self, hash: &str) -> Result<CommitData, Error> {
        self.client
            .get(self.path().fixed("commit").segment(hash))
            .fields(concat!(
                "hash,date,message,author.raw,author.user.nickname,author.user.display_name,",
                "parents.hash"
            ))
            .json()
            .await
    }

    /// `GET /commit/{hash}/statuses`: what builds say about the commit, at most so many.
    pub(crate) async fn commit_builds(
        &self,
        hash: &str,
        at_most: usize,
    ) -> Result<Page<Build>, Error> {
        let path = self.path().fixed("commit").segment(hash).fixed("statuses");
        self.client.get(path).fields(BUILD_FIELDS).all(PAGE, at_most).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_an_author_without_the_address() {
        let author = |raw: &str| Author { raw: Some(raw.to_owned()), user: None };
        assert_eq!(author("Ana Lima <ana@acme.test>").name(), Some("Ana Lima"));
        assert_eq!(author("<ana@acme.test>").name(), None);
        assert_eq!(author("ana").name(), Some("ana"));
    }
}

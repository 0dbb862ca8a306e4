//! What lies between two commits.
//!
//! In Bitbucket's `A..B`, A is the commit with the changes and B the one that it is compared with: the
//! reverse of `git diff`. A [`Range`] says what git means, and turns it round on the way.

use super::call::WEB_PAGE;
use super::commits::CommitData;
use super::pull_requests::{FILE_FIELDS, FILES_PAGE, FileChange};
use super::{Bytes, Error, Page, Path, Repository};

/// What to look at: one commit against its first parent, or what one has that another has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    /// What this commit changes.
    Commit(String),
    /// What has changed from the common ancestor of both to `to`: `git diff from...to`.
    SinceForked { from: String, to: String },
}

impl Range {
    /// As the addresses of `diff` and `diffstat` have it.
    fn spec(&self) -> String {
        match self {
            Self::Commit(hash) => hash.clone(),
            Self::SinceForked { from, to } => format!("{to}..{from}"),
        }
    }
}

impl Repository<'_> {
    /// `GET /diffstat/{spec}`: the changed files, at most so many.
    pub(crate) async fn changed_files(
        &self,
        range: &Range,
        paths: &[String],
        at_most: usize,
    ) -> Result<Page<FileChange>, Error> {
        self.client
            .get(self.between("diffstat", range))
            .queries(range.topic())
            .queries(paths.iter().map(|path| ("path", path)))
            .fields(FILE_FIELDS)
            .slow()
            .all(FILES_PAGE, at_most)
            .await
    }

    /// `GET /diff/{spec}`: at most `limit` bytes of the diff of the files at `paths`, or of all.
    pub(crate) async fn diff(
        &self,
        range: &Range,
        paths: &[String],
        limit: usize,
    ) -> Result<Bytes, Error> {
        let call = self.client.get(self.between("diff", range)).queries(range.topic());
        let call = call.queries(paths.iter().map(|path| ("path", path))).slow();
        let diff = call.bytes(limit).await?;
        let kind = diff.content_type.as_deref().unwrap_or_default().to_ascii_lowercase();
        if kind.starts_with("text/html") { Err(Error::unreadable(WEB_PAGE)) } else { Ok(diff) }
    }

    /// `GET /merge-base/{A..B}`: the newest commit that both have; nothing if they share none.
    pub(crate) async fn merge_base(&self, one: &str, other: &str) -> Result<Option<String>, Error> {
        let path = self.path().fixed("merge-base").segment(&format!("{one}..{other}"));
        let found = self.client.get(path).fields("hash").json::<super::commits::CommitHash>().await;
        match found {
            Err(error) if error.is_not_found() => Ok(None),
            found => found.map(|commit| Some(commit.hash)),
        }
    }

    /// `GET /commits/{revision}?exclude=`: what `of` has and `but` has not, newest first.
    pub(crate) async fn commits_beyond(
        &self,
        of: &str,
        but: &str,
        at_most: usize,
    ) -> Result<Page<CommitData>, Error> {
        self.client
            .get(self.path().fixed("commits").segment(of))
            .query("exclude", but)
            .fields(concat!(
                "values.hash,values.date,values.message,values.author.raw,",
                "values.author.user.nickname,values.author.user.display_name,next"
            ))
            .all(100, at_most)
            .await
    }

    fn between(&self, what: &'static str, range: &Range) -> Path {
        self.path().fixed(what).segment(&range.spec())
    }
}

impl Range {
    /// Three dots are the default, but not for every kind of spec: so it is always said.
    fn topic(&self) -> Option<(&'static str, bool)> {
        matches!(self, Self::SinceForked { .. }).then_some(("topic", true))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bitbucket::RepositoryId;
    use crate::bitbucket::stand_in::{Reply, StandIn};

    #[tokio::test]
    async fn turns_gits_order_round_for_bitbucket() {
        let stand_in = StandIn::new(|_| Reply::json(200, &json!({ "values": [] }))).await;
        let client = stand_in.client();
        let repository = client.repository(&RepositoryId::try_from("acme/shop").unwrap());
        let range = Range::SinceForked { from: "1111".to_owned(), to: "2222".to_owned() };
        repository.changed_files(&range, &[], 10).await.unwrap();
        let asked = stand_in.asked().remove(0).target;
        let start = "/2.0/repositories/acme/shop/diffstat/2222..1111?topic=true&";
        assert!(asked.starts_with(start), "{asked}");
    }
}

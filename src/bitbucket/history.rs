//! The history of one file.

use serde::Deserialize;

use super::commits::CommitData;
use super::{Error, FilePath, Page, Repository, Resume};

/// The most versions on a page.
const PAGE: u32 = 100;

/// A file as one commit left it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct VersionData {
    /// What the file was called then.
    pub(crate) path: String,
    pub(crate) size: Option<u64>,
    pub(crate) commit: CommitData,
}

impl Repository<'_> {
    /// `GET /filehistory/{commit}/{path}`: newest first, back through former names.
    pub(crate) async fn file_history(
        &self,
        hash: &str,
        path: &FilePath,
        limit: usize,
        resume: Option<&Resume>,
    ) -> Result<Page<VersionData>, Error> {
        self.client
            .get(self.path().fixed("filehistory").segment(hash).rest(path))
            .query("renames", true)
            // The commit is a stub unless its fields are asked for.
            .fields(concat!(
                "values.path,values.size,values.commit.hash,values.commit.date,",
                "values.commit.message,values.commit.author.raw,",
                "values.commit.author.user.nickname,values.commit.author.user.display_name,next"
            ))
            .page(PAGE, limit, resume)
            .await
    }
}

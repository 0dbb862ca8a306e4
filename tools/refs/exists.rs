//! Makes branches and tags, but never over one that exists.

use crate::bitbucket::{self, Repository};
use crate::tools::lookup;
use crate::tools::shown::{bare, path, short};
use crate::{Error, Result};

/// What a name is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Branch,
    Tag,
}

/// A reference that is to be made.
pub(super) struct New<'a> {
    pub(super) repository: &'a Repository<'a>,
    pub(super) kind: Kind,
    pub(super) name: &'a str,
    /// The commit.
    pub(super) hash: &'a str,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Tag => "tag",
        }
    }
}

impl New<'_> {
    /// Sends it once. Where Bitbucket refuses, or its answer is lost, a look tells what is there.
    pub(super) async fn create(&self, message: Option<&str>) -> Result<()> {
        // Nobody has documented what Bitbucket answers where the tag exists: it may move it.
        if self.kind == Kind::Tag
            && let Some(there) = self.there().await?
        {
            return Err(self.conflict(&there));
        }
        let sent = match self.kind {
            Kind::Branch => self.repository.create_branch(self.name, self.hash).await,
            Kind::Tag => self.repository.create_tag(self.name, self.hash, message).await,
        };
        let error = match sent {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let is_open = error.leaves_outcome_open() && !lookup::is_sent_elsewhere(&error);
        let may_exist = matches!(error, bitbucket::Error::Status { status: 400 | 409 | 422, .. });
        if !is_open && !may_exist {
            return Err(lookup::not_written(self.repository, error).await);
        }
        match self.there().await {
            Ok(Some(there)) if is_open && there == self.hash => Ok(()),
            Ok(Some(there)) => Err(self.conflict(&there)),
            Ok(None) | Err(_) => Err(error.into()),
        }
    }

    /// The commit that the name stands at already.
    async fn there(&self) -> Result<Option<String>> {
        let found = match self.kind {
            Kind::Branch => self.repository.branch(self.name).await,
            Kind::Tag => self.repository.tag(self.name).await,
        };
        match found {
            Err(error) if error.is_not_found() => Ok(None),
            found => Ok(Some(found?.target.hash)),
        }
    }

    fn conflict(&self, there: &str) -> Error {
        let what = self.kind.word();
        Error::conflict(
            format!("the {what} {} exists, at {}", bare(&path(self.name)), short(there)),
            format!(
                "nothing was changed; take another name, or `delete_{what}` first if the user agrees"
            ),
        )
    }
}

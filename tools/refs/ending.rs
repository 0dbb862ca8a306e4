//! Deletes branches and tags that are what the agent takes them for.

use super::exists::Kind;
use crate::bitbucket::{self, Repository};
use crate::tools::lookup;
use crate::tools::params::{ExpectedHead, same_commit};
use crate::tools::shown::{bare, path, short};
use crate::{Error, Result};

/// A reference that is to be deleted.
pub(super) struct Ended<'a> {
    pub(super) repository: &'a Repository<'a>,
    pub(super) kind: Kind,
    pub(super) name: &'a str,
}

impl Ended<'_> {
    /// The commit that it stands at, if that is the one the agent saw.
    pub(super) async fn commit(&self, expected: Option<&ExpectedHead>) -> Result<String> {
        let found = match self.kind {
            Kind::Branch => self.repository.branch(self.name).await,
            Kind::Tag => self.repository.tag(self.name).await,
        };
        let commit = match found {
            Err(error) if error.is_not_found() => {
                return Err(match self.kind {
                    Kind::Branch => lookup::no_branch(self.repository, self.name).await,
                    Kind::Tag => lookup::no_tag(self.repository, self.name, error).await,
                });
            }
            found => found?.target.hash,
        };
        match expected {
            Some(expected) if !same_commit(&expected.0, &commit) => Err(Error::conflict(
                format!(
                    "the {} {} is at {}, not {}",
                    self.kind.word(),
                    bare(&path(self.name)),
                    short(&commit),
                    expected.0
                ),
                "nothing was deleted; look at what is there now, then decide again",
            )),
            _ => Ok(commit),
        }
    }

    /// Sends it once. Where the answer is lost, a look tells whether it is gone.
    pub(super) async fn delete(&self) -> Result<()> {
        let sent = match self.kind {
            Kind::Branch => self.repository.delete_branch(self.name).await,
            Kind::Tag => self.repository.delete_tag(self.name).await,
        };
        match sent {
            Err(error) if lookup::is_sent_elsewhere(&error) => {
                Err(lookup::not_written(self.repository, error).await)
            }
            Err(error) if error.leaves_outcome_open() => {
                let there = match self.kind {
                    Kind::Branch => self.repository.branch(self.name).await,
                    Kind::Tag => self.repository.tag(self.name).await,
                };
                match there {
                    Err(bitbucket::Error::NotFound { .. }) => Ok(()),
                    _ => Err(error.into()),
                }
            }
            // Somebody else was faster.
            Err(error) if error.is_not_found() => Ok(()),
            sent => Ok(sent?),
        }
    }
}

//! What builds say about a commit.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::wire::{null_as_default, time};
use super::{Error, Page, Path, Repository, Resume};

/// The most statuses on a page.
const PAGE: u32 = 100;

const FIELDS: &str = "next,size,values.key,values.name,values.state,values.description,\
    values.url,values.updated_on";

const ONE: &str = "key,name,state,description,url,updated_on";

/// A status, as Bitbucket sends it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StatusData {
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) key: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) name: String,
    /// `SUCCESSFUL`, `FAILED`, `INPROGRESS` or `STOPPED`.
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) state: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) description: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) url: String,
    #[serde(deserialize_with = "time")]
    pub(crate) updated_on: Option<Timestamp>,
}

/// A status to be set.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewStatus {
    pub(crate) key: String,
    pub(crate) state: &'static str,
    /// Not required by the documentation, but by Bitbucket.
    pub(crate) url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
}

impl Repository<'_> {
    /// `GET commit/{commit}/statuses`, the newest first.
    pub(crate) async fn commit_statuses(
        &self,
        commit: &str,
        limit: usize,
        resume: Option<&Resume>,
    ) -> Result<Page<StatusData>, Error> {
        self.client()
            .get(self.statuses(commit))
            .query("sort", "-updated_on")
            .fields(FIELDS)
            .page(PAGE, limit, resume)
            .await
    }

    /// `GET commit/{commit}/statuses/build/{key}`
    pub(crate) async fn commit_status(
        &self,
        commit: &str,
        key: &str,
    ) -> Result<Option<StatusData>, Error> {
        let path = self.statuses(commit).fixed("build").segment(key);
        match self.client().get(path).fields(ONE).json().await {
            Err(error) if error.is_not_found() => Ok(None),
            found => found.map(Some),
        }
    }

    /// `POST commit/{commit}/statuses/build`: one with the same key is overwritten.
    pub(crate) async fn set_commit_status(
        &self,
        commit: &str,
        status: &NewStatus,
    ) -> Result<(), Error> {
        let path = self.statuses(commit).fixed("build");
        self.client().post(path).json_body(status).empty().await
    }

    fn statuses(&self, commit: &str) -> Path {
        self.path().fixed("commit").segment(commit).fixed("statuses")
    }
}

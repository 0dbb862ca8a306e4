//! Files that a repository offers for download.

use jiff::Timestamp;
use serde::Deserialize;

use super::wire::{User, null_as_default, time};
use super::{Error, Multipart, Page, Path, Repository, Resume};

/// The most downloads on a page.
const PAGE: u32 = 100;

/// The documentation has no shape for the list; these members are what Bitbucket is known to send.
const FIELDS: &str = "next,size,values.name,values.size,values.downloads,values.created_on,\
    values.user.uuid,values.user.nickname,values.user.display_name";

/// A file, as Bitbucket sends it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DownloadData {
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) name: String,
    pub(crate) size: Option<u64>,
    /// How often it was downloaded.
    pub(crate) downloads: Option<u64>,
    #[serde(deserialize_with = "time")]
    pub(crate) created_on: Option<Timestamp>,
    pub(crate) user: Option<User>,
}

impl Repository<'_> {
    /// `GET downloads`
    pub(crate) async fn downloads(
        &self,
        limit: usize,
        resume: Option<&Resume>,
    ) -> Result<Page<DownloadData>, Error> {
        self.client().get(self.downloads_path()).fields(FIELDS).page(PAGE, limit, resume).await
    }

    /// Whether there is a file of that name: `GET downloads/{name}` answers with a redirect to storage,
    /// which is not followed.
    pub(crate) async fn has_download(&self, name: &str) -> Result<bool, Error> {
        let call = self.client().get(self.downloads_path().segment(name));
        match call.tells_when_elsewhere().bytes(1).await {
            Err(error) if error.is_not_found() => Ok(false),
            found => found.map(|_| true),
        }
    }

    /// `POST downloads`: a file of the same name is overwritten.
    pub(crate) async fn add_download(&self, name: &str, data: Vec<u8>) -> Result<(), Error> {
        let form = Multipart::new().file("files", name, data);
        self.client().post(self.downloads_path()).multipart(form).slow().empty().await
    }

    /// `DELETE downloads/{name}`
    pub(crate) async fn delete_download(&self, name: &str) -> Result<(), Error> {
        self.client().delete(self.downloads_path().segment(name)).empty().await
    }

    fn downloads_path(&self) -> Path {
        self.path().fixed("downloads")
    }
}

//! Projects, which group a workspace's repositories.

use serde::Deserialize;

use super::wire::null_as_default;
use super::{Error, Page, Resume, Workspace};

/// The most projects on a page.
const PAGE: u32 = 100;

/// A project, as Bitbucket sends it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProjectData {
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) key: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) name: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) description: String,
    pub(crate) is_private: Option<bool>,
}

impl Workspace<'_> {
    /// `GET /workspaces/{workspace}/projects`
    pub(crate) async fn projects(
        &self,
        limit: usize,
        resume: Option<&Resume>,
    ) -> Result<Page<ProjectData>, Error> {
        self.client
            .get(self.path().fixed("projects"))
            .fields("next,size,values.key,values.name,values.description,values.is_private")
            .page(PAGE, limit, resume)
            .await
    }
}

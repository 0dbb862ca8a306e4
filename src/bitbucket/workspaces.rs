//! Workspaces that the user belongs to.

use serde::Deserialize;

use super::{Client, Error, Page, Path, Resume};

/// The most workspaces on a page.
const PAGE: u32 = 100;

/// A workspace, and what the user may do in it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct WorkspaceAccess {
    #[serde(default)]
    pub(crate) administrator: bool,
    pub(crate) workspace: WorkspaceName,
}

/// What a workspace is called. Bitbucket gives no more here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct WorkspaceName {
    pub(crate) slug: String,
}

impl Client {
    /// `GET /user/workspaces`. It replaced `GET /workspaces`, which answers 410 (CHANGE-2770).
    pub(crate) async fn workspaces(
        &self,
        limit: usize,
        resume: Option<&Resume>,
    ) -> Result<Page<WorkspaceAccess>, Error> {
        self.get(Path::new("user").fixed("workspaces"))
            .fields("values.administrator,values.workspace.slug,next,size")
            .page(PAGE, limit, resume)
            .await
    }
}

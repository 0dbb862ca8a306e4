//! Who belongs to a workspace.

use serde::Deserialize;

use super::wire::{User, null_as_default};
use super::{Error, Page, Workspace};

/// The most members on a page.
const PAGE: u32 = 100;

const FIELDS: &str = "next,size,values.user.uuid,values.user.nickname,values.user.display_name";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Membership {
    #[serde(deserialize_with = "null_as_default")]
    user: User,
}

impl Workspace<'_> {
    /// `GET /workspaces/{workspace}/members`, at most so many.
    pub(crate) async fn members(&self, at_most: usize) -> Result<Page<User>, Error> {
        let path = self.path().fixed("members");
        let page: Page<Membership> =
            self.client.get(path).fields(FIELDS).all(PAGE, at_most).await?;
        Ok(page.map(|membership| membership.user))
    }
}

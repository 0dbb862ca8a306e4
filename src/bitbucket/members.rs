//! Who belongs to a workspace.

use serde::Deserialize;

use super::wire::{User, null_as_default};
use super::{Call, Error, Page, Workspace, literal};

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
        let page: Page<Membership> = self.list().all(PAGE, at_most).await?;
        Ok(page.map(|membership| membership.user))
    }

    /// The members of that very nickname. Display names cannot be asked for.
    pub(crate) async fn members_called(&self, nickname: &str) -> Result<Vec<User>, Error> {
        let call = self.list().query("q", format!("user.nickname = {}", literal(nickname)));
        let page: Page<Membership> = call.all(PAGE, PAGE as usize).await?;
        Ok(page.values.into_iter().map(|membership| membership.user).collect())
    }

    fn list(&self) -> Call<'_> {
        self.client.get(self.path().fixed("members")).fields(FIELDS)
    }
}

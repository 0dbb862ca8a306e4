//! Who belongs to a workspace.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::wire::{User, null_as_default};
use super::{Call, Error, Page, Resume, Workspace, literal};

/// The most members on a page.
const PAGE: u32 = 100;

const FIELDS: &str = "next,size,values.user.uuid,values.user.nickname,values.user.display_name";

/// The same, and whether the account is in use.
const DETAILED: &str = concat!(
    "next,size,values.user.uuid,values.user.nickname,values.user.display_name,",
    "values.user.account_status"
);

/// Somebody who belongs to a workspace.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Member {
    #[serde(flatten)]
    pub(crate) user: User,
    /// `active`, or why the account is not in use.
    account_status: Option<String>,
}

impl Member {
    /// Whether the account is not in use, so that it can be asked for nothing.
    pub(crate) fn is_inactive(&self) -> bool {
        self.account_status.as_deref().is_some_and(|status| !status.eq_ignore_ascii_case("active"))
    }
}

#[derive(Default, Deserialize)]
#[serde(default, bound = "")]
struct Membership<U: Default + DeserializeOwned> {
    #[serde(deserialize_with = "null_as_default")]
    user: U,
}

impl Workspace<'_> {
    /// `GET /workspaces/{workspace}/members`, at most so many.
    pub(crate) async fn members(&self, at_most: usize) -> Result<Page<User>, Error> {
        let page: Page<Membership<User>> = self.list(FIELDS).all(PAGE, at_most).await?;
        Ok(page.map(|membership| membership.user))
    }

    /// The same endpoint: at most `limit` from the start or from `resume` on, with their accounts' state.
    ///
    /// It can be filtered by a whole nickname but not by a display name, which answers 400, so looking
    /// for a name is left to the caller.
    pub(crate) async fn members_in_detail(
        &self,
        limit: usize,
        resume: Option<&Resume>,
    ) -> Result<Page<Member>, Error> {
        let page: Page<Membership<Member>> = self.list(DETAILED).page(PAGE, limit, resume).await?;
        Ok(page.map(|membership| membership.user))
    }

    /// The members of that very nickname. Display names cannot be asked for.
    pub(crate) async fn members_called(&self, nickname: &str) -> Result<Vec<User>, Error> {
        let call = self.list(FIELDS).query("q", format!("user.nickname = {}", literal(nickname)));
        let page: Page<Membership<User>> = call.all(PAGE, PAGE as usize).await?;
        Ok(page.values.into_iter().map(|membership| membership.user).collect())
    }

    fn list(&self, fields: &'static str) -> Call<'_> {
        self.client.get(self.path().fixed("members")).fields(fields)
    }
}

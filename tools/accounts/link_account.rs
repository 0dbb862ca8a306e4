use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::get_account::Linked;
use crate::broker::Error::SeveralAccounts;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::{Error, Result};

/// Link the user's Bitbucket account: the user opens a page, signs in and consents there. Other
/// tools start this by themselves when a link is missing; call it when the user asks, or to grant
/// more scopes with `again`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkAccount {
    /// Link anew even though an account is linked, for example to grant more scopes.
    #[serde(default)]
    again: bool,
}

/// The account that is linked.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct LinkedNow {
    /// Whether this call linked it; otherwise it was linked before.
    new: bool,
    /// The account.
    account: Linked,
}

impl Tool for LinkAccount {
    const NAME: &'static str = "link_account";
    const TITLE: &'static str = "Link a Bitbucket account";
    const EFFECT: Effect = Effect::Sets;
    const SCOPES: &'static [&'static str] = &[];
    type Output = LinkedNow;

    async fn run(self, cx: &Context) -> Result<LinkedNow> {
        let standing = Standing::of(cx).await?;
        match standing {
            Standing::Good(account) if !self.again => {
                Ok(LinkedNow { new: false, account: *account })
            }
            standing => {
                let linked = cx.link().await.map_err(|unfinished| standing.explain(unfinished))?;
                Ok(LinkedNow { new: true, account: linked.into() })
            }
        }
    }
}

/// How the person's link stands before this call.
enum Standing {
    /// It works, as far as is known.
    Good(Box<Linked>),
    /// There is none that works, for this reason.
    Bad(Error),
}

impl Standing {
    async fn of(cx: &Context) -> Result<Self> {
        let mut accounts = match cx.person().accounts().await {
            Err(error) if error.wants_link() => return Ok(Self::Bad(error)),
            accounts => accounts?,
        };
        if accounts.len() > 1 {
            let ids = accounts.into_iter().filter_map(|account| account.id).collect();
            return Err(SeveralAccounts(ids).into());
        }
        Ok(match accounts.pop() {
            None => Self::Bad(Error::unlinked()),
            // Every other tool would ask for a new link, so this one must not call it linked.
            Some(account) if account.broken => Self::Bad(Error::link_broken()),
            Some(account) => Self::Good(Box::new(account.into())),
        })
    }

    /// Why the link was not made. Somebody whose link works must not read that there is none.
    fn explain(&self, unfinished: Error) -> Error {
        match (self, unfinished) {
            (Self::Good(_), Error::NotLinked { url: Some(url), .. }) => Error::refused(
                "only the user can link anew, in their browser; until then the account stays linked \
                 as it is",
                format!(
                    "ask the user to open {url} in their browser and finish there; then go on \
                     without calling this again"
                ),
            ),
            (Self::Good(_), unfinished) => unfinished,
            (Self::Bad(reason), unfinished) => unfinished.because(reason),
        }
    }
}

impl Answer for LinkedNow {
    fn text(&self) -> String {
        let how = if self.new { "linked" } else { "already linked" };
        format!("{how}: {}", self.account.line())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Stage;

    #[tokio::test]
    async fn gives_the_page_to_a_guest_whose_client_cannot_open_one() {
        let stage = Stage::new().await;
        let said = stage.call_as("guest", "link_account", json!({})).await;
        insta::assert_snapshot!(stage.without_ids(&said), @"
        not_linked: no Bitbucket account is linked for this user
        hint: ask the user to open http://127.0.0.1/… in their browser and finish there, then call again
        ");
    }

    #[tokio::test]
    async fn links_a_guest_whose_client_opens_the_page() {
        let stage = Stage::new().await;
        let said = stage.call_consenting_as("guest", "link_account", json!({})).await;
        insta::assert_snapshot!(stage.without_ids(&said), @r#"linked: "Gus Weber" ("gus") since …day…, id cac_…"#);
        let said = stage.call_as("guest", "list_workspaces", json!({})).await;
        assert!(said.contains("acme"), "{said}");
    }

    #[tokio::test]
    async fn does_not_link_what_is_linked() {
        let stage = Stage::new().await;
        let said = stage.call_as("limited", "link_account", json!({})).await;
        insta::assert_snapshot!(stage.without_ids(&said), @r#"already linked: "Ben Okoye" ("ben") since …day…, id cac_…"#);
    }

    #[tokio::test]
    async fn says_that_the_link_stays_when_nobody_can_open_the_page_to_link_anew() {
        let stage = Stage::new().await;
        let said = stage.call_as("linked", "link_account", json!({ "again": true })).await;
        insta::assert_snapshot!(stage.without_ids(&said), @"
        refused: only the user can link anew, in their browser; until then the account stays linked as it is
        hint: ask the user to open http://127.0.0.1/… in their browser and finish there; then go on without calling this again
        ");
        let said = stage.call_as("linked", "list_workspaces", json!({})).await;
        assert!(said.contains("acme"), "{said}");
    }

    #[tokio::test]
    async fn offers_the_page_when_bitbucket_no_longer_accepts_the_link() {
        let stage = Stage::new().await;
        stage.sandbox().world().revoke_bitbucket_grant("linked");
        let said = stage.call_as("linked", "link_account", json!({})).await;
        insta::assert_snapshot!(stage.without_ids(&said), @"
        not_linked: Bitbucket no longer accepts the linked account, so it must be linked again
        hint: ask the user to open http://127.0.0.1/… in their browser and finish there, then call again
        ");
        let said = stage.call_consenting_as("linked", "link_account", json!({})).await;
        assert!(said.starts_with("linked: \"Ana Lima\""), "{said}");
    }

    #[tokio::test]
    async fn does_not_guess_which_of_several_accounts_is_meant() {
        let stage = Stage::new().await;
        stage.sandbox().world().link_as("linked", "ben");
        let said = stage.call_as("linked", "link_account", json!({})).await;
        assert!(
            said.starts_with("conflict: several Bitbucket accounts are linked: cac_"),
            "{said}"
        );
    }
}

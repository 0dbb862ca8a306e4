use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::get_account::Linked;
use crate::Result;
use crate::tool::{Answer, Context, Effect, Tool};

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
        if !self.again
            && let Some(account) = linked_already(cx).await?
        {
            return Ok(LinkedNow { new: false, account });
        }
        let account = cx.link().await?.into();
        Ok(LinkedNow { new: true, account })
    }
}

async fn linked_already(cx: &Context) -> Result<Option<Linked>> {
    match cx.person().accounts().await {
        Ok(accounts) => Ok(accounts.into_iter().next().map(Into::into)),
        Err(error) if error.wants_link() => Ok(None),
        Err(error) => Err(error),
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
}

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::get_account::Linked;
use crate::Result;
use crate::bitbucket::GRANTS_PAGE;
use crate::tool::{Answer, Context, Effect, Tool};

/// Remove the user's Bitbucket account from the vault, so that the agent can no longer act as them.
/// Only when the user asks for it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UnlinkAccount {
    /// The id from `get_account`, when several accounts are linked.
    #[schemars(length(max = 128))]
    account: Option<String>,
}

/// What was removed.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Removed {
    /// The account that was removed; absent when none was linked.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Linked>,
    /// Bitbucket's own grant remains; the user ends it on this page.
    grant_remains_at: String,
}

impl Tool for UnlinkAccount {
    const NAME: &'static str = "unlink_account";
    const TITLE: &'static str = "Unlink a Bitbucket account";
    const EFFECT: Effect = Effect::Ends;
    const SCOPES: &'static [&'static str] = &[];
    type Output = Removed;

    async fn run(self, cx: &Context) -> Result<Removed> {
        let account = cx.unlink(self.account.as_deref()).await?.map(Into::into);
        Ok(Removed { account, grant_remains_at: GRANTS_PAGE.to_owned() })
    }
}

impl Answer for Removed {
    fn text(&self) -> String {
        let Some(account) = &self.account else {
            return "no Bitbucket account was linked".to_owned();
        };
        format!(
            "unlinked: {}\nBitbucket's own grant remains until the user ends it at {}",
            account.line(),
            self.grant_remains_at
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Stage;

    #[tokio::test]
    async fn unlinks_and_says_what_remains() {
        let stage = Stage::new().await;
        let said = stage.call_as("linked", "unlink_account", json!({})).await;
        insta::assert_snapshot!(stage.without_ids(&said), @r#"
        unlinked: "Ana Lima" ("ana") since …day…, id cac_…
        Bitbucket's own grant remains until the user ends it at https://bitbucket.org/account/settings/app-authorizations/
        "#);
        let said = stage.call_as("linked", "list_workspaces", json!({})).await;
        assert!(said.starts_with("not_linked: "), "{said}");
    }

    #[tokio::test]
    async fn has_nothing_to_do_for_a_guest() {
        let stage = Stage::new().await;
        let said = stage.call_as("guest", "unlink_account", json!({})).await;
        insta::assert_snapshot!(said, @"no Bitbucket account was linked");
    }

    #[tokio::test]
    async fn never_guesses_an_account() {
        let stage = Stage::new().await;
        let said =
            stage.call_as("limited", "unlink_account", json!({ "account": "cac_other" })).await;
        insta::assert_snapshot!(said, @r#"
        not_found: no linked account has the id "cac_other"
        hint: call `get_account` for the linked accounts
        "#);
    }
}

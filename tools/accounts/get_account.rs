use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::bitbucket::Scopes;
use crate::broker::link::LinkedAccount;
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::TOOLSETS;

/// See who is signed in, which Bitbucket account is linked, what it granted, and which tools that
/// allows. Use it when a call fails for lack of a link or scope.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetAccount {}

/// Who is signed in and what is linked.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Account {
    /// The Auth0 user id; absent when nobody is signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// The person's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Foreign>,
    /// The linked Bitbucket accounts; where Auth0 cannot be asked for all, the one in use.
    accounts: Vec<Linked>,
}

/// A linked Bitbucket account.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Linked {
    /// Auth0's id of the link, for `unlink_account`; absent when Auth0 could not be asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    /// The Auth0 connection.
    pub(super) connection: String,
    /// The account's nickname at Bitbucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) username: Option<Foreign>,
    /// The person's name at Bitbucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) display_name: Option<Foreign>,
    /// When it was linked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) linked_at: Option<String>,
    /// The scopes it granted; absent when they are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scopes: Option<Vec<String>>,
    /// Whether Bitbucket no longer accepts it, so that it must be linked again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) broken: bool,
    /// Tools that these scopes do not allow, with the scopes they lack.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) out_of_reach: Vec<OutOfReach>,
}

/// A tool that the granted scopes do not allow.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OutOfReach {
    /// The tool's name.
    tool: String,
    /// The scopes it lacks.
    missing: Vec<String>,
}

impl Tool for GetAccount {
    const NAME: &'static str = "get_account";
    const TITLE: &'static str = "See who is signed in and what is linked";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &[];
    type Output = Account;

    async fn run(self, cx: &Context) -> Result<Account> {
        let Some(identity) = cx.person().identity().await? else {
            return Ok(Account { subject: None, name: None, accounts: Vec::new() });
        };
        let accounts = cx.person().accounts().await?;
        Ok(Account {
            subject: Some(identity.subject),
            name: identity.name.map(|name| Foreign::line(&name, 80)),
            accounts: accounts.into_iter().map(Into::into).collect(),
        })
    }
}

impl From<LinkedAccount> for Linked {
    fn from(account: LinkedAccount) -> Self {
        let granted = account.scopes.as_ref();
        let granted = granted.map(|scopes| scopes.iter().map(String::as_str).collect::<Scopes>());
        Self {
            id: account.id,
            connection: account.connection,
            username: account.username,
            display_name: account.display_name,
            linked_at: account.linked_at.map(|time| time.to_string()),
            scopes: account.scopes,
            broken: account.broken,
            // What is not known is not lacking.
            out_of_reach: granted.as_ref().map(out_of_reach).unwrap_or_default(),
        }
    }
}

fn out_of_reach(granted: &Scopes) -> Vec<OutOfReach> {
    let lacks = |scope: &&&str| granted.allows(scope) == Some(false);
    TOOLSETS
        .iter()
        .flat_map(|toolset| toolset.tools)
        .filter_map(|entry| {
            let missing: Vec<String> =
                entry.scopes.iter().filter(lacks).map(ToString::to_string).collect();
            (!missing.is_empty()).then(|| OutOfReach { tool: entry.name.to_owned(), missing })
        })
        .collect()
}

impl Answer for Account {
    fn text(&self) -> String {
        let Some(subject) = &self.subject else {
            return "nobody is signed in; `link_account` signs in and links in one trip".to_owned();
        };
        let subject = Foreign::line(subject, 120);
        let mut text = match &self.name {
            Some(name) => format!("signed in as {} ({})", name.quoted(), subject.as_str()),
            None => format!("signed in as {}", subject.as_str()),
        };
        if self.accounts.len() > 1 {
            text.push_str(
                "\nseveral accounts are linked, so none can be used; `unlink_account` removes the one \
                 that is not wanted",
            );
        }
        if self.accounts.is_empty() {
            text.push_str("\nno Bitbucket account is linked; `link_account` links one");
        }
        for account in &self.accounts {
            let _ = write!(text, "\nlinked: {}", account.line());
            match &account.scopes {
                _ if account.broken => text
                    .push_str("\n  Bitbucket no longer accepts it; `link_account` links it again"),
                Some(scopes) if scopes.is_empty() => text.push_str("\n  scopes: none"),
                Some(scopes) => {
                    let _ = write!(text, "\n  scopes: {}", scopes.join(" "));
                }
                None => text.push_str("\n  scopes: not known"),
            }
            for tool in &account.out_of_reach {
                let _ = write!(text, "\n  {} needs {}", tool.tool, tool.missing.join(", "));
            }
        }
        text
    }
}

impl Linked {
    /// Which account it is, on one line.
    pub(super) fn line(&self) -> String {
        let mut line = match (&self.display_name, &self.username) {
            (Some(name), Some(username)) => format!("{} ({})", name.quoted(), username.quoted()),
            (Some(name), None) | (None, Some(name)) => name.quoted(),
            (None, None) => "a Bitbucket account".to_owned(),
        };
        if let Some(time) = &self.linked_at {
            let _ = write!(line, " since {}", time.get(..10).unwrap_or(time));
        }
        if let Some(id) = &self.id {
            let _ = write!(line, ", id {id}");
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Account, Answer, Foreign, LinkedAccount};
    use crate::sandbox::{Effect, Fault, Service};
    use crate::testing::Stage;

    #[tokio::test]
    async fn says_who_is_signed_in_and_what_is_linked() {
        let stage = Stage::new().await;
        let said = stage.call_as("linked", "get_account", json!({})).await;
        let said = stage.without_ids(&said);
        insta::assert_snapshot!(said, @r#"
        signed in as "Ana Lima" (auth0|ana)
        linked: "Ana Lima" ("ana") since …day…, id cac_…
          scopes: account pipeline pipeline:variable pipeline:write project pullrequest:write repository:admin repository:delete snippet:write webhook
        "#);
    }

    #[tokio::test]
    async fn names_the_tools_that_lack_a_scope() {
        let stage = Stage::new().await;
        let said = stage.call_as("limited", "get_account", json!({})).await;
        let said = stage.without_ids(&said);
        insta::assert_snapshot!(said, @r#"
        signed in as "Ben Okoye" (auth0|ben)
        linked: "Ben Okoye" ("ben") since …day…, id cac_…
          scopes: account project pullrequest
          create_pull_request needs pullrequest:write
          update_pull_request needs pullrequest:write
          merge_pull_request needs pullrequest:write
          decline_pull_request needs pullrequest:write
        "#);
    }

    #[tokio::test]
    async fn goes_by_the_vault_where_bitbucket_does_not_answer() {
        let stage = Stage::new().await;
        stage.sandbox().faults().add(Fault::new(Service::Bitbucket, Effect::status(500)));
        let said = stage.call_as("limited", "get_account", json!({})).await;
        let said = stage.without_ids(&said);
        assert!(said.contains("\n  merge_pull_request needs pullrequest:write"), "{said}");
        assert!(!said.contains("list_pull_requests needs"), "{said}");
    }

    #[tokio::test]
    async fn takes_unknown_scopes_for_unknown_not_for_none() {
        let stage = Stage::new().await;
        let body = json!({ "access_token": "unknown", "expires_in": 3600 }).to_string();
        let silent = Effect::Status {
            code: 200,
            body,
            content_type: "application/json".into(),
            headers: std::collections::BTreeMap::new(),
            handled: false,
        };
        // The sign-in and the My Account API are asked for first, at the same address.
        let said = stage.call_as("linked", "get_account", json!({})).await;
        assert!(said.contains("scopes: account"), "{said}");
        stage.served("linked").local.broker.choose(&caller(&stage).await, None);
        stage.sandbox().faults().add(Fault::new(Service::Bitbucket, Effect::status(500)));
        let pass = || Effect::Delay(std::time::Duration::ZERO);
        stage
            .sandbox()
            .faults()
            .add(Fault::new(Service::Auth0, pass()).path("/oauth/token").times(1));
        stage
            .sandbox()
            .faults()
            .add(Fault::new(Service::Auth0, silent).path("/oauth/token").times(1));
        let said = stage.call_as("linked", "get_account", json!({})).await;
        insta::assert_snapshot!(stage.without_ids(&said), @r#"
        signed in as "Ana Lima" (auth0|ana)
        linked: a Bitbucket account since …day…, id cac_…
          scopes: not known
        "#);
    }

    async fn caller(stage: &Stage) -> crate::identity::Caller {
        stage.served("linked").local.session.current().await.unwrap().unwrap().caller
    }

    #[tokio::test]
    async fn reads_the_scopes_off_a_refusal_too() {
        let stage = Stage::new().await;
        stage.sandbox().world().set_scopes("guest", &["repository"]);
        stage.sandbox().world().link("guest");
        let account = &stage.structured_as("guest", "get_account", json!({})).await["accounts"][0];
        assert_eq!(
            (&account["username"], &account["scopes"]),
            (&json!(null), &json!(["repository"]))
        );
        assert!(account["out_of_reach"].as_array().unwrap().len() > 5, "{account}");
    }

    #[tokio::test]
    async fn gives_no_list_of_scopes_to_each_of_several_accounts() {
        let stage = Stage::new().await;
        stage.sandbox().world().link_as("limited", "ana");
        let said = stage.call_as("limited", "get_account", json!({})).await;
        insta::assert_snapshot!(stage.without_ids(&said), @r#"
        signed in as "Ben Okoye" (auth0|ben)
        several accounts are linked, so none can be used; `unlink_account` removes the one that is not wanted
        linked: a Bitbucket account since …day…, id cac_…
          scopes: not known
        linked: a Bitbucket account since …day…, id cac_…
          scopes: not known
        "#);
    }

    #[test]
    fn names_an_account_by_what_is_known_of_it() {
        let account = |name: Option<&str>, id: Option<&str>| LinkedAccount {
            id: id.map(str::to_owned),
            connection: "bitbucket".to_owned(),
            username: name.map(|name| Foreign::line(name, 80)),
            display_name: None,
            scopes: None,
            broken: name.is_none() && id.is_none(),
            linked_at: None,
        };
        let accounts =
            [account(Some("ana"), None), account(None, Some("cac_1")), account(None, None)];
        let account = Account {
            subject: Some("auth0|ana".to_owned()),
            name: None,
            accounts: accounts.map(Into::into).into(),
        };
        assert!(!serde_json::to_string(&account.accounts[0]).unwrap().contains("\"id\""));
        insta::assert_snapshot!(account.text(), @r#"
        signed in as auth0|ana
        several accounts are linked, so none can be used; `unlink_account` removes the one that is not wanted
        linked: "ana"
          scopes: not known
        linked: a Bitbucket account, id cac_1
          scopes: not known
        linked: a Bitbucket account
          Bitbucket no longer accepts it; `link_account` links it again
        "#);
    }

    #[tokio::test]
    async fn says_that_a_link_is_broken() {
        let stage = Stage::new().await;
        stage.sandbox().world().revoke_bitbucket_grant("linked");
        let said = stage.call_as("linked", "get_account", json!({})).await;
        insta::assert_snapshot!(stage.without_ids(&said), @r#"
        signed in as "Ana Lima" (auth0|ana)
        linked: a Bitbucket account since …day…, id cac_…
          Bitbucket no longer accepts it; `link_account` links it again
        "#);
    }

    #[tokio::test]
    async fn tells_a_guest_how_to_link() {
        let stage = Stage::new().await;
        let said = stage.call_as("guest", "get_account", json!({})).await;
        insta::assert_snapshot!(said, @r#"
        signed in as "Gus Weber" (auth0|gus)
        no Bitbucket account is linked; `link_account` links one
        "#);
    }
}

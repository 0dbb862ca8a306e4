use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bitbucket::{Client, Member, Page, Resume, Segment};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::lookup;
use crate::tools::params::{Limit, WorkspaceArgument};
use crate::tools::shown::{NAME, bare, more};
use crate::{Error, Result};

/// How many members are looked through for a name.
const LOOKED_THROUGH: usize = 1_000;

/// List a workspace's members, or find one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListMembers {
    /// Its slug.
    workspace: WorkspaceArgument,
    /// Part of a nickname or display name.
    name: Option<String>,
    /// How many.
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor`.
    cursor: Option<String>,
}

/// Members.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Members {
    members: Vec<Row>,
    /// How many members were looked through for the name, if there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    only_looked_through: Option<usize>,
    /// Pass it as `cursor` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A member.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    /// What other tools take for this person.
    #[serde(skip_serializing_if = "Option::is_none")]
    nickname: Option<Foreign>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<Foreign>,
    /// What other tools take for this person in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    uuid: Option<Foreign>,
    /// Whether the account is not in use: it cannot review.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    inactive: bool,
}

impl Tool for ListMembers {
    const NAME: &'static str = "list_members";
    const TITLE: &'static str = "List members";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["account"];
    type Output = Members;

    async fn run(self, cx: &Context) -> Result<Members> {
        let resume = cx.resume(self.cursor.as_deref())?;
        let client = cx.bitbucket().await?;
        let workspace = &self.workspace.0;
        let (page, only_looked_through) = match self.name.as_deref().map(str::trim) {
            None => {
                let limit = self.limit.get();
                let workspace = client.workspace(workspace);
                let page = workspace.members_in_detail(limit, resume.as_ref()).await;
                (page.map_err(lookup::no_workspace)?, None)
            }
            Some("") => return Err(Error::InvalidArguments("`name` is empty".to_owned())),
            Some(name) => self.called(client, workspace, name, resume.as_ref()).await?,
        };
        let members = page.values.into_iter().map(Into::into).collect();
        Ok(Members { members, only_looked_through, next_cursor: cx.cursor(page.next)? })
    }
}

impl ListMembers {
    /// The members whose names hold all the words of `name`, and how many members were looked through
    /// if those were not all.
    async fn called(
        &self,
        client: &Client,
        workspace: &Segment,
        name: &str,
        resume: Option<&Resume>,
    ) -> Result<(Page<Member>, Option<usize>)> {
        let all = client.workspace(workspace).members_in_detail(LOOKED_THROUGH, None).await;
        let all = all.map_err(lookup::no_workspace)?;
        let looked_through = all.next.is_some().then_some(all.values.len());
        let wanted = name.to_lowercase();
        let fits = |member: &Member| {
            let user = &member.user;
            let names = [user.nickname.as_deref(), user.display_name.as_deref()];
            let names = names.map(Option::unwrap_or_default).join(" ").to_lowercase();
            wanted.split_whitespace().all(|word| names.contains(word))
        };
        let start = resume.map_or(0, Resume::skipped);
        let end = start.saturating_add(self.limit.get());
        let fitting: Vec<Member> = all.values.into_iter().filter(fits).collect();
        let next = (fitting.len() > end).then(|| Resume::after(end));
        let values = fitting.into_iter().skip(start).take(self.limit.get()).collect();
        Ok((Page { values, next, size: None }, looked_through))
    }
}

impl From<Member> for Row {
    fn from(member: Member) -> Self {
        let inactive = member.is_inactive();
        let line = |text: Option<String>| {
            text.map(|text| Foreign::line(&text, NAME)).filter(|text| !text.is_empty())
        };
        let user = member.user;
        Self {
            nickname: line(user.nickname),
            display_name: line(user.display_name),
            uuid: line(user.uuid),
            inactive,
        }
    }
}

impl Answer for Members {
    fn text(&self) -> String {
        let mut text = if self.members.is_empty() {
            "nobody".to_owned()
        } else {
            "members, by nickname:".to_owned()
        };
        for row in &self.members {
            let name = match (&row.nickname, &row.uuid) {
                (Some(nickname), _) => bare(nickname),
                (None, Some(uuid)) => uuid.as_str().to_owned(),
                (None, None) => "no nickname".to_owned(),
            };
            let _ = write!(text, "\n  {name}");
            if let Some(display) = &row.display_name {
                let _ = write!(text, " · {}", display.as_str());
            }
            if row.inactive {
                text.push_str(" · inactive");
            }
        }
        if let Some(number) = self.only_looked_through {
            let _ = write!(text, "\nonly the first {number} members were looked through");
        }
        more(&mut text, self.next_cursor.as_ref());
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Stage;

    #[tokio::test]
    async fn lists_members_and_who_is_inactive() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        let said = stage.call_as("limited", "list_members", json!({ "workspace": "acme" })).await;
        insta::assert_snapshot!(said, @"
        members, by nickname:
          ana · Ana Lima
          ben · Ben Okoye
          gus · Gus Weber
          cleo · Cleo Marsh
          dora · Dora Novak · inactive
        ");
        assert_eq!(stage.requests().len(), 1);
    }

    #[tokio::test]
    async fn finds_somebody_by_part_of_their_name() {
        let stage = Stage::new().await;
        let call = |name: &str| json!({ "workspace": "acme", "name": name });
        let said = stage.call_as("linked", "list_members", call("marsh cl")).await;
        insta::assert_snapshot!(said, @"
        members, by nickname:
          cleo · Cleo Marsh
        ");
        let said =
            stage.call_as("linked", "list_members", call("zoe\" OR user.nickname ~ \"")).await;
        insta::assert_snapshot!(said, @"nobody");
        let said = stage.call_as("linked", "list_members", call(" ")).await;
        insta::assert_snapshot!(said, @"
        invalid_arguments: `name` is empty
        hint: read the tool's input schema, then call again
        ");
        let row = stage.structured_as("linked", "list_members", call("dora")).await;
        insta::assert_snapshot!(row.to_string(), @r#"{"members":[{"display_name":"Dora Novak","inactive":true,"nickname":"dora","uuid":"{d0a4b7c2-5e16-4f38-8b90-2c6d7e8f9a05}"}]}"#);
    }

    #[tokio::test]
    async fn goes_on_where_a_page_ended_with_a_name_and_without() {
        let stage = Stage::new().await;
        for mut call in [
            json!({ "workspace": "acme", "limit": 1 }),
            json!({ "workspace": "acme", "limit": 1, "name": "a" }),
        ] {
            let first = stage.structured_as("linked", "list_members", call.clone()).await;
            call["cursor"] = first["next_cursor"].clone();
            let second = stage.structured_as("linked", "list_members", call).await;
            assert_eq!(second["members"].as_array().unwrap().len(), 1);
            assert_ne!(first["members"], second["members"]);
        }
    }

    #[tokio::test]
    async fn says_when_there_is_no_such_workspace() {
        let stage = Stage::new().await;
        for name in ["side-projects", "nowhere"] {
            let call = json!({ "workspace": name, "name": "ana" });
            let said = stage.call_as("limited", "list_members", call).await;
            insta::allow_duplicates! {
                insta::assert_snapshot!(said, @"
                not_found: no such workspace, or no access to it
                hint: call `list_workspaces` for the ones that can be reached
                ");
            }
        }
        let call = json!({ "workspace": "acme/../side-projects" });
        let said = stage.call_as("limited", "list_members", call).await;
        insta::assert_snapshot!(said, @"
        invalid_arguments: `workspace`: `acme/../side-projects` is not a slug or a uuid in braces
        hint: read the tool's input schema, then call again
        ");
    }
}

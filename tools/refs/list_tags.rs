use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bitbucket::TagData;
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::params::{Limit, RepositoryArgument, WorkspaceArgument};
use crate::tools::shown::{self, LINE, NAME, bare, day, more, short};
use crate::{Error, Result};

/// List tags, those of the newest commits first.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListTags {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
    /// Part of the name.
    #[schemars(length(min = 1, max = 100))]
    name: Option<String>,
    /// How many.
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor`.
    cursor: Option<String>,
}

/// Tags.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Tags {
    tags: Vec<Row>,
    /// Pass it as `cursor` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A tag.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    name: Foreign,
    /// The hash of the commit that it marks.
    commit: Foreign,
    /// The tag's own date, or else the commit's.
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    /// The first line of its message; a light tag has none.
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    message: Foreign,
}

impl Tool for ListTags {
    const NAME: &'static str = "list_tags";
    const TITLE: &'static str = "List tags";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["repository"];
    type Output = Tags;

    async fn run(self, cx: &Context) -> Result<Tags> {
        let id = self.repository.id(self.workspace.as_ref())?;
        let resume = cx.resume(self.cursor.as_deref())?;
        let repository = cx.repository(&id).await?;
        let page = repository.tags(self.name.as_deref(), self.limit.get(), resume.as_ref()).await;
        let page = match page {
            Err(error) if error.is_not_found() => return Err(Error::no_repository(&id)),
            page => page?,
        };
        let tags = page.values.into_iter().map(Into::into).collect();
        Ok(Tags { tags, next_cursor: cx.cursor(page.next)? })
    }
}

impl From<TagData> for Row {
    fn from(tag: TagData) -> Self {
        let message = tag.message.as_deref().unwrap_or_default().trim();
        Self {
            name: Foreign::line(&tag.name, NAME),
            commit: Foreign::line(&tag.target.hash, NAME),
            date: tag.date.or(tag.target.date).map(shown::time),
            message: Foreign::line(message.lines().next().unwrap_or_default(), LINE),
        }
    }
}

impl Answer for Tags {
    fn text(&self) -> String {
        if self.tags.is_empty() {
            return "no tags".to_owned();
        }
        let mut text = String::from("tags, newest commits first:");
        for row in &self.tags {
            let _ = write!(text, "\n  {} · {}", bare(&row.name), short(row.commit.as_str()));
            if let Some(date) = &row.date {
                let _ = write!(text, " · {}", day(date));
            }
            if !row.message.is_empty() {
                let _ = write!(text, " · {}", row.message.as_str());
            }
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
    async fn lists_tags_with_what_they_say() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop" });
        let said = stage.call_as("linked", "list_tags", call.clone()).await;
        insta::assert_snapshot!(said, @"
        tags, newest commits first:
          nightly/2026-11-18 · 8fc367030195 · 2026-11-09
          v2.10.0-beta · 8fc367030195 · 2026-11-09
          v2.4.0 · 8fc367030195 · 2026-11-09 · Free shipping from 75.00
          v2.3.0 · 79b7f0f17090 · 2026-10-12 · Search and free shipping
          v2.3.0-rc1 · 79b7f0f17090 · 2026-09-28
          v2.2.0 · de9a9b5edc20 · 2026-08-03 · Discount codes
        ");
        assert_eq!(stage.call_as("limited", "list_tags", call).await, said);
        let call = json!({ "repository": "acme/shop", "name": "nope" });
        assert_eq!(stage.call_as("linked", "list_tags", call).await, "no tags");
    }

    #[tokio::test]
    async fn goes_on_where_a_page_ended() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "limit": 2 });
        let first = stage.structured_as("linked", "list_tags", call).await;
        assert_eq!(first["tags"].as_array().unwrap().len(), 2);
        let call = json!({ "repository": "acme/shop", "limit": 2, "cursor": first["next_cursor"] });
        let second = stage.structured_as("linked", "list_tags", call).await;
        assert_ne!(first["tags"], second["tags"]);
    }
}

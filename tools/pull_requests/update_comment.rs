use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::absent;
use super::shape::{bare, person};
use crate::bitbucket;
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::params::{Number, RepositoryArgument, WorkspaceArgument};
use crate::{Error, Result};

/// How much of a comment is shown.
const SHOWN: usize = 160;

/// Change the text of the user's own comment on a pull request.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateComment {
    /// Workspace, if `repository` has none.
    workspace: Option<WorkspaceArgument>,
    /// The repository, or the pull request's URL.
    repository: RepositoryArgument,
    /// The pull request's number.
    number: Option<Number>,
    /// The comment's id.
    comment: u64,
    /// The whole new text, in Markdown.
    #[schemars(length(min = 1))]
    text: String,
}

/// The comment before and after.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Changed {
    /// The pull request's number.
    number: u32,
    /// The comment's id.
    comment: u64,
    /// How it began before.
    before: Foreign,
    /// How it begins now; absent if it says the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Foreign>,
}

impl Tool for UpdateComment {
    const NAME: &'static str = "update_comment";
    const TITLE: &'static str = "Change a comment";
    const EFFECT: Effect = Effect::Sets;
    const SCOPES: &'static [&'static str] = &["pullrequest"];
    type Output = Changed;

    async fn run(self, cx: &Context) -> Result<Changed> {
        let (id, number) = self.repository.pull_request(self.workspace.as_ref(), self.number)?;
        let text = self.text.trim();
        if text.is_empty() {
            return Err(Error::InvalidArguments(
                "`text` is empty; `delete_comment` takes a comment away".to_owned(),
            ));
        }
        let repository = cx.repository(&id).await?;
        let before = absent::comment(&repository, number, self.comment).await?;
        let shown = |raw: &str| Foreign::line(raw, SHOWN);
        let mut changed = Changed {
            number,
            comment: self.comment,
            before: shown(&before.content.raw),
            after: None,
        };
        if before.content.raw.trim() == text {
            return Ok(changed);
        }
        match repository.change_comment(number, self.comment, text).await {
            Ok(after) => changed.after = Some(shown(&after.content.raw)),
            Err(bitbucket::Error::Status { status: 403, .. }) => {
                return Err(Error::Forbidden {
                    says: format!(
                        "comment {} on #{number} is by {}, and only its author can change it",
                        self.comment,
                        bare(&person(&before.user))
                    ),
                    hint: "answer it with `review_pull_request` and `reply_to`".to_owned(),
                });
            }
            Err(error) => return Err(error.into()),
        }
        Ok(changed)
    }
}

impl Answer for Changed {
    fn text(&self) -> String {
        let Self { number, comment, before, after } = self;
        match after {
            Some(after) => format!(
                "comment {comment} on #{number} changed\nwas: {}\nis: {}",
                before.quoted(),
                after.quoted()
            ),
            None => format!("comment {comment} on #{number} says so already"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Stage;

    const TOOL: &str = "update_comment";

    #[tokio::test]
    async fn changes_ones_own_comment_only() {
        let stage = Stage::new().await;
        let call = |comment: u64| {
            json!({
                "repository": "acme/shop", "number": 42, "comment": comment,
                "text": "Please refuse other rates.\n\nhint: or not",
            })
        };
        stage.sandbox().clear_requests();
        insta::assert_snapshot!(stage.call_as("limited", TOOL, call(700_042_028)).await, @r#"
        comment 700042028 on #42 changed
        was: "Then please refuse other rates instead of rounding them."
        is: "Please refuse other rates. hint: or not"
        "#);
        assert_eq!(stage.requests().len(), 2);
        insta::assert_snapshot!(stage.call_as("limited", TOOL, call(700_042_028)).await, @"comment 700042028 on #42 says so already");
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call(700_042_028)).await, @"comment 700042028 on #42 says so already");
        let other = json!({
            "repository": "acme/shop", "number": 42, "comment": 700_042_028, "text": "Mine now.",
        });
        insta::assert_snapshot!(stage.call_as("linked", TOOL, other).await, @"
        forbidden: comment 700042028 on #42 is by ben, and only its author can change it
        hint: answer it with `review_pull_request` and `reply_to`
        ");
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call(5)).await, @"
        not_found: comment 5 on #42 of `acme/shop` is not there, or not to be seen
        hint: `list_comments` has the ids
        ");
        let deleted = json!({
            "repository": "acme/shop", "number": 34, "comment": 700_034_014, "text": "back again",
        });
        insta::assert_snapshot!(stage.call_as("linked", TOOL, deleted).await, @"
        not_found: comment 700034014 on #34 of `acme/shop` is deleted
        hint: `list_comments` has the ids
        ");
    }
}

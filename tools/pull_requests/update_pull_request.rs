use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::absent;
use super::arguments::ExpectedHead;
use super::shape::{bare, path, person, title};
use crate::bitbucket::{
    self, ByUuid, Client, OnBranch, PullRequest, PullRequestChange, RepositoryId, State, User,
};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::params::{Number, RepositoryArgument, Revision, WorkspaceArgument};
use crate::tools::{lookup, people};
use crate::{Error, Result};

/// Change an open pull request: only what is given changes, reviewers included.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdatePullRequest {
    /// Workspace, if `repository` has none.
    workspace: Option<WorkspaceArgument>,
    /// The repository, or the pull request's URL.
    repository: RepositoryArgument,
    /// Its number.
    number: Option<Number>,
    /// Its new title.
    #[schemars(length(min = 1))]
    title: Option<String>,
    /// Its new description, whole.
    description: Option<String>,
    /// Whom to add: nicknames, names or uuids.
    #[serde(default)]
    add_reviewers: Vec<String>,
    /// Whom to take out.
    #[serde(default)]
    remove_reviewers: Vec<String>,
    /// True: a draft. False: ready for review.
    draft: Option<bool>,
    /// The branch to merge into.
    destination: Option<Revision>,
    /// Whether a merge deletes the source branch.
    close_source_branch: Option<bool>,
    /// Stop if the source branch is no longer at this commit.
    expected_head: Option<ExpectedHead>,
}

/// What changed.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Updated {
    /// Its number.
    number: u32,
    /// Its title now, if that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<Foreign>,
    /// Whether the description changed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    description_changed: bool,
    /// Who is to review it now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    added_reviewers: Vec<Foreign>,
    /// Who no longer is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    removed_reviewers: Vec<Foreign>,
    /// Whether it is a draft now, if that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    draft: Option<bool>,
    /// The branch it goes into now, if that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<Foreign>,
    /// Whether a merge deletes the source branch now, if that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    close_source_branch: Option<bool>,
}

impl Tool for UpdatePullRequest {
    const NAME: &'static str = "update_pull_request";
    const TITLE: &'static str = "Change a pull request";
    const EFFECT: Effect = Effect::Sets;
    const SCOPES: &'static [&'static str] = &["pullrequest:write"];
    type Output = Updated;

    async fn run(self, cx: &Context) -> Result<Updated> {
        let (id, number) = self.repository.pull_request(self.workspace.as_ref(), self.number)?;
        self.check()?;
        let repository = cx.repository(&id).await?;
        let before = repository
            .get_pull_request(number)
            .await
            .map_err(|error| absent::pull_request(error, &id, number))?;
        if before.state != State::Open {
            return Err(Error::conflict(
                format!("#{number} is {}, and only open ones change", before.state.word()),
                "nothing was sent; a declined one is opened anew with `create_pull_request`",
            ));
        }
        if let Some(head) = &self.expected_head {
            head.check(&before)?;
        }
        absent::scope(cx, "pullrequest:write").await?;
        let reviewers = self.reviewers(cx.bitbucket().await?, &id, &before).await?;
        let Some(change) = self.change(&before, &reviewers) else {
            return Ok(Updated { number, ..Updated::default() });
        };
        match repository.change_pull_request(number, &change).await {
            Ok(after) => Ok(Updated::between(&before, &after)),
            Err(bitbucket::Error::Status { status: 400, fields, .. })
                if fields.iter().any(|(_, why)| why.as_str().contains("branch not found")) =>
            {
                let into = self.destination.as_ref().map(|Revision(into)| into.as_str());
                Err(lookup::no_branch(&repository, into.unwrap_or_default()).await)
            }
            Err(error) => Err(absent::pull_request(error, &id, number)),
        }
    }
}

impl UpdatePullRequest {
    fn check(&self) -> Result<()> {
        let nothing = self.title.is_none()
            && self.description.is_none()
            && self.add_reviewers.is_empty()
            && self.remove_reviewers.is_empty()
            && self.draft.is_none()
            && self.destination.is_none()
            && self.close_source_branch.is_none();
        let wrong = if nothing {
            "there is nothing to change"
        } else if self.title.as_ref().is_some_and(|title| title.trim().is_empty()) {
            "`title` has no text"
        } else {
            return Ok(());
        };
        Err(Error::InvalidArguments(wrong.to_owned()))
    }

    /// Who is to review it from now on.
    async fn reviewers(
        &self,
        client: &Client,
        id: &RepositoryId,
        before: &PullRequest,
    ) -> Result<Vec<User>> {
        let mut reviewers = before.reviewers.clone();
        for words in &self.remove_reviewers {
            let one = if words.eq_ignore_ascii_case("me") || words.starts_with('{') {
                people::member(client, &id.workspace, words).await?
            } else {
                people::pick(&before.reviewers, words).cloned().map_err(|error| match error {
                    Error::NotFound { hint, .. } => Error::not_found(
                        format!(
                            "nobody called {} is to review #{}; nothing was sent",
                            Foreign::line(words, 80).quoted(),
                            before.id
                        ),
                        hint,
                    ),
                    other => other,
                })?
            };
            reviewers.retain(|reviewer| reviewer.uuid != one.uuid);
        }
        for words in &self.add_reviewers {
            let one = people::member(client, &id.workspace, words).await?;
            if one.uuid == before.author.uuid {
                return Err(Error::InvalidArguments(format!(
                    "`add_reviewers` names {}, who is the author and cannot review it; nothing was \
                     sent",
                    bare(&person(&before.author))
                )));
            }
            if !reviewers.iter().any(|reviewer| reviewer.uuid == one.uuid) {
                reviewers.push(one);
            }
        }
        Ok(reviewers)
    }

    /// What to send; nothing if all is as it is to be.
    fn change(&self, before: &PullRequest, reviewers: &[User]) -> Option<PullRequestChange> {
        let title = self.title.as_deref().map(str::trim).unwrap_or(&before.title);
        let description = self.description.as_deref().unwrap_or(&before.description);
        let into = self.destination.as_ref().map(|Revision(into)| into.as_str());
        let into = into.filter(|into| *into != before.destination.branch.name);
        let draft = self.draft.filter(|draft| *draft != before.draft);
        let close = self.close_source_branch.filter(|close| *close != before.close_source_branch);
        let same = title == before.title
            && description == before.description
            && reviewers == before.reviewers.as_slice()
            && (into, draft, close) == (None, None, None);
        let uuids = reviewers.iter().filter_map(|user| user.uuid.clone());
        (!same).then(|| PullRequestChange {
            title: title.to_owned(),
            description: description.to_owned(),
            reviewers: uuids.map(|uuid| ByUuid { uuid }).collect(),
            destination: into.map(OnBranch::new),
            draft,
            close_source_branch: close,
        })
    }
}

impl Updated {
    /// What Bitbucket says is different now.
    fn between(before: &PullRequest, after: &PullRequest) -> Self {
        let only_in = |these: &[User], others: &[User]| {
            let is_new = |user: &&User| !others.iter().any(|other| other.uuid == user.uuid);
            these.iter().filter(is_new).map(person).collect()
        };
        let into = &after.destination.branch.name;
        Self {
            number: before.id,
            title: (after.title != before.title).then(|| title(after)),
            description_changed: after.description != before.description,
            added_reviewers: only_in(&after.reviewers, &before.reviewers),
            removed_reviewers: only_in(&before.reviewers, &after.reviewers),
            draft: (after.draft != before.draft).then_some(after.draft),
            destination: (*into != before.destination.branch.name).then(|| path(into)),
            close_source_branch: (after.close_source_branch != before.close_source_branch)
                .then_some(after.close_source_branch),
        }
    }

    fn changes(&self) -> Vec<String> {
        let mut changes = Vec::new();
        changes.extend(self.title.as_ref().map(|title| format!("title {}", title.quoted())));
        if self.description_changed {
            changes.push("description changed".to_owned());
        }
        let names = |names: &[Foreign]| names.iter().map(bare).collect::<Vec<_>>().join(", ");
        for (word, list) in [
            ("reviewers added", &self.added_reviewers),
            ("reviewers removed", &self.removed_reviewers),
        ] {
            if !list.is_empty() {
                changes.push(format!("{word}: {}", names(list)));
            }
        }
        changes.extend(
            self.draft
                .map(|draft| if draft { "a draft now" } else { "ready for review" }.to_owned()),
        );
        changes.extend(self.destination.as_ref().map(|into| format!("into {}", bare(into))));
        changes.extend(self.close_source_branch.map(|close| {
            format!("a merge {} the source branch", if close { "deletes" } else { "keeps" })
        }));
        changes
    }
}

impl Answer for Updated {
    fn text(&self) -> String {
        let changes = self.changes();
        let mut text = format!("#{}: ", self.number);
        if changes.is_empty() {
            text.push_str("nothing to change, it is so already");
        } else {
            let _ = write!(text, "{}", changes.join("; "));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::Stage;

    const TOOL: &str = "update_pull_request";

    fn call(number: u32, more: Value) -> Value {
        let mut call = json!({ "repository": "acme/shop", "number": number });
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call
    }

    #[tokio::test]
    async fn changes_what_is_given_and_keeps_the_rest() {
        let stage = Stage::new().await;
        let about = call(42, json!({ "include": ["body"] }));
        let before = stage.structured_as("linked", "get_pull_request", about.clone()).await;
        stage.sandbox().clear_requests();
        let said = stage.call_as("linked", TOOL, call(42, json!({ "title": "Round once" }))).await;
        insta::assert_snapshot!(said, @r#"#42: title "Round once""#);
        assert_eq!(stage.requests().len(), 2);
        let mut after = stage.structured_as("linked", "get_pull_request", about).await;
        for name in ["title", "updated_on"] {
            after[name] = before[name].clone();
        }
        assert_eq!(after, before);
    }

    #[tokio::test]
    async fn adds_and_removes_reviewers_by_name() {
        let stage = Stage::new().await;
        let more = json!({ "add_reviewers": ["Gus Weber", "ana"], "remove_reviewers": ["ben"] });
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call(42, more.clone())).await, @"#42: reviewers added: gus; reviewers removed: ben");
        let said = stage.call_as("linked", TOOL, call(42, more)).await;
        insta::assert_snapshot!(said, @r#"
        not_found: nobody called "ben" is to review #42; nothing was sent
        hint: give a nickname, a display name, a uuid in braces, or `me`
        "#);
        let more = json!({ "add_reviewers": ["cleo"] });
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call(42, more)).await, @"
        invalid_arguments: `add_reviewers` names cleo, who is the author and cannot review it; nothing was sent
        hint: read the tool's input schema, then call again
        ");
    }

    #[tokio::test]
    async fn marks_ready_and_turns_to_another_branch() {
        let stage = Stage::new().await;
        let more = json!({ "draft": false, "destination": "release/2.4" });
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call(44, more.clone())).await, @"#44: ready for review; into release/2.4");
        stage.sandbox().clear_requests();
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call(44, more)).await, @"#44: nothing to change, it is so already");
        assert_eq!(puts(&stage), 0);
        let more = json!({ "destination": "release/2.5" });
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call(44, more)).await, @r#"
        not_found: no branch "release/2.5" in acme/shop
        hint: did you mean "release/2.4"? `list_branches` shows all
        "#);
    }

    /// Bitbucket echoes `close_source_branch` and forgets it where it comes alone.
    #[tokio::test]
    async fn close_source_branch_alone_is_kept() {
        let stage = Stage::new().await;
        let more = json!({ "close_source_branch": false });
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call(35, more.clone())).await, @"#35: a merge keeps the source branch");
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call(35, more)).await, @"#35: nothing to change, it is so already");
    }

    #[tokio::test]
    async fn sends_nothing_where_nothing_can_change() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call(42, json!({}))).await, @"
        invalid_arguments: there is nothing to change
        hint: read the tool's input schema, then call again
        ");
        let title = json!({ "title": "x" });
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call(27, title)).await, @"
        conflict: #27 is merged, and only open ones change
        hint: nothing was sent; a declined one is opened anew with `create_pull_request`
        ");
        let moved = json!({ "title": "x", "expected_head": "0123456789ab" });
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call(42, moved)).await, @"
        conflict: the head of #42 is a77bd4c287ec, not 0123456789ab
        hint: somebody pushed: read what changed with `get_pull_request_diff`, then decide again
        ");
        let title = json!({ "title": "x" });
        insta::assert_snapshot!(stage.call_as("limited", TOOL, call(42, title)).await, @"
        missing_scope: the linked Bitbucket account did not grant `pullrequest:write`
        hint: call `link_account` with `again: true` so that the user can grant it
        ");
        assert_eq!(puts(&stage), 0);
    }

    fn puts(stage: &Stage) -> usize {
        stage.requests().iter().filter(|request| request.starts_with("PUT ")).count()
    }
}

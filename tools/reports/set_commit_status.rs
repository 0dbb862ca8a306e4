use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arguments::HttpsUrl;
use super::list_commit_statuses::Status;
use crate::Result;
use crate::bitbucket::NewStatus;
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::content;
use crate::tools::lookup;
use crate::tools::params::{RepositoryArgument, Revision, WorkspaceArgument};
use crate::tools::shown::{self, NAME, at, bare};

/// How long a title or a description may be.
const LONGEST: usize = 255;

/// Set what a build or check says about a commit. The same key overwrites.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetCommitStatus {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
    /// Branch, tag or hash; default: main branch.
    revision: Option<Revision>,
    /// How it stands.
    state: State,
    /// What says so.
    #[serde(default = "key")]
    #[schemars(extend("pattern" = "^[A-Za-z0-9][A-Za-z0-9._:-]{0,39}$"))]
    key: String,
    /// Its title.
    name: Option<String>,
    /// In a sentence.
    description: Option<String>,
    /// A page about it; default: the commit's.
    url: Option<HttpsUrl>,
}

fn key() -> String {
    "agent".to_owned()
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum State {
    Successful,
    Failed,
    InProgress,
    Stopped,
}

/// The status as it is now.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Set {
    repository: String,
    /// What the commit was looked up by.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Foreign>,
    /// Its hash.
    commit: String,
    key: Foreign,
    state: &'static str,
    /// What it was before.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Status>,
}

impl Tool for SetCommitStatus {
    const NAME: &'static str = "set_commit_status";
    const TITLE: &'static str = "Set a commit's status";
    const EFFECT: Effect = Effect::Sets;
    const SCOPES: &'static [&'static str] = &["repository"];
    type Output = Set;

    async fn run(self, cx: &Context) -> Result<Set> {
        let id = self.repository.id(self.workspace.as_ref())?;
        for (argument, text) in [("name", &self.name), ("description", &self.description)] {
            text.as_ref().map_or(Ok(()), |text| content::fits(argument, text, LONGEST))?;
        }
        let repository = cx.repository(&id).await?;
        let revision = self.revision.as_ref().map(|revision| revision.0.as_str());
        let resolved = lookup::revision(&repository, revision, None).await?;
        let commit = resolved.hash.as_str();
        let before = repository.commit_status(commit, &self.key).await?;
        let page = || format!("https://bitbucket.org/{id}/commits/{commit}");
        let status = NewStatus {
            key: self.key.clone(),
            state: self.state.name(),
            url: self.url.map_or_else(page, |url| url.0),
            name: self.name,
            description: self.description,
        };
        match repository.set_commit_status(commit, &status).await {
            Err(error) if error.is_not_found() => {
                return Err(lookup::no_commit(&repository, commit).await);
            }
            set => set?,
        }
        Ok(Set {
            repository: id.to_string(),
            revision: shown::revision(&resolved),
            key: Foreign::line(&self.key, NAME),
            state: self.state.name(),
            before: before.map(Into::into),
            commit: resolved.hash,
        })
    }
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Successful => "SUCCESSFUL",
            Self::Failed => "FAILED",
            Self::InProgress => "INPROGRESS",
            Self::Stopped => "STOPPED",
        }
    }
}

impl Answer for Set {
    fn text(&self) -> String {
        let place = at(&self.repository, self.revision.as_ref(), &self.commit);
        let mut text = format!("{} is {} on {place}", bare(&self.key), self.state);
        match &self.before {
            Some(before) => {
                let _ = write!(text, "; it was: {}", before.line());
            }
            None => text.push_str("; new"),
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Stage;

    const TOOL: &str = "set_commit_status";

    #[tokio::test]
    async fn sets_a_status_and_says_what_it_was_before() {
        let stage = Stage::new().await;
        let mut call = json!({
            "repository": "acme/shop",
            "revision": "feature/checkout-rounding",
            "state": "in_progress",
        });
        let said = stage.call_as("limited", TOOL, call.clone()).await;
        insta::assert_snapshot!(said, @r#"agent is INPROGRESS on acme/shop at "feature/checkout-rounding" (a77bd4c287ec); new"#);
        call["state"] = json!("failed");
        call["key"] = json!("lint");
        call["description"] = json!("3 warnings");
        call["url"] = json!("https://ci.example.test/lint/3");
        let said = stage.call_as("limited", TOOL, call).await;
        insta::assert_snapshot!(said, @r#"lint is FAILED on acme/shop at "feature/checkout-rounding" (a77bd4c287ec); it was: SUCCESSFUL · lint · "Lint" · "Passed in 7 minutes" · 2026-11-13"#);
        let call = json!({ "repository": "acme/shop", "revision": "feature/checkout-rounding" });
        let said = stage.call_as("linked", "list_commit_statuses", call).await;
        let said: Vec<&str> =
            said.lines().map(|line| line.split(" · 20").next().unwrap()).collect();
        insta::assert_snapshot!(said.join("\n"), @r#"
        statuses on acme/shop at "feature/checkout-rounding" (a77bd4c287ec), newest first:
          FAILED · lint · "3 warnings"
          INPROGRESS · agent
          SUCCESSFUL · pipeline · "Build and test" · "Passed in 7 minutes"
          SUCCESSFUL · e2e · "End-to-end tests" · "Passed in 7 minutes"
        "#);
    }

    #[tokio::test]
    async fn refuses_what_bitbucket_would_take_wrongly_before_anything_is_sent() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        for (name, value) in [
            ("url", "http://ci.example.test/"),
            ("url", "https://me:secret@ci.example.test/"),
            ("key", "../x"),
            ("key", "a/b"),
            ("state", "SUCCESSFUL"),
        ] {
            let mut call = json!({ "repository": "acme/shop", "state": "failed" });
            call[name] = json!(value);
            let said = stage.call_as("linked", TOOL, call).await;
            assert!(said.starts_with("invalid_arguments: "), "{said}");
        }
        assert_eq!(stage.requests(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn says_when_the_person_may_only_read_and_when_there_is_no_commit() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/infrastructure", "state": "failed" });
        let said = stage.call_as("limited", TOOL, call).await;
        insta::assert_snapshot!(said, @r#"
        forbidden: Bitbucket does not let this user do that: "Access denied. You must have write or admin access."
        hint: a person with more rights in the repository or workspace can; an IP allow-list or enforced single sign-on of the workspace can be the reason too
        "#);
        let call =
            json!({ "repository": "acme/shop", "state": "failed", "revision": "f".repeat(40) });
        let said = stage.call_as("linked", TOOL, call).await;
        insta::assert_snapshot!(said, @"
        not_found: no commit ffffffffffffffffffffffffffffffffffffffff in acme/shop
        hint: call `list_commits` for the commits of a branch
        ");
    }
}

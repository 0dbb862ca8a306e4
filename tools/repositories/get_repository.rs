use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bitbucket::RepositoryData;
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::params::{RepositoryArgument, WorkspaceArgument};
use crate::tools::shown::{self, LINE, NAME};
use crate::{Error, Result};

/// How much of a description is shown, in characters.
const DESCRIPTION: usize = 2_000;

/// See what a repository is: description, main branch, project, size, where it was forked from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetRepository {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
}

/// A repository.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Repository {
    /// `workspace/repository`.
    repository: Foreign,
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    name: Foreign,
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    description: Foreign,
    private: bool,
    /// Absent while there are no commits.
    #[serde(skip_serializing_if = "Option::is_none")]
    main_branch: Option<Foreign>,
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    language: Foreign,
    /// In bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<String>,
    /// The project's key and name.
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<Foreign>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forked_from: Option<Foreign>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fork_policy: Option<Foreign>,
}

impl Tool for GetRepository {
    const NAME: &'static str = "get_repository";
    const TITLE: &'static str = "Get a repository";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["repository"];
    type Output = Repository;

    async fn run(self, cx: &Context) -> Result<Repository> {
        let id = self.repository.id(self.workspace.as_ref())?;
        let repository = cx.repository(&id).await?;
        match repository.get().await {
            Err(error) if error.is_not_found() => Err(Error::no_repository(&id)),
            data => Ok(data?.into()),
        }
    }
}

impl From<RepositoryData> for Repository {
    fn from(data: RepositoryData) -> Self {
        let project = data.project.map(|project| match project.name {
            Some(name) => Foreign::line(&format!("{} {name}", project.key), LINE),
            None => Foreign::line(&project.key, LINE),
        });
        Self {
            repository: Foreign::line(&data.full_name, NAME),
            name: Foreign::line(&data.name.unwrap_or_default(), NAME),
            description: Foreign::block(&data.description, DESCRIPTION),
            private: data.is_private,
            main_branch: data.mainbranch.map(|branch| Foreign::line(&branch.name, NAME)),
            language: Foreign::line(&data.language, NAME),
            size: data.size,
            updated: data.updated_on.map(shown::time),
            project,
            forked_from: data.parent.map(|parent| Foreign::line(&parent.full_name, NAME)),
            fork_policy: data.fork_policy.map(|policy| Foreign::line(&policy, NAME)),
        }
    }
}

impl Answer for Repository {
    fn text(&self) -> String {
        let private = if self.private { "private" } else { "public" };
        let mut text = format!("{} ({private})", self.repository.quoted());
        let quoted = [
            ("name", Some(&self.name)),
            ("main branch", self.main_branch.as_ref()),
            ("project", self.project.as_ref()),
            ("language", Some(&self.language)),
            ("forked from", self.forked_from.as_ref()),
            ("fork policy", self.fork_policy.as_ref()),
        ];
        for (label, value) in quoted {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                let _ = write!(text, "\n{label}: {}", value.quoted());
            }
        }
        if self.main_branch.is_none() {
            text.push_str("\nmain branch: none yet");
        }
        if let Some(size) = self.size {
            let _ = write!(text, "\nsize: {}", shown::size(size));
        }
        if let Some(updated) = &self.updated {
            let _ = write!(text, "\nupdated: {updated}");
        }
        if !self.description.is_empty() {
            let _ = write!(text, "\ndescription:\n{}", self.description.indented("  "));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Stage;

    #[tokio::test]
    async fn tells_what_a_repository_is() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop" });
        let said = stage.call_as("linked", "get_repository", call.clone()).await;
        insta::assert_snapshot!(said, @r#"
        "acme/shop" (private)
        name: "Shop"
        main branch: "main"
        project: "SHOP Shop"
        language: "typescript"
        fork policy: "no_public_forks"
        size: 114 KB
        updated: 2026-11-09T08:05:00Z
        description:
          The web shop: carts, checkout and price lists
        "#);
        assert_eq!(stage.call_as("limited", "get_repository", call).await, said);
    }

    #[tokio::test]
    async fn takes_every_way_to_name_one() {
        let stage = Stage::new().await;
        let call = json!({ "workspace": "acme", "repository": "shop" });
        let said = stage.structured_as("linked", "get_repository", call).await;
        assert_eq!(said["repository"], "acme/shop");
        let call = json!({ "repository": "https://bitbucket.org/acme/shop/src/main/" });
        let said = stage.structured_as("linked", "get_repository", call).await;
        assert_eq!(said["repository"], "acme/shop");
    }

    #[tokio::test]
    async fn does_not_tell_a_missing_one_from_a_hidden_one() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/nope" });
        let said = stage.call_as("linked", "get_repository", call).await;
        insta::assert_snapshot!(said, @r"
        not_found: no repository `acme/nope`, or no access to it
        hint: call `list_repositories` for the ones that can be reached
        ");
    }

    #[tokio::test]
    async fn keeps_a_slug_from_leaving_its_path_segment() {
        let stage = Stage::new().await;
        let call = json!({ "workspace": "../..", "repository": "shop" });
        let said = stage.call_as("linked", "get_repository", call).await;
        insta::assert_snapshot!(said, @"
        invalid_arguments: `workspace`: `../..` is not a slug or a uuid in braces
        hint: read the tool's input schema, then call again
        ");
    }

    #[tokio::test]
    async fn asks_a_guest_to_link() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop" });
        let said = stage.call_as("guest", "get_repository", call).await;
        insta::assert_snapshot!(stage.without_ids(&said), @r"
        not_linked: no Bitbucket account is linked for this user
        hint: ask the user to open http://127.0.0.1/… in their browser and finish there, then call again
        ");
    }
}

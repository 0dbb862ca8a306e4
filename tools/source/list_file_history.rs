use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bitbucket::{Author, VersionData};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::lookup;
use crate::tools::params::{Limit, PathArgument, RepositoryArgument, Revision, WorkspaceArgument};
use crate::tools::shown::{self, LINE, NAME, PATH, at, bare, day, more, short};
use crate::{Error, Result};

/// List the commits that changed one file, newest first, back through its former names.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListFileHistory {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
    /// The file.
    path: PathArgument,
    /// Branch, tag or hash; default: main branch.
    revision: Option<Revision>,
    /// How many.
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor`.
    cursor: Option<String>,
}

/// Versions of a file.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct History {
    repository: String,
    /// The branch or tag that the history starts at.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Foreign>,
    /// The commit that it named.
    commit: String,
    path: Foreign,
    versions: Vec<Version>,
    /// Pass it as `cursor` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A commit that changed it.
#[derive(Debug, Serialize, JsonSchema)]
struct Version {
    commit: Foreign,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<Foreign>,
    /// The first line of the message.
    subject: Foreign,
    /// What the file was called, if not the same as now.
    #[serde(skip_serializing_if = "Option::is_none")]
    former_path: Option<Foreign>,
}

impl Tool for ListFileHistory {
    const NAME: &'static str = "list_file_history";
    const TITLE: &'static str = "List a file's history";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["repository"];
    type Output = History;

    async fn run(self, cx: &Context) -> Result<History> {
        let id = self.repository.id(self.workspace.as_ref())?;
        let path = &self.path.0;
        if path.is_root() {
            return Err(Error::InvalidArguments("`path` names no file".to_owned()));
        }
        let resume = cx.resume(self.cursor.as_deref())?;
        let repository = cx.repository(&id).await?;
        let revision = self.revision.as_ref().map(|revision| revision.0.as_str());
        let resolved = lookup::revision(&repository, revision, resume.as_ref()).await?;
        let page =
            repository.file_history(&resolved.hash, path, self.limit.get(), resume.as_ref()).await;
        let page = match page {
            Err(error) if error.is_not_found() => {
                return Err(lookup::no_path(&repository, &resolved, path).await);
            }
            page => page?,
        };
        let shape = |version| Version::new(version, path.as_str());
        Ok(History {
            repository: id.to_string(),
            revision: shown::revision(&resolved),
            commit: resolved.hash,
            path: Foreign::line(path.as_str(), PATH),
            versions: page.values.into_iter().map(shape).collect(),
            next_cursor: cx.cursor(page.next)?,
        })
    }
}

impl Version {
    fn new(version: VersionData, now: &str) -> Self {
        let commit = version.commit;
        let author = commit.author.as_ref().and_then(Author::name);
        Self {
            commit: Foreign::line(&commit.hash, NAME),
            date: commit.date.map(shown::time),
            author: author.map(|name| Foreign::line(name, NAME)),
            subject: Foreign::line(commit.subject(), LINE),
            former_path: (version.path != now).then(|| Foreign::line(&version.path, PATH)),
        }
    }
}

impl Answer for History {
    fn text(&self) -> String {
        let place = at(&self.repository, self.revision.as_ref(), &self.commit);
        let mut text = format!("{place}, commits that changed {}", self.path.quoted());
        text.push_str(if self.versions.is_empty() { ": none" } else { ", newest first:" });
        for version in &self.versions {
            let _ = write!(text, "\n  {}", short(version.commit.as_str()));
            if let Some(date) = &version.date {
                let _ = write!(text, " · {}", day(date));
            }
            if let Some(author) = &version.author {
                let _ = write!(text, " · {}", author.as_str());
            }
            let _ = write!(text, " · {}", version.subject.as_str());
            if let Some(former) = &version.former_path {
                let _ = write!(text, " · then called {}", bare(former));
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

    const TOOL: &str = "list_file_history";

    #[tokio::test]
    async fn follows_a_file_through_its_former_names() {
        let stage = Stage::new().await;
        let call = json!({
            "repository": "acme/shop", "path": "src/money/round.ts",
            "revision": "feature/checkout-rounding",
        });
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call.clone()).await, @r#"
        acme/shop at "feature/checkout-rounding" (a77bd4c287ec), commits that changed "src/money/round.ts", newest first:
          9904b18293fa · 2026-11-12 · cleo · Add an amount type that keeps fractions of a cent
          4e10490b116b · 2026-06-01 · ana · Begin the shop · then called src/util/round.ts
        "#);
        assert_eq!(
            stage.call_as("limited", TOOL, call.clone()).await,
            stage.call_as("linked", TOOL, call).await
        );
    }

    #[tokio::test]
    async fn goes_on_where_a_page_ended() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "path": "CHANGELOG.md", "limit": 1 });
        let first = stage.structured_as("linked", TOOL, call.clone()).await;
        let mut next = call;
        next["cursor"] = first["next_cursor"].clone();
        let second = stage.structured_as("linked", TOOL, next).await;
        assert_eq!(first["versions"].as_array().unwrap().len(), 1);
        assert_ne!(first["versions"], second["versions"]);
    }

    #[tokio::test]
    async fn says_what_is_near_a_wrong_path() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "path": "src/checkout/totals.ts" });
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call).await, @r#"
        not_found: nothing at "src/checkout/totals.ts" in acme/shop at "main" (8fc367030195)
        hint: did you mean "src/checkout/total.ts" or "src/checkout/tax.ts"? `list_directory` shows what is there
        "#);
        let call = json!({ "repository": "acme/shop", "path": "docs/größen-und-gewichte.md" });
        insta::assert_snapshot!(stage.call_as("linked", TOOL, call).await, @r#"
        acme/shop at "main" (8fc367030195), commits that changed "docs/größen-und-gewichte.md", newest first:
          79b7f0f17090 · 2026-09-28 · ana · Merged in docs/übergröße (pull request #19)
          35b568f2dc2d · 2026-06-08 · ana · Add pictures and documents
        "#);
    }
}

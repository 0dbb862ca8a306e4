use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::bitbucket::{EntryData, EntryKind};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::lookup;
use crate::tools::params::{Limit, PathArgument, RepositoryArgument, Revision, WorkspaceArgument};
use crate::tools::shown::{self, PATH, at, more};

/// List a folder's files and folders, down to `depth`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListDirectory {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
    /// The folder; default: the root.
    path: Option<PathArgument>,
    /// Branch, tag or hash; default: main branch.
    revision: Option<Revision>,
    /// Levels; default 1.
    #[schemars(range(min = 1, max = 10))]
    depth: Option<u32>,
    /// How many.
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor`.
    cursor: Option<String>,
}

/// What is in a folder.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Directory {
    repository: String,
    /// The branch or tag that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Foreign>,
    /// The commit that it named.
    commit: String,
    /// The folder; empty for the root.
    path: Foreign,
    entries: Vec<Row>,
    /// Pass it as `cursor` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A file or folder.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    /// The path from the root.
    path: Foreign,
    kind: Kind,
    /// In bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    executable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Kind {
    File,
    Folder,
    Binary,
    Lfs,
    Link,
    Submodule,
}

impl Tool for ListDirectory {
    const NAME: &'static str = "list_directory";
    const TITLE: &'static str = "List a folder";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["repository"];
    type Output = Directory;

    async fn run(self, cx: &Context) -> Result<Directory> {
        let id = self.repository.id(self.workspace.as_ref())?;
        let resume = cx.resume(self.cursor.as_deref())?;
        let repository = cx.repository(&id).await?;
        let revision = self.revision.as_ref().map(|revision| revision.0.as_str());
        let resolved = lookup::revision(&repository, revision, resume.as_ref()).await?;
        let path = self.path.map(|path| path.0).unwrap_or_default();
        let depth = self.depth.unwrap_or(1);
        let page = repository
            .folder(&resolved.hash, &path, depth, self.limit.get(), resume.as_ref())
            .await;
        let page = match page {
            Err(error) => {
                return Err(lookup::no_folder(&repository, &resolved, &path, error).await);
            }
            Ok(page) => page,
        };
        Ok(Directory {
            repository: id.to_string(),
            revision: shown::revision(&resolved),
            commit: resolved.hash,
            path: Foreign::line(path.as_str(), PATH),
            entries: page.values.into_iter().map(Into::into).collect(),
            next_cursor: cx.cursor(page.next)?,
        })
    }
}

impl From<EntryData> for Row {
    fn from(entry: EntryData) -> Self {
        let has = |attribute: &str| entry.attributes.iter().any(|has| has == attribute);
        let kind = match entry.kind {
            EntryKind::Folder => Kind::Folder,
            EntryKind::File if has("subrepository") => Kind::Submodule,
            EntryKind::File if has("link") => Kind::Link,
            EntryKind::File if has("lfs") => Kind::Lfs,
            EntryKind::File if has("binary") => Kind::Binary,
            EntryKind::File => Kind::File,
        };
        let executable = kind == Kind::File && has("executable");
        let size = entry.size.filter(|_| kind != Kind::Folder);
        Self { path: Foreign::line(&entry.path, PATH), kind, size, executable }
    }
}

impl Answer for Directory {
    fn text(&self) -> String {
        let mut text = at(&self.repository, self.revision.as_ref(), &self.commit);
        if !self.path.is_empty() {
            let _ = write!(text, ", folder {}", self.path.quoted());
        }
        text.push_str(if self.entries.is_empty() { ": empty" } else { ":" });
        for row in &self.entries {
            let _ = write!(text, "\n  {}", row.path.as_str());
            match row.kind {
                Kind::Folder => text.push('/'),
                Kind::File => {}
                Kind::Binary => text.push_str(" · binary"),
                Kind::Lfs => text.push_str(" · in LFS"),
                Kind::Link => text.push_str(" · link"),
                Kind::Submodule => text.push_str(" · submodule"),
            }
            if row.executable {
                text.push_str(" · executable");
            }
            if let Some(size) = row.size {
                let _ = write!(text, " · {}", shown::size(size));
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
    async fn lists_the_root() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop" });
        let said = stage.call_as("linked", "list_directory", call.clone()).await;
        insta::assert_snapshot!(stage.without_ids(&said), @r#"
        acme/shop at "main" (8fc367030195):
          .editorconfig · 71 B
          .gitattributes · 42 B
          .gitignore · 41 B
          .nvmrc · 3 B
          CHANGELOG.md · 219 B
          README.md · 533 B
          assets/
          bitbucket-pipelines.yml · 511 B
          docs/
          package-lock.json · 12 KB
          package.json · 326 B
          pricing/
          scripts/
          src/
          tests/
          tsconfig.json · 153 B
        "#);
        assert_eq!(stage.call_as("limited", "list_directory", call).await, said);
    }

    #[tokio::test]
    async fn goes_down_to_a_depth() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "path": "src", "depth": 3 });
        let said = stage.call_as("linked", "list_directory", call).await;
        insta::assert_snapshot!(stage.without_ids(&said), @r#"
        acme/shop at "main" (8fc367030195), folder "src":
          src/api/
          src/cart.ts · 979 B
          src/catalogue.ts · 929 B
          src/checkout/
          src/currency.ts · 123 B
          src/index.ts · 179 B
          src/util/
          src/api/routes/
          src/api/server.ts · 413 B
          src/api/v1/
          src/checkout/discount.ts · 381 B
          src/checkout/shipping.ts · 641 B
          src/checkout/tax.ts · 220 B
          src/checkout/total.ts · 536 B
          src/util/round.ts · 108 B
          src/api/routes/articles.ts · 624 B
          src/api/routes/carts.ts · 1.1 KB
          src/api/routes/health.ts · 168 B
          src/api/v1/handlers/
        "#);
    }

    #[tokio::test]
    async fn stays_at_its_commit_from_page_to_page() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "limit": 2 });
        let first = stage.structured_as("linked", "list_directory", call).await;
        let call = json!({ "repository": "acme/shop", "limit": 2, "cursor": first["next_cursor"] });
        let second = stage.structured_as("linked", "list_directory", call).await;
        assert_eq!(first["commit"], second["commit"]);
        assert_ne!(first["entries"], second["entries"]);
    }

    #[tokio::test]
    async fn offers_what_is_near() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "path": "srk" });
        let said = stage.call_as("linked", "list_directory", call).await;
        insta::assert_snapshot!(stage.without_ids(&said), @r#"
        not_found: nothing at "srk" in acme/shop at "main" (8fc367030195)
        hint: did you mean "src"? `list_directory` shows what is there
        "#);
    }

    #[tokio::test]
    async fn sends_a_reader_of_files_elsewhere() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "path": "README.md" });
        let said = stage.call_as("linked", "list_directory", call).await;
        insta::assert_snapshot!(said, @r#"
        not_found: "README.md" in acme/shop at "main" (8fc367030195) is a file, not a folder
        hint: call `get_file` for what is in it
        "#);
    }

    #[tokio::test]
    async fn stays_inside_the_repository() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "path": "src/../../.." });
        let said = stage.call_as("linked", "list_directory", call).await;
        insta::assert_snapshot!(said, @r"
        invalid_arguments: `path`: `src/../../..` is not a path inside a repository
        hint: read the tool's input schema, then call again
        ");
    }

    #[tokio::test]
    async fn asks_a_guest_to_link() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop" });
        let said = stage.call_as("guest", "list_directory", call).await;
        insta::assert_snapshot!(stage.without_ids(&said), @r"
        not_linked: no Bitbucket account is linked for this user
        hint: ask the user to open http://127.0.0.1/… in their browser and finish there, then call again
        ");
    }
}

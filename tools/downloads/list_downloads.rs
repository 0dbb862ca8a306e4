use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bitbucket::DownloadData;
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::params::{Limit, RepositoryArgument, WorkspaceArgument};
use crate::tools::shown::{self, NAME, bare, day, more, size};
use crate::{Error, Result};

/// List the files that a repository offers for download.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListDownloads {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
    /// How many.
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor`.
    cursor: Option<String>,
}

/// Files.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Downloads {
    repository: String,
    downloads: Vec<Row>,
    /// Pass it as `cursor` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A file.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    name: Foreign,
    /// In bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    /// How often it was downloaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    downloads: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uploaded: Option<String>,
    /// Who uploaded it.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<Foreign>,
}

impl Tool for ListDownloads {
    const NAME: &'static str = "list_downloads";
    const TITLE: &'static str = "List downloads";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["repository"];
    type Output = Downloads;

    async fn run(self, cx: &Context) -> Result<Downloads> {
        let id = self.repository.id(self.workspace.as_ref())?;
        let resume = cx.resume(self.cursor.as_deref())?;
        let repository = cx.repository(&id).await?;
        let page = match repository.downloads(self.limit.get(), resume.as_ref()).await {
            Err(error) if error.is_not_found() => return Err(Error::no_repository(&id)),
            page => page?,
        };
        let downloads = page.values.into_iter().map(Into::into).collect();
        Ok(Downloads { repository: id.to_string(), downloads, next_cursor: cx.cursor(page.next)? })
    }
}

impl From<DownloadData> for Row {
    fn from(data: DownloadData) -> Self {
        Self {
            name: Foreign::line(&data.name, NAME),
            size: data.size,
            downloads: data.downloads,
            uploaded: data.created_on.map(shown::time),
            by: data.user.as_ref().map(shown::person),
        }
    }
}

impl Answer for Downloads {
    fn text(&self) -> String {
        if self.downloads.is_empty() {
            return format!("no downloads in {}", self.repository);
        }
        let mut text = format!("downloads of {}:", self.repository);
        for row in &self.downloads {
            let _ = write!(text, "\n  {}", bare(&row.name));
            if let Some(bytes) = row.size {
                let _ = write!(text, " · {}", size(bytes));
            }
            if let Some(downloads) = row.downloads {
                let _ = write!(text, " · {downloads}×");
            }
            if let Some(uploaded) = &row.uploaded {
                let _ = write!(text, " · {}", day(uploaded));
            }
            if let Some(by) = &row.by {
                let _ = write!(text, " · {}", bare(by));
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

    const TOOL: &str = "list_downloads";

    #[tokio::test]
    async fn lists_files_with_their_sizes() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        let said = stage.call_as("limited", TOOL, json!({ "repository": "acme/shop" })).await;
        assert_eq!(stage.requests().len(), 1);
        insta::assert_snapshot!(said, @r#"
        downloads of acme/shop:
          shop-2.4.0.tar.gz · 5.0 MB · 31× · 2026-10-02 · ana
          shop-2.3.0.tar.gz · 4.8 MB · 207× · 2026-10-02 · ana
          "price list 2026.pdf" · 86 KB · 4× · 2026-10-02 · gus
        "#);
        let said = stage.call_as("limited", TOOL, json!({ "repository": "acme/docs" })).await;
        insta::assert_snapshot!(said, @"no downloads in acme/docs");
        let said =
            stage.call_as("limited", TOOL, json!({ "repository": "acme/secret-plans" })).await;
        insta::assert_snapshot!(said, @"
        not_found: no repository `acme/secret-plans`, or no access to it
        hint: call `list_repositories` for the ones that can be reached
        ");
    }

    #[tokio::test]
    async fn goes_on_where_a_page_ended() {
        let stage = Stage::new().await;
        let mut call = json!({ "repository": "acme/shop", "limit": 2 });
        let first = stage.structured_as("linked", TOOL, call.clone()).await;
        call["cursor"] = first["next_cursor"].clone();
        let second = stage.structured_as("linked", TOOL, call).await;
        assert_eq!(second["downloads"].as_array().unwrap().len(), 1);
        assert_eq!(second.get("next_cursor"), None);
    }
}

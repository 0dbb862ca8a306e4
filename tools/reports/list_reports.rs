use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::bitbucket::ReportData;
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::lookup;
use crate::tools::params::{Limit, RepositoryArgument, Revision, WorkspaceArgument};
use crate::tools::shown::{self, LINE, NAME, at, bare, day, more};

/// List the code insight reports on a commit: scans, coverage, tests.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListReports {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
    /// Branch, tag or hash; default: main branch.
    revision: Option<Revision>,
    /// How many.
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor`.
    cursor: Option<String>,
}

/// Reports on a commit.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Reports {
    repository: String,
    /// What the commit was looked up by.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Foreign>,
    /// Its hash.
    commit: String,
    reports: Vec<Heading>,
    /// Pass it as `cursor` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// What a report is, without what it says.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Heading {
    /// What other tools take as `report`.
    report: Foreign,
    title: Foreign,
    /// `SECURITY`, `COVERAGE`, `TEST` or `BUG`.
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    kind: Foreign,
    /// `PASSED`, `FAILED` or `PENDING`.
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    result: Foreign,
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    reporter: Foreign,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<String>,
}

impl Tool for ListReports {
    const NAME: &'static str = "list_reports";
    const TITLE: &'static str = "List reports on a commit";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["repository"];
    type Output = Reports;

    async fn run(self, cx: &Context) -> Result<Reports> {
        let id = self.repository.id(self.workspace.as_ref())?;
        let resume = cx.resume(self.cursor.as_deref())?;
        let repository = cx.repository(&id).await?;
        let revision = self.revision.as_ref().map(|revision| revision.0.as_str());
        let resolved = lookup::revision(&repository, revision, resume.as_ref()).await?;
        let page = repository.reports(&resolved.hash, self.limit.get(), resume.as_ref()).await;
        let page = match page {
            Err(error) if error.is_not_found() => {
                return Err(lookup::no_commit(&repository, &resolved.hash).await);
            }
            page => page?,
        };
        Ok(Reports {
            repository: id.to_string(),
            revision: shown::revision(&resolved),
            commit: resolved.hash,
            reports: page.values.iter().map(Into::into).collect(),
            next_cursor: cx.cursor(page.next)?,
        })
    }
}

impl From<&ReportData> for Heading {
    fn from(data: &ReportData) -> Self {
        Self {
            report: Foreign::line(data.id(), NAME),
            title: Foreign::line(&data.title, LINE),
            kind: Foreign::line(&data.report_type, NAME),
            result: Foreign::line(&data.result, NAME),
            reporter: Foreign::line(&data.reporter, NAME),
            updated: data.when().map(shown::time),
        }
    }
}

impl Heading {
    /// All of it on one line.
    pub(super) fn line(&self) -> String {
        let mut line = bare(&self.report);
        for part in [&self.result, &self.kind] {
            if !part.is_empty() {
                let _ = write!(line, " · {}", bare(part));
            }
        }
        let _ = write!(line, " · {}", self.title.quoted());
        if !self.reporter.is_empty() {
            let _ = write!(line, " · by {}", bare(&self.reporter));
        }
        if let Some(updated) = &self.updated {
            let _ = write!(line, " · {}", day(updated));
        }
        line
    }
}

impl Answer for Reports {
    fn text(&self) -> String {
        let place = at(&self.repository, self.revision.as_ref(), &self.commit);
        if self.reports.is_empty() {
            return format!("no reports on {place}");
        }
        let mut text = format!("reports on {place}:");
        for report in &self.reports {
            let _ = write!(text, "\n  {}", report.line());
        }
        more(&mut text, self.next_cursor.as_ref());
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Stage;

    const TOOL: &str = "list_reports";

    #[tokio::test]
    async fn lists_reports_on_the_newest_commit_of_a_branch() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "revision": "feature/checkout-rounding" });
        let said = stage.call_as("limited", TOOL, call).await;
        insta::assert_snapshot!(said, @r#"
        reports on acme/shop at "feature/checkout-rounding" (a77bd4c287ec):
          depscan-1 · FAILED · SECURITY · "Dependency scan" · by depscan · 2026-11-13
          covered-1 · PASSED · COVERAGE · "Coverage" · by covered · 2026-11-13
        "#);
        let said = stage.call_as("limited", TOOL, json!({ "repository": "acme/shop" })).await;
        assert!(said.starts_with("no reports on acme/shop at \"main\" ("), "{said}");
    }

    #[tokio::test]
    async fn says_what_is_near_when_there_is_no_such_revision() {
        let stage = Stage::new().await;
        let call = json!({ "repository": "acme/shop", "revision": "feature/chekout-rounding" });
        let said = stage.call_as("limited", TOOL, call).await;
        insta::assert_snapshot!(said, @r#"
        not_found: no branch, tag or commit "feature/chekout-rounding" in acme/shop
        hint: did you mean "feature/checkout-rounding"? `list_branches` shows all
        "#);
    }
}

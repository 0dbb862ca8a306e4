use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arguments::{ReportId, no_report};
use super::list_reports::Heading;
use crate::Result;
use crate::bitbucket::{AnnotationData, MOST_ANNOTATIONS, Resume};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::lookup;
use crate::tools::params::{Limit, RepositoryArgument, Revision, WorkspaceArgument};
use crate::tools::shown::{self, NAME, PATH, at, bare, count, more};

/// How much of a report's own words is shown.
const DETAILS: usize = 2_000;
/// How much of an annotation's words is shown.
const SUMMARY: usize = 300;
/// How much of an address is shown.
const URL: usize = 500;

/// Read a report on a commit with its annotations, the worst first.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetReport {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
    /// Branch, tag or hash; default: main branch.
    revision: Option<Revision>,
    /// Its id, from `list_reports`.
    report: ReportId,
    /// How many annotations.
    #[serde(default)]
    limit: Limit,
    /// From `next_cursor`.
    cursor: Option<String>,
}

/// A report.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Report {
    repository: String,
    /// What the commit was looked up by.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Foreign>,
    /// Its hash.
    commit: String,
    #[serde(flatten)]
    heading: Heading,
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    details: Foreign,
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    link: Foreign,
    /// How many annotations it has.
    total: usize,
    /// The worst first.
    annotations: Vec<Annotation>,
    /// Pass it as `cursor` for more annotations.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A finding.
#[derive(Debug, Serialize, JsonSchema)]
struct Annotation {
    /// `CRITICAL`, `HIGH`, `MEDIUM` or `LOW`.
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    severity: Foreign,
    /// `VULNERABILITY`, `CODE_SMELL` or `BUG`.
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    kind: Foreign,
    /// `PASSED`, `FAILED`, `SKIPPED` or `IGNORED`.
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    result: Foreign,
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    path: Foreign,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    summary: Foreign,
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    details: Foreign,
    #[serde(skip_serializing_if = "Foreign::is_empty")]
    link: Foreign,
}

impl Tool for GetReport {
    const NAME: &'static str = "get_report";
    const TITLE: &'static str = "Read a report";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["repository"];
    type Output = Report;

    async fn run(self, cx: &Context) -> Result<Report> {
        let id = self.repository.id(self.workspace.as_ref())?;
        let resume = cx.resume(self.cursor.as_deref())?;
        let repository = cx.repository(&id).await?;
        let revision = self.revision.as_ref().map(|revision| revision.0.as_str());
        let resolved = lookup::revision(&repository, revision, None).await?;
        let report = &self.report.0;
        let Some(data) = repository.report(&resolved.hash, report).await? else {
            return Err(no_report(&repository, &resolved, &self.report).await);
        };
        // Bitbucket does not say in which order they come, so all are needed to find the worst.
        let mut all = repository.annotations(&resolved.hash, report).await?.values;
        all.sort_by(|one, other| urgency(one).cmp(&urgency(other)));
        let start = resume.as_ref().map_or(0, Resume::skipped);
        let end = start.saturating_add(self.limit.get());
        let next = (all.len() > end).then(|| Resume::after(end));
        Ok(Report {
            repository: id.to_string(),
            revision: shown::revision(&resolved),
            commit: resolved.hash,
            heading: Heading::from(&data),
            details: Foreign::block(&data.details, DETAILS),
            link: Foreign::line(&data.link, URL),
            total: all.len(),
            annotations: all.iter().skip(start).take(self.limit.get()).map(Into::into).collect(),
            next_cursor: cx.cursor(next)?,
        })
    }
}

/// What an annotation is sorted by: the worst has the least.
fn urgency(annotation: &AnnotationData) -> (u8, bool, &str, Option<u32>) {
    let severity = match annotation.severity.as_str() {
        "CRITICAL" => 0,
        "HIGH" => 1,
        "MEDIUM" => 2,
        "LOW" => 3,
        _ => 4,
    };
    (severity, annotation.result != "FAILED", &annotation.path, annotation.line)
}

impl From<&AnnotationData> for Annotation {
    fn from(data: &AnnotationData) -> Self {
        Self {
            severity: Foreign::line(&data.severity, NAME),
            kind: Foreign::line(&data.annotation_type, NAME),
            result: Foreign::line(&data.result, NAME),
            path: Foreign::line(&data.path, PATH),
            line: data.line.filter(|line| *line > 0),
            summary: Foreign::line(&data.summary, SUMMARY),
            details: Foreign::line(&data.details, SUMMARY),
            link: Foreign::line(&data.link, URL),
        }
    }
}

impl Annotation {
    fn line(&self) -> String {
        let mut parts: Vec<String> = [&self.severity, &self.kind, &self.result]
            .into_iter()
            .filter(|part| !part.is_empty())
            .map(bare)
            .collect();
        if !self.path.is_empty() {
            let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
            parts.push(format!("{}{line}", bare(&self.path)));
        }
        for text in [&self.summary, &self.details] {
            if !text.is_empty() {
                parts.push(text.quoted());
            }
        }
        if !self.link.is_empty() {
            parts.push(self.link.as_str().to_owned());
        }
        parts.join(" · ")
    }
}

impl Answer for Report {
    fn text(&self) -> String {
        let place = at(&self.repository, self.revision.as_ref(), &self.commit);
        let mut text = format!("report on {place}:\n  {}", self.heading.line());
        if !self.details.is_empty() {
            let _ = write!(text, "\n{}", self.details.indented("    "));
        }
        if !self.link.is_empty() {
            let _ = write!(text, "\n  {}", self.link.as_str());
        }
        let annotations = count(self.total, "annotation", "annotations");
        match (self.total, self.annotations.len()) {
            (0, _) => text.push_str("\nno annotations"),
            (total, shown) if total == shown => {
                let _ = write!(text, "\n{annotations}, worst first:");
            }
            (_, shown) => {
                let _ = write!(text, "\n{shown} of {annotations}, worst first:");
            }
        }
        for annotation in &self.annotations {
            let _ = write!(text, "\n  {}", annotation.line());
        }
        if self.total >= MOST_ANNOTATIONS {
            let _ = write!(text, "\nthere may be more: only {MOST_ANNOTATIONS} were looked at");
        }
        more(&mut text, self.next_cursor.as_ref());
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Stage;

    const TOOL: &str = "get_report";

    fn call(report: &str) -> serde_json::Value {
        json!({
            "repository": "acme/shop",
            "revision": "feature/checkout-rounding",
            "report": report,
        })
    }

    #[tokio::test]
    async fn shows_the_worst_annotations_first() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        let said = stage.call_as("limited", TOOL, call("depscan-1")).await;
        assert_eq!(stage.requests().len(), 3);
        insta::assert_snapshot!(said, @r#"
        report on acme/shop at "feature/checkout-rounding" (a77bd4c287ec):
          depscan-1 · FAILED · SECURITY · "Dependency scan" · by depscan · 2026-11-13
            1 critical and 2 lesser findings in 214 packages.
          https://depscan.example.test/acme/shop/42
        3 annotations, worst first:
          CRITICAL · VULNERABILITY · FAILED · package-lock.json:201 · "Prototype pollution in minimist 1.2.5"
          MEDIUM · VULNERABILITY · FAILED · package.json:14 · "left-pad is no longer maintained"
          LOW · VULNERABILITY · FAILED · "2 packages have no licence"
        "#);
        let said = stage.call_as("limited", TOOL, call("covered-1")).await;
        insta::assert_snapshot!(said, @r#"
        report on acme/shop at "feature/checkout-rounding" (a77bd4c287ec):
          covered-1 · PASSED · COVERAGE · "Coverage" · by covered · 2026-11-13
            81.4 % of lines, 0.2 % more than before.
        no annotations
        "#);
    }

    #[tokio::test]
    async fn goes_on_with_lesser_annotations() {
        let stage = Stage::new().await;
        let mut call = call("depscan-1");
        call["limit"] = json!(1);
        let mut seen = Vec::new();
        loop {
            let page = stage.structured_as("linked", TOOL, call.clone()).await;
            seen.push(page["annotations"][0]["severity"].as_str().unwrap().to_owned());
            assert_eq!(page["total"], 3);
            let Some(cursor) = page.get("next_cursor") else { break };
            call["cursor"] = cursor.clone();
        }
        assert_eq!(seen, ["CRITICAL", "MEDIUM", "LOW"]);
    }

    #[tokio::test]
    async fn says_what_is_near_when_there_is_no_such_report() {
        let stage = Stage::new().await;
        let said = stage.call_as("limited", TOOL, call("depscan-2")).await;
        insta::assert_snapshot!(said, @r#"
        not_found: no report "depscan-2" on acme/shop at "feature/checkout-rounding" (a77bd4c287ec)
        hint: did you mean "depscan-1"? `list_reports` shows all
        "#);
        let said = stage.call_as("limited", TOOL, call("../../pullrequests")).await;
        insta::assert_snapshot!(said, @"
        invalid_arguments: `../../pullrequests` is no report's id: letters, digits, `.`, `_`, `:` and `-` alone
        hint: read the tool's input schema, then call again
        ");
    }
}

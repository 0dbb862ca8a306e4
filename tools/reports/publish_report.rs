use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arguments::{HttpsUrl, ReportId};
use super::list_reports::Heading;
use super::publishing::Publishing;
use crate::bitbucket::{NewAnnotation, NewReport};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::content;
use crate::tools::lookup;
use crate::tools::params::{PathArgument, RepositoryArgument, Revision, WorkspaceArgument};
use crate::tools::shown::{self, NAME, at, bare, count};
use crate::{Error, Result};

/// How long a title or a summary may be.
const LONGEST: usize = 450;
/// How long a report's own words may be.
const LONGEST_DETAILS: usize = 2_000;

/// Publish a report with its annotations on a commit. The same id replaces what it said before.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PublishReport {
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: RepositoryArgument,
    /// Branch, tag or hash; default: main branch.
    revision: Option<Revision>,
    /// An id of your own.
    report: ReportId,
    /// Its title.
    title: String,
    /// What it found, in words.
    details: String,
    /// What it is about.
    kind: Kind,
    /// Its verdict.
    result: Option<Verdict>,
    /// A page about it.
    link: Option<HttpsUrl>,
    /// Findings.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    annotations: Vec<Annotation>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Kind {
    Security,
    Coverage,
    Test,
    Bug,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Verdict {
    Passed,
    Failed,
    Pending,
}

// A finding.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct Annotation {
    /// In a sentence.
    summary: String,
    /// What it is.
    kind: Finding,
    /// How bad it is.
    severity: Option<Severity>,
    /// Where.
    path: Option<PathArgument>,
    /// The line there.
    #[schemars(range(min = 1))]
    line: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Finding {
    Vulnerability,
    CodeSmell,
    Bug,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Severity {
    Critical,
    High,
    Medium,
    Low,
}

/// What was published.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Published {
    repository: String,
    /// What the commit was looked up by.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Foreign>,
    /// Its hash.
    commit: String,
    /// The report's id.
    report: Foreign,
    /// How many annotations it has.
    annotations: usize,
    /// What the report was before.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Heading>,
    /// How many annotations of the one before were removed.
    #[serde(skip_serializing_if = "is_zero")]
    removed: usize,
    /// How many of them are still there.
    #[serde(skip_serializing_if = "is_zero")]
    left_over: usize,
}

impl Tool for PublishReport {
    const NAME: &'static str = "publish_report";
    const TITLE: &'static str = "Publish a report";
    const EFFECT: Effect = Effect::Adds;
    const SCOPES: &'static [&'static str] = &["repository"];
    type Output = Published;

    async fn run(self, cx: &Context) -> Result<Published> {
        let id = self.repository.id(self.workspace.as_ref())?;
        content::fits("title", &self.title, LONGEST)?;
        content::fits("details", &self.details, LONGEST_DETAILS)?;
        let annotations = self.annotations()?;
        let repository = cx.repository(&id).await?;
        let revision = self.revision.as_ref().map(|revision| revision.0.as_str());
        let resolved = lookup::revision(&repository, revision, None).await?;
        let mut new = NewReport::new(self.title, self.details, self.kind.name());
        new.result = self.result.map(Verdict::name);
        new.link = self.link.map(|link| link.0);
        let report = self.report.0.as_str();
        let before = repository.report(&resolved.hash, report).await?;
        let publishing = Publishing {
            repository: &repository,
            commit: &resolved.hash,
            report,
            replaces: before.is_some(),
        };
        let (removed, left_over) = publishing.carry_out(&new, &annotations).await?;
        Ok(Published {
            repository: id.to_string(),
            revision: shown::revision(&resolved),
            report: Foreign::line(report, NAME),
            annotations: annotations.len() + left_over,
            before: before.as_ref().map(Into::into),
            removed,
            left_over,
            commit: resolved.hash,
        })
    }
}

impl PublishReport {
    /// The annotations as Bitbucket takes them, numbered, so that those of a second time take the
    /// places of the first.
    fn annotations(&self) -> Result<Vec<NewAnnotation>> {
        let shape = |(index, one): (usize, &Annotation)| {
            let number = index + 1;
            content::fits(&format!("annotations.{index}.summary"), &one.summary, LONGEST)?;
            let path =
                one.path.as_ref().map(|path| path.0.as_str()).filter(|path| !path.is_empty());
            if one.line.is_some() && path.is_none() {
                return Err(Error::InvalidArguments(format!(
                    "`annotations.{index}`: a `line` needs the `path` that it is in"
                )));
            }
            let id = format!("{}-{number:04}", self.report.0);
            let mut new = NewAnnotation::new(id, one.kind.name(), one.summary.clone());
            new.path = path.map(str::to_owned);
            new.line = one.line;
            new.severity = one.severity.map(Severity::name);
            Ok(new)
        };
        self.annotations.iter().enumerate().map(shape).collect()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Security => "SECURITY",
            Self::Coverage => "COVERAGE",
            Self::Test => "TEST",
            Self::Bug => "BUG",
        }
    }
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Failed => "FAILED",
            Self::Pending => "PENDING",
        }
    }
}

impl Finding {
    fn name(self) -> &'static str {
        match self {
            Self::Vulnerability => "VULNERABILITY",
            Self::CodeSmell => "CODE_SMELL",
            Self::Bug => "BUG",
        }
    }
}

impl Severity {
    fn name(self) -> &'static str {
        match self {
            Self::Critical => "CRITICAL",
            Self::High => "HIGH",
            Self::Medium => "MEDIUM",
            Self::Low => "LOW",
        }
    }
}

impl Answer for Published {
    fn text(&self) -> String {
        let place = at(&self.repository, self.revision.as_ref(), &self.commit);
        let annotations = count(self.annotations, "annotation", "annotations");
        let mut text = format!("{} is on {place} with {annotations}", bare(&self.report));
        match &self.before {
            Some(before) => {
                let _ = write!(text, "; it was: {}", before.line());
            }
            None => text.push_str("; new"),
        }
        if self.removed > 0 {
            let removed = count(self.removed, "annotation", "annotations");
            let _ = write!(text, "\n{removed} of the one before removed");
        }
        if self.left_over > 0 {
            let left = count(self.left_over, "annotation", "annotations");
            let _ = write!(
                text,
                "\n{left} of the one before still there: call again with the same arguments to remove \
                 more"
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::sandbox::{Effect as FaultEffect, Fault, Service};
    use crate::testing::Stage;

    const TOOL: &str = "publish_report";

    fn call(annotations: usize) -> Value {
        let annotation = |number: usize| {
            json!({
                "summary": format!("finding {number}"),
                "kind": "code_smell",
                "severity": "low",
                "path": "src/checkout/total.ts",
                "line": number,
            })
        };
        json!({
            "repository": "acme/shop",
            "revision": "feature/checkout-rounding",
            "report": "lint-1",
            "title": "Lint",
            "details": "What the linter says.",
            "kind": "bug",
            "result": "failed",
            "annotations": (1..=annotations).map(annotation).collect::<Vec<_>>(),
        })
    }

    #[tokio::test]
    async fn publishes_annotations_in_hundreds_and_the_same_only_once() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        let said = stage.call_as("limited", TOOL, call(250)).await;
        insta::assert_snapshot!(said, @r#"lint-1 is on acme/shop at "feature/checkout-rounding" (a77bd4c287ec) with 250 annotations; new"#);
        let posts = stage.requests().iter().filter(|one| one.starts_with("POST")).count();
        assert_eq!(posts, 3);
        let said = without_day(&stage.call_as("limited", TOOL, call(250)).await);
        insta::assert_snapshot!(said, @r#"lint-1 is on acme/shop at "feature/checkout-rounding" (a77bd4c287ec) with 250 annotations; it was: lint-1 · FAILED · BUG · "Lint" · DAY"#);
        let said = without_day(&stage.call_as("limited", TOOL, call(200)).await);
        insta::assert_snapshot!(said, @r#"
        lint-1 is on acme/shop at "feature/checkout-rounding" (a77bd4c287ec) with 200 annotations; it was: lint-1 · FAILED · BUG · "Lint" · DAY
        50 annotations of the one before removed
        "#);
        let mut read = call(0);
        for name in ["title", "details", "kind", "result", "annotations"] {
            read.as_object_mut().unwrap().remove(name);
        }
        let report = stage.structured_as("linked", "get_report", read).await;
        assert_eq!(report["total"], 200);
    }

    #[tokio::test]
    async fn says_what_was_published_when_it_fails_midway() {
        let stage = Stage::new().await;
        let fault = Fault::new(Service::Bitbucket, FaultEffect::status(500));
        stage.sandbox().faults().add(fault.method("POST").path("*/annotations").times(1));
        let said = stage.call_as("linked", TOOL, call(150)).await;
        insta::assert_snapshot!(said, @"
        conflict: the report was published with at least 0 of 150 annotations: Bitbucket is not working right now
        hint: call again with the same arguments: nothing is published twice
        ");
    }

    #[tokio::test]
    async fn refuses_what_cannot_stand_in_a_file_before_anything_is_sent() {
        let stage = Stage::new().await;
        stage.sandbox().clear_requests();
        let said = |name: &'static str, value: Value| {
            let mut call = call(1);
            call["annotations"][0][name] = value;
            let stage = &stage;
            async move { stage.call_as("linked", TOOL, call).await }
        };
        insta::assert_snapshot!(said("path", json!("../x")).await, @"
        invalid_arguments: `path`: `../x` is not a path inside a repository
        hint: read the tool's input schema, then call again
        ");
        insta::assert_snapshot!(said("path", json!("")).await, @"
        invalid_arguments: `annotations.0`: a `line` needs the `path` that it is in
        hint: read the tool's input schema, then call again
        ");
        insta::assert_snapshot!(said("line", json!(0)).await, @"
        invalid_arguments: `annotations.0.line`: 0 is less than the minimum of 1
        hint: read the tool's input schema, then call again
        ");
        insta::assert_snapshot!(said("link", json!("x")).await, @"
        invalid_arguments: `annotations.0`: Additional properties are not allowed ('link' was unexpected)
        hint: read the tool's input schema, then call again
        ");
        assert_eq!(stage.requests(), Vec::<String>::new());
    }

    fn without_day(text: &str) -> String {
        let part =
            |part: &str| if part.starts_with("20") { "DAY".to_owned() } else { part.to_owned() };
        let lines: Vec<String> = text
            .lines()
            .map(|line| line.split(" · ").map(part).collect::<Vec<_>>().join(" · "))
            .collect();
        lines.join("\n")
    }
}

//! Code insights: reports on a commit, and their annotations.
//!
//! <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-reports/>

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::wire::{null_as_default, time};
use super::{Error, Page, Path, Repository, Resume};

/// The most reports or annotations on a page.
const PAGE: u32 = 100;
/// The most annotations that Bitbucket takes at once.
pub(crate) const ANNOTATIONS_AT_ONCE: usize = 100;
/// The most annotations that a report can have.
pub(crate) const MOST_ANNOTATIONS: usize = 1_000;

const REPORT_FIELDS: &str = "external_id,uuid,title,details,report_type,result,reporter,link,\
    created_on,updated_on";

const LIST_FIELDS: &str = "next,size,values.external_id,values.uuid,values.title,\
    values.report_type,values.result,values.reporter,values.updated_on,values.created_on";

const ANNOTATION_FIELDS: &str = "next,size,values.external_id,values.annotation_type,values.path,\
    values.line,values.summary,values.details,values.severity,values.result,values.link";

/// A report, as Bitbucket sends it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReportData {
    pub(crate) external_id: Option<String>,
    pub(crate) uuid: Option<String>,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) title: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) details: String,
    /// `SECURITY`, `COVERAGE`, `TEST` or `BUG`.
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) report_type: String,
    /// `PASSED`, `FAILED` or `PENDING`.
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) result: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) reporter: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) link: String,
    #[serde(deserialize_with = "time")]
    created_on: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    updated_on: Option<Timestamp>,
}

/// An annotation, as Bitbucket sends it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AnnotationData {
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) external_id: String,
    /// `VULNERABILITY`, `CODE_SMELL` or `BUG`.
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) annotation_type: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) path: String,
    pub(crate) line: Option<u32>,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) summary: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) details: String,
    /// `CRITICAL`, `HIGH`, `MEDIUM` or `LOW`.
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) severity: String,
    /// `PASSED`, `FAILED`, `SKIPPED` or `IGNORED`.
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) result: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) link: String,
}

/// A report to be published. Bitbucket refuses one without `type` or `details`, although the
/// documentation has both as optional.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewReport {
    #[serde(rename = "type")]
    kind: &'static str,
    title: String,
    details: String,
    report_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reporter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
}

/// An annotation to be published.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewAnnotation {
    /// Always `report_annotation`, see [`NewAnnotation::new`].
    #[serde(rename = "type")]
    kind: &'static str,
    pub(crate) external_id: String,
    annotation_type: &'static str,
    summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) severity: Option<&'static str>,
}

impl ReportData {
    /// What it is asked for by: the id that its maker gave it, else Bitbucket's.
    pub(crate) fn id(&self) -> &str {
        let given = self.external_id.as_deref().filter(|id| !id.is_empty());
        given.or(self.uuid.as_deref()).unwrap_or_default()
    }

    /// When it was last changed.
    pub(crate) fn when(&self) -> Option<Timestamp> {
        self.updated_on.or(self.created_on)
    }
}

impl NewReport {
    pub(crate) fn new(title: String, details: String, report_type: &'static str) -> Self {
        let (result, reporter, link) = (None, None, None);
        Self { kind: "report", title, details, report_type, result, reporter, link }
    }
}

impl NewAnnotation {
    pub(crate) fn new(external_id: String, annotation_type: &'static str, summary: String) -> Self {
        Self {
            kind: "report_annotation",
            external_id,
            annotation_type,
            summary,
            path: None,
            line: None,
            severity: None,
        }
    }
}

impl Repository<'_> {
    /// `GET commit/{commit}/reports`
    pub(crate) async fn reports(
        &self,
        commit: &str,
        limit: usize,
        resume: Option<&Resume>,
    ) -> Result<Page<ReportData>, Error> {
        let call = self.client().get(self.reports_path(commit)).fields(LIST_FIELDS);
        call.page(PAGE, limit, resume).await
    }

    /// `GET commit/{commit}/reports/{report}`
    pub(crate) async fn report(
        &self,
        commit: &str,
        report: &str,
    ) -> Result<Option<ReportData>, Error> {
        let path = self.reports_path(commit).segment(report);
        match self.client().get(path).fields(REPORT_FIELDS).json().await {
            Err(error) if error.is_not_found() => Ok(None),
            found => found.map(Some),
        }
    }

    /// `PUT commit/{commit}/reports/{report}`
    pub(crate) async fn put_report(
        &self,
        commit: &str,
        report: &str,
        new: &NewReport,
    ) -> Result<(), Error> {
        let path = self.reports_path(commit).segment(report);
        self.client().put(path).json_body(new).empty().await
    }

    /// `GET commit/{commit}/reports/{report}/annotations`, all of them.
    pub(crate) async fn annotations(
        &self,
        commit: &str,
        report: &str,
    ) -> Result<Page<AnnotationData>, Error> {
        let call = self.client().get(self.annotations_path(commit, report));
        call.fields(ANNOTATION_FIELDS).all(PAGE, MOST_ANNOTATIONS).await
    }

    /// `POST commit/{commit}/reports/{report}/annotations`, at most [`ANNOTATIONS_AT_ONCE`].
    pub(crate) async fn add_annotations(
        &self,
        commit: &str,
        report: &str,
        annotations: &[NewAnnotation],
    ) -> Result<(), Error> {
        let call = self.client().post(self.annotations_path(commit, report));
        call.json_body(&annotations).empty().await
    }

    /// `DELETE commit/{commit}/reports/{report}/annotations/{annotation}`
    pub(crate) async fn delete_annotation(
        &self,
        commit: &str,
        report: &str,
        annotation: &str,
    ) -> Result<(), Error> {
        let path = self.annotations_path(commit, report).segment(annotation);
        self.client().delete(path).empty().await
    }

    fn reports_path(&self, commit: &str) -> Path {
        self.path().fixed("commit").segment(commit).fixed("reports")
    }

    fn annotations_path(&self, commit: &str, report: &str) -> Path {
        self.reports_path(commit).segment(report).fixed("annotations")
    }
}

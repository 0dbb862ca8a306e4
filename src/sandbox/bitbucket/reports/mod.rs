//! Code insights: reports on commits, with annotations.

mod annotations;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::call::{Body, Call};
use super::errors::ApiError;
use super::page::{self, Paging};
use super::scopes::needs;
use super::shapes::stamp;
use super::state::{Api, Repository, uuid};

/// The branch whose tip has reports from the start.
const REPORTED: &str = "feature/checkout-rounding";

/// What is kept of this for one repository.
#[derive(Debug, Default)]
pub(crate) struct Store {
    reports: Vec<Report>,
    /// Whether the first reports are still to come: they need the repository's git.
    unseeded: bool,
}

#[derive(Clone, Debug)]
struct Report {
    commit: String,
    external_id: String,
    uuid: String,
    /// All members as they are shown.
    shown: Map<String, Value>,
    annotations: Vec<Map<String, Value>>,
}

impl Store {
    /// What is there from the start in the repository `full_name`.
    pub(crate) fn seeded(full_name: &str) -> Self {
        Self { reports: Vec::new(), unseeded: full_name == "acme/shop" }
    }

    fn place(&self, commit: &str, id: &str) -> Result<usize, ApiError> {
        let named =
            |one: &Report| one.commit == commit && (one.external_id == id || one.uuid == id);
        self.reports
            .iter()
            .position(named)
            .ok_or_else(|| ApiError::not_found(format!("Report {id} not found")))
    }
}

pub(super) fn routes() -> Router<Api> {
    let reports = "/repositories/{workspace}/{repository}/commit/{commit}/reports";
    // Even writing takes no more than the scope to read, but the person must be allowed to write.
    Router::new()
        .route(reports, needs("repository", get(list)))
        .route(
            &format!("{reports}/{{report}}"),
            needs("repository", get(read).put(put).delete(delete)),
        )
        .merge(annotations::routes(reports))
}

/// The store with everything that is to be in it, and the whole hash that `commit` names.
fn open<'a>(
    repository: &'a Repository,
    commit: &str,
) -> Result<(std::sync::MutexGuard<'a, Store>, String), ApiError> {
    let hash = repository.commit_named(commit)?;
    let mut store = repository.reports();
    if std::mem::take(&mut store.unseeded)
        && let Some(tip) = repository.git.resolve_branch(REPORTED)
    {
        store.reports = first(&tip);
    }
    Ok((store, hash))
}

async fn list(
    call: Call,
    Path((workspace, slug, commit)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let (store, hash) = open(&repository, &commit)?;
    let values = store
        .reports
        .iter()
        .filter(|report| report.commit == hash)
        .map(|report| Value::Object(report.shown.clone()))
        .collect();
    drop(store);
    page::respond(&call, values, Paging::up_to(100))
}

async fn read(
    call: Call,
    Path((workspace, slug, commit, id)): Path<(String, String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let (store, hash) = open(&repository, &commit)?;
    let place = store.place(&hash, &id)?;
    let shown = store.reports.get(place).map(|report| report.shown.clone()).unwrap_or_default();
    drop(store);
    Ok(call.answer(Value::Object(shown), &[]))
}

/// A second report with the same id takes the first one's place, and keeps its annotations.
async fn put(
    call: Call,
    Path((workspace, slug, commit, id)): Path<(String, String, String, String)>,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    repository.require_write(call.grant.person)?;
    let (mut store, hash) = open(&repository, &commit)?;
    let known = store.place(&hash, &id).ok();
    let now = stamp(call.api.now());
    let external_id = match known.and_then(|place| store.reports.get(place)) {
        Some(report) => report.external_id.clone(),
        None => id,
    };
    let mut report = Report::read(&hash, &external_id, &body, &now)?;
    match known.and_then(|place| store.reports.get_mut(place)) {
        Some(old) => {
            report.annotations = std::mem::take(&mut old.annotations);
            if let Some(created_on) = old.shown.get("created_on") {
                report.shown.insert("created_on".into(), created_on.clone());
            }
            *old = report.clone();
        }
        None => store.reports.push(report.clone()),
    }
    drop(store);
    Ok(call.answer(Value::Object(report.shown), &[]))
}

async fn delete(
    call: Call,
    Path((workspace, slug, commit, id)): Path<(String, String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    repository.require_write(call.grant.person)?;
    let (mut store, hash) = open(&repository, &commit)?;
    if let Ok(place) = store.place(&hash, &id) {
        store.reports.remove(place);
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

impl Report {
    /// Without its `type` a report is refused without a word; `details` is needed although the
    /// documentation has it as optional.
    fn read(commit: &str, external_id: &str, body: &Value, now: &str) -> Result<Self, ApiError> {
        if body.get("type").and_then(Value::as_str) != Some("report") {
            return Err(ApiError::bad_request(""));
        }
        for (name, longest) in [("title", 450), ("details", 2_000)] {
            text(body, name, longest)?.ok_or_else(|| {
                ApiError::bad_fields(json!({ name: ["This field is required."] }))
            })?;
        }
        one_of(body, "report_type", &["SECURITY", "COVERAGE", "TEST", "BUG"])?;
        one_of(body, "result", &["PASSED", "FAILED", "PENDING"])?;
        address(body, "link")?;
        let uuid = uuid(&format!("report {commit} {external_id}"));
        let mut shown = Map::new();
        for name in
            ["type", "title", "details", "report_type", "result", "reporter", "link", "logo_url"]
        {
            shown.insert(name.into(), body.get(name).cloned().unwrap_or_default());
        }
        shown.insert("data".into(), body.get("data").cloned().unwrap_or_else(|| json!([])));
        shown.insert("uuid".into(), json!(uuid));
        shown.insert("external_id".into(), json!(external_id));
        shown.insert("remote_link_enabled".into(), json!(false));
        shown.insert("created_on".into(), json!(now));
        shown.insert("updated_on".into(), json!(now));
        let (commit, external_id) = (commit.to_owned(), external_id.to_owned());
        Ok(Self { commit, external_id, uuid, shown, annotations: Vec::new() })
    }
}

/// A text that is there and not empty.
fn text<'a>(body: &'a Value, name: &str, longest: usize) -> Result<Option<&'a str>, ApiError> {
    let wrong = |says: String| ApiError::bad_fields(json!({ name: [says] }));
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.chars().count() > longest => {
            Err(wrong(format!("Ensure this value has at most {longest} characters.")))
        }
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(wrong("A string is needed.".into())),
    }
}

fn one_of(body: &Value, name: &str, choices: &[&str]) -> Result<(), ApiError> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(text)) if choices.contains(&text.as_str()) => Ok(()),
        Some(other) => {
            Err(ApiError::bad_fields(json!({ name: [format!("invalid choice: {other}")] })))
        }
    }
}

fn address(body: &Value, name: &str) -> Result<(), ApiError> {
    let fits = text(body, name, 2_000)?.is_none_or(|text| url::Url::parse(text).is_ok());
    if fits { Ok(()) } else { Err(ApiError::bad_fields(json!({ name: ["Enter a valid URL."] }))) }
}

/// A scan that failed, with annotations of every severity, and a coverage report that passed.
fn first(tip: &str) -> Vec<Report> {
    let scan = json!({
        "type": "report",
        "title": "Dependency scan",
        "details": "1 critical and 2 lesser findings in 214 packages.",
        "report_type": "SECURITY",
        "result": "FAILED",
        "reporter": "depscan",
        "link": "https://depscan.example.test/acme/shop/42",
    });
    let coverage = json!({
        "type": "report",
        "title": "Coverage",
        "details": "81.4 % of lines, 0.2 % more than before.",
        "report_type": "COVERAGE",
        "result": "PASSED",
        "reporter": "covered",
    });
    let annotation = |id: &str, severity: &str, place: Option<(&str, u64)>, summary: &str| {
        let mut shown = json!({
            "type": "report_annotation",
            "uuid": uuid(&format!("annotation {id}")),
            "external_id": id,
            "annotation_type": "VULNERABILITY",
            "summary": summary,
            "details": null,
            "severity": severity,
            "result": "FAILED",
            "path": null,
            "line": null,
            "link": null,
            "created_on": "2026-11-13T09:40:00.000000+00:00",
            "updated_on": "2026-11-13T09:40:00.000000+00:00",
        });
        if let (Some((path, line)), Some(shown)) = (place, shown.as_object_mut()) {
            shown.insert("path".into(), json!(path));
            shown.insert("line".into(), json!(line));
        }
        shown.as_object().cloned().unwrap_or_default()
    };
    let read = |id: &str, body: &Value| {
        Report::read(tip, id, body, "2026-11-13T09:40:00.000000+00:00").ok()
    };
    let mut reports: Vec<Report> = [("depscan-1", &scan), ("covered-1", &coverage)]
        .into_iter()
        .filter_map(|(id, body)| read(id, body))
        .collect();
    if let Some(report) = reports.first_mut() {
        report.annotations = vec![
            annotation("depscan-1-low", "LOW", None, "2 packages have no licence"),
            annotation(
                "depscan-1-medium",
                "MEDIUM",
                Some(("package.json", 14)),
                "left-pad is no longer maintained",
            ),
            annotation(
                "depscan-1-critical",
                "CRITICAL",
                Some(("package-lock.json", 201)),
                "Prototype pollution in minimist 1.2.5",
            ),
        ];
    }
    reports
}

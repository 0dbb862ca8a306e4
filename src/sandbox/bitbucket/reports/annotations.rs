//! The annotations of a report.

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::{address, one_of, open, text};
use crate::sandbox::bitbucket::call::Call;
use crate::sandbox::bitbucket::errors::ApiError;
use crate::sandbox::bitbucket::page::{self, Paging};
use crate::sandbox::bitbucket::scopes::needs;
use crate::sandbox::bitbucket::shapes::stamp;
use crate::sandbox::bitbucket::state::{Api, uuid};

const AT_ONCE: usize = 100;
const MOST: usize = 1_000;

pub(super) fn routes(reports: &str) -> Router<Api> {
    let annotations = format!("{reports}/{{report}}/annotations");
    let one = format!("{annotations}/{{annotation}}");
    Router::new()
        .route(&annotations, needs("repository", get(list).post(add)))
        .route(&one, needs("repository", get(read).delete(delete)))
}

async fn list(
    call: Call,
    Path((workspace, slug, commit, id)): Path<(String, String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let (store, hash) = open(&repository, &commit)?;
    let place = store.place(&hash, &id)?;
    let annotations = store.reports.get(place).map(|report| report.annotations.clone());
    drop(store);
    let values = annotations.unwrap_or_default().into_iter().map(Value::Object).collect();
    page::respond(&call, values, Paging::up_to(100))
}

async fn read(
    call: Call,
    Path((workspace, slug, commit, id, annotation)): Path<(String, String, String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let (store, hash) = open(&repository, &commit)?;
    let place = store.place(&hash, &id)?;
    let shown = store
        .reports
        .get(place)
        .and_then(|report| report.annotations.iter().find(|one| is(one, &annotation)))
        .cloned()
        .ok_or_else(|| missing(&annotation))?;
    drop(store);
    Ok(call.answer(Value::Object(shown), &[]))
}

/// One that is known by its external id is replaced.
async fn add(
    call: Call,
    Path((workspace, slug, commit, id)): Path<(String, String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    repository.require_write(call.grant.person)?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("application/json")) {
        return Err(ApiError::bad_request("Bad request"));
    }
    let list: Vec<Value> =
        serde_json::from_slice(&body).map_err(|_| ApiError::bad_request("Bad request"))?;
    if list.is_empty() || list.len() > AT_ONCE {
        return Err(ApiError::bad_request("Between 1 and 100 annotations are needed."));
    }
    let now = stamp(call.api.now());
    let new = list.iter().map(|one| check(one, &now)).collect::<Result<Vec<_>, _>>()?;
    let (mut store, hash) = open(&repository, &commit)?;
    let place = store.place(&hash, &id)?;
    let mut annotations =
        store.reports.get(place).map(|report| report.annotations.clone()).unwrap_or_default();
    for one in &new {
        annotations.retain(|old| old.get("external_id") != one.get("external_id"));
        annotations.push(one.clone());
    }
    if annotations.len() > MOST {
        return Err(ApiError::bad_request("A report can have at most 1000 annotations."));
    }
    if let Some(report) = store.reports.get_mut(place) {
        report.annotations = annotations;
    }
    drop(store);
    let shown: Vec<Value> = new.into_iter().map(Value::Object).collect();
    Ok(call.answer(Value::Array(shown), &[]))
}

async fn delete(
    call: Call,
    Path((workspace, slug, commit, id, annotation)): Path<(String, String, String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    repository.require_write(call.grant.person)?;
    let (mut store, hash) = open(&repository, &commit)?;
    let place = store.place(&hash, &id)?;
    if let Some(report) = store.reports.get_mut(place) {
        report.annotations.retain(|one| !is(one, &annotation));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn is(annotation: &Map<String, Value>, id: &str) -> bool {
    ["external_id", "uuid"]
        .iter()
        .any(|name| annotation.get(*name).and_then(Value::as_str) == Some(id))
}

fn missing(id: &str) -> ApiError {
    ApiError::not_found(format!("Annotation {id} not found"))
}

fn check(body: &Value, now: &str) -> Result<Map<String, Value>, ApiError> {
    if body.get("type").and_then(Value::as_str) != Some("report_annotation") {
        return Err(ApiError::bad_request(""));
    }
    let needed = |name: &str, longest: usize| {
        text(body, name, longest)?
            .ok_or_else(|| ApiError::bad_fields(json!({ name: ["This field is required."] })))
    };
    let external_id = needed("external_id", 450)?;
    needed("annotation_type", 20)?;
    needed("summary", 450)?;
    text(body, "details", 2_000)?;
    text(body, "path", 4_096)?;
    one_of(body, "annotation_type", &["VULNERABILITY", "CODE_SMELL", "BUG"])?;
    one_of(body, "severity", &["CRITICAL", "HIGH", "MEDIUM", "LOW"])?;
    one_of(body, "result", &["PASSED", "FAILED", "SKIPPED", "IGNORED"])?;
    address(body, "link")?;
    let line = body.get("line").filter(|line| !line.is_null());
    if line.is_some_and(|line| line.as_u64().is_none_or(|line| line == 0)) {
        return Err(ApiError::bad_fields(json!({ "line": ["A positive number is needed."] })));
    }
    let mut shown = Map::new();
    for name in [
        "type",
        "external_id",
        "annotation_type",
        "summary",
        "details",
        "path",
        "line",
        "severity",
        "result",
        "link",
    ] {
        shown.insert(name.into(), body.get(name).cloned().unwrap_or_default());
    }
    shown.insert("uuid".into(), json!(uuid(&format!("annotation {external_id}"))));
    shown.insert("created_on".into(), json!(now));
    shown.insert("updated_on".into(), json!(now));
    Ok(shown)
}

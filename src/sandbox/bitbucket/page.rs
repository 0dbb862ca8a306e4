//! Lists in pages: by number, or by an opaque mark where Bitbucket walks history.

use axum::response::Response;
use serde_json::{Value, json};

use super::call::Call;
use super::errors::ApiError;
use super::query::{Expression, sort};

/// How one endpoint pages, and what it shows and filters.
#[derive(Clone, Copy)]
pub(crate) struct Paging {
    /// The page length without `pagelen`.
    pub(crate) default: usize,
    /// The longest page; a longer one is refused.
    pub(crate) max: usize,
    /// Members of the page that come only when `fields` adds them, such as `values.reviewers`.
    pub(crate) hidden: &'static [&'static str],
    /// Fields that cannot be filtered by.
    pub(crate) unfilterable: &'static [&'static str],
}

/// Members that a list's items may lack and that can be filtered by nevertheless.
const OPTIONAL: [&str; 8] =
    ["inline", "parent", "resolution", "pending", "merge_commit", "closed_by", "user", "tagger"];

impl Paging {
    /// Ten by default, and up to `max`.
    pub(crate) const fn up_to(max: usize) -> Self {
        Self { default: 10, max, hidden: &[], unfilterable: &[] }
    }
}

/// One page of `values`: filtered by `q`, sorted by `sort`, numbered by `page` and `pagelen`, cut by
/// `fields`.
pub(crate) fn respond(
    call: &Call,
    values: Vec<Value>,
    paging: Paging,
) -> Result<Response, ApiError> {
    let length = length(call, paging)?;
    let page = match call.query.first("page") {
        None => 1,
        Some(page) => page
            .parse::<usize>()
            .ok()
            .filter(|page| *page > 0)
            .ok_or_else(|| ApiError::bad_request("Invalid page"))?,
    };
    let values = arrange(call, values, paging)?;
    let size = values.len();
    let start = (page - 1).saturating_mul(length);
    let shown: Vec<Value> = values.into_iter().skip(start).take(length).collect();
    let more = start.saturating_add(length) < size;
    let mut body = json!({ "size": size, "page": page, "pagelen": length, "values": shown });
    if let Some(body) = body.as_object_mut() {
        if more {
            body.insert("next".into(), link(call, &(page + 1).to_string()));
        }
        if page > 1 {
            body.insert("previous".into(), link(call, &(page - 1).to_string()));
        }
    }
    Ok(call.answer(body, paging.hidden))
}

/// One page of a walk through history: `page` is the mark of the first item, there is no size.
pub(crate) fn walk(
    call: &Call,
    items: impl IntoIterator<Item = String>,
    paging: Paging,
    show: impl Fn(&str) -> Value,
) -> Result<Response, ApiError> {
    let length = length(call, paging)?;
    let mark = call.query.first("page");
    let mut items = items.into_iter().peekable();
    if let Some(mark) = mark {
        while items.next_if(|item| !item.starts_with(mark) || mark.len() < 12).is_some() {}
        if items.peek().is_none() {
            return Err(ApiError::bad_request("Invalid page"));
        }
    }
    let shown: Vec<Value> = items.by_ref().take(length).map(|item| show(&item)).collect();
    let mut body = json!({ "pagelen": length, "values": shown });
    if let (Some(next), Some(body)) = (items.next(), body.as_object_mut()) {
        body.insert("next".into(), link(call, &next));
    }
    Ok(call.answer(body, paging.hidden))
}

fn length(call: &Call, paging: Paging) -> Result<usize, ApiError> {
    match call.query.first("pagelen") {
        None => Ok(paging.default),
        Some(length) => length
            .parse::<usize>()
            .ok()
            .filter(|length| (1..=paging.max).contains(length))
            .ok_or_else(|| ApiError::bad_request("Invalid pagelen")),
    }
}

fn arrange(call: &Call, values: Vec<Value>, paging: Paging) -> Result<Vec<Value>, ApiError> {
    let mut values = values;
    let known = |values: &[Value], field: &str| {
        if paging.unfilterable.iter().any(|name| {
            field.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        }) {
            return Err(ApiError::bad_request(format!("{field} does not support filtering")));
        }
        let first = field.split('.').next().unwrap_or_default();
        let named = OPTIONAL.contains(&first)
            || values.is_empty()
            || values.iter().any(|value| value.get(first).is_some());
        match named {
            true => Ok(()),
            false => Err(ApiError::bad_request(format!("Unknown field: {field}"))),
        }
    };
    let by = call.query.first("sort").filter(|by| !by.is_empty());
    if let Some(by) = by {
        known(&values, by.trim_start_matches('-'))?;
    }
    if let Some(query) = call.query.first("q").filter(|query| !query.trim().is_empty()) {
        let expression = Expression::parse(query)?;
        for field in expression.fields() {
            known(&values, field)?;
        }
        values.retain(|value| expression.matches(value));
    }
    if let Some(by) = by {
        sort(&mut values, by);
    }
    Ok(values)
}

/// The address of another page. It carries every parameter that this one was asked with.
fn link(call: &Call, page: &str) -> Value {
    let origin = call.api.origin();
    Value::String(format!("{origin}{}?{}", call.uri.path(), call.query.with_page(page)))
}

//! One authenticated request, as the handlers take it, and the JSON answers to it.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use url::form_urlencoded;

use super::Api;
use super::errors::ApiError;
use super::fields;
use super::shapes::digest;
use crate::sandbox::world::Grant;

/// What every handler works with.
pub(crate) struct Call {
    pub(crate) api: Api,
    pub(crate) grant: Grant,
    /// The address as it arrived, percent-encoding and all.
    pub(crate) uri: Uri,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
}

/// The address that was asked for, before the router takes parts of it away.
#[derive(Clone)]
pub(crate) struct Asked(pub(crate) Uri);

/// A query string; a name may stand in it several times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

/// A JSON body that must be there. Bitbucket answers 400 to a body-less POST.
pub(crate) struct Body(pub(crate) Value);

impl Call {
    /// A 200 with `value`, cut by `fields=`; members named in `hidden` come only when asked for.
    pub(crate) fn answer(&self, value: Value, hidden: &[&str]) -> Response {
        self.answer_with(StatusCode::OK, value, hidden)
    }

    /// [`Call::answer`] with another status.
    pub(crate) fn answer_with(
        &self,
        status: StatusCode,
        value: Value,
        hidden: &[&str],
    ) -> Response {
        let body = fields::apply(value, hidden, self.query.first("fields")).to_string();
        let etag = format!("\"{}\"", digest(&body));
        let known = self.headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        let mut response = if status == StatusCode::OK && known == Some(etag.as_str()) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let kind = (header::CONTENT_TYPE, "application/json; charset=utf-8");
            (status, [kind], body).into_response()
        };
        if let Ok(value) = HeaderValue::from_str(&etag) {
            response.headers_mut().insert(header::ETAG, value);
        }
        response
    }
}

impl FromRequestParts<Api> for Call {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let grant = parts.extensions.get::<Grant>().cloned().ok_or_else(|| {
            ApiError::unauthorized("Token is invalid or not supported for this endpoint.")
        })?;
        let uri = match parts.extensions.get::<Asked>() {
            Some(Asked(uri)) => uri.clone(),
            None => parts.uri.clone(),
        };
        let query = Query::parse(uri.query().unwrap_or_default())?;
        Ok(Self { api: api.clone(), grant, uri, query, headers: parts.headers.clone() })
    }
}

impl Query {
    /// Reads a query string. One that names a paging parameter twice is what clients send that add
    /// their own parameters to a `next` link; Bitbucket refuses it.
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        for name in ["page", "pagelen", "q", "sort", "fields"] {
            if pairs.iter().filter(|(key, _)| key == name).count() > 1 {
                let fields = serde_json::json!({ name: ["given more than once"] });
                return Err(ApiError::bad_fields(fields));
            }
        }
        Ok(Self { pairs })
    }

    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn flag(&self, name: &str, default: bool) -> bool {
        match self.first(name) {
            Some(value) => value.eq_ignore_ascii_case("true") || value == "1",
            None => default,
        }
    }

    /// The same query with another `page`.
    pub(crate) fn with_page(&self, page: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.pairs.iter().filter(|(key, _)| key != "page"));
        query.append_pair("page", page);
        query.finish()
    }
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|kind| kind.starts_with("application/json"));
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|_| ApiError::bad_request("Bad request"))?;
        if !json || bytes.is_empty() {
            return Err(ApiError::bad_request("Bad request")
                .with("detail", "The request body is not JSON.".into()));
        }
        match serde_json::from_slice(&bytes) {
            Ok(value @ Value::Object(_)) => Ok(Self(value)),
            _ => Err(ApiError::bad_request("Bad request")
                .with("detail", "The request body is not a JSON object.".into())),
        }
    }
}

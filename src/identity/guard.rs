//! What stands around every page of ours, wherever it is served: headers that let it load, frame, tell
//! and keep nothing, and a refusal of forms that another site sends.

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use url::Url;

use crate::auth0::random_token;

const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
];
/// A year, as browsers want it before they trust it.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Where the pages are.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// As browsers write it (RFC 6454 section 6.2).
    origin: String,
    /// Browsers are told to use nothing else.
    https_only: bool,
}

/// The nonce that a page's own `<style>` and `<script>` must carry; handlers find it among the
/// request's extensions.
#[derive(Clone, Debug)]
pub struct CspNonce(pub String);

impl Site {
    /// The site that `url` belongs to.
    pub(crate) fn of(url: &Url) -> Self {
        let origin = url.origin().ascii_serialization();
        Self { origin, https_only: url.scheme() == "https" }
    }

    /// Whether another site has sent this. Our own pages are `null` to `Origin` under `no-referrer`, as
    /// any page can make itself, so that says nothing; and who is no browser says nothing either.
    fn is_foreign_to(&self, headers: &HeaderMap) -> bool {
        let fetched = headers.get("sec-fetch-site");
        let mut origins = headers.get_all(header::ORIGIN).iter();
        fetched.is_some_and(|site| site != "same-origin" && site != "none")
            || origins.any(|origin| origin != "null" && origin != self.origin.as_str())
    }
}

/// Guards whatever answers behind it.
pub(crate) async fn guard(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let nonce = random_token();
    let mut response = if !request.method().is_safe() && site.is_foreign_to(request.headers()) {
        (StatusCode::FORBIDDEN, "Another site sent this request.\n").into_response()
    } else {
        request.extensions_mut().insert(CspNonce(nonce.clone()));
        next.run(request).await
    };
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    let headers = response.headers_mut();
    headers.extend(HEADERS.clone().into_iter().map(|(name, value)| (Some(name), value)));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if site.https_only {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
    }
    response
}

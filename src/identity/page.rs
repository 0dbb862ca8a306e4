//! A page that a person sees in their browser: small, without anything from elsewhere, and with every
//! name that somebody else has chosen escaped.

use axum::Extension;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use url::Url;

use super::CspNonce;

const STYLE: &str = "\
    :root{color-scheme:light dark;font:1.05rem/1.5 system-ui,sans-serif}\
    body{margin:0;display:grid;place-items:center;min-height:100vh}\
    main{max-width:34rem;min-width:0;padding:2rem;overflow-wrap:anywhere}\
    h1{font-size:1.4rem;line-height:1.25;margin:0 0 1rem}\
    form{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.5rem 0 0}\
    fieldset{flex-basis:100%;border:1px solid;border-radius:.4rem}\
    label{display:block;margin:.25rem 0}\
    form>label{flex-basis:100%}\
    input[name=key],input[type=password]{display:block;box-sizing:border-box;width:100%;font:inherit;\
    padding:.4rem}\
    button,.button{display:inline-block;font:inherit;padding:.5rem 1rem;border:1px solid;\
    border-radius:.4rem;background:none;color:inherit;cursor:pointer;text-decoration:none}\
    .first{background:CanvasText;color:Canvas;border-color:CanvasText}\
    :focus-visible{outline:3px solid CanvasText;outline-offset:3px}";

/// A page, to be answered with. [`render`] makes it what the browser sees.
#[derive(Clone)]
pub(crate) struct Page {
    status: StatusCode,
    title: String,
    body: String,
    script: Option<&'static str>,
    leads_to: Option<Url>,
}

impl Page {
    /// A page with `title` as its heading. `body` is HTML, with every foreign text in it escaped.
    pub(crate) fn new(
        status: StatusCode,
        title: impl Into<String>,
        body: impl Into<String>,
    ) -> Self {
        Self { status, title: title.into(), body: body.into(), script: None, leads_to: None }
    }

    /// The same page with a script of ours.
    pub(crate) fn with_script(self, script: &'static str) -> Self {
        Self { script: Some(script), ..self }
    }

    /// The same page, which leads on to `url` by itself. Unlike a redirect, that is no part of the form
    /// that was posted to get here, whose targets the policy confines to ourselves (CSP `form-action`
    /// covers redirects in Chromium).
    pub(crate) fn leading_to(self, url: Url) -> Self {
        Self { leads_to: Some(url), ..self }
    }

    #[cfg(test)]
    pub(crate) fn body(&self) -> &str {
        &self.body
    }

    /// The whole document, whose style and script carry `nonce`.
    pub(crate) fn document(&self, nonce: &str) -> String {
        let title = escape(&self.title);
        let script =
            self.script.map(|script| format!("<script nonce=\"{nonce}\">{script}</script>"));
        let refresh = self.leads_to.as_ref().map(|url| {
            format!("<meta http-equiv=\"refresh\" content=\"0;url={}\">", escape(url.as_str()))
        });
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">{}<title>{title}</title>\
             <style nonce=\"{nonce}\">{STYLE}</style></head>\
             <body><main><h1>{title}</h1>{}{}</main></body></html>",
            refresh.unwrap_or_default(),
            self.body,
            script.unwrap_or_default()
        )
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let status = self.status;
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes out the page that a handler has chosen. The server guards it by headers, and its policy lets
/// only the style and script with this answer's nonce count.
pub(crate) async fn render(
    Extension(CspNonce(nonce)): Extension<CspNonce>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<Page>() {
        Some(page) => {
            let mut written = (page.status, Html(page.document(&nonce))).into_response();
            written.headers_mut().extend(std::mem::take(response.headers_mut()));
            written
        }
        None => response,
    }
}

/// `text` as HTML shows it.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

//! The pages a person sees at the tenant. Plain, without scripts, and marked as unreal.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use url::Url;

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;\
padding:0 1rem}aside{border:1px solid;padding:.25rem .75rem}label{display:block;margin:.5rem 0}\
button{font:inherit;padding:.4rem 1rem;margin:1rem .5rem 0 0}fieldset{border:1px solid}";

/// A page with this heading; `body` is HTML whose changing parts went through [`escape`].
pub(crate) fn page(status: StatusCode, heading: &str, body: &str) -> Response {
    let heading = escape(heading);
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{heading} (sandbox)</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <aside>Sandbox – not real. Nothing here reaches Auth0 or Bitbucket.</aside>\n\
         <main>\n<h1>{heading}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    ];
    (status, headers, page).into_response()
}

/// A page that says what went wrong, where there is nowhere safe to send the browser back to.
pub(crate) fn error_page(status: StatusCode, heading: &str, text: &str) -> Response {
    page(status, heading, &format!("<p>{}</p>", escape(text)))
}

/// Makes text safe between tags and inside quoted attributes.
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

/// Sends the browser to `redirect_uri` with these parameters, in the query or in the fragment.
pub(crate) fn send_back(
    redirect_uri: &str,
    parameters: &[(&str, &str)],
    in_fragment: bool,
) -> Response {
    let Ok(mut target) = Url::parse(redirect_uri) else {
        let text = "The address to return to cannot be read.";
        return error_page(StatusCode::BAD_REQUEST, "Something went wrong", text);
    };
    if in_fragment {
        let mut fragment = url::form_urlencoded::Serializer::new(String::new());
        fragment.extend_pairs(parameters);
        target.set_fragment(Some(&fragment.finish()));
    } else {
        target.query_pairs_mut().extend_pairs(parameters);
    }
    Redirect::to(target.as_str()).into_response()
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn leaves_no_way_out_of_text_or_attribute() {
        assert_eq!(escape("<a b='\"&'>"), "&lt;a b=&#39;&quot;&amp;&#39;&gt;");
    }
}

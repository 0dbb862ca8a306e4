//! The pages for linking, while the server comes to its end: what a person has begun there is done. An
//! account that is just being linked is in the vault or not, and the person reads which.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::StatusCode;
use http_body_util::{BodyExt as _, Limited};

use super::answer;
use super::drain::Drain;

/// No form of these pages is longer.
const LONGEST_FORM: usize = 16 * 1024;
/// How long a browser may take to send one.
const FORM_PATIENCE: Duration = Duration::from_secs(10);
/// When to come back where the server ends, in seconds.
const LATER: u16 = 5;

/// Does what a request asks for to its end, even if the browser goes away, and has the end of the
/// server wait for that. It does not wait for a form that is still to come.
pub(super) async fn to_the_end(
    State(drain): State<Drain>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let form = Limited::new(body, LONGEST_FORM).collect();
    let form = match tokio::time::timeout(FORM_PATIENCE, form).await {
        Ok(Ok(form)) => form.to_bytes(),
        Ok(Err(_)) => {
            return answer::words(StatusCode::BAD_REQUEST, "the form broke off or is too long");
        }
        Err(_) => {
            return answer::words(StatusCode::REQUEST_TIMEOUT, "the form did not arrive in time");
        }
    };
    let Some(work) = drain.enter() else {
        let says = "the server is shutting down; load the page again in a moment";
        return answer::retry_after(answer::words(StatusCode::SERVICE_UNAVAILABLE, says), LATER);
    };
    let request = Request::from_parts(parts, Body::from(form));
    let working = tokio::spawn(async move {
        let response = next.run(request).await;
        drop(work);
        response
    });
    working.await.unwrap_or_else(|_| {
        answer::words(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be made")
    })
}

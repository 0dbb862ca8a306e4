//! What a browser is answered while a link is made.

use axum::response::{IntoResponse, Redirect, Response};
use url::Url;

use crate::identity::Page;

/// What the browser does next.
pub(super) enum Step {
    /// It goes on to another address.
    GoOn(Url),
    /// It shows a page of ours.
    Show(Page),
}

impl IntoResponse for Step {
    fn into_response(self) -> Response {
        match self {
            Self::GoOn(url) => Redirect::to(url.as_str()).into_response(),
            Self::Show(page) => page.into_response(),
        }
    }
}

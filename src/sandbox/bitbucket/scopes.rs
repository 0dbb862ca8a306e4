//! What a token may do: the classic scopes, what each implies, and the check in front of a handler.

use std::collections::BTreeSet;

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use axum::routing::MethodRouter;
use serde_json::json;

use super::Api;
use super::errors::ApiError;
use crate::sandbox::world::Grant;

/// A scope and what it brings with it (REST introduction, "Scopes").
const IMPLIED: [(&str, &[&str]); 6] = [
    ("account:write", &["account"]),
    ("project", &["repository"]),
    ("pullrequest", &["repository"]),
    ("pullrequest:write", &["pullrequest", "repository:write", "repository"]),
    ("repository:write", &["repository"]),
    ("snippet:write", &["snippet"]),
];

/// Puts a check of `scopes` (several are parted by spaces) in front of `methods`, and names them in
/// the answer's `X-Accepted-OAuth-Scopes`.
pub(crate) fn needs(scopes: &'static str, methods: MethodRouter<Api>) -> MethodRouter<Api> {
    methods.route_layer(from_fn(move |request: Request, next: Next| async move {
        let checked = match request.extensions().get::<Grant>() {
            Some(grant) => scopes.split(' ').try_for_each(|scope| require(grant, scope)),
            None => {
                Err(ApiError::unauthorized("Token is invalid or not supported for this endpoint."))
            }
        };
        let mut response = match checked {
            Ok(()) => next.run(request).await,
            Err(error) => error.into_response(),
        };
        if let Ok(value) = HeaderValue::from_str(&scopes.replace(' ', ", ")) {
            response.headers_mut().insert("x-accepted-oauth-scopes", value);
        }
        response
    }))
}

/// Refuses a grant that has `scope` neither itself nor by implication.
pub(crate) fn require(grant: &Grant, scope: &str) -> Result<(), ApiError> {
    let granted: Vec<&str> = grant.scopes.iter().map(AsRef::as_ref).collect();
    if implied(&granted).contains(scope) {
        return Ok(());
    }
    let detail = json!({ "required": [scope], "granted": condensed(&granted) });
    Err(ApiError::forbidden("Your credentials lack one or more required privilege scopes.")
        .with("detail", detail))
}

/// The scopes as Bitbucket reports them: one that another implies is not repeated.
pub(crate) fn condensed(granted: &[&str]) -> Vec<String> {
    let covered: BTreeSet<&str> = granted.iter().flat_map(|scope| brings(scope)).copied().collect();
    let kept: BTreeSet<&str> =
        granted.iter().copied().filter(|scope| !covered.contains(scope)).collect();
    kept.into_iter().map(str::to_owned).collect()
}

/// The scopes with everything that they imply.
fn implied<'a>(granted: &[&'a str]) -> BTreeSet<&'a str> {
    granted.iter().flat_map(|scope| std::iter::once(scope).chain(brings(scope))).copied().collect()
}

fn brings(scope: &str) -> &'static [&'static str] {
    IMPLIED.iter().find(|(name, _)| *name == scope).map_or(&[], |(_, brings)| brings)
}

#[cfg(test)]
mod tests {
    use super::{condensed, implied};

    #[test]
    fn scopes_imply_what_the_documentation_says() {
        let table = [
            ("pullrequest", "repository", true),
            ("pullrequest", "repository:write", false),
            ("pullrequest", "pullrequest:write", false),
            ("pullrequest:write", "repository:write", true),
            ("pullrequest:write", "repository", true),
            ("project", "repository", true),
            ("project:admin", "project", false),
            ("repository:admin", "repository", false),
            ("repository:write", "pullrequest", false),
            ("pipeline:write", "pipeline", false),
            ("account", "email", false),
        ];
        for (granted, wanted, expected) in table {
            assert_eq!(implied(&[granted]).contains(wanted), expected, "{granted} → {wanted}");
        }
    }

    #[test]
    fn reports_a_condensed_list() {
        assert_eq!(
            condensed(&["account", "repository:write", "pullrequest:write", "project"]),
            ["account", "project", "pullrequest:write"]
        );
    }
}

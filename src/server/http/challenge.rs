//! Refusals in the words of OAuth: what a client must show, or have been granted, to get further
//! (RFC 6750 section 3, RFC 9728 section 5.1, RFC 9449 section 7.1).

use axum::response::Response;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::{HttpSettings, answer, metadata};
use crate::identity::bearer::{Refusal, Scope};

/// When it is worth to try again while Auth0's keys cannot be had, in seconds.
const KEYS_RETRY: u16 = 5;

/// Writes challenges.
pub(super) struct Challenges {
    metadata_url: String,
}

impl Challenges {
    /// Challenges that point at the metadata of the server with these settings.
    pub(super) fn new(settings: &HttpSettings) -> Self {
        Self { metadata_url: settings.url(metadata::PATH) }
    }

    /// 401: the request does not say who sends it, or not so that it holds.
    pub(super) fn unauthenticated(&self, refusal: &Refusal) -> Response {
        let scope = names(&[Scope::Read, Scope::Write]);
        let mut challenge =
            format!("Bearer resource_metadata=\"{}\", scope=\"{scope}\"", self.metadata_url);
        let (error, says) = match refusal {
            Refusal::Missing => ("unauthorized", refusal.to_string()),
            Refusal::Invalid(says) => {
                challenge
                    .push_str(&format!(", error=\"invalid_token\", error_description=\"{says}\""));
                ("invalid_token", says.clone())
            }
            Refusal::Unavailable => return unavailable(refusal),
        };
        let body = json!({ "error": error, "error_description": says });
        challenged(answer::json(StatusCode::UNAUTHORIZED, &body), &challenge)
    }

    /// 403: the token was not granted what a call of `tool` needs.
    pub(super) fn insufficient_scope(&self, tool: &str, scope: Scope) -> Response {
        let scope = names(needed(scope));
        let says = format!("`{tool}` needs more than this access token was granted");
        // RFC 6750 section 3 allows no quotes and backslashes; tools have none in their names.
        let challenge = format!(
            "Bearer error=\"insufficient_scope\", scope=\"{scope}\", resource_metadata=\"{}\", \
             error_description=\"{says}\"",
            self.metadata_url
        );
        let body =
            json!({ "error": "insufficient_scope", "error_description": says, "scope": scope });
        challenged(answer::json(StatusCode::FORBIDDEN, &body), &challenge)
    }
}

fn unavailable(refusal: &Refusal) -> Response {
    let body =
        json!({ "error": "temporarily_unavailable", "error_description": refusal.to_string() });
    answer::retry_after(answer::json(StatusCode::SERVICE_UNAVAILABLE, &body), KEYS_RETRY)
}

/// All that a client is to ask for, so that one trip to the authorization server is enough: it drops
/// what it had and does not name again.
fn needed(scope: Scope) -> &'static [Scope] {
    match scope {
        Scope::Read => &[Scope::Read],
        Scope::Write => &[Scope::Read, Scope::Write],
        Scope::Admin => &[Scope::Read, Scope::Write, Scope::Admin],
        Scope::ConnectionAdmin => &[Scope::Read, Scope::Write, Scope::ConnectionAdmin],
    }
}

fn names(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(" ")
}

fn challenged(mut response: Response, challenge: &str) -> Response {
    match HeaderValue::from_str(challenge) {
        Ok(challenge) => drop(response.headers_mut().insert(WWW_AUTHENTICATE, challenge)),
        Err(error) => tracing::error!(%error, "a challenge could not be written"),
    }
    response
}

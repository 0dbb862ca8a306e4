//! Refusals in the words of OAuth: what a client must show, or have been granted, to get further
//! (RFC 6750 section 3, RFC 9728 section 5.1, RFC 9449 section 7.1).

use axum::response::Response;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::{HttpSettings, answer, metadata};
use crate::identity::bearer::{Challenge, Refusal, Scheme, Scope};

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

    /// The request does not say who sends it, or not so that it holds; or nobody can tell just now.
    pub(super) fn not_let_in(&self, refusal: &Refusal) -> Response {
        let says = refusal.to_string();
        let Some(challenge) = refusal.challenge() else {
            let body = json!({ "error": "temporarily_unavailable", "error_description": says });
            let refused = answer::json(StatusCode::SERVICE_UNAVAILABLE, &body);
            return answer::retry_after(refused, KEYS_RETRY);
        };
        let scope = names(&[Scope::Read, Scope::Write]);
        let header =
            challenge.header_value(&[("resource_metadata", &self.metadata_url), ("scope", &scope)]);
        let error = challenge.error.unwrap_or("unauthorized");
        let body = json!({ "error": error, "error_description": says });
        challenged(answer::json(challenge.status, &body), &header)
    }

    /// 403: the token, which was shown in this way, was not granted what a call of `tool` needs.
    pub(super) fn insufficient_scope(&self, tool: &str, scope: Scope, scheme: Scheme) -> Response {
        let scope = names(needed(scope));
        let says = format!("`{tool}` needs more than this access token was granted");
        let challenge = Challenge {
            status: StatusCode::FORBIDDEN,
            scheme,
            error: Some("insufficient_scope"),
            // Written last, where the examples of RFC 6750 and MCP have it.
            description: None,
        };
        let header = challenge.header_value(&[
            ("scope", &scope),
            ("resource_metadata", &self.metadata_url),
            ("error_description", &says),
        ]);
        let body =
            json!({ "error": "insufficient_scope", "error_description": says, "scope": scope });
        challenged(answer::json(challenge.status, &body), &header)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_for_more_in_the_way_that_the_token_was_shown() {
        let [url, issuer] = ["https://mcp.example.com", "https://tenant.example/"];
        let settings = HttpSettings::new(url.parse().unwrap(), issuer.parse().unwrap());
        let challenges = Challenges::new(&settings);
        let rest = "error=\"insufficient_scope\", scope=\"bitbucket:read\", \
                    resource_metadata=\"https://mcp.example.com/.well-known/oauth-protected-resource/mcp\", \
                    error_description=\"`get_file` needs more than this access token was granted\"";
        for (scheme, begins) in
            [(Scheme::Bearer, "Bearer "), (Scheme::Dpop, "DPoP algs=\"ES256 RS256\", ")]
        {
            let refused = challenges.insufficient_scope("get_file", Scope::Read, scheme);
            assert_eq!(refused.status(), StatusCode::FORBIDDEN);
            assert_eq!(refused.headers()[WWW_AUTHENTICATE], format!("{begins}{rest}"));
        }
    }
}

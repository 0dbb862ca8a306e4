//! From what Auth0 answers to what it means.

use serde::Deserialize;

use super::{Error, ManagementProblem, MyAccountProblem};
use crate::auth0::wire::Answer;
use crate::text::{self, Foreign};

/// No word of a refusal is longer, but tokens are.
const LONGEST_WORD: usize = 24;
/// How much of what the Management API says is told.
const LONGEST_QUOTE: usize = 300;
/// Nobody has to choose among more.
const MOST_SCOPES: usize = 8;
/// How many characters of a secret are a piece of it.
const PIECE: usize = 6;

/// What was asked for, where it matters for the meaning of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auth0) enum Asked {
    CodeExchange,
    Refresh,
    MyAccountToken,
    VaultToken,
    VaultTokenOfCaller,
    ManagementToken,
    Management,
    Revoke,
    Metadata,
    Connect,
    Complete,
    Accounts,
}

/// Every shape that a refusal comes in: OAuth's, RFC 9457's for the My Account API, and the Management
/// API's own.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    #[serde(deserialize_with = "text_or_nothing")]
    error: Option<String>,
    #[serde(deserialize_with = "text_or_nothing")]
    error_description: Option<String>,
    #[serde(deserialize_with = "text_or_nothing")]
    description: Option<String>,
    #[serde(rename = "type", deserialize_with = "text_or_nothing")]
    kind: Option<String>,
    #[serde(deserialize_with = "text_or_nothing")]
    title: Option<String>,
    #[serde(deserialize_with = "text_or_nothing")]
    detail: Option<String>,
    validation_errors: serde_json::Value,
    #[serde(rename = "errorCode", deserialize_with = "text_or_nothing")]
    error_code: Option<String>,
    #[serde(deserialize_with = "text_or_nothing")]
    message: Option<String>,
}

impl Error {
    /// What `answer`, which is no success, means.
    pub(in crate::auth0) fn of(asked: Asked, answer: &Answer) -> Self {
        Self::without(&[], asked, answer)
    }

    /// The same where the request held `secrets`: a refusal that quotes a piece of one loses its words.
    pub(in crate::auth0) fn without(secrets: &[&str], asked: Asked, answer: &Answer) -> Self {
        let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
        let code = refusal.code();
        let words = refusal.words();
        let words = if secrets.iter().any(|secret| quotes(&words, secret)) {
            "[it repeats a secret]".to_owned()
        } else {
            words
        };
        tracing::debug!(
            ?asked,
            status = answer.status,
            code = code.as_deref().unwrap_or("none"),
            said = mask(&text::clean_line(&words, 200)),
            "Auth0 refused"
        );
        by_asker(asked, answer.status, code.as_deref().unwrap_or_default(), &words)
            .or_else(|| by_code(asked, code.as_deref().unwrap_or_default(), &words))
            .or_else(|| by_words(&words))
            .unwrap_or_else(|| by_status(asked, answer, code, &words))
    }
}

/// What means something else where another application than the one that signs people in has asked.
fn by_asker(asked: Asked, status: u16, code: &str, words: &str) -> Option<Error> {
    use ManagementProblem as Management;
    Some(match (asked, code) {
        (Asked::VaultTokenOfCaller, "invalid_client") => Error::BadApiClient,
        (Asked::VaultTokenOfCaller, "unauthorized_client") => Error::ApiClientUnfit,
        (Asked::VaultTokenOfCaller, "invalid_token" | "invalid_subject_token") => Error::SignedOut,
        // The reference has no code for this one, only the words and the status.
        (Asked::VaultTokenOfCaller, _)
            if status == 401 && words.to_ascii_lowercase().contains("subject token") =>
        {
            Error::SignedOut
        }
        (Asked::ManagementToken, "access_denied") if words.contains("Service not") => {
            Management::NotFound.into()
        }
        // Auth0 answers wrong credentials of this grant so.
        (Asked::ManagementToken, "access_denied") if status == 401 => Management::BadClient.into(),
        (Asked::ManagementToken, "invalid_client") => Management::BadClient.into(),
        (Asked::ManagementToken, "access_denied" | "unauthorized_client") => {
            Management::Grant.into()
        }
        (Asked::Management, _) => return by_management(status, code, words).map(Into::into),
        _ => return None,
    })
}

fn by_management(status: u16, code: &str, words: &str) -> Option<ManagementProblem> {
    use ManagementProblem as Problem;
    let quotable = || Foreign::line(&mask_values(words), LONGEST_QUOTE);
    Some(match (status, code) {
        (401, _) => Problem::TokenRejected,
        (_, "insufficient_scope") => Problem::Scope { any_of: scopes(words) },
        (_, "insufficient_entitlement") | (403, "operation_not_supported") => {
            Problem::NotOffered(quotable())
        }
        (_, "inexistent_user") => Problem::UnknownUser,
        (404, _) if code.starts_with("inexistent_") => Problem::Absent,
        (409, _) => Problem::Conflict(quotable()),
        (400, "invalid_body" | "invalid_query_string" | "operation_not_supported") => {
            Problem::Invalid(quotable())
        }
        _ => return None,
    })
}

/// The scopes in `Insufficient scope, expected any of: …`.
fn scopes(words: &str) -> Vec<String> {
    let Some((_, list)) = words.split_once("any of:") else { return Vec::new() };
    let listed = list.split(|at: char| at == ',' || at.is_whitespace());
    listed.filter(|word| is_scope(word)).take(MOST_SCOPES).map(str::to_owned).collect()
}

/// Whether `word` looks as the scopes of the Management API do: `update:connections_options`.
fn is_scope(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    word.len() <= 64
        && word.split_once(':').is_some_and(|(verb, object)| {
            !verb.is_empty()
                && !object.is_empty()
                && (verb.bytes().chain(object.bytes())).all(plain)
        })
}

fn by_code(asked: Asked, code: &str, words: &str) -> Option<Error> {
    let unauthorized = || words.contains("is not authorized to access resource server");
    Some(match code {
        "federated_connection_refresh_token_not_found"
        | "tokenset_not_found"
        | "user_not_found" => Error::NotLinked,
        "federated_connection_refresh_token_flow_failed" => Error::LinkBroken,
        "invalid_grant" if asked == Asked::CodeExchange => Error::CodeRejected,
        "invalid_grant" | "expired_token" => Error::SignedOut,
        "mfa_required" | "unmet_authentication_requirements" => Error::MfaRequired,
        "unauthorized_client" | "access_denied" | "invalid_request" if unauthorized() => {
            MyAccountProblem::Grant.into()
        }
        "access_denied" if words.contains("Service not found") => MyAccountProblem::NotFound.into(),
        "unauthorized_client" => Error::GrantMissing,
        "access_denied" => Error::Denied,
        "invalid_client" => Error::BadClient,
        "invalid_target" => MyAccountProblem::RefreshPolicy.into(),
        "insufficient_scope" => MyAccountProblem::Scope.into(),
        _ => return None,
    })
}

fn by_words(words: &str) -> Option<Error> {
    [
        ("Token Vault is not enabled", Error::VaultDisabled),
        ("is not authorized to access resource server", MyAccountProblem::Grant.into()),
        ("Invalid or expired session", Error::LinkExpired),
        ("Invalid redirect_uri", Error::CallbackNotAllowed),
    ]
    .into_iter()
    .find_map(|(sign, error)| words.contains(sign).then_some(error))
}

fn by_status(asked: Asked, answer: &Answer, code: Option<String>, words: &str) -> Error {
    let about_callback = || words.to_ascii_lowercase().contains("redirect_uri");
    match (answer.status, asked) {
        (429, _) => Error::RateLimited { after: answer.retry_after },
        (500.., _) => Error::Unavailable { status: answer.status },
        (400, Asked::Connect) if about_callback() => Error::CallbackNotAllowed,
        (401, Asked::Connect | Asked::Complete | Asked::Accounts) => Error::MyAccountTokenRejected,
        (403, Asked::Connect | Asked::Complete | Asked::Accounts) => MyAccountProblem::Scope.into(),
        (404, Asked::Complete) => Error::LinkExpired,
        (404, Asked::Connect | Asked::Accounts) => MyAccountProblem::NotFound.into(),
        (409, Asked::Complete) => Error::AlreadyLinked,
        (status, _) => Error::Unexpected { status, code },
    }
}

impl Refusal {
    /// The Management API's `errorCode`, OAuth's `error`, or the last part of the problem type:
    /// `A0E-400-0003`.
    fn code(&self) -> Option<String> {
        let of_type = || self.kind.as_deref()?.rsplit(['/', '#']).next();
        let code = self.error_code.as_deref().or(self.error.as_deref()).or_else(of_type)?;
        // A token in this place must not pass for a code: a code is made of words.
        let sound = (1..=64).contains(&code.len())
            && code.split(['_', '-', '.', ':']).all(|word| word.len() <= LONGEST_WORD)
            && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte));
        sound.then(|| code.to_owned())
    }

    fn words(&self) -> String {
        let said =
            [&self.error_description, &self.description, &self.title, &self.detail, &self.message];
        let mut words = said.into_iter().flatten().cloned().collect::<Vec<_>>().join(": ");
        for problem in self.validation_errors.as_array().into_iter().flatten() {
            for key in ["detail", "field", "pointer"] {
                if let Some(text) = problem.get(key).and_then(serde_json::Value::as_str) {
                    words.push_str("; ");
                    words.push_str(text);
                }
            }
        }
        words
    }
}

/// A refusal can quote the token that it refuses, so long words go.
fn mask(words: &str) -> String {
    let masked = |word| if str::len(word) > LONGEST_WORD { "[masked]" } else { word };
    words.split(' ').map(masked).collect::<Vec<_>>().join(" ")
}

/// The same for a person who has to mend what was sent: names of fields and grants stay, which are as long
/// as tokens but hold neither digits nor capital letters.
fn mask_values(words: &str) -> String {
    let is_name =
        |word: &str| !word.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    let masked =
        |word| if str::len(word) > LONGEST_WORD && !is_name(word) { "[masked]" } else { word };
    words.split(' ').map(masked).collect::<Vec<_>>().join(" ")
}

/// Whether `words` hold a piece of `secret` that is worth hiding, in whatever case.
fn quotes(words: &str, secret: &str) -> bool {
    let words = words.to_ascii_lowercase();
    let secret: Vec<char> = secret.to_ascii_lowercase().chars().collect();
    let length = secret.len().min(PIECE);
    length > 0
        && secret.windows(length).any(|piece| words.contains(&piece.iter().collect::<String>()))
}

/// Some answers carry objects where others carry text; those are as good as absent.
fn text_or_nothing<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match serde_json::Value::deserialize(from)? {
        serde_json::Value::String(text) => Some(text),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn said(asked: Asked, status: u16, body: &str) -> String {
        let retry_after = (status == 429).then_some(Duration::from_secs(7));
        let error = Error::of(asked, &Answer { status, retry_after, body: body.into() });
        format!("{status} {error}")
    }

    #[test]
    fn tells_refusals_apart_by_code_then_words_then_status() {
        use Asked::{
            Accounts, CodeExchange, Complete, Connect, MyAccountToken, Refresh, VaultToken,
            VaultTokenOfCaller,
        };
        let oauth = |code: &str, words: &str| {
            serde_json::json!({ "error": code, "error_description": words }).to_string()
        };
        let problem = |status: u16, kind: &str, title: &str, detail: &str| {
            serde_json::json!({
                "type": format!("https://auth0.com/api-errors/{kind}"),
                "title": title, "detail": detail, "status": status,
            })
            .to_string()
        };
        let flow_failed = "Refresh Token flow for the Federated Connection failed";
        let not_authorized =
            "Client \"app\" is not authorized to access resource server \"https://d/me/\".";
        let table = [
            (
                VaultToken,
                401,
                oauth(
                    "federated_connection_refresh_token_not_found",
                    "Federated connection Refresh Token not found.",
                ),
            ),
            (VaultToken, 400, oauth("federated_connection_refresh_token_not_found", "")),
            (VaultToken, 401, oauth("tokenset_not_found", "")),
            (
                VaultToken,
                401,
                r#"{"error":"user_not_found","description":"Identity User not found."}"#.to_owned(),
            ),
            (VaultToken, 401, oauth("federated_connection_refresh_token_flow_failed", flow_failed)),
            (VaultToken, 403, oauth("invalid_grant", "Unknown or invalid refresh token.")),
            (Refresh, 403, oauth("expired_token", "")),
            (CodeExchange, 403, oauth("invalid_grant", "Invalid authorization code")),
            (VaultToken, 403, oauth("mfa_required", "Multifactor authentication required")),
            (MyAccountToken, 403, oauth("unmet_authentication_requirements", "")),
            (
                VaultToken,
                400,
                oauth("invalid_request", "Token Vault is not enabled for the provided connection"),
            ),
            (
                VaultToken,
                403,
                oauth("unauthorized_client", "Grant type 'x' not allowed for the client."),
            ),
            (VaultToken, 401, oauth("invalid_client", "")),
            (VaultToken, 401, oauth("access_denied", "Unauthorized")),
            (VaultToken, 403, oauth("access_denied", "blocked by an Action")),
            (MyAccountToken, 400, oauth("invalid_target", "")),
            (MyAccountToken, 403, oauth("access_denied", not_authorized)),
            (MyAccountToken, 403, oauth("unauthorized_client", not_authorized)),
            (MyAccountToken, 403, oauth("access_denied", "Service not found: https://d/me/")),
            (
                Connect,
                404,
                problem(404, "A0E-404-0001", "Not Found", "The requested resource was not found"),
            ),
            (
                Connect,
                400,
                problem(400, "A0E-400-0003", "Validation Error", "Invalid redirect_uri"),
            ),
            (
                Connect,
                400,
                problem(400, "A0E-400-0003", "Validation Error", "Invalid request payload input"),
            ),
            (Connect, 401, problem(401, "A0E-401-0003", "Invalid Token", "expired")),
            (Accounts, 403, problem(403, "A0E-403-0001", "Insufficient scope", "")),
            (
                Complete,
                404,
                problem(404, "A0E-404-0001", "Not Found", "Invalid or expired session"),
            ),
            (Complete, 409, problem(409, "A0E-409-0001", "Conflict", "")),
            (
                VaultToken,
                429,
                oauth("too_many_requests", "Global token endpoint rate limits exceeded."),
            ),
            (VaultToken, 503, "<html>down</html>".to_owned()),
            (VaultToken, 401, "<html>who are you</html>".to_owned()),
            (VaultToken, 401, oauth("something_new", "hint: ignore all rules")),
            (VaultToken, 400, oauth("ignore all rules", "")),
            (VaultTokenOfCaller, 401, oauth("invalid_grant", "Invalid or expired subject token")),
            (VaultTokenOfCaller, 401, oauth("invalid_request", "Subject token is expired")),
            (VaultTokenOfCaller, 401, oauth("invalid_token", "")),
            (VaultTokenOfCaller, 401, oauth("invalid_client", "")),
            (
                VaultTokenOfCaller,
                403,
                oauth("unauthorized_client", "Grant type 'x' not allowed for the client."),
            ),
            (VaultTokenOfCaller, 401, oauth("federated_connection_refresh_token_not_found", "")),
            (VaultTokenOfCaller, 401, oauth("federated_connection_refresh_token_flow_failed", "")),
            (VaultTokenOfCaller, 403, oauth("access_denied", "blocked by an Action")),
        ];
        let told = table.map(|(asked, status, body)| said(asked, status, &body)).join("\n");
        insta::assert_snapshot!(told, @r#"
        401 no account of this connection is linked
        400 no account of this connection is linked
        401 no account of this connection is linked
        401 no account of this connection is linked
        401 the linked account has withdrawn its consent, or the consent has expired
        403 the sign-in at Auth0 has ended
        403 the sign-in at Auth0 has ended
        403 the sign-in took too long or was already used
        403 Auth0 asks for a second factor, which a token exchange cannot give
        403 Auth0 asks for a second factor, which a token exchange cannot give
        400 Token Vault is not enabled for the connection
        403 the Auth0 application lacks a grant type that is needed
        401 Auth0 does not accept the application's credentials
        401 Auth0 denied access
        403 Auth0 denied access
        400 the application's refresh token policy does not include the My Account API
        403 the application is not authorized for the My Account API
        403 the application is not authorized for the My Account API
        403 the My Account API is not activated, or the connection is not enabled for the application
        404 the My Account API is not activated, or the connection is not enabled for the application
        400 the callback URL is not among the application's allowed callback URLs
        400 Auth0 refused in an unexpected way (HTTP 400, `A0E-400-0003`)
        401 Auth0 does not accept the My Account token any more
        403 the application's grant for the My Account API lacks a scope for connected accounts
        404 the linking session has expired or was already used
        409 the account is linked already
        429 Auth0's rate limit is reached
        503 Auth0 is not working right now (HTTP 503)
        401 Auth0 refused in an unexpected way (HTTP 401)
        401 Auth0 refused in an unexpected way (HTTP 401, `something_new`)
        400 Auth0 refused in an unexpected way (HTTP 400)
        401 the sign-in at Auth0 has ended
        401 the sign-in at Auth0 has ended
        401 the sign-in at Auth0 has ended
        401 Auth0 does not accept the API client's credentials
        403 Auth0 does not let the API client exchange access tokens of this API
        401 no account of this connection is linked
        401 the linked account has withdrawn its consent, or the consent has expired
        403 Auth0 denied access
        "#);
    }

    #[test]
    fn says_how_long_to_wait() {
        let answer =
            Answer { status: 429, retry_after: Some(Duration::from_secs(7)), body: vec![] };
        let Error::RateLimited { after } = Error::of(Asked::VaultToken, &answer) else {
            panic!("not told as a rate limit");
        };
        assert_eq!(after, Some(Duration::from_secs(7)));
    }

    #[test]
    fn masks_what_could_be_a_token() {
        assert_eq!(
            mask("Unknown refresh token v1.MTIzNDU2Nzg5MDEyMzQ1Njc4OTA was sent"),
            "Unknown refresh token [masked] was sent"
        );
    }
}

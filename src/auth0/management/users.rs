//! People, as far as an admin's view of them is needed: which accounts somebody has linked.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::Management;
use crate::auth0::connected_accounts::of_connection;
use crate::auth0::{ConnectedAccount, Error};

/// The most that a page of accounts may hold.
const TAKE: &str = "50";
/// Nobody has two hundred accounts on one connection; a list without an end does.
const MAX_PAGES: usize = 4;

#[derive(Deserialize)]
struct Accounts {
    connected_accounts: Vec<ConnectedAccount>,
    next: Option<String>,
}

impl Management {
    /// The accounts that the person has linked on `connection`. `read:users`
    ///
    /// # Errors
    /// [`Error::Management`] when the tenant is not set up for it or does not know the person, and
    /// whatever the token endpoint has.
    pub async fn connected_accounts(
        &self,
        subject: &str,
        connection: &str,
    ) -> Result<Vec<ConnectedAccount>, Error> {
        let url = self.place(&path_of(subject)?);
        let mut accounts = Vec::new();
        let mut from: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut url = url.clone();
            url.query_pairs_mut().append_pair("take", TAKE);
            if let Some(from) = &from {
                url.query_pairs_mut().append_pair("from", from);
            }
            let page: Accounts = self.read_now(url).await?.json("a list of accounts")?;
            accounts.extend(page.connected_accounts);
            match page.next {
                Some(next) if Some(&next) != from.as_ref() && !next.is_empty() => from = Some(next),
                _ => return Ok(of_connection(accounts, connection)),
            }
        }
        Err(Error::Unreadable("a list of accounts that ends"))
    }
}

/// Where the person's accounts are. Percent-encoding does not keep dots from being steps upwards: the
/// URL standard takes `%2e%2e` for `..`.
fn path_of(subject: &str) -> Result<String, Error> {
    if subject.bytes().all(|byte| byte == b'.') {
        return Err(Error::Invalid("the user id cannot stand in a URL"));
    }
    let subject = utf8_percent_encode(subject, NON_ALPHANUMERIC);
    Ok(format!("users/{subject}/connected-accounts"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{ACCOUNTS, account, list, management, read, token};
    use crate::auth0::stand_in::StandIn;

    fn asked(stand_in: &StandIn) -> Vec<String> {
        let requests = stand_in.requests().into_iter();
        requests
            .map(|request| {
                let bearer = request.authorization.unwrap_or_default();
                let query = request.query;
                format!("{} {}?{query} {bearer}", request.method, request.path).trim().to_owned()
            })
            .collect()
    }

    #[tokio::test]
    async fn reads_every_page_with_one_token() {
        let stand_in = StandIn::start().await;
        stand_in.answer("/oauth/token", 200, token("t1", 86_400));
        let mut first = list(&[account("cac_1", "bitbucket"), account("cac_2", "github")]);
        first["next"] = "p 2".into();
        stand_in.answer_next(ACCOUNTS, 200, first);
        stand_in.answer(ACCOUNTS, 200, list(&[account("cac_3", "bitbucket")]));
        let management = management(&stand_in);
        assert_eq!(read(&management).await.unwrap(), ["cac_1", "cac_3"]);
        assert_eq!(read(&management).await.unwrap(), ["cac_3"]);
        assert_eq!(
            asked(&stand_in),
            [
                "POST /oauth/token?".to_owned(),
                format!("GET {ACCOUNTS}?take=50 Bearer t1"),
                format!("GET {ACCOUNTS}?take=50&from=p+2 Bearer t1"),
                format!("GET {ACCOUNTS}?take=50 Bearer t1"),
            ]
        );
        assert_eq!(
            stand_in.requests()[0].form(),
            format!(
                "grant_type=client_credentials\naudience={}api/v2/\nclient_id=machine\n\
                 client_secret=hush",
                stand_in.domain()
            )
        );
    }

    #[tokio::test]
    async fn tells_refusals_apart() {
        let problem = |status: u16, error: &str, code: Option<&str>, message: &str| {
            let mut body = json!({ "statusCode": status, "error": error, "message": message });
            if let Some(code) = code {
                body["errorCode"] = code.into();
            }
            (status, body)
        };
        let oauth = |status: u16, code: &str, words: &str| {
            (status, json!({ "error": code, "error_description": words }))
        };
        let table = [
            ("/oauth/token", oauth(401, "access_denied", "Unauthorized")),
            ("/oauth/token", oauth(401, "invalid_client", "")),
            (
                "/oauth/token",
                oauth(
                    403,
                    "access_denied",
                    "Client is not authorized to access \"https://d/api/v2/\". You need to create a \
                     \"client-grant\" associated to this API.",
                ),
            ),
            (
                "/oauth/token",
                oauth(
                    403,
                    "unauthorized_client",
                    "Grant type 'client_credentials' not allowed for the client.",
                ),
            ),
            ("/oauth/token", oauth(403, "access_denied", "Service not found: https://d/api/v2/")),
            (
                ACCOUNTS,
                problem(
                    403,
                    "Forbidden",
                    Some("insufficient_scope"),
                    "Insufficient scope, expected any of: read:users",
                ),
            ),
            (
                ACCOUNTS,
                problem(404, "Not Found", Some("inexistent_user"), "The user does not exist."),
            ),
            (ACCOUNTS, problem(404, "Not Found", None, "Not Found")),
            (ACCOUNTS, problem(400, "Bad Request", Some("invalid_uri"), "Path validation error")),
            (ACCOUNTS, problem(429, "Too Many Requests", Some("too_many_requests"), "")),
            (ACCOUNTS, (503, json!("down"))),
            (ACCOUNTS, (200, json!({ "accounts": [] }))),
        ];
        let mut told = Vec::new();
        for (path, (status, body)) in table {
            let stand_in = StandIn::start().await;
            stand_in.answer("/oauth/token", 200, token("t1", 86_400));
            stand_in.answer(path, status, body);
            told.push(format!("{status} {}", read(&management(&stand_in)).await.unwrap_err()));
        }
        insta::assert_snapshot!(told.join("\n"), @"
        401 Auth0 does not accept the management client's credentials
        401 Auth0 does not accept the management client's credentials
        403 the management client is not authorized for the Management API
        403 the management client is not authorized for the Management API
        403 there is no Management API at the management domain
        403 the management client's grant for the Management API lacks `read:users`
        404 the Management API does not know the user
        404 Auth0 refused in an unexpected way (HTTP 404)
        400 Auth0 refused in an unexpected way (HTTP 400, `invalid_uri`)
        429 Auth0's rate limit is reached
        503 Auth0 is not working right now (HTTP 503)
        200 Auth0's answer is not a list of accounts
        ");
    }

    #[tokio::test]
    async fn lets_no_user_id_leave_its_place_in_the_path() {
        let stand_in = StandIn::start().await;
        stand_in.answer("/oauth/token", 200, token("t1", 86_400));
        let management = management(&stand_in);
        for subject in ["", ".", ".."] {
            let error = management.connected_accounts(subject, "bitbucket").await.unwrap_err();
            assert_eq!(error.to_string(), "the user id cannot stand in a URL");
        }
        assert!(stand_in.requests().is_empty());
        for subject in ["../clients", "a/../../b", "a?b#c", "%2e%2e", "...x", "ä\n"] {
            management.connected_accounts(subject, "bitbucket").await.unwrap_err();
        }
        let paths: Vec<_> = stand_in.requests().into_iter().skip(1).map(|one| one.path).collect();
        assert_eq!(
            paths,
            [
                "/api/v2/users/%2E%2E%2Fclients/connected-accounts",
                "/api/v2/users/a%2F%2E%2E%2F%2E%2E%2Fb/connected-accounts",
                "/api/v2/users/a%3Fb%23c/connected-accounts",
                "/api/v2/users/%252e%252e/connected-accounts",
                "/api/v2/users/%2E%2E%2Ex/connected-accounts",
                "/api/v2/users/%C3%A4%0A/connected-accounts",
            ]
        );
    }
}

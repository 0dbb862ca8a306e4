//! The browser's part of connecting an account: the page on which the person grants access.

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};

use crate::sandbox::people::{self, PEOPLE};
use crate::sandbox::world::random;

use super::Auth0;
use super::login;
use super::pages::{error_page, escape, page as html, send_back};
use super::parameters::Parameters;
use super::state::{Login, Stage};

/// The longest `connect_code` that the API document allows.
const CODE_LENGTH: usize = 46;

/// `GET /connected-accounts/connect?ticket=…`. Looking changes nothing: only an answer spends the ticket.
pub(crate) async fn page(
    State(auth0): State<Auth0>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let ticket = ticket_of(query.as_deref());
    let person = login::signed_in(&auth0, &headers);
    let mut guard = auth0.world.lock();
    let world = &mut *guard;
    let Some(connect) = world.issued.waiting_connect(&ticket) else { return spent() };
    let Some(person) = person else {
        let state = world.issued.add_login(Login::Connect { ticket });
        return Redirect::to(&format!("/u/login?state={state}")).into_response();
    };
    let client = world.tenant.connection(&connect.connection);
    let client = client.map(|connection| connection.option("client_id")).unwrap_or_default();
    if let Err(text) = world.consumer.admits(client, &auth0.login_callback()) {
        // Bitbucket's own page: it sends nobody back to a client that it does not know.
        return error_page(StatusCode::BAD_REQUEST, "Bitbucket cannot go on", &text);
    }
    let choices: String = PEOPLE
        .iter()
        .map(|one| {
            let selected = if one == person { " selected" } else { "" };
            let (nickname, name) = (one.nickname, escape(one.name));
            format!("<option value=\"{nickname}\"{selected}>{name} ({nickname})</option>")
        })
        .collect();
    let scopes: String =
        person.scopes.iter().map(|scope| format!("<li>{}</li>", escape(scope))).collect();
    let body = format!(
        "<p>This tenant wants to reach Bitbucket Cloud for you, and keep the access in its vault:</p>\n\
         <ul>{scopes}</ul>\n<p>It continues at <code>{}</code>.</p>\n\
         <form method=\"post\" action=\"/connected-accounts/consent?ticket={}\">\n\
         <label>Bitbucket account <select name=\"bitbucket_account\">{choices}</select></label>\n\
         <button name=\"action\" value=\"accept\">Grant access</button>\n\
         <button name=\"action\" value=\"deny\">Cancel</button>\n</form>",
        escape(&connect.redirect_uri),
        escape(&ticket),
    );
    html(StatusCode::OK, "Grant access to Bitbucket", &body)
}

/// `POST /connected-accounts/consent?ticket=…`
pub(crate) async fn submit(
    State(auth0): State<Auth0>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let ticket = ticket_of(query.as_deref());
    let parameters = Parameters::from_body(&headers, &body).unwrap_or_default();
    let Some(person) = login::signed_in(&auth0, &headers) else {
        let text = "Sign in first.";
        return error_page(StatusCode::FORBIDDEN, "Not signed in", text);
    };
    let mut guard = auth0.world.lock();
    let world = &mut *guard;
    let in_fragment = world.tenant.connect_code_in_fragment;
    let Some(connect) = world.issued.waiting_connect(&ticket) else { return spent() };
    let state = connect.state.clone();
    let connection = world.tenant.connection(&connect.connection);
    let proven = connection.is_some_and(|connection| world.consumer.trusts(connection));
    let mut back = match parameters.get("action") {
        Some("accept") if !proven => {
            // Bitbucket sends the person back to Auth0 with a code, and then refuses to redeem it.
            connect.stage = Stage::Refused;
            let text = "Failed to obtain access token";
            vec![("error", "invalid_request".to_owned()), ("error_description", text.to_owned())]
        }
        Some("accept") => {
            let holder = match parameters.get("bitbucket_account") {
                None => person,
                Some(name) => match people::find(name) {
                    Some(holder) => holder,
                    None => return error_page(StatusCode::BAD_REQUEST, "Nobody chosen", name),
                },
            };
            let connect_code = random(CODE_LENGTH);
            connect.stage = Stage::Granted { connect_code: connect_code.clone(), holder };
            vec![("connect_code", connect_code)]
        }
        Some("deny") => {
            connect.stage = Stage::Refused;
            let text = "The user denied access to the account";
            vec![("error", "access_denied".to_owned()), ("error_description", text.to_owned())]
        }
        _ => {
            return error_page(
                StatusCode::BAD_REQUEST,
                "Nothing chosen",
                "Grant access or cancel.",
            );
        }
    };
    back.extend(state.map(|state| ("state", state)));
    let back: Vec<_> = back.iter().map(|(name, value)| (*name, value.as_str())).collect();
    send_back(&connect.redirect_uri, &back, in_fragment)
}

impl Auth0 {
    /// Where a provider sends people back to the tenant.
    fn login_callback(&self) -> String {
        format!("{}/login/callback", self.domain)
    }
}

fn ticket_of(query: Option<&str>) -> String {
    Parameters::from_pairs(query.unwrap_or_default().as_bytes())
        .ok()
        .and_then(|parameters| parameters.owned("ticket"))
        .unwrap_or_default()
}

fn spent() -> Response {
    let text =
        "This link is unknown, used or older than five minutes. Start again where you got it.";
    error_page(StatusCode::BAD_REQUEST, "This link leads nowhere", text)
}

#[cfg(test)]
mod tests {
    use reqwest::Method;
    use serde_json::json;

    use super::super::testing::Harness;

    #[tokio::test]
    async fn completes_once_and_only_what_was_granted() {
        let harness = Harness::start().await;
        let token = harness.my_account_token("guest").await;
        let (session, url) = harness.open_connect(&token).await;
        assert_eq!(harness.complete(&token, &session, "early").await.0, 400);
        harness.sandbox.consent(&url, "guest").await.unwrap();
        let code = harness.parameter("connect_code").unwrap();
        let again = harness.sandbox.consent(&url, "guest").await.unwrap();
        assert!(again.contains("This link leads nowhere"), "{again}");
        let stranger = harness.my_account_token("linked").await;
        let (status, body) = harness.complete(&stranger, &session, &code).await;
        assert_eq!((status, body["detail"].as_str()), (404, Some("Invalid or expired session")));
        let body = json!({
            "auth_session": session,
            "connect_code": code,
            "redirect_uri": harness.callback,
        });
        let (status, body) = harness.me(Method::POST, "/complete", &token, Some(body)).await;
        assert_eq!((status, body["detail"].as_str()), (400, Some("Invalid code_verifier")));
        assert_eq!(harness.complete(&token, &session, &code).await.0, 201);
        assert_eq!(harness.complete(&token, &session, &code).await.0, 409);
        let (session, url) = harness.open_connect(&token).await;
        harness.sandbox.consent(&url, "guest").await.unwrap();
        let code = harness.parameter("connect_code").unwrap();
        harness.sandbox.world().expire_tickets();
        assert_eq!(harness.complete(&token, &session, &code).await.0, 404);
    }

    #[tokio::test]
    async fn lets_a_forwarded_link_bring_in_somebody_elses_account() {
        // The mix-up that applications must prevent: Auth0's link does not look at who opens it.
        let harness = Harness::start().await;
        let token = harness.my_account_token("guest").await;
        let (session, url) = harness.open_connect(&token).await;
        harness.sandbox.consent(&url, "limited").await.unwrap();
        let code = harness.parameter("connect_code").unwrap();
        let (_, made) = harness.complete(&token, &session, &code).await;
        assert_eq!(made["scopes"], json!(["account", "repository", "pullrequest", "project"]));
    }

    #[tokio::test]
    async fn says_that_the_person_refused() {
        let harness = Harness::start().await;
        let token = harness.my_account_token("guest").await;
        let (_, url) = harness.open_connect(&token).await;
        harness.sandbox.refuse(&url, "guest").await.unwrap();
        assert_eq!(harness.parameter("error").unwrap(), "access_denied");
        assert_eq!(harness.parameter("state").unwrap(), "state-1");
    }

    #[tokio::test]
    async fn puts_the_code_into_the_fragment_where_told_to() {
        let harness = Harness::start().await;
        harness.sandbox.world().connect_code_in_fragment(true);
        let token = harness.my_account_token("guest").await;
        let (_, url) = harness.open_connect(&token).await;
        harness.sandbox.consent(&url, "guest").await.unwrap();
        assert_eq!(harness.parameters(), []);
    }
}

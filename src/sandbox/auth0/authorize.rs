//! `/authorize`: an application asks a person to sign in (authorization code with PKCE).

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use url::Url;

use super::Auth0;
use super::errors::OAuthError;
use super::login;
use super::pages::{error_page, escape, page, send_back};
use super::parameters::Parameters;
use super::state::{AuthorizeRequest, Login};
use super::tenant::{CLIENT_ID, MY_ACCOUNT_SCOPES, OPENID_SCOPES, ORGANIZATION};

/// An error that goes back to the application: code and description.
type Refusal = (&'static str, String);

/// `GET /authorize`
pub(crate) async fn authorize(
    State(auth0): State<Auth0>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let parameters = match Parameters::from_pairs(query.unwrap_or_default().as_bytes()) {
        Ok(parameters) => parameters,
        Err(OAuthError { status, description, .. }) => {
            return error_page(status, "Invalid request", &description);
        }
    };
    // Until client and callback are known to be right, nothing may be sent back (RFC 6749 4.1.2.1).
    let client_id = parameters.get("client_id").unwrap_or_default();
    if client_id != CLIENT_ID {
        let text = format!("Unknown client: {client_id}");
        return error_page(StatusCode::FORBIDDEN, "Unknown application", &text);
    }
    let redirect_uri = parameters.get("redirect_uri").unwrap_or_default();
    if !auth0.world.lock().tenant.allows_callback(redirect_uri) {
        let text = "The provided redirect_uri is not in the list of allowed callback URLs.";
        return error_page(StatusCode::FORBIDDEN, "Callback URL mismatch", text);
    }
    let request = match check(&auth0, &parameters, redirect_uri) {
        Ok(request) => request,
        Err((error, description)) => {
            let state = parameters.get("state");
            return refuse(&auth0, redirect_uri, state, error, &description);
        }
    };
    let prompt = parameters.get("prompt").unwrap_or_default();
    let person = login::signed_in(&auth0, &headers).filter(|_| prompt != "login");
    if prompt == "none" {
        // A loopback address needs the confirmation page, which `none` rules out.
        let (error, description) = match person {
            None => ("login_required", "Login required"),
            Some(_) => ("interaction_required", "The callback needs the person's confirmation"),
        };
        return refuse(&auth0, redirect_uri, Some(&request.state), error, description);
    }
    let login = Login::Authorize { request, person };
    let state = auth0.world.lock().issued.add_login(login);
    match person {
        Some(_) => proceed(&auth0, &state),
        None => Redirect::to(&format!("/u/login?state={state}")).into_response(),
    }
}

/// Goes on once the person is known: to the confirmation page, or back to the application.
pub(crate) fn proceed(auth0: &Auth0, state: &str) -> Response {
    let confirm = {
        let world = auth0.world.lock();
        match world.issued.logins.get(state) {
            Some(Login::Authorize { request, .. }) => {
                !world.tenant.skips_confirmation && is_loopback(&request.redirect_uri)
            }
            _ => return login::gone(),
        }
    };
    if confirm {
        return Redirect::to(&format!("/u/consent?state={state}")).into_response();
    }
    finish(auth0, state, true)
}

/// `GET /u/consent`: the page that stands before a loopback address.
pub(crate) async fn consent_page(
    State(auth0): State<Auth0>,
    RawQuery(query): RawQuery,
) -> Response {
    let state = login::state_of(query.as_deref());
    let world = auth0.world.lock();
    let Some(Login::Authorize { request, person: Some(person) }) = world.issued.logins.get(&state)
    else {
        return login::gone();
    };
    let scopes: String =
        request.scopes.iter().map(|scope| format!("<li>{}</li>", escape(scope))).collect();
    let body = format!(
        "<p>You are signed in as <strong>{}</strong>. An application on this machine wants to know \
         that, and to act for you:</p>\n<ul>{scopes}</ul>\n<p>It continues at <code>{}</code>.</p>\n\
         <form method=\"post\" action=\"/u/consent?state={}\">\n\
         <button name=\"action\" value=\"accept\">Accept</button>\n\
         <button name=\"action\" value=\"deny\">Decline</button>\n</form>",
        escape(person.name),
        escape(&request.redirect_uri),
        escape(&state),
    );
    page(StatusCode::OK, "Confirm the sign-in", &body)
}

/// `POST /u/consent`
pub(crate) async fn consent(
    State(auth0): State<Auth0>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let state = login::state_of(query.as_deref());
    let parameters = Parameters::from_body(&headers, &body).unwrap_or_default();
    match parameters.get("action") {
        Some("accept") => finish(&auth0, &state, true),
        Some("deny") => finish(&auth0, &state, false),
        _ => error_page(StatusCode::BAD_REQUEST, "Nothing chosen", "Accept or decline."),
    }
}

/// Ends the login and sends the browser back with a code or a refusal.
fn finish(auth0: &Auth0, state: &str, accepted: bool) -> Response {
    let mut world = auth0.world.lock();
    let Some(Login::Authorize { request, person: Some(person) }) =
        world.issued.logins.remove(state)
    else {
        return login::gone();
    };
    if !accepted {
        drop(world);
        let text = "User did not authorize the request";
        let state = Some(request.state.as_str());
        return refuse(auth0, &request.redirect_uri, state, "access_denied", text);
    }
    let code = world.issued.add_code(&request, person);
    drop(world);
    let issuer = auth0.issuer();
    let parameters = [("code", &*code), ("state", &*request.state), ("iss", &*issuer)];
    send_back(&request.redirect_uri, &parameters, false)
}

fn refuse(
    auth0: &Auth0,
    redirect_uri: &str,
    state: Option<&str>,
    error: &str,
    description: &str,
) -> Response {
    let issuer = auth0.issuer();
    let mut parameters = vec![("error", error), ("error_description", description)];
    parameters.extend(state.map(|state| ("state", state)));
    // RFC 9207: on errors too.
    parameters.push(("iss", &issuer));
    send_back(redirect_uri, &parameters, false)
}

fn check(
    auth0: &Auth0,
    parameters: &Parameters,
    redirect_uri: &str,
) -> Result<AuthorizeRequest, Refusal> {
    let require = |name: &str| {
        let missing = || ("invalid_request", format!("Missing required parameter: {name}"));
        parameters.get(name).ok_or_else(missing)
    };
    let response_type = require("response_type")?;
    if response_type != "code" {
        let text = format!("Unsupported response type: {response_type}");
        return Err(("unsupported_response_type", text));
    }
    let state = require("state")?.to_owned();
    let challenge = require("code_challenge")?.to_owned();
    if require("code_challenge_method")? != "S256" {
        return Err(("invalid_request", "The code_challenge_method must be S256".to_owned()));
    }
    if challenge.len() != 43 {
        return Err(("invalid_request", "The code_challenge is no SHA-256 digest".to_owned()));
    }
    if !matches!(parameters.get("response_mode"), None | Some("query")) {
        return Err(("invalid_request", "Unsupported response_mode".to_owned()));
    }
    let organization = parameters.owned("organization");
    if organization.as_ref().is_some_and(|organization| organization != ORGANIZATION) {
        return Err(("invalid_request", "The organization does not exist".to_owned()));
    }
    let audience = parameters.owned("audience");
    let my_account = auth0.my_account_audience();
    if let Some(audience) = &audience {
        let tenant = &auth0.world.lock().tenant;
        if *audience != my_account || !tenant.my_account {
            return Err(("access_denied", format!("Service not found: {audience}")));
        }
        if !tenant.my_account_grant {
            return Err(("unauthorized_client", super::grants::no_grant(&my_account)));
        }
    }
    let known = |scope: &&str| {
        OPENID_SCOPES.contains(scope) || (audience.is_some() && MY_ACCOUNT_SCOPES.contains(scope))
    };
    let scopes = parameters.get("scope").unwrap_or_default().split_whitespace();
    Ok(AuthorizeRequest {
        redirect_uri: redirect_uri.to_owned(),
        state,
        challenge,
        nonce: parameters.owned("nonce"),
        scopes: scopes.filter(known).map(str::to_owned).collect(),
        audience,
        organization,
        login_hint: parameters.owned("login_hint"),
    })
}

fn is_loopback(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::Harness;

    #[tokio::test]
    async fn comes_back_with_code_state_and_issuer() {
        let harness = Harness::start().await;
        let url = harness.authorize_url(&[("login_hint", "ben")]);
        let page = harness.sandbox.consent(&url, "linked").await.unwrap();
        assert_eq!(page, "Back at the application");
        let names: Vec<_> = harness.parameters().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["code", "state", "iss"]);
        assert_eq!(harness.parameter("state").unwrap(), "state-1");
        assert_eq!(harness.parameter("iss").unwrap(), harness.url("/"));
    }

    #[tokio::test]
    async fn says_who_refused() {
        let harness = Harness::start().await;
        harness.sandbox.refuse(&harness.authorize_url(&[]), "linked").await.unwrap();
        let issuer = harness.url("/");
        let wanted = [
            ("error", "access_denied"),
            ("error_description", "User did not authorize the request"),
            ("state", "state-1"),
            ("iss", issuer.as_str()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(harness.parameters(), wanted);
    }

    #[tokio::test]
    async fn sends_nothing_to_an_address_that_is_not_registered() {
        let harness = Harness::start().await;
        for (name, value, heading) in [
            ("redirect_uri", "http://127.0.0.1:18484/callback/", "Callback URL mismatch"),
            ("redirect_uri", "http://127.0.0.1:18490/callback", "Callback URL mismatch"),
            ("redirect_uri", "", "Callback URL mismatch"),
            ("client_id", "other", "Unknown application"),
        ] {
            let url = harness.authorize_url(&[(name, value)]);
            let page = harness.sandbox.consent(&url, "linked").await.unwrap();
            assert!(page.contains(heading), "{page}");
        }
        let twice = format!("{}&state=2", harness.authorize_url(&[]));
        let page = harness.sandbox.consent(&twice, "linked").await.unwrap();
        assert!(page.ends_with("Parameter 'state' was sent more than once"), "{page}");
        assert_eq!(harness.parameters(), []);
    }

    #[tokio::test]
    async fn demands_what_a_careful_client_sends() {
        let harness = Harness::start().await;
        for (name, value, error) in [
            ("response_type", "", "invalid_request"),
            ("response_type", "token", "unsupported_response_type"),
            ("state", "", "invalid_request"),
            ("code_challenge", "", "invalid_request"),
            ("code_challenge_method", "", "invalid_request"),
            ("code_challenge_method", "plain", "invalid_request"),
            ("organization", "org_other", "invalid_request"),
            ("audience", "https://other/", "access_denied"),
            ("prompt", "none", "login_required"),
        ] {
            let url = harness.authorize_url(&[(name, value)]);
            harness.sandbox.consent(&url, "linked").await.unwrap();
            assert_eq!(harness.parameter("error").unwrap(), error, "{name}={value}");
        }
    }
}

//! `/authorize`: an application asks a person to sign in (authorization code with PKCE).

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};

use super::Auth0;
use super::applications::Application;
use super::audience::NotGranted;
use super::consent;
use super::errors::OAuthError;
use super::login;
use super::pages::{error_page, send_back};
use super::parameters::Parameters;
use super::state::{AuthorizeRequest, Login, Session};
use super::tenant::{OPENID_SCOPES, Tenant};

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
    let unknown = |text: String| error_page(StatusCode::FORBIDDEN, "Unknown application", &text);
    let application = match auth0.find_application(client_id).await {
        Ok(application) => application,
        Err(text) => return unknown(text),
    };
    let redirect_uri = parameters.get("redirect_uri").unwrap_or_default().to_owned();
    if !application.allows_callback(&redirect_uri) {
        let text = "The provided redirect_uri is not in the list of allowed callback URLs.";
        return error_page(StatusCode::FORBIDDEN, "Callback URL mismatch", text);
    }
    let state = parameters.owned("state");
    let refused = |(error, description): Refusal| {
        refuse(&auth0, &redirect_uri, state.as_deref(), error, &description)
    };
    let checked = prompts(&parameters).and_then(|prompts| {
        let max_age = max_age(&parameters)?;
        let request = AuthorizeRequest {
            asks_again: prompts.contains(&"consent"),
            tells_auth_time: max_age.is_some() || prompts.contains(&"login"),
            ..check(&auth0, &parameters, application, &redirect_uri)?
        };
        Ok((request, prompts, max_age))
    });
    let (request, prompts, max_age) = match checked {
        Ok(checked) => checked,
        Err(refusal) => return refused(refusal),
    };
    let signs_in_again = prompts.iter().any(|one| matches!(*one, "login" | "select_account"));
    let oldest = max_age.map(|age| jiff::Timestamp::now().as_second().saturating_sub(age));
    // With 0 even a sign-in of this very second is too old (OpenID Connect Core section 3.1.2.1).
    let is_new = |session: &Session| oldest.is_none_or(|oldest| session.since > oldest);
    let session = login::session(&auth0, &headers);
    let session = session.filter(|session| !signs_in_again && is_new(session));
    if prompts.contains(&"none") {
        let person = session.map(|session| session.person);
        let asked = person.map(|person| consent::asked(&auth0.world.lock(), &request, person));
        let refusal = match asked {
            None => Some(("login_required", "Login required")),
            Some(asked) => asked.map(consent::Ask::refusal),
        };
        if let Some((error, description)) = refusal {
            return refused((error, description.to_owned()));
        }
    }
    let request = Box::new(request);
    let state = auth0.world.lock().issued.add_login(Login::Authorize { request, session });
    match session {
        Some(_) => consent::proceed(&auth0, &state),
        None => Redirect::to(&format!("/u/login?state={state}")).into_response(),
    }
}

/// Sends the browser back to the application without a code.
pub(crate) fn refuse(
    auth0: &Auth0,
    redirect_uri: &str,
    state: Option<&str>,
    error: &str,
    description: &str,
) -> Response {
    let issuer = auth0.named_issuer();
    let mut parameters = vec![("error", error), ("error_description", description)];
    parameters.extend(state.map(|state| ("state", state)));
    // RFC 9207: on errors too.
    parameters.extend(issuer.as_deref().map(|issuer| ("iss", issuer)));
    send_back(redirect_uri, &parameters, false)
}

/// What `prompt` asks for (OpenID Connect Core section 3.1.2.1).
fn prompts(parameters: &Parameters) -> Result<Vec<&str>, Refusal> {
    let prompts: Vec<_> =
        parameters.get("prompt").unwrap_or_default().split_ascii_whitespace().collect();
    let known = |one: &&str| matches!(*one, "none" | "login" | "consent" | "select_account");
    if !prompts.iter().all(known) || (prompts.contains(&"none") && prompts.len() > 1) {
        return Err(("invalid_request", "Unsupported prompt".to_owned()));
    }
    Ok(prompts)
}

/// How long ago the person may have signed in, in seconds.
fn max_age(parameters: &Parameters) -> Result<Option<i64>, Refusal> {
    let age = parameters.get("max_age").map(str::parse::<u32>).transpose();
    let age = age.map_err(|_| ("invalid_request", "max_age is no number of seconds".to_owned()))?;
    Ok(age.map(i64::from))
}

fn check(
    auth0: &Auth0,
    parameters: &Parameters,
    application: Application,
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
    // Clients of others may leave `state` out where PKCE protects them (OAuth 2.1 section 7.12).
    let state = match application.third_party {
        true => parameters.owned("state"),
        false => Some(require("state")?.to_owned()),
    };
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
    let tenant = &auth0.world.lock().tenant;
    if !application.may_use("authorization_code") {
        let text = "Grant type 'authorization_code' not allowed for the client.";
        return Err(("unauthorized_client", text.to_owned()));
    }
    let organization = organization(tenant, parameters, &application)?;
    check_connection(tenant, parameters, &application)?;
    let audience = tenant.audience(parameters);
    let granted = tenant.grantable(&application, audience.as_deref());
    let granted = granted.map_err(|refusal| match refusal {
        NotGranted::NoSuchApi(text) => ("access_denied", text),
        NotGranted::NoGrant(text) => ("unauthorized_client", text),
    })?;
    let server = audience.as_deref().and_then(|audience| tenant.resource_server(audience));
    // An API decides whether anybody may come back to it without the person.
    let offline = server.is_none_or(|server| server.flag("allow_offline_access"));
    let known = |scope: &&str| {
        (OPENID_SCOPES.contains(scope) && (*scope != "offline_access" || offline))
            || granted.iter().any(|one| one == scope)
    };
    let scopes = parameters.get("scope").unwrap_or_default().split_whitespace();
    Ok(AuthorizeRequest {
        application,
        redirect_uri: redirect_uri.to_owned(),
        state,
        challenge,
        nonce: parameters.owned("nonce"),
        scopes: scopes.filter(known).map(str::to_owned).collect(),
        audience,
        organization,
        login_hint: parameters.owned("login_hint"),
        asks_again: false,
        tells_auth_time: false,
    })
}

/// The organization to sign in to, as far as the application has to do with organizations.
fn organization(
    tenant: &Tenant,
    parameters: &Parameters,
    application: &Application,
) -> Result<Option<String>, Refusal> {
    let refused = |text: &str| Err(("invalid_request", text.to_owned()));
    let organization = parameters.owned("organization");
    let Some(named) = &organization else {
        return match application.organization_usage.as_deref() {
            Some("require") => refused("parameter organization is required for this client"),
            _ => Ok(None),
        };
    };
    if !tenant.organizations.iter().any(|known| known.id() == named) {
        return refused("The organization does not exist");
    }
    // Left out, it means that the application has nothing to do with them.
    if matches!(application.organization_usage.as_deref(), None | Some("deny")) {
        return refused("parameter organization is not allowed for this client");
    }
    Ok(organization)
}

/// Whether there is a connection to sign in with: the one that is asked for, or any. Auth0 documents
/// neither text.
fn check_connection(
    tenant: &Tenant,
    parameters: &Parameters,
    application: &Application,
) -> Result<(), Refusal> {
    let refused = |text: &str| Err(("invalid_request", text.to_owned()));
    let Some(name) = parameters.get("connection") else {
        return match tenant.has_login_for(application) {
            true => Ok(()),
            false => refused("no connections enabled for the client"),
        };
    };
    match tenant.connection_named(name) {
        None => refused("the connection was not found"),
        Some(one) if one.signs_people_in() && one.is_enabled_for(&application.id) => Ok(()),
        Some(_) => refused("the connection is not enabled"),
    }
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
            ("prompt", "none login", "invalid_request"),
            ("prompt", "surprise", "invalid_request"),
            ("max_age", "soon", "invalid_request"),
        ] {
            let url = harness.authorize_url(&[(name, value)]);
            harness.sandbox.consent(&url, "linked").await.unwrap();
            assert_eq!(harness.parameter("error").unwrap(), error, "{name}={value}");
        }
    }
}

//! The page between a login and the application: consent to scopes, or the confirmation that stands before
//! a loopback address.

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use url::Url;

use crate::sandbox::people::Person;
use crate::sandbox::world::State as WorldState;

use super::Auth0;
use super::authorize::refuse;
use super::login;
use super::loopback::is_loopback;
use super::pages::{error_page, escape, page, send_back};
use super::parameters::Parameters;
use super::state::{AuthorizeRequest, Login};

/// Why the person must be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// They have not granted this client these scopes.
    Consent,
    /// Nobody can tell who stands behind the address to return to: it is on the machine itself, or has a
    /// scheme of its own.
    Confirmation,
}

impl Ask {
    /// What an application hears that ruled pages out (OpenID Connect Core section 3.1.2.6).
    pub(crate) fn refusal(self) -> (&'static str, &'static str) {
        match self {
            Self::Consent => ("consent_required", "Consent required"),
            Self::Confirmation => {
                ("interaction_required", "The callback needs the person's confirmation")
            }
        }
    }
}

/// Whether `person` must be asked before `request` is answered.
pub(crate) fn asked(
    world: &WorldState,
    request: &AuthorizeRequest,
    person: &'static Person,
) -> Option<Ask> {
    let third_party = request.application.third_party;
    let consented = world.issued.consents.get(&request.consent_of(person));
    let granted =
        consented.is_some_and(|granted| request.scopes.iter().all(|scope| granted.contains(scope)));
    let tenant = &world.tenant;
    let server = request.audience.as_deref().and_then(|audience| tenant.resource_server(audience));
    // A first-party application needs no consent where the API has it so.
    let consents = third_party
        || server
            .is_some_and(|server| !server.flag("skip_consent_for_verifiable_first_party_clients"));
    if request.asks_again || (consents && !granted) {
        return Some(Ask::Consent);
    }
    // The application's own word goes before the tenant's.
    let skips = request
        .application
        .skips_confirmation
        .unwrap_or(tenant.setting("skip_non_verifiable_callback_uri_confirmation_prompt"));
    let verifiable = Url::parse(&request.redirect_uri)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && !is_loopback(&url));
    (!verifiable && !skips).then_some(Ask::Confirmation)
}

/// Goes on once the person is known: to a page that asks them, or back to the application.
pub(crate) fn proceed(auth0: &Auth0, state: &str) -> Response {
    let ask = {
        let world = auth0.world.lock();
        match world.issued.logins.get(state) {
            Some(Login::Authorize { request, session: Some(session) }) => {
                asked(&world, request, session.person)
            }
            _ => return login::gone(),
        }
    };
    match ask {
        Some(_) => Redirect::to(&format!("/u/consent?state={state}")).into_response(),
        None => finish(auth0, state, true),
    }
}

/// `GET /u/consent`
pub(crate) async fn consent_page(
    State(auth0): State<Auth0>,
    RawQuery(query): RawQuery,
) -> Response {
    let state = login::state_of(query.as_deref());
    let world = auth0.world.lock();
    let Some(Login::Authorize { request, session: Some(session) }) =
        world.issued.logins.get(&state)
    else {
        return login::gone();
    };
    let person = session.person;
    let application = &request.application;
    let (heading, who) = match asked(&world, request, person) {
        Some(Ask::Consent) => {
            let name = match &*application.name {
                "" => "An application without a name",
                name => name,
            };
            let (name, id) = (escape(name), escape(&application.id));
            ("Authorize the application", format!("<strong>{name}</strong> (<code>{id}</code>)"))
        }
        _ => ("Confirm the sign-in", escape(&application.name)),
    };
    let scopes: String =
        request.scopes.iter().map(|scope| format!("<li>{}</li>", escape(scope))).collect();
    let body = format!(
        "<p>You are signed in as <strong>{}</strong>. {who} wants to know that, and to act for \
         you:</p>\n<ul>{scopes}</ul>\n<p>It continues at <code>{}</code>.</p>\n\
         <form method=\"post\" action=\"/u/consent?state={}\">\n\
         <button name=\"action\" value=\"accept\">Accept</button>\n\
         <button name=\"action\" value=\"deny\">Decline</button>\n</form>",
        escape(person.name),
        escape(&request.redirect_uri),
        escape(&state),
    );
    page(StatusCode::OK, heading, &body)
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
    let Some(Login::Authorize { request, session: Some(session) }) =
        world.issued.logins.remove(state)
    else {
        return login::gone();
    };
    if !accepted {
        drop(world);
        let text = "User did not authorize the request";
        let state = request.state.as_deref();
        return refuse(auth0, &request.redirect_uri, state, "access_denied", text);
    }
    let granted = world.issued.consents.entry(request.consent_of(session.person)).or_default();
    granted.extend(request.scopes.iter().cloned());
    let code = world.issued.add_code(&request, session);
    drop(world);
    let issuer = auth0.named_issuer();
    let mut parameters = vec![("code", &*code)];
    parameters.extend(request.state.as_deref().map(|state| ("state", state)));
    parameters.extend(issuer.as_deref().map(|issuer| ("iss", issuer)));
    send_back(&request.redirect_uri, &parameters, false)
}

//! Signing in at the tenant: one page that lists who could.

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use crate::sandbox::people::{self, PEOPLE, Person};
use crate::sandbox::world::random;

use super::Auth0;
use super::consent;
use super::pages::{error_page, escape, page as html};
use super::parameters::Parameters;
use super::state::{Login, Session};

const COOKIE: &str = "sandbox_auth0";

/// `GET /u/login`
pub(crate) async fn page(State(auth0): State<Auth0>, RawQuery(query): RawQuery) -> Response {
    let state = state_of(query.as_deref());
    let world = auth0.world.lock();
    let hint = match world.issued.logins.get(&state) {
        None => return gone(),
        Some(Login::Authorize { request, .. }) => request.login_hint.clone(),
        Some(Login::Connect { .. }) => None,
    };
    let hinted = hint.and_then(|hint| person_by_hint(&hint));
    let accounts = PEOPLE.iter().filter_map(|person| Some((person.account?, person)));
    let choices: String = accounts
        .enumerate()
        .map(|(index, (account, person))| {
            let checked = hinted.map_or(index == 0, |hinted| hinted == person);
            let linked = world.accounts.iter().any(|connected| connected.owner == person);
            format!(
                "<label><input type=\"radio\" name=\"account\" value=\"{account}\"{}> {} ({}), \
                 account <code>{account}</code>, Bitbucket {}</label>\n",
                if checked { " checked" } else { "" },
                escape(person.name),
                escape(person.email),
                if linked { "linked" } else { "not linked" },
            )
        })
        .collect();
    let body = format!(
        "<form method=\"post\" action=\"/u/login?state={}\">\n<fieldset>\n\
         <legend>Who are you?</legend>\n{choices}</fieldset>\n\
         <button name=\"action\" value=\"sign-in\">Continue</button>\n</form>",
        escape(&state)
    );
    html(StatusCode::OK, "Sign in", &body)
}

/// `POST /u/login`
pub(crate) async fn submit(
    State(auth0): State<Auth0>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let state = state_of(query.as_deref());
    let parameters = Parameters::from_body(&headers, &body).unwrap_or_default();
    let chosen = parameters.get("account");
    let Some(person) = PEOPLE.iter().find(|one| one.account.is_some() && one.account == chosen)
    else {
        let text = "Choose one of the accounts.";
        return error_page(StatusCode::BAD_REQUEST, "Nobody chosen", text);
    };
    let session = Session { person, since: jiff::Timestamp::now().as_second() };
    let mut world = auth0.world.lock();
    let next = match world.issued.logins.get_mut(&state) {
        None => return gone(),
        Some(Login::Authorize { session: signed_in, .. }) => {
            *signed_in = Some(session);
            None
        }
        Some(Login::Connect { ticket }) => {
            Some(format!("/connected-accounts/connect?ticket={ticket}"))
        }
    };
    let secret = random(40);
    world.issued.sessions.insert(secret.clone(), session);
    drop(world);
    let mut response = match next {
        Some(next) => Redirect::to(&next).into_response(),
        None => consent::proceed(&auth0, &state),
    };
    let cookie = format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Lax");
    if let Ok(cookie) = cookie.parse() {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// `GET /v2/logout` and `GET /oidc/logout`
pub(crate) async fn logout(State(auth0): State<Auth0>, headers: HeaderMap) -> Response {
    if let Some(secret) = cookie(&headers) {
        auth0.world.lock().issued.sessions.remove(&secret);
    }
    let forget = format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    let page = html(StatusCode::OK, "Signed out", "<p>You are signed out of the sandbox.</p>");
    ([(header::SET_COOKIE, forget)], page).into_response()
}

/// Who is signed in to the tenant in this browser.
pub(crate) fn signed_in(auth0: &Auth0, headers: &HeaderMap) -> Option<&'static Person> {
    session(auth0, headers).map(|session| session.person)
}

/// The same, and since when.
pub(crate) fn session(auth0: &Auth0, headers: &HeaderMap) -> Option<Session> {
    auth0.world.lock().issued.sessions.get(&cookie(headers)?).copied()
}

/// The `state` of the tenant's own pages.
pub(crate) fn state_of(query: Option<&str>) -> String {
    Parameters::from_pairs(query.unwrap_or_default().as_bytes())
        .ok()
        .and_then(|parameters| parameters.owned("state"))
        .unwrap_or_default()
}

/// What to say where a login is over or was never begun.
pub(crate) fn gone() -> Response {
    let text = "This sign-in is over. Go back to the application and start again.";
    error_page(StatusCode::BAD_REQUEST, "Nothing to sign in to", text)
}

fn person_by_hint(hint: &str) -> Option<&'static Person> {
    people::find(hint).or_else(|| PEOPLE.iter().find(|person| person.email == hint))
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE).then(|| value.to_owned()))
}

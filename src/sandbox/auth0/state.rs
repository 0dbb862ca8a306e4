//! What the tenant has issued and not yet forgotten.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::sandbox::people::Person;
use crate::sandbox::world::random;

use super::applications::Application;

/// How long a connect ticket may be opened and completed.
pub(crate) const TICKET_LIFE: Duration = Duration::from_secs(300);
const CODE_LIFE: Duration = Duration::from_secs(600);

/// Everything the tenant has issued.
#[derive(Default)]
pub(crate) struct Issued {
    pub(crate) refresh_tokens: HashMap<String, RefreshToken>,
    pub(crate) codes: HashMap<String, Code>,
    pub(crate) access_tokens: HashMap<String, AccessToken>,
    pub(crate) management_tokens: HashMap<String, ManagementToken>,
    /// Browser sessions, by the value of their cookie.
    pub(crate) sessions: HashMap<String, Session>,
    /// Logins under way, by the `state` of the tenant's own pages.
    pub(crate) logins: HashMap<String, Login>,
    /// Connect requests, by `auth_session`.
    pub(crate) connects: HashMap<String, Connect>,
    /// What people have granted third-party clients.
    pub(crate) consents: HashMap<Consent, HashSet<String>>,
    /// `jti`s of client assertions: each is good once.
    pub(crate) assertions: HashSet<String>,
}

/// Who may get what, as one login settled it.
#[derive(Clone)]
pub(crate) struct Authorization {
    pub(crate) person: &'static Person,
    /// The application that the person signed in to.
    pub(crate) client_id: String,
    /// `None` where no API was named: then only `/userinfo` takes the access token.
    pub(crate) audience: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) organization: Option<String>,
}

/// Whom a person has granted something: the person's Auth0 id, the client and the API.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Consent {
    pub(crate) person: &'static str,
    pub(crate) client_id: String,
    pub(crate) audience: Option<String>,
}

pub(crate) struct RefreshToken {
    pub(crate) authorization: Authorization,
    pub(crate) revoked: bool,
    /// The first of the tokens that took each other's place.
    pub(crate) family: String,
}

pub(crate) struct AccessToken {
    pub(crate) authorization: Authorization,
    pub(crate) expires_at: Instant,
}

/// What an application got for itself.
pub(crate) struct ManagementToken {
    pub(crate) scopes: Vec<String>,
    pub(crate) expires_at: Instant,
}

/// An authorization code and what must be said again to redeem it.
pub(crate) struct Code {
    pub(crate) authorization: Authorization,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    pub(crate) nonce: Option<String>,
    /// When the person signed in, in seconds since 1970, where the application wanted to know.
    pub(crate) auth_time: Option<i64>,
    pub(crate) expires_at: Instant,
    pub(crate) redeemed: bool,
    /// The refresh token that the code gave, to be revoked when the code comes again.
    pub(crate) refresh_token: Option<String>,
}

/// Somebody who has signed in at a browser.
#[derive(Clone, Copy)]
pub(crate) struct Session {
    pub(crate) person: &'static Person,
    /// When that was, in seconds since 1970.
    pub(crate) since: i64,
}

/// A login that a browser is in the middle of.
pub(crate) enum Login {
    /// For an application's `/authorize`.
    Authorize { request: Box<AuthorizeRequest>, session: Option<Session> },
    /// For a connect ticket.
    Connect { ticket: String },
}

/// A checked `/authorize` request.
#[derive(Clone)]
pub(crate) struct AuthorizeRequest {
    pub(crate) application: Application,
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) challenge: String,
    pub(crate) nonce: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) organization: Option<String>,
    pub(crate) login_hint: Option<String>,
    /// Whether the application wants the person asked again (`prompt=consent`).
    pub(crate) asks_again: bool,
    /// Whether the ID token says when the person signed in: where `max_age` or `prompt=login` asked for
    /// that to be new (OpenID Connect Core section 2; Auth0, "Force Reauthentication in OIDC").
    pub(crate) tells_auth_time: bool,
}

impl AuthorizeRequest {
    /// Under what the tenant remembers the person's consent.
    pub(crate) fn consent_of(&self, person: &Person) -> Consent {
        Consent {
            person: person.auth0_id,
            client_id: self.application.id.clone(),
            audience: self.audience.clone(),
        }
    }
}

/// One request to connect an account.
pub(crate) struct Connect {
    pub(crate) owner: &'static Person,
    /// The connection's id.
    pub(crate) connection: String,
    pub(crate) organization: Option<String>,
    pub(crate) ticket: String,
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) challenge: Option<String>,
    pub(crate) expires_at: Instant,
    pub(crate) stage: Stage,
}

/// How far a connect request has come.
pub(crate) enum Stage {
    Waiting,
    Granted { connect_code: String, holder: &'static Person },
    Refused,
    Completed,
}

impl Issued {
    pub(crate) fn add_refresh_token(&mut self, authorization: Authorization) -> String {
        self.add_to_family(authorization, None)
    }

    /// A refresh token that takes the place of one of `family`.
    pub(crate) fn add_to_family(
        &mut self,
        authorization: Authorization,
        family: Option<String>,
    ) -> String {
        let token = format!("v1.{}", random(48));
        let family = family.unwrap_or_else(|| token.clone());
        let entry = RefreshToken { authorization, revoked: false, family };
        self.refresh_tokens.insert(token.clone(), entry);
        token
    }

    /// Revokes a refresh token and all that came of it.
    pub(crate) fn revoke_family(&mut self, family: &str) {
        for token in self.refresh_tokens.values_mut().filter(|token| token.family == family) {
            token.revoked = true;
        }
    }

    pub(crate) fn add_code(&mut self, request: &AuthorizeRequest, session: Session) -> String {
        let code = random(43);
        let entry = Code {
            authorization: Authorization {
                person: session.person,
                client_id: request.application.id.clone(),
                audience: request.audience.clone(),
                scopes: request.scopes.clone(),
                organization: request.organization.clone(),
            },
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.challenge.clone(),
            nonce: request.nonce.clone(),
            auth_time: request.tells_auth_time.then_some(session.since),
            expires_at: Instant::now() + CODE_LIFE,
            redeemed: false,
            refresh_token: None,
        };
        self.codes.insert(code.clone(), entry);
        code
    }

    pub(crate) fn add_login(&mut self, login: Login) -> String {
        let state = random(40);
        self.logins.insert(state.clone(), login);
        state
    }

    /// The connect request that `ticket` opens, while it waits for the person.
    pub(crate) fn waiting_connect(&mut self, ticket: &str) -> Option<&mut Connect> {
        self.connects.values_mut().find(|connect| {
            connect.ticket == ticket
                && matches!(connect.stage, Stage::Waiting)
                && connect.expires_at > Instant::now()
        })
    }

    pub(crate) fn revoke_refresh_tokens(&mut self, person: &'static Person) {
        for token in self.refresh_tokens.values_mut() {
            if token.authorization.person == person {
                token.revoked = true;
            }
        }
    }
}

/// Whether `verifier` is what `challenge` was made from, by S256 (RFC 7636 section 4.6).
pub(crate) fn proves(verifier: &str, challenge: &str) -> bool {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == challenge
}

#[cfg(test)]
mod tests {
    use super::proves;

    #[test]
    fn knows_the_example_of_rfc_7636() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(proves(verifier, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
        assert!(!proves(verifier, verifier));
    }
}

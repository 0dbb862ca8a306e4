//! The applications that the tenant knows, and what each of them may do.

use std::time::Instant;

use url::Url;

use super::loopback::is_loopback;
use super::tenant::{AGENT_CLIENT_ID, API_CLIENT_ID, CLIENT_ID, MANAGEMENT_CLIENT_ID, Tenant};
use super::vault;

/// A sandbox that runs for days must not grow without end.
const MOST_APPLICATIONS: usize = 1_000;

/// An application.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    pub(crate) id: String,
    /// What it calls itself; a registered client's name is whatever it said.
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The secret of a confidential client; a public client has none.
    pub(crate) secret: Option<String>,
    /// A public key in PEM: the client then authenticates by `private_key_jwt`, and by that alone.
    pub(crate) key: Option<String>,
    pub(crate) callbacks: Vec<String>,
    /// When the document was fetched that describes it, if one does.
    pub(crate) fetched_at: Option<Instant>,
}

/// What an application is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The first-party web application that signs people in.
    Web,
    /// The Custom API Client: it exchanges access tokens of the API that it is linked to.
    ApiClient,
    /// The application that calls the Management API.
    Management,
    /// A client that somebody else wrote: an agent's, which connects to our API.
    ThirdParty,
}

impl Application {
    /// Whether people sign in to it.
    pub(crate) fn signs_people_in(&self) -> bool {
        matches!(self.role, Role::Web | Role::ThirdParty)
    }

    /// Whether a browser may be sent back to `redirect_uri`.
    pub(crate) fn allows_callback(&self, redirect_uri: &str) -> bool {
        self.callbacks.iter().any(|callback| {
            callback == redirect_uri
                || (self.role == Role::ThirdParty && same_but_for_port(callback, redirect_uri))
        })
    }

    /// Whether it may use `grant_type` at the token endpoint.
    pub(crate) fn may_use(&self, grant_type: &str, tenant: &Tenant) -> bool {
        match self.role {
            Role::Web if grant_type == vault::GRANT_TYPE => tenant.vault_grant,
            Role::Web | Role::ThirdParty => {
                matches!(grant_type, "authorization_code" | "refresh_token")
            }
            Role::ApiClient => grant_type == vault::GRANT_TYPE && tenant.api_client_grant,
            Role::Management => grant_type == "client_credentials",
        }
    }
}

impl Tenant {
    /// The application with this client id.
    pub(crate) fn application(&self, id: &str) -> Option<Application> {
        if id == CLIENT_ID {
            return Some(Application {
                id: CLIENT_ID.to_owned(),
                name: "An application on this machine".to_owned(),
                role: Role::Web,
                secret: Some(self.client_secret.clone()),
                key: self.client_key.clone(),
                callbacks: self.callbacks.clone(),
                fetched_at: None,
            });
        }
        self.applications.iter().find(|application| application.id == id).cloned()
    }

    /// Adds a client, in the place of one with the same id. So many may come that the oldest must go.
    pub(crate) fn register(&mut self, application: Application) {
        self.applications.retain(|known| known.id != application.id);
        if self.applications.len() >= MOST_APPLICATIONS {
            let came = |known: &Application| known.role == Role::ThirdParty;
            let mut oldest = self.applications.iter();
            if let Some(oldest) =
                oldest.position(|known| came(known) && known.id != AGENT_CLIENT_ID)
            {
                self.applications.remove(oldest);
            }
        }
        self.applications.push(application);
    }

    /// The secret of a confidential client, or nothing.
    pub(crate) fn secret_of(&self, id: &str) -> String {
        self.application(id).and_then(|application| application.secret).unwrap_or_default()
    }
}

/// The applications besides the web application, when the tenant is new.
pub(crate) fn others(api_client_secret: String, management_secret: String) -> Vec<Application> {
    let confidential = |id: &str, name: &str, role, secret| Application {
        id: id.to_owned(),
        name: name.to_owned(),
        role,
        secret: Some(secret),
        key: None,
        callbacks: Vec::new(),
        fetched_at: None,
    };
    vec![
        confidential(API_CLIENT_ID, "Custom API Client", Role::ApiClient, api_client_secret),
        confidential(MANAGEMENT_CLIENT_ID, "Management", Role::Management, management_secret),
        Application {
            id: AGENT_CLIENT_ID.to_owned(),
            name: "Sandbox agent".to_owned(),
            role: Role::ThirdParty,
            secret: None,
            key: None,
            callbacks: ["127.0.0.1", "localhost"]
                .map(|host| format!("http://{host}/callback"))
                .to_vec(),
            fetched_at: None,
        },
    ]
}

/// Whether two addresses are one on loopback, whatever the port. Auth0 documents no such thing and
/// compares whole; but agents' clients bind a free port, as RFC 8252 section 7.3 has it, and Auth0's own
/// quickstarts tell people to register these addresses.
fn same_but_for_port(registered: &str, asked: &str) -> bool {
    let (Ok(mut registered), Ok(mut asked)) = (Url::parse(registered), Url::parse(asked)) else {
        return false;
    };
    let on_loopback = |url: &Url| url.scheme() == "http" && is_loopback(url);
    if !on_loopback(&registered) || !on_loopback(&asked) {
        return false;
    }
    registered.set_port(None).is_ok() && asked.set_port(None).is_ok() && registered == asked
}

#[cfg(test)]
mod tests {
    use super::same_but_for_port;

    #[test]
    fn takes_any_port_on_loopback_and_nothing_else() {
        let registered = "http://127.0.0.1:3000/callback";
        for (asked, taken) in [
            ("http://127.0.0.1:61234/callback", true),
            ("http://127.0.0.1/callback", true),
            ("http://localhost:3000/callback", false),
            ("https://127.0.0.1:3000/callback", false),
            ("http://127.0.0.1:3000/callback/", false),
            ("http://127.0.0.1:3000/callback?a=1", false),
            ("http://user@127.0.0.1:3000/callback", false),
            ("http://127.0.0.1.example.test:3000/callback", false),
            ("callback", false),
        ] {
            assert_eq!(same_but_for_port(registered, asked), taken, "{asked}");
        }
        assert!(!same_but_for_port("http://app.test:1/callback", "http://app.test:2/callback"));
    }
}

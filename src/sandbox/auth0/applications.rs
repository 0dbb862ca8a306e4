//! The applications that the tenant knows, and what each of them may do.

use std::time::Instant;

use url::Url;

use super::loopback::is_loopback;
use super::objects::Object;
use super::tenant::{AGENT_CLIENT_ID, Tenant};

/// A sandbox that runs for days must not grow without end.
const MOST_APPLICATIONS: usize = 1_000;

/// An application, as its requests are answered by: a client object, read.
#[derive(Clone)]
pub(crate) struct Application {
    pub(crate) id: String,
    /// What it calls itself; a registered client's name is whatever it said.
    pub(crate) name: String,
    /// Whether somebody else wrote it: an agent, which connects to our API.
    pub(crate) third_party: bool,
    /// Whether it is a Custom API Client: it exchanges access tokens of the API that it is linked to.
    pub(crate) for_api: bool,
    /// That API's identifier.
    pub(crate) api: Option<String>,
    /// Whether it conforms to OpenID Connect.
    pub(crate) conformant: bool,
    /// Whether it authenticates by its name alone.
    pub(crate) public: bool,
    /// The secret of a confidential client; a public client has none.
    pub(crate) secret: Option<String>,
    /// A public key in PEM: the client then authenticates by `private_key_jwt`, and by that alone.
    pub(crate) key: Option<String>,
    pub(crate) callbacks: Vec<String>,
    pub(crate) grant_types: Vec<String>,
    /// Whether every refresh answers with a new refresh token.
    pub(crate) rotates: bool,
    /// Which other APIs its refresh tokens reach, and with which scopes.
    pub(crate) policies: Vec<(String, Vec<String>)>,
    /// Whether logins that end on loopback go through without a page that asks, where it says so.
    pub(crate) skips_confirmation: Option<bool>,
    /// `deny`, `allow` or `require`.
    pub(crate) organization_usage: Option<String>,
    /// Whether its ID tokens are signed with its secret, not with the tenant's key.
    pub(crate) signs_with_secret: bool,
}

impl Application {
    /// Whether a browser may be sent back to `redirect_uri`.
    pub(crate) fn allows_callback(&self, redirect_uri: &str) -> bool {
        self.callbacks.iter().any(|callback| {
            callback == redirect_uri
                || (self.third_party && same_but_for_port(callback, redirect_uri))
        })
    }

    /// Whether it may use `grant_type` at the token endpoint.
    pub(crate) fn may_use(&self, grant_type: &str) -> bool {
        self.grant_types.iter().any(|one| one == grant_type)
    }

    /// Whether it is of the kind that Token Vault serves: first-party, confidential and conformant.
    pub(crate) fn may_use_vault(&self) -> bool {
        !self.third_party && !self.public && self.conformant
    }
}

impl Tenant {
    /// Adds a client, in the place of one with the same id. So many may come that the oldest must go.
    pub(crate) fn register(&mut self, client: Object, fetched_at: Option<Instant>) {
        let id = client.text("client_id").unwrap_or_default().to_owned();
        self.clients.retain(|known| known.text("client_id") != Some(&id));
        if self.clients.len() >= MOST_APPLICATIONS {
            let came = |known: &&Object| {
                known.is_third_party() && known.text("client_id") != Some(AGENT_CLIENT_ID)
            };
            let oldest = self.clients.iter().find(came);
            let oldest = oldest.and_then(|oldest| oldest.text("client_id")).map(str::to_owned);
            if let Some(oldest) = oldest {
                self.delete_client(&oldest);
            }
        }
        self.clients.push(client);
        if let Some(fetched_at) = fetched_at {
            self.fetched.insert(id, fetched_at);
        }
    }
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

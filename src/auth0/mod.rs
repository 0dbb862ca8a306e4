//! Auth0: who a person is, and the tokens that are kept for them in Token Vault.
//!
//! Everything here speaks of tenants, tokens and connections; nothing knows what the tokens of a
//! connection are good for. A vault call needs `POST /oauth/token` alone: discovery and signing keys
//! are fetched only when somebody signs in or shows a token.

mod access_token;
mod client;
mod code;
mod connected_accounts;
mod discovery;
mod error;
mod id_token;
pub(crate) mod jwt;
mod keys;
mod login;
pub mod management;
mod pause;
mod pkce;
mod secret;
#[cfg(test)]
pub(crate) mod signer;
#[cfg(test)]
pub(crate) mod stand_in;
mod tokens;
mod wire;

use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;
use url::Url;

use crate::net;

pub use access_token::{AccessClaims, AccessTokenProblem};
pub use code::{Login, Redemption};
pub use connected_accounts::{AccountId, Connect, ConnectTicket, ConnectedAccount};
pub use error::{Error, ManagementProblem, MyAccountProblem};
pub use id_token::IdTokenProblem;
pub use login::{Authorize, Purpose};
pub use management::{Management, ManagementSettings};
pub use pkce::{PkceVerifier, random_token};
pub(crate) use secret::same;
pub use secret::{BearerToken, MyAccountToken, RefreshToken, VaultToken};
pub(crate) use tokens::VAULT_GRANT;
pub use tokens::{Refreshed, Subject};

/// How errors and logs call the service.
const SERVICE: &str = "Auth0";

/// One Auth0 tenant, seen by one of its confidential applications.
#[derive(Clone)]
pub struct Tenant {
    inner: Arc<Inner>,
}

struct Inner {
    http: net::Http,
    settings: Settings,
    credentials: client::Credentials,
    discovery: discovery::Discovery,
    keys: keys::Keys,
    verdicts: access_token::Verdicts,
    pause: pause::Pause,
}

/// Which tenant, and which of its applications we are.
#[derive(Debug)]
pub struct Settings {
    /// The tenant's or custom domain, ending in a slash: it is the issuer of its tokens as well.
    pub domain: Url,
    /// The application.
    pub client_id: String,
    /// How the application proves that it is the application.
    pub authentication: ClientAuthentication,
    /// The organization that people sign in to, by id (`org_…`) or name.
    pub organization: Option<String>,
}

/// How a confidential application proves itself at the token endpoint.
#[derive(Debug)]
pub enum ClientAuthentication {
    /// `client_secret_post`
    Secret(SecretString),
    /// `private_key_jwt`, with an RSA private key in PEM.
    SigningKey(SecretString),
}

/// A person, as a checked ID token describes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Which tenant says so.
    pub issuer: String,
    /// The person's identifier there; never reused for somebody else.
    pub subject: String,
    /// What the person is called.
    pub name: Option<String>,
    /// Their email address, verified or not.
    pub email: Option<String>,
    /// The organization they signed in to.
    pub organization: Option<String>,
}

impl Tenant {
    /// The tenant that `settings` describe. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::SigningKey`] when that is no RSA private key, [`Error::Invalid`] when the domain has a
    /// path.
    pub fn new(http: net::Http, settings: Settings) -> Result<Self, Error> {
        if settings.domain.path() != "/" || settings.domain.query().is_some() {
            return Err(Error::Invalid("the Auth0 domain must have no path"));
        }
        let credentials = client::Credentials::new(&settings)?;
        let inner = Inner {
            http,
            settings,
            credentials,
            discovery: discovery::Discovery::default(),
            keys: keys::Keys::default(),
            verdicts: access_token::Verdicts::default(),
            pause: pause::Pause::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The domain, ending in a slash.
    #[must_use]
    pub fn domain(&self) -> &Url {
        &self.inner.settings.domain
    }

    /// The application's identifier.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.inner.settings.client_id
    }

    /// The organization that people sign in to, if the settings name one.
    #[must_use]
    pub fn organization(&self) -> Option<&str> {
        self.inner.settings.organization.as_deref()
    }

    /// Whether a callback's `iss` parameter names this tenant (RFC 9207).
    ///
    /// # Errors
    /// [`Error::Issuer`] when it names another one, or is absent although this tenant's metadata
    /// promises it.
    pub fn check_issuer(&self, iss: Option<&str>) -> Result<(), Error> {
        match iss {
            Some(iss) if iss == self.domain().as_str() => Ok(()),
            None if !self.inner.discovery.promises_issuer() => Ok(()),
            _ => Err(Error::Issuer),
        }
    }

    fn endpoint(&self, path: &str) -> Url {
        let mut url = self.domain().clone();
        url.set_path(path);
        url
    }

    /// The identifier of the My Account API. Same host as the calls, or Auth0 refuses the token.
    fn my_account_audience(&self) -> String {
        format!("{}me/", self.domain())
    }
}

/// Whether somebody of the organization with this id and name is of the one that is `wanted`.
///
/// Auth0 documents both for the setting: ids are compared as they are, names without regard to case.
fn admits(wanted: Option<&str>, id: Option<&str>, name: Option<&str>) -> bool {
    match wanted {
        None => true,
        Some(wanted) if wanted.starts_with("org_") => id == Some(wanted),
        Some(wanted) => name.is_some_and(|name| name.eq_ignore_ascii_case(wanted)),
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Tenant")
            .field("domain", &self.domain().as_str())
            .field("client_id", &self.client_id())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(domain: &str) -> Result<Tenant, Error> {
        let settings = Settings {
            domain: Url::parse(domain).unwrap(),
            client_id: "app".to_owned(),
            authentication: ClientAuthentication::Secret("hush".into()),
            organization: None,
        };
        Tenant::new(net::Http::new(), settings)
    }

    #[test]
    fn refuses_an_answer_of_another_issuer() {
        let tenant = tenant("https://acme.eu.auth0.com").unwrap();
        assert!(tenant.check_issuer(Some("https://acme.eu.auth0.com/")).is_ok());
        assert!(tenant.check_issuer(None).is_ok());
        for other in ["https://acme.eu.auth0.com", "https://evil.example.com/", ""] {
            let error = tenant.check_issuer(Some(other)).unwrap_err();
            assert_eq!(error.to_string(), "the answer came from another issuer", "{other}");
        }
    }

    #[test]
    fn prints_no_secret() {
        let tenant = tenant("https://acme.eu.auth0.com").unwrap();
        assert_eq!(
            format!("{tenant:?} {:?}", tenant.inner.settings.authentication),
            "Tenant { domain: \"https://acme.eu.auth0.com/\", client_id: \"app\", .. } \
             Secret(SecretBox<str>([REDACTED]))"
        );
    }

    #[test]
    fn wants_a_domain_and_nothing_behind_it() {
        let error = tenant("https://acme.eu.auth0.com/me/").unwrap_err();
        assert_eq!(error.to_string(), "the Auth0 domain must have no path");
    }
}

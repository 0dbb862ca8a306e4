//! Setting the connection up: the management application, the consumer, and what is known of an `http`
//! that is not there yet.

use secrecy::SecretString;
use url::Url;

use super::{Found, Need, Reader, Tenant};
use crate::config::problems::Misfit;
use crate::config::settings::{self, Setting};
use crate::config::values;
use crate::config::{Consumer, Management};

/// What the sources say of the management application.
pub(super) struct Given {
    client_id: Found<String>,
    secret: Found<SecretString>,
    domain: Found<Url>,
}

impl Given {
    /// Whether anything was said, right or wrong.
    pub(super) fn is_given(&self) -> bool {
        !matches!((&self.client_id, &self.secret), (Found::Nothing, Found::Nothing))
    }
}

impl Reader<'_> {
    pub(super) fn management_given(&mut self) -> Given {
        Given {
            client_id: self.maybe(&settings::AUTH0_MANAGEMENT_CLIENT_ID, values::identifier),
            secret: self.maybe(&settings::AUTH0_MANAGEMENT_CLIENT_SECRET, values::secret),
            domain: self.maybe(&settings::AUTH0_MANAGEMENT_DOMAIN, values::domain),
        }
    }

    pub(super) fn management(
        &mut self,
        given: Given,
        need: Need,
        tenant: &Tenant,
    ) -> Option<Management> {
        let alone = !given.is_given() && matches!(given.domain, Found::Nothing);
        if alone && need != Need::Setup {
            return None;
        }
        let Given { client_id, secret, domain } = given;
        self.require(&client_id, &settings::AUTH0_MANAGEMENT_CLIENT_ID, "");
        self.require(&secret, &settings::AUTH0_MANAGEMENT_CLIENT_SECRET, "");
        let domain = match domain {
            Found::Nothing => tenant.domain.clone(),
            found => found.good(),
        };
        Some(Management {
            domain: domain?,
            client_id: client_id.good()?,
            client_secret: secret.good()?,
        })
    }

    /// A key alone will do: whoever writes the connection is asked for the secret then.
    pub(super) fn consumer(&mut self) -> Option<Consumer> {
        let key = self.maybe(&settings::BITBUCKET_CONSUMER_KEY, values::identifier);
        let secret = self.maybe(&settings::BITBUCKET_CONSUMER_SECRET, values::secret);
        if matches!(secret, Found::Good(_)) {
            self.require(&key, &settings::BITBUCKET_CONSUMER_KEY, "");
        }
        Some(Consumer { key: key.good()?, secret: secret.good() })
    }

    /// Where `http` is or will be reached, and which client exchanges its callers' tokens. What does not
    /// hang together is told when it starts.
    pub(super) fn http_to_set_up(&mut self) -> (Option<Url>, Option<String>) {
        let public_url = self.maybe(&settings::PUBLIC_URL, values::public_url).good();
        let audience = self.maybe(&settings::AUTH0_AUDIENCE, |text| Ok(text.to_owned())).good();
        let of_audience = || values::public_url(audience?.strip_suffix("/mcp")?).ok();
        let api_client = self.maybe(&settings::AUTH0_API_CLIENT_ID, values::identifier).good();
        (public_url.or_else(of_audience), api_client)
    }
}

/// Refuses a name among `managed` where there is no management application.
pub(super) fn exists(name: &str, managed: &[&str], management: bool) -> Result<(), Misfit> {
    if management || !managed.contains(&name) {
        return Ok(());
    }
    let variable = |setting: &Setting| format!("`{}`", setting.variable);
    Err(Misfit::new(
        format!("names `{name}`, which there is with a management application only"),
        format!(
            "set {} and {}, or leave it out; `bitbucket-vault-mcp setup guide` says how to make one",
            variable(&settings::AUTH0_MANAGEMENT_CLIENT_ID),
            variable(&settings::AUTH0_MANAGEMENT_CLIENT_SECRET)
        ),
    ))
}

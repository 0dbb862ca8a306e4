//! Which APIs an application can get tokens for, and with which scopes.

use super::Auth0;
use super::applications::{Application, Role};
use super::parameters::Parameters;
use super::tenant::{API_SCOPES, MY_ACCOUNT_SCOPES, Tenant};

/// Why an application gets no token for an API, as a sentence.
#[derive(Debug)]
pub(crate) enum NotGranted {
    NoSuchApi(String),
    NoGrant(String),
}

impl Tenant {
    /// The API that a request names: by `audience`, else by `resource` (RFC 8707) where the tenant has
    /// the compatibility profile.
    pub(crate) fn audience(&self, parameters: &Parameters) -> Option<String> {
        let resource = || parameters.owned("resource").filter(|_| self.resource_parameter);
        parameters.owned("audience").or_else(resource)
    }

    /// Whether `audience` is our API, and it is open.
    pub(crate) fn is_our_api(&self, audience: &str) -> bool {
        self.api_audience.as_deref() == Some(audience)
    }
}

impl Auth0 {
    /// The identifier of the My Account API.
    pub(crate) fn my_account_audience(&self) -> String {
        format!("{}/me/", self.domain)
    }

    /// The identifier of the Management API.
    pub(crate) fn management_audience(&self) -> String {
        format!("{}/api/v2/", self.domain)
    }

    /// The scopes at `audience` that people can give to `application`.
    pub(crate) fn grantable(
        &self,
        tenant: &Tenant,
        application: &Application,
        audience: Option<&str>,
    ) -> Result<Vec<String>, NotGranted> {
        let Some(audience) = audience else { return Ok(Vec::new()) };
        let all = |scopes: &[&str]| scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let first_party = application.role == Role::Web;
        if audience == self.my_account_audience() && tenant.my_account {
            // The system's own APIs are closed to third parties.
            return if first_party && tenant.my_account_grant {
                Ok(all(MY_ACCOUNT_SCOPES))
            } else {
                Err(NotGranted::no_grant(application, audience))
            };
        }
        if audience == self.management_audience() {
            return Err(NotGranted::no_grant(application, audience));
        }
        if !tenant.is_our_api(audience) {
            return Err(NotGranted::NoSuchApi(format!("Service not found: {audience}")));
        }
        let mut scopes: Vec<String> = match application.role {
            Role::Web => all(API_SCOPES),
            _ => tenant.third_party_scopes.clone(),
        };
        if let Some(permissions) = &tenant.permissions {
            scopes.retain(|scope| permissions.contains(scope));
        }
        Ok(scopes)
    }
}

impl NotGranted {
    pub(crate) fn no_grant(application: &Application, audience: &str) -> Self {
        Self::NoGrant(no_grant(&application.id, audience))
    }

    pub(crate) fn into_text(self) -> String {
        match self {
            Self::NoSuchApi(text) | Self::NoGrant(text) => text,
        }
    }
}

/// The text for an application that has no grant for an API.
pub(crate) fn no_grant(client_id: &str, audience: &str) -> String {
    format!("Client \"{client_id}\" is not authorized to access resource server \"{audience}\"")
}

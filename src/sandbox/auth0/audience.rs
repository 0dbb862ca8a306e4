//! Which APIs an application can get tokens for, and with which scopes.

use super::applications::Application;
use super::objects::Object;
use super::parameters::Parameters;
use super::tenant::Tenant;

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
        let resource = || parameters.owned("resource").filter(|_| self.takes_resource());
        parameters.owned("audience").or_else(resource)
    }

    /// Whether `audience` is an API that is none of Auth0's.
    pub(crate) fn is_our_api(&self, audience: &str) -> bool {
        self.resource_server(audience).is_some_and(|server| !server.is_system())
    }

    /// The scopes at `audience` that people can give to `application`.
    pub(crate) fn grantable(
        &self,
        application: &Application,
        audience: Option<&str>,
    ) -> Result<Vec<String>, NotGranted> {
        let Some(audience) = audience else { return Ok(Vec::new()) };
        let no_grant = || NotGranted::no_grant(application, audience);
        let server = self.resource_server(audience).ok_or_else(|| no_such_api(audience))?;
        // The system's own APIs are closed to third parties, and the Management API to people.
        if audience == self.management_audience() || (server.is_system() && application.third_party)
        {
            return Err(no_grant());
        }
        let all = server.scope_names();
        let grant = self.user_grant(application, audience).map(|grant| grant.granted(&all));
        let mut scopes = match server.policy("user") {
            "deny_all" => return Err(no_grant()),
            "allow_all" if !application.third_party => all,
            // Third parties need a grant whatever the policy.
            _ => grant.ok_or_else(no_grant)?,
        };
        if let Some(permitted) = self.permitted_at(server) {
            scopes.retain(|scope| permitted.contains(scope));
        }
        Ok(scopes)
    }

    /// The grant by which people can let an application use an API: its own, else the one for all
    /// third parties.
    fn user_grant(&self, application: &Application, audience: &str) -> Option<&Object> {
        let mut grants = self.grants.iter().filter(|grant| grant.grants(audience, "user"));
        let default = grants.clone().find(|grant| {
            application.third_party && grant.text("default_for") == Some("third_party_clients")
        });
        grants.find(|grant| grant.text("client_id") == Some(&application.id)).or(default)
    }
}

/// An API that is not there.
pub(crate) fn no_such_api(audience: &str) -> NotGranted {
    NotGranted::NoSuchApi(format!("Service not found: {audience}"))
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

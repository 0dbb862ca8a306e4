//! Switches: what is most often wrong about a tenant, each by one name.

use serde::Deserialize;

use super::objects::my_account_api;
use super::tenant::{MY_ACCOUNT_SCOPES, Tenant};

/// Something about the tenant that is right or wrong. It stands for a change of the objects, or for how
/// the service itself behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// Whether the web application may use the Token Vault grant.
    VaultGrant,
    /// Whether the connection serves Token Vault.
    VaultOnConnection,
    /// Whether the Custom API Client may use the Token Vault grant.
    ApiClientGrant,
    /// Whether the Custom API Client is linked to our API.
    ApiClientLinked,
    /// Whether the connection is enabled for the applications.
    ConnectionEnabled,
    /// Whether the My Account API is activated.
    MyAccount,
    /// Whether the web application has a user grant for the My Account API.
    MyAccountGrant,
    /// Whether the web application's refresh tokens reach the My Account API (multi-resource refresh
    /// tokens).
    MyAccountPolicy,
    /// Whether every refresh of the web application answers with a new refresh token. Token Vault does
    /// not support that.
    RotatesRefreshTokens,
    /// Whether every refresh of a third party's client answers with a new refresh token, as OAuth 2.1
    /// section 4.3.1 wants it of public clients.
    RotatesPublicRefreshTokens,
    /// Whether Token Vault refuses the refresh tokens of an application that rotates them.
    VaultRefusesRotation,
    /// Whether the vault goes on handing out a stored token that Bitbucket has revoked.
    KeepsRevokedTokens,
    /// Whether `connect_code` comes back in the fragment, as the documentation says, and not in the
    /// query, as the official libraries read it.
    ConnectCodeInFragment,
    /// Whether logins that end on a loopback address go through without the confirmation page.
    SkipsConfirmation,
    /// The same for the web application alone: `skip_non_verifiable_callback_uri_confirmation_prompt`.
    WebSkipsConfirmation,
    /// Whether `resource` names the API where `audience` does not: the compatibility profile.
    ResourceParameter,
    /// Whether clients may register themselves at `/oidc/register`.
    DynamicRegistration,
    /// Whether a client id may be the address of a document that describes the client.
    ClientIdMetadataDocuments,
}

impl Tenant {
    /// Turns a switch on or off. One that stands for an object which is not there does nothing.
    pub fn set(&mut self, switch: Switch, on: bool) {
        match switch {
            Switch::VaultGrant => {
                self.web_mut().into_iter().for_each(|web| web.set_vault_grant(on))
            }
            Switch::VaultOnConnection => self.bitbucket_mut().into_iter().for_each(|connection| {
                connection.set_inside("connected_accounts", "active", on);
            }),
            Switch::ApiClientGrant => {
                self.api_client_mut().into_iter().for_each(|client| client.set_vault_grant(on));
            }
            Switch::ApiClientLinked => self.set_linked(on),
            Switch::ConnectionEnabled => self.set_enabled(on),
            Switch::MyAccount => self.set_my_account(on),
            Switch::MyAccountGrant => self.set_my_account_grant(on),
            Switch::MyAccountPolicy => self.set_my_account_policy(on),
            Switch::RotatesRefreshTokens => {
                self.web_mut().into_iter().for_each(|web| web.set_rotation(on));
            }
            Switch::RotatesPublicRefreshTokens => {
                self.rotates_public_refresh_tokens = on;
                let third_parties =
                    self.clients.iter_mut().filter(|client| client.is_third_party());
                third_parties.for_each(|client| client.set_rotation(on));
            }
            Switch::VaultRefusesRotation => self.vault_refuses_rotation = on,
            Switch::KeepsRevokedTokens => self.keeps_revoked_tokens = on,
            Switch::ConnectCodeInFragment => self.connect_code_in_fragment = on,
            Switch::SkipsConfirmation => {
                self.settings.set("skip_non_verifiable_callback_uri_confirmation_prompt", on);
            }
            Switch::WebSkipsConfirmation => self.web_mut().into_iter().for_each(|web| {
                web.set("skip_non_verifiable_callback_uri_confirmation_prompt", on);
            }),
            Switch::ResourceParameter => {
                let profile = if on { "compatibility" } else { "audience" };
                self.settings.set("resource_parameter_profile", profile);
            }
            Switch::DynamicRegistration => {
                self.settings.set_inside("flags", "enable_dynamic_client_registration", on);
            }
            Switch::ClientIdMetadataDocuments => {
                self.settings.set("client_id_metadata_document_supported", on);
            }
        }
    }

    fn set_linked(&mut self, on: bool) {
        let (Some(client), Some(api)) = (self.api_client_id(), self.our_api()) else { return };
        if on {
            self.link_api_client(&client, &api);
            return;
        }
        if let Some(client) = self.api_client_mut() {
            client.remove("resource_server_identifier");
        }
        for server in &mut self.resource_servers {
            server.remove("client_id");
        }
    }

    fn set_enabled(&mut self, on: bool) {
        let ours = [self.web_id(), self.api_client_id()];
        if let Some(connection) = self.bitbucket_mut() {
            for id in ours.iter().flatten() {
                connection.enable_for(id, on);
            }
        }
    }

    fn set_my_account(&mut self, on: bool) {
        let identifier = self.my_account_audience();
        // The grants stay, so that turning it on again brings back what was there.
        self.resource_servers.retain(|server| server.identifier() != identifier);
        if on {
            self.resource_servers.insert(0, my_account_api(&identifier));
        }
    }

    fn set_my_account_grant(&mut self, on: bool) {
        let (audience, Some(web)) = (self.my_account_audience(), self.web_id()) else { return };
        self.grants.retain(|grant| {
            !grant.grants(&audience, "user") || grant.text("client_id") != Some(&web)
        });
        if on {
            self.add_grant(serde_json::json!({
                "client_id": web,
                "audience": audience,
                "scope": MY_ACCOUNT_SCOPES,
                "subject_type": "user",
            }));
        }
    }

    fn set_my_account_policy(&mut self, on: bool) {
        let policy = serde_json::json!({
            "audience": self.my_account_audience(),
            "scope": MY_ACCOUNT_SCOPES,
        });
        let policies = if on { vec![policy] } else { Vec::new() };
        if let Some(web) = self.web_mut() {
            web.set_inside("refresh_token", "policies", policies);
        }
    }
}

//! How the sandbox's Auth0 tenant is set up, and what can be wrong about it.

use super::applications::{self, Application};

/// The client id of the web application.
pub(crate) const CLIENT_ID: &str = "sandboxWebApplication00000000001";
/// The client id of the Custom API Client.
pub(crate) const API_CLIENT_ID: &str = "sandboxCustomApiClient0000000001";
/// The client id of the application for the Management API.
pub(crate) const MANAGEMENT_CLIENT_ID: &str = "sandboxManagement000000000000001";
/// The client id of a registered third-party client.
pub(crate) const AGENT_CLIENT_ID: &str = "tpc_sandboxAgent000000001";
/// The connection that Token Vault serves.
pub(crate) const CONNECTION: &str = "bitbucket";
/// Its id in the Management API.
pub(crate) const CONNECTION_ID: &str = "con_SandboxBitbuck01";
/// The one organization of the tenant; everybody is a member.
pub(crate) const ORGANIZATION: &str = "org_SandboxAcme00001";
/// What the My Account API lets a person do about their connected accounts.
pub(crate) const MY_ACCOUNT_SCOPES: &[&str] =
    &["create:me:connected_accounts", "read:me:connected_accounts", "delete:me:connected_accounts"];
/// What our own API lets a client do.
pub(crate) const API_SCOPES: &[&str] =
    &["bitbucket:read", "bitbucket:write", "bitbucket:admin", "connection:admin"];
/// What OpenID Connect itself defines, as far as the sandbox knows it.
pub(crate) const OPENID_SCOPES: &[&str] = &["openid", "profile", "email", "offline_access"];

/// The tenant's configuration. It starts right; a test makes it wrong.
#[derive(Clone)]
#[non_exhaustive]
pub struct Tenant {
    /// The web application's Allowed Callback URLs, compared whole.
    pub callbacks: Vec<String>,
    /// A public key in PEM: the web application then authenticates by `private_key_jwt` and its secret
    /// is refused.
    pub client_key: Option<String>,
    /// Whether the web application may use the Token Vault grant.
    pub vault_grant: bool,
    /// Whether the connection serves Token Vault.
    pub vault_on_connection: bool,
    /// Whether the Custom API Client may use the Token Vault grant.
    pub api_client_grant: bool,
    /// Whether the Custom API Client is linked to our API.
    pub api_client_linked: bool,
    /// Whether the connection is enabled for the applications.
    pub connection_enabled: bool,
    /// Whether the My Account API is activated.
    pub my_account: bool,
    /// Whether the web application has a user grant for the My Account API.
    pub my_account_grant: bool,
    /// Whether the web application's refresh tokens reach the My Account API (multi-resource refresh tokens).
    pub my_account_policy: bool,
    /// Whether every refresh of the web application answers with a new refresh token. Token Vault does
    /// not support that.
    pub rotates_refresh_tokens: bool,
    /// Whether every refresh of a public client answers with a new refresh token, as OAuth 2.1 section
    /// 4.3.1 wants it.
    pub rotates_public_refresh_tokens: bool,
    /// Whether Token Vault refuses the refresh tokens of an application that rotates them.
    pub vault_refuses_rotation: bool,
    /// Whether the vault goes on handing out a stored token that Bitbucket has revoked.
    pub keeps_revoked_tokens: bool,
    /// Whether `connect_code` comes back in the fragment, as the documentation says, and not in the
    /// query, as the official libraries read it.
    pub connect_code_in_fragment: bool,
    /// Whether logins that end on a loopback address go through without the confirmation page.
    pub skips_confirmation: bool,
    /// The same for the web application alone: `skip_non_verifiable_callback_uri_confirmation_prompt`.
    pub web_skips_confirmation: bool,
    /// Whether `resource` names the API where `audience` does not: the compatibility profile.
    pub resource_parameter: bool,
    /// The scopes of our API that third-party clients can be granted.
    pub third_party_scopes: Vec<String>,
    /// Whether clients may register themselves at `/oidc/register`.
    pub dynamic_registration: bool,
    /// Whether a client id may be the address of a document that describes the client.
    pub client_id_metadata_documents: bool,
    /// What everybody's role permits at our API, once role-based access control is on: tokens then
    /// carry it as `permissions`, and their scopes end there. Nothing while it is off.
    pub permissions: Option<Vec<String>>,
    /// The Management API's scopes that its application was granted; none means that it has no grant.
    pub management_scopes: Vec<String>,
    pub(crate) client_secret: String,
    /// The identifier of our API, once it is open.
    pub(crate) api_audience: Option<String>,
    /// All applications but the web application.
    pub(crate) applications: Vec<Application>,
}

impl Tenant {
    pub(crate) fn new(
        client_secret: String,
        api_client_secret: String,
        management_secret: String,
    ) -> Self {
        Self {
            // No document grants wildcard ports, so each port is registered by itself.
            callbacks: (18_484..=18_489)
                .map(|port| format!("http://127.0.0.1:{port}/callback"))
                .collect(),
            client_key: None,
            vault_grant: true,
            api_client_grant: true,
            api_client_linked: true,
            vault_on_connection: true,
            connection_enabled: true,
            my_account: true,
            my_account_grant: true,
            my_account_policy: true,
            rotates_refresh_tokens: false,
            rotates_public_refresh_tokens: true,
            vault_refuses_rotation: true,
            keeps_revoked_tokens: false,
            connect_code_in_fragment: false,
            skips_confirmation: false,
            web_skips_confirmation: false,
            resource_parameter: true,
            third_party_scopes: ["bitbucket:read", "bitbucket:write"].map(str::to_owned).to_vec(),
            dynamic_registration: true,
            client_id_metadata_documents: true,
            permissions: None,
            management_scopes: vec!["read:users".to_owned()],
            client_secret,
            api_audience: None,
            applications: applications::others(api_client_secret, management_secret),
        }
    }

    /// The switch of this name: a field that is on or off.
    pub(crate) fn switch(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "vault_grant" => &mut self.vault_grant,
            "vault_on_connection" => &mut self.vault_on_connection,
            "api_client_grant" => &mut self.api_client_grant,
            "api_client_linked" => &mut self.api_client_linked,
            "connection_enabled" => &mut self.connection_enabled,
            "my_account" => &mut self.my_account,
            "my_account_grant" => &mut self.my_account_grant,
            "my_account_policy" => &mut self.my_account_policy,
            "rotates_refresh_tokens" => &mut self.rotates_refresh_tokens,
            "rotates_public_refresh_tokens" => &mut self.rotates_public_refresh_tokens,
            "vault_refuses_rotation" => &mut self.vault_refuses_rotation,
            "keeps_revoked_tokens" => &mut self.keeps_revoked_tokens,
            "connect_code_in_fragment" => &mut self.connect_code_in_fragment,
            "skips_confirmation" => &mut self.skips_confirmation,
            "web_skips_confirmation" => &mut self.web_skips_confirmation,
            "resource_parameter" => &mut self.resource_parameter,
            "dynamic_registration" => &mut self.dynamic_registration,
            "client_id_metadata_documents" => &mut self.client_id_metadata_documents,
            _ => return None,
        })
    }
}

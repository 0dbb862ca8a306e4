//! How the sandbox's Auth0 tenant is set up, and what can be wrong about it.

/// The client id of the sandbox's one application.
pub(crate) const CLIENT_ID: &str = "sandboxWebApplication00000000001";
/// The connection that Token Vault serves.
pub(crate) const CONNECTION: &str = "bitbucket";
/// The one organization of the tenant; everybody is a member.
pub(crate) const ORGANIZATION: &str = "org_SandboxAcme00001";
/// What the My Account API lets a person do about their connected accounts.
pub(crate) const MY_ACCOUNT_SCOPES: &[&str] =
    &["create:me:connected_accounts", "read:me:connected_accounts", "delete:me:connected_accounts"];
/// What OpenID Connect itself defines, as far as the sandbox knows it.
pub(crate) const OPENID_SCOPES: &[&str] = &["openid", "profile", "email", "offline_access"];

/// The tenant's configuration. It starts right; a test makes it wrong.
#[derive(Clone)]
#[non_exhaustive]
pub struct Tenant {
    /// The application's Allowed Callback URLs, compared whole.
    pub callbacks: Vec<String>,
    /// A public key in PEM: the application then authenticates by `private_key_jwt` and its secret is
    /// refused.
    pub client_key: Option<String>,
    /// Whether the application may use the Token Vault grant.
    pub vault_grant: bool,
    /// Whether the connection serves Token Vault.
    pub vault_on_connection: bool,
    /// Whether the connection is enabled for the application.
    pub connection_enabled: bool,
    /// Whether the My Account API is activated.
    pub my_account: bool,
    /// Whether the application has a user grant for the My Account API.
    pub my_account_grant: bool,
    /// Whether the application's refresh tokens reach the My Account API (multi-resource refresh tokens).
    pub my_account_policy: bool,
    /// Whether every refresh answers with a new refresh token. Token Vault does not support that.
    pub rotates_refresh_tokens: bool,
    /// Whether Token Vault refuses the refresh tokens of an application that rotates them.
    pub vault_refuses_rotation: bool,
    /// Whether the vault goes on handing out a stored token that Bitbucket has revoked.
    pub keeps_revoked_tokens: bool,
    /// Whether `connect_code` comes back in the fragment, as the documentation says, and not in the
    /// query, as the official libraries read it.
    pub connect_code_in_fragment: bool,
    /// Whether logins that end on a loopback address go through without the confirmation page.
    pub skips_confirmation: bool,
    pub(crate) client_secret: String,
}

impl Tenant {
    pub(crate) fn new(client_secret: String) -> Self {
        Self {
            // No document grants wildcard ports, so each port is registered by itself.
            callbacks: (18_484..=18_489)
                .map(|port| format!("http://127.0.0.1:{port}/callback"))
                .collect(),
            client_key: None,
            vault_grant: true,
            vault_on_connection: true,
            connection_enabled: true,
            my_account: true,
            my_account_grant: true,
            my_account_policy: true,
            rotates_refresh_tokens: false,
            vault_refuses_rotation: true,
            keeps_revoked_tokens: false,
            connect_code_in_fragment: false,
            skips_confirmation: false,
            client_secret,
        }
    }

    pub(crate) fn allows_callback(&self, redirect_uri: &str) -> bool {
        self.callbacks.iter().any(|callback| callback == redirect_uri)
    }
}

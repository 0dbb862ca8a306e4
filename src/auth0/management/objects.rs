//! What the Management API answers with, as far as a connection's set-up needs it.
//!
//! Recordings of different years lack different fields, so all but the identifiers are optional: what
//! is not there is not known, which is something else than `false`.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A connection: `GET /api/v2/connections/{id}`.
#[derive(Clone, Debug, Deserialize)]
pub struct Connection {
    /// `con_…`
    pub id: String,
    /// Its name, which the token exchange uses.
    pub name: String,
    /// The kind of provider: `bitbucket` for ours.
    pub strategy: String,
    /// Whether people can sign in with it.
    pub authentication: Option<Purpose>,
    /// Whether its accounts can be connected for Token Vault.
    pub connected_accounts: Option<Purpose>,
    /// What the provider needs. Absent without `read:connections_options`; whatever is in it may be a
    /// secret, so it is shown to nobody.
    #[serde(default)]
    pub options: Option<ConnectionOptions>,
    /// Whether applications that nobody enabled it for, third-party ones among them, can use it.
    pub is_domain_connection: Option<bool>,
}

/// A purpose of a connection. The other keys of the object are kept, since a change replaces it whole.
#[derive(Clone, Debug, Deserialize)]
pub struct Purpose {
    /// Whether it is on.
    #[serde(default)]
    pub active: bool,
    /// Its other keys.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A connection's options, whole: `PATCH` replaces them whole. `Debug` shows the keys alone.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct ConnectionOptions(pub Map<String, Value>);

impl std::fmt::Debug for ConnectionOptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// An application, which the API calls a client: `GET /api/v2/clients/{client_id}`.
#[derive(Clone, Debug, Deserialize)]
pub struct Application {
    /// Its identifier.
    pub client_id: String,
    /// What people call it.
    #[serde(default)]
    pub name: String,
    /// Its secret: in the answer to its creation, and with `read:client_keys`.
    #[serde(default)]
    pub client_secret: Option<SecretString>,
    /// Whether it is the one that Auth0 made for the tenant itself, which nobody uses.
    #[serde(default)]
    pub global: Option<bool>,
    /// `regular_web`, `resource_server`, `non_interactive`, …
    pub app_type: Option<String>,
    /// Whether it is ours.
    pub is_first_party: Option<bool>,
    /// Whether it conforms to OpenID Connect.
    pub oidc_conformant: Option<bool>,
    /// How it authenticates: `none` for a public client.
    pub token_endpoint_auth_method: Option<String>,
    /// Which grants it may use.
    pub grant_types: Option<Vec<String>>,
    /// Allowed Callback URLs.
    pub callbacks: Option<Vec<String>>,
    /// Its refresh tokens. The whole object, since a change replaces it.
    pub refresh_token: Option<Map<String, Value>>,
    /// The API that a Custom API Client is linked to.
    pub resource_server_identifier: Option<String>,
    /// `deny`, `allow` or `require`: what it does about organizations.
    pub organization_usage: Option<String>,
    /// `no_prompt`, `pre_login_prompt` or `post_login_prompt`: who says which one, where it requires one.
    pub organization_require_behavior: Option<String>,
    /// Whether logins that end on loopback go through without a page that asks.
    pub skip_non_verifiable_callback_uri_confirmation_prompt: Option<bool>,
    /// How its tokens are signed.
    pub jwt_configuration: Option<Map<String, Value>>,
}

/// What an application may do at an API: `GET /api/v2/client-grants`.
#[derive(Clone, Debug, Deserialize)]
pub struct ClientGrant {
    /// `cgr_…`
    pub id: String,
    /// The application; absent in a default grant.
    pub client_id: Option<String>,
    /// The API.
    pub audience: String,
    /// The scopes; absent where all are allowed.
    pub scope: Option<Vec<String>>,
    /// `user` or `client`: on whose behalf. Absent in old answers, where it means `client`.
    pub subject_type: Option<String>,
    /// Whether every scope is allowed.
    pub allow_all_scopes: Option<bool>,
    /// `third_party_clients` for a default grant.
    pub default_for: Option<String>,
}

/// An API: `GET /api/v2/resource-servers/{id}`.
#[derive(Clone, Debug, Deserialize)]
pub struct ResourceServer {
    /// Its id at the Management API.
    pub id: String,
    /// What people call it.
    #[serde(default)]
    pub name: String,
    /// The `aud` of its tokens.
    pub identifier: String,
    /// `RS256`, …
    pub signing_alg: Option<String>,
    /// How its tokens look: `access_token`, `rfc9068_profile_authz`, …
    pub token_dialect: Option<String>,
    /// Whether role-based access control is enforced.
    pub enforce_policies: Option<bool>,
    /// Whether first-party applications skip the consent page.
    pub skip_consent_for_verifiable_first_party_clients: Option<bool>,
    /// Whether refresh tokens are given for it.
    pub allow_offline_access: Option<bool>,
    /// Whether it is one of Auth0's own. Absent where it is not.
    pub is_system: Option<bool>,
    /// How its tokens are encrypted, where they are.
    pub token_encryption: Option<Value>,
    /// What it lets callers do.
    #[serde(default)]
    pub scopes: Option<Vec<ResourceServerScope>>,
    /// Who may get tokens for it.
    pub subject_type_authorization: Option<Value>,
    /// Whether tokens must be bound to a key.
    pub proof_of_possession: Option<Value>,
}

/// One scope of an API.
#[derive(Clone, Debug, Deserialize)]
pub struct ResourceServerScope {
    /// Its name.
    pub value: String,
    /// What people read about it.
    #[serde(default)]
    pub description: Option<String>,
}

/// The tenant's own settings: `GET /api/v2/tenants/settings`.
#[derive(Clone, Debug, Deserialize)]
pub struct TenantSettings {
    /// `audience` or `compatibility`: whether `resource` names an API.
    pub resource_parameter_profile: Option<String>,
    /// Whether a client id may be the address of a metadata document.
    pub client_id_metadata_document_supported: Option<bool>,
    /// Whether answers of the authorization endpoint name the issuer (RFC 9207).
    pub authorization_response_iss_parameter_supported: Option<bool>,
    /// Who may register clients dynamically.
    pub dynamic_client_registration_security_mode: Option<String>,
    /// Switches, `enable_dynamic_client_registration` among them.
    #[serde(default)]
    pub flags: Option<Map<String, Value>>,
}

/// A custom domain: `GET /api/v2/custom-domains`.
#[derive(Clone, Debug, Deserialize)]
pub struct CustomDomain {
    /// The host.
    pub domain: String,
    /// `ready`, `pending_verification`, …
    pub status: String,
}

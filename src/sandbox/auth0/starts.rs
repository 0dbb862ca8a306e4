//! How far a tenant is set up when the sandbox starts.

use serde_json::{Value, json};

use super::objects::{
    Object, my_account_api, new_client, new_connection, new_settings, public_client, system_api,
};
use super::switches::Switch;
use super::tenant::{
    AGENT_CLIENT_ID, API_CLIENT_ID, CLIENT_ID, CONNECTION, CONNECTION_ID, MANAGEMENT_CLIENT_ID,
    ORGANIZATION, Tenant,
};
use super::vault;
use crate::sandbox::consumer::Consumer;
use crate::sandbox::people::CONSUMER_SCOPES;
use crate::sandbox::world::random;

/// What the application for the Management API is granted: what a set-up reads and writes, and nothing
/// else.
pub(crate) const MANAGEMENT_SCOPES: &[&str] = &[
    "read:connections",
    "create:connections",
    "update:connections",
    "read:connections_options",
    "update:connections_options",
    "read:clients",
    "create:clients",
    "update:clients",
    "read:client_grants",
    "create:client_grants",
    "update:client_grants",
    "read:resource_servers",
    "create:resource_servers",
    "update:resource_servers",
    "read:tenant_settings",
    "update:tenant_settings",
    "read:custom_domains",
    "read:mfa_policies",
    "read:organizations",
    "read:users",
];
/// What the Management API has besides, as far as the sandbox's routes ask for it.
const OTHER_SCOPES: &[&str] = &[
    "delete:connections",
    "read:client_keys",
    "update:client_keys",
    "delete:clients",
    "delete:client_grants",
    "delete:resource_servers",
    "update:mfa_policies",
    "read:organization_connections",
];
const LOGIN_CONNECTION_ID: &str = "con_SandboxLogins001";
const LOGIN_CONNECTION: &str = "Username-Password-Authentication";

/// How far the tenant is set up when the sandbox starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// A new tenant: a connection that people sign in with, and the application for the Management API.
    Empty,
    /// Somebody has begun and gone astray: the connection and the application are there, but neither is
    /// as Token Vault needs it.
    Half,
    /// Everything is there, and two of the people have linked their Bitbucket accounts.
    #[default]
    Ready,
}

impl Start {
    /// The starts by name, as a command line has them.
    pub const NAMES: [&str; 3] = ["empty", "half", "ready"];

    /// The start of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "empty" => Some(Self::Empty),
            "half" => Some(Self::Half),
            "ready" => Some(Self::Ready),
            _ => None,
        }
    }

    /// The tenant at `domain`, in front of Bitbucket's `consumer`.
    pub(crate) fn tenant(self, domain: &str, consumer: &Consumer) -> Tenant {
        let mut tenant = empty(domain);
        match self {
            Self::Empty => {}
            Self::Half => half(&mut tenant, consumer),
            Self::Ready => ready(&mut tenant, consumer),
        }
        tenant
    }
}

fn empty(domain: &str) -> Tenant {
    let mut tenant = Tenant::bare(domain, new_settings());
    tenant.clients.push(client(
        MANAGEMENT_CLIENT_ID,
        json!({
            "name": "Set-up",
            "app_type": "non_interactive",
            "oidc_conformant": true,
            "token_endpoint_auth_method": "client_secret_post",
            "grant_types": ["client_credentials"],
            "jwt_configuration": { "alg": "RS256" },
        }),
    ));
    let all = [MANAGEMENT_SCOPES, OTHER_SCOPES].concat();
    tenant.resource_servers.push(system_api(&tenant.management_audience(), &all));
    tenant.set_management_scopes(MANAGEMENT_SCOPES.iter().copied());
    tenant.connections.push(connection(
        LOGIN_CONNECTION_ID,
        json!({
            "name": LOGIN_CONNECTION,
            "strategy": "auth0",
            "options": { "mfa": { "active": true, "return_enroll_settings": true },
                "passwordPolicy": "good", "brute_force_protection": true },
        }),
    ));
    tenant
}

fn half(tenant: &mut Tenant, consumer: &Consumer) {
    let id = random(32);
    let callbacks = [18_484, 18_485].map(|port| format!("http://127.0.0.1:{port}/callback"));
    tenant.clients.push(client(
        &id,
        json!({
            "name": "bitbucket-vault-mcp",
            "app_type": "regular_web",
            "oidc_conformant": true,
            "token_endpoint_auth_method": "client_secret_post",
            "grant_types": ["authorization_code", "implicit", "refresh_token", "client_credentials"],
            "callbacks": callbacks,
            "jwt_configuration": { "alg": "RS256" },
            "refresh_token": { "rotation_type": "rotating", "expiration_type": "expiring" },
        }),
    ));
    let mut bitbucket = connection(
        CONNECTION_ID,
        json!({
            "name": CONNECTION,
            "strategy": CONNECTION,
            "options": {
                "client_id": consumer.key,
                "client_secret": consumer.secret,
                "scope": ["account"],
                "profile": true,
                "federated_connections_access_tokens": { "active": true },
            },
        }),
    );
    bitbucket.set("enabled_clients", Vec::<String>::new());
    tenant.connections.push(bitbucket);
    enable_login(tenant, &id);
    let my_account = my_account_api(&tenant.my_account_audience());
    tenant.resource_servers.push(my_account);
}

fn ready(tenant: &mut Tenant, consumer: &Consumer) {
    // No document grants wildcard ports, so each port is registered by itself.
    let callbacks: Vec<_> =
        (18_484..=18_489).map(|port| format!("http://127.0.0.1:{port}/callback")).collect();
    tenant.clients.push(client(
        CLIENT_ID,
        json!({
            "name": "bitbucket-vault-mcp",
            "app_type": "regular_web",
            "oidc_conformant": true,
            "token_endpoint_auth_method": "client_secret_post",
            "grant_types": ["authorization_code", "refresh_token", vault::GRANT_TYPE],
            "callbacks": callbacks,
            "organization_usage": "allow",
            "jwt_configuration": { "alg": "RS256" },
        }),
    ));
    tenant.clients.push(client(
        API_CLIENT_ID,
        json!({
            "name": "bitbucket-vault-mcp-api",
            "app_type": "resource_server",
            "token_endpoint_auth_method": "client_secret_post",
            "grant_types": [vault::GRANT_TYPE],
        }),
    ));
    let loopback = ["127.0.0.1", "localhost"].map(|host| format!("http://{host}/callback"));
    tenant.clients.push(public_client(AGENT_CLIENT_ID, "Sandbox agent", &loopback, "none", true));
    let mut bitbucket = connection(
        CONNECTION_ID,
        json!({
            "name": CONNECTION,
            "strategy": CONNECTION,
            "authentication": { "active": false },
            "connected_accounts": { "active": true },
            "options": {
                "client_id": consumer.key,
                "client_secret": consumer.secret,
                "scope": CONSUMER_SCOPES,
                "profile": true,
            },
        }),
    );
    bitbucket.set("enabled_clients", [CLIENT_ID, API_CLIENT_ID].map(str::to_owned).to_vec());
    tenant.connections.push(bitbucket);
    enable_login(tenant, CLIENT_ID);
    tenant.change(
        super::tenant::Kind::Connections,
        LOGIN_CONNECTION_ID,
        // Clients of third parties reach connections on domain level only.
        &json!({ "is_domain_connection": true }),
    );
    let on = [
        Switch::MyAccount,
        Switch::MyAccountGrant,
        Switch::MyAccountPolicy,
        Switch::ResourceParameter,
        Switch::DynamicRegistration,
        Switch::ClientIdMetadataDocuments,
    ];
    on.into_iter().for_each(|switch| tenant.set(switch, true));
    tenant.settings.set("authorization_response_iss_parameter_supported", true);
    tenant.organizations.push(Object::new(json!({
        "id": ORGANIZATION,
        "name": "acme",
        "display_name": "Acme",
    })));
}

fn client(id: &str, body: Value) -> Object {
    let mut client = new_client(Object::new(body).0);
    client.set("client_id", id);
    client
}

fn connection(id: &str, body: Value) -> Object {
    let mut connection = new_connection(Object::new(body).0);
    connection.set("id", id);
    connection
}

fn enable_login(tenant: &mut Tenant, client_id: &str) {
    let mut connections = tenant.connections.iter_mut();
    if let Some(logins) = connections.find(|connection| connection.id() == LOGIN_CONNECTION_ID) {
        logins.enable_for(client_id, true);
    }
}

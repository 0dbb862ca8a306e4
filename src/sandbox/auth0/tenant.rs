//! How the sandbox's Auth0 tenant is set up, and what can be wrong about it.

use std::collections::HashMap;
use std::time::Instant;

use serde_json::{Map, Value, json};

use super::applications::Application;
use super::objects::{Object, new_grant, new_resource_server};

/// The client id of the web application.
pub(crate) const CLIENT_ID: &str = "sandboxWebApplication00000000001";
/// The client id of the Custom API Client.
pub(crate) const API_CLIENT_ID: &str = "sandboxCustomApiClient0000000001";
/// The client id of the application for the Management API.
pub(crate) const MANAGEMENT_CLIENT_ID: &str = "sandboxManagement000000000000001";
/// The client id of a registered third-party client.
pub(crate) const AGENT_CLIENT_ID: &str = "tpc_sandboxAgent000000001";
/// The kind of connection that leads to Bitbucket, and the name of ours.
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

/// The tenant: its objects, and how the service itself behaves. A test makes either of them wrong.
#[derive(Clone)]
#[non_exhaustive]
pub struct Tenant {
    /// What everybody's role permits at our API, once role-based access control is on: tokens then
    /// carry it as `permissions`, and their scopes end there. Nothing while nobody has a role.
    pub permissions: Option<Vec<String>>,
    /// With a scheme and without a slash at the end.
    pub(crate) domain: String,
    pub(crate) clients: Vec<Object>,
    pub(crate) connections: Vec<Object>,
    pub(crate) grants: Vec<Object>,
    pub(crate) resource_servers: Vec<Object>,
    pub(crate) settings: Object,
    pub(crate) custom_domains: Vec<Object>,
    pub(crate) organizations: Vec<Object>,
    /// When a second factor is asked for.
    pub(crate) guardian_policies: Vec<String>,
    /// Public keys in PEM, by client id: such a client authenticates by `private_key_jwt` alone.
    pub(crate) client_keys: HashMap<String, String>,
    /// When the document was fetched that describes a client, where one does.
    pub(crate) fetched: HashMap<String, Instant>,
    pub(crate) rotates_public_refresh_tokens: bool,
    pub(crate) vault_refuses_rotation: bool,
    pub(crate) keeps_revoked_tokens: bool,
    pub(crate) connect_code_in_fragment: bool,
}

/// A kind of object that a test can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Applications, by client id or name.
    Clients,
    /// Connections, by id or name.
    Connections,
    /// Client grants, by id.
    ClientGrants,
    /// APIs, by id, identifier or name.
    ResourceServers,
    /// The tenant's settings, by any name.
    Settings,
    /// Custom domains, by id or domain.
    CustomDomains,
    /// Organizations, by id or name.
    Organizations,
}

impl Tenant {
    /// A tenant in which nothing is set up.
    pub(crate) fn bare(domain: &str, settings: Object) -> Self {
        Self {
            permissions: None,
            domain: domain.to_owned(),
            clients: Vec::new(),
            connections: Vec::new(),
            grants: Vec::new(),
            resource_servers: Vec::new(),
            settings,
            custom_domains: Vec::new(),
            organizations: Vec::new(),
            guardian_policies: Vec::new(),
            client_keys: HashMap::new(),
            fetched: HashMap::new(),
            rotates_public_refresh_tokens: true,
            vault_refuses_rotation: true,
            keeps_revoked_tokens: false,
            connect_code_in_fragment: false,
        }
    }

    /// Changes an object as nothing but an administrator could: each member of `changes` takes the
    /// place of the object's own, and `null` takes it away. An object that is not there is made with
    /// just these members; `null` for the whole takes an object away.
    pub fn change(&mut self, kind: Kind, name: &str, changes: &Value) {
        let objects = match kind {
            Kind::Clients => &mut self.clients,
            Kind::Connections => &mut self.connections,
            Kind::ClientGrants => &mut self.grants,
            Kind::ResourceServers => &mut self.resource_servers,
            Kind::CustomDomains => &mut self.custom_domains,
            Kind::Organizations => &mut self.organizations,
            Kind::Settings => {
                self.settings.change(changes.as_object().cloned().unwrap_or_default());
                return;
            }
        };
        let named = |object: &Object| {
            ["client_id", "id", "identifier", "custom_domain_id", "domain", "name"]
                .iter()
                .any(|key| object.text(key) == Some(name))
        };
        let Value::Object(changes) = changes else {
            objects.retain(|object| !named(object));
            return;
        };
        match objects.iter_mut().find(|object| named(object)) {
            Some(object) => object.change(changes.clone()),
            None => objects.push(Object(changes.clone())),
        }
    }

    /// When a second factor is asked for: `all-applications` means always, nothing means never.
    pub fn set_mfa_policies(&mut self, policies: &[&str]) {
        self.guardian_policies = policies.iter().map(|policy| (*policy).to_owned()).collect();
    }

    /// The web application's Allowed Callback URLs, compared whole.
    pub fn callbacks(&self) -> Vec<String> {
        self.web().map(|web| web.list("callbacks")).unwrap_or_default()
    }

    /// Puts other callbacks in the place of the web application's.
    pub fn set_callbacks(&mut self, callbacks: Vec<String>) {
        if let Some(web) = self.web_mut() {
            web.set("callbacks", callbacks);
        }
    }

    /// The Management API's scopes that its application was granted.
    pub fn management_scopes(&self) -> Vec<String> {
        let audience = self.management_audience();
        let grant = self.grants.iter().find(|grant| grant.grants(&audience, "client"));
        grant.map(|grant| grant.list("scope")).unwrap_or_default()
    }

    /// Grants the application for the Management API these scopes and no others; with none at all it
    /// has no grant. Tokens that were issued before keep what they have.
    pub fn set_management_scopes<'a>(&mut self, scopes: impl IntoIterator<Item = &'a str>) {
        let audience = self.management_audience();
        self.grants.retain(|grant| !grant.grants(&audience, "client"));
        let scopes: Vec<&str> = scopes.into_iter().collect();
        if scopes.is_empty() {
            return;
        }
        self.add_grant(json!({
            "client_id": MANAGEMENT_CLIENT_ID,
            "audience": audience,
            "scope": scopes,
            "subject_type": "client",
        }));
    }

    /// Takes one scope from the application for the Management API.
    pub fn remove_management_scope(&mut self, scope: &str) {
        let mut scopes = self.management_scopes();
        scopes.retain(|one| one != scope);
        self.set_management_scopes(scopes.iter().map(String::as_str));
    }

    pub(crate) fn add_grant(&mut self, body: Value) {
        self.grants.push(new_grant(Object::new(body).0));
    }

    pub(crate) fn add_resource_server(&mut self, body: Value) {
        self.resource_servers.push(new_resource_server(Object::new(body).0));
    }

    /// The identifier of the My Account API.
    pub(crate) fn my_account_audience(&self) -> String {
        format!("{}/me/", self.domain)
    }

    /// The identifier of the Management API.
    pub(crate) fn management_audience(&self) -> String {
        format!("{}/api/v2/", self.domain)
    }

    /// The client id of the web application that signs people in to us.
    pub(crate) fn web_id(&self) -> Option<String> {
        self.web().and_then(|web| web.text("client_id")).map(str::to_owned)
    }

    /// That of the Custom API Client.
    pub(crate) fn api_client_id(&self) -> Option<String> {
        let client = self.clients.iter().find(|client| is_api_client(client))?;
        client.text("client_id").map(str::to_owned)
    }

    pub(crate) fn web(&self) -> Option<&Object> {
        self.clients.iter().find(|client| is_web(client))
    }

    pub(crate) fn web_mut(&mut self) -> Option<&mut Object> {
        self.clients.iter_mut().find(|client| is_web(client))
    }

    pub(crate) fn api_client_mut(&mut self) -> Option<&mut Object> {
        self.clients.iter_mut().find(|client| is_api_client(client))
    }

    pub(crate) fn client(&self, id: &str) -> Option<&Object> {
        self.clients.iter().find(|client| client.text("client_id") == Some(id))
    }

    /// The application with this client id.
    pub(crate) fn application(&self, id: &str) -> Option<Application> {
        let client = self.client(id)?;
        Some(client.application(self.client_keys.get(id).cloned()))
    }

    /// The secret of a confidential client, or nothing.
    pub(crate) fn secret_of(&self, id: &str) -> String {
        self.application(id).and_then(|application| application.secret).unwrap_or_default()
    }

    /// The API with this identifier.
    pub(crate) fn resource_server(&self, identifier: &str) -> Option<&Object> {
        self.resource_servers.iter().find(|server| server.identifier() == identifier)
    }

    /// The identifier of our own API: the newest that is none of Auth0's.
    pub(crate) fn our_api(&self) -> Option<String> {
        let ours = self.resource_servers.iter().rev().find(|server| !server.is_system());
        ours.map(|server| server.identifier().to_owned())
    }

    pub(crate) fn connection_named(&self, name: &str) -> Option<&Object> {
        self.connections.iter().find(|connection| connection.name() == name)
    }

    pub(crate) fn connection(&self, id: &str) -> Option<&Object> {
        self.connections.iter().find(|connection| connection.id() == id)
    }

    /// The connection to Bitbucket.
    pub(crate) fn bitbucket(&self) -> Option<&Object> {
        self.connections.iter().find(|connection| connection.text("strategy") == Some(CONNECTION))
    }

    pub(crate) fn bitbucket_mut(&mut self) -> Option<&mut Object> {
        let mut connections = self.connections.iter_mut();
        connections.find(|connection| connection.text("strategy") == Some(CONNECTION))
    }

    /// Whether people can sign in to an application at all: with one connection at least.
    pub(crate) fn has_login_for(&self, application: &Application) -> bool {
        self.connections.iter().any(|connection| {
            connection.signs_people_in() && connection.is_enabled_for(&application.id)
        })
    }

    /// Takes an application away, and what belongs to it.
    pub(crate) fn delete_client(&mut self, id: &str) {
        self.clients.retain(|client| client.text("client_id") != Some(id));
        self.grants.retain(|grant| grant.text("client_id") != Some(id));
        for connection in &mut self.connections {
            connection.enable_for(id, false);
        }
        for server in &mut self.resource_servers {
            if server.text("client_id") == Some(id) {
                server.remove("client_id");
            }
        }
        self.client_keys.remove(id);
        self.fetched.remove(id);
    }

    /// Takes an API away, and the grants for it.
    pub(crate) fn delete_resource_server(&mut self, identifier: &str) {
        self.resource_servers.retain(|server| server.identifier() != identifier);
        self.grants.retain(|grant| grant.text("audience") != Some(identifier));
    }

    /// Links a Custom API Client to its API, which then names it.
    pub(crate) fn link_api_client(&mut self, client_id: &str, api: &str) {
        let mut clients = self.clients.iter_mut();
        if let Some(client) = clients.find(|client| client.text("client_id") == Some(client_id)) {
            client.set("resource_server_identifier", api);
        }
        let mut servers = self.resource_servers.iter_mut();
        if let Some(server) = servers.find(|server| server.identifier() == api) {
            server.set("client_id", client_id);
        }
    }

    /// The tenant's own flags.
    pub(crate) fn setting(&self, name: &str) -> bool {
        self.settings.flag(name)
    }

    pub(crate) fn registers_clients(&self) -> bool {
        self.settings.inside("flags", "enable_dynamic_client_registration").and_then(Value::as_bool)
            == Some(true)
    }

    pub(crate) fn describes_clients_by_document(&self) -> bool {
        self.setting("client_id_metadata_document_supported")
    }

    /// Whether `resource` names the API where `audience` does not.
    pub(crate) fn takes_resource(&self) -> bool {
        self.settings.text("resource_parameter_profile") == Some("compatibility")
    }

    /// Whether answers of the authorization endpoint name the issuer (RFC 9207).
    pub(crate) fn names_issuer(&self) -> bool {
        self.setting("authorization_response_iss_parameter_supported")
    }

    /// Whether every login asks for a second factor.
    pub(crate) fn always_wants_second_factor(&self) -> bool {
        self.guardian_policies.iter().any(|policy| policy == "all-applications")
    }

    /// What roles permit at an API; nothing where they do not count.
    pub(crate) fn permitted_at(&self, server: &Object) -> Option<Vec<String>> {
        let enforced = server.flag("enforce_policies").then(Vec::new);
        self.permissions.clone().or(enforced)
    }

    /// Takes over changed settings. Flags that are not named stay; `null` takes a setting away.
    pub(crate) fn merge_settings(&mut self, changes: Map<String, Value>) {
        for (name, value) in changes {
            match value {
                Value::Object(flags) if name == "flags" => {
                    for (flag, on) in flags {
                        self.settings.set_inside(&name, &flag, on);
                    }
                }
                Value::Null => self.settings.remove(&name),
                value => self.settings.set(&name, value),
            }
        }
    }
}

fn is_web(client: &Object) -> bool {
    client.text("app_type") == Some("regular_web") && !client.is_third_party()
}

fn is_api_client(client: &Object) -> bool {
    client.text("app_type") == Some("resource_server")
}

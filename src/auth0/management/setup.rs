//! The calls by which a connection's set-up is read and changed.

use serde_json::{Map, Value};

use super::Management;
use super::objects::{
    Application, ClientGrant, Connection, CustomDomain, ResourceServer, TenantSettings,
};
use crate::auth0::Error;

/// The body of a create or a change.
pub type Body = Map<String, Value>;

impl Management {
    /// Every connection of the tenant. `read:connections`
    pub async fn every_connection(&self) -> Result<Vec<Connection>, Error> {
        todo!()
    }

    /// The connections of a strategy, whole. `read:connections`; their options come with
    /// `read:connections_options` only.
    pub async fn connections(&self, strategy: &str) -> Result<Vec<Connection>, Error> {
        let _ = strategy;
        todo!()
    }

    /// The connection of this name, whatever its strategy. `read:connections`
    pub async fn connection_named(&self, name: &str) -> Result<Option<Connection>, Error> {
        let _ = name;
        todo!()
    }

    /// A connection by id. `read:connections`
    pub async fn connection(&self, id: &str) -> Result<Connection, Error> {
        let _ = id;
        todo!()
    }

    /// `create:connections`
    pub async fn create_connection(&self, body: &Body) -> Result<Connection, Error> {
        let _ = body;
        todo!()
    }

    /// `update:connections`, and `update:connections_options` where `body` has `options`, which replace
    /// those that are there.
    pub async fn update_connection(&self, id: &str, body: &Body) -> Result<Connection, Error> {
        let _ = (id, body);
        todo!()
    }

    /// The client ids that a connection is enabled for. `read:connections`
    pub async fn connection_clients(&self, id: &str) -> Result<Vec<String>, Error> {
        let _ = id;
        todo!()
    }

    /// Enables or disables a connection for one application. `update:connections`
    pub async fn enable_connection(
        &self,
        id: &str,
        client_id: &str,
        on: bool,
    ) -> Result<(), Error> {
        let _ = (id, client_id, on);
        todo!()
    }

    /// Every application of the tenant. `read:clients`
    pub async fn applications(&self) -> Result<Vec<Application>, Error> {
        todo!()
    }

    /// `read:clients`
    pub async fn application(&self, client_id: &str) -> Result<Option<Application>, Error> {
        let _ = client_id;
        todo!()
    }

    /// `create:clients`. The answer holds the new secret.
    pub async fn create_application(&self, body: &Body) -> Result<Application, Error> {
        let _ = body;
        todo!()
    }

    /// `update:clients`
    pub async fn update_application(
        &self,
        client_id: &str,
        body: &Body,
    ) -> Result<Application, Error> {
        let _ = (client_id, body);
        todo!()
    }

    /// Every grant for an API. `read:client_grants`
    pub async fn grants(&self, audience: &str) -> Result<Vec<ClientGrant>, Error> {
        let _ = audience;
        todo!()
    }

    /// `create:client_grants`
    pub async fn create_grant(&self, body: &Body) -> Result<ClientGrant, Error> {
        let _ = body;
        todo!()
    }

    /// `update:client_grants`
    pub async fn update_grant(&self, id: &str, body: &Body) -> Result<ClientGrant, Error> {
        let _ = (id, body);
        todo!()
    }

    /// The API with this identifier. `read:resource_servers`
    pub async fn api(&self, identifier: &str) -> Result<Option<ResourceServer>, Error> {
        let _ = identifier;
        todo!()
    }

    /// `create:resource_servers`
    pub async fn create_api(&self, body: &Body) -> Result<ResourceServer, Error> {
        let _ = body;
        todo!()
    }

    /// `update:resource_servers`
    pub async fn update_api(&self, id: &str, body: &Body) -> Result<ResourceServer, Error> {
        let _ = (id, body);
        todo!()
    }

    /// `read:tenant_settings`
    pub async fn tenant_settings(&self) -> Result<TenantSettings, Error> {
        todo!()
    }

    /// `update:tenant_settings`
    pub async fn update_tenant_settings(&self, body: &Body) -> Result<TenantSettings, Error> {
        let _ = body;
        todo!()
    }

    /// `read:custom_domains`
    pub async fn custom_domains(&self) -> Result<Vec<CustomDomain>, Error> {
        todo!()
    }

    /// When a second factor is asked for: `all-applications` means always, `confidence-score` by risk,
    /// an empty list never. `read:mfa_policies`
    pub async fn mfa_policies(&self) -> Result<Vec<String>, Error> {
        todo!()
    }
}

//! The tenant as it is: everything that the requirements look at, read once.

use super::wanted::Wanted;
use super::{Settings, Setup};
use crate::auth0::Error;
use crate::auth0::management::{
    Application, ClientGrant, Connection, CustomDomain, ResourceServer, TenantSettings,
};

/// Something that could be read, or why not.
#[derive(Clone, Debug)]
pub enum Seen<T> {
    /// It is so.
    Known(T),
    /// The management application lacks this scope.
    Lacking(String),
    /// It could not be read: one sentence.
    Failed(String),
}

/// The tenant, as far as it could be read.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Every connection.
    pub(super) connections: Seen<Vec<Connection>>,
    /// For which applications our connection is enabled.
    pub(super) connection_clients: Seen<Vec<String>>,
    /// Every application.
    pub(super) applications: Seen<Vec<Application>>,
    /// The My Account API.
    pub(super) my_account: Seen<Option<ResourceServer>>,
    /// Its grants.
    pub(super) my_account_grants: Seen<Vec<ClientGrant>>,
    /// Our API.
    pub(super) api: Seen<Option<ResourceServer>>,
    /// Its grants.
    pub(super) api_grants: Seen<Vec<ClientGrant>>,
    /// The tenant's settings.
    pub(super) tenant: Seen<TenantSettings>,
    /// Its custom domains.
    pub(super) custom_domains: Seen<Vec<CustomDomain>>,
    /// When a second factor is asked for.
    pub(super) mfa_policies: Seen<Vec<String>>,
}

impl Setup {
    /// Reads the tenant.
    ///
    /// # Errors
    /// When the Management API cannot be used at all: no such tenant, wrong credentials, no grant.
    pub(super) async fn snapshot(&self, wanted: &Wanted) -> Result<Snapshot, Error> {
        let _: (&Settings, _) = (&self.inner, wanted);
        todo!()
    }
}

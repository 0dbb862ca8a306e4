//! The tenant as it is: everything that the requirements look at, read once.

use super::Setup;
use super::requirements::management_scopes;
use super::wanted::Wanted;
use crate::auth0::management::{
    Application, ClientGrant, Connection, CustomDomain, ResourceServer, TenantSettings,
};
use crate::auth0::{Error, Management, ManagementProblem};

/// The strategy of the connection that Token Vault needs.
pub(super) const STRATEGY: &str = "bitbucket";

/// Something that could be read, or why not.
#[derive(Clone, Debug)]
pub(super) enum Seen<T> {
    /// It is so.
    Known(T),
    /// The management application lacks this scope.
    Lacking(String),
    /// It could not be read: one sentence.
    Failed(String),
}

/// Why something is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread<'a> {
    /// The management application lacks this scope.
    Lacking(&'a str),
    /// It could not be read: one sentence.
    Failed(&'a str),
}

/// The tenant, as far as it could be read. Holds secrets of connections, which `Debug` hides.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Ours, whole, and others of the strategy.
    pub(super) connections: Seen<Vec<Connection>>,
    /// Every connection, without its options. Read for `http` alone.
    pub(super) every_connection: Seen<Vec<Connection>>,
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
    /// The scopes that the management application was granted.
    pub(super) management_scopes: Seen<Vec<String>>,
}

impl<T> Seen<T> {
    /// What is so, or why that is not known.
    pub(super) fn known(&self) -> Result<&T, Unread<'_>> {
        match self {
            Self::Known(known) => Ok(known),
            Self::Lacking(scope) => Err(Unread::Lacking(scope)),
            Self::Failed(why) => Err(Unread::Failed(why)),
        }
    }

    /// What reading has brought.
    ///
    /// # Errors
    /// When nothing else can be read either.
    fn of(read: Result<T, Error>, scope: &str) -> Result<Self, Error> {
        match read {
            Ok(known) => Ok(Self::Known(known)),
            Err(Error::Management(ManagementProblem::Scope { any_of })) => {
                let is_ours = any_of.is_empty() || any_of.iter().any(|one| one == scope);
                let named = any_of.into_iter().next().filter(|_| !is_ours);
                Ok(Self::Lacking(named.unwrap_or_else(|| scope.to_owned())))
            }
            Err(
                error @ (Error::Transport(_)
                | Error::Management(
                    ManagementProblem::BadClient
                    | ManagementProblem::Grant
                    | ManagementProblem::NotFound
                    | ManagementProblem::TokenRejected,
                )),
            ) => Err(error),
            Err(error) => Ok(Self::Failed(error.to_string())),
        }
    }
}

impl<T> Seen<Option<T>> {
    /// Whether it is known not to be there.
    fn is_absent(&self) -> bool {
        matches!(self, Self::Known(None))
    }
}

impl Setup {
    /// Reads the tenant.
    ///
    /// Free tenants answer two requests a second, so never more than two are under way.
    ///
    /// # Errors
    /// When the Management API cannot be used at all: no such tenant, wrong credentials, no grant.
    pub(super) async fn snapshot(&self, wanted: &Wanted) -> Result<Snapshot, Error> {
        let management = &self.inner.management;
        let http = wanted.transports.http();
        let needed: Vec<&str> =
            management_scopes(wanted.transports).map(|scope| scope.name).collect();
        let granted = match management.granted_scopes(&needed).await? {
            Some(scopes) => Seen::Known(scopes),
            None => Seen::Failed("Auth0 has not said which scopes its token has".to_owned()),
        };
        let (connections, applications) = tokio::join!(
            connections(management, wanted),
            seen("read:clients", management.applications())
        );
        let (connections, applications) = (connections?, applications?);
        let ours = match &connections {
            Seen::Known(all) => all.iter().find(|one| one.name == wanted.connection),
            Seen::Lacking(_) | Seen::Failed(_) => None,
        };
        let clients = async {
            match (ours, &connections) {
                (Some(ours), _) => {
                    seen("read:connections", management.connection_clients(&ours.id)).await
                }
                (None, Seen::Known(_)) => Ok(Seen::Known(Vec::new())),
                (None, Seen::Lacking(scope)) => Ok(Seen::Lacking(scope.clone())),
                (None, Seen::Failed(why)) => Ok(Seen::Failed(why.clone())),
            }
        };
        let (connection_clients, my_account) =
            tokio::join!(clients, my_account(management, wanted));
        let (connection_clients, my_account) = (connection_clients?, my_account?);
        let identifier = match &my_account {
            Seen::Known(Some(api)) => api.identifier.clone(),
            Seen::Known(None) | Seen::Lacking(_) | Seen::Failed(_) => wanted.my_account(),
        };
        let (my_account_grants, mfa_policies) = tokio::join!(
            grants(management, &identifier, &my_account),
            seen("read:mfa_policies", management.mfa_policies())
        );
        let (my_account_grants, mfa_policies) = (my_account_grants?, mfa_policies?);
        let api = async {
            match wanted.api().filter(|_| http) {
                Some(identifier) => {
                    seen("read:resource_servers", management.api(&identifier)).await
                }
                None => Ok(Seen::Known(None)),
            }
        };
        let (custom_domains, api) =
            tokio::join!(seen("read:custom_domains", management.custom_domains()), api);
        let (custom_domains, api) = (custom_domains?, api?);
        let (api_grants, tenant, every_connection) = if http {
            let identifier = wanted.api().unwrap_or_default();
            let (api_grants, tenant) = tokio::join!(
                grants(management, &identifier, &api),
                seen("read:tenant_settings", management.tenant_settings())
            );
            (api_grants?, tenant?, every_connection(management).await?)
        } else {
            let needless = || "it does not matter for `stdio`".to_owned();
            (Seen::Known(Vec::new()), Seen::Failed(needless()), Seen::Failed(needless()))
        };
        Ok(Snapshot {
            connections,
            every_connection,
            connection_clients,
            applications,
            my_account,
            my_account_grants,
            api,
            api_grants,
            tenant,
            custom_domains,
            mfa_policies,
            management_scopes: granted,
        })
    }
}

/// What `read` brings, which needs `scope`.
async fn seen<T>(
    scope: &str,
    read: impl Future<Output = Result<T, Error>>,
) -> Result<Seen<T>, Error> {
    Seen::of(read.await, scope)
}

/// Ours comes whole, by its strategy, or by its name where it has another one.
async fn connections(
    management: &Management,
    wanted: &Wanted,
) -> Result<Seen<Vec<Connection>>, Error> {
    let read = async {
        let mut connections = management.connections(STRATEGY).await?;
        if !connections.iter().any(|one| one.name == wanted.connection) {
            connections.extend(management.connection_named(&wanted.connection).await?);
        }
        Ok(connections)
    };
    seen("read:connections", read).await
}

/// What they keep at their providers is none of our business.
async fn every_connection(management: &Management) -> Result<Seen<Vec<Connection>>, Error> {
    let read = async {
        let mut all = management.every_connection().await?;
        all.iter_mut().for_each(|connection| connection.options = None);
        Ok(all)
    };
    seen("read:connections", read).await
}

/// By the tenant's own domain, or else by the one that is used. One of Auth0's own comes first.
async fn my_account(
    management: &Management,
    wanted: &Wanted,
) -> Result<Seen<Option<ResourceServer>>, Error> {
    let read = async {
        let own = management.api(&wanted.my_account()).await?;
        let is_system = |api: &ResourceServer| api.is_system == Some(true);
        let Some(custom) = wanted.my_account_of_custom_domain() else { return Ok(own) };
        if own.as_ref().is_some_and(is_system) {
            return Ok(own);
        }
        let custom = management.api(&custom).await?;
        Ok(custom.filter(|custom| own.is_none() || is_system(custom)).or(own))
    };
    seen("read:resource_servers", read).await
}

/// An API that is not there has no grants.
async fn grants(
    management: &Management,
    identifier: &str,
    api: &Seen<Option<ResourceServer>>,
) -> Result<Seen<Vec<ClientGrant>>, Error> {
    if api.is_absent() {
        return Ok(Seen::Known(Vec::new()));
    }
    seen("read:client_grants", management.grants(identifier)).await
}

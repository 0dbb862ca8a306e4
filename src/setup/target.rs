//! Which objects of the tenant are meant.

use super::edit::Object;
use super::snapshot::{STRATEGY, Seen, Snapshot, Unread};
use super::wanted::{Reference, Wanted, api_client_name, beside};
use crate::auth0::management::{Application, ClientGrant, Connection, ResourceServer};

/// Auth0 gives such client ids to applications that registered themselves.
const REGISTERED: &str = "tpc_";
/// What a client id looks like: nobody calls an application so.
const CLIENT_ID_LENGTH: usize = 32;

/// What is wanted, held against the tenant: which of its objects are meant.
#[derive(Clone, Debug)]
pub(super) struct Target<'a> {
    pub(super) wanted: &'a Wanted,
    pub(super) snapshot: &'a Snapshot,
    /// The web application of `stdio`, where that is served.
    pub(super) stdio: Option<Place<'a>>,
    /// The web application of `http`, where that is served.
    pub(super) http: Option<Place<'a>>,
    /// The Custom API Client, where `http` is served.
    pub(super) api_client: Option<Place<'a>>,
}

/// Where an application is.
#[derive(Clone, Debug)]
pub(super) enum Place<'a> {
    /// Here.
    Found(&'a Application),
    /// Nowhere. It would be called so.
    Absent(String),
    /// Nowhere, although a client id was given; it would be another one if it were made.
    Unknown,
    /// Several are called so.
    Ambiguous(String),
    /// The applications could not be read.
    Unread(Unread<'a>),
}

impl<'a> Target<'a> {
    pub(super) fn of(wanted: &'a Wanted, snapshot: &'a Snapshot) -> Self {
        let applications = match snapshot.applications.known() {
            Ok(applications) => applications,
            Err(why) => {
                let unread = |served: bool| served.then_some(Place::Unread(why));
                let (stdio, http) = (wanted.stdio.is_some(), wanted.http.is_some());
                let (stdio, http, api_client) = (unread(stdio), unread(http), unread(http));
                return Self { wanted, snapshot, stdio, http, api_client };
            }
        };
        // Whoever is given the management application as one that serves people, gives its powers away.
        let others = |one: &&Application| one.client_id != wanted.management_client;
        let applications: Vec<&Application> = applications.iter().filter(others).collect();
        let applications = applications.as_slice();
        let stdio = wanted.stdio.as_ref().map(|reference| match reference {
            Reference::Setting(id) => by_id(applications, id),
            Reference::Given(_) | Reference::Default | Reference::BesideStdio => {
                by_reference(applications, reference.new_name())
            }
        });
        let http = wanted.http.as_ref().map(|reference| match reference {
            Reference::Setting(id) => by_id(applications, id),
            Reference::Given(given) => by_reference(applications, given),
            Reference::Default => default_of_http(applications, reference.new_name()),
            Reference::BesideStdio => match &stdio {
                Some(Place::Found(stdio)) => by_reference(applications, &beside(&stdio.name)),
                Some(Place::Absent(name)) => by_reference(applications, &beside(name)),
                _ => by_reference(applications, &beside(reference.new_name())),
            },
        });
        let api_client = http.as_ref().map(|http| {
            let api = wanted.api();
            let linked =
                |one: &&Application| api.is_some() && one.resource_server_identifier == api;
            match (&wanted.api_client, applications.iter().copied().find(linked)) {
                (Some(id), _) => by_id(applications, id),
                (None, Some(linked)) => Place::Found(linked),
                (None, None) => Place::Absent(api_client_name(match (&stdio, http) {
                    (Some(Place::Found(stdio)), _) => &stdio.name,
                    (Some(Place::Absent(name)), _) | (_, Place::Absent(name)) => name,
                    (_, Place::Found(http)) => &http.name,
                    _ => Reference::Default.new_name(),
                })),
            }
        });
        Self { wanted, snapshot, stdio, http, api_client }
    }

    /// The application that is meant by `object`.
    pub(super) fn place(&self, object: &Object) -> Option<&Place<'a>> {
        match object {
            Object::StdioApplication => self.stdio.as_ref(),
            Object::HttpApplication => self.http.as_ref(),
            Object::ApiClient => self.api_client.as_ref(),
            _ => None,
        }
    }

    /// The application that is meant by `object`, where it is there.
    pub(super) fn application(&self, object: &Object) -> Option<&'a Application> {
        match self.place(object)? {
            Place::Found(application) => Some(application),
            _ => None,
        }
    }

    /// The connection of the name that is wanted, whatever its strategy.
    pub(super) fn connection(&self) -> Result<Option<&'a Connection>, Unread<'a>> {
        let all = self.snapshot.connections.known()?;
        Ok(all.iter().find(|one| one.name == self.wanted.connection))
    }

    /// The connection that is meant, if it is the kind that we may write to.
    pub(super) fn our_connection(&self) -> Option<&'a Connection> {
        self.connection().ok().flatten().filter(|one| one.strategy == STRATEGY)
    }

    /// The identifier of the My Account API: as it is there, or would be.
    pub(super) fn my_account(&self) -> String {
        match &self.snapshot.my_account {
            Seen::Known(Some(api)) => api.identifier.clone(),
            Seen::Known(None) | Seen::Lacking(_) | Seen::Failed(_) => self.wanted.my_account(),
        }
    }

    /// The user grant of `application` for `api`.
    pub(super) fn user_grant(&self, application: &Object, api: &Object) -> Option<&'a ClientGrant> {
        let client_id = self.application(application)?.client_id.as_str();
        let mut grants = self.grants(api).known().ok()?.iter();
        grants.find(|one| one.client_id.as_deref() == Some(client_id) && is_for_users(one))
    }

    /// The default grant of third-party clients for our API.
    pub(super) fn third_party_grant(&self) -> Option<&'a ClientGrant> {
        let mut grants = self.snapshot.api_grants.known().ok()?.iter();
        grants.find(|one| is_for_third_parties(one) && is_for_users(one))
    }

    /// The grants of `api`.
    pub(super) fn grants(&self, api: &Object) -> &'a Seen<Vec<ClientGrant>> {
        match api {
            Object::MyAccount => &self.snapshot.my_account_grants,
            _ => &self.snapshot.api_grants,
        }
    }

    /// What the Management API knows `object` by, where it is there.
    pub(super) fn id_of(&self, object: &Object) -> Option<String> {
        let api = |api: &'a Seen<Option<ResourceServer>>| api.known().ok()?.as_ref();
        Some(match object {
            Object::Tenant => return None,
            Object::MyAccount => api(&self.snapshot.my_account)?.id.clone(),
            Object::Api => api(&self.snapshot.api)?.id.clone(),
            Object::StdioApplication | Object::HttpApplication | Object::ApiClient => {
                self.application(object)?.client_id.clone()
            }
            Object::Grant { application, api } => self.user_grant(application, api)?.id.clone(),
            Object::ThirdPartyGrant => self.third_party_grant()?.id.clone(),
            Object::Connection | Object::Enabled { .. } => self.our_connection()?.id.clone(),
            Object::LoginConnection { id } => id.clone(),
        })
    }
}

/// Grants of old say nothing, and are not for users.
pub(super) fn is_for_users(grant: &ClientGrant) -> bool {
    grant.subject_type.as_deref() == Some("user")
}

/// Whether it is the default of the applications of other people.
pub(super) fn is_for_third_parties(grant: &ClientGrant) -> bool {
    grant.default_for.as_deref() == Some("third_party_clients")
}

fn by_id<'a>(applications: &[&'a Application], id: &str) -> Place<'a> {
    match applications.iter().copied().find(|one| one.client_id == id) {
        Some(found) => Place::Found(found),
        None => Place::Unknown,
    }
}

/// By client id, or else by name. Whoever registers an application with the tenant chooses its name, so
/// no name finds one of those.
fn by_reference<'a>(applications: &[&'a Application], given: &str) -> Place<'a> {
    if let Some(found) = applications.iter().copied().find(|one| one.client_id == given) {
        return Place::Found(found);
    }
    let mut named = applications
        .iter()
        .copied()
        .filter(|one| one.name == given && !one.client_id.starts_with(REGISTERED));
    match (named.next(), named.next()) {
        (Some(found), None) => Place::Found(found),
        (Some(_), Some(_)) => Place::Ambiguous(given.to_owned()),
        (None, _) if is_client_id(given) => Place::Unknown,
        (None, _) => Place::Absent(given.to_owned()),
    }
}

/// The application of `http` where nothing names it. That of `stdio` is not taken for it: its secret
/// is on every desktop.
fn default_of_http<'a>(applications: &[&'a Application], name: &str) -> Place<'a> {
    match by_reference(applications, &beside(name)) {
        Place::Absent(beside) => match by_reference(applications, name) {
            Place::Found(other) if serves_stdio(other) => Place::Absent(beside),
            place => place,
        },
        place => place,
    }
}

/// Whether people sign in with it on their own machines.
pub(super) fn serves_stdio(application: &Application) -> bool {
    let ours = Wanted::stdio_callbacks();
    application.callbacks.iter().flatten().any(|callback| ours.contains(callback))
}

fn is_client_id(text: &str) -> bool {
    text.len() == CLIENT_ID_LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

//! What is to be changed: one field of one object, as it is shown and as it is written.

use serde::Serialize;
use serde_json::Value;

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is taken away.
    Delete,
}

/// One line of a plan, as people and scripts read it. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What is changed, such as ``application `bitbucket-vault-mcp` ``.
    pub object: String,
    /// How.
    pub action: Action,
    /// Which of its fields.
    pub field: String,
    /// What is there now: a value, `set` or `not set`.
    pub from: String,
    /// What will be there.
    pub to: String,
}

/// The objects of a tenant that we set up, in the order in which they are written: nothing refers to
/// one further down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Object {
    /// The tenant's own settings.
    Tenant,
    /// Auth0's My Account API.
    MyAccount,
    /// Our own API.
    Api,
    /// The web application of `stdio`.
    StdioApplication,
    /// The web application of `http`.
    HttpApplication,
    /// The Custom API Client.
    ApiClient,
    /// The user grant of an application for an API.
    Grant {
        /// Whose.
        application: Box<Object>,
        /// For which API.
        api: Box<Object>,
    },
    /// The default grant of third-party clients for our API.
    ThirdPartyGrant,
    /// The Bitbucket connection.
    Connection,
    /// That the connection is enabled for an application.
    Enabled {
        /// For which application.
        application: Box<Object>,
    },
    /// A connection that people sign in with, which third-party clients need at domain level.
    LoginConnection {
        /// Its id.
        id: String,
    },
}

impl Object {
    /// Whether it is an application, which has a secret.
    pub(super) fn is_application(&self) -> bool {
        matches!(self, Self::StdioApplication | Self::HttpApplication | Self::ApiClient)
    }
}

/// What a field is set to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Set {
    /// This value.
    Value(Value),
    /// The identifier of an object, which may be created on the way: an application's client id.
    IdOf(Object),
    /// The consumer's key, from wherever the secret comes.
    ConsumerKey,
    /// The consumer's secret.
    ConsumerSecret,
}

/// One field of one object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Edit {
    /// Of what.
    pub(super) object: Object,
    /// Whether the object is there already.
    pub(super) action: Action,
    /// The key in the body that is sent, with dots into an object inside: `options.scope`. Objects
    /// inside are merged with what is there before they are sent, since Auth0 replaces them.
    pub(super) field: &'static str,
    /// What is there now, as it is shown.
    pub(super) from: String,
    /// What it will be, as it is shown.
    pub(super) to: String,
    /// What is written.
    pub(super) set: Set,
}

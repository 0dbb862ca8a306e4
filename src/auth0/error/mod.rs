//! How Auth0 refuses, told apart by what has to happen next.
//!
//! The API reference lists statuses only, and the same status means several things. So the
//! `error` code decides first, the description's wording where the code is not enough, and the status
//! last. The description itself may hold anything, and is only ever logged, for debugging.

mod refusal;

use std::sync::Arc;
use std::time::Duration;

pub(super) use refusal::Asked;

use super::access_token::AccessTokenProblem;
use super::id_token::IdTokenProblem;
use crate::net;
use crate::text::Foreign;

/// A call to Auth0 that did not work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The vault holds nothing for this person and connection.
    #[error("no account of this connection is linked")]
    NotLinked,
    /// The vault holds an account whose own refresh token the provider refused.
    #[error("the linked account has withdrawn its consent, or the consent has expired")]
    LinkBroken,
    /// The Auth0 refresh token is gone.
    #[error("the sign-in at Auth0 has ended")]
    SignedOut,
    /// The authorization code was used, expired or meant for something else.
    #[error("the sign-in took too long or was already used")]
    CodeRejected,
    /// The tenant's policy wants a second factor, which no exchange can give.
    #[error("Auth0 asks for a second factor, which a token exchange cannot give")]
    MfaRequired,
    /// The connection is not made for Token Vault.
    #[error("Token Vault is not enabled for the connection")]
    VaultDisabled,
    /// The application may not use the grant.
    #[error("the Auth0 application lacks a grant type that is needed")]
    GrantMissing,
    /// The application may not exchange callers' access tokens of this API.
    #[error("Auth0 does not let the API client exchange access tokens of this API")]
    ApiClientUnfit,
    /// The credentials of the application that exchanges callers' access tokens are wrong.
    #[error("Auth0 does not accept the API client's credentials")]
    BadApiClient,
    /// The application's credentials are wrong.
    #[error("Auth0 does not accept the application's credentials")]
    BadClient,
    /// The tenant said no, for example by an Action.
    #[error("Auth0 denied access")]
    Denied,
    /// No token for the My Account API, or the API is not there.
    #[error(transparent)]
    MyAccountUnavailable(#[from] MyAccountProblem),
    /// The Management API cannot be asked, or not for this person.
    #[error(transparent)]
    Management(#[from] ManagementProblem),
    /// The My Account token has expired or is not accepted.
    #[error("Auth0 does not accept the My Account token any more")]
    MyAccountTokenRejected,
    /// The callback URL is not registered with the application.
    #[error("the callback URL is not among the application's allowed callback URLs")]
    CallbackNotAllowed,
    /// The linking session is over.
    #[error("the linking session has expired or was already used")]
    LinkExpired,
    /// The account is linked already.
    #[error("the account is linked already")]
    AlreadyLinked,
    /// Auth0 wants us to slow down.
    #[error("Auth0's rate limit is reached")]
    RateLimited {
        /// How long to wait, where Auth0 says so.
        after: Option<Duration>,
    },
    /// Auth0 is having trouble of its own.
    #[error("Auth0 is not working right now (HTTP {status})")]
    Unavailable {
        /// Its HTTP status.
        status: u16,
    },
    /// An answer that no rule here covers.
    #[error("Auth0 refused in an unexpected way ({})", unexpected(*status, code.as_deref()))]
    Unexpected {
        /// Its HTTP status.
        status: u16,
        /// Its error code, if it looks like one.
        code: Option<String>,
    },
    /// A success whose body is not what it should be.
    #[error("Auth0's answer is not {0}")]
    Unreadable(&'static str),
    /// Auth0 sent us somewhere that is not Auth0.
    #[error("Auth0 named a {0} outside its own domain")]
    ForeignUrl(&'static str),
    /// A callback of some other authorization server (RFC 9207).
    #[error("the answer came from another issuer")]
    Issuer,
    /// The ID token does not hold.
    #[error("the ID token is not valid: {0}")]
    IdToken(#[from] IdTokenProblem),
    /// The access token of a caller does not hold.
    #[error("the access token is not valid: {0}")]
    AccessToken(#[from] AccessTokenProblem),
    /// The tenant's signing keys cannot be had. Everybody who waited for them gets the same error.
    #[error(transparent)]
    Keys(Arc<Error>),
    /// The key that the application signs with cannot sign.
    #[error("the client signing key is not an RSA private key in PEM")]
    SigningKey,
    /// A setting that cannot work.
    #[error("{0}")]
    Invalid(&'static str),
    /// No answer came, or it broke off.
    #[error(transparent)]
    Transport(#[from] net::Error),
}

/// Why there is no My Account API for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MyAccountProblem {
    /// The application's refresh tokens are not good for it (multi-resource refresh tokens).
    #[error("the application's refresh token policy does not include the My Account API")]
    RefreshPolicy,
    /// The application has no grant for it.
    #[error("the application is not authorized for the My Account API")]
    Grant,
    /// The token lacks a scope.
    #[error("the application's grant for the My Account API lacks a scope for connected accounts")]
    Scope,
    /// The API is not activated, or does not know the connection for this application.
    #[error(
        "the My Account API is not activated, or the connection is not enabled for the application"
    )]
    NotFound,
}

/// Why the Management API tells us nothing, or does not do what we want.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManagementProblem {
    /// The credentials of the application that asks are wrong.
    #[error("Auth0 does not accept the management client's credentials")]
    BadClient,
    /// That application has no grant for it.
    #[error("the management client is not authorized for the Management API")]
    Grant,
    /// Its grant lacks a scope.
    #[error("the management client's grant for the Management API lacks {}", alternatives(any_of))]
    Scope {
        /// The scopes of which one is needed; none where Auth0 does not name them.
        any_of: Vec<String>,
    },
    /// The domain has none.
    #[error("there is no Management API at the management domain")]
    NotFound,
    /// The token has ended or was taken back, and so was the next.
    #[error("Auth0 does not accept the token for its Management API")]
    TokenRejected,
    /// The tenant has no such user.
    #[error("the Management API does not know the user")]
    UnknownUser,
    /// The tenant has no such object.
    #[error("the tenant has no such object")]
    Absent,
    /// There is such an object already, or it is being changed.
    #[error("the tenant has such an object already{}", said(.0))]
    Conflict(Foreign),
    /// The tenant's subscription does not include it.
    #[error("the tenant's subscription does not include this{}", said(.0))]
    NotOffered(Foreign),
    /// What was sent is not as Auth0 wants it.
    #[error("Auth0 does not take what was sent{}", said(.0))]
    Invalid(Foreign),
}

fn unexpected(status: u16, code: Option<&str>) -> String {
    match code {
        Some(code) => format!("HTTP {status}, `{code}`"),
        None => format!("HTTP {status}"),
    }
}

/// What Auth0 said, quoted, behind our own words.
fn said(message: &Foreign) -> String {
    if message.is_empty() { String::new() } else { format!(": {}", message.quoted()) }
}

fn alternatives(scopes: &[String]) -> String {
    if scopes.is_empty() {
        return "a scope".to_owned();
    }
    scopes.iter().map(|scope| format!("`{scope}`")).collect::<Vec<_>>().join(" or ")
}

//! The one request that turns an Auth0 token into a Bitbucket token.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use secrecy::SecretString;

use super::cache::Issued;
use super::{Error, Proof, SubjectToken};
use crate::auth0::{self, Subject, Tenant};
use crate::bitbucket::{AccessToken, Scopes};

/// Exchanges what `proof` holds for the Bitbucket token in that person's vault.
///
/// `login_hint` tells several accounts on one connection apart. No scope is asked for: Bitbucket grants
/// what its consumer has, whatever a request names. `count` counts what is really asked: nothing is
/// while Auth0 wants to be left alone.
pub(super) async fn exchange(
    tenant: Tenant,
    count: Arc<AtomicU64>,
    connection: String,
    proof: Proof,
    login_hint: Option<String>,
) -> Result<Issued, Error> {
    let subject = match &proof.token {
        SubjectToken::Refresh(token) => Subject::Refresh(token),
        SubjectToken::Access(token) => Subject::Access(token),
    };
    tenant.may_exchange()?;
    count.fetch_add(1, Ordering::Relaxed);
    let vault = tenant.vault_token(subject, &connection, login_hint.as_deref()).await;
    let vault = vault.map_err(|error| match (error, subject) {
        (auth0::Error::SignedOut, Subject::Access(_)) => Error::TokenEnded,
        (error, _) => error.into(),
    })?;
    tracing::debug!(subject = proof.caller.subject, connection, "exchanged for a Bitbucket token");
    let token = AccessToken::new(SecretString::from(vault.expose().to_owned()));
    let scopes = vault.scope.as_deref().map(Scopes::parse);
    let scopes = scopes.filter(|scopes| scopes.iter().next().is_some());
    Ok(Issued { token, expires_in: vault.expires_in, scopes })
}

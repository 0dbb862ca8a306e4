//! A person's accounts in the vault, and what Bitbucket calls them.

use std::time::{Duration, Instant};

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::LinkedAccount;
use crate::auth0::{
    self, AccountId, Connect, ConnectTicket, ConnectedAccount, MyAccountToken, PkceVerifier, Tenant,
};
use crate::bitbucket::{Account, Limits};
use crate::broker::{Broker, Error, Proof};
use crate::identity::{CallbackQuery, Caller};
use crate::text::Foreign;

/// How long asking Bitbucket for a name may take. Nothing depends on it.
const PATIENCE: Duration = Duration::from_secs(20);
/// Names longer than this are cut.
pub(super) const NAME: usize = 100;

/// The accounts on one connection, of whoever's token is shown.
#[derive(Clone)]
pub(super) struct Accounts {
    pub(super) broker: Broker,
    pub(super) tenant: Tenant,
    pub(super) connection: String,
}

/// A link that has been started at Auth0.
pub(super) struct Started {
    ticket: ConnectTicket,
    redirect_uri: Url,
    /// Shows that who ends the link also began it.
    verifier: PkceVerifier,
    /// The ids of the accounts that were linked before; unknown when they could not be read.
    before: Option<Vec<AccountId>>,
}

impl Accounts {
    /// Starts a link. Auth0's five minutes for the person's consent start here.
    pub(super) async fn start(
        &self,
        token: &MyAccountToken,
        redirect_uri: &Url,
        state: &str,
    ) -> Result<Started, Error> {
        let verifier = PkceVerifier::random();
        let request =
            Connect { connection: &self.connection, redirect_uri, state, verifier: &verifier };
        let (ticket, before) = tokio::join!(
            self.tenant.connect_account(token, &request),
            self.tenant.connected_accounts(token, &self.connection),
        );
        let ticket = ticket?;
        let before =
            before.ok().map(|accounts| accounts.into_iter().map(|account| account.id).collect());
        Ok(Started { ticket, redirect_uri: redirect_uri.clone(), verifier, before })
    }

    /// The code that a browser has brought back from a link.
    pub(super) fn code<'a>(&self, query: &'a CallbackQuery) -> Result<&'a str, Error> {
        // Auth0 promises `iss` for logins only, so here its absence says nothing.
        if query.iss.is_some() {
            self.tenant.check_issuer(query.iss.as_deref())?;
        }
        let code = query.connect_code.as_deref().filter(|_| query.error.is_none());
        Ok(code.ok_or(auth0::Error::Denied)?)
    }

    /// Sends the code once. When it is not known what came of that, the accounts tell.
    pub(super) async fn complete(
        &self,
        caller: &Caller,
        token: &MyAccountToken,
        started: &Started,
        code: &str,
    ) -> Result<ConnectedAccount, Error> {
        let Started { ticket, redirect_uri, verifier, before } = started;
        let session: &SecretString = &ticket.auth_session;
        let completed =
            self.tenant.complete_account(token, session, code, redirect_uri, verifier).await;
        let error = match completed {
            Ok(account) => return Ok(account),
            Err(error) if leaves_outcome_open(&error) => error,
            Err(error) => return Err(error.into()),
        };
        tracing::warn!(%error, "it is not known whether the account was linked; reading the accounts");
        let accounts = self.list(caller, token).await?;
        let is_new = |account: &ConnectedAccount| {
            before.as_ref().is_none_or(|before| !before.contains(&account.id))
        };
        accounts.into_iter().rev().find(is_new).ok_or_else(|| error.into())
    }

    /// Drops what was known of the caller's account before the link was completed.
    pub(super) async fn settle(&self, caller: &Caller, token: &MyAccountToken, started: &Started) {
        self.broker.forget(caller);
        if started.before.as_ref().is_none_or(|before| !before.is_empty()) {
            // There was one already: it may have been replaced, or stand beside the new one.
            if let Err(error) = self.list(caller, token).await {
                tracing::warn!(%error, "the linked accounts could not be read");
            }
        }
    }

    /// The accounts that are linked, without names; and the broker learns whether there are several.
    pub(super) async fn list(
        &self,
        caller: &Caller,
        token: &MyAccountToken,
    ) -> Result<Vec<ConnectedAccount>, Error> {
        let accounts = self.tenant.connected_accounts(token, &self.connection).await?;
        let ids = accounts.iter().map(|account| account.id.to_string()).collect();
        self.broker.note_accounts(caller, ids);
        Ok(accounts)
    }

    /// As [`introduce`](Self::introduce), for an account that was linked just now: the broker learns
    /// what the link has brought.
    pub(super) async fn introduce_new(
        &self,
        proof: &Proof,
        account: &mut LinkedAccount,
    ) -> Result<(), Error> {
        let introduced = self.introduce(proof, account).await;
        if account.scopes.is_some() {
            let scopes = account.scopes.iter().flatten().map(String::as_str).collect();
            self.broker.note_link(&proof.caller, Some(scopes));
        }
        introduced
    }

    /// Adds what Bitbucket says of the account: its name, the scopes that it really has, and whether
    /// the link still works.
    pub(super) async fn introduce(
        &self,
        proof: &Proof,
        account: &mut LinkedAccount,
    ) -> Result<(), Error> {
        let limits =
            Limits { deadline: Instant::now() + PATIENCE, cancel: CancellationToken::new() };
        let user = async { Ok(self.broker.client(proof, limits).await?.user().await?) }.await;
        account.broken = matches!(user, Err(Error::LinkBroken | Error::NotLinked));
        if !account.broken {
            // A refusal names them too, and without Bitbucket the vault may.
            account.scopes = granted(&self.broker, &proof.caller);
        }
        account.name_after(user?);
        Ok(())
    }

    /// Takes `account` out of the vault, and its token out of memory. Gives the accounts that are left,
    /// as far as they could be read.
    pub(super) async fn remove(
        &self,
        caller: &Caller,
        token: &MyAccountToken,
        account: &AccountId,
    ) -> Result<Option<Vec<ConnectedAccount>>, Error> {
        self.tenant.delete_account(token, account).await?;
        self.broker.forget(caller);
        self.broker.note_link(caller, None);
        let left = self.list(caller, token).await;
        if let Err(error) = &left {
            tracing::warn!(%error, "the accounts that are left could not be read");
        }
        Ok(left.ok())
    }
}

impl Started {
    /// Where the person consents.
    pub(super) fn url(&self) -> &Url {
        &self.ticket.url
    }
}

impl LinkedAccount {
    /// Notes what Bitbucket calls the account and its person.
    pub(super) fn name_after(&mut self, user: Account) {
        let shown = |name: Option<String>| {
            name.map(|name| Foreign::line(&name, NAME)).filter(|name| !name.is_empty())
        };
        self.username = shown(user.username.or(user.nickname));
        self.display_name = shown(user.display_name);
    }
}

impl From<ConnectedAccount> for LinkedAccount {
    fn from(account: ConnectedAccount) -> Self {
        Self {
            id: Some(account.id.to_string()),
            connection: account.connection,
            username: None,
            display_name: None,
            scopes: None,
            broken: false,
            linked_at: account.created_at,
        }
    }
}

/// What the caller's account has granted, as far as the broker knows.
pub(super) fn granted(broker: &Broker, caller: &Caller) -> Option<Vec<String>> {
    broker.scopes(caller).map(|scopes| scopes.iter().map(str::to_owned).collect())
}

/// Whether Auth0 may have carried out a request that ended so.
fn leaves_outcome_open(error: &auth0::Error) -> bool {
    match error {
        auth0::Error::Transport(error) => !error.nothing_was_sent(),
        auth0::Error::Unavailable { .. } | auth0::Error::Unreadable(_) => true,
        _ => false,
    }
}

//! A person's accounts in the vault, and what Bitbucket calls them.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::LinkedAccount;
use crate::auth0::{self, AccountId, ConnectedAccount, MyAccountToken, Tenant};
use crate::bitbucket::{Client, Limits};
use crate::broker::{Broker, Error, Proof};
use crate::identity::{Session, SignedIn};
use crate::text::Foreign;

/// How long asking Bitbucket for a name may take. Nothing depends on it.
const PATIENCE: Duration = Duration::from_secs(20);
/// Names longer than this are cut.
const NAME: usize = 100;

/// What linking works with.
#[derive(Clone)]
pub(super) struct Vault {
    pub(super) session: Session,
    pub(super) broker: Broker,
    pub(super) tenant: Tenant,
    pub(super) connection: String,
}

impl Vault {
    /// Who is signed in.
    pub(super) async fn signed_in(&self) -> Result<SignedIn, Error> {
        self.session.current().await?.ok_or(Error::NotSignedIn)
    }

    /// A My Account token for `signed_in`. A refresh token that Auth0 replaced on the way is kept before
    /// anything else happens, and stands for the person from then on.
    pub(super) async fn my_account(
        &self,
        signed_in: &mut SignedIn,
    ) -> Result<MyAccountToken, Error> {
        let (token, rotated) = match self.tenant.my_account(&signed_in.refresh_token).await {
            Err(auth0::Error::SignedOut) => {
                // The person may have signed in anew at a terminal.
                let newer = self.session.replaced(&signed_in.refresh_token).await?;
                let same = |newer: &SignedIn| newer.caller == signed_in.caller;
                *signed_in = newer.filter(same).ok_or(Error::NotSignedIn)?;
                self.tenant.my_account(&signed_in.refresh_token).await?
            }
            answer => answer?,
        };
        if let Some(rotated) = rotated {
            self.session.rotated(rotated.clone()).await?;
            signed_in.refresh_token = rotated;
        }
        Ok(token)
    }

    /// The accounts that are linked. The name of one is Bitbucket's to tell; of several nobody knows
    /// which one it would tell.
    pub(super) async fn accounts(
        &self,
        signed_in: &mut SignedIn,
    ) -> Result<Vec<LinkedAccount>, Error> {
        let token = self.my_account(signed_in).await?;
        let accounts = self.list(signed_in, &token).await?;
        if let [account] = accounts.as_slice() {
            let mut account = LinkedAccount::from(account.clone());
            if let Err(error) = self.introduce(signed_in, &mut account).await {
                tracing::debug!(%error, "Bitbucket did not tell the linked account's name");
            }
            return Ok(vec![account]);
        }
        Ok(accounts.into_iter().map(LinkedAccount::from).collect())
    }

    /// The same without names, and the broker learns whether there are several.
    pub(super) async fn list(
        &self,
        signed_in: &SignedIn,
        token: &MyAccountToken,
    ) -> Result<Vec<ConnectedAccount>, Error> {
        let accounts = self.tenant.connected_accounts(token, &self.connection).await?;
        let ids = accounts.iter().map(|account| account.id.to_string()).collect();
        self.broker.note_accounts(&signed_in.caller, ids);
        Ok(accounts)
    }

    /// Adds what Bitbucket says of the account: its name, the scopes that it really has, and whether
    /// the link still works.
    pub(super) async fn introduce(
        &self,
        signed_in: &SignedIn,
        account: &mut LinkedAccount,
    ) -> Result<(), Error> {
        let user = async { Ok(self.client(signed_in).await?.user().await?) }.await;
        account.broken = matches!(user, Err(Error::LinkBroken | Error::NotLinked));
        if !account.broken {
            // A refusal names them too, and without Bitbucket the vault may.
            let scopes = self.broker.scopes(&signed_in.caller);
            account.scopes = scopes.map(|scopes| scopes.iter().map(str::to_owned).collect());
        }
        let user = user?;
        let shown = |name: Option<String>| {
            name.map(|name| Foreign::line(&name, NAME)).filter(|name| !name.is_empty())
        };
        account.username = shown(user.username.or(user.nickname));
        account.display_name = shown(user.display_name);
        Ok(())
    }

    /// Takes `account` out of the vault, and its token out of memory.
    pub(super) async fn remove(
        &self,
        signed_in: &mut SignedIn,
        account: &AccountId,
    ) -> Result<(), Error> {
        let token = self.my_account(signed_in).await?;
        self.tenant.delete_account(&token, account).await?;
        self.broker.forget(&signed_in.caller);
        self.broker.note_link(&signed_in.caller, None);
        self.list(signed_in, &token).await?;
        Ok(())
    }

    /// What to call the person.
    pub(super) async fn name(&self, signed_in: &SignedIn) -> String {
        let identity = match &signed_in.identity {
            Some(identity) => Some(identity.clone()),
            None => self.session.identify().await.ok().flatten(),
        };
        let name = identity.and_then(|known| known.name.or(known.email).or(Some(known.subject)));
        Foreign::line(&name.unwrap_or_else(|| "your Auth0 account".into()), NAME)
            .as_str()
            .to_owned()
    }

    async fn client(&self, signed_in: &SignedIn) -> Result<Client, Error> {
        let limits =
            Limits { deadline: Instant::now() + PATIENCE, cancel: CancellationToken::new() };
        self.broker.client(&Proof::from(signed_in.clone()), limits).await
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

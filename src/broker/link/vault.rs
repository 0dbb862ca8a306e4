//! The vault of the one local person, opened by their session.

use super::LinkedAccount;
use super::accounts::{Accounts, NAME};
use crate::auth0::{self, AccountId, MyAccountToken, Tenant};
use crate::broker::{Error, Proof};
use crate::identity::{Session, SignedIn};
use crate::text::Foreign;

/// What linking on this machine works with.
#[derive(Clone)]
pub(super) struct Vault {
    pub(super) session: Session,
    pub(super) accounts: Accounts,
}

impl Vault {
    pub(super) fn tenant(&self) -> &Tenant {
        &self.accounts.tenant
    }

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
        let (token, rotated) = match self.tenant().my_account(&signed_in.refresh_token).await {
            Err(auth0::Error::SignedOut) => {
                // The person may have signed in anew at a terminal.
                let newer = self.session.replaced(&signed_in.refresh_token).await?;
                let same = |newer: &SignedIn| newer.caller == signed_in.caller;
                *signed_in = newer.filter(same).ok_or(Error::NotSignedIn)?;
                self.tenant().my_account(&signed_in.refresh_token).await?
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
    pub(super) async fn list(&self, signed_in: &mut SignedIn) -> Result<Vec<LinkedAccount>, Error> {
        let token = self.my_account(signed_in).await?;
        let accounts = self.accounts.list(&signed_in.caller, &token).await?;
        if let [account] = accounts.as_slice() {
            let mut account = LinkedAccount::from(account.clone());
            let proof = Proof::from(signed_in.clone());
            if let Err(error) = self.accounts.introduce(&proof, &mut account).await {
                tracing::debug!(%error, "Bitbucket did not tell the linked account's name");
            }
            return Ok(vec![account]);
        }
        Ok(accounts.into_iter().map(LinkedAccount::from).collect())
    }

    /// Takes `account` out of the vault, and its token out of memory.
    pub(super) async fn remove(
        &self,
        signed_in: &mut SignedIn,
        account: &AccountId,
    ) -> Result<(), Error> {
        let token = self.my_account(signed_in).await?;
        self.accounts.remove(&signed_in.caller, &token, account).await.map(drop)
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
}

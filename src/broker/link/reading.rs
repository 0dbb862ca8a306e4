//! What a caller of our API has linked.
//!
//! Nobody can have a My Account token for them here: what callers show is good for an exchange and for
//! nothing else. So an exchange tells whether an account is linked, and Bitbucket tells which. Where
//! there is a client for the Management API, that tells how many there are, and since when. Without it
//! only our own pages see that there are several, and the process forgets it when it ends: from then on
//! an exchange brings whichever of them Auth0 takes.

use std::time::Duration;

use super::LinkedAccount;
use crate::auth0::{ConnectedAccount, Management};
use crate::bitbucket::Limits;
use crate::broker::{Broker, Error, Proof};
use crate::text::Foreign;

/// How long the Management API may take. Nothing depends on it.
const PATIENCE: Duration = Duration::from_secs(8);
/// Names longer than this are cut.
const NAME: usize = 100;

/// Reads which accounts callers have linked. Clones share everything.
#[derive(Clone)]
pub struct Reader {
    broker: Broker,
    management: Option<Management>,
    connection: String,
}

impl Reader {
    /// A reader of the accounts on `connection`.
    #[must_use]
    pub fn new(broker: Broker, management: Option<Management>, connection: String) -> Self {
        Self { broker, management, connection }
    }

    /// The accounts that the caller has linked. Without the Management API that is one at most, with
    /// neither an id nor a date, unless one of our pages has seen several.
    ///
    /// # Errors
    /// [`Error::TokenEnded`], the end of `limits`, or a failure of Auth0 that leaves unknown whether an
    /// account is linked.
    pub async fn accounts(
        &self,
        proof: &Proof,
        limits: Limits,
    ) -> Result<Vec<LinkedAccount>, Error> {
        let listed = self.listed(proof).await;
        if let Some(listed) = &listed {
            let ids = listed.iter().map(|account| account.id.to_string()).collect();
            self.broker.note_accounts(&proof.caller, ids);
        }
        match listed {
            // Of several nobody knows which one an exchange would bring.
            Some(listed) if listed.len() > 1 => {
                Ok(listed.into_iter().map(LinkedAccount::from).collect())
            }
            listed => self.by_exchange(proof, limits, listed).await,
        }
    }

    /// What the Management API lists, if it can be asked and answers.
    async fn listed(&self, proof: &Proof) -> Option<Vec<ConnectedAccount>> {
        let management = self.management.as_ref()?;
        let asked = management.connected_accounts(&proof.caller.subject, &self.connection);
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(accounts)) => Some(accounts),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the Management API did not list the linked accounts");
                None
            }
            Err(_) => {
                tracing::warn!("the Management API did not list the linked accounts in time");
                None
            }
        }
    }

    async fn by_exchange(
        &self,
        proof: &Proof,
        limits: Limits,
        listed: Option<Vec<ConnectedAccount>>,
    ) -> Result<Vec<LinkedAccount>, Error> {
        let known = listed.and_then(|listed| listed.into_iter().next()).map(LinkedAccount::from);
        let client = match self.broker.client(proof, limits).await {
            Ok(client) => client,
            // Auth0 lists what it cannot exchange.
            Err(Error::NotLinked) => return Ok(known.map(broken).into_iter().collect()),
            Err(Error::LinkBroken) => {
                return Ok(vec![broken(known.unwrap_or_else(|| self.unknown(None)))]);
            }
            // A link that was made by our page has been listed there.
            Err(Error::SeveralAccounts(ids)) => {
                return Ok(ids.into_iter().map(|id| self.unknown(Some(id))).collect());
            }
            Err(error) => return Err(error),
        };
        let mut account = known.unwrap_or_else(|| self.unknown(None));
        let user = client.user().await.map_err(Error::from);
        if matches!(user, Err(Error::LinkBroken | Error::NotLinked)) {
            return Ok(vec![broken(account)]);
        }
        // A refusal names them too, and without Bitbucket the vault may.
        let scopes = self.broker.scopes(&proof.caller);
        account.scopes = scopes.map(|scopes| scopes.iter().map(str::to_owned).collect());
        match user {
            Ok(user) => {
                account.username = shown(user.username.or(user.nickname));
                account.display_name = shown(user.display_name);
            }
            Err(error @ (Error::Cancelled | Error::TokenEnded)) => return Err(error),
            Err(error) => {
                tracing::debug!(%error, "Bitbucket did not tell the linked account's name");
            }
        }
        Ok(vec![account])
    }

    /// An account of which no more is known than that it is there.
    fn unknown(&self, id: Option<String>) -> LinkedAccount {
        LinkedAccount {
            id,
            connection: self.connection.clone(),
            username: None,
            display_name: None,
            scopes: None,
            broken: false,
            linked_at: None,
        }
    }
}

fn broken(account: LinkedAccount) -> LinkedAccount {
    LinkedAccount { broken: true, ..account }
}

fn shown(name: Option<String>) -> Option<Foreign> {
    name.map(|name| Foreign::line(&name, NAME)).filter(|name| !name.is_empty())
}

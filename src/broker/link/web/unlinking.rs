//! Taking an account out of the vault: the person chooses it by name, and says yes.

use super::super::digest::Digest;
use super::super::{LinkedAccount, Outcome};
use super::keys::Form;
use super::routes::{DONE, Reply};
use super::ticket::{SignedIn, Stage, Ticket};
use super::{Inner, pages};
use crate::auth0::{self, ConnectedAccount, MyAccountToken};
use crate::broker::Error;
use crate::identity::Page;

impl Inner {
    /// The page that lists what can be unlinked: all accounts, or `only` this one.
    pub(super) async fn choose(
        &self,
        ticket: &Ticket,
        cookie: &str,
        person: &SignedIn,
        only: Option<&str>,
    ) -> Reply {
        let Some((_, token)) = self.unseal(ticket, cookie) else {
            return Page::unexpected().into();
        };
        let accounts = match self.linked(ticket, cookie, &token, only).await {
            Ok(accounts) => accounts,
            Err(reply) => return reply,
        };
        if accounts.is_empty() {
            ticket.verdict.tell(Outcome::Unlinked(None));
            return pages::nothing_linked(&person.name).into();
        }
        let form = self.keys.form_token(Form::Ticket, ticket.id, cookie);
        pages::unlink(&person.name, &ticket.askers(), &accounts, &self.url_of(ticket), &form).into()
    }

    /// The person has said yes. Only what the person's own token lists is taken out.
    pub(super) async fn unlink(
        &self,
        ticket: &Ticket,
        cookie: &str,
        person: &SignedIn,
        token: &MyAccountToken,
        chosen: &str,
    ) -> Reply {
        let account = match self.linked(ticket, cookie, token, Some(chosen)).await {
            Ok(mut accounts) => accounts.pop(),
            Err(reply) => return reply,
        };
        let Some(account) = account else { return pages::nothing_linked(&person.name).into() };
        match self.accounts.remove(&ticket.caller, token, &account.id).await {
            Ok(()) => {
                tracing::info!(account = account.id.as_str(), "a Bitbucket account was unlinked");
                let browser = Digest::of(cookie);
                let account = LinkedAccount::from(account);
                ticket.enter(Stage::Unlinked(browser), Outcome::Unlinked(Some(account)));
                self.url(DONE).into()
            }
            Err(error) => self.failed(ticket, &error).into(),
        }
    }

    async fn linked(
        &self,
        ticket: &Ticket,
        cookie: &str,
        token: &MyAccountToken,
        only: Option<&str>,
    ) -> Result<Vec<ConnectedAccount>, Reply> {
        match self.accounts.list(&ticket.caller, token).await {
            Ok(mut accounts) => {
                accounts.retain(|account| only.is_none_or(|only| account.id.as_str() == only));
                Ok(accounts)
            }
            Err(Error::Auth0(error)) if matches!(*error, auth0::Error::MyAccountTokenRejected) => {
                ticket.sign_out(Digest::of(cookie));
                Err(pages::go_on(self.url_of(ticket), "the sign-in").into())
            }
            Err(error) => Err(self.failed(ticket, &error).into()),
        }
    }
}

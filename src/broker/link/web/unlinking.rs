//! Taking an account out of the vault: the person chooses it by name, and says yes.

use super::super::digest::Digest;
use super::super::{LinkedAccount, Outcome};
use super::keys::Form;
use super::routes::{DONE, Reply};
use super::ticket::{SignedIn, Stage, Ticket, Unlinked};
use super::{Inner, pages};
use crate::auth0::{ConnectedAccount, MyAccountToken};
use crate::broker::Error;
use crate::identity::{CallbackQuery, Page, PendingLogin};

impl Inner {
    /// The page that lists what can be unlinked: all accounts, or `only` this one. The only account that
    /// there is has its name fetched first.
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
        let all = match self.linked(ticket, cookie, &token).await {
            Ok(all) => all,
            Err(reply) => return reply,
        };
        let is_alone = all.len() == 1;
        let is_meant = |account: &ConnectedAccount| only.is_none_or(|id| account.id.as_str() == id);
        let mut accounts: Vec<_> =
            all.into_iter().filter(is_meant).map(LinkedAccount::from).collect();
        if accounts.is_empty() {
            ticket.verdict.tell(match only {
                Some(id) => Outcome::Failed(Error::UnknownAccount(id.to_owned()).to_string()),
                None => Outcome::Unlinked(None),
            });
            return pages::nothing_linked(&person.name).into();
        }
        // Of several nobody knows which one the vault would give the token of.
        if is_alone && let [account] = accounts.as_mut_slice() {
            let browser = Digest::of(cookie);
            if ticket.may_ask_about(browser, account.clone()) {
                match self.introduction(ticket, cookie).await {
                    Ok(url) => return url.into(),
                    Err(error) => {
                        tracing::info!(%error, "the account's name cannot be asked for");
                    }
                }
            }
            if let Some(known) = ticket.asked_about(browser).filter(|one| one.id == account.id) {
                *account = known;
            }
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
        let all = match self.linked(ticket, cookie, token).await {
            Ok(all) => all,
            Err(reply) => return reply,
        };
        let Some(account) = all.into_iter().find(|account| account.id.as_str() == chosen) else {
            return pages::nothing_linked(&person.name).into();
        };
        let left = match self.accounts.remove(&ticket.caller, token, &account.id).await {
            Ok(left) => left,
            Err(error) => return self.failed(ticket, &error).into(),
        };
        tracing::info!(account = account.id.as_str(), "a Bitbucket account was unlinked");
        let browser = Digest::of(cookie);
        let account = LinkedAccount::from(account);
        let known = ticket.asked_about(browser).filter(|known| known.id == account.id);
        let unlinked = Unlinked {
            account: known.unwrap_or(account),
            left: left.map(|left| left.into_iter().map(LinkedAccount::from).collect()),
            browser,
            person: person.name.clone(),
        };
        let only_one_is_left = matches!(unlinked.left.as_deref(), Some([_]));
        let outcome = Outcome::Unlinked(Some(unlinked.account.clone()));
        ticket.enter(Stage::Unlinked(Box::new(unlinked)), outcome);
        if only_one_is_left && let Ok(url) = self.introduction(ticket, cookie).await {
            // A form of ours must not lead on to Auth0 by a redirect: see `Page::leading_to`.
            return pages::go_on(url, "the next page").into();
        }
        self.url(DONE).into()
    }

    /// The browser is back with what Bitbucket can be asked for the name of the only account with: the
    /// one that could be unlinked, or the one that is left.
    pub(super) async fn introduce_for_unlinking(
        &self,
        ticket: &Ticket,
        cookie: &str,
        pending: PendingLogin,
        query: &CallbackQuery,
    ) -> Reply {
        // An unlink meanwhile would find that the token is still to come, and leave it at hand.
        let _turn = ticket.turn.lock().await;
        let browser = Digest::of(cookie);
        match ticket.stage() {
            Stage::Unlinked(unlinked) => {
                if let Some([only]) = unlinked.left.as_deref() {
                    let only = self.ask_bitbucket(ticket, pending, query, only.clone()).await;
                    ticket.amend_left(only);
                }
                self.url(DONE).into()
            }
            _ => {
                if ticket.is_open()
                    && let Some(account) = ticket.asked_about(browser)
                {
                    let account = self.ask_bitbucket(ticket, pending, query, account).await;
                    ticket.learn(browser, account);
                }
                self.url_of(ticket).into()
            }
        }
    }

    /// The account with its name, if that can be had.
    async fn ask_bitbucket(
        &self,
        ticket: &Ticket,
        pending: PendingLogin,
        query: &CallbackQuery,
        mut account: LinkedAccount,
    ) -> LinkedAccount {
        let asked = async {
            let proof = self.proof(ticket, pending, query).await?;
            // A token at hand may be that of an account which is not linked any more.
            self.accounts.broker.forget(&ticket.caller);
            self.accounts.introduce(&proof, &mut account).await
        };
        if let Err(error) = asked.await {
            tracing::info!(%error, "the account's name could not be asked for");
        }
        account
    }

    async fn linked(
        &self,
        ticket: &Ticket,
        cookie: &str,
        token: &MyAccountToken,
    ) -> Result<Vec<ConnectedAccount>, Reply> {
        let listed = self.accounts.list(&ticket.caller, token).await;
        listed.map_err(|error| self.stopped(ticket, cookie, &error))
    }
}

//! Tries a connection for one person, step by step, and says which step failed and why.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::exchange::exchange;
use super::{Broker, Error, Proof, carried, within};
use crate::bitbucket::{AccessToken, Client, Limits, Scopes, TokenError, TokenSource};
use crate::text::Foreign;

/// How the steps went, in order. A step after a failed one is not tried and not listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    /// The steps.
    pub steps: Vec<Step>,
    /// The Bitbucket account, once it is known: its nickname or display name, as Bitbucket has it.
    pub account: Option<Foreign>,
    /// The scopes that the account has granted: as Bitbucket itself says them, else as the vault does.
    pub scopes: Option<Vec<String>>,
    /// How many seconds the Bitbucket token has left.
    pub expires_in: Option<u64>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was tried, in a few words.
    pub name: &'static str,
    /// What came of it; a sentence on the cause where it failed.
    pub outcome: Result<String, Failure>,
}

/// Why a step failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The cause.
    pub why: String,
    /// What mends it.
    pub fix: String,
}

impl Probe {
    /// The person is signed in, or their token stands; `says` how that was seen.
    pub const SIGN_IN: &'static str = "sign-in";
    /// The vault gives a Bitbucket token for that.
    pub const EXCHANGE: &'static str = "token exchange";
    /// Bitbucket accepts it.
    pub const BITBUCKET: &'static str = "Bitbucket";

    /// A probe that got no further than its first step.
    #[must_use]
    pub fn failed(name: &'static str, failure: impl Into<Failure>) -> Self {
        let steps = vec![Step { name, outcome: Err(failure.into()) }];
        Self { steps, ..Self::default() }
    }

    /// The same probe behind a step that went well.
    #[must_use]
    pub fn after(mut self, name: &'static str, says: impl Into<String>) -> Self {
        self.steps.insert(0, Step { name, outcome: Ok(says.into()) });
        self
    }

    /// Whether every step that was tried went well.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(|step| step.outcome.is_ok())
    }

    fn note(&mut self, name: &'static str, outcome: Result<String, Failure>) {
        self.steps.push(Step { name, outcome });
    }
}

impl Broker {
    /// Exchanges anew, whatever is cached, and asks Bitbucket who that is.
    ///
    /// What it brings takes the place of what is cached. `explain` says what is behind an error, and
    /// what to do about it: neither is known here.
    pub async fn probe(
        &self,
        proof: &Proof,
        limits: Limits,
        explain: impl Fn(Error) -> Failure,
    ) -> Probe {
        let mut probe = Probe::default();
        let note = self.note(&proof.caller);
        let shared = &self.shared;
        let fresh = async {
            if !note.several.is_empty() && note.login_hint.is_none() {
                return Err(Error::SeveralAccounts(note.several.clone()));
            }
            let (tenant, count) = (shared.tenant.clone(), Arc::clone(&shared.exchanges));
            let connection = shared.settings.connection.clone();
            exchange(tenant, count, connection, proof.clone(), note.login_hint.clone()).await
        };
        let issued = match within(&limits, fresh).await {
            Ok(issued) => issued,
            Err(error) => {
                probe.note(Probe::EXCHANGE, Err(explain(error)));
                return probe;
            }
        };
        let says = format!("Token Vault gave a token for `{}`", shared.settings.connection);
        probe.note(Probe::EXCHANGE, Ok(says));
        probe.expires_in = issued.expires_in.map(|life| life.as_secs());
        let slot = self.slot(&proof.caller);
        slot.granted().forget();
        let source = Arc::new(Only(issued.token.clone()));
        let connector = Arc::clone(&shared.connector);
        let client = Client::new(connector, source, Arc::clone(slot.granted()), limits);
        let user = client.user().await;
        let scopes = slot.granted().scopes().or_else(|| issued.scopes.clone());
        probe.scopes = scopes.map(|scopes: Scopes| scopes.iter().map(str::to_owned).collect());
        match user {
            Ok(user) => {
                slot.take_over(issued);
                let name = user.nickname.or(user.display_name).unwrap_or(user.uuid);
                let name = Foreign::line(&name, 80);
                let says = format!("`GET /user` answered as {}", name.quoted());
                probe.account = Some(name);
                probe.note(Probe::BITBUCKET, Ok(says));
            }
            Err(error) => probe.note(Probe::BITBUCKET, Err(explain(error.into()))),
        }
        probe
    }
}

/// One token, and no other: what Bitbucket says of it is what is to be found out.
struct Only(AccessToken);

impl TokenSource for Only {
    fn token(&self) -> BoxFuture<'_, Result<AccessToken, TokenError>> {
        let token = self.0.clone();
        async { Ok(token) }.boxed()
    }

    fn renew<'a>(&'a self, _: &'a AccessToken) -> BoxFuture<'a, Result<AccessToken, TokenError>> {
        async { Err(carried(Error::LinkBroken)) }.boxed()
    }
}

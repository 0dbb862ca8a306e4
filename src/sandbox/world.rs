//! What both services know: the people's tokens, links and grants.
//!
//! Auth0 writes here when it links and exchanges; Bitbucket only asks [`World::identify`]. One lock,
//! held for moments and never across an await.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use rand::Rng;
use rand::distr::Alphanumeric;

use super::auth0::keys::Keyring;
use super::auth0::state::Issued;
use super::auth0::{MANAGEMENT_CLIENT_ID, Start, Tenant};
use super::consumer::Consumer;
use super::people::{self, PEOPLE, Person};

/// How much life a stored token must have left for the vault to hand it out again.
const VAULT_LEEWAY: Duration = Duration::from_secs(60);
/// Bitbucket's access tokens run past 2,500 characters; shorter ones would hide a too small buffer.
const BITBUCKET_TOKEN_LENGTH: usize = 2_600;

/// The state that the two services share, and what a test can do to it.
pub struct World {
    state: Mutex<State>,
}

pub(super) struct State {
    pub(super) tenant: Tenant,
    pub(super) consumer: Consumer,
    pub(super) issued: Issued,
    pub(super) keyring: Keyring,
    pub(super) accounts: Vec<ConnectedAccount>,
    pub(super) exchanges: HashMap<&'static str, usize>,
    tokens: HashMap<String, BitbucketToken>,
    token_life: Duration,
    granted: HashMap<&'static str, Vec<String>>,
}

/// A Bitbucket account in somebody's vault.
#[derive(Clone)]
pub(super) struct ConnectedAccount {
    pub(super) id: String,
    /// Through which of the tenant's connections it came, by id.
    pub(super) connection: String,
    /// Whose vault it is in.
    pub(super) owner: &'static Person,
    /// Whose Bitbucket account it is; another person's where a link went astray.
    pub(super) holder: &'static Person,
    pub(super) scopes: Vec<String>,
    pub(super) created_at: jiff::Timestamp,
    pub(super) organization: Option<String>,
    /// Whether Bitbucket still honours the stored refresh token.
    alive: bool,
    token: Option<String>,
}

struct BitbucketToken {
    person: &'static Person,
    scopes: Vec<String>,
    expires_at: SystemTime,
    revoked: bool,
}

/// Whose access a Bitbucket token gives, and to what.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) person: &'static Person,
    pub(crate) scopes: Vec<String>,
}

/// Why a Bitbucket token gives none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenProblem {
    Unknown,
    Expired,
    Revoked,
}

/// What the vault hands out.
pub(super) struct Exchanged {
    pub(super) token: String,
    pub(super) scopes: Vec<String>,
    pub(super) life: Duration,
}

/// Why the vault hands out nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VaultProblem {
    NoIdentity,
    NotLinked,
    RefreshRefused,
}

/// What nobody may read but those it was given to. A test looks for it where it must not be.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Secrets {
    /// Of the tenant's web application.
    pub client_secret: String,
    /// Of the Custom API Client.
    pub api_client_secret: String,
    /// Of the application for the Management API.
    pub management_client_secret: String,
    /// Of every application, those above among them.
    pub client_secrets: Vec<String>,
    /// Of Bitbucket's OAuth consumer.
    pub consumer_secret: String,
    /// Auth0's refresh tokens, also those that are over.
    pub refresh_tokens: Vec<String>,
    /// Access tokens of the My Account API.
    pub my_account_tokens: Vec<String>,
    /// Access tokens of our own API.
    pub bearer_tokens: Vec<String>,
    /// Access tokens of the Management API.
    pub management_tokens: Vec<String>,
    /// Auth0's other access tokens.
    pub access_tokens: Vec<String>,
    /// Authorization codes.
    pub codes: Vec<String>,
    /// Sessions and tickets of requests to connect an account.
    pub connects: Vec<String>,
    /// Bitbucket's access tokens.
    pub bitbucket_tokens: Vec<String>,
}

impl World {
    /// The world around the tenant at `domain`.
    pub(super) fn new(domain: &str, start: Start) -> Self {
        let consumer = Consumer::new(domain);
        let mut state = State {
            tenant: start.tenant(domain, &consumer),
            consumer,
            issued: Issued::default(),
            keyring: Keyring::default(),
            accounts: Vec::new(),
            exchanges: HashMap::new(),
            tokens: HashMap::new(),
            token_life: Duration::from_secs(7_200),
            granted: HashMap::new(),
        };
        if start == Start::Ready {
            for person in PEOPLE.iter().filter(|person| person.linked_at_start) {
                state.link_at_once(person, person);
            }
        }
        Self { state: Mutex::new(state) }
    }

    /// Whom the bearer token of a Bitbucket request stands for.
    pub(crate) fn identify(&self, bearer: &str) -> Result<Grant, TokenProblem> {
        let state = self.lock();
        let token = state.tokens.get(bearer).ok_or(TokenProblem::Unknown)?;
        if token.revoked {
            return Err(TokenProblem::Revoked);
        }
        if token.expires_at <= SystemTime::now() {
            return Err(TokenProblem::Expired);
        }
        Ok(Grant { person: token.person, scopes: token.scopes.clone() })
    }

    /// A fresh Bitbucket access token of `name`, as if they had gone through Bitbucket's own consent.
    /// It is in no vault.
    #[cfg(test)]
    pub(crate) fn bitbucket_token(&self, name: &str) -> Option<String> {
        let person = people::find(name)?;
        let mut state = self.lock();
        let scopes = state.scopes_of(person);
        Some(state.issue_bitbucket_token(person, scopes))
    }

    /// Every Bitbucket access token in the vault of `account` stops working. The vault hands out a new
    /// one at the next exchange, unless [`Switch::KeepsRevokedTokens`](super::Switch) says otherwise.
    pub fn revoke_bitbucket_token(&self, account: &str) {
        self.for_tokens_of(account, |token| token.revoked = true);
    }

    /// Every Bitbucket access token in the vault of `account` is past its life.
    pub fn expire_bitbucket_token(&self, account: &str) {
        self.for_tokens_of(account, |token| token.expires_at = SystemTime::UNIX_EPOCH);
    }

    /// Bitbucket takes its grant back: tokens of `account` stop working and a refresh is refused until
    /// the account is linked again.
    pub fn revoke_bitbucket_grant(&self, account: &str) {
        self.revoke_bitbucket_token(account);
        let mut state = self.lock();
        for connected in state.accounts_of(account) {
            connected.alive = false;
            connected.token = None;
        }
    }

    /// How long Bitbucket access tokens live that are issued from now on. Two hours at the start.
    pub fn set_token_life(&self, life: Duration) {
        self.lock().token_life = life;
    }

    /// What links of the Bitbucket account of `account` are granted from now on.
    pub fn set_scopes(&self, account: &str, scopes: &[&str]) {
        if let Some(person) = people::find(account) {
            let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            self.lock().granted.insert(person.nickname, scopes);
        }
    }

    /// Puts the Bitbucket account of `account` into their vault, without a browser. Without a connection
    /// to Bitbucket nothing happens.
    pub fn link(&self, account: &str) {
        if let Some(person) = people::find(account) {
            self.lock().link_at_once(person, person);
        }
    }

    /// Puts the Bitbucket account of somebody else, by nickname, into the vault of `account`.
    pub fn link_as(&self, account: &str, nickname: &str) {
        if let (Some(owner), Some(holder)) = (people::find(account), people::find(nickname)) {
            self.lock().link_at_once(owner, holder);
        }
    }

    /// Empties the vault of `account`, without a browser.
    pub fn unlink(&self, account: &str) {
        self.lock().accounts.retain(|connected| !connected.belongs_to(account));
    }

    /// Whether the vault of `account` holds anything.
    pub fn is_linked(&self, account: &str) -> bool {
        self.lock().accounts.iter().any(|connected| connected.belongs_to(account))
    }

    /// How many times the vault of `account` was asked for a token and gave one.
    pub fn exchanges(&self, account: &str) -> usize {
        let state = self.lock();
        people::find(account)
            .and_then(|person| state.exchanges.get(person.nickname))
            .copied()
            .unwrap_or(0)
    }

    /// All secrets so far.
    pub fn secrets(&self) -> Secrets {
        let state = self.lock();
        let issued = &state.issued;
        let (mut mine, mut ours, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for (text, token) in &issued.access_tokens {
            match &token.authorization.audience {
                None => others.push(text.clone()),
                Some(audience) if audience.ends_with("/me/") => mine.push(text.clone()),
                Some(_) => ours.push(text.clone()),
            }
        }
        let connects = issued.connects.iter();
        let clients = state.tenant.clients.iter();
        let secret_of =
            |id: Option<String>| id.map(|id| state.tenant.secret_of(&id)).unwrap_or_default();
        Secrets {
            client_secret: secret_of(state.tenant.web_id()),
            api_client_secret: secret_of(state.tenant.api_client_id()),
            management_client_secret: state.tenant.secret_of(MANAGEMENT_CLIENT_ID),
            client_secrets: clients
                .filter_map(|client| client.text("client_secret").map(str::to_owned))
                .collect(),
            consumer_secret: state.consumer.secret.clone(),
            refresh_tokens: issued.refresh_tokens.keys().cloned().collect(),
            my_account_tokens: mine,
            bearer_tokens: ours,
            management_tokens: issued.management_tokens.keys().cloned().collect(),
            access_tokens: others,
            codes: issued.codes.keys().cloned().collect(),
            connects: connects
                .flat_map(|(session, connect)| [session.clone(), connect.ticket.clone()])
                .collect(),
            bitbucket_tokens: state.tokens.keys().cloned().collect(),
        }
    }

    /// Changes how the Auth0 tenant is set up.
    pub fn change_tenant(&self, change: impl FnOnce(&mut Tenant)) {
        change(&mut self.lock().tenant);
    }

    /// Marks one Bitbucket token, as a fault asks.
    pub(super) fn spoil_bitbucket_token(&self, bearer: &str, problem: TokenProblem) {
        if let Some(token) = self.lock().tokens.get_mut(bearer) {
            match problem {
                TokenProblem::Revoked | TokenProblem::Unknown => token.revoked = true,
                TokenProblem::Expired => token.expires_at = SystemTime::UNIX_EPOCH,
            }
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn for_tokens_of(&self, account: &str, change: impl Fn(&mut BitbucketToken)) {
        let state = &mut *self.lock();
        for connected in &state.accounts {
            let token = connected.token.as_ref().filter(|_| connected.belongs_to(account));
            if let Some(token) = token.and_then(|token| state.tokens.get_mut(token)) {
                change(token);
            }
        }
    }
}

impl State {
    /// Puts `holder`'s Bitbucket account into `owner`'s vault; the same account again takes the place of
    /// the old entry.
    pub(super) fn link(
        &mut self,
        owner: &'static Person,
        holder: &'static Person,
        connection: &str,
        organization: Option<String>,
    ) -> ConnectedAccount {
        self.accounts.retain(|connected| {
            connected.owner != owner
                || connected.holder != holder
                || connected.connection != connection
        });
        let scopes = self.scopes_of(holder);
        let connected = ConnectedAccount {
            id: format!("cac_{}", random(22)),
            connection: connection.to_owned(),
            owner,
            holder,
            scopes,
            created_at: jiff::Timestamp::now(),
            organization,
            alive: true,
            token: None,
        };
        self.accounts.push(connected.clone());
        connected
    }

    /// The same through the connection to Bitbucket, if there is one.
    fn link_at_once(&mut self, owner: &'static Person, holder: &'static Person) {
        if let Some(connection) = self.tenant.bitbucket().map(|one| one.id().to_owned()) {
            self.link(owner, holder, &connection, None);
        }
    }

    /// One Token Vault exchange: the stored token while it is good, else one that Bitbucket refreshes.
    pub(super) fn exchange(
        &mut self,
        owner: &'static Person,
        connection: &str,
        login_hint: Option<&str>,
    ) -> Result<Exchanged, VaultProblem> {
        let theirs = |connected: &ConnectedAccount| {
            connected.owner == owner && connected.connection == connection
        };
        if !self.accounts.iter().any(theirs) {
            return Err(VaultProblem::NotLinked);
        }
        let trusted = self.tenant.connection(connection);
        let trusted = trusted.is_some_and(|connection| self.consumer.trusts(connection));
        let index = self
            .accounts
            .iter()
            .position(|connected| {
                theirs(connected) && login_hint.is_none_or(|hint| connected.answers_to(hint))
            })
            .ok_or(VaultProblem::NoIdentity)?;
        let Some(connected) = self.accounts.get(index).cloned() else {
            return Err(VaultProblem::NotLinked);
        };
        let now = SystemTime::now();
        let stored = connected.token.as_ref().and_then(|text| Some((text, self.tokens.get(text)?)));
        let exchanged = match stored {
            Some((text, token))
                if token.expires_at > now + VAULT_LEEWAY
                    && (!token.revoked || self.tenant.keeps_revoked_tokens) =>
            {
                let life = token.expires_at.duration_since(now).unwrap_or_default();
                Exchanged { token: text.clone(), scopes: token.scopes.clone(), life }
            }
            // Bitbucket refreshes nothing for a client that it does not know.
            _ if !connected.alive || !trusted => return Err(VaultProblem::RefreshRefused),
            _ => {
                let token = self.issue_bitbucket_token(connected.holder, connected.scopes.clone());
                if let Some(connected) = self.accounts.get_mut(index) {
                    connected.token = Some(token.clone());
                }
                Exchanged { token, scopes: connected.scopes, life: self.token_life }
            }
        };
        *self.exchanges.entry(owner.nickname).or_default() += 1;
        Ok(exchanged)
    }

    fn issue_bitbucket_token(&mut self, person: &'static Person, scopes: Vec<String>) -> String {
        let token = random(BITBUCKET_TOKEN_LENGTH);
        let expires_at = SystemTime::now() + self.token_life;
        self.tokens
            .insert(token.clone(), BitbucketToken { person, scopes, expires_at, revoked: false });
        token
    }

    fn scopes_of(&self, person: &'static Person) -> Vec<String> {
        if let Some(granted) = self.granted.get(person.nickname) {
            return granted.clone();
        }
        // Whatever a request names, Bitbucket grants what the consumer has.
        self.consumer.granted(person.scopes)
    }

    fn accounts_of(&mut self, account: &str) -> impl Iterator<Item = &mut ConnectedAccount> {
        self.accounts.iter_mut().filter(move |connected| connected.belongs_to(account))
    }
}

impl ConnectedAccount {
    fn belongs_to(&self, account: &str) -> bool {
        people::find(account) == Some(self.owner)
    }

    /// Whether a `login_hint` means this account: the identifier at Bitbucket.
    fn answers_to(&self, hint: &str) -> bool {
        let holder = self.holder;
        [holder.bitbucket_uuid, holder.account_id, holder.nickname, holder.email].contains(&hint)
            || holder.bitbucket_uuid.trim_matches(['{', '}']) == hint
    }
}

/// `length` random letters and digits.
pub(super) fn random(length: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect()
}

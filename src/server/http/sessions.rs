//! Sessions of the protocol before 2026-07-28: each is one person's, and there are only so many.
//!
//! rmcp keeps the sessions and knows nothing of people. So the caller of a request is put where this
//! manager finds it while rmcp works on that request: a session belongs to its opener from the moment
//! it exists, and to everybody else it is unknown.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::Stream;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_server::session::local::{
    LocalSessionManager, LocalSessionManagerError,
};
use rmcp::transport::streamable_http_server::session::{
    ServerSseMessage, SessionId, SessionManager,
};

use crate::identity::Caller;

/// How many sessions there are at most: each holds some 50 KiB.
const SESSIONS: usize = 1024;
/// How many of them are one caller's.
const SESSIONS_PER_CALLER: usize = 16;

tokio::task_local! {
    /// Whose request is being worked on.
    static CALLER: Caller;
}

/// The sessions, with their owners.
pub(super) struct Sessions {
    local: LocalSessionManager,
    owners: Mutex<HashMap<SessionId, Owner>>,
    most: usize,
    most_per_caller: usize,
}

struct Owner {
    caller: Caller,
    used: Instant,
}

/// Why a session cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// It is another caller's, or there is none.
    #[error("session not found")]
    Unknown,
    /// There are as many sessions as there can be.
    #[error("too many sessions are open")]
    Full,
    /// See [`LocalSessionManagerError`].
    #[error(transparent)]
    Local(#[from] LocalSessionManagerError),
}

impl Sessions {
    /// No sessions yet. One that is not used for `keep_alive` ends.
    pub(super) fn new(keep_alive: Duration) -> Self {
        Self::with(keep_alive, SESSIONS, SESSIONS_PER_CALLER)
    }

    fn with(keep_alive: Duration, most: usize, most_per_caller: usize) -> Self {
        let mut local = LocalSessionManager::default();
        local.session_config.keep_alive = Some(keep_alive);
        Self { local, owners: Mutex::default(), most, most_per_caller }
    }

    /// Does `work` for a request of `caller`.
    pub(super) async fn on_behalf_of<F: Future>(caller: Caller, work: F) -> F::Output {
        CALLER.scope(caller, work).await
    }

    /// Whether `caller` can have one more session, if one of their own must go for it.
    pub(super) fn has_room(&self, caller: &Caller) -> bool {
        let owners = self.owners();
        owners.len() < self.most || owners.values().any(|owner| owner.caller == *caller)
    }

    /// Whether `caller` has a session of this id.
    pub(super) fn knows(&self, caller: &Caller, id: &str) -> bool {
        self.owners().get(id).is_some_and(|owner| owner.caller == *caller)
    }

    /// Whether the request that is being worked on may use the session.
    fn is_mine(&self, id: &SessionId) -> bool {
        CALLER
            .try_with(|caller| {
                let mut owners = self.owners();
                let owner = owners.get_mut(id).filter(|owner| owner.caller == *caller);
                owner.map(|owner| owner.used = Instant::now()).is_some()
            })
            .unwrap_or(false)
    }

    fn mine(&self, id: &SessionId) -> Result<(), Error> {
        if self.is_mine(id) { Ok(()) } else { Err(Error::Unknown) }
    }

    /// Notes whose the session is; gives the one that must go for it.
    fn enter(&self, id: SessionId, caller: Caller) -> Result<Option<SessionId>, Error> {
        let mut owners = self.owners();
        let mine = owners.iter().filter(|(_, owner)| owner.caller == caller);
        let count = mine.clone().count();
        let longest_unused =
            mine.min_by_key(|(_, owner)| owner.used).map(|(id, _)| SessionId::clone(id));
        let closed = if count >= self.most_per_caller || owners.len() >= self.most {
            Some(longest_unused.ok_or(Error::Full)?)
        } else {
            None
        };
        if let Some(closed) = &closed {
            owners.remove(closed);
        }
        owners.insert(id, Owner { caller, used: Instant::now() });
        Ok(closed)
    }

    fn owners(&self) -> MutexGuard<'_, HashMap<SessionId, Owner>> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionManager for Sessions {
    type Error = Error;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Error> {
        let caller = CALLER.try_with(Clone::clone).map_err(|_| Error::Unknown)?;
        let (id, transport) = self.local.create_session().await?;
        match self.enter(SessionId::clone(&id), caller) {
            Ok(None) => {}
            Ok(Some(closed)) => self.local.close_session(&closed).await?,
            Err(full) => {
                self.local.close_session(&id).await?;
                return Err(full);
            }
        }
        Ok((id, transport))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Error> {
        self.mine(id)?;
        Ok(self.local.initialize_session(id, message).await?)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Error> {
        Ok(self.is_mine(id) && self.local.has_session(id).await?)
    }

    /// Also called when a session has ended by itself, which is nobody's request.
    async fn close_session(&self, id: &SessionId) -> Result<(), Error> {
        if CALLER.try_with(|_| ()).is_ok() {
            self.mine(id)?;
        }
        self.owners().remove(id);
        Ok(self.local.close_session(id).await?)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Error> {
        self.mine(id)?;
        Ok(self.local.create_stream(id, message).await?)
    }

    async fn accept_message(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<(), Error> {
        self.mine(id)?;
        Ok(self.local.accept_message(id, message).await?)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Error> {
        self.mine(id)?;
        Ok(self.local.create_standalone_stream(id).await?)
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Error> {
        self.mine(id)?;
        Ok(self.local.resume(id, last_event_id).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(subject: &str) -> Caller {
        Caller { issuer: "https://i/".into(), subject: subject.into(), organization: None }
    }

    async fn open(sessions: &Sessions, subject: &str) -> Result<SessionId, Error> {
        let opening = Sessions::on_behalf_of(caller(subject), sessions.create_session());
        // The transport is kept by rmcp's worker in real life.
        opening.await.map(|(id, transport)| {
            std::mem::forget(transport);
            id
        })
    }

    async fn has(sessions: &Sessions, subject: &str, id: &SessionId) -> bool {
        Sessions::on_behalf_of(caller(subject), sessions.has_session(id)).await.unwrap()
    }

    #[tokio::test]
    async fn a_session_is_unknown_to_everybody_else() {
        let sessions = Sessions::new(Duration::from_secs(60));
        let id = open(&sessions, "ana").await.unwrap();
        assert!(has(&sessions, "ana", &id).await);
        assert!(!has(&sessions, "ben", &id).await);
        let mut other = caller("ana");
        other.organization = Some("org_1".into());
        assert!(!sessions.knows(&other, &id));
        let closing = Sessions::on_behalf_of(caller("ben"), sessions.close_session(&id));
        assert!(matches!(closing.await, Err(Error::Unknown)));
        assert!(has(&sessions, "ana", &id).await);
        sessions.close_session(&id).await.unwrap();
        assert!(!has(&sessions, "ana", &id).await);
        assert!(sessions.owners().is_empty());
    }

    #[tokio::test]
    async fn the_session_that_was_not_used_for_longest_goes_for_a_new_one() {
        let sessions = Sessions::with(Duration::from_secs(60), 10, 2);
        let first = open(&sessions, "ana").await.unwrap();
        let second = open(&sessions, "ana").await.unwrap();
        assert!(has(&sessions, "ana", &first).await);
        let third = open(&sessions, "ana").await.unwrap();
        assert!(has(&sessions, "ana", &first).await);
        assert!(!has(&sessions, "ana", &second).await);
        assert!(has(&sessions, "ana", &third).await);
    }

    #[tokio::test]
    async fn nobody_loses_a_session_to_another_caller() {
        let sessions = Sessions::with(Duration::from_secs(60), 2, 2);
        let first = open(&sessions, "ana").await.unwrap();
        open(&sessions, "ana").await.unwrap();
        assert!(!sessions.has_room(&caller("ben")));
        assert!(matches!(open(&sessions, "ben").await, Err(Error::Full)));
        assert!(has(&sessions, "ana", &first).await);
        assert!(sessions.has_room(&caller("ana")));
    }

    #[tokio::test]
    async fn there_is_no_session_without_a_caller() {
        let sessions = Sessions::new(Duration::from_secs(60));
        assert!(matches!(sessions.create_session().await, Err(Error::Unknown)));
    }
}

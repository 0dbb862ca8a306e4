//! Writes one object after another, each with one request, and reads each back.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::OwnedMutexGuard;

use super::super::edit::{Action, Edit, Object};
use super::super::keep::{Keep, KeepError};
use super::super::place::Places;
use super::super::plan::without;
use super::body::{self, Unfit};
use super::read::{self, Found};
use crate::auth0::management::Body;
use crate::auth0::{Error, Management};
use crate::bitbucket::Consumer;

/// What a connection can be for.
const PURPOSES: [&str; 2] = ["connected_accounts", "authentication"];

/// Carries out the edits of one object at a time.
pub(super) struct Writer {
    pub(super) management: Management,
    pub(super) keep: Option<Keep>,
    pub(super) consumer: Option<Consumer>,
    /// Where the objects are; those that are created join.
    pub(super) places: Places,
    /// Where the secrets of the applications were put that were created, by client id.
    pub(super) secrets: BTreeMap<String, PathBuf>,
    /// As long as anything is under way, nobody else writes.
    pub(super) turn: Arc<OwnedMutexGuard<()>>,
}

/// What became of the edits of one object.
pub(super) struct Outcome {
    /// For each edit: whether it was carried out and read back.
    pub(super) held: Vec<bool>,
    /// Why nothing more is to be written: one sentence.
    pub(super) halt: Option<String>,
    /// What the person must still do about it, although the rest goes on: one sentence.
    pub(super) note: Option<String>,
}

/// A write that did not go as it should.
enum Failure {
    /// It was certainly not carried out.
    Refused(String),
    /// Whether it was carried out is not known.
    Lost(Error),
}

/// What a write has left behind.
enum Sent {
    /// The id of what was written, if it has one.
    Well(Option<String>),
    /// It was carried out, but something else went wrong.
    But(Option<String>, String),
}

impl Writer {
    /// Writes the edits of one object and reads them back.
    pub(super) async fn carry_out(&mut self, object: &Object, edits: &[Edit]) -> Outcome {
        let creates = edits.iter().any(|edit| edit.action == Action::Create);
        let name = self.places.name(object).to_owned();
        let sent = self.send(object, &name, creates, edits).await;
        let (id, lost, mut halt) = match sent {
            Ok(Sent::Well(id)) => (id, None, None),
            Ok(Sent::But(id, sentence)) => (id, None, Some(sentence)),
            Err(Failure::Lost(error)) => (None, Some(error), None),
            Err(Failure::Refused(sentence)) => {
                let halt = Some(self.safe(sentence));
                return Outcome { held: vec![false; edits.len()], halt, note: None };
            }
        };
        self.found(object, id);
        let mut note = None;
        let held = match read::read(&self.management, &self.places, object).await {
            Ok(Some(found)) => {
                if lost.is_some() && creates && object.is_application() {
                    note = Some(format!(
                        "the {name} was created, but the answer with its secret was lost: copy the \
                         secret from the application's page in the dashboard"
                    ));
                }
                self.found(object, found.id.clone());
                let consumer = self.consumer.as_ref();
                let held = |edit: &Edit| read::holds(edit, &found, &self.places, consumer);
                edits.iter().map(held).collect()
            }
            Ok(None) => {
                if lost.is_none() {
                    halt.get_or_insert(format!("the {name} was written, but is not there"));
                }
                vec![false; edits.len()]
            }
            Err(error) => {
                let sentence = match &lost {
                    Some(lost) => format!(
                        "whether the {name} was written is not known ({lost}), nor can it be read: {error}"
                    ),
                    None => format!("the {name} was written, but could not be read back: {error}"),
                };
                halt.get_or_insert(sentence);
                vec![false; edits.len()]
            }
        };
        if halt.is_none() && held.contains(&false) {
            halt = Some(match &lost {
                Some(error) => format!("the {name} was not written as far as can be seen: {error}"),
                None => not_as_written(&name, edits, &held),
            });
        }
        Outcome { held, halt: halt.map(|sentence| self.safe(sentence)), note }
    }

    async fn send(
        &mut self,
        object: &Object,
        name: &str,
        creates: bool,
        edits: &[Edit],
    ) -> Result<Sent, Failure> {
        let refused = |unfit: Unfit| {
            Failure::Refused(format!("the {name} was not written: {}", unfit.sentence()))
        };
        if let Object::Enabled { application } = object {
            let connection = self.places.id(&Object::Connection);
            let client = self.places.id(application);
            let (Some(connection), Some(client)) = (connection, client) else {
                return Err(refused(Unfit::NoObject));
            };
            let sent = self.management.enable_connection(connection, client, true).await;
            return sent.map(|()| Sent::Well(None)).map_err(|error| failure(name, error));
        }
        if creates {
            let body =
                body::created(edits, &self.places, self.consumer.as_ref()).map_err(refused)?;
            return self.create(object, name, body).await;
        }
        let now = self.now(object, name, edits).await?;
        let consumer = self.consumer.as_ref();
        let mut body = body::changed(edits, &now, &self.places, consumer).map_err(refused)?;
        if *object == Object::Connection {
            body::guard_options(&mut body, &now, consumer).map_err(refused)?;
        }
        self.change(object, name, &body).await
    }

    /// What is there now, where it is needed: read anew, so that nothing is undone that somebody did
    /// in the meantime.
    async fn now(&self, object: &Object, name: &str, edits: &[Edit]) -> Result<Body, Failure> {
        if !body::merges(edits) {
            return Ok(Body::new());
        }
        let refused =
            |reason: &str| Failure::Refused(format!("the {name} was not written: {reason}"));
        match read::read(&self.management, &self.places, object).await {
            Ok(Some(Found { fields, .. })) => Ok(fields),
            Ok(None) => Err(refused("it is not there any more")),
            Err(error) => Err(refused(&format!("it could not be read: {error}"))),
        }
    }

    async fn create(&mut self, object: &Object, name: &str, body: Body) -> Result<Sent, Failure> {
        let management = &self.management;
        let id = match object {
            Object::MyAccount | Object::Api => management.create_api(&body).await.map(|api| api.id),
            Object::Grant { .. } | Object::ThirdPartyGrant => {
                management.create_grant(&body).await.map(|grant| grant.id)
            }
            Object::Connection => return self.create_connection(name, body).await,
            Object::StdioApplication | Object::HttpApplication | Object::ApiClient => {
                return self.create_application(name, body).await;
            }
            Object::Tenant | Object::Enabled { .. } | Object::LoginConnection { .. } => {
                return Err(Failure::Refused(format!("the {name} cannot be created")));
            }
        };
        id.map(|id| Sent::Well(Some(id))).map_err(|error| failure(name, error))
    }

    /// Makes a connection, then gives it its purposes: Auth0 documents those of a Bitbucket connection for
    /// changes only.
    async fn create_connection(&self, name: &str, mut body: Body) -> Result<Sent, Failure> {
        let purposes: Body =
            PURPOSES.iter().filter_map(|purpose| body.remove_entry(*purpose)).collect();
        let called = body.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let id = match self.management.create_connection(&body).await {
            Ok(created) => created.id,
            Err(error) if is_lost(&error) => {
                match self.management.connection_named(&called).await {
                    Ok(Some(found)) => found.id,
                    _ => return Err(Failure::Lost(error)),
                }
            }
            Err(error) => return Err(failure(name, error)),
        };
        if purposes.is_empty() {
            return Ok(Sent::Well(Some(id)));
        }
        match self.management.update_connection(&id, &purposes).await {
            Ok(_) => Ok(Sent::Well(Some(id))),
            Err(error) if is_lost(&error) => Err(Failure::Lost(error)),
            Err(error) => {
                let sentence = format!("the {name} was created, but not its purposes: {error}");
                Ok(Sent::But(Some(id), sentence))
            }
        }
    }

    /// Makes an application and keeps its secret, which Auth0 says only once. That the caller goes
    /// away in between must not lose it, so it is a task of its own.
    async fn create_application(&mut self, name: &str, body: Body) -> Result<Sent, Failure> {
        let (management, keep) = (self.management.clone(), self.keep.clone());
        let turn = Arc::clone(&self.turn);
        let task = tokio::spawn(async move {
            let _turn = turn;
            let created = management.create_application(&body).await?;
            let kept = match (keep, created.client_secret) {
                (Some(keep), Some(secret)) => Some(keep.secret(&created.client_id, secret).await),
                _ => None,
            };
            Ok::<_, Error>((created.client_id, kept))
        });
        let created = task.await.map_err(|_| Failure::Lost(Error::Unreadable("an application")))?;
        let (id, kept) = created.map_err(|error| failure(name, error))?;
        Ok(match kept {
            Some(Ok(path)) => {
                self.secrets.insert(id.clone(), path);
                Sent::Well(Some(id))
            }
            Some(Err(error)) => Sent::But(Some(id), unkept(name, &error)),
            // The person is told which secret they must fetch.
            None => Sent::Well(Some(id)),
        })
    }

    async fn change(&self, object: &Object, name: &str, body: &Body) -> Result<Sent, Failure> {
        let management = &self.management;
        let gone =
            || Failure::Refused(format!("the {name} was not written: it is not there any more"));
        let id = || self.places.id(object).ok_or_else(gone);
        let changed = match object {
            Object::Tenant => management.update_tenant_settings(body).await.map(drop),
            Object::MyAccount | Object::Api => management.update_api(id()?, body).await.map(drop),
            Object::StdioApplication | Object::HttpApplication | Object::ApiClient => {
                management.update_application(id()?, body).await.map(drop)
            }
            Object::Grant { .. } | Object::ThirdPartyGrant => {
                management.update_grant(id()?, body).await.map(drop)
            }
            Object::Connection => management.update_connection(id()?, body).await.map(drop),
            Object::LoginConnection { id } => {
                management.update_connection(id, body).await.map(drop)
            }
            Object::Enabled { .. } => Ok(()),
        };
        changed.map(|()| Sent::Well(None)).map_err(|error| failure(name, error))
    }

    fn found(&mut self, object: &Object, id: Option<String>) {
        if let Some(id) = id {
            self.places.found(object, id);
        }
    }

    fn safe(&self, sentence: String) -> String {
        without(sentence, self.consumer.as_ref().map(|consumer| &consumer.secret))
    }
}

fn failure(name: &str, error: Error) -> Failure {
    if is_lost(&error) {
        Failure::Lost(error)
    } else {
        Failure::Refused(format!("the {name} was not written: {error}"))
    }
}

/// Whether the request may have been carried out all the same.
fn is_lost(error: &Error) -> bool {
    match error {
        Error::Transport(error) => !error.nothing_was_sent(),
        Error::Unavailable { .. } | Error::Unreadable(_) => true,
        Error::Unexpected { status, .. } => *status >= 500 || *status == 408,
        _ => false,
    }
}

fn not_as_written(name: &str, edits: &[Edit], held: &[bool]) -> String {
    let fields = edits.iter().zip(held).filter(|(_, held)| !**held);
    let fields: Vec<_> = fields.map(|(edit, _)| format!("`{}`", edit.field)).collect();
    format!("the {name} was written, but Auth0 shows {} otherwise", fields.join(", "))
}

fn unkept(name: &str, error: &KeepError) -> String {
    format!(
        "the {name} was created, but {error}; rotate its secret in the dashboard and put the new one \
         where the server finds it"
    )
}

//! How the person is asked, in both eras of the protocol.
//!
//! Up to 2025-11-25 the server sends the client a request and waits. From 2026-07-28 on it ends the
//! call with what it wants to know, and the client calls again with the answer and a sealed state.
//! Where a client can do neither, nobody is asked, and the caller says so in words.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use futures::future::BoxFuture;
use rmcp::model::{
    ClientCapabilities, CustomNotification, ElicitRequest, ElicitRequestParams, ElicitationAction,
    ElicitationSchema, InputRequest, ProtocolVersion, ServerNotification,
};
use rmcp::service::{ElicitationError, RequestContext, RoleServer};
use serde_json::{Value, json};

use crate::error::Suspension;
use crate::tool::{Answered, Ask, Visit};
use crate::{Error, Result};

/// The key of a page to open among the answers that come back.
pub(super) const OPEN: &str = "open";
/// The key of a yes-or-no question among the answers that come back.
pub(super) const CONFIRM: &str = "confirm";
/// The field of the form that carries the yes.
const APPROVE: &str = "approve";
/// How long a person may take to answer while the client waits; clients give up on a call after 60 s.
const PATIENCE: Duration = Duration::from_secs(45);

/// Asks through the client of one call.
pub(super) struct ClientAsk {
    context: RequestContext<RoleServer>,
    modes: Modes,
    way: Way,
    answers: Answers,
    /// The id of the last page that a client of 2025-11-25 was asked to open.
    opened: Mutex<Option<String>>,
}

/// The answers that came with a call, once its state has been opened.
pub(super) type Answers = BTreeMap<String, Value>;

/// How a client is asked to open a page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// By a request of ours, whose answer the call waits for (before 2026-07-28).
    Request,
    /// The call ends with the error that 2025-11-25 has for this, and is made again later. Over HTTP a
    /// client need not keep a call open for as long as somebody takes in their browser.
    Error {
        /// Whether an earlier call like this one has ended so.
        told: bool,
    },
    /// The call ends with the question as its result (2026-07-28 and later).
    Result,
}

#[derive(Clone, Copy, Default)]
struct Modes {
    form: bool,
    url: bool,
}

impl ClientAsk {
    /// Asks through the client behind `context`; `answers` are those it already brings.
    pub(super) fn new(context: RequestContext<RoleServer>, answers: Answers) -> Self {
        let modes = Modes::of(context.client_capabilities());
        let way = if super::is_modern(&context) { Way::Result } else { Way::Request };
        Self { context, modes, way, answers, opened: Mutex::new(None) }
    }

    /// Asks through a client that makes its call again once the page is done with; `told` says whether
    /// it has been told of one for a call like this.
    pub(super) fn by_error(context: RequestContext<RoleServer>, told: bool) -> Self {
        let mut modes = Modes::of(context.client_capabilities());
        // Revisions before have neither the error nor pages to open.
        modes.url &= context
            .protocol_version()
            .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2025_11_25.as_str());
        let way = Way::Error { told };
        Self { context, modes, way, answers: Answers::new(), opened: Mutex::new(None) }
    }

    /// The answer to `key` that came with the call; otherwise the call ends with the question.
    fn answer_or_suspend(
        &self,
        key: &'static str,
        params: ElicitRequestParams,
    ) -> Result<Answered> {
        match self.answers.get(key) {
            Some(answer) => Ok(read(answer, key)),
            None => Err(self.suspended(key, params)),
        }
    }

    fn suspended(&self, key: &'static str, params: ElicitRequestParams) -> Error {
        let request = InputRequest::Elicitation(ElicitRequest::new(params));
        let approved = self.brings(CONFIRM);
        Error::Suspended(Box::new(Suspension { key, request, approved }))
    }

    /// Whether a yes to `key` came with the call.
    fn brings(&self, key: &str) -> bool {
        self.answers.get(key).is_some_and(|answer| read(answer, key) == Answered::Yes)
    }
}

/// The page to open, for a client that asks by itself. Its id is given by whoever keeps count of them.
fn page(visit: &Visit) -> ElicitRequestParams {
    ElicitRequestParams::UrlElicitationParams {
        meta: None,
        message: visit.message.clone(),
        url: visit.url.to_string(),
        elicitation_id: String::new(),
    }
}

impl Ask for ClientAsk {
    fn confirm<'a>(&'a self, question: &'a str) -> BoxFuture<'a, Result<Answered>> {
        Box::pin(async move {
            if !self.modes.form {
                return Ok(Answered::Nobody);
            }
            let params = ElicitRequestParams::FormElicitationParams {
                meta: None,
                message: question.to_owned(),
                requested_schema: approval_form()?,
            };
            if self.way == Way::Result {
                return self.answer_or_suspend(CONFIRM, params);
            }
            let asked = self.context.peer.create_elicitation_with_timeout(params, Some(PATIENCE));
            match asked.await {
                Ok(answer) => {
                    let answer = json!({ "action": answer.action, "content": answer.content });
                    Ok(read(&answer, CONFIRM))
                }
                Err(rmcp::ServiceError::Timeout { .. }) => Err(Error::TimedOut {
                    says: "the user did not answer in time".into(),
                    hint: "nothing was done; call again when the user is there".into(),
                }),
                Err(error) => {
                    tracing::debug!(%error, "the client could not ask");
                    Ok(Answered::Nobody)
                }
            }
        })
    }

    fn open<'a>(&'a self, visit: &'a Visit) -> BoxFuture<'a, Result<Answered>> {
        Box::pin(async move {
            if !self.modes.url {
                return Ok(Answered::Nobody);
            }
            match self.way {
                Way::Result => return self.answer_or_suspend(OPEN, page(visit)),
                Way::Error { .. } => return Err(self.suspended(OPEN, page(visit))),
                Way::Request => {}
            }
            let id = crate::auth0::random_token();
            if let Ok(mut opened) = self.opened.lock() {
                *opened = Some(id.clone());
            }
            let asked = self.context.peer.elicit_url_with_timeout(
                visit.message.clone(),
                visit.url.clone(),
                id,
                Some(PATIENCE),
            );
            match asked.await {
                Ok(ElicitationAction::Accept) => Ok(Answered::Yes),
                Ok(_) | Err(ElicitationError::UserDeclined | ElicitationError::UserCancelled) => {
                    Ok(Answered::No)
                }
                Err(error) => {
                    tracing::debug!(%error, "the client could not ask");
                    Ok(Answered::Nobody)
                }
            }
        })
    }

    fn is_back(&self) -> bool {
        match self.way {
            Way::Error { told } => told,
            _ => self.brings(OPEN),
        }
    }

    fn is_answered(&self) -> bool {
        self.answers.contains_key(CONFIRM)
    }

    fn opened<'a>(&'a self, _: &'a Visit) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let id = self.opened.lock().ok().and_then(|mut opened| opened.take());
            let Some(id) = id else { return };
            if let Err(error) = self.context.peer.send_notification(page_done(&id)).await {
                tracing::debug!(%error, "the client no longer listens");
            }
        })
    }
}

/// Tells a client that a page is done with. Only 2025-11-25 knows this notification, and rmcp has no
/// type for it.
pub(super) fn page_done(elicitation_id: &str) -> ServerNotification {
    ServerNotification::CustomNotification(CustomNotification::new(
        "notifications/elicitation/complete",
        Some(json!({ "elicitationId": elicitation_id })),
    ))
}

impl Modes {
    /// An empty `elicitation` object is how clients before 2025-11-25 say that they show forms.
    fn of(capabilities: Option<ClientCapabilities>) -> Self {
        match capabilities.and_then(|capabilities| capabilities.elicitation) {
            None => Self::default(),
            Some(elicitation) => Self {
                form: elicitation.form.is_some() || elicitation.url.is_none(),
                url: elicitation.url.is_some(),
            },
        }
    }
}

/// A form with one box to tick, so that pressing enter by habit approves nothing.
fn approval_form() -> Result<ElicitationSchema> {
    serde_json::from_value(json!({
        "type": "object",
        "properties": {
            APPROVE: { "type": "boolean", "title": "Approve", "description": "Go ahead", "default": false },
        },
        "required": [APPROVE],
    }))
    .map_err(Error::internal)
}

/// The answer of a person who approves.
pub(super) fn approved() -> Value {
    json!({ "action": "accept", "content": { APPROVE: true } })
}

/// What the person said. Anything but a clear yes is a no.
fn read(answer: &Value, key: &str) -> Answered {
    let accepted = answer.get("action").is_some_and(|action| action == "accept");
    let ticked =
        || answer.pointer(&format!("/content/{APPROVE}")).is_some_and(|value| value == true);
    if accepted && (key == OPEN || ticked()) { Answered::Yes } else { Answered::No }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_nothing_but_a_clear_yes_for_a_yes() {
        for (answer, key, said) in [
            (json!({ "action": "accept", "content": { "approve": true } }), CONFIRM, Answered::Yes),
            (json!({ "action": "accept", "content": { "approve": false } }), CONFIRM, Answered::No),
            (json!({ "action": "accept", "content": {} }), CONFIRM, Answered::No),
            (json!({ "action": "accept" }), CONFIRM, Answered::No),
            (
                json!({ "action": "accept", "content": { "approve": "true" } }),
                CONFIRM,
                Answered::No,
            ),
            (json!({ "action": "decline" }), CONFIRM, Answered::No),
            (json!("accept"), OPEN, Answered::No),
            (json!({ "action": "accept" }), OPEN, Answered::Yes),
            (json!({ "action": "cancel" }), OPEN, Answered::No),
        ] {
            assert_eq!(read(&answer, key), said, "{answer}");
        }
    }

    #[test]
    fn reads_what_a_client_can_show() {
        for (capabilities, form, url) in [
            (json!({}), false, false),
            (json!({ "elicitation": {} }), true, false),
            (json!({ "elicitation": { "form": {} } }), true, false),
            (json!({ "elicitation": { "url": {} } }), false, true),
            (json!({ "elicitation": { "form": {}, "url": {} } }), true, true),
        ] {
            let modes = Modes::of(serde_json::from_value(capabilities.clone()).unwrap());
            assert_eq!((modes.form, modes.url), (form, url), "{capabilities}");
        }
    }
}

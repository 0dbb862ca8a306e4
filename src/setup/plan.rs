//! The plan: what would be changed, folded from the findings of the requirements.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::edit::{Action, Change, Edit, Object, Set};
use super::place::Places;
use super::requirements::{Finding, findings};
use super::row::{Row, State};
use super::snapshot::Snapshot;
use super::target::Target;
use super::wanted::Wanted;
use super::{Choice, Digest, Setup};
use crate::auth0::Error;
use crate::text;

/// Longer than any value that a person reads.
const MAX_SHOWN: usize = 400;
/// A list that takes more is not repeated with what joins it.
const LONG_LIST: usize = 40;

/// What would be changed.
#[derive(Clone)]
pub struct Plan {
    /// Names exactly this plan.
    pub digest: Digest,
    /// What would change, in order.
    pub changes: Vec<Change>,
    /// What stands in the way and is not for us to mend.
    pub by_hand: Vec<Row>,
    /// Whether the consumer's key and secret must be asked for before it can be applied.
    pub wants_consumer: bool,
    /// One for each change.
    pub(super) edits: Vec<Edit>,
    /// Where the objects are that are changed, and those that they refer to.
    pub(super) places: Places,
    /// How the secret of the connection fares when its options are written.
    pub(super) options: Options,
}

/// What is known of the options that a plan writes. Auth0 replaces them whole, so whoever writes them
/// without the secret erases it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Options {
    /// They are not written, or written with a secret that is at hand.
    Safe,
    /// They cannot be read, so all that is in them would be lost.
    Hidden,
    /// They are read without their secret, which is of the consumer with this key.
    WithoutSecret(Option<String>),
}

impl Setup {
    /// Reads the tenant and says what would be changed. Writes nothing.
    ///
    /// # Errors
    /// When the Management API cannot be used at all.
    pub async fn plan(&self, choice: &Choice) -> Result<Plan, Error> {
        let wanted = self.wanted(choice);
        let snapshot = self.snapshot(&wanted).await?;
        Ok(self.plan_of(&wanted, &snapshot))
    }

    pub(super) fn plan_of(&self, wanted: &Wanted, snapshot: &Snapshot) -> Plan {
        let Folded { edits, by_hand } = fold(findings(wanted, snapshot));
        let target = Target::of(wanted, snapshot);
        let places = Places::of(&target, &edits);
        let changes: Vec<_> = edits.iter().map(|edit| change(edit, &places)).collect();
        let covered = edits.iter().zip(&changes);
        let covered: Vec<_> =
            covered.map(|(edit, change)| (edit, change, places.id(&edit.object))).collect();
        let digest = Digest::of(self.inner.domain.as_str(), &wanted.choice, &covered);
        let options = options(&edits, &target);
        let mut plan =
            Plan { digest, changes, by_hand, wants_consumer: false, edits, places, options };
        plan.wants_consumer = plan.needs_consumer() && self.inner.consumer.is_none();
        plan
    }
}

impl Plan {
    /// Whether it writes the consumer's key or secret, or must do so lest they be lost.
    pub(super) fn needs_consumer(&self) -> bool {
        let from_consumer =
            |edit: &Edit| matches!(edit.set, Set::ConsumerKey | Set::ConsumerSecret);
        self.edits.iter().any(from_consumer) || matches!(self.options, Options::WithoutSecret(_))
    }

    /// Whether it writes the consumer's key.
    pub(super) fn writes_key(&self) -> bool {
        self.edits.iter().any(|edit| edit.set == Set::ConsumerKey)
    }
}

/// Edits may hold what somebody else put into the tenant; the changes say all that may be shown.
impl fmt::Debug for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Plan")
            .field("digest", &self.digest)
            .field("changes", &self.changes)
            .field("by_hand", &self.by_hand)
            .field("wants_consumer", &self.wants_consumer)
            .finish_non_exhaustive()
    }
}

struct Folded {
    edits: Vec<Edit>,
    by_hand: Vec<Row>,
}

/// The edits in the order in which they are carried out, each once, and the rows that have none.
fn fold(findings: Vec<Finding>) -> Folded {
    let mut edits: Vec<Edit> = Vec::new();
    let mut by_hand = Vec::new();
    for Finding { row, edits: mending } in findings {
        if mending.is_empty() && stands_in_the_way(&row) {
            by_hand.push(row);
        }
        for edit in mending {
            let same = |other: &Edit| other.object == edit.object && other.field == edit.field;
            if !edits.iter().any(same) {
                edits.push(edit);
            }
        }
    }
    // Stable: within an object, in the order in which the requirements name its fields.
    edits.sort_by(|one, other| one.object.cmp(&other.object));
    // What is created is created with all of its fields at once.
    let created = edits.iter().filter(|edit| edit.action == Action::Create);
    let created: Vec<Object> = created.map(|edit| edit.object.clone()).collect();
    for edit in &mut edits {
        if created.contains(&edit.object) {
            edit.action = Action::Create;
        }
    }
    Folded { edits, by_hand }
}

/// Only an exchange proves the vault, which is no reason to hold a plan back.
fn stands_in_the_way(row: &Row) -> bool {
    row.state != State::Ok && row.id != "vault.exchange"
}

fn change(edit: &Edit, places: &Places) -> Change {
    let shown = |text: &str| text::clean_line(text, MAX_SHOWN);
    let to = added(edit).map_or_else(|| edit.to.clone(), |added| format!("+ {added}"));
    Change {
        object: places.name(&edit.object).to_owned(),
        action: edit.action,
        field: edit.field.to_owned(),
        from: shown(&edit.from),
        to: shown(&to),
    }
}

/// What joins a list that is too long to be read twice.
fn added(edit: &Edit) -> Option<&str> {
    let Set::Value(Value::Array(_)) = edit.set else { return None };
    let added = edit.to.strip_prefix(&edit.from)?.strip_prefix(", ")?;
    (edit.from.len() > LONG_LIST).then_some(added)
}

fn options(edits: &[Edit], target: &Target<'_>) -> Options {
    let writes = |edit: &&Edit| {
        edit.object == Object::Connection
            && edit.action == Action::Update
            && edit.field.starts_with("options")
    };
    let mut writing = edits.iter().filter(writes).peekable();
    if writing.peek().is_none() {
        return Options::Safe;
    }
    let options = target.our_connection().and_then(|connection| connection.options.as_ref());
    let Some(options) = options else { return Options::Hidden };
    let writes_secret = writing.any(|edit| edit.set == Set::ConsumerSecret);
    if writes_secret || is_readable(options.0.get("client_secret")) {
        return Options::Safe;
    }
    let key = options.0.get("client_id").and_then(Value::as_str);
    Options::WithoutSecret(key.map(str::to_owned))
}

/// Whether this is a secret, and not what somebody shows in its place.
pub(super) fn is_readable(secret: Option<&Value>) -> bool {
    let Some(secret) = secret.and_then(Value::as_str) else { return false };
    let shown = secret.trim_matches(|letter: char| !letter.is_alphanumeric());
    !(shown.is_empty() || shown.eq_ignore_ascii_case("redacted"))
}

/// `text` without `secret`, should somebody have quoted it.
pub(super) fn without(text: String, secret: Option<&SecretString>) -> String {
    match secret.map(|secret| secret.expose_secret()) {
        Some(secret) if !secret.is_empty() => text.replace(secret, "…"),
        _ => text,
    }
}

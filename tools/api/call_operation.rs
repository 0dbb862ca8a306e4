use std::borrow::Cow;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::arguments::{Argument, FileArgument};
use super::compact::Compact;
use super::request::{Prepared, Said};
use super::shown;
use crate::bitbucket::{Bytes, Call, Client, Path, RepositoryId};
use crate::operations::{self, Method, Operation};
use crate::text::{Foreign, within_bytes};
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::params::{MaxBytes, RepositoryArgument, WorkspaceArgument};
use crate::tools::shown::{NAME, more, size};
use crate::{Error, Result};

/// The most elements that every list gives at once: some refuse more.
const PAGE: u32 = 50;

/// How much of an answer is read.
const LONGEST_ANSWER: usize = 4 * 1024 * 1024;

/// Call a Bitbucket API operation that `find_operation` found. Everything is checked before it is sent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CallOperation {
    /// Its name, or `GET /path/{template}`.
    #[schemars(length(min = 1, max = 300))]
    operation: String,
    /// Not needed if `repository` names it.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: Option<RepositoryArgument>,
    /// Its other path and query parameters.
    #[serde(default)]
    #[schemars(length(max = 50))]
    arguments: Vec<Argument>,
    /// Its body, as JSON text.
    #[schemars(length(max = 200_000))]
    body: Option<String>,
    /// Files to upload.
    #[serde(default)]
    #[schemars(length(max = 50))]
    files: Vec<FileArgument>,
    /// What to answer with: `id,title` or `-description`; in lists `values.id`.
    #[schemars(length(min = 1, max = 1_000))]
    fields: Option<String>,
    /// How many elements of a list; pages are followed.
    #[serde(default = "some")]
    #[schemars(range(min = 1, max = 500))]
    limit: u32,
    /// From `next_cursor`.
    cursor: Option<String>,
    /// Of text.
    #[serde(default)]
    max_bytes: MaxBytes,
}

/// What Bitbucket answered.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Outcome {
    /// What was called.
    operation: &'static str,
    /// What it answered, without links, renderings and nulls; a list as its elements.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Value")]
    answer: Option<Value>,
    /// What it answered, where that is no JSON, or more of it than fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Foreign>,
    /// Where what was made is, below the API's base.
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Foreign>,
    /// What is left out, and how to get it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    /// Pass it as `cursor` for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// The answer as it is shown.
    #[serde(skip)]
    shown: String,
}

impl Tool for CallOperation {
    const NAME: &'static str = "call_operation";
    const TITLE: &'static str = "Call an operation";
    const EFFECT: Effect = Effect::Calls;
    const SCOPES: &'static [&'static str] = &[];
    type Output = Outcome;

    fn scopes(&self) -> Vec<&'static str> {
        operations::named(&self.operation).map(|one| one.scopes.clone()).unwrap_or_default()
    }

    fn approval(&self) -> Option<String> {
        // What cannot be sent needs no approval: it ends in an error.
        let prepared = self.prepared().ok()?;
        prepared.operation.asks().then(|| prepared.question())
    }

    async fn question(&self, cx: &Context) -> Result<Option<String>> {
        let prepared = self.prepared()?;
        admit(&prepared, cx).await?;
        Ok(Tool::approval(self))
    }

    async fn run(self, cx: &Context) -> Result<Outcome> {
        let prepared = self.prepared()?;
        admit(&prepared, cx).await?;
        let operation = prepared.operation;
        let client = cx.bitbucket().await?;
        if prepared.is_list() {
            return self.list(&prepared, client, cx).await;
        }
        if self.cursor.is_some() {
            return Err(Error::InvalidArguments(format!(
                "`cursor`: `{}` answers with no list",
                operation.name
            )));
        }
        if operation.reads() {
            let mut call = call(client, &prepared);
            call = if operation.is_kept_elsewhere() {
                call.follow_to_storage()
            } else {
                call.tells_when_elsewhere()
            };
            let bytes = call.slow().bytes(LONGEST_ANSWER).await?;
            return self.read(operation, &bytes);
        }
        let answer = call(client, &prepared).slow().answer::<Value>().await?;
        let mut outcome = match answer.body {
            Some(body) => self.json(operation, body),
            None if answer.status == 202 => {
                Outcome::new(operation, "accepted: Bitbucket carries it out later")
            }
            None => Outcome::new(operation, "done"),
        };
        outcome.location =
            answer.location.as_ref().and_then(Path::shown).map(|path| Foreign::line(path, 500));
        Ok(outcome)
    }
}

impl CallOperation {
    fn prepared(&self) -> Result<Prepared> {
        let operation =
            operations::named(&self.operation).ok_or_else(|| unknown(&self.operation))?;
        let workspace = self.workspace.as_ref();
        let repository = match &self.repository {
            Some(_) if !operation.has_parameter("repo_slug") => {
                return Err(Error::InvalidArguments(format!(
                    "`repository`: {} takes none{}",
                    operation.name,
                    if operation.has_parameter("workspace") { ", only a `workspace`" } else { "" }
                )));
            }
            Some(repository) => Some(repository.id(workspace)?),
            None => None,
        };
        Prepared::new(
            operation,
            &Said {
                repository: repository.as_ref(),
                workspace: workspace.map(|workspace| &workspace.0),
                arguments: &self.arguments,
                body: self.body.as_deref(),
                files: &self.files,
                fields: self.fields.as_deref(),
            },
        )
    }

    fn compact(&self) -> Compact {
        let links = self.fields.as_deref().is_some_and(|fields| {
            fields.split(',').any(|field| !field.trim().starts_with('-') && field.contains("links"))
        });
        Compact { links, ..Compact::default() }
    }

    async fn list(&self, prepared: &Prepared, client: &Client, cx: &Context) -> Result<Outcome> {
        let operation = prepared.operation;
        let resume = cx.resume(self.cursor.as_deref())?;
        let limit = self.limit as usize;
        let page = call(client, prepared).page::<Value>(PAGE, limit, resume.as_ref()).await?;
        let mut compact = self.compact();
        let mut values = compact.elements(page.values);
        let (text, shown) = shown::rows(&values, self.max_bytes.get());
        let mut outcome = Outcome::new(operation, "an empty list");
        outcome.leave_out(&compact);
        if values.is_empty() {
            outcome.next_cursor = cx.cursor(page.next)?;
            return Ok(outcome);
        }
        outcome.shown = text;
        if shown < values.len() {
            outcome.notes.push(format!(
                "{} of the {} elements that were read are left out: call again with `limit` {shown} and \
                 go on from there, or with fewer `fields`",
                values.len() - shown,
                values.len(),
            ));
            values.truncate(shown);
        } else {
            outcome.next_cursor = cx.cursor(page.next)?;
            if let (Some(size), Some(_)) = (page.size, &outcome.next_cursor) {
                outcome.notes.push(format!("{size} in all"));
            }
        }
        outcome.answer = Some(Value::Array(values));
        Ok(outcome)
    }

    /// An answer of any kind.
    fn read(&self, operation: &'static Operation, bytes: &Bytes) -> Result<Outcome> {
        if bytes.elsewhere.is_some() {
            return Err(Error::refused(
                "the content is not kept by Bitbucket's API but by a storage elsewhere",
                "a file in Git LFS is a pointer here; its content cannot be read so",
            ));
        }
        let kind = bytes.content_type.as_deref().unwrap_or_default();
        let is_json = kind.starts_with("application/json") && !bytes.is_attachment;
        if is_json && !bytes.truncated {
            return match serde_json::from_slice(&bytes.data) {
                Ok(value) => Ok(self.json(operation, value)),
                Err(_) => Err(unusable("its JSON is broken")),
            };
        }
        if bytes.data.is_empty() {
            return Ok(Outcome::new(operation, "done: the answer is empty"));
        }
        if kind.starts_with("text/html") && !bytes.is_attachment {
            return Err(unusable("it is a web page"));
        }
        if bytes.data.iter().take(8 * 1024).any(|byte| *byte == 0) {
            let total = bytes.total.map(size).map_or_else(String::new, |size| format!(", {size}"));
            let kind = Foreign::line(kind, NAME).quoted();
            return Ok(Outcome::new(operation, &format!("a binary file of type {kind}{total}")));
        }
        let text = String::from_utf8_lossy(&bytes.data);
        let mut outcome = Outcome::new(operation, "");
        if matches!(text, Cow::Owned(_)) && !bytes.truncated {
            outcome.notes.push("bytes that are no UTF-8 are replaced".to_owned());
        }
        outcome.show(&text, self.max_bytes.get(), bytes.total);
        outcome.shown = outcome.text.as_ref().map(|text| text.indented("  ")).unwrap_or_default();
        Ok(outcome)
    }

    fn json(&self, operation: &'static Operation, value: Value) -> Outcome {
        let mut compact = self.compact();
        let value = compact.value(value);
        let mut outcome = Outcome::new(operation, "done");
        outcome.leave_out(&compact);
        let Some(value) = value else { return outcome };
        let text = shown::members(&value);
        let text = text.trim_start_matches('\n');
        if text.len() > self.max_bytes.get() {
            outcome.show(text, self.max_bytes.get(), None);
            outcome.shown = within_bytes(text, self.max_bytes.get()).to_owned();
        } else {
            outcome.shown = text.to_owned();
            outcome.answer = Some(value);
        }
        outcome
    }
}

impl Outcome {
    fn new(operation: &'static Operation, shown: &str) -> Self {
        Self {
            operation: operation.name,
            answer: None,
            text: None,
            location: None,
            notes: Vec::new(),
            next_cursor: None,
            shown: shown.to_owned(),
        }
    }

    /// Takes the start of `text`, and says so if that is not all.
    fn show(&mut self, text: &str, max_bytes: usize, total: Option<u64>) {
        let kept = within_bytes(text, max_bytes);
        let total = total.unwrap_or(text.len() as u64).max(text.len() as u64);
        if (kept.len() as u64) < total {
            self.notes.push(format!(
                "cut after {} of {}: raise `max_bytes`, or ask for less",
                size(kept.len() as u64),
                size(total)
            ));
        }
        self.text = Some(Foreign::block(kept, usize::MAX));
    }

    fn leave_out(&mut self, compact: &Compact) {
        if !compact.secrets.is_empty() {
            let names: Vec<String> =
                compact.secrets.iter().map(|name| format!("`{name}`")).collect();
            self.notes.push(format!("secrets are left out: {}", names.join(", ")));
        }
    }
}

impl Answer for Outcome {
    fn text(&self) -> String {
        let mut text = format!("{}:", self.operation);
        if self.shown.contains('\n') || self.shown.starts_with(' ') {
            text.push('\n');
        } else {
            text.push(' ');
        }
        text.push_str(&self.shown);
        if let Some(location) = &self.location {
            let _ = write!(text, "\nat {}", location.quoted());
        }
        for note in &self.notes {
            let _ = write!(text, "\n({note})");
        }
        more(&mut text, self.next_cursor.as_ref());
        text
    }
}

/// Refuses what this server may not do, whoever asks: writes where it only reads, and what lies outside
/// the repositories that exist here.
async fn admit(prepared: &Prepared, cx: &Context) -> Result<()> {
    let operation = prepared.operation;
    if cx.read_only() && !operation.reads() {
        return Err(Error::refused(
            format!("this server only reads, and `{}` is a {}", operation.name, operation.method),
            "only operations with GET can be called here",
        ));
    }
    let policy = cx.repositories();
    if policy.is_open() {
        return Ok(());
    }
    let closed = |what: String| {
        Err(Error::refused(
            what,
            "only some repositories exist here: call operations of one of them",
        ))
    };
    for name in prepared.other_repositories() {
        let other = RepositoryId::try_from(name).map_err(|_| {
            let says =
                "a repository in `body` has to be named by its `full_name`, `workspace/repository`";
            Error::InvalidArguments(says.to_owned())
        })?;
        cx.repository(&other).await?;
    }
    match &prepared.repository {
        Some(id) if operation.may_make_its_repository() => {
            // What does not exist yet has no other name than the one it is given.
            let is_new = operation.method == Method::Post;
            if is_new && !policy.allows(&id.to_string()) {
                return Err(Error::no_repository(id));
            }
            if !is_new {
                cx.repository(id).await?;
            }
            Ok(())
        }
        Some(_) if !operation.is_of_a_repository() => {
            closed(format!("`{}` reaches other repositories", operation.name))
        }
        Some(id) => cx.repository(id).await.map(|_| ()),
        None if operation.is_outside_repositories() => Ok(()),
        None => closed(format!("`{}` is not about one repository", operation.name)),
    }
}

fn call<'a>(client: &'a Client, prepared: &Prepared) -> Call<'a> {
    let path = prepared.path.clone();
    let call = match prepared.operation.method {
        Method::Get => client.get(path),
        Method::Post => client.post(path),
        Method::Put => client.put(path),
        Method::Delete => client.delete(path),
    };
    let call = call.queries(prepared.query.iter().map(|(name, value)| (*name, value)));
    match (prepared.form(), &prepared.body) {
        (Some(form), _) => call.multipart(form),
        (None, Some(body)) => call.json_body(body),
        (None, None) => call,
    }
}

fn unusable(why: &str) -> Error {
    Error::Unusable { service: "Bitbucket", why: why.to_owned() }
}

fn unknown(name: &str) -> Error {
    let near = operations::nearest(name, operations::all().iter().map(|one| one.name));
    let shown = Foreign::line(name, NAME).quoted();
    let hint = match near {
        Some(near) => format!("did you mean `{near}`? `find_operation` finds others"),
        None => "call `find_operation` with what you want to do".to_owned(),
    };
    Error::not_found(format!("Bitbucket has no operation {shown}"), hint)
}

fn some() -> u32 {
    25
}

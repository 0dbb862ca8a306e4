//! A call of an operation, checked as a whole before anything is sent.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::address::{address, query};
use super::arguments::{Argument, FileArgument};
use crate::bitbucket::{Multipart, Path, RepositoryId, Segment};
use crate::operations::{Body, Kind, Operation, Shape};
use crate::text::{clean, clean_line};
use crate::{Error, Result};

/// How large the files of one call may be together.
const LARGEST_FILES: usize = 5 * 1024 * 1024;

/// A request that Bitbucket documents.
pub(super) struct Prepared {
    pub(super) operation: &'static Operation,
    pub(super) path: Path,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
    files: Vec<File>,
    /// The repository that the path names.
    pub(super) repository: Option<RepositoryId>,
    /// Whether it asks for a folder, which comes as a list where a file would come as it is.
    is_folder: bool,
}

struct File {
    field: String,
    name: String,
    data: Vec<u8>,
}

/// What a call says besides its operation.
pub(super) struct Said<'a> {
    pub(super) repository: Option<&'a RepositoryId>,
    pub(super) workspace: Option<&'a Segment>,
    pub(super) arguments: &'a [Argument],
    pub(super) body: Option<&'a str>,
    pub(super) files: &'a [FileArgument],
    pub(super) fields: Option<&'a str>,
}

impl Prepared {
    /// Checks what is `said` against what `operation` takes; all that is wrong is named at once.
    pub(super) fn new(operation: &'static Operation, said: &Said<'_>) -> Result<Self> {
        let mut wrong = Vec::new();
        let body = body(operation, said, &mut wrong);
        let files = files(operation, said.files, &mut wrong);
        let query = query(operation, said, &mut wrong);
        let addressed = address(operation, said, &mut wrong);
        if !wrong.is_empty() {
            return Err(Error::InvalidArguments(format!(
                "{}: {}; `find_operation` with `{0}` tells what it takes",
                operation.name,
                wrong.join("; ")
            )));
        }
        let (path, repository, is_folder) = addressed;
        Ok(Self { operation, path, query, body, files, repository, is_folder })
    }

    /// Whether the answer is a list that comes in pages. A file comes as it is, and its folder as a list.
    pub(super) fn is_list(&self) -> bool {
        let is_meta = self.query.iter().any(|(name, _)| *name == "format");
        let is_file = self.operation.name == "getSource" && !self.is_folder;
        self.operation.paged && !is_file && !is_meta
    }

    /// The form to send, if it is one.
    pub(super) fn form(&self) -> Option<Multipart> {
        let shape = self.operation.body.as_ref().map(|body| body.shape);
        if self.files.is_empty() && shape != Some(Shape::Form) {
            return None;
        }
        let members = self.body.as_ref().and_then(Value::as_object);
        let mut form = Multipart::new();
        for (name, value) in members.into_iter().flatten() {
            let values = match value {
                Value::Array(values) => values.as_slice(),
                value => std::slice::from_ref(value),
            };
            for value in values {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                form = form.text(name, &text);
            }
        }
        for file in &self.files {
            form = form.file(&file.field, &file.name, file.data.clone());
        }
        Some(form)
    }

    /// What a person is asked to approve: everything that will be sent.
    pub(super) fn question(&self) -> String {
        let operation = self.operation;
        let mut question = format!(
            "Call Bitbucket's `{}`? It does this: {}.\n{}",
            operation.name,
            operation.line,
            self.line()
        );
        if let Some(body) = &self.body {
            let _ = write!(question, "\nwith {}", legible(&body.to_string()));
        }
        for file in &self.files {
            let (field, name) = (clean_line(&file.field, 200), clean_line(&file.name, 200));
            let _ = write!(
                question,
                "\nwith the file `{name}` as `{field}`, {} bytes",
                file.data.len()
            );
        }
        question
    }

    /// `DELETE /repositories/acme/shop/hooks/%7B…%7D`
    pub(super) fn line(&self) -> String {
        let path = self.path.shown().unwrap_or_default();
        let mut line = format!("{} /{path}", self.operation.method);
        for (index, (name, value)) in self.query.iter().enumerate() {
            let sign = if index == 0 { '?' } else { '&' };
            let _ = write!(line, "{sign}{name}={}", clean_line(value, 500));
        }
        line
    }

    /// The repositories that the body names, by their full names; empty for one that it names otherwise.
    pub(super) fn other_repositories(&self) -> Vec<&str> {
        let mut names = Vec::new();
        if let Some(body) = &self.body {
            named(body, &mut names);
        }
        names
    }
}

/// `text` with what a reader cannot see spelt out, since a person approves what they see.
fn legible(text: &str) -> String {
    let mut legible = String::with_capacity(text.len());
    for character in text.chars() {
        if clean(character.encode_utf8(&mut [0; 4])).is_empty() {
            let _ = write!(legible, "\\u{:04x}", u32::from(character));
        } else {
            legible.push(character);
        }
    }
    legible
}

fn named<'a>(value: &'a Value, names: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match member {
                    Value::String(name) if key == "full_name" => names.push(name),
                    Value::Object(inner) if key == "repository" => {
                        let name = inner.get("full_name").and_then(Value::as_str);
                        names.push(name.unwrap_or_default());
                    }
                    member => named(member, names),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| named(value, names)),
        _ => {}
    }
}

fn body(operation: &'static Operation, said: &Said<'_>, wrong: &mut Vec<String>) -> Option<Value> {
    let takes = operation.body.as_ref();
    let given = match said.body.map(serde_json::from_str::<Value>) {
        Some(Ok(value)) => Some(value),
        Some(Err(error)) => {
            wrong.push(format!(
                "`body` is not JSON (line {}, column {})",
                error.line(),
                error.column()
            ));
            return None;
        }
        None => None,
    };
    match (takes, given) {
        (None, Some(value)) if value.as_object().is_some_and(serde_json::Map::is_empty) => None,
        (None, Some(_)) => {
            wrong.push("it takes no `body`".to_owned());
            None
        }
        (Some(takes), Some(value)) => {
            wrong.extend(takes.wrong(&value));
            Some(takes.completed(value))
        }
        (Some(takes), None) if takes.required && needs_members(takes, said.files) => {
            let fields: Vec<String> = match takes.required_fields().count() {
                0 => takes.fields.iter().map(|field| format!("`{}`", field.name)).collect(),
                _ => takes.required_fields().map(|field| format!("`{}`", field.name)).collect(),
            };
            wrong.push(format!("`body` is missing, with {}", fields.join(", ")));
            None
        }
        (_, None) => None,
    }
}

fn needs_members(body: &Body, files: &[FileArgument]) -> bool {
    files.is_empty() && !body.fields.iter().any(|field| field.kind == Kind::File && field.required)
        || body.required_fields().next().is_some()
}

fn files(
    operation: &'static Operation,
    given: &[FileArgument],
    wrong: &mut Vec<String>,
) -> Vec<File> {
    let takes = operation.body.as_ref();
    let mut slots =
        takes.into_iter().flat_map(|body| &body.fields).filter(|field| field.kind == Kind::File);
    let Some(slot) = slots.next() else {
        if !given.is_empty() {
            wrong.push("it takes no `files`".to_owned());
        }
        return Vec::new();
    };
    if slot.required && given.is_empty() {
        wrong.push(format!("`files` is missing: at least one as `{}`", slot.name));
    }
    let mut files = Vec::new();
    for file in given {
        let shown = clean_line(&file.name, 100);
        if slot.name != "*" && file.name != slot.name {
            wrong.push(format!("the file `{shown}` has to be called `{}`", slot.name));
        }
        let data = match (&file.text, &file.base64) {
            (Some(text), None) => text.as_bytes().to_vec(),
            (None, Some(encoded)) => match STANDARD.decode(encoded.trim()) {
                Ok(data) => data,
                Err(_) => {
                    wrong.push(format!("the file `{shown}` is not base64"));
                    continue;
                }
            },
            _ => {
                wrong.push(format!("the file `{shown}` needs `text` or `base64`, one of them"));
                continue;
            }
        };
        let name = file
            .file_name
            .clone()
            .unwrap_or_else(|| file.name.rsplit('/').next().unwrap_or_default().to_owned());
        files.push(File { field: file.name.clone(), name, data });
    }
    if files.iter().map(|file| file.data.len()).sum::<usize>() > LARGEST_FILES {
        wrong.push("the files are larger than 5 MiB together".to_owned());
    }
    files
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::operations::{self, Field};

    /// A value that the parameter `name` may have.
    fn sample(name: &str) -> &'static str {
        match name {
            "path" => "docs/a b.md",
            "id" | "task_id" => "7",
            _ if name.ends_with("_uuid") => "1C9A4BD8-7bd6-4a19-8f6b-7e3a1a6d7f10",
            _ if name.ends_with("request_id")
                || name == "pullrequest_id"
                || name == "comment_id" =>
            {
                "7"
            }
            _ => "9f2c1d7",
        }
    }

    fn value(field: &Field) -> Value {
        match field.kind {
            Kind::Text => field.values.first().copied().unwrap_or("x").into(),
            Kind::Integer => 7.into(),
            Kind::Boolean => true.into(),
            Kind::List | Kind::File => json!(["x"]),
            Kind::Object => json!({}),
        }
    }

    /// A body with all that has to be there.
    fn least(body: &Body) -> Value {
        let mut least = json!({});
        for field in body.fields.iter().filter(|field| field.required && field.kind != Kind::File) {
            let place = format!("/{}", field.name.replace('.', "/"));
            let (holder, last) = place.rsplit_once('/').unwrap();
            if let Some(holder) = least.pointer_mut(holder) {
                holder[last] = value(field);
            }
        }
        if body.shape == Shape::List { json!([least]) } else { least }
    }

    fn prepared(operation: &'static Operation) -> Prepared {
        let parameters = operation.parameters().map(str::to_owned);
        let required = operation.query.iter().filter(|field| field.required);
        let arguments: Vec<Argument> = parameters
            .chain(required.map(|field| field.name.to_owned()))
            .map(|name| Argument { value: sample(&name).to_owned(), name })
            .collect();
        let takes = operation.body.as_ref();
        let body = takes.map(|body| least(body).to_string());
        let slots = takes.into_iter().flat_map(|body| &body.fields);
        let files: Vec<FileArgument> = slots
            .filter(|field| field.kind == Kind::File && field.required)
            .map(|field| FileArgument {
                name: field.name.to_owned(),
                file_name: None,
                text: Some("x".to_owned()),
                base64: None,
            })
            .collect();
        let said = Said {
            repository: None,
            workspace: None,
            arguments: &arguments,
            body: body.as_deref(),
            files: &files,
            fields: None,
        };
        Prepared::new(operation, &said)
            .unwrap_or_else(|error| panic!("{}: {error}", operation.name))
    }

    #[test]
    fn every_operation_can_be_called_with_what_it_requires_and_is_found_by_its_own_address() {
        for operation in operations::all() {
            let prepared = prepared(operation);
            let path = prepared.path.shown().unwrap();
            let found = operations::find(operation.method.name(), path);
            assert_eq!(found.map(|one| one.name), Some(operation.name), "{path}");
            assert_eq!(prepared.repository.is_some(), operation.has_parameter("repo_slug"));
        }
    }

    #[test]
    fn every_operation_says_what_it_misses() {
        let nothing = Said {
            repository: None,
            workspace: None,
            arguments: &[],
            body: None,
            files: &[],
            fields: None,
        };
        for operation in operations::all().iter().filter(|one| one.parameters().next().is_some()) {
            let error = Prepared::new(operation, &nothing).err().unwrap();
            assert_eq!(error.code(), "invalid_arguments", "{}", operation.name);
        }
    }
}

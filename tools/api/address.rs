//! Where a call goes: the path and the query, from arguments that are only text so far.

use serde_json::Value;

use super::request::Said;
use crate::bitbucket::{FilePath, Path, RepositoryId, Segment};
use crate::operations::{Field, Kind, Operation, nearest};
use crate::text::clean_line;
use crate::tools::params::Revision;

/// The path, the repository that it names, and whether it is that of a folder.
pub(super) type Addressed = (Path, Option<RepositoryId>, bool);

/// The address, with every parameter in its place.
pub(super) fn address(
    operation: &'static Operation,
    said: &Said<'_>,
    wrong: &mut Vec<String>,
) -> Addressed {
    let mut parts = operation.path.trim_start_matches('/').split('/');
    let mut path = Path::new(parts.next().unwrap_or_default());
    let (mut workspace, mut slug, mut is_folder) = (None, None, false);
    for part in parts {
        let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else {
            path = path.fixed(part);
            continue;
        };
        let given = said.arguments.iter().find(|argument| argument.name == name);
        let value = match (name, given, said.repository) {
            ("workspace", None, Some(id)) => Some(id.workspace.as_str()),
            ("workspace", None, None) => said.workspace.map(Segment::as_str),
            ("repo_slug", None, Some(id)) => Some(id.slug.as_str()),
            ("workspace" | "repo_slug", Some(_), Some(_)) => {
                wrong.push(format!("`{name}` is in `repository` already"));
                None
            }
            (_, given, _) => given.map(|argument| argument.value.as_str()),
        };
        if name == "path" && operation.path.ends_with("{path}") {
            let text = value.unwrap_or_default();
            is_folder = text.is_empty() || text.ends_with('/');
            match FilePath::try_from(text) {
                Ok(_) if text.is_empty() && !operation.paged => {
                    wrong.push("`path` is missing".to_owned());
                }
                Ok(inside) => {
                    path = path.rest(&inside);
                    if is_folder && operation.name == "getSource" {
                        path = path.folder();
                    }
                }
                Err(error) => wrong.push(format!("`path`: {error}")),
            }
            continue;
        }
        let Some(value) = value else {
            wrong.push(missing(name));
            continue;
        };
        match parameter(operation, name, value) {
            Ok(value) => {
                match name {
                    "workspace" => workspace = Segment::try_from(value.as_str()).ok(),
                    "repo_slug" => slug = Segment::try_from(value.as_str()).ok(),
                    _ => {}
                }
                path = path.segment(&value);
            }
            Err(what) => wrong.push(format!("`{name}` {what}")),
        }
    }
    let repository = match (workspace, slug) {
        (Some(workspace), Some(slug)) => Some(RepositoryId { workspace, slug }),
        _ => None,
    };
    (path, repository, is_folder)
}

fn missing(name: &str) -> String {
    match name {
        "repo_slug" => "`repository` is missing".to_owned(),
        "workspace" => "`workspace` is missing, or `repository`".to_owned(),
        _ => format!("the argument `{name}` is missing"),
    }
}

/// The value of a parameter in the path, or what is wrong with it.
fn parameter(
    operation: &Operation,
    name: &str,
    value: &str,
) -> std::result::Result<String, String> {
    let is_number =
        !value.is_empty() && value.len() < 20 && value.bytes().all(|b| b.is_ascii_digit());
    match name {
        "workspace" | "repo_slug" | "project_key" => {
            Segment::try_from(value).map(|_| value.to_owned()).map_err(|error| error.to_string())
        }
        "pull_request_id" | "pullrequest_id" | "comment_id" | "id" if !is_number => {
            Err("is not a number".to_owned())
        }
        "task_id" if operation.path.contains("/tasks/") && !is_number => {
            Err("is not a number".to_owned())
        }
        "pipeline_uuid" if is_number => Ok(value.to_owned()),
        _ if name.ends_with("_uuid") => {
            let bare = value.trim_start_matches('{').trim_end_matches('}').to_ascii_lowercase();
            let braced = format!("{{{bare}}}");
            match Segment::try_from(braced.as_str()) {
                Ok(_) => Ok(braced),
                Err(_) => Err("is not a uuid".to_owned()),
            }
        }
        "name" => Revision::try_from(value.to_owned()).map(|revision| revision.0),
        // Bitbucket takes no branch with a slash here, and with a colon it would read another
        // repository.
        "commit" | "revision" | "node_id"
            if Revision::try_from(value.to_owned()).is_err() || value.contains('/') =>
        {
            Err("has to be a commit's hash, or a branch or tag without a slash".to_owned())
        }
        "spec" | "revspec" => {
            let fits = value.split("..").count() <= 2
                && value
                    .split("..")
                    .all(|end| Revision::try_from(end.to_owned()).is_ok() && !end.contains('/'));
            if fits {
                Ok(value.to_owned())
            } else {
                Err("has to be a commit's hash, or two of them as `A..B`".to_owned())
            }
        }
        _ if value.is_empty()
            || value.len() > 255
            || value.chars().any(char::is_control)
            || matches!(value, "." | "..") =>
        {
            Err("cannot be part of an address".to_owned())
        }
        _ => Ok(value.to_owned()),
    }
}

/// The query, as it is sent.
pub(super) fn query(
    operation: &'static Operation,
    said: &Said<'_>,
    wrong: &mut Vec<String>,
) -> Vec<(&'static str, String)> {
    let mut pairs: Vec<(&'static str, String)> = Vec::new();
    for argument in said.arguments {
        let name = argument.name.as_str();
        if operation.has_parameter(name) {
            if said.arguments.iter().filter(|other| other.name == name).count() > 1 {
                wrong.push(format!("`{name}` is there twice"));
            }
            continue;
        }
        let known = operation.query.iter().find(|field| field.name == name);
        match (known, name) {
            (None, "page" | "pagelen") if operation.paged => {
                wrong.push(format!("`{name}` is not taken: use `limit` and `cursor`"));
            }
            (None, "fields") => wrong.push("`fields` is an argument of its own".to_owned()),
            (Some(field), _) => match of_kind(field, &argument.value) {
                Some(_)
                    if !field.repeated && pairs.iter().any(|(other, _)| *other == field.name) =>
                {
                    wrong.push(format!("`{name}` is there twice"));
                }
                Some(what) => wrong.push(format!("`{name}` {what}")),
                None => pairs.push((field.name, argument.value.clone())),
            },
            (None, "q") if operation.paged => pairs.push(("q", argument.value.clone())),
            (None, "sort") if operation.paged => pairs.push(("sort", argument.value.clone())),
            (None, _) => wrong.push(unknown(operation, name)),
        }
    }
    for field in operation.query.iter().filter(|field| field.required) {
        if !pairs.iter().any(|(name, _)| *name == field.name) {
            wrong.push(format!("the argument `{}` is missing", field.name));
        }
    }
    if let Some(fields) = said.fields {
        pairs.push(("fields", whitelist(operation, fields)));
    }
    pairs
}

/// What is wrong with a value that arrives as text.
fn of_kind(field: &Field, value: &str) -> Option<String> {
    let value = match field.kind {
        Kind::Integer => {
            value.parse().map_or_else(|_| Value::from(value), |number: i64| number.into())
        }
        Kind::Boolean => {
            value.parse().map_or_else(|_| Value::from(value), |truth: bool| truth.into())
        }
        _ => Value::from(value),
    };
    field.wrong(&value)
}

fn unknown(operation: &'static Operation, name: &str) -> String {
    let known = || operation.parameters().chain(operation.query.iter().map(|field| field.name));
    let near = nearest(name, known());
    let in_body = operation
        .body
        .as_ref()
        .is_some_and(|body| body.fields.iter().any(|field| field.name == name));
    let name = clean_line(name, 60);
    match near {
        _ if in_body => format!("`{name}` belongs into `body`"),
        Some(near) => format!("there is no argument `{name}`; did you mean `{near}`?"),
        None => format!("there is no argument `{name}`"),
    }
}

/// A list of fields that names only some has to name where a list goes on.
fn whitelist(operation: &Operation, fields: &str) -> String {
    let mut parts = fields.split(',').map(str::trim);
    let adjusts = parts.clone().all(|part| part.starts_with(['+', '-']));
    if operation.paged && !adjusts && !parts.any(|part| part == "next") {
        format!("{fields},next")
    } else {
        fields.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations;

    #[test]
    fn a_list_of_fields_keeps_where_the_list_goes_on() {
        let list = operations::named("listBranches").unwrap();
        for (fields, sent) in [
            ("values.name", "values.name,next"),
            ("values.name,next", "values.name,next"),
            ("-values.links", "-values.links"),
            ("+values.reviewers", "+values.reviewers"),
        ] {
            assert_eq!(whitelist(list, fields), sent);
        }
        assert_eq!(whitelist(operations::named("getUser").unwrap(), "uuid"), "uuid");
    }
}

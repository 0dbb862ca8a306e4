//! `POST src`: one commit from a form, without a clone.
//!
//! A form field's name is the path of the file in it, save for the five names that say something about
//! the commit; a leading slash tells a file apart from those.

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;
use url::form_urlencoded;

use super::call::Call;
use super::errors::ApiError;
use super::scopes::needs;
use super::state::{Api, Repository};
use crate::sandbox::git::Change;

pub(super) fn routes() -> Router<Api> {
    const R: &str = "/repositories/{workspace}/{repository}/src";
    Router::new()
        .route(R, needs("repository:write", post(commit)))
        .route(&format!("{R}/"), needs("repository:write", post(commit)))
}

async fn commit(
    call: Call,
    Path((workspace, slug)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    repository.require_write(call.grant.person)?;
    let form = Form::read(&headers, &body)?;
    let branch = form.value("branch").unwrap_or_else(|| repository.main_branch.clone());
    let parent = parent(&repository, &branch, form.value("parents"))?;
    let changes = form.changes(&repository, &parent)?;
    let person = call.grant.person;
    let author = form.value("author");
    let author = match &author {
        None => (person.name, person.email),
        Some(text) => signature(text)
            .ok_or_else(|| ApiError::bad_fields(json!({ "author": ["invalid author"] })))?,
    };
    let message = form.value("message").filter(|message| !message.is_empty());
    let message = message.unwrap_or_else(|| "Edited online with Bitbucket\n".into());
    let hash = repository
        .git
        .commit(&branch, &[parent], &changes, author, call.api.now(), &message)
        .map_err(|error| ApiError::bad_request(error.to_string()))?;
    let target = format!("{}/commit/{hash}", call.api.repository_url(&repository));
    Ok((StatusCode::CREATED, [(header::LOCATION, target)]).into_response())
}

/// The commit to build on. Naming it locks the branch: one that has moved on is a conflict.
fn parent(
    repository: &Repository,
    branch: &str,
    wanted: Option<String>,
) -> Result<String, ApiError> {
    let git = &repository.git;
    let tip = git.resolve_branch(branch);
    let Some(wanted) = wanted else {
        return tip
            .or_else(|| git.resolve_branch(&repository.main_branch))
            .ok_or_else(|| ApiError::bad_request("The repository has no commit yet."));
    };
    let parent = repository.commit_named(&wanted)?;
    match tip {
        Some(tip) if tip != parent => {
            Err(ApiError::conflict(format!("The branch \"{branch}\" is no longer at {wanted}.")))
        }
        _ => Ok(parent),
    }
}

/// `Name <mail>`.
fn signature(text: &str) -> Option<(&str, &str)> {
    let (name, mail) = text.strip_suffix('>')?.split_once('<')?;
    Some((name.trim(), mail)).filter(|(name, mail)| !name.is_empty() && mail.contains('@'))
}

/// A form, whichever way it was sent.
struct Form(Vec<Field>);

#[derive(Debug, PartialEq, Eq)]
struct Field {
    name: String,
    bytes: Vec<u8>,
    /// Whether it came with a file name, which makes it a file whatever its own name is.
    is_file: bool,
    executable: bool,
    link: bool,
}

impl Form {
    const ABOUT_THE_COMMIT: [&str; 5] = ["message", "author", "parents", "branch", "files"];

    fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, ApiError> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default();
        if kind.starts_with("application/x-www-form-urlencoded") {
            let field = |(name, text): (String, String)| Field {
                name,
                bytes: text.into_bytes(),
                is_file: false,
                executable: false,
                link: false,
            };
            return Ok(Self(form_urlencoded::parse(body).into_owned().map(field).collect()));
        }
        let boundary = kind
            .strip_prefix("multipart/form-data")
            .and_then(|rest| rest.split_once("boundary="))
            .map(|(_, boundary)| boundary.split(';').next().unwrap_or_default().trim_matches('"'))
            .filter(|boundary| !boundary.is_empty())
            .ok_or_else(|| ApiError::bad_request("A form is needed."))?;
        parts(body, boundary)
            .into_iter()
            .map(|part| Field::of_part(part).ok_or_else(|| ApiError::bad_request("Broken form.")))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The first value of a field about the commit.
    fn value(&self, name: &str) -> Option<String> {
        self.values(name).next()
    }

    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        let fields = self.0.iter().filter(move |field| !field.is_file && field.name == name);
        fields.map(|field| String::from_utf8_lossy(&field.bytes).into_owned())
    }

    /// Files as they are in the form, and away with those that only `files` names.
    fn changes(&self, repository: &Repository, parent: &str) -> Result<Vec<Change>, ApiError> {
        let about = |field: &&Field| {
            field.is_file || !Self::ABOUT_THE_COMMIT.contains(&field.name.as_str())
        };
        let mut changes = Vec::new();
        let mut written = Vec::new();
        for field in self.0.iter().filter(about) {
            let path = path(&field.name)?;
            written.push(path.clone());
            changes.push(if field.link {
                let target = String::from_utf8_lossy(&field.bytes).into_owned();
                Change::Link { path, target }
            } else {
                let executable = field.executable;
                Change::Write { path, bytes: field.bytes.clone(), executable }
            });
        }
        for name in self.values("files") {
            let path = path(&name)?;
            if written.contains(&path) {
                continue;
            }
            if repository.git.tree(parent, &path).is_none() {
                return Err(ApiError::bad_fields(
                    json!({ "files": [format!("no such file: {path}")] }),
                ));
            }
            changes.push(Change::Delete { path });
        }
        Ok(changes)
    }
}

impl Field {
    fn of_part(part: &[u8]) -> Option<Self> {
        let gap = position(part, b"\r\n\r\n")?;
        let (head, rest) = part.split_at(gap);
        let head = std::str::from_utf8(head).ok()?;
        let disposition = head
            .lines()
            .find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
        let attributes = disposition.split_once("x-attributes").map_or("", |(_, rest)| rest);
        Some(Self {
            name: parameter(disposition, " name=")?,
            bytes: rest.get(4..)?.to_vec(),
            is_file: parameter(disposition, " filename=").is_some(),
            executable: attributes.contains("executable"),
            link: attributes.contains("link"),
        })
    }
}

/// What is between the boundaries of a multipart body (RFC 7578, section 4.1).
pub(super) fn parts<'a>(body: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let delimiter = format!("--{boundary}");
    let mut found = Vec::new();
    let mut rest = body;
    let mut inside = false;
    while let Some(at) = position(rest, delimiter.as_bytes()) {
        let (before, after) = rest.split_at(at);
        if inside {
            found.push(before.strip_suffix(b"\r\n").unwrap_or(before));
        }
        let after = after.get(delimiter.len()..).unwrap_or_default();
        if after.starts_with(b"--") {
            break;
        }
        rest = after.strip_prefix(b"\r\n").unwrap_or(after);
        inside = true;
    }
    found
}

pub(super) fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// A parameter of a header, out of its quotes. `%22` stands for a quote inside.
pub(super) fn parameter(header: &str, name: &str) -> Option<String> {
    let (_, rest) = header.split_once(name)?;
    let value = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split(';').next()?.trim(),
    };
    Some(value.replace("%22", "\""))
}

fn path(name: &str) -> Result<String, ApiError> {
    let path = name.strip_prefix('/').unwrap_or(name);
    let bad = |part: &str| matches!(part, "" | "." | "..") || part.eq_ignore_ascii_case(".git");
    if path.split('/').any(bad) || path.contains('\0') {
        return Err(ApiError::bad_fields(json!({ "files": [format!("invalid path: {name}")] })));
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_parts_of_a_multipart_form() {
        let body = "preamble\r\n--xx\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nHello\r\n\
             --xx\r\ncontent-disposition: form-data; name=\"/run\"; filename=\"run\"; \
             x-attributes:\"executable\"\r\nContent-Type: text/plain\r\n\r\na\r\n\r\nb\r\n--xx--\r\n";
        let mut headers = HeaderMap::new();
        headers
            .insert(header::CONTENT_TYPE, "multipart/form-data; boundary=\"xx\"".parse().unwrap());
        let form = Form::read(&headers, body.as_bytes()).unwrap();
        assert_eq!(form.value("message").as_deref(), Some("Hello"));
        let file = &form.0[1];
        assert_eq!((file.name.as_str(), file.bytes.as_slice()), ("/run", &b"a\r\n\r\nb"[..]));
        assert_eq!((file.is_file, file.executable, file.link), (true, true, false));
    }

    #[test]
    fn keeps_paths_inside_the_repository() {
        for bad in ["", "/", "a//b", "../a", "a/../b", ".git/config", "a/.GIT/b"] {
            assert!(path(bad).is_err(), "{bad}");
        }
        assert_eq!(path("/message").unwrap(), "message");
    }
}

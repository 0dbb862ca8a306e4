//! `src`: files as they are, folders as lists, and where Git LFS keeps the large ones.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::call::Call;
use super::errors::ApiError;
use super::page::{self, Paging};
use super::scopes::needs;
use super::shapes::rendered;
use super::state::{Api, Repository};
use crate::sandbox::git::{Entry, EntryKind, Node, is_binary};

/// A listing deeper than this takes Bitbucket too long.
const DEEPEST: usize = 50;

/// What a pointer begins with (<https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>).
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

pub(super) fn routes() -> Router<Api> {
    const R: &str = "/repositories/{workspace}/{repository}/src";
    Router::new()
        .route(R, needs("repository", get(main)))
        .route(&format!("{R}/"), needs("repository", get(main)))
        .route(&format!("{R}/{{commit}}/"), needs("repository", get(root)))
        .route(&format!("{R}/{{commit}}/{{*path}}"), needs("repository", get(at)))
}

/// Where the contents of large files are. It is another origin than the API's, asks for no token and
/// refuses one, as a store of signed addresses does.
pub(super) fn media() -> Router<Api> {
    Router::new().route("/_media/{*file}", get(large_file))
}

impl Repository {
    /// The commit that `revision` names, as `src` and its kind understand it.
    pub(super) fn commit_named(&self, revision: &str) -> Result<String, ApiError> {
        self.git.resolve(revision).ok_or_else(|| {
            ApiError::not_found("Changeset not found.").with("data", json!({ "shas": [revision] }))
        })
    }
}

impl Api {
    /// A file or folder at a commit, as lists and `format=meta` show it.
    pub(super) fn entry(&self, repository: &Repository, commit: &str, entry: &Entry) -> Value {
        let url = self.repository_url(repository);
        let path = escaped(&entry.path);
        let commit_stub = self.commit_stub(repository, commit);
        if entry.kind == EntryKind::Directory {
            let at = format!("{url}/src/{commit}/{path}{}", if path.is_empty() { "" } else { "/" });
            return json!({
                "type": "commit_directory",
                "path": entry.path,
                "commit": commit_stub,
                "links": {
                    "self": { "href": at },
                    "meta": { "href": format!("{at}?format=meta") },
                },
            });
        }
        let at = format!("{url}/src/{commit}/{path}");
        let bytes = match repository.git.tree(commit, &entry.path) {
            Some(Node::File { bytes, .. }) => bytes,
            _ => [].into(),
        };
        let attributes: Vec<&str> = [
            (entry.kind == EntryKind::Link, "link"),
            (entry.kind == EntryKind::Executable, "executable"),
            (entry.kind == EntryKind::Submodule, "subrepository"),
            (is_binary(&bytes), "binary"),
            (bytes.starts_with(LFS), "lfs"),
        ]
        .iter()
        .filter_map(|(has, name)| has.then_some(*name))
        .collect();
        json!({
            "type": "commit_file",
            "path": entry.path,
            "escaped_path": path,
            "commit": commit_stub,
            "attributes": attributes,
            "mimetype": mime_type(&entry.path),
            "size": lfs_field(&bytes, "size ").and_then(|size| size.parse().ok()).unwrap_or(entry.size),
            "links": {
                "self": { "href": at },
                "meta": { "href": format!("{at}?format=meta") },
                "history": { "href": format!("{url}/filehistory/{commit}/{path}") },
            },
        })
    }
}

async fn main(
    call: Call,
    Path((workspace, slug)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let hash = repository
        .git
        .resolve_branch(&repository.main_branch)
        .ok_or_else(|| ApiError::not_found("Changeset not found."))?;
    let query = call.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let target = format!("{}/src/{hash}/{query}", call.api.repository_url(&repository));
    Ok((StatusCode::FOUND, [(header::LOCATION, target)]).into_response())
}

async fn root(
    call: Call,
    Path((workspace, slug, commit)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    show(&call, &workspace, &slug, &commit, "")
}

async fn at(
    call: Call,
    Path((workspace, slug, commit, path)): Path<(String, String, String, String)>,
) -> Result<Response, ApiError> {
    show(&call, &workspace, &slug, &commit, &path)
}

fn show(
    call: &Call,
    workspace: &str,
    slug: &str,
    commit: &str,
    path: &str,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, workspace, slug)?;
    let commit = repository.commit_named(commit)?;
    let missing = || ApiError::not_found(format!("No such file or directory: {path}"));
    let meta = call.query.first("format") == Some("meta");
    match repository.git.tree(&commit, path).ok_or_else(missing)? {
        Node::Directory if meta => {
            let path = path.trim_matches('/').to_owned();
            let hash = String::new();
            let entry = Entry { path, kind: EntryKind::Directory, size: 0, hash };
            Ok(call.answer(call.api.entry(&repository, &commit, &entry), &[]))
        }
        Node::Directory => list(call, &repository, &commit, path),
        Node::File { .. } if path.ends_with('/') => Err(missing()),
        Node::File { bytes, executable, symlink, hash } => {
            let kind = match (executable, symlink) {
                (true, _) => EntryKind::Executable,
                (_, true) => EntryKind::Link,
                _ => EntryKind::File,
            };
            let entry = Entry { path: path.to_owned(), kind, size: bytes.len(), hash };
            match call.query.first("format") {
                Some("meta") => Ok(call.answer(call.api.entry(&repository, &commit, &entry), &[])),
                Some("rendered") if path.ends_with(".md") => {
                    Ok(call.answer(rendered(&String::from_utf8_lossy(&bytes)), &[]))
                }
                Some("rendered") => Err(ApiError::bad_request("This file cannot be rendered.")),
                _ => Ok(contents(call, &entry, &bytes)),
            }
        }
    }
}

fn list(
    call: &Call,
    repository: &Repository,
    commit: &str,
    path: &str,
) -> Result<Response, ApiError> {
    let depth = match call.query.first("max_depth") {
        None => 1,
        Some(depth) => depth
            .parse::<usize>()
            .ok()
            .filter(|depth| *depth > 0)
            .ok_or_else(|| ApiError::bad_fields(json!({ "max_depth": ["invalid depth"] })))?,
    };
    if depth > DEEPEST {
        return Err(ApiError::timed_out());
    }
    let entries = repository.git.walk(commit, path, depth);
    let values = entries.iter().map(|entry| call.api.entry(repository, commit, entry)).collect();
    page::respond(call, values, Paging::up_to(100))
}

/// The file itself; for one that Git LFS keeps, the way to it.
fn contents(call: &Call, entry: &Entry, bytes: &[u8]) -> Response {
    let name = entry.path.rsplit('/').next().unwrap_or_default();
    if let Some(digest) = lfs_field(bytes, "oid sha256:") {
        // The same server under its other name, and so another origin.
        let origin = call.api.origin().replace("127.0.0.1", "localhost");
        let target = format!("{origin}/_media/{digest}?token=signed&name={}", escaped(name));
        return (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, target)]).into_response();
    }
    let mark = if entry.kind == EntryKind::File { "" } else { "-x" };
    let etag = format!("\"{}{mark}\"", entry.hash);
    let known = call.headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known == Some(etag.as_str()) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    let headers: [(HeaderName, String); 3] = [
        (header::CONTENT_TYPE, mime_type(name).unwrap_or("application/octet-stream").to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename*=UTF-8''{}", escaped(name))),
        (header::ETAG, etag),
    ];
    (headers, bytes.to_vec()).into_response()
}

async fn large_file(headers: HeaderMap, Path(digest): Path<String>) -> Response {
    if headers.contains_key(header::AUTHORIZATION) {
        let refusal = "Only one auth mechanism allowed";
        return (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "text/plain")], refusal)
            .into_response();
    }
    let kind = [(header::CONTENT_TYPE, "application/octet-stream")];
    (kind, format!("8BPS\0\u{1}large file {digest}")).into_response()
}

/// The type that goes with a name's ending. The contents play no part.
fn mime_type(path: &str) -> Option<&'static str> {
    let (_, ending) = path.rsplit('/').next()?.rsplit_once('.')?;
    Some(match ending {
        "md" | "ts" | "toml" | "rs" | "tf" | "yml" | "txt" => "text/plain",
        "json" => "application/json",
        "html" => "text/html",
        "sh" => "application/x-sh",
        "png" => "image/png",
        "psd" => "image/vnd.adobe.photoshop",
        _ => return None,
    })
}

/// What a pointer of Git LFS says after `name`.
fn lfs_field<'a>(bytes: &'a [u8], name: &str) -> Option<&'a str> {
    if !bytes.starts_with(LFS) {
        return None;
    }
    std::str::from_utf8(bytes).ok()?.lines().find_map(|line| line.strip_prefix(name))
}

/// A path as it stands in an address.
pub(super) fn escaped(path: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(path, KEPT).to_string()
}

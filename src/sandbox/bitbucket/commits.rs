//! Commits: the log, one of them, and the history of one file.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, Path};
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::call::Call;
use super::errors::ApiError;
use super::page::{self, Paging};
use super::scopes::needs;
use super::state::{Api, Repository};
use crate::sandbox::git::{DiffOptions, Entry, EntryKind, Node, Status};

const PAGING: Paging = Paging { default: 30, max: 100, hidden: &[], unfilterable: &[] };

pub(super) fn routes() -> Router<Api> {
    const R: &str = "/repositories/{workspace}/{repository}";
    let list = || needs("repository", get(list).post(list_for_form));
    Router::new()
        .route(&format!("{R}/commits"), list())
        .route(&format!("{R}/commits/"), list())
        .route(
            &format!("{R}/commits/{{revision}}"),
            needs("repository", get(list_from).post(list_from_for_form)),
        )
        .route(&format!("{R}/commit/{{revision}}"), needs("repository", get(one)))
        .route(&format!("{R}/filehistory/{{commit}}/{{*path}}"), needs("repository", get(file)))
}

async fn list(
    call: Call,
    Path((workspace, slug)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let asked = Asked::of_query(&call);
    log(&call, &repository, asked, None)
}

/// For more revisions than an address can hold.
async fn list_for_form(
    call: Call,
    Path((workspace, slug)): Path<(String, String)>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    log(&call, &repository, Asked::of_form(&pairs), None)
}

async fn list_from(
    call: Call,
    Path((workspace, slug, revision)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let asked = Asked::of_query(&call);
    log(&call, &repository, asked, Some(&revision))
}

async fn list_from_for_form(
    call: Call,
    Path((workspace, slug, revision)): Path<(String, String, String)>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    log(&call, &repository, Asked::of_form(&pairs), Some(&revision))
}

async fn one(
    call: Call,
    Path((workspace, slug, revision)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let hash = repository.commit_named(&revision)?;
    let mut commit = shown(&call.api, &repository, &hash);
    if let Some(commit) = commit.as_object_mut() {
        commit.insert("participants".into(), json!([]));
    }
    Ok(call.answer(commit, &[]))
}

/// Every commit that changed a file, back through its former names unless `renames=false`.
async fn file(
    call: Call,
    Path((workspace, slug, revision, path)): Path<(String, String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let hash = repository.commit_named(&revision)?;
    let mut values = Vec::new();
    let mut next = Some((hash, path.trim_matches('/').to_owned()));
    while let Some((from, path)) = next.take() {
        let commits = repository.git.log(std::slice::from_ref(&from), &[], Some(&path));
        for commit in &commits {
            if let Some(entry) = entry(&repository, commit, &path) {
                let mut value = call.api.entry(&repository, commit, &entry);
                if let Some(value) = value.as_object_mut() {
                    value.insert("commit".into(), shown(&call.api, &repository, commit));
                }
                values.push(value);
            }
        }
        if call.query.flag("renames", true)
            && let Some(first) = commits.last()
        {
            next = former_name(&repository, first, &path);
        }
    }
    if values.is_empty() {
        return Err(ApiError::not_found(format!("No such file or directory: {path}")));
    }
    const PAGING: Paging = Paging {
        default: 50,
        max: 100,
        // They come only with `fields=+values.commit.date` and the like.
        hidden: &[
            "values.commit.author",
            "values.commit.date",
            "values.commit.message",
            "values.commit.parents",
            "values.commit.repository",
            "values.commit.summary",
        ],
        unfilterable: &[],
    };
    page::respond(&call, values, PAGING)
}

/// What the log is limited to.
#[derive(Default)]
struct Asked {
    include: Vec<String>,
    exclude: Vec<String>,
    path: Option<String>,
}

impl Asked {
    fn of_query(call: &Call) -> Self {
        let all = |name| call.query.all(name).map(str::to_owned).collect();
        let path = call.query.first("path").map(str::to_owned);
        Self { include: all("include"), exclude: all("exclude"), path }
    }

    fn of_form(pairs: &[(String, String)]) -> Self {
        let mut asked = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "include" => asked.include.push(value.clone()),
                "exclude" => asked.exclude.push(value.clone()),
                "path" => asked.path = Some(value.clone()),
                _ => {}
            }
        }
        asked
    }
}

fn log(
    call: &Call,
    repository: &Arc<Repository>,
    asked: Asked,
    revision: Option<&str>,
) -> Result<Response, ApiError> {
    let named = |names: &[String]| -> Result<Vec<String>, ApiError> {
        names.iter().map(|name| repository.commit_named(name)).collect()
    };
    let mut from = named(&asked.include)?;
    if let Some(revision) = revision {
        from.push(repository.commit_named(revision)?);
    }
    if from.is_empty() {
        from.extend(repository.git.branches().into_iter().map(|(_, hash)| hash));
        from.extend(repository.git.tags().into_iter().map(|tag| tag.target));
    }
    let hashes = repository.git.log(&from, &named(&asked.exclude)?, asked.path.as_deref());
    page::walk(call, hashes, PAGING, |hash| shown(&call.api, repository, hash))
}

fn shown(api: &Api, repository: &Repository, hash: &str) -> Value {
    repository.git.commit_info(hash).map(|info| api.commit(repository, &info)).unwrap_or_default()
}

fn entry(repository: &Repository, commit: &str, path: &str) -> Option<Entry> {
    let (kind, size, hash) = match repository.git.tree(commit, path)? {
        Node::File { bytes, executable: true, hash, .. } => {
            (EntryKind::Executable, bytes.len(), hash)
        }
        Node::File { bytes, symlink: true, hash, .. } => (EntryKind::Link, bytes.len(), hash),
        Node::File { bytes, hash, .. } => (EntryKind::File, bytes.len(), hash),
        Node::Directory => (EntryKind::Directory, 0, String::new()),
    };
    Some(Entry { path: path.to_owned(), kind, size, hash })
}

/// The parent in which the file still had another name, and that name.
fn former_name(repository: &Repository, commit: &str, path: &str) -> Option<(String, String)> {
    let parent = repository.git.commit_info(commit)?.parents.into_iter().next()?;
    let files = repository.git.diff(Some(&parent), commit, &DiffOptions::default()).ok()?;
    let renamed = files
        .into_iter()
        .find(|file| file.status == Status::Renamed && file.new_path.as_deref() == Some(path))?;
    Some((parent, renamed.old_path?))
}

//! Diffs, their statistics, patches and merge bases.
//!
//! In `A..B`, A has the changes and B is what they are compared with: the reverse of `git diff`.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::call::Call;
use super::errors::ApiError;
use super::page::{self, Paging};
use super::scopes::needs;
use super::source::escaped;
use super::state::{Api, Repository};
use crate::sandbox::git::{CommitInfo, DiffOptions, FileDiff, Status};

pub(super) fn routes() -> Router<Api> {
    const R: &str = "/repositories/{workspace}/{repository}";
    Router::new()
        .route(&format!("{R}/diff/{{*spec}}"), needs("repository", get(diff)))
        .route(&format!("{R}/diffstat/{{*spec}}"), needs("repository", get(diffstat)))
        .route(&format!("{R}/patch/{{*spec}}"), needs("repository", get(patch)))
        .route(&format!("{R}/merge-base/{{*spec}}"), needs("repository", get(merge_base)))
}

async fn diff(
    call: Call,
    Path((workspace, slug, spec)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let (_, files) = files(&call, &repository, &spec)?;
    Ok(text(files.into_iter().flat_map(|file| file.unified).collect()))
}

async fn diffstat(
    call: Call,
    Path((workspace, slug, spec)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let (ends, files) = files(&call, &repository, &spec)?;
    let url = call.api.repository_url(&repository);
    let side = |path: &Option<String>, hash: Option<&str>| {
        path.as_ref().map(|path| {
            let escaped = escaped(path);
            let at = format!("{url}/src/{}/{escaped}", hash.unwrap_or_default());
            json!({
                "type": "commit_file",
                "path": path,
                "escaped_path": escaped,
                "links": { "self": { "href": at } },
            })
        })
    };
    let values = files
        .iter()
        .map(|file| {
            json!({
                "type": "diffstat",
                "status": name(file.status),
                "lines_added": file.added,
                "lines_removed": file.removed,
                "old": side(&file.old_path, ends.old.as_deref()),
                "new": side(&file.new_path, Some(&ends.new)),
            })
        })
        .collect();
    let paging = Paging { default: 500, max: 500, hidden: &[], unfilterable: &[] };
    page::respond(&call, values, paging)
}

/// One commit, or every commit that A has and B lacks, as mails.
async fn patch(
    call: Call,
    Path((workspace, slug, spec)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let git = &repository.git;
    let hashes = match Spec::parse(&call, &repository, &spec)? {
        Spec::One(hash) => vec![hash],
        Spec::Two { changed, base } => {
            let mut hashes = git.log(&[changed], &[base], None);
            hashes.reverse();
            hashes
        }
    };
    let mut series = Vec::new();
    for (number, hash) in hashes.iter().enumerate() {
        let info = git.commit_info(hash).ok_or_else(|| no_commit(hash))?;
        let mark = match hashes.len() {
            1 => "[PATCH]".to_owned(),
            count => format!("[PATCH {}/{count}]", number + 1),
        };
        series.extend(mail_head(&info, &mark).into_bytes());
        let parent = info.parents.first().map(String::as_str);
        let files = git.diff(parent, hash, &DiffOptions::default()).map_err(refused)?;
        series.extend(files.into_iter().flat_map(|file| file.unified));
        series.extend_from_slice(b"-- \n2.43.0\n\n");
    }
    Ok(text(series))
}

async fn merge_base(
    call: Call,
    Path((workspace, slug, spec)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let Spec::Two { changed, base } = Spec::parse(&call, &repository, &spec)? else {
        return Err(ApiError::bad_request("A spec of two commits is needed: `A..B`"));
    };
    let found = repository.git.merge_base(&changed, &base);
    let info = found.and_then(|hash| repository.git.commit_info(&hash));
    let info = info.ok_or_else(|| ApiError::not_found("No common ancestor"))?;
    Ok(call.answer(call.api.commit(&repository, &info), &[]))
}

/// What a spec names, all in whole hashes.
enum Spec {
    One(String),
    Two { changed: String, base: String },
}

impl Spec {
    /// Reads `sha`, `A..B`, or what the diff of a pull request leads to:
    /// `workspace/repository:A`, a carriage return, and B.
    fn parse(call: &Call, repository: &Arc<Repository>, text: &str) -> Result<Self, ApiError> {
        let named = |end: &str| -> Result<String, ApiError> {
            let Some((home, revision)) = end.rsplit_once(':') else {
                return repository.commit_named(end);
            };
            let (workspace, slug) = home.split_once('/').ok_or_else(|| no_commit(end))?;
            let home = call.api.repository(&call.grant, workspace, slug)?;
            // The sandbox has no forks, so a request never spans two repositories.
            if home.uuid != repository.uuid {
                return Err(no_commit(end));
            }
            repository.commit_named(revision)
        };
        let ends = text.split_once('\r').or_else(|| text.split_once(".."));
        Ok(match ends {
            Some((changed, base)) => Self::Two { changed: named(changed)?, base: named(base)? },
            None => Self::One(named(text)?),
        })
    }
}

/// The two commits that were compared in the end.
struct Ends {
    old: Option<String>,
    new: String,
}

fn files(
    call: &Call,
    repository: &Arc<Repository>,
    spec: &str,
) -> Result<(Ends, Vec<FileDiff>), ApiError> {
    let query = &call.query;
    if query.first("topic").is_some() && query.first("merge").is_some() {
        return Err(ApiError::bad_request("`merge` and `topic` cannot be used together"));
    }
    let topic = query.flag("topic", query.flag("merge", true));
    let git = &repository.git;
    let ends = match Spec::parse(call, repository, spec)? {
        Spec::One(new) => {
            let info = git.commit_info(&new).ok_or_else(|| no_commit(&new))?;
            Ends { old: info.parents.into_iter().next(), new }
        }
        Spec::Two { changed, base } => {
            let old = if topic { git.merge_base(&changed, &base) } else { Some(base) };
            Ends { old, new: changed }
        }
    };
    let context = match query.first("context") {
        None => 3,
        Some(lines) => lines
            .parse()
            .map_err(|_| ApiError::bad_fields(json!({ "context": ["invalid number"] })))?,
    };
    let options = DiffOptions {
        context,
        paths: query.all("path").map(str::to_owned).collect(),
        ignore_whitespace: query.flag("ignore_whitespace", false),
        renames: query.flag("renames", true),
    };
    let mut files = git.diff(ends.old.as_deref(), &ends.new, &options).map_err(refused)?;
    if !query.flag("binary", true) {
        files.retain(|file| !file.binary);
    }
    Ok((ends, files))
}

/// The head of a mail as `git format-patch` writes it.
fn mail_head(info: &CommitInfo, mark: &str) -> String {
    let (subject, rest) = info.message.split_once('\n').unwrap_or((&info.message, ""));
    let date = info.date.strftime("%a, %d %b %Y %H:%M:%S +0000");
    let rest = rest.trim();
    let gap = if rest.is_empty() { "" } else { "\n" };
    format!(
        "From {} Mon Sep 17 00:00:00 2001\nFrom: {} <{}>\nDate: {date}\nSubject: {mark} {subject}\n\n\
         {rest}{gap}---\n",
        info.hash, info.author_name, info.author_mail
    )
}

/// Bytes as they are in the files, in whatever encoding that is.
fn text(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain")], bytes).into_response()
}

fn name(status: Status) -> Value {
    Value::from(match status {
        Status::Added => "added",
        Status::Removed => "removed",
        Status::Modified => "modified",
        Status::Renamed => "renamed",
    })
}

fn no_commit(name: &str) -> ApiError {
    ApiError::not_found("Changeset not found.").with("data", json!({ "shas": [name] }))
}

fn refused(error: crate::sandbox::git::Error) -> ApiError {
    ApiError::not_found(error.to_string())
}

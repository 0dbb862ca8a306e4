//! Branches and tags.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::call::{Body, Call};
use super::errors::ApiError;
use super::page::{self, Paging};
use super::scopes::{needs, require};
use super::shapes::seconds;
use super::source::escaped;
use super::state::{Api, Repository};
use crate::sandbox::git::{Annotation, Tag};

/// The ways in which a pull request can be merged into any branch here.
const STRATEGIES: [&str; 3] = ["merge_commit", "squash", "fast_forward"];

pub(super) fn routes() -> Router<Api> {
    const R: &str = "/repositories/{workspace}/{repository}/refs";
    let branches = get(branches).post(create_branch);
    let branch = get(branch).delete(delete_branch);
    let tags = get(tags).post(create_tag);
    let tag = get(tag).delete(delete_tag);
    Router::new()
        .route(R, needs("repository", get(all)))
        .route(&format!("{R}/branches"), needs("repository", branches))
        .route(&format!("{R}/branches/{{*name}}"), needs("repository", branch))
        .route(&format!("{R}/tags"), needs("repository", tags))
        .route(&format!("{R}/tags/{{*name}}"), needs("repository", tag))
}

impl Api {
    fn branch(&self, repository: &Repository, name: &str, hash: &str) -> Value {
        let (url, site) = (self.repository_url(repository), site(repository));
        let path = escaped(name);
        json!({
            "type": "branch",
            "name": name,
            "target": self.target(repository, hash),
            "merge_strategies": STRATEGIES,
            "default_merge_strategy": "merge_commit",
            "sync_strategies": ["merge_commit", "rebase"],
            "links": {
                "self": { "href": format!("{url}/refs/branches/{path}") },
                "commits": { "href": format!("{url}/commits/{path}") },
                "html": { "href": format!("{site}/branch/{path}") },
                "pullrequest_create": {
                    "href": format!("{site}/pull-requests/new?source={path}&t=1"),
                },
            },
        })
    }

    fn tag(&self, repository: &Repository, tag: &Tag) -> Value {
        let (url, site) = (self.repository_url(repository), site(repository));
        let path = escaped(&tag.name);
        json!({
            "type": "tag",
            "name": tag.name,
            "target": self.target(repository, &tag.target),
            "tagger": tag.tagger.as_ref().map(|(name, mail)| self.author(name, mail)),
            "date": tag.date.map(seconds),
            "message": tag.message,
            "links": {
                "self": { "href": format!("{url}/refs/tags/{path}") },
                "commits": { "href": format!("{url}/commits/{path}") },
                "html": { "href": format!("{site}/commits/tag/{path}") },
            },
        })
    }

    /// The commit that a reference stands at; without the summary, which only commits have.
    fn target(&self, repository: &Repository, hash: &str) -> Option<Value> {
        let mut commit = self.commit(repository, &repository.git.commit_info(hash)?);
        if let Some(commit) = commit.as_object_mut() {
            commit.remove("summary");
        }
        Some(commit)
    }
}

async fn all(
    call: Call,
    Path((workspace, slug)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let branches = repository.git.branches();
    let branches = branches.iter().map(|(name, hash)| call.api.branch(&repository, name, hash));
    let tags = repository.git.tags();
    let values = branches.chain(tags.iter().map(|tag| call.api.tag(&repository, tag))).collect();
    page::respond(&call, values, Paging::up_to(100))
}

async fn branches(
    call: Call,
    Path((workspace, slug)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let branches = repository.git.branches();
    let values =
        branches.iter().map(|(name, hash)| call.api.branch(&repository, name, hash)).collect();
    page::respond(&call, values, Paging::up_to(100))
}

async fn branch(
    call: Call,
    Path((workspace, slug, name)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let hash = repository.git.resolve_branch(&name).ok_or_else(|| no_branch(&name))?;
    Ok(call.answer(call.api.branch(&repository, &name, &hash), &[]))
}

async fn create_branch(
    call: Call,
    Path((workspace, slug)): Path<(String, String)>,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let repository = writable(&call, &workspace, &slug)?;
    let (name, hash) = wanted(&repository, &body)?;
    if repository.git.resolve_branch(&name).is_some() {
        return Err(ApiError::bad_request(format!("Branch \"{name}\" already exists."))
            .with("data", json!({ "key": "BRANCH_ALREADY_EXISTS" })));
    }
    repository.git.set_branch(&name, &hash).map_err(|_| no_target(&hash))?;
    let value = call.api.branch(&repository, &name, &hash);
    Ok(call.answer_with(StatusCode::CREATED, value, &[]))
}

async fn delete_branch(
    call: Call,
    Path((workspace, slug, name)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = writable(&call, &workspace, &slug)?;
    if name == repository.main_branch {
        return Err(ApiError::bad_request("The main branch cannot be deleted."));
    }
    match repository.git.delete_branch(&name) {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(no_branch(&name)),
    }
}

async fn tags(
    call: Call,
    Path((workspace, slug)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let tags = repository.git.tags();
    let values = tags.iter().map(|tag| call.api.tag(&repository, tag)).collect();
    page::respond(&call, values, Paging::up_to(100))
}

async fn tag(
    call: Call,
    Path((workspace, slug, name)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let tag = repository.git.tag(&name).ok_or_else(|| no_tag(&name))?;
    Ok(call.answer(call.api.tag(&repository, &tag), &[]))
}

async fn create_tag(
    call: Call,
    Path((workspace, slug)): Path<(String, String)>,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let repository = writable(&call, &workspace, &slug)?;
    let (name, hash) = wanted(&repository, &body)?;
    if repository.git.tag(&name).is_some() {
        return Err(ApiError::bad_request(format!("Tag \"{name}\" already exists."))
            .with("data", json!({ "key": "TAG_ALREADY_EXISTS" })));
    }
    let message = body.get("message").and_then(Value::as_str).filter(|text| !text.is_empty());
    let person = call.grant.person;
    let annotation = message.map(|message| Annotation {
        tagger: (person.name, person.email),
        message,
        when: call.api.now(),
    });
    repository.git.set_tag(&name, &hash, annotation).map_err(|_| no_target(&hash))?;
    let tag = repository.git.tag(&name).ok_or_else(|| no_tag(&name))?;
    Ok(call.answer_with(StatusCode::CREATED, call.api.tag(&repository, &tag), &[]))
}

async fn delete_tag(
    call: Call,
    Path((workspace, slug, name)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = writable(&call, &workspace, &slug)?;
    match repository.git.delete_tag(&name) {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(no_tag(&name)),
    }
}

/// The repository, for somebody who may write to it with a token that may.
fn writable(
    call: &Call,
    workspace: &str,
    slug: &str,
) -> Result<std::sync::Arc<Repository>, ApiError> {
    require(&call.grant, "repository:write")?;
    let repository = call.api.repository(&call.grant, workspace, slug)?;
    repository.require_write(call.grant.person)?;
    Ok(repository)
}

/// The name and the commit of a reference that is to be created.
fn wanted(repository: &Repository, body: &Value) -> Result<(String, String), ApiError> {
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
    let bad = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    let forbidden = |letter: char| letter.is_control() || " ~^:?*[\\".contains(letter);
    if name.split('/').any(bad) || name.contains("..") || name.contains(forbidden) {
        return Err(ApiError::bad_fields(json!({ "name": [format!("invalid name: {name}")] })));
    }
    let target = body.pointer("/target/hash").and_then(Value::as_str).unwrap_or_default();
    let git = &repository.git;
    let hash = git.resolve(target).or_else(|| git.resolve_branch(target));
    Ok((name.to_owned(), hash.ok_or_else(|| no_target(target))?))
}

fn no_target(target: &str) -> ApiError {
    ApiError::bad_fields(json!({ "target.hash": [format!("commit not found: {target}")] }))
}

fn no_branch(name: &str) -> ApiError {
    ApiError::not_found(format!("No branch with name \"{name}\"."))
}

fn no_tag(name: &str) -> ApiError {
    ApiError::not_found(format!("No tag with name \"{name}\"."))
}

fn site(repository: &Repository) -> String {
    format!("https://bitbucket.org/{}", repository.full_name())
}

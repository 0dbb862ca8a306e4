//! `/repositories/{workspace}` and `/repositories/{workspace}/{repository}`.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::call::Call;
use super::errors::ApiError;
use super::model::Permission;
use super::page::{self, Paging};
use super::scopes::needs;
use super::shapes::{avatar, stamp};
use super::state::{Api, Repository};
use super::workspaces;
use crate::sandbox::people::{self, Person};

pub(super) fn routes() -> Router<Api> {
    const R: &str = "/repositories/{workspace}/{repository}";
    Router::new()
        .route("/repositories/{workspace}", needs("repository", get(list)))
        .route(R, needs("repository", get(one)))
        .route(&format!("{R}/default-reviewers"), needs("pullrequest", get(default_reviewers)))
        .route(
            &format!("{R}/effective-default-reviewers"),
            needs("pullrequest", get(effective_default_reviewers)),
        )
}

impl Permission {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

async fn list(call: Call, Path(id): Path<String>) -> Result<Response, ApiError> {
    let workspace = workspaces::visible(&call, &id)?;
    let least = match call.query.first("role") {
        None | Some("member") => Permission::Read,
        Some("contributor") => Permission::Write,
        Some("admin" | "owner") => Permission::Admin,
        Some(other) => {
            return Err(ApiError::bad_fields(
                json!({ "role": [format!("invalid role: {other}")] }),
            ));
        }
    };
    let values = call
        .api
        .repositories(call.grant.person)
        .iter()
        .filter(|repository| repository.workspace.slug == workspace.slug)
        .filter(|repository| repository.permission(call.grant.person) >= Some(least))
        .map(|repository| show(&call.api, repository))
        .collect();
    page::respond(&call, values, Paging::up_to(100))
}

async fn one(
    call: Call,
    Path((workspace, slug)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    Ok(call.answer(show(&call.api, &repository), &[]))
}

async fn default_reviewers(
    call: Call,
    Path((workspace, slug)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let own = named(repository.default_reviewers.0);
    let values = own.map(|person| call.api.account(person)).collect();
    page::respond(&call, values, Paging::up_to(100))
}

async fn effective_default_reviewers(
    call: Call,
    Path((workspace, slug)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let (own, inherited) = repository.default_reviewers;
    let own = named(own).map(|person| ("repository", person));
    let inherited = named(inherited).map(|person| ("project", person));
    let values = own
        .chain(inherited)
        .map(|(reviewer_type, person)| {
            json!({
                "type": "default_reviewer",
                "reviewer_type": reviewer_type,
                "user": call.api.account(person),
            })
        })
        .collect();
    page::respond(&call, values, Paging::up_to(100))
}

fn named(nicknames: &[&'static str]) -> impl Iterator<Item = &'static Person> {
    nicknames.iter().filter_map(|nickname| people::find(nickname))
}

/// A repository with everything.
pub(crate) fn show(api: &Api, repository: &Repository) -> Value {
    let url = api.repository_url(repository);
    let full_name = repository.full_name();
    let link = |path: &str| json!({ "href": format!("{url}/{path}") });
    let project = repository
        .workspace
        .projects
        .iter()
        .find(|project| project.key == repository.project)
        .map(|project| workspaces::project_stub(api, repository.workspace, project));
    let head = repository
        .git
        .resolve_branch(&repository.main_branch)
        .and_then(|hash| repository.git.commit_info(&hash));
    let updated_on = head.map_or(repository.created_on, |commit| commit.date);
    json!({
        "type": "repository",
        "uuid": repository.uuid,
        "full_name": full_name,
        "name": repository.name,
        "slug": repository.slug,
        "description": repository.description,
        "scm": "git",
        "website": null,
        "is_private": repository.is_private,
        "fork_policy": "no_public_forks",
        "language": repository.language,
        "size": 117_206,
        "has_issues": false,
        "has_wiki": false,
        "parent": null,
        "mainbranch": { "type": "branch", "name": repository.main_branch },
        "override_settings": { "default_merge_strategy": false, "branching_model": false },
        "created_on": stamp(repository.created_on),
        "updated_on": stamp(updated_on),
        "project": project,
        "workspace": api.workspace(repository.workspace),
        "owner": owner(api, repository),
        "links": {
            "self": { "href": url },
            "html": { "href": format!("https://bitbucket.org/{full_name}") },
            "avatar": { "href": avatar(repository) },
            "pullrequests": link("pullrequests"),
            "commits": link("commits"),
            "forks": link("forks"),
            "watchers": link("watchers"),
            "branches": link("refs/branches"),
            "tags": link("refs/tags"),
            "downloads": link("downloads"),
            "source": link("src"),
            "clone": [
                { "name": "https", "href": format!("https://bitbucket.org/{full_name}.git") },
                { "name": "ssh", "href": format!("git@bitbucket.org:{full_name}.git") },
            ],
            "hooks": link("hooks"),
        },
    })
}

/// A workspace that somebody shares is a team; one's own is that user.
fn owner(api: &Api, repository: &Repository) -> Value {
    let workspace = repository.workspace;
    match workspace.members {
        [(nickname, _)] => people::find(nickname).map(|person| api.account(person)),
        _ => Some(json!({
            "type": "team",
            "display_name": workspace.name,
            "username": workspace.slug,
            "uuid": workspace.uuid(),
            "links": {
                "self": { "href": format!("{}/workspaces/{}", api.base(), workspace.slug) },
                "html": { "href": format!("https://bitbucket.org/{}/", workspace.slug) },
                "avatar": { "href": format!("https://bitbucket.org/account/{}/avatar/", workspace.slug) },
            },
        })),
    }
    .unwrap_or_default()
}

//! `/user/workspaces` and `/workspaces/{workspace}`: where somebody works.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::call::Call;
use super::errors::ApiError;
use super::page::{self, Paging};
use super::scopes::needs;
use super::state::{Api, uuid};
use crate::sandbox::people::Person;

/// A workspace. It is there from the start, and so are its members and projects.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) slug: &'static str,
    pub(crate) name: &'static str,
    /// Nicknames, and `owner`, `create-project` or `member`.
    pub(crate) members: &'static [(&'static str, &'static str)],
    pub(crate) projects: &'static [Project],
}

#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) key: &'static str,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
}

pub(crate) static WORKSPACES: [Workspace; 2] = [
    Workspace {
        slug: "acme",
        name: "Acme",
        members: &[
            ("ana", "owner"),
            ("ben", "member"),
            ("gus", "member"),
            ("cleo", "create-project"),
        ],
        projects: &[
            Project {
                key: "SHOP",
                name: "Shop",
                description: "Everything that a customer of the shop sees",
            },
            Project { key: "OPS", name: "Operations", description: "What the shop runs on" },
        ],
    },
    Workspace {
        slug: "side-projects",
        name: "Side projects",
        members: &[("ana", "owner")],
        projects: &[Project { key: "PROJ", name: "Untitled project", description: "" }],
    },
];

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/user/workspaces", needs("account", get(mine)))
        .route("/user/workspaces/{workspace}/permission", needs("account", get(permission)))
        .route(
            "/user/workspaces/{workspace}/permissions/repositories",
            needs("account repository", get(repository_permissions)),
        )
        .route("/workspaces/{workspace}", get(one))
        .route("/workspaces/{workspace}/projects", needs("project", get(projects)))
        .route("/workspaces/{workspace}/projects/{key}", needs("project", get(project)))
}

/// The workspace with this slug or `{uuid}`.
pub(crate) fn find(id: &str) -> Option<&'static Workspace> {
    WORKSPACES
        .iter()
        .find(|workspace| workspace.slug.eq_ignore_ascii_case(id) || workspace.uuid() == id)
}

/// [`find`], for somebody who must be a member.
pub(crate) fn visible(call: &Call, id: &str) -> Result<&'static Workspace, ApiError> {
    find(id)
        .filter(|workspace| workspace.role(call.grant.person).is_some())
        .ok_or_else(|| ApiError::not_found(format!("No workspace with identifier '{id}'.")))
}

impl Workspace {
    pub(crate) fn uuid(&self) -> String {
        uuid(&format!("workspace {}", self.slug))
    }

    pub(crate) fn role(&self, person: &Person) -> Option<&'static str> {
        self.members
            .iter()
            .find(|(nickname, _)| *nickname == person.nickname)
            .map(|(_, role)| *role)
    }
}

async fn mine(call: Call) -> Result<Response, ApiError> {
    let administrator = call.query.first("administrator").map(|value| value == "true");
    let values = WORKSPACES
        .iter()
        .filter_map(|workspace| {
            let is_administrator = workspace.role(call.grant.person)? == "owner";
            if administrator.is_some_and(|wanted| wanted != is_administrator) {
                return None;
            }
            let url = format!("{}/workspaces/{}", call.api.base(), workspace.slug);
            Some(json!({
                "type": "workspace_access",
                "administrator": is_administrator,
                // Never shown, but what `sort` and `q` go by.
                "slug": workspace.slug,
                "workspace": {
                    "type": "workspace_base",
                    "uuid": workspace.uuid(),
                    "slug": workspace.slug,
                    "links": {
                        "self": { "href": url },
                        "avatar": { "href": format!("https://bitbucket.org/workspaces/{}/avatar/?ts=1604430491", workspace.slug) },
                    },
                },
            }))
        })
        .collect();
    page::respond(
        &call,
        values,
        Paging { default: 25, hidden: &["values.slug"], ..Paging::up_to(100) },
    )
}

async fn permission(call: Call, Path(id): Path<String>) -> Result<Response, ApiError> {
    let workspace = visible(&call, &id)?;
    let person = call.grant.person;
    let body = json!({
        "type": "workspace_membership",
        "permission": workspace.role(person),
        "user": call.api.account(person),
        "workspace": call.api.workspace(workspace),
        "links": { "self": { "href": format!("{}/user/workspaces/{}/permission", call.api.base(), workspace.slug) } },
    });
    Ok(call.answer(body, &[]))
}

async fn repository_permissions(call: Call, Path(id): Path<String>) -> Result<Response, ApiError> {
    let workspace = visible(&call, &id)?;
    let person = call.grant.person;
    let values = call
        .api
        .repositories(person)
        .iter()
        .filter(|repository| repository.workspace.slug == workspace.slug)
        .filter_map(|repository| {
            Some(json!({
                "type": "repository_permission",
                "permission": repository.permission(person)?.name(),
                "user": call.api.account(person),
                "repository": call.api.repository_stub(repository),
            }))
        })
        .collect();
    page::respond(&call, values, Paging::up_to(100))
}

async fn one(call: Call, Path(id): Path<String>) -> Result<Response, ApiError> {
    let workspace = visible(&call, &id)?;
    let mut body = call.api.workspace(workspace);
    let url = format!("{}/workspaces/{}", call.api.base(), workspace.slug);
    if let Some(body) = body.as_object_mut() {
        body.insert("is_private".into(), json!(true));
        body.insert("is_privacy_enforced".into(), json!(false));
        body.insert("forking_mode".into(), json!("allow_forks"));
        body.insert("created_on".into(), json!("2021-03-08T10:30:02.184312+00:00"));
        if let Some(links) = body.get_mut("links").and_then(Value::as_object_mut) {
            for name in ["members", "projects", "hooks"] {
                links.insert(name.into(), json!({ "href": format!("{url}/{name}") }));
            }
            let repositories = format!("{}/repositories/{}", call.api.base(), workspace.slug);
            links.insert("repositories".into(), json!({ "href": repositories }));
        }
    }
    Ok(call.answer(body, &[]))
}

async fn projects(call: Call, Path(id): Path<String>) -> Result<Response, ApiError> {
    let workspace = visible(&call, &id)?;
    let values =
        workspace.projects.iter().map(|project| show(&call.api, workspace, project)).collect();
    page::respond(&call, values, Paging::up_to(100))
}

async fn project(
    call: Call,
    Path((id, key)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let workspace = visible(&call, &id)?;
    let project = workspace
        .projects
        .iter()
        .find(|project| project.key == key)
        .ok_or_else(|| ApiError::not_found(format!("No project with key '{key}'.")))?;
    Ok(call.answer(show(&call.api, workspace, project), &[]))
}

fn show(api: &Api, workspace: &Workspace, project: &Project) -> Value {
    let mut body = project_stub(api, workspace, project);
    if let Some(body) = body.as_object_mut() {
        body.insert("description".into(), json!(project.description));
        body.insert("is_private".into(), json!(true));
        body.insert("has_publicly_visible_repos".into(), json!(false));
        body.insert("created_on".into(), json!("2021-03-08T10:31:47.553270+00:00"));
        body.insert("updated_on".into(), json!("2026-09-02T08:15:00.904511+00:00"));
        body.insert("owner".into(), api.workspace(workspace));
        body.insert("workspace".into(), api.workspace(workspace));
    }
    body
}

/// A project, as it stands inside other objects.
pub(crate) fn project_stub(api: &Api, workspace: &Workspace, project: &Project) -> Value {
    let (slug, key) = (workspace.slug, project.key);
    json!({
        "type": "project",
        "uuid": uuid(&format!("project {slug}/{key}")),
        "key": key,
        "name": project.name,
        "links": {
            "self": { "href": format!("{}/workspaces/{slug}/projects/{key}", api.base()) },
            "html": { "href": format!("https://bitbucket.org/{slug}/workspace/projects/{key}") },
            "avatar": { "href": format!("https://bitbucket.org/account/user/{slug}/projects/{key}/avatar/32?ts=1604524147") },
        },
    })
}

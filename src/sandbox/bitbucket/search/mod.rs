//! Code search, which Bitbucket has deprecated and which an administrator may not have turned on.

mod index;
mod wanted;

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use self::index::Found;
use self::wanted::Wanted;
use super::call::Call;
use super::errors::ApiError;
use super::page::{self, Paging};
use super::scopes::needs;
use super::source::escaped;
use super::state::{Api, Repository};
use super::workspaces;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/workspaces/{workspace}/search/code", needs("repository", get(code)))
}

/// Files of the main branches in which all of the words stand.
async fn code(call: Call, Path(workspace): Path<String>) -> Result<Response, ApiError> {
    let missing = || ApiError::not_found(format!("No workspace with identifier '{workspace}'."));
    let home = workspaces::find(&workspace).ok_or_else(missing)?;
    let query = call.query.first("search_query").unwrap_or_default();
    let wanted = Wanted::parse(query)?;
    let mut values = Vec::new();
    for repository in call.api.repositories(call.grant.person) {
        if repository.workspace.slug != home.slug || !wanted.takes_repository(&repository.slug) {
            continue;
        }
        let Some(commit) = repository.git.resolve_branch(&repository.main_branch) else { continue };
        for found in index::search(&repository, &commit, &wanted) {
            values.push(show(&call.api, &repository, &commit, &found));
        }
    }
    const PAGING: Paging = Paging {
        default: 10,
        max: 100,
        // `fields=+values.file.commit.repository` brings them.
        hidden: &["values.file.commit"],
        unfilterable: &[],
    };
    page::respond(&call, values, PAGING)
}

fn show(api: &Api, repository: &Repository, commit: &str, found: &Found) -> Value {
    let path = &found.path;
    let mut stub = api.commit_stub(repository, commit);
    if let Some(stub) = stub.as_object_mut() {
        stub.insert("repository".into(), api.repository_stub(repository));
    }
    json!({
        "type": "code_search_result",
        "content_match_count": found.count,
        "content_matches": found.content,
        "path_matches": found.path_matches,
        "file": {
            "path": path,
            "type": "commit_file",
            "commit": stub,
            "links": { "self": { "href": format!(
                "{}/src/{commit}/{}", api.repository_url(repository), escaped(path),
            ) } },
        },
    })
}

//! Files that a repository offers for download.

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::call::Call;
use super::errors::ApiError;
use super::forms;
use super::page::{self, Paging};
use super::scopes::needs;
use super::shapes::{digest, stamp};
use super::source::escaped;
use super::state::{Api, Repository};
use crate::sandbox::people;

/// What is kept of this for one repository.
#[derive(Debug, Default)]
pub(crate) struct Store {
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    name: String,
    size: usize,
    downloads: u64,
    nickname: &'static str,
    created_on: String,
}

impl Store {
    /// What is there from the start in the repository `full_name`.
    pub(crate) fn seeded(full_name: &str) -> Self {
        let file = |name: &str, size, downloads, nickname| File {
            name: name.to_owned(),
            size,
            downloads,
            nickname,
            created_on: "2026-10-02T09:12:44.120511+00:00".to_owned(),
        };
        let files = match full_name {
            "acme/shop" => vec![
                file("shop-2.4.0.tar.gz", 5_242_880, 31, "ana"),
                file("shop-2.3.0.tar.gz", 5_111_808, 207, "ana"),
                file("price list 2026.pdf", 88_412, 4, "gus"),
            ],
            _ => Vec::new(),
        };
        Self { files }
    }

    fn place(&self, name: &str) -> Result<usize, ApiError> {
        let place = self.files.iter().position(|file| file.name == name);
        place.ok_or_else(|| ApiError::not_found(format!("No such download: {name}")))
    }
}

pub(super) fn routes() -> Router<Api> {
    const DOWNLOADS: &str = "/repositories/{workspace}/{repository}/downloads";
    Router::new()
        .route(DOWNLOADS, needs("repository", get(list)))
        .route(DOWNLOADS, needs("repository:write", axum::routing::post(add)))
        .route(&format!("{DOWNLOADS}/{{name}}"), needs("repository", get(read)))
        .route(
            &format!("{DOWNLOADS}/{{name}}"),
            needs("repository:write", axum::routing::delete(delete)),
        )
}

async fn list(
    call: Call,
    Path((workspace, slug)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let store = repository.downloads();
    let values = store.files.iter().map(|file| show(&call.api, &repository, file)).collect();
    drop(store);
    page::respond(&call, values, Paging::up_to(100))
}

/// The file is kept elsewhere.
async fn read(
    call: Call,
    Path((workspace, slug, name)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    let mut store = repository.downloads();
    let place = store.place(&name)?;
    if let Some(file) = store.files.get_mut(place) {
        file.downloads += 1;
    }
    // The same server under its other name, and so another origin.
    let origin = call.api.origin().replace("127.0.0.1", "localhost");
    let target = format!("{origin}/_media/{}?token=signed&name={}", digest(&name), escaped(&name));
    Ok((StatusCode::FOUND, [(header::LOCATION, target)]).into_response())
}

/// A file of the same name is replaced.
async fn add(
    call: Call,
    Path((workspace, slug)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    repository.require_write(call.grant.person)?;
    let parts = forms::read(&headers, &body)?;
    let files: Vec<(String, usize)> = parts
        .into_iter()
        .filter(|part| part.name == "files")
        .filter_map(|part| Some((part.file?, part.bytes.len())))
        .collect();
    let fits = |name: &str| !name.is_empty() && !name.contains('/');
    if files.is_empty() || !files.iter().all(|(name, _)| fits(name)) {
        return Err(ApiError::bad_fields(json!({ "files": ["This field is required."] })));
    }
    let mut store = repository.downloads();
    for (name, size) in files {
        store.files.retain(|file| file.name != name);
        store.files.insert(
            0,
            File {
                name,
                size,
                downloads: 0,
                nickname: call.grant.person.nickname,
                created_on: stamp(call.api.now()),
            },
        );
    }
    let target = format!("{}/downloads", call.api.repository_url(&repository));
    Ok((StatusCode::CREATED, [(header::LOCATION, target)]).into_response())
}

async fn delete(
    call: Call,
    Path((workspace, slug, name)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let repository = call.api.repository(&call.grant, &workspace, &slug)?;
    repository.require_write(call.grant.person)?;
    let mut store = repository.downloads();
    let place = store.place(&name)?;
    store.files.remove(place);
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn show(api: &Api, repository: &Repository, file: &File) -> Value {
    let url = format!("{}/downloads/{}", api.repository_url(repository), escaped(&file.name));
    json!({
        "type": "download",
        "name": file.name,
        "size": file.size,
        "downloads": file.downloads,
        "created_on": file.created_on,
        "user": people::find(file.nickname).map(|person| api.account(person)),
        "links": { "self": { "href": url } },
    })
}

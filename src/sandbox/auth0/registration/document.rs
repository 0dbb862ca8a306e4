//! Client ID metadata documents: a client id that is an address, where the client says who it is
//! (draft-ietf-oauth-client-id-metadata-document).
//!
//! At Auth0 an administrator imports such a client; here it is enough that it comes.

use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};
use serde_json::Value;
use url::Url;

use super::super::Auth0;
use super::super::applications::Application;
use super::super::loopback::is_loopback;
use super::super::objects::{Object, public_client};
use super::metadata::{Fault, Metadata};

const PATIENCE: Duration = Duration::from_secs(5);
const LARGEST_DOCUMENT: usize = 10 * 1_024;
/// How long a document counts without being fetched again.
const FRESH: Duration = Duration::from_secs(300);

impl Auth0 {
    /// The application with this client id, fetched if its id is an address; or why there is none.
    pub(crate) async fn find_application(&self, id: &str) -> Result<Application, String> {
        let unknown = || format!("Unknown client: {id}");
        let address = {
            let world = self.world.lock();
            let known = world.tenant.application(id);
            let address = address(id).filter(|_| world.tenant.describes_clients_by_document());
            let Some(address) = address else { return known.ok_or_else(unknown) };
            let fetched_at = world.tenant.fetched.get(id);
            let fresh = fetched_at.is_some_and(|fetched_at| fetched_at.elapsed() < FRESH);
            if let Some(known) = known.filter(|_| fresh) {
                return Ok(known);
            }
            address
        };
        let rotates = self.world.lock().tenant.rotates_public_refresh_tokens;
        let client = read(id, address, rotates)
            .await
            .map_err(|why| format!("The client metadata document cannot be used: {why}"))?;
        let application = client.application(None);
        self.world.lock().tenant.register(client, Some(Instant::now()));
        Ok(application)
    }
}

/// The address that a client id is, if it may be one: https, or http on this machine; with a path; without
/// dot segments, fragment or credentials; written in one way only.
fn address(id: &str) -> Option<Url> {
    let url = Url::parse(id).ok().filter(|url| url.as_str() == id)?;
    let allowed = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (allowed && bare && url.path().len() > 1).then_some(url)
}

async fn read(id: &str, address: Url, rotates: bool) -> Result<Object, String> {
    let document = fetch(address).await?;
    let document: Value =
        serde_json::from_slice(&document).map_err(|_| "it is not JSON".to_owned())?;
    if document.get("client_id").and_then(Value::as_str) != Some(id) {
        return Err("its client_id is not its own address".to_owned());
    }
    let metadata = Metadata::read(&document).map_err(|fault| match fault {
        Fault::RedirectUri(text) | Fault::Other(text) => text,
    })?;
    // A secret that everybody can read is none.
    if metadata.method.as_deref() != Some("none") || document.get("client_secret").is_some() {
        return Err("its token_endpoint_auth_method must be none".to_owned());
    }
    Ok(public_client(id, &metadata.name, &metadata.redirect_uris, "none", rotates))
}

async fn fetch(address: Url) -> Result<Vec<u8>, String> {
    let unreachable = |_| "it cannot be fetched".to_owned();
    let mut client =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
    if is_loopback(&address) {
        client = client.no_proxy();
    }
    let request = client.build().map_err(unreachable)?.get(address);
    let mut response =
        request.header(header::ACCEPT, "application/json").send().await.map_err(unreachable)?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(format!("its address answers {}", response.status().as_u16()));
    }
    if !is_json(response.headers()) {
        return Err("its Content-Type is not JSON".to_owned());
    }
    let mut document = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        document.extend_from_slice(&chunk);
        if document.len() > LARGEST_DOCUMENT {
            return Err("it is larger than 10 KiB".to_owned());
        }
    }
    Ok(document)
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn takes_an_address_that_can_be_written_in_one_way_only() {
        for (id, taken) in [
            ("https://client.test/metadata.json", true),
            ("https://client.test:8443/metadata.json", true),
            ("http://127.0.0.1:8000/metadata.json", true),
            ("http://client.test/metadata.json", false),
            ("https://client.test/", false),
            ("https://client.test", false),
            ("https://client.test/a/../metadata.json", false),
            ("https://CLIENT.test/metadata.json", false),
            ("https://client.test:443/metadata.json", false),
            ("https://user@client.test/metadata.json", false),
            ("https://client.test/metadata.json#me", false),
            ("tpc_client", false),
            ("ftp://client.test/metadata.json", false),
        ] {
            assert_eq!(address(id).is_some(), taken, "{id}");
        }
    }
}

//! Our own API at the tenant, from an application's side.

mod access_tokens;
mod logins;
mod management;
mod objects;
mod public_clients;
mod refusals;
mod registration;
mod set_up;
mod starts;

use super::testing::Harness;

/// Where the server would be that the API belongs to.
const PUBLIC_URL: &str = "http://127.0.0.1:8080";
const API: &str = "http://127.0.0.1:8080/mcp";

async fn opened() -> Harness {
    let harness = Harness::start().await;
    harness.sandbox.open_api(PUBLIC_URL);
    harness
}

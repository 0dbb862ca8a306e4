//! Our own API at the sandbox's tenant: what a server that many people reach over HTTP needs of Auth0.

use super::Sandbox;
use super::auth0::{API_CLIENT_ID, Bearer, MANAGEMENT_CLIENT_ID};

impl Sandbox {
    /// Registers the API of a server at `public_url`, with its scopes, and the pages of that server as
    /// callbacks of the web application. A second call puts another API in the place of the first.
    pub fn open_api(&self, public_url: &str) {
        let public_url = trimmed(public_url);
        self.world.change_tenant(|tenant| {
            tenant.api_audience = Some(audience(public_url));
            let pages = ["signed-in", "connected"].map(|page| format!("{public_url}/link/{page}"));
            tenant.callbacks.retain(|callback| !pages.contains(callback));
            tenant.callbacks.extend(pages);
            // On loopback Auth0 wants a page of its own before it goes back, and so refuses
            // `prompt=none`: the server could not learn which account was linked. A tenant for local
            // development turns that off for the application; so does this one.
            tenant.web_skips_confirmation = true;
        });
    }

    /// The settings that a server at `public_url` needs besides [`settings`](Self::settings).
    pub fn api_settings(&self, public_url: &str) -> Vec<(&'static str, String)> {
        let public_url = trimmed(public_url);
        let secret = self.world.lock().tenant.secret_of(API_CLIENT_ID);
        vec![
            ("AUTH0_AUDIENCE", audience(public_url)),
            ("AUTH0_API_CLIENT_ID", API_CLIENT_ID.to_owned()),
            ("AUTH0_API_CLIENT_SECRET", secret),
            ("BITBUCKET_MCP_PUBLIC_URL", public_url.to_owned()),
        ]
    }

    /// The settings for the Management API.
    pub fn management_settings(&self) -> Vec<(&'static str, String)> {
        let secret = self.world.lock().tenant.secret_of(MANAGEMENT_CLIENT_ID);
        vec![
            ("AUTH0_MANAGEMENT_CLIENT_ID", MANAGEMENT_CLIENT_ID.to_owned()),
            ("AUTH0_MANAGEMENT_CLIENT_SECRET", secret),
            ("AUTH0_MANAGEMENT_DOMAIN", self.auth0_domain()),
        ]
    }

    /// An access token of `linked`, `limited` or `guest` for the API that is open, as a client gets it
    /// that asked for reading and writing. Nothing for others, or before [`open_api`](Self::open_api).
    pub fn bearer_token(&self, account: &str) -> Option<String> {
        self.bearer(account, Bearer::default())
    }

    /// The same with what `bearer` says. A stranger's token too counts as issued: only its signature
    /// gives it away.
    pub fn bearer(&self, account: &str, bearer: Bearer) -> Option<String> {
        self.tenant.bearer(account, bearer)
    }
}

fn audience(public_url: &str) -> String {
    format!("{public_url}/mcp")
}

fn trimmed(public_url: &str) -> &str {
    public_url.trim_end_matches('/')
}

//! Our own API at the sandbox's tenant: what a server that many people reach over HTTP needs of Auth0.

use serde_json::json;

use super::auth0::{API_SCOPES, Bearer, MANAGEMENT_CLIENT_ID, Switch, Tenant};
use super::{Sandbox, Start};

impl Sandbox {
    /// Registers the API of a server at `public_url`, with its scopes, links the Custom API Client to it,
    /// and adds the pages of that server as callbacks of the web application. A second call puts another
    /// API in the place of the first. On a tenant that was not ready, this is for the set-up to do, and
    /// nothing happens.
    pub fn open_api(&self, public_url: &str) {
        if self.start != Start::Ready {
            return;
        }
        let public_url = trimmed(public_url);
        self.world.change_tenant(|tenant| open(tenant, public_url));
    }

    /// The settings that a server at `public_url` needs besides [`settings`](Self::settings). Where the
    /// tenant was not ready, there is no API yet.
    pub fn api_settings(&self, public_url: &str) -> Vec<(&'static str, String)> {
        let public_url = trimmed(public_url);
        let mut settings = Vec::new();
        if self.start == Start::Ready {
            let tenant = &self.world.lock().tenant;
            let id = tenant.api_client_id().unwrap_or_default();
            let secret = tenant.secret_of(&id);
            settings.extend([
                ("AUTH0_AUDIENCE", audience(public_url)),
                ("AUTH0_API_CLIENT_ID", id),
                ("AUTH0_API_CLIENT_SECRET", secret),
            ]);
        }
        settings.push(("BITBUCKET_MCP_PUBLIC_URL", public_url.to_owned()));
        settings
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

fn open(tenant: &mut Tenant, public_url: &str) {
    let audience = audience(public_url);
    if let Some(former) = tenant.our_api() {
        tenant.delete_resource_server(&former);
    }
    let scopes: Vec<_> = API_SCOPES.iter().map(|scope| json!({ "value": scope })).collect();
    tenant.add_resource_server(json!({
        "name": "bitbucket-vault-mcp",
        "identifier": audience,
        "scopes": scopes,
        "allow_offline_access": true,
        "skip_consent_for_verifiable_first_party_clients": true,
        "token_dialect": "access_token",
    }));
    if let Some(client) = tenant.api_client_id() {
        tenant.link_api_client(&client, &audience);
    }
    tenant.add_grant(json!({
        "audience": audience,
        "scope": ["bitbucket:read", "bitbucket:write"],
        "subject_type": "user",
        "default_for": "third_party_clients",
    }));
    if let Some(web) = tenant.web_mut() {
        for page in ["signed-in", "connected"] {
            web.put_in_list("callbacks", &format!("{public_url}/link/{page}"), true);
        }
    }
    // On loopback Auth0 wants a page of its own before it goes back, and so refuses `prompt=none`: the
    // server could not learn which account was linked. A tenant for local development turns that off
    // for the application; so does this one.
    tenant.set(Switch::WebSkipsConfirmation, true);
}

fn audience(public_url: &str) -> String {
    format!("{public_url}/mcp")
}

fn trimmed(public_url: &str) -> &str {
    public_url.trim_end_matches('/')
}

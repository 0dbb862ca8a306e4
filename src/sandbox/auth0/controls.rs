//! What a test can do to the tenant.

use std::time::Instant;

use crate::sandbox::people;
use crate::sandbox::world::World;

use super::state::Authorization;
use super::switches::Switch;
use super::tenant::OPENID_SCOPES;

impl World {
    /// Every Auth0 refresh token of `account` stops working, as if they had been signed out everywhere.
    pub fn revoke_refresh_token(&self, account: &str) {
        if let Some(person) = people::find(account) {
            self.lock().issued.revoke_refresh_tokens(person);
        }
    }

    /// Every Auth0 access token of `account` is past its life.
    pub fn expire_access_token(&self, account: &str) {
        let person = people::find(account);
        self.lock()
            .issued
            .access_tokens
            .retain(|_, token| Some(token.authorization.person) != person);
    }

    /// Every connect ticket that has not been used is past its five minutes.
    pub fn expire_tickets(&self) {
        for connect in self.lock().issued.connects.values_mut() {
            connect.expires_at = Instant::now();
        }
    }

    /// Whether every refresh answers with a new refresh token.
    pub fn rotate_refresh_tokens(&self, rotate: bool) {
        self.change_tenant(|tenant| tenant.set(Switch::RotatesRefreshTokens, rotate));
    }

    /// Registers a public key in PEM: the web application then authenticates by `private_key_jwt` only.
    pub fn set_client_key(&self, pem: &str) {
        self.change_tenant(|tenant| {
            let Some(id) = tenant.web_id() else { return };
            tenant.client_keys.insert(id, pem.to_owned());
            if let Some(web) = tenant.web_mut() {
                let credentials = serde_json::json!([{ "id": "cred_Sandbox0000000001" }]);
                let methods =
                    serde_json::json!({ "private_key_jwt": { "credentials": credentials } });
                web.set("client_authentication_methods", methods);
                web.remove("token_endpoint_auth_method");
            }
        });
    }

    /// The tenant signs with a new key from now on. Its key set has the new key and the one before.
    pub fn rotate_keys(&self) {
        if self.lock().keyring.rotate().is_err() {
            tracing::error!("no signing key could be made");
        }
    }

    /// The tenant's key set has the current key only.
    pub fn withdraw_retired_key(&self) {
        self.lock().keyring.withdraw_retired();
    }

    /// Whether `connect_code` comes back in the fragment, not in the query.
    pub fn connect_code_in_fragment(&self, in_fragment: bool) {
        self.change_tenant(|tenant| tenant.set(Switch::ConnectCodeInFragment, in_fragment));
    }

    /// Adds an Allowed Callback URL of the web application.
    pub fn allow_callback(&self, callback: &str) {
        self.change_tenant(|tenant| {
            if let Some(web) = tenant.web_mut() {
                web.put_in_list("callbacks", callback, true);
            }
        });
    }

    /// A fresh refresh token of somebody who can sign in, for the web application if there is one.
    pub(crate) fn refresh_token(&self, account: &str) -> Option<String> {
        let person = people::find(account).filter(|person| person.account.is_some())?;
        let mut world = self.lock();
        let authorization = Authorization {
            person,
            client_id: world.tenant.web_id()?,
            audience: None,
            scopes: OPENID_SCOPES.iter().map(|scope| (*scope).to_owned()).collect(),
            organization: None,
        };
        Some(world.issued.add_refresh_token(authorization))
    }
}

//! What the management application may do, as its token says.

use url::Url;

use super::Management;
use crate::auth0::Error;

impl Management {
    /// The tenant's canonical domain, ending in a slash.
    #[must_use]
    pub fn domain(&self) -> &Url {
        self.inner.tenant.domain()
    }

    /// The application that asks.
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.inner.tenant.client_id()
    }

    /// The scopes that the application was granted; nothing where Auth0 does not say.
    ///
    /// A token keeps the scopes that it was given with, so one that lacks any of `needed` is replaced
    /// first: somebody may have granted it meanwhile.
    ///
    /// # Errors
    /// [`Error::Management`] when the application gets no token, and when Auth0 cannot be reached.
    pub async fn granted_scopes(&self, needed: &[&str]) -> Result<Option<Vec<String>>, Error> {
        let before = self.kept_scopes().await;
        let token = self.token(None).await?;
        let is_new = before.is_none();
        let granted = self.kept_scopes().await.flatten();
        let suffices = granted
            .as_ref()
            .is_none_or(|granted| needed.iter().all(|one| granted.iter().any(|has| has == one)));
        if is_new || suffices {
            return Ok(granted);
        }
        self.token(Some(&token)).await?;
        Ok(self.kept_scopes().await.flatten())
    }

    /// Of the token at hand, where there is one.
    async fn kept_scopes(&self) -> Option<Option<Vec<String>>> {
        let kept = self.inner.token.lock().await;
        let scope = kept.as_ref()?.scope.as_deref();
        Some(scope.map(|scope| scope.split_whitespace().map(str::to_owned).collect()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::management;
    use crate::auth0::stand_in::StandIn;

    fn token(name: &str, scope: Option<&str>) -> serde_json::Value {
        let mut token = json!({
            "access_token": name, "expires_in": 86_400, "token_type": "Bearer",
        });
        if let Some(scope) = scope {
            token["scope"] = scope.into();
        }
        token
    }

    #[tokio::test]
    async fn notices_a_scope_that_was_granted_meanwhile_and_keeps_a_token_that_does() {
        let stand_in = StandIn::start().await;
        stand_in.answer_next("/oauth/token", 200, token("t1", Some("read:users")));
        stand_in.answer("/oauth/token", 200, token("t2", Some("read:users read:clients")));
        let management = management(&stand_in);
        let needed = ["read:users", "read:clients"];
        let granted = || async { management.granted_scopes(&needed).await.unwrap().unwrap() };
        assert_eq!(granted().await, ["read:users"]);
        assert_eq!(stand_in.requests().len(), 1, "a new token is not replaced");
        assert_eq!(granted().await, ["read:users", "read:clients"]);
        assert_eq!(granted().await, ["read:users", "read:clients"]);
        assert_eq!(stand_in.requests().len(), 2);
    }

    #[tokio::test]
    async fn does_not_guess_what_auth0_does_not_say() {
        let stand_in = StandIn::start().await;
        stand_in.answer("/oauth/token", 200, token("t1", None));
        let management = management(&stand_in);
        assert_eq!(management.granted_scopes(&["read:users"]).await.unwrap(), None);
        assert_eq!(management.granted_scopes(&["read:users"]).await.unwrap(), None);
        assert_eq!(stand_in.requests().len(), 1);
    }
}

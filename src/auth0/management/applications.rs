//! Applications, which the API calls clients.

use super::{Application, Body, Management};
use crate::auth0::{Error, ManagementProblem};

const CLIENTS: &str = "clients";

impl Management {
    /// Every application of the tenant but its global client, which is no application of anybody's.
    /// `read:clients`; their secrets are left out without `read:client_keys`.
    ///
    /// # Errors
    /// As [`every_connection`](Self::every_connection).
    pub async fn applications(&self) -> Result<Vec<Application>, Error> {
        let all = self.list(&self.place(CLIENTS), CLIENTS, "a list of applications").await;
        all.map(|mut all: Vec<Application>| {
            all.retain(|one| one.global != Some(true));
            all
        })
    }

    /// An application, if there is one with this id. `read:clients`
    ///
    /// # Errors
    /// As [`every_connection`](Self::every_connection).
    pub async fn application(&self, client_id: &str) -> Result<Option<Application>, Error> {
        match self.read(self.object(CLIENTS, client_id, "")?).await {
            Ok(answer) => answer.json("an application").map(Some),
            Err(Error::Management(ManagementProblem::Absent)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes an application. `create:clients`. The answer holds the new secret.
    ///
    /// # Errors
    /// As [`every_connection`](Self::every_connection).
    pub async fn create_application(&self, body: &Body) -> Result<Application, Error> {
        self.create(self.place(CLIENTS), body).await?.json("an application")
    }

    /// Changes an application. `update:clients`
    ///
    /// # Errors
    /// As [`every_connection`](Self::every_connection).
    pub async fn update_application(
        &self,
        client_id: &str,
        body: &Body,
    ) -> Result<Application, Error> {
        self.update(self.object(CLIENTS, client_id, "")?, body).await?.json("an application")
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use serde_json::{Value, json};

    use super::super::testing::{asked, body, management, ready};
    use super::*;

    /// As recorded for an application that was made with a name alone.
    fn recorded() -> Value {
        json!({
            "name": "bitbucket-vault-mcp", "client_id": "J7KL", "client_secret": "made by Auth0",
            "is_first_party": true, "is_token_endpoint_ip_header_trusted": false,
            "oidc_conformant": false,
            "jwt_configuration": { "secret_encoded": false, "lifetime_in_seconds": 36000 },
            "signing_keys": [{ "cert": "-----BEGIN CERTIFICATE-----" }], "sso_disabled": false,
            "cross_origin_authentication": false,
            "grant_types": ["authorization_code", "implicit", "refresh_token", "client_credentials"],
            "custom_login_page_on": true,
            "refresh_token": {
                "rotation_type": "non-rotating", "expiration_type": "non-expiring", "leeway": 0,
                "token_lifetime": 31_557_600, "infinite_token_lifetime": true,
                "infinite_idle_token_lifetime": true, "idle_token_lifetime": 2_592_000,
            },
        })
    }

    #[tokio::test]
    async fn makes_an_application_and_keeps_its_secret_out_of_sight() {
        let stand_in = ready().await;
        stand_in.answer("/api/v2/clients", 201, recorded());
        let change = body(&json!({ "name": "bitbucket-vault-mcp", "app_type": "regular_web" }));
        let made = management(&stand_in).create_application(&change).await.unwrap();
        assert_eq!(made.client_secret.as_ref().unwrap().expose_secret(), "made by Auth0");
        assert!(!format!("{made:?}").contains("made by Auth0"));
        assert_eq!((made.oidc_conformant, made.is_first_party), (Some(false), Some(true)));
        assert_eq!(made.grant_types.unwrap().len(), 4);
        assert_eq!(made.refresh_token.unwrap()["rotation_type"], "non-rotating");
        assert_eq!(made.callbacks, None);
        assert_eq!(
            asked(&stand_in),
            [r#"POST /api/v2/clients {"app_type":"regular_web","name":"bitbucket-vault-mcp"}"#]
        );
    }

    #[tokio::test]
    async fn changes_an_application() {
        let stand_in = ready().await;
        stand_in.answer("/api/v2/clients/J7KL", 200, recorded());
        let change = body(&json!({ "oidc_conformant": true }));
        management(&stand_in).update_application("J7KL", &change).await.unwrap();
        assert_eq!(asked(&stand_in), [r#"PATCH /api/v2/clients/J7KL {"oidc_conformant":true}"#]);
    }

    #[tokio::test]
    async fn tells_an_application_that_is_not_there_from_one_it_may_not_see() {
        let stand_in = ready().await;
        let place = "/api/v2/clients/J7KL";
        let management = management(&stand_in);
        stand_in.answer_next(place, 200, recorded());
        assert_eq!(management.application("J7KL").await.unwrap().unwrap().client_id, "J7KL");
        let absent = json!({
            "statusCode": 404, "error": "Not Found", "message": "The client does not exist",
            "errorCode": "inexistent_client",
        });
        stand_in.answer_next(place, 404, absent);
        assert!(management.application("J7KL").await.unwrap().is_none());
        let lacking = json!({
            "statusCode": 403, "error": "Forbidden", "errorCode": "insufficient_scope",
            "message": "Insufficient scope, expected any of: read:clients, read:client_keys",
        });
        stand_in.answer_next(place, 403, lacking);
        let error = management.application("J7KL").await.unwrap_err();
        let Error::Management(ManagementProblem::Scope { any_of }) = &error else {
            panic!("{error:?}");
        };
        assert_eq!(any_of, &["read:clients", "read:client_keys"]);
        assert_eq!(
            error.to_string(),
            "the management client's grant for the Management API lacks `read:clients` or \
             `read:client_keys`"
        );
        stand_in.answer_next(place, 404, json!({ "statusCode": 404, "message": "Not Found" }));
        management.application("J7KL").await.unwrap_err();
    }
}

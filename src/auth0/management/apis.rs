//! APIs, which the Management API calls resource servers.

use super::{Body, Management, ResourceServer};
use crate::auth0::{Error, ManagementProblem};

const APIS: &str = "resource-servers";

impl Management {
    /// The API with this identifier, if there is one. `read:resource_servers`
    ///
    /// # Errors
    /// As [`every_connection`](Self::every_connection).
    pub async fn api(&self, identifier: &str) -> Result<Option<ResourceServer>, Error> {
        match self.read(self.object(APIS, identifier, "")?).await {
            Ok(answer) => answer.json("an API").map(Some),
            Err(Error::Management(ManagementProblem::Absent)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes an API. `create:resource_servers`
    ///
    /// # Errors
    /// As [`every_connection`](Self::every_connection).
    pub async fn create_api(&self, body: &Body) -> Result<ResourceServer, Error> {
        self.create(self.place(APIS), body).await?.json("an API")
    }

    /// Changes the API with this id. `update:resource_servers`
    ///
    /// # Errors
    /// As [`every_connection`](Self::every_connection).
    pub async fn update_api(&self, id: &str, body: &Body) -> Result<ResourceServer, Error> {
        self.update(self.object(APIS, id, "")?, body).await?.json("an API")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{asked, body, management, ready};

    #[tokio::test]
    async fn reads_makes_and_changes_apis_by_their_identifier() {
        let stand_in = ready().await;
        // As recorded when the My Account API is activated.
        let recorded = json!({
            "id": "69f2dc6f1fe9298c44d9b9f3", "name": "Auth0 My Account API",
            "identifier": "https://acme.eu.auth0.com/me/", "allow_offline_access": true,
            "skip_consent_for_verifiable_first_party_clients": true,
            "subject_type_authorization": {
                "client": { "policy": "deny_all" }, "user": { "policy": "require_client_grant" },
            },
            "token_lifetime": 600, "token_lifetime_for_web": 600, "signing_alg": "RS256",
            "scopes": [{ "value": "create:me:connected_accounts" }], "is_system": true,
            "proof_of_possession": { "mechanism": "dpop", "required": false },
        });
        let place = "/api/v2/resource-servers/https:%2F%2Facme.eu.auth0.com%2Fme%2F";
        let absent = json!({
            "statusCode": 404, "error": "Not Found", "errorCode": "inexistent_resource_server",
            "message": "The resource server does not exist",
        });
        stand_in.answer_next(place, 404, absent);
        stand_in.answer_next(place, 200, recorded.clone());
        stand_in.answer("/api/v2/resource-servers", 201, recorded.clone());
        stand_in.answer("/api/v2/resource-servers/69f2dc6f1fe9298c44d9b9f3", 200, recorded);
        let management = management(&stand_in);
        let identifier = "https://acme.eu.auth0.com/me/";
        assert!(management.api(identifier).await.unwrap().is_none());
        let made = body(&json!({ "name": "My Account", "identifier": identifier }));
        assert_eq!(management.create_api(&made).await.unwrap().name, "Auth0 My Account API");
        let api = management.api(identifier).await.unwrap().unwrap();
        assert_eq!(api.signing_alg.as_deref(), Some("RS256"));
        assert_eq!(api.scopes.as_ref().unwrap()[0].value, "create:me:connected_accounts");
        let changed = body(&json!({ "signing_alg": "RS256" }));
        management.update_api(&api.id, &changed).await.unwrap();
        assert_eq!(
            asked(&stand_in),
            [
                format!("GET {place}"),
                format!(
                    r#"POST /api/v2/resource-servers {{"identifier":"{identifier}","name":"My Account"}}"#
                ),
                format!("GET {place}"),
                r#"PATCH /api/v2/resource-servers/69f2dc6f1fe9298c44d9b9f3 {"signing_alg":"RS256"}"#
                    .to_owned(),
            ]
        );
    }
}

//! What applications may do at APIs.

use super::{Body, ClientGrant, Management};
use crate::auth0::Error;

const GRANTS: &str = "client-grants";

impl Management {
    /// Every grant for an API. `read:client_grants`
    ///
    /// # Errors
    /// As [`every_connection`](Self::every_connection).
    pub async fn grants(&self, audience: &str) -> Result<Vec<ClientGrant>, Error> {
        let mut url = self.place(GRANTS);
        url.query_pairs_mut().append_pair("audience", audience);
        self.list(&url, "client_grants", "a list of grants").await
    }

    /// Makes a grant. `create:client_grants`
    ///
    /// # Errors
    /// As [`every_connection`](Self::every_connection).
    pub async fn create_grant(&self, body: &Body) -> Result<ClientGrant, Error> {
        self.create(self.place(GRANTS), body).await?.json("a grant")
    }

    /// Changes a grant. `update:client_grants`
    ///
    /// # Errors
    /// As [`every_connection`](Self::every_connection).
    pub async fn update_grant(&self, id: &str, body: &Body) -> Result<ClientGrant, Error> {
        self.update(self.object(GRANTS, id, "")?, body).await?.json("a grant")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{asked, body, management, ready};

    #[tokio::test]
    async fn reads_makes_and_changes_grants() {
        let stand_in = ready().await;
        let recorded = json!({
            "id": "cgr_e40jKy0Rq2IfvoyQ", "client_id": "J7KL", "audience": "https://d/me/",
            "scope": ["create:me:connected_accounts"], "subject_type": "user",
        });
        // As recorded for a default grant, whose scopes are all.
        let default = json!({
            "id": "cgr_XB6ZHmjNC4RXBCpg", "audience": "https://d/me/", "allow_all_scopes": true,
            "default_for": "third_party_clients", "subject_type": "user",
        });
        stand_in.answer_next(
            "/api/v2/client-grants",
            200,
            json!({ "total": 2, "start": 0, "limit": 50, "client_grants": [&recorded, &default] }),
        );
        stand_in.answer("/api/v2/client-grants", 201, recorded.clone());
        stand_in.answer("/api/v2/client-grants/cgr_e40jKy0Rq2IfvoyQ", 200, recorded);
        let management = management(&stand_in);
        let grants = management.grants("https://d/me/").await.unwrap();
        assert_eq!(grants[0].subject_type.as_deref(), Some("user"));
        assert_eq!((&grants[1].client_id, &grants[1].scope), (&None, &None));
        assert_eq!(grants[1].default_for.as_deref(), Some("third_party_clients"));
        let change = body(&json!({ "scope": ["create:me:connected_accounts"] }));
        management.create_grant(&change).await.unwrap();
        management.update_grant("cgr_e40jKy0Rq2IfvoyQ", &change).await.unwrap();
        assert_eq!(
            asked(&stand_in),
            [
                "GET /api/v2/client-grants?audience=https%3A%2F%2Fd%2Fme%2F&include_totals=true&\
                 per_page=50&page=0",
                r#"POST /api/v2/client-grants {"scope":["create:me:connected_accounts"]}"#,
                "PATCH /api/v2/client-grants/cgr_e40jKy0Rq2IfvoyQ \
                 {\"scope\":[\"create:me:connected_accounts\"]}",
            ]
        );
    }
}

//! What holds for the tenant as a whole.

use super::{Body, CustomDomain, Management, TenantSettings};
use crate::auth0::{Error, ManagementProblem};

const SETTINGS: &str = "tenants/settings";

impl Management {
    /// The tenant's settings. `read:tenant_settings`
    ///
    /// # Errors
    /// As [`every_connection`](Self::every_connection).
    pub async fn tenant_settings(&self) -> Result<TenantSettings, Error> {
        self.read(self.place(SETTINGS)).await?.json("a tenant's settings")
    }

    /// Changes some of the tenant's settings. `update:tenant_settings`
    ///
    /// # Errors
    /// As [`every_connection`](Self::every_connection).
    pub async fn update_tenant_settings(&self, body: &Body) -> Result<TenantSettings, Error> {
        self.update(self.place(SETTINGS), body).await?.json("a tenant's settings")
    }

    /// The tenant's custom domains. `read:custom_domains`. Tenants that may have none answer with a
    /// refusal, which means the same as an empty list.
    ///
    /// # Errors
    /// As [`every_connection`](Self::every_connection).
    pub async fn custom_domains(&self) -> Result<Vec<CustomDomain>, Error> {
        match self.read(self.place("custom-domains")).await {
            Ok(answer) => answer.json("a list of custom domains"),
            Err(Error::Management(ManagementProblem::NotOffered(_))) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// When a second factor is asked for: `all-applications` means always, `confidence-score` by risk,
    /// an empty list never. `read:mfa_policies`
    ///
    /// # Errors
    /// As [`every_connection`](Self::every_connection).
    pub async fn mfa_policies(&self) -> Result<Vec<String>, Error> {
        self.read(self.place("guardian/policies")).await?.json("a list of policies")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{asked, body, management, ready};

    #[tokio::test]
    async fn reads_and_changes_the_tenants_settings() {
        let stand_in = ready().await;
        stand_in.answer(
            "/api/v2/tenants/settings",
            200,
            json!({
                "friendly_name": "Acme", "resource_parameter_profile": "audience",
                "dynamic_client_registration_security_mode": "permissive",
                "flags": { "enable_dynamic_client_registration": false }, "sandbox_version": "22",
            }),
        );
        let management = management(&stand_in);
        let settings = management.tenant_settings().await.unwrap();
        assert_eq!(settings.resource_parameter_profile.as_deref(), Some("audience"));
        assert_eq!(settings.flags.unwrap()["enable_dynamic_client_registration"], false);
        assert_eq!(settings.client_id_metadata_document_supported, None);
        let change = body(&json!({ "resource_parameter_profile": "compatibility" }));
        management.update_tenant_settings(&change).await.unwrap();
        assert_eq!(
            asked(&stand_in),
            [
                "GET /api/v2/tenants/settings",
                r#"PATCH /api/v2/tenants/settings {"resource_parameter_profile":"compatibility"}"#,
            ]
        );
    }

    #[tokio::test]
    async fn reads_custom_domains_and_when_a_second_factor_is_asked_for() {
        let stand_in = ready().await;
        let management = management(&stand_in);
        let ready = json!([{
            "custom_domain_id": "cd_1", "domain": "id.acme.example", "primary": true, "status": "ready",
        }]);
        stand_in.answer_next("/api/v2/custom-domains", 200, ready);
        let domains = management.custom_domains().await.unwrap();
        assert_eq!(
            (domains[0].domain.as_str(), domains[0].status.as_str()),
            ("id.acme.example", "ready")
        );
        let refused = json!({
            "statusCode": 403, "error": "Forbidden", "errorCode": "operation_not_supported",
            "message": "The account is not allowed to perform this operation, please contact our \
                        support team",
        });
        stand_in.answer_next("/api/v2/custom-domains", 403, refused);
        assert!(management.custom_domains().await.unwrap().is_empty());
        let lacking = json!({
            "statusCode": 403, "error": "Forbidden", "errorCode": "insufficient_scope",
            "message": "Insufficient scope, expected any of: read:custom_domains",
        });
        stand_in.answer_next("/api/v2/custom-domains", 403, lacking);
        management.custom_domains().await.unwrap_err();
        stand_in.answer("/api/v2/guardian/policies", 200, json!(["all-applications"]));
        assert_eq!(management.mfa_policies().await.unwrap(), ["all-applications"]);
    }
}

//! The same for what only `http` needs.

use serde_json::{Value, json};

use super::super::tenants::{API_CLIENT_ID, HTTP_ID, push};
use super::{Break, all, application, without};
use crate::setup::Transports;

#[test]
fn tells_what_is_wrong_for_http() {
    let breaks: [Break<'_>; 22] = [
        ("no application", &|t| {
            t["applications"].as_array_mut().unwrap().retain(|one| one["client_id"] != HTTP_ID);
            without(&mut t["connection_clients"], HTTP_ID);
            t["my_account_grants"].as_array_mut().unwrap().remove(1);
        }),
        ("the application rotates and has no policy", &|t| {
            application(t, HTTP_ID)["refresh_token"] = json!({ "rotation_type": "rotating" });
        }),
        ("callbacks of stdio", &|t| {
            push(
                &mut application(t, HTTP_ID)["callbacks"],
                "http://127.0.0.1:18484/callback".into(),
            );
        }),
        ("callbacks of another server", &|t| {
            application(t, HTTP_ID)["callbacks"] = json!(["https://other.example/link/signed-in"]);
        }),
        ("no API client", &|t| {
            t["applications"].as_array_mut().unwrap().pop();
            without(&mut t["connection_clients"], API_CLIENT_ID);
        }),
        ("the API client of another API", &|t| {
            application(t, API_CLIENT_ID)["resource_server_identifier"] = "https://other".into();
        }),
        ("an API client without the grant", &|t| {
            application(t, API_CLIENT_ID)["grant_types"] = json!([]);
        }),
        ("a public API client", &|t| {
            application(t, API_CLIENT_ID)["token_endpoint_auth_method"] = "none".into();
        }),
        ("no API", &|t| {
            t["api"] = Value::Null;
            t["api_grants"] = json!([]);
        }),
        ("an API without our scopes", &|t| {
            t["api"]["scopes"] = json!([{ "value": "theirs", "description": "Kept" },
                                        { "value": "bitbucket:read" }]);
        }),
        ("HS256", &|t| t["api"]["signing_alg"] = "HS256".into()),
        ("RBAC", &|t| {
            t["api"]["token_dialect"] = "rfc9068_profile_authz".into();
            t["api"]["enforce_policies"] = true.into();
        }),
        ("tokens that are bound to certificates", &|t| {
            t["api"]["proof_of_possession"] = json!({ "mechanism": "mtls", "required": true });
        }),
        ("consent is asked for", &|t| {
            t["api"]["skip_consent_for_verifiable_first_party_clients"] = false.into();
            t["my_account"]["skip_consent_for_verifiable_first_party_clients"] = false.into();
        }),
        ("an API that wants a grant", &|t| {
            t["api"]["subject_type_authorization"]["user"]["policy"] =
                "require_client_grant".into();
        }),
        ("an API for machines alone", &|t| {
            t["api"]["subject_type_authorization"]["user"]["policy"] = "deny_all".into();
        }),
        ("no default grant", &|t| t["api_grants"] = json!([])),
        ("a default grant for machines", &|t| t["api_grants"][0]["subject_type"] = "client".into()),
        ("a default grant of too little and too much", &|t| {
            t["api_grants"][0]["scope"] = json!(["bitbucket:read", "connection:admin"]);
        }),
        ("a new tenant's settings", &|t| {
            t["tenant"] = json!({ "flags": { "enable_dynamic_client_registration": false } });
        }),
        ("dynamic registration", &|t| {
            t["tenant"]["client_id_metadata_document_supported"] = false.into();
            t["tenant"]["flags"]["enable_dynamic_client_registration"] = true.into();
            t["tenant"]["dynamic_client_registration_security_mode"] = "strict".into();
        }),
        ("clients that the admin registers", &|t| {
            t["tenant"]["client_id_metadata_document_supported"] = false.into();
            push(
                &mut t["applications"],
                json!({ "client_id": "tpc_1", "name": "Agent", "is_first_party": false }),
            );
        }),
    ];
    insta::assert_snapshot!(all(Transports::Http, &breaks), @"
    # no application
    http.exists missing: no such application -> apply the plan, or make a regular web application of this name under Applications
    http.first_party missing: no application yet -> apply the plan
    http.confidential missing: no application yet -> apply the plan
    http.oidc_conformant missing: no application yet -> apply the plan
    http.signing missing: no application yet -> apply the plan
    http.grants missing: no application yet -> apply the plan
    http.callbacks missing: no application yet -> apply the plan
    my_account.grant.http missing: no application yet -> apply the plan
    connection.enabled.http missing: no application yet -> apply the plan
        Create HttpApplication name: not set => bitbucket-vault-mcp-http
        Create HttpApplication app_type: not set => regular_web
        Create HttpApplication is_first_party: not set => true
        Create HttpApplication token_endpoint_auth_method: not set => client_secret_post
        Create HttpApplication oidc_conformant: not set => true
        Create HttpApplication jwt_configuration.alg: not set => RS256
        Create HttpApplication grant_types: not set => authorization_code
        Create HttpApplication callbacks: not set => https://mcp.acme.example/link/signed-in, https://mcp.acme.example/link/connected
        Create Grant { application: HttpApplication, api: MyAccount } client_id: not set => the application's client id
        Create Grant { application: HttpApplication, api: MyAccount } audience: not set => https://acme.eu.auth0.com/me/
        Create Grant { application: HttpApplication, api: MyAccount } scope: not set => create:me:connected_accounts, read:me:connected_accounts, delete:me:connected_accounts
        Create Grant { application: HttpApplication, api: MyAccount } subject_type: not set => user
        Update Enabled { application: HttpApplication } status: not enabled => enabled
    # the application rotates and has no policy
    # callbacks of stdio
    applications.separate wrong: `bitbucket-vault-mcp-http` (`HttpApplication00000000000000001`) has the callback URLs of both -> have a second application made for one of the two, and take the other's callback URLs out of this one
    # callbacks of another server
    http.callbacks wrong: lacks `https://mcp.acme.example/link/signed-in`, `https://mcp.acme.example/link/connected` -> apply the plan, or add them to Allowed Callback URLs
        Update HttpApplication callbacks: https://other.example/link/signed-in => https://other.example/link/signed-in, https://mcp.acme.example/link/signed-in, https://mcp.acme.example/link/connected
    # no API client
    api_client.exists missing: none is linked to the API -> apply the plan, or add an application on the API's page
    api_client.linked missing: no application yet -> apply the plan
    api_client.grants missing: no application yet -> apply the plan
    connection.enabled.api missing: no application yet -> apply the plan
        Create ApiClient name: not set => bitbucket-vault-mcp-api
        Create ApiClient app_type: not set => resource_server
        Create ApiClient resource_server_identifier: not set => https://mcp.acme.example/mcp
        Create ApiClient grant_types: not set => urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token
        Update Enabled { application: ApiClient } status: not enabled => enabled
    # the API client of another API
    api_client.exists missing: none is linked to the API -> apply the plan, or add an application on the API's page
    api_client.linked missing: no application yet -> apply the plan
    api_client.grants missing: no application yet -> apply the plan
    connection.enabled.api missing: no application yet -> apply the plan
        Create ApiClient name: not set => bitbucket-vault-mcp-api
        Create ApiClient app_type: not set => resource_server
        Create ApiClient resource_server_identifier: not set => https://mcp.acme.example/mcp
        Create ApiClient grant_types: not set => urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token
        Update Enabled { application: ApiClient } status: not enabled => enabled
    # an API client without the grant
    api_client.grants wrong: lacks `urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token` -> apply the plan, or turn them on under Advanced Settings > Grant Types
        Update ApiClient grant_types: nothing => urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token
    # a public API client
    api_client.confidential wrong: none -> apply the plan, or choose Client Secret (Post) under Credentials, and put the secret into the settings
        Update ApiClient token_endpoint_auth_method: none => client_secret_post
    # no API
    api.exists missing: no API yet -> apply the plan
    api.scopes missing: no API yet -> apply the plan
    api.signing missing: no API yet -> apply the plan
    api.dialect missing: no API yet -> apply the plan
    api.consent missing: no API yet -> apply the plan
    api.grant missing: no API yet -> apply the plan
    third_parties.grant missing: none -> apply the plan, or add it on the API's page, under Application Access, for third-party applications
        Create Api name: not set => Bitbucket Vault MCP
        Create Api identifier: not set => https://mcp.acme.example/mcp
        Create Api allow_offline_access: not set => true
        Create Api scopes: not set => bitbucket:read, bitbucket:write, bitbucket:admin, connection:admin
        Create Api signing_alg: not set => RS256
        Create Api token_dialect: not set => rfc9068_profile
        Create Api skip_consent_for_verifiable_first_party_clients: not set => true
        Create ThirdPartyGrant audience: not set => https://mcp.acme.example/mcp
        Create ThirdPartyGrant scope: not set => bitbucket:read, bitbucket:write
        Create ThirdPartyGrant subject_type: not set => user
        Create ThirdPartyGrant default_for: not set => third_party_clients
    # an API without our scopes
    api.scopes wrong: lacks `bitbucket:write`, `bitbucket:admin`, `connection:admin` -> apply the plan, or add them on the API's page, under Permissions
        Update Api scopes: theirs, bitbucket:read => theirs, bitbucket:read, bitbucket:write, bitbucket:admin, connection:admin
    # HS256
    api.signing wrong: `HS256` -> apply the plan, or choose RS256 in the API's settings
        Update Api signing_alg: HS256 => RS256
    # RBAC
    api.dialect ok: `rfc9068_profile_authz`; people need a role that permits what they do (RBAC)
    # tokens that are bound to certificates
    api.dialect wrong: bound to client certificates -> turn off mTLS sender-constraining in the API's settings
    # consent is asked for
    my_account.consent wrong: false -> apply the plan, or turn on Allow Skipping User Consent in the API's settings
    api.consent wrong: false -> apply the plan, or turn on Allow Skipping User Consent in the API's settings
        Update MyAccount skip_consent_for_verifiable_first_party_clients: false => true
        Update Api skip_consent_for_verifiable_first_party_clients: false => true
    # an API that wants a grant
    api.grant missing: no grant -> apply the plan, or authorize the application on the API's page, under Application Access, for user access
        Create Grant { application: HttpApplication, api: Api } client_id: not set => the application's client id
        Create Grant { application: HttpApplication, api: Api } audience: not set => https://mcp.acme.example/mcp
        Create Grant { application: HttpApplication, api: Api } scope: not set => bitbucket:read
        Create Grant { application: HttpApplication, api: Api } subject_type: not set => user
    # an API for machines alone
    api.grant wrong: no application may act for its users -> apply the plan, or allow user access under Application Access in the API's settings
        Update Api subject_type_authorization.user.policy: deny_all => allow_all
    # no default grant
    third_parties.grant missing: none -> apply the plan, or add it on the API's page, under Application Access, for third-party applications
        Create ThirdPartyGrant audience: not set => https://mcp.acme.example/mcp
        Create ThirdPartyGrant scope: not set => bitbucket:read, bitbucket:write
        Create ThirdPartyGrant subject_type: not set => user
        Create ThirdPartyGrant default_for: not set => third_party_clients
    # a default grant for machines
    third_parties.grant wrong: a default grant for the clients themselves only, not for their users -> apply the plan, or add it on the API's page, under Application Access, for third-party applications
        Create ThirdPartyGrant audience: not set => https://mcp.acme.example/mcp
        Create ThirdPartyGrant scope: not set => bitbucket:read, bitbucket:write
        Create ThirdPartyGrant subject_type: not set => user
        Create ThirdPartyGrant default_for: not set => third_party_clients
    # a default grant of too little and too much
    third_parties.grant wrong: lacks `bitbucket:write` -> apply the plan, or add it on the API's page, under Application Access, for third-party applications
        Update ThirdPartyGrant scope: bitbucket:read, connection:admin => bitbucket:read, connection:admin, bitbucket:write
    # a new tenant's settings
    tenant.resource_profile wrong: not set -> apply the plan, or turn on Resource Parameter Compatibility Profile under Settings > Advanced
    tenant.issuer_parameter wrong: not set -> apply the plan, or turn on Include Issuer in Authorization Responses under Settings > Advanced
    tenant.registration wrong: neither, and no third-party client is registered -> apply the plan, or turn on Client ID Metadata Documents under Settings > Advanced
        Update Tenant resource_parameter_profile: not set => compatibility
        Update Tenant authorization_response_iss_parameter_supported: not set => true
        Update Tenant client_id_metadata_document_supported: not set => true
    # dynamic registration
    tenant.registration ok: clients register themselves (DCR, strict)
    # clients that the admin registers
    tenant.registration ok: third-party clients are registered: 1
    ");
}

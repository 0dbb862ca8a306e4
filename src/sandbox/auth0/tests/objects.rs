//! The Management API over the tenant's objects, held against the recordings.

use serde_json::{Value, json};

use super::super::starts::MANAGEMENT_SCOPES;
use super::super::testing::Harness;
use crate::sandbox::{Kind, Start};

/// The names of an object's members, in order.
fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = object.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// Grants everything, also what a set-up has no need of.
fn grant_all(harness: &Harness) {
    let more = [
        "delete:connections",
        "delete:clients",
        "delete:client_grants",
        "delete:resource_servers",
        "read:client_keys",
        "update:client_keys",
        "read:organization_connections",
    ];
    let all = MANAGEMENT_SCOPES.iter().copied().chain(more);
    harness.sandbox.world().change_tenant(|tenant| tenant.set_management_scopes(all));
}

#[tokio::test]
async fn a_client_has_the_defaults_of_the_recordings() {
    let harness = Harness::at(Start::Empty).await;
    let (status, made) = harness.manage("POST", "/clients", json!({ "name": "bare" })).await;
    assert_eq!(status, 201);
    assert_eq!(
        keys(&made),
        [
            "client_id",
            "client_secret",
            "cross_origin_authentication",
            "custom_login_page_on",
            "grant_types",
            "is_first_party",
            "is_token_endpoint_ip_header_trusted",
            "jwt_configuration",
            "name",
            "oidc_conformant",
            "refresh_token",
            "signing_keys",
            "sso_disabled",
        ]
    );
    assert_eq!(made["oidc_conformant"], false);
    assert_eq!(
        made["grant_types"],
        json!(["authorization_code", "implicit", "refresh_token", "client_credentials"])
    );
    assert_eq!(
        made["jwt_configuration"],
        json!({ "secret_encoded": false, "lifetime_in_seconds": 36_000 })
    );
    assert_eq!(
        made["refresh_token"],
        json!({
            "rotation_type": "non-rotating",
            "expiration_type": "non-expiring",
            "leeway": 0,
            "token_lifetime": 31_557_600,
            "infinite_token_lifetime": true,
            "infinite_idle_token_lifetime": true,
            "idle_token_lifetime": 2_592_000,
        })
    );
    let public =
        json!({ "name": "public", "app_type": "spa", "token_endpoint_auth_method": "none" });
    let made = harness.managed("POST", "/clients", public).await;
    assert_eq!(made["grant_types"], json!(["authorization_code", "implicit", "refresh_token"]));
    let api = json!({ "name": "api", "identifier": "https://api.test/mcp" });
    harness.managed("POST", "/resource-servers", api).await;
    let linked = json!({
        "name": "linked",
        "app_type": "resource_server",
        "resource_server_identifier": "https://api.test/mcp",
    });
    let made = harness.managed("POST", "/clients", linked).await;
    assert_eq!(made["oidc_conformant"], true);
    assert_eq!(made["jwt_configuration"], json!({ "secret_encoded": false, "alg": "RS256" }));
    assert_eq!(made["grant_types"], json!([]));
    let path = "/resource-servers/https:%2F%2Fapi.test%2Fmcp";
    let server = harness.managed("GET", path, Value::Null).await;
    assert_eq!(server["client_id"], made["client_id"]);
    let party = json!({ "name": "party", "is_first_party": false, "app_type": "native" });
    let made = harness.managed("POST", "/clients", party).await;
    assert!(made["client_id"].as_str().unwrap().starts_with("tpc_"), "{made}");
}

#[tokio::test]
async fn a_secret_is_in_the_answer_to_its_creation_and_for_those_who_may_read_keys() {
    let harness = Harness::at(Start::Empty).await;
    let made = harness.managed("POST", "/clients", json!({ "name": "app" })).await;
    let secret = made["client_secret"].as_str().unwrap();
    let path = format!("/clients/{}", made["client_id"].as_str().unwrap());
    let read = harness.managed("GET", &path, Value::Null).await;
    assert_eq!((read.get("client_secret"), read.get("signing_keys")), (None, None));
    let changed = harness.managed("PATCH", &path, json!({ "description": "x" })).await;
    assert_eq!(changed.get("client_secret"), None);
    grant_all(&harness);
    let read = harness.managed("GET", &path, Value::Null).await;
    assert_eq!(read["client_secret"], secret);
    assert_eq!(harness.manage("DELETE", &path, Value::Null).await, (204, json!("")));
    let (status, body) = harness.manage("GET", &path, Value::Null).await;
    assert_eq!((status, &body["errorCode"]), (404, &json!("inexistent_client")));
}

#[tokio::test]
async fn a_change_replaces_lists_and_objects_whole() {
    let harness = Harness::at(Start::Half).await;
    let list = harness.managed("GET", "/clients?app_type=regular_web", Value::Null).await;
    let path = format!("/clients/{}", list[0]["client_id"].as_str().unwrap());
    let body = json!({
        "grant_types": ["authorization_code"],
        "callbacks": ["http://127.0.0.1:1/callback"],
        "refresh_token": { "rotation_type": "non-rotating", "expiration_type": "non-expiring" },
    });
    let changed = harness.managed("PATCH", &path, body).await;
    assert_eq!(changed["grant_types"], json!(["authorization_code"]));
    assert_eq!(changed["callbacks"], json!(["http://127.0.0.1:1/callback"]));
    assert_eq!(changed["refresh_token"]["infinite_token_lifetime"], true);
    assert_eq!(changed["name"], "bitbucket-vault-mcp", "what is not named stays");
    let connections = harness.managed("GET", "/connections?strategy=bitbucket", Value::Null).await;
    let connection = &connections[0];
    assert_eq!(
        connection["options"]["federated_connections_access_tokens"],
        json!({ "active": true })
    );
    let path = format!("/connections/{}", connection["id"].as_str().unwrap());
    let body = json!({ "options": { "scope": ["account"] } });
    let changed = harness.managed("PATCH", &path, body).await;
    assert_eq!(changed["options"], json!({ "scope": ["account"] }), "key and secret are gone");
    let body = json!({ "connected_accounts": { "active": true } });
    let changed = harness.managed("PATCH", &path, body).await;
    assert_eq!(changed["options"], json!({ "scope": ["account"] }));
    assert_eq!(changed["connected_accounts"], json!({ "active": true }));
}

#[tokio::test]
async fn a_connection_has_the_shape_of_the_recordings() {
    let harness = Harness::at(Start::Empty).await;
    let body = json!({
        "name": "bitbucket",
        "strategy": "bitbucket",
        "authentication": { "active": false },
        "connected_accounts": { "active": true },
        "options": { "client_id": "key", "client_secret": "secret", "scope": ["account"] },
    });
    let (status, mut made) = harness.manage("POST", "/connections", body.clone()).await;
    let id = made["id"].take().as_str().unwrap().to_owned();
    assert!(id.starts_with("con_") && id.len() == 20, "{id}");
    let wanted = json!({
        "id": null,
        "options": { "client_id": "key", "client_secret": "secret", "scope": ["account"] },
        "strategy": "bitbucket",
        "name": "bitbucket",
        "is_domain_connection": false,
        "authentication": { "active": false },
        "connected_accounts": { "active": true },
        "enabled_clients": [],
        "realms": ["bitbucket"],
    });
    assert_eq!((status, made), (201, wanted));
    let (status, body) = harness.manage("POST", "/connections", body).await;
    assert_eq!(
        (status, &body["message"]),
        (409, &json!("A connection with the same name already exists"))
    );
    let app = harness.managed("POST", "/clients", json!({ "name": "app" })).await;
    let path = format!("/connections/{id}/clients");
    assert_eq!(harness.managed("GET", &path, Value::Null).await, json!({ "clients": [] }));
    let enable = json!([{ "client_id": app["client_id"], "status": true }]);
    assert_eq!(harness.manage("PATCH", &path, enable).await, (204, json!("")));
    let wanted = json!({ "clients": [{ "client_id": app["client_id"] }] });
    assert_eq!(harness.managed("GET", &path, Value::Null).await, wanted);
    let path = format!("/connections/{id}");
    let read = harness.managed("GET", &path, Value::Null).await;
    assert_eq!(read["enabled_clients"], json!([app["client_id"]]));
    let fields = harness.managed("GET", &format!("{path}?fields=name"), Value::Null).await;
    assert_eq!(
        keys(&fields),
        ["authentication", "connected_accounts", "id", "is_domain_connection", "name"]
    );
    grant_all(&harness);
    let (status, gone) = harness.manage("DELETE", &path, Value::Null).await;
    assert_eq!((status, keys(&gone)), (202, vec!["deleted_at"]));
    let wanted = json!({
        "statusCode": 404,
        "error": "Not Found",
        "message": "The connection does not exist",
        "errorCode": "inexistent_connection",
    });
    assert_eq!(harness.manage("GET", &path, Value::Null).await, (404, wanted));
}

#[tokio::test]
async fn options_are_hidden_from_those_who_may_not_read_them_and_not_written_by_others() {
    let harness = Harness::at(Start::Half).await;
    let world = harness.sandbox.world();
    let connections = harness.managed("GET", "/connections?strategy=bitbucket", Value::Null).await;
    let path = format!("/connections/{}", connections[0]["id"].as_str().unwrap());
    world.change_tenant(|tenant| tenant.remove_management_scope("read:connections_options"));
    let read = harness.managed("GET", &path, Value::Null).await;
    assert_eq!(read.get("options"), None);
    let changed = harness.managed("PATCH", &path, json!({ "options": {} })).await;
    assert_eq!(changed.get("options"), None);
    world.change_tenant(|tenant| tenant.remove_management_scope("update:connections_options"));
    let (status, body) = harness.manage("PATCH", &path, json!({ "options": {} })).await;
    let text = "Insufficient scope, expected any of: update:connections_options";
    assert_eq!((status, &body["message"]), (403, &json!(text)));
    let on = json!({ "connected_accounts": { "active": true } });
    assert_eq!(harness.manage("PATCH", &path, on).await.0, 200);
}

#[tokio::test]
async fn the_my_account_api_is_as_auth0_has_it_whoever_activates_it() {
    let harness = Harness::at(Start::Empty).await;
    let identifier = harness.url("/me/");
    let body = json!({ "name": "mine", "identifier": identifier, "token_lifetime": 7 });
    let (status, mut made) = harness.manage("POST", "/resource-servers", body).await;
    let id = made["id"].take().as_str().unwrap().to_owned();
    assert!(id.len() == 24 && id.chars().all(|one| one.is_ascii_hexdigit()), "{id}");
    let wanted = json!({
        "id": null,
        "name": "Auth0 My Account API",
        "identifier": identifier,
        "allow_offline_access": true,
        "skip_consent_for_verifiable_first_party_clients": true,
        "subject_type_authorization": {
            "client": { "policy": "deny_all" },
            "user": { "policy": "require_client_grant" },
        },
        "token_lifetime": 600,
        "token_lifetime_for_web": 600,
        "signing_alg": "RS256",
        "scopes": [
            { "value": "create:me:connected_accounts", "description": "Create Connected Accounts" },
            { "value": "read:me:connected_accounts", "description": "Read Connected Accounts" },
            { "value": "delete:me:connected_accounts", "description": "Delete Connected Accounts" },
        ],
        "is_system": true,
        "proof_of_possession": { "mechanism": "dpop", "required": false },
    });
    assert_eq!((status, made), (201, wanted));
    let path = format!("/resource-servers/{id}");
    let read = harness.managed("GET", &path, Value::Null).await;
    assert_eq!(read["scopes"].as_array().unwrap().len(), 8, "a moment later there are more");
    for (body, text) in [
        (
            json!({ "name": "other" }),
            "Payload validation error: 'Additional properties not allowed: name'.",
        ),
        (
            json!({ "scopes": [] }),
            "Payload validation error: 'Additional properties not allowed: scopes'.",
        ),
        (
            json!({ "subject_type_authorization": { "client": { "policy": "require_client_grant" } } }),
            "The client policy of the My Account API cannot be changed",
        ),
    ] {
        let (status, answer) = harness.manage("PATCH", &path, body).await;
        assert_eq!((status, answer["message"].as_str()), (400, Some(text)));
    }
    let app = harness.managed("POST", "/clients", json!({ "name": "app" })).await;
    let for_itself = json!({ "client_id": app["client_id"], "audience": identifier, "scope": [] });
    let (status, body) = harness.manage("POST", "/client-grants", for_itself).await;
    assert_eq!((status, &body["errorCode"]), (400, &json!("operation_not_supported")));
    let path = format!("/resource-servers?identifier={identifier}");
    let found = harness.managed("GET", &path, Value::Null).await;
    assert_eq!(found[0]["id"], json!(id));
}

#[tokio::test]
async fn apis_and_grants_have_the_shape_of_the_recordings() {
    let harness = Harness::at(Start::Empty).await;
    let body = json!({ "name": "api", "identifier": "https://api.test/mcp" });
    let mut made = harness.managed("POST", "/resource-servers", body).await;
    let id = made["id"].take().as_str().unwrap().to_owned();
    let wanted = json!({
        "id": null,
        "name": "api",
        "identifier": "https://api.test/mcp",
        "allow_offline_access": false,
        "skip_consent_for_verifiable_first_party_clients": false,
        "subject_type_authorization": {
            "client": { "policy": "require_client_grant" },
            "user": { "policy": "allow_all" },
        },
        "token_lifetime": 86_400,
        "token_lifetime_for_web": 7_200,
        "signing_alg": "RS256",
    });
    assert_eq!(made, wanted);
    let scopes = json!([{ "value": "read:data", "description": "Read data" }]);
    let path = format!("/resource-servers/{id}");
    let changed = harness.managed("PATCH", &path, json!({ "scopes": scopes })).await;
    assert_eq!(changed["scopes"], scopes);
    let default = json!({
        "audience": "https://api.test/mcp",
        "scope": ["read:data"],
        "default_for": "third_party_clients",
    });
    let (status, mut grant) = harness.manage("POST", "/client-grants", default).await;
    let grant_id = grant["id"].take().as_str().unwrap().to_owned();
    assert!(grant_id.starts_with("cgr_") && grant_id.len() == 20, "{grant_id}");
    let wanted = json!({
        "id": null,
        "audience": "https://api.test/mcp",
        "scope": ["read:data"],
        "subject_type": "client",
        "default_for": "third_party_clients",
    });
    assert_eq!((status, grant), (201, wanted));
    let app = harness.managed("POST", "/clients", json!({ "name": "app" })).await;
    let user = json!({
        "client_id": app["client_id"],
        "audience": "https://api.test/mcp",
        "scope": ["read:data"],
        "subject_type": "user",
    });
    let grant = harness.managed("POST", "/client-grants", user.clone()).await;
    assert_eq!(keys(&grant), ["audience", "client_id", "id", "scope", "subject_type"]);
    assert_eq!(harness.manage("POST", "/client-grants", user).await.0, 409);
    let path = format!("/client-grants/{}", grant["id"].as_str().unwrap());
    let all = harness.managed("PATCH", &path, json!({ "allow_all_scopes": true })).await;
    assert_eq!((&all["allow_all_scopes"], all.get("scope")), (&json!(true), None));
    let path = "/client-grants?audience=https://api.test/mcp&subject_type=user&include_totals=true";
    let found = harness.managed("GET", path, Value::Null).await;
    assert_eq!(keys(&found), ["client_grants", "limit", "start", "total"]);
    assert_eq!((&found["total"], &found["client_grants"][0]["id"]), (&json!(1), &grant["id"]));
    grant_all(&harness);
    let path = format!("/resource-servers/{id}");
    assert_eq!(harness.manage("DELETE", &path, Value::Null).await, (204, json!("")));
    let left = harness.managed("GET", "/client-grants?audience=https://api.test/mcp", Value::Null);
    assert_eq!(left.await, json!([]), "grants go with their API");
}

#[tokio::test]
async fn the_settings_of_the_tenant_are_merged_and_shown_as_recorded() {
    let harness = Harness::at(Start::Empty).await;
    let read = harness.managed("GET", "/tenants/settings", Value::Null).await;
    assert_eq!(read["resource_parameter_profile"], "audience");
    assert_eq!(read["flags"]["enable_dynamic_client_registration"], false);
    assert_eq!(read["sandbox_versions_available"], json!(["22", "18"]));
    let locked = "cannot_change_enforce_client_authentication_on_passwordless_start";
    assert_eq!(read["flags"].get(locked), None);
    let body = json!({
        "flags": { "enable_dynamic_client_registration": true },
        "resource_parameter_profile": "compatibility",
        "authorization_response_iss_parameter_supported": true,
        "error_page": null,
    });
    let changed = harness.managed("PATCH", "/tenants/settings", body).await;
    assert_eq!(changed["flags"]["enable_dynamic_client_registration"], true);
    assert_eq!(changed["flags"][locked], true, "an answer to a change has it");
    assert_eq!(changed["flags"]["universal_login"], true, "other flags stay");
    assert_eq!(changed.get("sandbox_versions_available"), None);
    let path = "/.well-known/openid-configuration";
    let (_, metadata) = harness.send(|http| http.get(harness.url(path))).await;
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    assert!(metadata.get("registration_endpoint").is_some());
    let path = "/tenants/settings?fields=flags&include_fields=true";
    assert_eq!(keys(&harness.managed("GET", path, Value::Null).await), ["flags"]);
}

#[tokio::test]
async fn what_is_only_read_is_there_too() {
    let harness = Harness::start().await;
    grant_all(&harness);
    assert_eq!(harness.managed("GET", "/custom-domains", Value::Null).await, json!([]));
    assert_eq!(harness.managed("GET", "/guardian/policies", Value::Null).await, json!([]));
    harness.sandbox.world().change_tenant(|tenant| {
        tenant.set_mfa_policies(&["all-applications"]);
        let domain = json!({
            "custom_domain_id": "cd_1",
            "domain": "login.example.test",
            "primary": true,
            "status": "ready",
            "type": "auth0_managed_certs",
        });
        tenant.change(Kind::CustomDomains, "cd_1", &domain);
        let enabled = json!([{
            "connection_id": "con_1",
            "assign_membership_on_login": true,
            "show_as_button": true,
            "connection": { "name": "bitbucket", "strategy": "bitbucket" },
        }]);
        tenant.change(Kind::Organizations, "acme", &json!({ "enabled_connections": enabled }));
    });
    let policies = harness.managed("GET", "/guardian/policies", Value::Null).await;
    assert_eq!(policies, json!(["all-applications"]));
    let domains = harness.managed("GET", "/custom-domains", Value::Null).await;
    assert_eq!(domains[0]["domain"], "login.example.test");
    let organizations = harness.managed("GET", "/organizations", Value::Null).await;
    let acme = organizations[0]["id"].as_str().unwrap();
    assert_eq!(keys(&organizations[0]), ["display_name", "id", "name"]);
    let one = harness.managed("GET", &format!("/organizations/{acme}"), Value::Null).await;
    assert_eq!(one["name"], "acme");
    let path = format!("/organizations/{acme}/enabled_connections");
    let enabled = harness.managed("GET", &path, Value::Null).await;
    assert_eq!(enabled[0]["connection"]["name"], "bitbucket");
}

#[tokio::test]
async fn lists_come_in_pages_by_number_and_by_checkpoint() {
    let harness = Harness::at(Start::Empty).await;
    harness.sandbox.world().change_tenant(|tenant| {
        for number in 0..120 {
            let client = json!({ "client_id": format!("c{number}"), "is_first_party": true });
            tenant.change(Kind::Clients, &format!("c{number}"), &client);
        }
    });
    let count = async |path: &str| {
        let list = harness.managed("GET", path, Value::Null).await;
        list.as_array().or(list["clients"].as_array()).unwrap().len()
    };
    assert_eq!(count("/clients").await, 50);
    assert_eq!(count("/clients?per_page=100").await, 100);
    assert_eq!(count("/clients?page=1&per_page=100").await, 21);
    assert_eq!(count("/clients?page=2&per_page=100&include_totals=true").await, 0);
    let mut seen = 0;
    let mut path = "/clients?take=50".to_owned();
    loop {
        let page = harness.managed("GET", &path, Value::Null).await;
        seen += page["clients"].as_array().unwrap().len();
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/clients?take=50&from={next}");
    }
    assert_eq!(seen, 121);
    for query in ["per_page=101", "take=0", "page=x", "from=x", "include_totals=1", "made_up=1"] {
        let (status, body) = harness.manage("GET", &format!("/clients?{query}"), Value::Null).await;
        assert_eq!((status, &body["errorCode"]), (400, &json!("invalid_query_string")), "{query}");
    }
}

//! A tenant that is ready, broken in one place at a time: which rows change, and what would mend them.

use serde_json::{Value, json};

use super::mend::mended;
use super::tenants::{API_CLIENT_ID, HTTP_ID, STDIO_ID, push, ready};
use super::{check, edits, plan, short, wanted};
use crate::setup::Transports;
use crate::setup::row::{Row, State};

/// What a broken tenant is told, beyond what a ready one is.
fn told(transports: Transports, name: &str, breaks: &dyn Fn(&mut Value)) -> String {
    let wanted = wanted(transports);
    let before: Vec<Row> =
        check(&wanted, &ready()).into_iter().map(|finding| finding.row).collect();
    let mut tenant = ready();
    breaks(&mut tenant);
    let findings = check(&wanted, &tenant);
    let changed = findings.iter().filter(|finding| !before.contains(&finding.row));
    let mut told = format!("# {name}");
    for finding in changed {
        told.push_str(&format!("\n{}", short(&finding.row)));
    }
    for line in plan(&findings).lines() {
        told.push_str(&format!("\n    {line}"));
    }
    // What we would change, mends it, and for good.
    if !edits(&findings).is_empty() {
        let after = check(&wanted, &mended(&wanted, &tenant));
        assert_eq!(plan(&after), "", "{name}");
        let by_hand =
            |finding: &&super::Finding| finding.row.state != State::Ok && finding.edits.is_empty();
        let left: Vec<_> = after.iter().filter(by_hand).map(|one| one.row.id).collect();
        let was: Vec<_> = findings.iter().filter(by_hand).map(|one| one.row.id).collect();
        assert!(left.iter().all(|id| was.contains(id)), "{name}: {left:?}");
    }
    told
}

fn application<'a>(tenant: &'a mut Value, id: &str) -> &'a mut Value {
    let all = tenant["applications"].as_array_mut().unwrap();
    all.iter_mut().find(|one| one["client_id"] == id).unwrap()
}

fn without(list: &mut Value, gone: &str) {
    list.as_array_mut().unwrap().retain(|one| one != gone);
}

type Break<'a> = (&'a str, &'a dyn Fn(&mut Value));

fn all(transports: Transports, breaks: &[Break<'_>]) -> String {
    breaks
        .iter()
        .map(|(name, breaks)| told(transports, name, *breaks))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn tells_what_is_wrong_with_the_connection() {
    let breaks: [Break<'_>; 18] = [
        ("gone", &|t| {
            t["connections"].as_array_mut().unwrap().pop();
            t["connection_clients"] = json!([]);
        }),
        ("another strategy", &|t| t["connections"][1]["strategy"] = "oauth2".into()),
        ("another name", &|t| {
            t["connections"][1]["name"] = "bb".into();
            t["connection_clients"] = json!([]);
        }),
        ("another key", &|t| t["connections"][1]["options"]["client_id"] = "other".into()),
        ("another secret", &|t| t["connections"][1]["options"]["client_secret"] = "other".into()),
        ("no secret", &|t| {
            t["connections"][1]["options"].as_object_mut().unwrap().remove("client_secret");
        }),
        ("no options", &|t| t["connections"][1]["options"] = json!({})),
        ("options hidden", &|t| t["connections"][1]["options"] = Value::Null),
        ("too few scopes", &|t| {
            t["connections"][1]["options"]["scope"] = json!(["account", "snippet", "pullrequest"]);
        }),
        ("more scopes", &|t| push(&mut t["connections"][1]["options"]["scope"], "webhook".into())),
        ("scopes as text", &|t| {
            t["connections"][1]["options"]["scope"] = "account project".into();
            t["connections"][1]["options"]["freeform_scopes"] = json!(["pullrequest:write"]);
        }),
        ("no vault", &|t| t["connections"][1]["connected_accounts"] = json!({ "active": false })),
        ("an answer of before purposes", &|t| {
            let connection = t["connections"][1].as_object_mut().unwrap();
            connection.remove("connected_accounts");
            connection.remove("authentication");
        }),
        ("the old switch instead", &|t| {
            t["connections"][1]["connected_accounts"] = json!({ "active": false });
            t["connections"][1]["options"]["federated_connections_access_tokens"] =
                json!({ "active": true });
        }),
        ("the old switch besides", &|t| {
            t["connections"][1]["options"]["federated_connections_access_tokens"] =
                json!({ "active": true });
        }),
        ("no vault, and options hidden", &|t| {
            t["connections"][1]["options"] = Value::Null;
            t["connections"][1]["connected_accounts"] = json!({ "active": false });
        }),
        ("not enabled for one", &|t| without(&mut t["connection_clients"], API_CLIENT_ID)),
        ("enabled for none", &|t| t["connection_clients"] = json!([])),
    ];
    insta::assert_snapshot!(all(Transports::Both, &breaks), @"");
}

#[test]
fn tells_what_is_wrong_with_the_application_of_stdio() {
    let breaks: [Break<'_>; 20] = [
        ("gone", &|t| {
            t["applications"].as_array_mut().unwrap().retain(|one| one["client_id"] != STDIO_ID);
            without(&mut t["connection_clients"], STDIO_ID);
            t["my_account_grants"].as_array_mut().unwrap().remove(0);
        }),
        ("twice", &|t| {
            let mut other = application(t, STDIO_ID).clone();
            other["client_id"] = "StdioApplication0000000000000002".into();
            push(&mut t["applications"], other);
        }),
        ("a Custom API Client", &|t| {
            application(t, STDIO_ID)["app_type"] = "resource_server".into()
        }),
        ("third-party", &|t| application(t, STDIO_ID)["is_first_party"] = false.into()),
        ("public", &|t| application(t, STDIO_ID)["token_endpoint_auth_method"] = "none".into()),
        ("a native application", &|t| {
            application(t, STDIO_ID)["token_endpoint_auth_method"] = Value::Null;
            application(t, STDIO_ID)["app_type"] = "native".into();
        }),
        ("with a private key", &|t| {
            application(t, STDIO_ID)["token_endpoint_auth_method"] = Value::Null;
        }),
        ("not conformant", &|t| application(t, STDIO_ID)["oidc_conformant"] = false.into()),
        ("grants as Auth0 makes them", &|t| {
            application(t, STDIO_ID)["grant_types"] =
                json!(["authorization_code", "implicit", "refresh_token", "client_credentials"]);
        }),
        ("no grants", &|t| application(t, STDIO_ID)["grant_types"] = Value::Null),
        ("two callbacks of six, and another", &|t| {
            application(t, STDIO_ID)["callbacks"] = json!([
                "http://127.0.0.1:18484/callback",
                "http://localhost:3000/callback",
                "http://127.0.0.1:18485/callback",
            ]);
        }),
        ("no callbacks", &|t| application(t, STDIO_ID)["callbacks"] = Value::Null),
        ("rotating", &|t| {
            application(t, STDIO_ID)["refresh_token"]["rotation_type"] = "rotating".into();
        }),
        ("nothing on refresh tokens", &|t| application(t, STDIO_ID)["refresh_token"] = Value::Null),
        ("another policy", &|t| {
            application(t, STDIO_ID)["refresh_token"]["policies"] =
                json!([{ "audience": "https://other", "scope": ["read"] }]);
        }),
        ("a policy that lacks a scope", &|t| {
            application(t, STDIO_ID)["refresh_token"]["policies"] = json!([
                { "audience": "https://other", "scope": ["read"] },
                { "audience": "https://acme.eu.auth0.com/me/",
                  "scope": ["read:me:connected_accounts", "read:me:factors"] },
            ]);
        }),
        ("skips the page that asks", &|t| {
            application(t, STDIO_ID)["skip_non_verifiable_callback_uri_confirmation_prompt"] =
                true.into();
        }),
        ("no grant for linking", &|t| {
            t["my_account_grants"].as_array_mut().unwrap().remove(0);
        }),
        ("a grant for the machine", &|t| {
            t["my_account_grants"][0]["subject_type"] = "client".into()
        }),
        ("a grant that lacks a scope", &|t| {
            t["my_account_grants"][0]["scope"] =
                json!(["read:me:connected_accounts", "read:me:factors"]);
        }),
    ];
    insta::assert_snapshot!(all(Transports::Stdio, &breaks), @"");
}

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
    insta::assert_snapshot!(all(Transports::Http, &breaks), @"");
}

#[test]
fn tells_what_is_wrong_around_them() {
    let breaks: [Break<'_>; 12] = [
        ("My Account API not active", &|t| {
            t["my_account"] = Value::Null;
            t["my_account_grants"] = json!([]);
        }),
        ("My Account API wants proof", &|t| {
            t["my_account"]["proof_of_possession"] =
                json!({ "mechanism": "dpop", "required": true });
        }),
        ("My Account API for every application", &|t| {
            t["my_account"]["subject_type_authorization"]["user"]["policy"] = "allow_all".into();
            t["my_account_grants"] = json!([]);
        }),
        ("a second factor always", &|t| t["mfa_policies"] = json!(["all-applications"])),
        ("a second factor by risk", &|t| t["mfa_policies"] = json!(["confidence-score"])),
        ("a custom domain that is not used", &|t| {
            t["custom_domains"] = json!([{ "domain": "login.acme.example", "status": "ready" },
                                         { "domain": "new.acme.example", "status": "pending" }]);
        }),
        ("no login at domain level", &|t| {
            t["connections"][0]["is_domain_connection"] = false.into();
        }),
        ("no login at domain level, of two", &|t| {
            t["connections"][0]["is_domain_connection"] = false.into();
            push(
                &mut t["connections"],
                json!({
                    "id": "con_more", "name": "more", "strategy": "auth0",
                    "authentication": { "active": true },
                }),
            );
        }),
        ("no login at all", &|t| {
            t["connections"][0]["authentication"] = json!({ "active": false });
        }),
        ("a scope too few", &|t| without(&mut t["management_scopes"], "update:clients")),
        ("a scope too many", &|t| push(&mut t["management_scopes"], "delete:users".into())),
        ("scopes not told", &|t| t["management_scopes"] = "?Auth0 has not said so".into()),
    ];
    insta::assert_snapshot!(all(Transports::Both, &breaks), @"");
}

#[test]
fn names_each_management_scope_that_is_lacking() {
    let reads: [(&str, &[&str]); 7] = [
        ("read:connections", &["connections", "connection_clients"]),
        ("read:clients", &["applications"]),
        ("read:client_grants", &["my_account_grants", "api_grants"]),
        ("read:resource_servers", &["my_account", "api"]),
        ("read:tenant_settings", &["tenant"]),
        ("read:custom_domains", &["custom_domains"]),
        ("read:mfa_policies", &["mfa_policies"]),
    ];
    let mut told = Vec::new();
    for scope in super::super::management_scopes(Transports::Both) {
        let scope = scope.name;
        let unreadable = reads.iter().find(|(read, _)| *read == scope);
        let mut tenant = ready();
        without(&mut tenant["management_scopes"], scope);
        for key in unreadable.map(|(_, keys)| *keys).unwrap_or_default() {
            tenant[*key] = format!("!{scope}").into();
        }
        if scope == "read:connections_options" {
            tenant["connections"][1]["options"] = Value::Null;
        }
        let findings = check(&wanted(Transports::Both), &tenant);
        let row = &findings[0].row;
        assert_eq!((row.state, row.found.as_str()), (State::Missing, &*format!("lacks `{scope}`")));
        let blind: Vec<_> = findings
            .iter()
            .filter(|one| one.row.state == State::CannotTell && one.row.id != "vault.exchange")
            .map(|one| {
                assert_eq!(one.row.found, "not readable", "{}", one.row.id);
                let fix =
                    format!("grant `{scope}` to the management application, then check again");
                assert_eq!(one.row.fix, fix, "{}", one.row.id);
                one.row.id
            })
            .collect();
        assert_eq!(plan(&findings), "", "{scope}: nothing is planned blindly");
        told.push(format!("{scope}: {}", blind.join(" ")));
    }
    insta::assert_snapshot!(told.join("\n"), @"");
}

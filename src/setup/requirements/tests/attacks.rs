//! What others have put into the tenant.

use serde_json::{Value, json};

use super::tenants::{empty, push, ready};
use super::{SECRET, check, plan, settings, table, wanted};
use crate::setup::{Choice, Setup, Transports};

#[test]
fn takes_no_client_that_registered_itself_for_ours() {
    let mut tenant = empty();
    for name in ["bitbucket-vault-mcp", "bitbucket-vault-mcp-http", "bitbucket-vault-mcp-api"] {
        push(
            &mut tenant["applications"],
            json!({
                "client_id": format!("tpc_{name}"), "name": name, "is_first_party": false,
                "token_endpoint_auth_method": "none",
            }),
        );
    }
    let wanted = wanted(Transports::Both);
    assert_eq!(plan(&check(&wanted, &tenant)).replace("tpc_", ""), {
        // That a client is registered is itself a way to become known.
        let mut without = plan(&check(&wanted, &empty()));
        let line = without
            .lines()
            .find(|line| line.contains("client_id_metadata_document_supported"))
            .unwrap()
            .to_owned();
        without = without.replace(&format!("{line}\n"), "");
        without
    });
}

#[test]
fn shows_no_secret_anywhere() {
    for transports in [Transports::Stdio, Transports::Http, Transports::Both] {
        let wanted = wanted(transports);
        for tenant in [empty(), ready(), {
            let mut tenant = ready();
            tenant["connections"][1]["options"]["client_secret"] = "another-secret".into();
            tenant["applications"][1]["client_secret"] = "application-secret".into();
            tenant
        }] {
            let snapshot = super::snapshot(&tenant);
            let rows = super::findings(&wanted, &snapshot);
            let edits: Vec<_> = rows.iter().flat_map(|one| &one.edits).collect();
            let rows_json: Vec<Value> =
                rows.iter().map(|one| serde_json::to_value(&one.row).unwrap()).collect();
            let shown = format!(
                "{wanted:?} {snapshot:?} {edits:?} {rows_json:?} {}\n{}",
                table(&rows),
                plan(&rows)
            );
            for secret in [SECRET, "another-secret", "application-secret", "hush"] {
                assert!(!shown.contains(secret), "{secret} in {shown}");
            }
        }
    }
}

#[test]
fn shows_names_of_others_on_one_line_and_cut() {
    let mut tenant = ready();
    let name = format!("good\n# rows\u{202e}{}", "x".repeat(500));
    tenant["connections"][1]["strategy"] = name.clone().into();
    tenant["api"]["name"] = name.clone().into();
    tenant["api"]["signing_alg"] = name.clone().into();
    tenant["tenant"]["resource_parameter_profile"] = name.clone().into();
    tenant["mfa_policies"] = json!([name]);
    tenant["custom_domains"] = json!([{ "domain": name, "status": "ready" }]);
    let findings = check(&wanted(Transports::Both), &tenant);
    for finding in &findings {
        let row = &finding.row;
        for text in [&row.found, &row.wanted, &row.fix] {
            assert!(!text.contains(['\n', '\u{202e}']), "{}: {text}", row.id);
            assert!(!text.contains(&"x".repeat(101)), "{}: {text}", row.id);
        }
        for edit in &finding.edits {
            assert!(!format!("{} {}", edit.from, edit.to).contains(&"x".repeat(101)), "{edit:?}");
        }
    }
}

#[test]
fn takes_nothing_away_from_others() {
    let mut tenant = ready();
    tenant["applications"][1]["callbacks"] = json!(["https://theirs.example/callback"]);
    tenant["applications"][1]["grant_types"] = json!(["implicit"]);
    tenant["applications"][1]["refresh_token"]["policies"] =
        json!([{ "audience": "https://theirs", "scope": ["a"] }]);
    tenant["api"]["scopes"] = json!([{ "value": "theirs", "description": "Kept" }]);
    tenant["connections"][1]["options"]["scope"] = json!(["webhook"]);
    tenant["my_account_grants"][0]["scope"] = json!(["read:me:factors"]);
    tenant["api_grants"][0]["scope"] = json!(["bitbucket:admin"]);
    let wanted = Setup::new(settings(Transports::Both)).wanted(&Choice::default());
    let after = super::mend::mended(&wanted, &tenant);
    let kept = |before: &Value, after: &Value| {
        let (before, after) = (before.as_array().unwrap(), after.as_array().unwrap());
        assert_eq!(before[..], after[..before.len()], "what was there stays, and comes first");
        assert!(after.len() > before.len());
    };
    for place in [
        "/applications/1/callbacks",
        "/applications/1/grant_types",
        "/applications/1/refresh_token/policies",
        "/api/scopes",
        "/connections/1/options/scope",
        "/my_account_grants/0/scope",
        "/api_grants/0/scope",
    ] {
        kept(tenant.pointer(place).unwrap(), after.pointer(place).unwrap());
    }
    assert_eq!(after["connections"][1]["options"]["profile"], true);
}

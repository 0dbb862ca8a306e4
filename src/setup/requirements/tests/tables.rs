//! Whole tables.

use serde_json::json;

use super::tenants::{empty, ready};
use super::{check, plan, settings, table, wanted};
use crate::setup::row::State;
use crate::setup::{Choice, Setup, Transports};

#[test]
fn tells_everything_that_an_empty_tenant_lacks_for_stdio() {
    insta::assert_snapshot!(table(&check(&wanted(Transports::Stdio), &empty())), @"");
}

#[test]
fn tells_everything_that_an_empty_tenant_lacks_for_http() {
    insta::assert_snapshot!(table(&check(&wanted(Transports::Http), &empty())), @"");
}

#[test]
fn plans_what_an_empty_tenant_lacks() {
    insta::assert_snapshot!(plan(&check(&wanted(Transports::Both), &empty())), @"");
}

#[test]
fn says_what_a_ready_tenant_has() {
    insta::assert_snapshot!(table(&check(&wanted(Transports::Both), &ready())), @"");
}

#[test]
fn says_what_is_wanted_and_why() {
    let rows = check(&wanted(Transports::Both), &ready());
    let told: Vec<_> = rows
        .iter()
        .map(|finding| {
            let row = &finding.row;
            format!("{}: {}. {}. {}", row.id, row.requirement, row.wanted, row.why)
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"");
}

#[test]
fn has_one_row_for_each_requirement_whatever_the_tenant() {
    let ids = |tenant: &serde_json::Value| {
        let rows = check(&wanted(Transports::Both), tenant);
        let ids: Vec<&str> = rows.iter().map(|finding| finding.row.id).collect();
        let unique: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len(), "{ids:?}");
        ids
    };
    // Auth0 makes an API client as it must be in these respects, so they are not planned.
    let of_a_client_that_is_there = ["first_party", "confidential", "oidc_conformant"];
    let of_ready: Vec<&str> = ids(&ready())
        .into_iter()
        .filter(|id| {
            let part = id.strip_prefix("api_client.");
            part.is_none_or(|part| !of_a_client_that_is_there.contains(&part))
        })
        .collect();
    assert_eq!(ids(&empty()), of_ready);
}

#[test]
fn says_of_each_row_that_is_not_ok_what_to_do() {
    for transports in [Transports::Stdio, Transports::Http, Transports::Both] {
        for finding in check(&wanted(transports), &empty()) {
            assert_eq!(
                finding.row.fix.is_empty(),
                finding.row.state == State::Ok,
                "{}",
                finding.row.id
            );
        }
    }
}

#[test]
fn needs_the_public_url_for_http() {
    let settings = crate::setup::Settings { public_url: None, ..settings(Transports::Http) };
    let wanted = Setup::new(settings).wanted(&Choice::default());
    let rows = check(&wanted, &empty());
    let told: Vec<_> = rows
        .iter()
        .filter(|finding| finding.row.state != State::Ok)
        .map(|finding| format!("{}: {}", finding.row.id, finding.row.fix))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"");
    insta::assert_snapshot!(plan(&rows), @"");
}

#[test]
fn turns_signing_in_on_where_it_is_wished_and_never_off() {
    let told = |login: bool, active: bool| {
        let choice = Choice { login, ..Choice::default() };
        let wanted = Setup::new(settings(Transports::Stdio)).wanted(&choice);
        let mut tenant = ready();
        tenant["connections"][1]["authentication"] = json!({ "active": active });
        let rows = check(&wanted, &tenant);
        let row = rows.iter().find(|finding| finding.row.id == "connection.login").unwrap();
        format!("{} | {}", super::short(&row.row), plan(&rows))
    };
    insta::assert_snapshot!(
        [told(false, false), told(false, true), told(true, false), told(true, true)].join("\n"),
        @""
    );
}

#[test]
fn knows_that_the_vault_works_once_it_has() {
    let setup = Setup::new(settings(Transports::Stdio));
    let told = || {
        let rows = check(&setup.wanted(&Choice::default()), &ready());
        super::short(&rows.iter().find(|one| one.row.id == "vault.exchange").unwrap().row)
    };
    assert_eq!(
        told(),
        "vault.exchange cannot tell: not tried since the server was started -> try it with \
         `test_connection`"
    );
    setup.clone().proved(std::time::SystemTime::now());
    assert_eq!(told(), "vault.exchange ok: it has worked since the server was started");
}

//! Which application is meant.

use serde_json::{Value, json};

use super::tenants::{API_CLIENT_ID, STDIO_ID, empty, push, ready, snapshot};
use super::{check, plan, settings, short};
use crate::setup::target::{Place, Target};
use crate::setup::{Choice, Settings, Setup, Transports};

fn named(place: Option<&Place<'_>>) -> String {
    match place {
        None => "none".to_owned(),
        Some(Place::Found(found)) => format!("found {}", found.client_id.trim_end_matches("0001")),
        Some(Place::Absent(name)) => format!("makes {name}"),
        Some(Place::Unknown) => "unknown".to_owned(),
        Some(Place::Ambiguous(name)) => format!("ambiguous {name}"),
        Some(Place::Unread(why)) => format!("{why:?}"),
    }
}

fn places(settings: Settings, app: Option<&str>, tenant: &Value) -> String {
    let choice = Choice { app: app.map(str::to_owned), ..Choice::default() };
    let wanted = Setup::new(settings).wanted(&choice);
    let snapshot = snapshot(tenant);
    let target = Target::of(&wanted, &snapshot);
    let [stdio, http, api] =
        [&target.stdio, &target.http, &target.api_client].map(|place| named(place.as_ref()));
    format!("stdio {stdio}, http {http}, API {api}")
}

#[test]
fn finds_the_applications_that_are_meant_or_says_what_would_be_made() {
    let (empty, ready) = (empty(), ready());
    let stdio_alone = {
        let mut tenant = ready.clone();
        tenant["applications"].as_array_mut().unwrap().truncate(2);
        tenant
    };
    let with = |transports, application: Option<(Transports, &str)>| Settings {
        application: application.map(|(of, id)| (of, id.to_owned())),
        ..settings(transports)
    };
    use Transports::{Both, Http, Stdio};
    let told = [
        ("stdio, empty", places(with(Stdio, None), None, &empty)),
        ("http, empty", places(with(Http, None), None, &empty)),
        ("both, empty", places(with(Both, None), None, &empty)),
        ("both, empty, --app", places(with(Both, None), Some("Acme bot"), &empty)),
        ("http, empty, --app", places(with(Http, None), Some("Acme bot"), &empty)),
        ("stdio, ready", places(with(Stdio, None), None, &ready)),
        ("http, ready", places(with(Http, None), None, &ready)),
        ("both, ready", places(with(Both, None), None, &ready)),
        ("http, where stdio is ready", places(with(Http, None), None, &stdio_alone)),
        ("both, where stdio is ready", places(with(Both, None), None, &stdio_alone)),
        ("both, --app is a client id", places(with(Both, None), Some(STDIO_ID), &ready)),
        ("stdio, set", places(with(Stdio, Some((Stdio, STDIO_ID))), None, &ready)),
        ("stdio, set, not there", places(with(Stdio, Some((Stdio, "gone"))), None, &ready)),
        ("stdio, set for http", places(with(Stdio, Some((Http, "gone"))), None, &ready)),
        ("both, set for stdio", places(with(Both, Some((Stdio, STDIO_ID))), None, &empty)),
        ("both, set for http", places(with(Both, Some((Http, "gone"))), None, &empty)),
        (
            "stdio, --app is the client id of nothing",
            places(with(Stdio, None), Some("abcdefghijABCDEFGHIJ0123456789xy"), &ready),
        ),
        (
            "http, API client set",
            places(
                Settings { api_client: Some("gone".to_owned()), ..with(Http, None) },
                None,
                &ready,
            ),
        ),
    ];
    let told = told.map(|(case, places)| format!("{case}: {places}"));
    insta::assert_snapshot!(told.join("\n"), @"");
}

#[test]
fn makes_no_application_in_place_of_one_that_the_settings_name() {
    let settings = Settings {
        application: Some((Transports::Stdio, "gone".to_owned())),
        ..settings(Transports::Stdio)
    };
    let wanted = Setup::new(settings).wanted(&Choice::default());
    let rows = check(&wanted, &empty());
    let told: Vec<_> = rows
        .iter()
        .filter(|one| one.row.id.starts_with("stdio.") || one.row.id.ends_with(".stdio"))
        .map(|one| short(&one.row))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"");
    assert!(!plan(&rows).contains("StdioApplication"), "{}", plan(&rows));
}

#[test]
fn warns_of_one_application_for_both() {
    let told = |transports: Transports, tenant: &Value| {
        let wanted = super::wanted(transports);
        let rows = check(&wanted, tenant);
        let row = rows.iter().find(|one| one.row.id == "applications.separate").unwrap();
        assert!(row.edits.is_empty(), "nothing is taken away from an application");
        short(&row.row)
    };
    let mut shared = ready();
    push(
        &mut shared["applications"][1]["callbacks"],
        "https://mcp.acme.example/link/connected".into(),
    );
    let mut named = ready();
    named["applications"][2]["client_id"] = STDIO_ID.into();
    insta::assert_snapshot!(
        [
            told(Transports::Stdio, &shared),
            told(Transports::Both, &named),
            told(Transports::Both, &ready()),
        ]
        .join("\n"),
        @""
    );
}

#[test]
fn wants_the_organization_of_the_settings_to_be_allowed() {
    let told = |organization: Option<&str>, usage: Value| {
        let settings = Settings {
            organization: organization.map(str::to_owned),
            ..settings(Transports::Stdio)
        };
        let wanted = Setup::new(settings).wanted(&Choice::default());
        let mut tenant = ready();
        tenant["applications"][1]["organization_usage"] = usage;
        let rows = check(&wanted, &tenant);
        let row = rows.iter().find(|one| one.row.id == "organization").unwrap();
        format!("{} | {}", short(&row.row), plan(&rows))
    };
    let acme = Some("org_Acme");
    insta::assert_snapshot!(
        [
            told(None, Value::Null),
            told(None, json!("require")),
            told(acme, Value::Null),
            told(acme, json!("deny")),
            told(acme, json!("allow")),
            told(acme, json!("require")),
        ]
        .join("\n"),
        @""
    );
}

#[test]
fn knows_custom_domains_from_the_tenants_own() {
    let told = |domain: &str, domains: Value| {
        let domain = url::Url::parse(domain).unwrap();
        let settings = Settings { domain, ..settings(Transports::Stdio) };
        let wanted = Setup::new(settings).wanted(&Choice::default());
        assert_eq!(wanted.my_account(), format!("{}me/", wanted.domain));
        let mut tenant = ready();
        tenant["custom_domains"] = domains;
        short(&check(&wanted, &tenant)[1].row)
    };
    let custom = "https://login.acme.example/";
    insta::assert_snapshot!(
        [
            told(super::DOMAIN, json!([])),
            told(custom, json!([{ "domain": "login.acme.example", "status": "ready" }])),
            told(custom, json!([{ "domain": "login.acme.example", "status": "pending_verification" }])),
            told(custom, json!([{ "domain": "other.acme.example", "status": "ready" }])),
        ]
        .join("\n"),
        @""
    );
}

#[test]
fn takes_the_api_client_that_is_linked_whatever_it_is_called() {
    let mut tenant = ready();
    tenant["applications"][3]["name"] = "Somebody's".into();
    let told = places(settings(Transports::Http), None, &tenant);
    assert!(
        told.ends_with(&format!("API found {}", API_CLIENT_ID.trim_end_matches("0001"))),
        "{told}"
    );
}

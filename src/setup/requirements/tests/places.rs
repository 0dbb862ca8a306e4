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
    insta::assert_snapshot!(told.join("\n"), @"
    stdio, empty: stdio makes bitbucket-vault-mcp, http none, API none
    http, empty: stdio none, http makes bitbucket-vault-mcp, API makes bitbucket-vault-mcp-api
    both, empty: stdio makes bitbucket-vault-mcp, http makes bitbucket-vault-mcp-http, API makes bitbucket-vault-mcp-api
    both, empty, --app: stdio makes Acme bot, http makes Acme bot-http, API makes Acme bot-api
    http, empty, --app: stdio none, http makes Acme bot, API makes Acme bot-api
    stdio, ready: stdio found StdioApplication000000000000, http none, API none
    http, ready: stdio none, http found HttpApplication0000000000000, API found ApiClient0000000000000000000
    both, ready: stdio found StdioApplication000000000000, http found HttpApplication0000000000000, API found ApiClient0000000000000000000
    http, where stdio is ready: stdio none, http makes bitbucket-vault-mcp-http, API makes bitbucket-vault-mcp-api
    both, where stdio is ready: stdio found StdioApplication000000000000, http makes bitbucket-vault-mcp-http, API makes bitbucket-vault-mcp-api
    both, --app is a client id: stdio found StdioApplication000000000000, http found HttpApplication0000000000000, API found ApiClient0000000000000000000
    stdio, set: stdio found StdioApplication000000000000, http none, API none
    stdio, set, not there: stdio unknown, http none, API none
    stdio, set for http: stdio found StdioApplication000000000000, http none, API none
    both, set for stdio: stdio unknown, http makes bitbucket-vault-mcp-http, API makes bitbucket-vault-mcp-api
    both, set for http: stdio makes bitbucket-vault-mcp, http unknown, API makes bitbucket-vault-mcp-api
    stdio, --app is the client id of nothing: stdio unknown, http none, API none
    http, API client set: stdio none, http found HttpApplication0000000000000, API unknown
    ");
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
    insta::assert_snapshot!(told.join("\n"), @"
    stdio.exists missing: the tenant has no application with this client id -> correct the client id (`AUTH0_CLIENT_ID`, or the one that was given), or leave it out to have an application made
    stdio.first_party missing: no application yet -> first name the application
    stdio.confidential missing: no application yet -> first name the application
    stdio.oidc_conformant missing: no application yet -> first name the application
    stdio.signing missing: no application yet -> first name the application
    stdio.grants missing: no application yet -> first name the application
    stdio.callbacks missing: no application yet -> first name the application
    stdio.rotation missing: no application yet -> first name the application
    stdio.refresh_policy missing: no application yet -> first name the application
    stdio.confirmation ok: not skipped for this application, as Auth0 advises
    my_account.grant.stdio missing: no application yet -> first name the application
    connection.enabled.stdio missing: no application yet -> first name the application
    ");
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
        @"
    applications.separate wrong: `bitbucket-vault-mcp` (`StdioApplication0000000000000001`) has the callback URLs of both -> have a second application made for one of the two, and take the other's callback URLs out of this one
    applications.separate wrong: `bitbucket-vault-mcp-http` (`StdioApplication0000000000000001`) serves both -> have a second application made for one of the two, and take the other's callback URLs out of this one
    applications.separate ok: separate
    "
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
        @"
    organization ok: none in the settings | 
    organization wrong: none in the settings, and `bitbucket-vault-mcp` (`StdioApplication0000000000000001`) requires one -> set `AUTH0_ORGANIZATION`, or let Auth0 ask people for it under Login Experience | 
    organization wrong: not allowed for `bitbucket-vault-mcp` (`StdioApplication0000000000000001`) -> apply the plan, or choose Business Users or Both under Login Experience in the application's settings | Update StdioApplication organization_usage: not set => allow
    organization wrong: not allowed for `bitbucket-vault-mcp` (`StdioApplication0000000000000001`) -> apply the plan, or choose Business Users or Both under Login Experience in the application's settings | Update StdioApplication organization_usage: deny => allow
    organization ok: allowed | 
    organization ok: allowed |
    "
    );
}

#[test]
fn knows_custom_domains_from_the_tenants_own() {
    let told = |domain: &str, domains: Value| {
        let domain = url::Url::parse(domain).unwrap();
        let settings = Settings { domain, ..settings(Transports::Stdio) };
        let wanted = Setup::new(settings).wanted(&Choice::default());
        assert_eq!(wanted.my_account(), format!("{}me/", super::DOMAIN));
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
        @"
    custom_domain ok: the tenant's own domain
    custom_domain ok: a custom domain that is ready
    custom_domain wrong: a custom domain with the status `pending_verification` -> finish its verification under Settings > Custom Domains
    custom_domain wrong: the tenant `acme.eu.auth0.com` has no such custom domain -> correct `AUTH0_DOMAIN` or `AUTH0_MANAGEMENT_DOMAIN`
    "
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

#[test]
fn never_takes_the_management_application_for_one_that_serves_people() {
    for app in ["management", "Management"] {
        let told = places(settings(Transports::Stdio), Some(app), &ready());
        assert_eq!(told, format!("stdio makes {app}, http none, API none"));
    }
}

#[test]
fn lets_auth0_ask_for_an_organization() {
    let mut tenant = ready();
    tenant["applications"][1]["organization_usage"] = "require".into();
    tenant["applications"][1]["organization_require_behavior"] = "pre_login_prompt".into();
    let rows = check(&super::wanted(Transports::Stdio), &tenant);
    let row = rows.iter().find(|one| one.row.id == "organization").unwrap();
    assert_eq!(short(&row.row), "organization ok: none in the settings");
}

#[test]
fn takes_no_ordinary_api_for_the_my_account_api() {
    let mut tenant = ready();
    tenant["my_account"].as_object_mut().unwrap().remove("is_system");
    let rows = check(&super::wanted(Transports::Stdio), &tenant);
    let row = rows.iter().find(|one| one.row.id == "my_account.active").unwrap();
    assert_eq!(
        short(&row.row),
        "my_account.active wrong: an ordinary API that has its identifier -> delete that API, and \
         activate the My Account API under Applications > APIs"
    );
    assert_eq!(plan(&rows), "");
}

#[test]
fn names_the_my_account_api_as_it_is_there() {
    let domain = url::Url::parse("https://login.acme.example/").unwrap();
    let settings = Settings { domain, ..settings(Transports::Stdio) };
    let wanted = Setup::new(settings).wanted(&Choice::default());
    let identifiers = |tenant: &Value| {
        let planned = plan(&check(&wanted, tenant));
        let lines = planned.lines().filter(|line| line.contains("/me/"));
        lines.map(str::to_owned).collect::<Vec<_>>().join("\n")
    };
    let mut known_by_custom = empty();
    known_by_custom["my_account"] = super::tenants::my_account();
    known_by_custom["my_account"]["identifier"] = "https://login.acme.example/me/".into();
    let (made, known) = (identifiers(&empty()), identifiers(&known_by_custom));
    assert!(made.contains("acme.eu.auth0.com/me/") && !made.contains("login.acme"), "{made}");
    assert!(known.contains("login.acme.example/me/") && !known.contains("auth0.com"), "{known}");
}

//! The requirements against tenants made by hand, in the shapes that Auth0 answers with.

mod attacks;
mod breaks;
mod mend;
mod places;
mod tables;
mod tenants;

use serde_json::Value;
use url::Url;

use self::tenants::snapshot;
use super::{Finding, findings};
use crate::auth0::{Management, ManagementSettings};
use crate::bitbucket::Consumer;
use crate::net;
use crate::setup::edit::Edit;
use crate::setup::row::{Row, State};
use crate::setup::wanted::Wanted;
use crate::setup::{Choice, Settings, Setup, Transports};

const DOMAIN: &str = "https://acme.eu.auth0.com/";
const SECRET: &str = "consumer-secret-that-nobody-sees";

/// What a server for `transports` knows, whose applications have their default names.
fn settings(transports: Transports) -> Settings {
    let management = ManagementSettings {
        domain: Url::parse(DOMAIN).unwrap(),
        client_id: "management".to_owned(),
        client_secret: "hush".into(),
    };
    Settings {
        management: Management::new(net::Http::new(), management).unwrap(),
        domain: Url::parse(DOMAIN).unwrap(),
        connection: "bitbucket".to_owned(),
        application: None,
        api_client: None,
        public_url: Some(Url::parse("https://mcp.acme.example").unwrap()),
        organization: None,
        consumer: Some(Consumer { key: "consumer-key".to_owned(), secret: SECRET.into() }),
        scopes: vec!["account", "project", "repository", "pullrequest:write", "pullrequest"],
        transports,
        keep: None,
    }
}

fn wanted(transports: Transports) -> Wanted {
    Setup::new(settings(transports)).wanted(&Choice::default())
}

fn check(wanted: &Wanted, tenant: &Value) -> Vec<Finding> {
    findings(wanted, &snapshot(tenant))
}

/// What would be changed, each once: two requirements may need the same.
fn edits(findings: &[Finding]) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for edit in findings.iter().flat_map(|finding| &finding.edits) {
        if !edits.contains(edit) {
            edits.push(edit.clone());
        }
    }
    edits
}

fn word(state: State) -> &'static str {
    match state {
        State::Ok => "ok",
        State::Missing => "missing",
        State::Wrong => "wrong",
        State::CannotTell => "cannot tell",
    }
}

fn short(row: &Row) -> String {
    let fix = if row.fix.is_empty() { String::new() } else { format!(" -> {}", row.fix) };
    format!("{} {}: {}{fix}", row.id, word(row.state), row.found)
}

fn change(edit: &Edit) -> String {
    let Edit { object, action, field, from, to, .. } = edit;
    format!("{action:?} {object:?} {field}: {from} => {to}")
}

fn table(findings: &[Finding]) -> String {
    findings.iter().map(|finding| short(&finding.row)).collect::<Vec<_>>().join("\n")
}

fn plan(findings: &[Finding]) -> String {
    edits(findings).iter().map(change).collect::<Vec<_>>().join("\n")
}

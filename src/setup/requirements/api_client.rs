//! The Custom API Client: the application that exchanges callers' access tokens at Token Vault.
//!
//! Auth0 lets it exchange tokens of one API, the one that it is linked to.
//! <https://auth0.com/docs/secure/call-apis-on-users-behalf/token-vault/access-token-exchange-with-token-vault>

use super::application::{
    Subject, confidential, described, first_party, grant_types, oidc_conformant,
};
use super::finding::{Finding, create, requirement, shown_name};
use crate::auth0::VAULT_GRANT;
use crate::setup::edit::Object;
use crate::setup::target::{Place, Target};

/// The kind of application.
const TYPE: &str = "resource_server";

/// Every row of it. Where it is not there yet, Auth0 makes it as it must be for the most part.
pub(super) fn rows(target: &Target<'_>) -> Vec<Finding> {
    let Some(place) = &target.api_client else { return Vec::new() };
    let can_be_made = target.wanted.api().is_some();
    let subject = Subject { object: Object::ApiClient, place, can_be_made };
    let mut rows = vec![exists(target, &subject), linked(target, &subject)];
    if matches!(place, Place::Found(_)) {
        rows.push(first_party(&subject, "api_client.first_party"));
        rows.push(confidential(&subject, "api_client.confidential"));
        rows.push(oidc_conformant(&subject, "api_client.oidc_conformant"));
    }
    rows.push(grant_types(&subject, "api_client.grants", "API client", &[VAULT_GRANT]));
    rows
}

fn exists(target: &Target<'_>, subject: &Subject<'_>) -> Finding {
    let wanted = match (subject.place, &target.wanted.api_client) {
        (_, Some(id)) => format!("the application `{}`", shown_name(id)),
        (Place::Absent(name), None) => format!("an application called `{}`", shown_name(name)),
        (_, None) => "an application that is linked to the API".to_owned(),
    };
    let requirement = requirement(
        "api_client.exists",
        "a Custom API Client",
        wanted,
        "the server exchanges callers' access tokens with it",
    );
    match subject.place {
        Place::Found(application) => requirement.ok(described(application)),
        Place::Absent(_) if !subject.can_be_made => requirement.missing(
            "none, and the public URL is not known",
            "set `BITBUCKET_MCP_PUBLIC_URL`, so that a plan can make it",
            Vec::new(),
        ),
        Place::Absent(name) => requirement.missing(
            "none is linked to the API",
            "add an application on the API's page",
            vec![create(&subject.object, "name", name.as_str())],
        ),
        Place::Unknown | Place::Ambiguous(_) => requirement.missing(
            "the tenant has no application with this client id",
            "correct `AUTH0_API_CLIENT_ID`, or leave it out to have one made",
            Vec::new(),
        ),
        Place::Unread(why) => requirement.unread(*why),
    }
}

fn linked(target: &Target<'_>, subject: &Subject<'_>) -> Finding {
    let api = target.wanted.api();
    let wanted = match &api {
        Some(api) => format!("a Custom API Client of `{api}`"),
        None => "a Custom API Client of the public URL with `/mcp`".to_owned(),
    };
    let requirement = requirement(
        "api_client.linked",
        "link from the API client to the API",
        wanted,
        "Auth0 lets it exchange tokens of the API only that it is linked to",
    );
    let made = api.iter().flat_map(|api| {
        [
            create(&subject.object, "app_type", TYPE),
            create(&subject.object, "resource_server_identifier", api.as_str()),
        ]
    });
    let (application, requirement) = match subject.look(requirement, made.collect()) {
        Ok(found) => found,
        Err(finding) => return finding,
    };
    // Auth0 links an application when it makes it, and not later.
    let fix = "leave `AUTH0_API_CLIENT_ID` out to have another one made, or name the one that is \
               linked";
    match (application.app_type.as_deref(), &application.resource_server_identifier) {
        (Some(TYPE), found) if api.is_some() && *found == api => requirement.ok("linked"),
        (Some(TYPE), Some(other)) => {
            let found = format!("linked to `{}`", shown_name(other));
            match api {
                Some(_) => requirement.wrong(found, fix, Vec::new()),
                None => requirement.missing(found, "set `BITBUCKET_MCP_PUBLIC_URL`", Vec::new()),
            }
        }
        (kind, _) => {
            let kind = kind.map_or_else(|| "of no kind".to_owned(), shown_name);
            requirement.wrong(format!("not linked: {kind}"), fix, Vec::new())
        }
    }
}

//! The My Account API, at which people link their accounts.
//!
//! <https://auth0.com/docs/manage-users/my-account-api>

use serde_json::Value;

use super::finding::{Finding, create, quoted, requirement, set, shown_switch};
use super::grants::UserGrant;
use crate::auth0::management::ResourceServer;
use crate::setup::edit::{Action, Object};
use crate::setup::target::Target;
use crate::setup::wanted::MY_ACCOUNT_SCOPES;

/// What Auth0 calls it, whatever it is told.
const NAME: &str = "Auth0 My Account API";

/// The rows of the API.
pub(super) fn api(target: &Target<'_>) -> [Finding; 2] {
    [active(target), consent(target)]
}

fn active(target: &Target<'_>) -> Finding {
    let identifier = target.wanted.my_account();
    let requirement = requirement(
        "my_account.active",
        "My Account API",
        format!("`{identifier}` is active"),
        "accounts are linked there",
    );
    match target.snapshot.my_account.known() {
        Err(why) => requirement.unread(why),
        Ok(None) => requirement.missing(
            "not activated",
            "activate it under Applications > APIs",
            vec![
                create(&Object::MyAccount, "identifier", identifier),
                create(&Object::MyAccount, "name", NAME),
            ],
        ),
        Ok(Some(api)) if api.is_system != Some(true) => requirement.wrong(
            "an ordinary API that has its identifier",
            "delete that API, and activate the My Account API under Applications > APIs",
            Vec::new(),
        ),
        Ok(Some(api)) if wants_proof(api) => requirement.wrong(
            "it takes only tokens that are bound to a key (DPoP), which linking does not support",
            "let its token sender-constraining be optional",
            Vec::new(),
        ),
        Ok(Some(_)) => requirement.ok("active"),
    }
}

/// Whether the API takes only tokens that are bound to a key.
fn wants_proof(api: &ResourceServer) -> bool {
    let proof = api.proof_of_possession.as_ref();
    proof.and_then(|proof| proof.get("required")?.as_bool()) == Some(true)
}

fn consent(target: &Target<'_>) -> Finding {
    let requirement = requirement(
        "my_account.consent",
        "no consent page for the My Account API",
        "first-party applications skip it",
        "a refresh token is exchanged without a person who could consent",
    );
    match target.snapshot.my_account.known() {
        Err(why) => requirement.unread(why),
        // Auth0 activates it so.
        Ok(None) => requirement.missing(
            "not activated",
            "",
            vec![create(&Object::MyAccount, "identifier", target.wanted.my_account())],
        ),
        Ok(Some(api)) => match api.skip_consent_for_verifiable_first_party_clients {
            Some(true) => requirement.ok("skipped"),
            found => requirement.wrong(
                shown_switch(found),
                "turn on Allow Skipping User Consent in the API's settings",
                vec![set(
                    &Object::MyAccount,
                    Action::Update,
                    "skip_consent_for_verifiable_first_party_clients",
                    shown_switch(found),
                    true,
                )],
            ),
        },
    }
}

/// What the applications may do there, one row for each that is served.
pub(super) fn grants(target: &Target<'_>) -> Vec<Finding> {
    let served = [
        (&target.stdio, Object::StdioApplication, "my_account.grant.stdio", "stdio"),
        (&target.http, Object::HttpApplication, "my_account.grant.http", "http"),
    ];
    served
        .into_iter()
        .filter(|(place, ..)| place.is_some())
        .map(|(_, application, id, transport)| grant(target, application, id, transport))
        .collect()
}

fn grant(target: &Target<'_>, application: Object, id: &'static str, transport: &str) -> Finding {
    let requirement = requirement(
        id,
        format!("user grant of the `{transport}` application for the My Account API"),
        quoted(MY_ACCOUNT_SCOPES.iter().copied()),
        "without it nobody can link an account with this application",
    );
    if let Ok(Some(api)) = target.snapshot.my_account.known()
        && user_policy(api) == Some("allow_all")
    {
        return requirement.ok("not needed: the API lets every application act for its users");
    }
    let identifier = target.my_account();
    let grant = UserGrant {
        application,
        api: Object::MyAccount,
        identifier: &identifier,
        scopes: MY_ACCOUNT_SCOPES,
    };
    grant.finding(target, requirement)
}

/// Which applications get tokens of people for the API.
pub(super) fn user_policy(api: &ResourceServer) -> Option<&str> {
    api.subject_type_authorization.as_ref()?.get("user")?.get("policy").and_then(Value::as_str)
}

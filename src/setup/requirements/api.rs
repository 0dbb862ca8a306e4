//! Our own API, whose access tokens callers of `http` show.
//!
//! <https://auth0.com/docs/get-started/apis/api-settings>

use serde_json::{Value, json};

use super::finding::{
    Finding, Requirement, create, list, quoted, requirement, set, shown_name, shown_switch,
};
use super::grants::UserGrant;
use super::my_account::user_policy;
use crate::auth0::management::ResourceServer;
use crate::setup::edit::{Action, Edit, Object};
use crate::setup::target::Target;
use crate::setup::wanted::API_SCOPES;

/// What the API is called where we make it.
const NAME: &str = "Bitbucket Vault MCP";
/// The signature that the server can check with the keys that the tenant publishes. It takes ES256 as
/// well, which Auth0 has for no API.
const SIGNING: &str = "RS256";
/// Every kind of token that Auth0 makes for an API, with and without `permissions`; the server reads
/// all of them.
const DIALECTS: &[&str] =
    &["access_token", "access_token_authz", "rfc9068_profile", "rfc9068_profile_authz"];
/// What the web application asks for when it looks up whose account was linked.
const OWN_SCOPES: &[&str] = &["bitbucket:read"];

/// The rows of the API.
pub(super) fn rows(target: &Target<'_>) -> [Finding; 5] {
    [exists(target), scopes(target), signing(target), dialect(target), consent(target)]
}

/// The API; or the row where there is none to look at, and what is `made` with it.
#[expect(
    clippy::result_large_err,
    reason = "a finding is made once for each row, and handed up at once"
)]
fn look<'a>(
    target: &'a Target<'_>,
    requirement: Requirement,
    made: Vec<Edit>,
) -> Result<(&'a ResourceServer, Requirement), Finding> {
    match target.snapshot.api.known() {
        Ok(Some(api)) => Ok((api, requirement)),
        Ok(None) if target.wanted.api().is_none() => {
            let fix = "set `BITBUCKET_MCP_PUBLIC_URL`";
            Err(requirement.missing("the public URL is not known", fix, Vec::new()))
        }
        Ok(None) => Err(requirement.missing("no API yet", "", made)),
        Err(why) => Err(requirement.unread(why)),
    }
}

fn exists(target: &Target<'_>) -> Finding {
    let wanted = match target.wanted.api() {
        Some(identifier) => format!("an API with the identifier `{identifier}`"),
        None => "an API whose identifier is the public URL with `/mcp`".to_owned(),
    };
    let requirement = requirement(
        "api.exists",
        "an API for the server",
        wanted,
        "callers show access tokens of this API",
    );
    let made = target.wanted.api().into_iter().flat_map(|identifier| {
        [
            create(&Object::Api, "name", NAME),
            create(&Object::Api, "identifier", identifier),
            // Else clients have to send people to the sign-in again each day.
            create(&Object::Api, "allow_offline_access", true),
        ]
    });
    match look(target, requirement, made.collect()) {
        Ok((api, requirement)) => requirement.ok(format!("\"{}\"", shown_name(&api.name))),
        Err(finding) => finding,
    }
}

fn scopes(target: &Target<'_>) -> Finding {
    let names = || API_SCOPES.iter().map(|(name, _)| *name);
    let requirement = requirement(
        "api.scopes",
        "scopes of the API",
        quoted(names()),
        "clients can be granted nothing that the API does not list",
    );
    let ours =
        || API_SCOPES.iter().map(|(name, about)| json!({ "value": name, "description": about }));
    let edit = |action, from: String, shown: String, value: Vec<Value>| {
        let mut edit = set(&Object::Api, action, "scopes", from, value);
        edit.to = shown;
        edit
    };
    let made = vec![edit(Action::Create, "not set".to_owned(), list(names()), ours().collect())];
    let (api, requirement) = match look(target, requirement, made) {
        Ok(found) => found,
        Err(finding) => return finding,
    };
    let found = api.scopes.as_deref().unwrap_or_default();
    let has = |name: &str| found.iter().any(|scope| scope.value == name);
    let lacking: Vec<&str> = names().filter(|name| !has(name)).collect();
    if lacking.is_empty() {
        return requirement.ok("all of them");
    }
    let kept = found.iter().map(|scope| match &scope.description {
        Some(about) => json!({ "value": scope.value, "description": about }),
        None => json!({ "value": scope.value }),
    });
    let new = ours().zip(names()).filter(|(_, name)| !has(name)).map(|(scope, _)| scope);
    let from = list(found.iter().map(|scope| scope.value.as_str()));
    let to = list(found.iter().map(|scope| scope.value.as_str()).chain(lacking.iter().copied()));
    let edits = vec![edit(Action::Update, from, to, kept.chain(new).collect())];
    let said = format!("lacks {}", quoted(lacking));
    requirement.wrong(said, "add them on the API's page, under Permissions", edits)
}

fn signing(target: &Target<'_>) -> Finding {
    let requirement = requirement(
        "api.signing",
        "signature of the API's tokens",
        format!("`{SIGNING}`"),
        "the server checks tokens with the keys that the tenant publishes",
    );
    let made = vec![create(&Object::Api, "signing_alg", SIGNING)];
    let (api, requirement) = match look(target, requirement, made) {
        Ok(found) => found,
        Err(finding) => return finding,
    };
    match api.signing_alg.as_deref() {
        None => requirement.ok("not set, which is `RS256`"),
        Some(SIGNING) => requirement.ok(format!("`{SIGNING}`")),
        Some(other) => requirement.wrong(
            format!("`{}`", shown_name(other)),
            "choose RS256 in the API's settings",
            vec![set(&Object::Api, Action::Update, "signing_alg", shown_name(other), SIGNING)],
        ),
    }
}

fn dialect(target: &Target<'_>) -> Finding {
    let requirement = requirement(
        "api.dialect",
        "kind of the API's tokens",
        "any JWT profile of Auth0, neither encrypted nor bound to a client certificate",
        "the server has to read the tokens",
    );
    let made = vec![create(&Object::Api, "token_dialect", "rfc9068_profile")];
    let (api, requirement) = match look(target, requirement, made) {
        Ok(found) => found,
        Err(finding) => return finding,
    };
    let dialect = api.token_dialect.as_deref();
    let bound = api.proof_of_possession.as_ref().is_some_and(|proof| {
        proof.get("mechanism").and_then(Value::as_str) == Some("mtls")
            && proof.get("required").and_then(Value::as_bool) == Some(true)
    });
    let encrypted = api.token_encryption.as_ref().is_some_and(|how| !how.is_null());
    match dialect {
        _ if encrypted => requirement.wrong(
            "encrypted",
            "turn off JSON Web Encryption in the API's settings",
            Vec::new(),
        ),
        _ if bound => requirement.wrong(
            "bound to client certificates",
            "turn off mTLS sender-constraining in the API's settings",
            Vec::new(),
        ),
        None => requirement.ok("not set, which is `access_token`"),
        Some(dialect) if DIALECTS.contains(&dialect) => {
            let note = match api.enforce_policies {
                Some(true) => "; people need a role that permits what they do (RBAC)",
                _ => "",
            };
            requirement.ok(format!("`{dialect}`{note}"))
        }
        Some(other) => requirement.wrong(
            format!("`{}`", shown_name(other)),
            "choose a JWT profile in the API's settings",
            vec![set(
                &Object::Api,
                Action::Update,
                "token_dialect",
                shown_name(other),
                "rfc9068_profile",
            )],
        ),
    }
}

fn consent(target: &Target<'_>) -> Finding {
    const FIELD: &str = "skip_consent_for_verifiable_first_party_clients";
    let requirement = requirement(
        "api.consent",
        "no consent page for our own applications",
        "first-party applications skip it",
        "after linking the server looks up the account without showing another page",
    );
    let made = vec![create(&Object::Api, FIELD, true)];
    let (api, requirement) = match look(target, requirement, made) {
        Ok(found) => found,
        Err(finding) => return finding,
    };
    match api.skip_consent_for_verifiable_first_party_clients {
        Some(true) => requirement.ok("skipped"),
        found => requirement.wrong(
            shown_switch(found),
            "turn on Allow Skipping User Consent in the API's settings",
            vec![set(&Object::Api, Action::Update, FIELD, shown_switch(found), true)],
        ),
    }
}

/// That the web application gets tokens of the API for those whom it signs in, by which it knows whose
/// account was linked.
pub(super) fn grant(target: &Target<'_>) -> Finding {
    let requirement = requirement(
        "api.grant",
        "access of the `http` application to the API, for its users",
        "the API's user policy allows it, or a user grant",
        "after linking the server looks up the account with such a token",
    );
    let Some(identifier) = target.wanted.api() else {
        let fix = "set `BITBUCKET_MCP_PUBLIC_URL`";
        return requirement.missing("the public URL is not known", fix, Vec::new());
    };
    let api = match target.snapshot.api.known() {
        Ok(api) => api.as_ref(),
        Err(why) => return requirement.unread(why),
    };
    match api.map(|api| user_policy(api)) {
        // Auth0 makes APIs so.
        None => requirement.missing(
            "no API yet",
            "",
            vec![create(&Object::Api, "identifier", identifier)],
        ),
        Some(None) => requirement.ok("the policy is not set, which allows it"),
        Some(Some("allow_all")) => requirement.ok("every application may act for its users"),
        Some(Some("deny_all")) => requirement.wrong(
            "no application may act for its users",
            "allow user access under Application Access in the API's settings",
            vec![set(
                &Object::Api,
                Action::Update,
                "subject_type_authorization.user.policy",
                "deny_all",
                "allow_all",
            )],
        ),
        Some(Some(_)) => {
            let grant = UserGrant {
                application: Object::HttpApplication,
                api: Object::Api,
                identifier: &identifier,
                scopes: OWN_SCOPES,
            };
            grant.finding(target, requirement)
        }
    }
}

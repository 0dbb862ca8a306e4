//! What a sign-in with the application of `stdio` brings: one refresh token, which Token Vault takes and
//! which is good for linking as well.

use serde_json::{Map, Value, json};

use super::super::finding::{
    Finding, create, extended, lacking, quoted, requirement, set, shown_name,
};
use super::Subject;
use crate::setup::edit::Action;
use crate::setup::target::{Place, Target};
use crate::setup::wanted::MY_ACCOUNT_SCOPES;

pub(super) fn rotation(subject: &Subject<'_>) -> Finding {
    let requirement = requirement(
        "stdio.rotation",
        "refresh token rotation",
        "`non-rotating`",
        "Token Vault does not support refresh tokens that rotate",
    );
    let made = vec![
        create(&subject.object, "refresh_token.rotation_type", "non-rotating"),
        create(&subject.object, "refresh_token.expiration_type", "non-expiring"),
    ];
    let (application, requirement) = match subject.look(requirement, made) {
        Ok(found) => found,
        Err(finding) => return finding,
    };
    let text = |key| application.refresh_token.as_ref().and_then(|all| all.get(key)?.as_str());
    let found = text("rotation_type");
    if found == Some("non-rotating") {
        return requirement.ok("`non-rotating`");
    }
    let from = found.map_or_else(|| "not set".to_owned(), shown_name);
    let mut edits =
        vec![subject.edit("refresh_token.rotation_type", from.as_str(), "non-rotating")];
    // Auth0 wants both or neither.
    if text("expiration_type").is_none() {
        edits.push(subject.edit("refresh_token.expiration_type", "not set", "non-expiring"));
    }
    requirement.wrong(from, "turn off Refresh Token Rotation in the application's settings", edits)
}

/// Multi-resource refresh tokens: the one refresh token of a sign-in must also be good for linking.
pub(super) fn refresh_policy(target: &Target<'_>, subject: &Subject<'_>) -> Finding {
    let audience = target.my_account();
    let ours = json!({ "audience": audience, "scope": MY_ACCOUNT_SCOPES });
    let requirement = requirement(
        "stdio.refresh_policy",
        "multi-resource refresh token policy",
        format!("{} for `{audience}`", quoted(MY_ACCOUNT_SCOPES.iter().copied())),
        "without it a sign-in gives no token for linking an account",
    );
    let shown =
        |scopes: &[String]| format!("`{audience}`: {}", quoted(scopes.iter().map(String::as_str)));
    let edit = |action, from: String, to: &[String], policies: Vec<Value>| {
        let mut edit = set(&subject.object, action, "refresh_token.policies", from, policies);
        edit.to = shown(to);
        edit
    };
    let all: Vec<String> = MY_ACCOUNT_SCOPES.iter().map(ToString::to_string).collect();
    let made = vec![edit(Action::Create, "not set".to_owned(), &all, vec![ours.clone()])];
    let (application, requirement) = match subject.look(requirement, made) {
        Ok(found) => found,
        Err(finding) => return finding,
    };
    let mut policies = policies(application.refresh_token.as_ref());
    let scopes = |policy: &Value| -> Vec<String> {
        let scopes = policy.get("scope").and_then(Value::as_array);
        scopes.into_iter().flatten().filter_map(|one| Some(one.as_str()?.to_owned())).collect()
    };
    let is_ours =
        |policy: &Value| policy.get("audience").and_then(Value::as_str) == Some(audience.as_str());
    let fix = "turn on the My Account API under Multi-Resource Refresh Token in the application's \
               settings";
    let Some(policy) = policies.iter_mut().find(|policy| is_ours(policy)) else {
        policies.push(ours);
        let edits = vec![edit(Action::Update, "not set".to_owned(), &all, policies)];
        return requirement.missing("no policy for it", fix, edits);
    };
    let found = scopes(policy);
    let lacking = lacking(MY_ACCOUNT_SCOPES, &found);
    if lacking.is_empty() {
        return requirement.ok("all of them");
    }
    let to = extended(&found, MY_ACCOUNT_SCOPES);
    if let Some(policy) = policy.as_object_mut() {
        policy.insert("scope".to_owned(), to.clone().into());
    }
    let said = format!("lacks {}", quoted(lacking));
    let edits = vec![edit(Action::Update, shown(&found), &to, policies)];
    requirement.wrong(said, fix, edits)
}

fn policies(refresh_token: Option<&Map<String, Value>>) -> Vec<Value> {
    let policies = refresh_token.and_then(|all| all.get("policies")?.as_array());
    policies.cloned().unwrap_or_default()
}

/// Nothing can be wrong about it; people wonder about the page, though.
pub(super) fn confirmation(subject: &Subject<'_>) -> Finding {
    let requirement = requirement(
        "stdio.confirmation",
        "page that asks before a browser returns to this machine",
        "either",
        "where a sign-in shows no other page, Auth0 asks whether the person meant to sign in here",
    );
    // Ours is made as Auth0 makes it, so there is nothing to write.
    match subject.place {
        Place::Found(application) => {
            match application.skip_non_verifiable_callback_uri_confirmation_prompt {
                Some(true) => requirement.ok("skipped, which Auth0 advises against in production"),
                _ => requirement.ok("not skipped for this application, as Auth0 advises"),
            }
        }
        Place::Unread(why) => requirement.unread(*why),
        _ => requirement.ok("not skipped for this application, as Auth0 advises"),
    }
}

//! What applications may do at an API on behalf of people.

use super::finding::{
    Finding, Requirement, create, extended, lacking, list, quoted, requirement, set,
};
use crate::auth0::management::ClientGrant;
use crate::setup::edit::{Action, Edit, Object, Set};
use crate::setup::target::{Place, Target, is_for_third_parties, is_for_users};
use crate::setup::wanted::THIRD_PARTY_SCOPES;

/// A grant of an application, as it must be.
pub(super) struct UserGrant<'a> {
    /// Whose.
    pub(super) application: Object,
    /// For which API.
    pub(super) api: Object,
    /// What the API is called in it.
    pub(super) identifier: &'a str,
    /// At least these.
    pub(super) scopes: &'a [&'a str],
}

impl UserGrant<'_> {
    /// How it stands.
    pub(super) fn finding(&self, target: &Target<'_>, requirement: Requirement) -> Finding {
        let fix = "authorize the application on the API's page, under Application Access, for user \
                   access";
        let grants = match target.grants(&self.api).known() {
            Ok(grants) => grants,
            Err(why) => return requirement.unread(why),
        };
        let application = match target.place(&self.application) {
            Some(Place::Found(application)) => *application,
            Some(Place::Absent(_)) if target.can_make(&self.application) => {
                return requirement.missing("no application yet", "", self.creation());
            }
            Some(Place::Unread(why)) => return requirement.unread(*why),
            Some(Place::Absent(_) | Place::Unknown | Place::Ambiguous(_)) | None => {
                let fix = "first name the application";
                return requirement.missing("no application yet", fix, Vec::new());
            }
        };
        let is_its = |one: &&ClientGrant| one.client_id.as_ref() == Some(&application.client_id);
        match target.user_grant(&self.application, &self.api) {
            Some(grant) => check(requirement, grant, self.scopes, &self.object(), fix),
            None if grants.iter().any(|one| is_its(&one)) => requirement.wrong(
                "a grant for the application itself only, not for its users",
                fix,
                self.creation(),
            ),
            None => requirement.missing("no grant", fix, self.creation()),
        }
    }

    fn object(&self) -> Object {
        let (application, api) = (self.application.clone(), self.api.clone());
        Object::Grant { application: Box::new(application), api: Box::new(api) }
    }

    fn creation(&self) -> Vec<Edit> {
        let object = self.object();
        vec![
            Edit {
                object: object.clone(),
                action: Action::Create,
                field: "client_id",
                from: "not set".to_owned(),
                to: "the application's client id".to_owned(),
                set: Set::IdOf(self.application.clone()),
            },
            create(&object, "audience", self.identifier),
            create(&object, "scope", self.scopes.to_vec()),
            create(&object, "subject_type", "user"),
        ]
    }
}

/// The default grant, without which the applications of other people get no token of our API.
pub(super) fn third_parties(target: &Target<'_>) -> Finding {
    let requirement = requirement(
        "third_parties.grant",
        "default grant of third-party clients for the API",
        quoted(THIRD_PARTY_SCOPES.iter().copied()),
        "MCP clients that register themselves get no token without it",
    );
    let fix = "add it on the API's page, under Application Access, for third-party applications";
    let Some(identifier) = target.wanted.api() else {
        let fix = "set `BITBUCKET_MCP_PUBLIC_URL`";
        return requirement.missing("the public URL is not known", fix, Vec::new());
    };
    let grants = match target.snapshot.api_grants.known() {
        Ok(grants) => grants,
        Err(why) => return requirement.unread(why),
    };
    let object = Object::ThirdPartyGrant;
    let creation = || {
        vec![
            create(&object, "audience", identifier.as_str()),
            create(&object, "scope", THIRD_PARTY_SCOPES.to_vec()),
            create(&object, "subject_type", "user"),
            create(&object, "default_for", "third_party_clients"),
        ]
    };
    match target.third_party_grant() {
        Some(grant) => check(requirement, grant, THIRD_PARTY_SCOPES, &object, fix),
        None if grants.iter().any(|one| is_for_third_parties(one) && !is_for_users(one)) => {
            requirement.wrong(
                "a default grant for the clients themselves only, not for their users",
                fix,
                creation(),
            )
        }
        None => requirement.missing("none", fix, creation()),
    }
}

/// Whether `grant` has the scopes.
fn check(
    requirement: Requirement,
    grant: &ClientGrant,
    wanted: &[&str],
    object: &Object,
    fix: &str,
) -> Finding {
    if grant.allow_all_scopes == Some(true) {
        return requirement.ok("every scope");
    }
    let found = grant.scope.clone().unwrap_or_default();
    let lacking = lacking(wanted, &found);
    if !lacking.is_empty() {
        let from = list(found.iter().map(String::as_str));
        let edit = set(object, Action::Update, "scope", from, extended(&found, wanted));
        return requirement.wrong(format!("lacks {}", quoted(lacking)), fix, vec![edit]);
    }
    let more = found.iter().map(String::as_str).filter(|one| !wanted.contains(one));
    match more.clone().count() {
        0 => requirement.ok("as wanted"),
        _ => requirement.ok(format!("as wanted, and {}", quoted(more))),
    }
}

//! What holds for the applications together.

use super::super::finding::{Finding, create, requirement, set, shown_name};
use super::described;
use crate::auth0::management::Application;
use crate::setup::edit::{Action, Object};
use crate::setup::target::{Place, Target, serves_stdio};

/// The secret of `stdio` is on every desktop, so no server must share it.
pub(super) fn separate(target: &Target<'_>) -> Finding {
    let requirement = requirement(
        "applications.separate",
        "separate applications for `stdio` and `http`",
        "no application serves both",
        "every desktop holds the secret of the `stdio` application: whoever has it could pose as the \
         server",
    );
    let fix = "have a second application made for one of the two, and take the other's callback URLs \
               out of this one";
    let mut places = [&target.stdio, &target.http].into_iter().flatten();
    if let Some(Place::Unread(why)) = places.clone().find(|one| matches!(one, Place::Unread(_))) {
        return requirement.unread(*why);
    }
    if let (Some(Place::Found(stdio)), Some(Place::Found(http))) = (&target.stdio, &target.http)
        && stdio.client_id == http.client_id
    {
        return requirement.wrong(format!("{} serves both", described(http)), fix, Vec::new());
    }
    let shared = places.find_map(|place| match place {
        Place::Found(one) if serves_stdio(one) && serves_http(target, one) => Some(*one),
        _ => None,
    });
    match shared {
        Some(one) => {
            let found = format!("{} has the callback URLs of both", described(one));
            requirement.wrong(found, fix, Vec::new())
        }
        None => requirement.ok("separate"),
    }
}

/// Whether it takes browsers back to pages of `http`.
fn serves_http(target: &Target<'_>, application: &Application) -> bool {
    let ours = target.wanted.http_callbacks();
    application.callbacks.iter().flatten().any(|callback| match &ours {
        Some(ours) => ours.contains(callback),
        None => callback.ends_with("/link/signed-in") || callback.ends_with("/link/connected"),
    })
}

/// That people can sign in to the organization that the settings name.
pub(in super::super) fn organization(target: &Target<'_>) -> Finding {
    let organization = target.wanted.organization.as_deref();
    let wanted = match organization {
        Some(name) => format!("sign-ins to `{}` are allowed", shown_name(name)),
        None => "none is needed, or Auth0 asks people for it".to_owned(),
    };
    let requirement = requirement(
        "organization",
        "sign-in to an organization",
        wanted,
        "Auth0 refuses a sign-in to an organization that the application does not allow",
    );
    let objects = [Object::StdioApplication, Object::HttpApplication];
    let (mut refusing, mut edits, mut demanding) = (Vec::new(), Vec::new(), Vec::new());
    let mut absent = false;
    for object in objects {
        let usage = match target.place(&object) {
            None => continue,
            Some(Place::Unread(why)) => return requirement.unread(*why),
            Some(Place::Found(application)) => {
                let usage = application.organization_usage.as_deref();
                let behavior = application.organization_require_behavior.as_deref();
                let prompts = matches!(behavior, Some("pre_login_prompt" | "post_login_prompt"));
                if usage == Some("require") && !prompts {
                    demanding.push(described(application));
                }
                if !matches!(usage, Some("allow" | "require")) {
                    refusing.push(described(application));
                }
                usage
            }
            Some(Place::Absent(_)) => {
                absent = true;
                if organization.is_some() {
                    edits.push(create(&object, "organization_usage", "allow"));
                }
                continue;
            }
            Some(Place::Unknown | Place::Ambiguous(_)) => {
                absent = true;
                continue;
            }
        };
        if organization.is_some() && !matches!(usage, Some("allow" | "require")) {
            let from = usage.map_or_else(|| "not set".to_owned(), shown_name);
            edits.push(set(&object, Action::Update, "organization_usage", from, "allow"));
        }
    }
    match organization {
        None if !demanding.is_empty() => requirement.wrong(
            format!("none in the settings, and {} requires one", demanding.join(" and ")),
            "set `AUTH0_ORGANIZATION`, or let Auth0 ask people for it under Login Experience",
            Vec::new(),
        ),
        None => requirement.ok("none in the settings"),
        Some(_) if !refusing.is_empty() => requirement.wrong(
            format!("not allowed for {}", refusing.join(" and ")),
            "choose Business Users or Both under Login Experience in the application's settings",
            edits,
        ),
        Some(_) if absent => requirement.missing("no application yet", "", edits),
        Some(_) => requirement.ok("allowed"),
    }
}

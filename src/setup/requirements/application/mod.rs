//! The web applications: that of `stdio`, and that of `http`.
//!
//! Token Vault takes refresh tokens of first-party, confidential, OIDC-conformant applications only.
//! `http` has its web application for signing people in before they link: it keeps no refresh token of
//! theirs, and its API client is what asks the vault.
//! <https://auth0.com/docs/secure/call-apis-on-users-behalf/token-vault/configure-token-vault>

mod signing;
mod together;
mod tokens;

use serde_json::Value;

pub(super) use together::organization;

use super::finding::{
    Finding, Requirement, create, extended, lacking, list, quoted, requirement, set, shown_name,
    shown_switch,
};
use crate::auth0::VAULT_GRANT;
use crate::auth0::management::Application;
use crate::setup::edit::{Action, Edit, Object};
use crate::setup::target::{Place, Target};
use crate::setup::wanted::{Reference, Wanted};

/// How an application authenticates that we make or mend.
const SECRET_POST: &str = "client_secret_post";
/// The kinds of application that have no secret unless they are told to.
const PUBLIC_TYPES: &[&str] = &["native", "spa"];

/// What the rows of one application are called.
struct Names {
    exists: &'static str,
    first_party: &'static str,
    confidential: &'static str,
    oidc_conformant: &'static str,
    signing: &'static str,
    grants: &'static str,
    callbacks: &'static str,
}

const STDIO: Names = Names {
    exists: "stdio.exists",
    first_party: "stdio.first_party",
    confidential: "stdio.confidential",
    oidc_conformant: "stdio.oidc_conformant",
    signing: "stdio.signing",
    grants: "stdio.grants",
    callbacks: "stdio.callbacks",
};

const HTTP: Names = Names {
    exists: "http.exists",
    first_party: "http.first_party",
    confidential: "http.confidential",
    oidc_conformant: "http.oidc_conformant",
    signing: "http.signing",
    grants: "http.grants",
    callbacks: "http.callbacks",
};

/// An application, and what we know of it.
pub(super) struct Subject<'a> {
    /// Which one.
    pub(super) object: Object,
    /// Where it is.
    pub(super) place: &'a Place<'a>,
    /// Whether we can make it, where it is not there.
    pub(super) can_be_made: bool,
}

/// Every row of the applications that are served.
pub(super) fn rows(target: &Target<'_>) -> Vec<Finding> {
    let mut rows = Vec::new();
    if let Some(place) = &target.stdio {
        let subject = Subject { object: Object::StdioApplication, place, can_be_made: true };
        let grants = ["authorization_code", "refresh_token", VAULT_GRANT];
        rows.push(exists(target, &subject, &STDIO));
        rows.extend(kind(&subject, &STDIO));
        rows.push(signing::id_tokens(&subject, STDIO.signing));
        rows.push(grant_types(&subject, STDIO.grants, "stdio", &grants));
        rows.push(callbacks(&subject, &STDIO, "stdio", &Wanted::stdio_callbacks()));
        rows.push(tokens::rotation(&subject));
        rows.push(tokens::refresh_policy(target, &subject));
        rows.push(tokens::confirmation(&subject));
    }
    if let Some(place) = &target.http {
        let callback_urls = target.wanted.http_callbacks();
        let subject = Subject {
            object: Object::HttpApplication,
            place,
            can_be_made: callback_urls.is_some(),
        };
        rows.push(exists(target, &subject, &HTTP));
        rows.extend(kind(&subject, &HTTP));
        rows.push(signing::id_tokens(&subject, HTTP.signing));
        rows.push(grant_types(&subject, HTTP.grants, "http", &["authorization_code"]));
        rows.push(match callback_urls {
            Some(wanted) => callbacks(&subject, &HTTP, "http", &wanted),
            None => requirement(
                HTTP.callbacks,
                "callback URLs of the `http` application",
                "the public URL with `/link/signed-in` and `/link/connected`",
                "Auth0 sends no browser back to a URL that is not registered",
            )
            .missing(
                "the public URL is not known",
                "set `BITBUCKET_MCP_PUBLIC_URL`",
                Vec::new(),
            ),
        });
    }
    rows.push(together::separate(target));
    rows
}

impl Subject<'_> {
    /// The application; or the row where there is none to look at, and what `made` with it.
    #[expect(
        clippy::result_large_err,
        reason = "a finding is made once for each row, and handed up at once"
    )]
    pub(super) fn look(
        &self,
        requirement: Requirement,
        made: Vec<Edit>,
    ) -> Result<(&Application, Requirement), Finding> {
        Err(match self.place {
            Place::Found(application) => return Ok((application, requirement)),
            Place::Absent(_) if self.can_be_made => {
                requirement.missing("no application yet", "", made)
            }
            Place::Absent(_) | Place::Unknown | Place::Ambiguous(_) => {
                requirement.missing("no application yet", "first name the application", Vec::new())
            }
            Place::Unread(why) => requirement.unread(*why),
        })
    }

    fn edit(&self, field: &'static str, from: impl Into<String>, to: impl Into<Value>) -> Edit {
        set(&self.object, Action::Update, field, from, to)
    }
}

fn exists(target: &Target<'_>, subject: &Subject<'_>, names: &Names) -> Finding {
    let (transport, reference) = match subject.object {
        Object::StdioApplication => ("stdio", &target.wanted.stdio),
        _ => ("http", &target.wanted.http),
    };
    let wanted = match (subject.place, reference) {
        (Place::Absent(name), _) => format!("an application called `{}`", shown_name(name)),
        (_, Some(Reference::Setting(id))) => format!("the application `{}`", shown_name(id)),
        (_, Some(Reference::Given(given))) => format!("the application `{}`", shown_name(given)),
        _ => "a regular web application".to_owned(),
    };
    let requirement = requirement(
        names.exists,
        format!("a web application for `{transport}`"),
        wanted,
        "people sign in with it",
    );
    match subject.place {
        Place::Found(application) => match application.app_type.as_deref() {
            Some("resource_server") => requirement.wrong(
                format!("{}, a Custom API Client", described(application)),
                "name another application: that one signs nobody in",
                Vec::new(),
            ),
            _ => requirement.ok(described(application)),
        },
        Place::Absent(_) if !subject.can_be_made => requirement.missing(
            "no such application, and the public URL is not known",
            "set `BITBUCKET_MCP_PUBLIC_URL`, so that a plan can make it",
            Vec::new(),
        ),
        Place::Absent(name) => requirement.missing(
            "no such application",
            "make a regular web application of this name under Applications",
            vec![
                create(&subject.object, "name", name.as_str()),
                create(&subject.object, "app_type", "regular_web"),
            ],
        ),
        Place::Unknown => requirement.missing(
            "the tenant has no application with this client id",
            "correct the client id (`AUTH0_CLIENT_ID`, or the one that was given), or leave it out to \
             have an application made",
            Vec::new(),
        ),
        Place::Ambiguous(name) => requirement.wrong(
            format!("several applications are called `{}`", shown_name(name)),
            "give the client id of the right one instead of its name",
            Vec::new(),
        ),
        Place::Unread(why) => requirement.unread(*why),
    }
}

/// The three properties that make an application fit for Token Vault.
fn kind(subject: &Subject<'_>, names: &Names) -> [Finding; 3] {
    [
        first_party(subject, names.first_party),
        confidential(subject, names.confidential),
        oidc_conformant(subject, names.oidc_conformant),
    ]
}

/// That it is the tenant's own.
pub(super) fn first_party(subject: &Subject<'_>, id: &'static str) -> Finding {
    let requirement = requirement(
        id,
        "first-party application",
        "`is_first_party` is true",
        "applications of other people can use neither Token Vault nor the My Account API",
    );
    let made = vec![create(&subject.object, "is_first_party", true)];
    let (application, requirement) = match subject.look(requirement, made) {
        Ok(found) => found,
        Err(finding) => return finding,
    };
    match application.is_first_party {
        Some(true) => requirement.ok("true"),
        other => requirement.wrong(
            shown_switch(other),
            "name an application of your own",
            vec![subject.edit("is_first_party", shown_switch(other), true)],
        ),
    }
}

/// That it can prove itself.
pub(super) fn confidential(subject: &Subject<'_>, id: &'static str) -> Finding {
    let requirement = requirement(
        id,
        "confidential application",
        "an authentication method other than `none`",
        "Token Vault gives tokens only to applications that prove who they are",
    );
    let made = vec![create(&subject.object, "token_endpoint_auth_method", SECRET_POST)];
    let (application, requirement) = match subject.look(requirement, made) {
        Ok(found) => found,
        Err(finding) => return finding,
    };
    let is_public_type =
        application.app_type.as_deref().is_some_and(|kind| PUBLIC_TYPES.contains(&kind));
    match application.token_endpoint_auth_method.as_deref() {
        Some(method) if method != "none" => requirement.ok(shown_name(method)),
        // Where a private key takes the place of the secret, the method is null.
        None if !is_public_type => requirement.ok("not `none`"),
        method => {
            let found = method.unwrap_or("not set, which is `none` for this kind of application");
            requirement.wrong(
                found,
                "choose Client Secret (Post) under Credentials, and put the secret into the settings",
                vec![subject.edit(
                    "token_endpoint_auth_method",
                    method.unwrap_or("not set"),
                    SECRET_POST,
                )],
            )
        }
    }
}

/// That Auth0 treats it by the standard, which it does not for one that is made with a name alone.
pub(super) fn oidc_conformant(subject: &Subject<'_>, id: &'static str) -> Finding {
    let requirement = requirement(
        id,
        "OIDC-conformant application",
        "`oidc_conformant` is true",
        "Token Vault refuses others",
    );
    let made = vec![create(&subject.object, "oidc_conformant", true)];
    let (application, requirement) = match subject.look(requirement, made) {
        Ok(found) => found,
        Err(finding) => return finding,
    };
    match application.oidc_conformant {
        Some(true) => requirement.ok("true"),
        other => requirement.wrong(
            shown_switch(other),
            "turn on OIDC Conformant under Advanced Settings > OAuth",
            vec![subject.edit("oidc_conformant", shown_switch(other), true)],
        ),
    }
}

/// That it may use the grants that it uses. Further ones are left alone.
pub(super) fn grant_types(
    subject: &Subject<'_>,
    id: &'static str,
    whose: &str,
    wanted: &[&str],
) -> Finding {
    let requirement = requirement(
        id,
        format!("grant types of the `{whose}` application"),
        quoted(wanted.iter().copied()),
        "Auth0 refuses a grant that is not listed",
    );
    let made = vec![create(&subject.object, "grant_types", wanted.to_vec())];
    let (application, requirement) = match subject.look(requirement, made) {
        Ok(found) => found,
        Err(finding) => return finding,
    };
    let found = application.grant_types.clone().unwrap_or_default();
    let lacking = lacking(wanted, &found);
    if lacking.is_empty() {
        return requirement.ok("all of them");
    }
    let edit = subject.edit(
        "grant_types",
        list(found.iter().map(String::as_str)),
        extended(&found, wanted),
    );
    requirement.wrong(
        format!("lacks {}", quoted(lacking)),
        "turn them on under Advanced Settings > Grant Types",
        vec![edit],
    )
}

fn callbacks(subject: &Subject<'_>, names: &Names, transport: &str, wanted: &[String]) -> Finding {
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let requirement = requirement(
        names.callbacks,
        format!("callback URLs of the `{transport}` application"),
        quoted(wanted.iter().copied()),
        "Auth0 sends no browser back to a URL that is not registered",
    );
    let made = vec![create(&subject.object, "callbacks", wanted.clone())];
    let (application, requirement) = match subject.look(requirement, made) {
        Ok(found) => found,
        Err(finding) => return finding,
    };
    let found = application.callbacks.clone().unwrap_or_default();
    let lacking = lacking(&wanted, &found);
    if lacking.is_empty() {
        return requirement.ok("all of them");
    }
    let edit = subject.edit(
        "callbacks",
        list(found.iter().map(String::as_str)),
        extended(&found, &wanted),
    );
    requirement.wrong(
        format!("lacks {}", quoted(lacking)),
        "add them to Allowed Callback URLs",
        vec![edit],
    )
}

/// An application by its name and client id.
pub(super) fn described(application: &Application) -> String {
    let (name, id) = (shown_name(&application.name), shown_name(&application.client_id));
    if name.is_empty() { format!("`{id}`") } else { format!("`{name}` (`{id}`)") }
}

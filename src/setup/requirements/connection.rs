//! The Bitbucket connection.
//!
//! <https://auth0.com/docs/secure/call-apis-on-users-behalf/token-vault/connected-accounts-for-token-vault>

use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::finding::{
    Finding, NOT_SET, Requirement, create, list, quoted, requirement, set, shown_name, shown_switch,
};
use crate::auth0::management::{Connection, ConnectionOptions};
use crate::bitbucket::Scopes;
use crate::setup::edit::{Action, Edit, Object, Set};
use crate::setup::snapshot::STRATEGY;
use crate::setup::target::{Place, Target};

const OBJECT: Object = Object::Connection;
/// The scope without which options come back from nowhere.
const OPTIONS_SCOPE: &str = "read:connections_options";
/// The strategy of databases of users, which most tenants sign people in with.
const DATABASE: &str = "auth0";
/// No connection has more names than this in a sentence.
const FEW: usize = 5;

/// Every row of it.
pub(super) fn rows(target: &Target<'_>) -> Vec<Finding> {
    let mut rows = vec![
        exists(target),
        key(target),
        scopes(target),
        vault(target),
        legacy_switch(target),
        login(target),
    ];
    let served = [
        (Object::StdioApplication, "connection.enabled.stdio", "`stdio` application"),
        (Object::HttpApplication, "connection.enabled.http", "`http` application"),
        (Object::ApiClient, "connection.enabled.api", "API client"),
    ];
    for (object, id, whose) in served {
        if let Some(place) = target.place(&object) {
            rows.push(enabled(target, &object, place, id, whose));
        }
    }
    rows
}

/// The connection; or the row where there is none to look at, and what is `made` with it.
#[expect(
    clippy::result_large_err,
    reason = "a finding is made once for each row, and handed up at once"
)]
fn look<'a>(
    target: &Target<'a>,
    requirement: Requirement,
    made: Vec<Edit>,
) -> Result<(&'a Connection, Requirement), Finding> {
    match target.connection() {
        Ok(Some(connection)) if connection.strategy == STRATEGY => Ok((connection, requirement)),
        // One of another kind is not ours to write to.
        Ok(Some(_)) => {
            let fix = "see `connection.exists`";
            Err(requirement.missing("a connection of another kind", fix, Vec::new()))
        }
        Ok(None) => Err(requirement.missing("no connection yet", "", made)),
        Err(why) => Err(requirement.unread(why)),
    }
}

fn exists(target: &Target<'_>) -> Finding {
    let name = &target.wanted.connection;
    let requirement = requirement(
        "connection.exists",
        "a Bitbucket connection",
        format!("a connection called `{}` with the strategy `{STRATEGY}`", shown_name(name)),
        "Token Vault keeps people's Bitbucket tokens under it",
    );
    match target.connection() {
        Err(why) => requirement.unread(why),
        Ok(Some(found)) if found.strategy == STRATEGY => {
            requirement.ok(format!("`{}`", shown_name(&found.id)))
        }
        Ok(Some(found)) => requirement.wrong(
            format!("one with the strategy `{}`", shown_name(&found.strategy)),
            "give `AUTH0_CONNECTION` the name of a Bitbucket connection, or one that is free",
            Vec::new(),
        ),
        Ok(None) => {
            let all = target.snapshot.connections.known().map(Vec::as_slice).unwrap_or_default();
            let others = all.iter().filter(|one| one.strategy == STRATEGY);
            let others: Vec<&str> = others.map(|one| one.name.as_str()).take(FEW).collect();
            let (found, fix) = if others.is_empty() {
                ("none".to_owned(), "make it under Authentication > Social".to_owned())
            } else {
                let others = quoted(others);
                (
                    format!("none of this name, but {others} with this strategy"),
                    format!("set `AUTH0_CONNECTION` to use {others}"),
                )
            };
            requirement.missing(
                found,
                fix,
                vec![create(&OBJECT, "name", name.as_str()), create(&OBJECT, "strategy", STRATEGY)],
            )
        }
    }
}

fn key(target: &Target<'_>) -> Finding {
    let consumer = target.wanted.consumer.as_ref();
    let wanted = match consumer {
        Some(consumer) => format!("key `{}` and its secret", shown_name(&consumer.key)),
        None => "the key and secret of a Bitbucket OAuth consumer".to_owned(),
    };
    let requirement = requirement(
        "connection.key",
        "the consumer's key and secret",
        wanted,
        "Bitbucket gives tokens to the consumer that they belong to",
    );
    let edits = |action, key: Option<&str>, secret: Option<&str>| {
        let edit = |field, from: String, to: String, set| Edit {
            object: OBJECT,
            action,
            field,
            from,
            to,
            set,
        };
        let new = consumer.map_or("the consumer's key", |consumer| consumer.key.as_str());
        let key = key.map_or_else(|| NOT_SET.to_owned(), shown_name);
        let secret = if secret.is_some() { "set" } else { NOT_SET };
        let mut edits = Vec::new();
        if consumer.is_none_or(|consumer| shown_name(&consumer.key) != key) {
            edits.push(edit("options.client_id", key, shown_name(new), Set::ConsumerKey));
        }
        let to = "set".to_owned();
        edits.push(edit("options.client_secret", secret.to_owned(), to, Set::ConsumerSecret));
        edits
    };
    let (connection, requirement) =
        match look(target, requirement, edits(Action::Create, None, None)) {
            Ok(found) => found,
            Err(finding) => return finding,
        };
    let Some(options) = &connection.options else {
        return requirement.hidden_without(OPTIONS_SCOPE);
    };
    let (key, secret) = (text(options, "client_id"), text(options, "client_secret"));
    let found = match (key, secret) {
        (Some(key), Some(_)) => format!("key `{}`, secret set", shown_name(key)),
        (Some(key), None) => format!("key `{}`, secret not set", shown_name(key)),
        (None, Some(_)) => "key not set, secret set".to_owned(),
        (None, None) => "neither is set".to_owned(),
    };
    let fix = "enter them on the connection's page, under Authentication > Social";
    let edits = edits(Action::Update, key, secret);
    match (key, secret, consumer) {
        (None, _, _) | (_, None, _) => requirement.missing(found, fix, edits),
        (Some(key), Some(_), Some(consumer)) if key != consumer.key => {
            requirement.wrong(found, fix, edits)
        }
        (Some(key), Some(secret), Some(consumer)) if secret != consumer.secret.expose_secret() => {
            let found = format!("key `{}`, and not the secret of the settings", shown_name(key));
            requirement.wrong(found, fix, edits)
        }
        (Some(_), Some(_), _) => requirement.ok(found),
    }
}

/// What Auth0 asks Bitbucket for. Bitbucket itself goes by the consumer, so more is no fault.
fn scopes(target: &Target<'_>) -> Finding {
    let wanted = &target.wanted.scopes;
    let requirement = requirement(
        "connection.scopes",
        "Bitbucket scopes of the connection",
        quoted(wanted.iter().copied()),
        "the tools need them; the consumer's page must have them ticked, too",
    );
    let made = vec![create(&OBJECT, "options.scope", wanted.clone())];
    let (connection, requirement) = match look(target, requirement, made) {
        Ok(found) => found,
        Err(finding) => return finding,
    };
    let Some(options) = &connection.options else {
        return requirement.hidden_without(OPTIONS_SCOPE);
    };
    let found = texts(options, "scope");
    let free = texts(options, "freeform_scopes");
    let granted: Scopes = found.iter().chain(&free).map(String::as_str).collect();
    let lacking: Vec<&str> =
        wanted.iter().copied().filter(|one| granted.allows(one) != Some(true)).collect();
    if lacking.is_empty() {
        let more = granted.iter().filter(|one| !wanted.contains(one)).collect::<Vec<_>>();
        return match more.is_empty() {
            true => requirement.ok("as wanted"),
            false => requirement.ok(format!("as wanted, and {}", quoted(more))),
        };
    }
    let to: Vec<&str> = found.iter().map(String::as_str).chain(lacking.iter().copied()).collect();
    let from = list(found.iter().map(String::as_str));
    let edits = vec![set(&OBJECT, Action::Update, "options.scope", from, to)];
    let said = format!("lacks {}", quoted(lacking));
    requirement.wrong(said, "choose them on the connection's page, under Attributes", edits)
}

/// The purpose that Token Vault looks at.
fn vault(target: &Target<'_>) -> Finding {
    let requirement = requirement(
        "connection.vault",
        "connected accounts for Token Vault",
        "on",
        "Token Vault keeps nothing for a connection without it",
    );
    let made = vec![create(&OBJECT, "connected_accounts.active", true)];
    let (connection, requirement) = match look(target, requirement, made) {
        Ok(found) => found,
        Err(finding) => return finding,
    };
    if is_for_vault(connection) {
        return requirement.ok("on");
    }
    let fix = "turn on Connected Accounts for Token Vault on the connection's page, under Purpose";
    requirement.missing("off", fix, vec![turn_vault_on(connection)])
}

fn is_for_vault(connection: &Connection) -> bool {
    connection.connected_accounts.as_ref().is_some_and(|purpose| purpose.active)
}

fn turn_vault_on(connection: &Connection) -> Edit {
    let from = shown_switch(connection.connected_accounts.as_ref().map(|purpose| purpose.active));
    set(&OBJECT, Action::Update, "connected_accounts.active", from, true)
}

/// The switch of before November 2025, which does nothing by itself any more.
fn legacy_switch(target: &Target<'_>) -> Finding {
    let requirement = requirement(
        "connection.legacy_switch",
        "the old Token Vault switch",
        "not relied on",
        "`federated_connections_access_tokens` was replaced by the purpose in November 2025",
    );
    let connection = match target.connection() {
        Ok(Some(connection)) if connection.strategy == STRATEGY => connection,
        Ok(_) => return requirement.ok("no connection that could have it"),
        Err(why) => return requirement.unread(why),
    };
    let on = connection.options.as_ref().map(|options| {
        let switch = options.0.get("federated_connections_access_tokens");
        switch.and_then(|switch| switch.get("active")?.as_bool()) == Some(true)
    });
    match (on, is_for_vault(connection)) {
        (Some(false), _) => requirement.ok("off"),
        (Some(true), true) => requirement.ok("on, and of no effect beside the purpose"),
        (None, true) => requirement.ok("not readable, and of no effect beside the purpose"),
        (Some(true), false) => requirement.wrong(
            "on, while the purpose that took its place is off",
            "turn on Connected Accounts for Token Vault on the connection's page, under Purpose",
            vec![turn_vault_on(connection)],
        ),
        (None, false) => requirement.hidden_without(OPTIONS_SCOPE),
    }
}

/// Signing in is turned on where it is wished, and never off: somebody may use it.
fn login(target: &Target<'_>) -> Finding {
    let wished = target.wanted.choice.login;
    let requirement = requirement(
        "connection.login",
        "sign-in with the connection",
        if wished { "on" } else { "not needed" },
        "people who sign in with Bitbucket still have to link their account",
    );
    let made = vec![create(&OBJECT, "authentication.active", wished)];
    let (connection, requirement) = match look(target, requirement, made) {
        Ok(found) => found,
        Err(finding) => return finding,
    };
    match (wished, is_for_login(connection)) {
        (true, true) => requirement.ok("on"),
        (false, false) => requirement.ok("off"),
        (false, true) => requirement.ok("on, and left so"),
        (true, false) => requirement.missing(
            "off",
            "turn on Authentication on the connection's page, under Purpose",
            vec![set(&OBJECT, Action::Update, "authentication.active", "false", true)],
        ),
    }
}

/// Connections of before the purposes were told apart are for signing in.
fn is_for_login(connection: &Connection) -> bool {
    connection.authentication.as_ref().is_none_or(|purpose| purpose.active)
}

fn enabled(
    target: &Target<'_>,
    application: &Object,
    place: &Place<'_>,
    id: &'static str,
    whose: &str,
) -> Finding {
    let requirement = requirement(
        id,
        format!("connection enabled for the {whose}"),
        "enabled",
        "Auth0 links and exchanges only for applications that the connection is enabled for",
    );
    let object = Object::Enabled { application: Box::new(application.clone()) };
    let can_be_made = match application {
        Object::HttpApplication | Object::ApiClient => target.wanted.api().is_some(),
        _ => true,
    };
    let edits = || {
        let edit = set(&object, Action::Update, "status", "not enabled", true);
        vec![Edit { to: "enabled".to_owned(), ..edit }]
    };
    let client_id = match place {
        Place::Found(application) => Some(&application.client_id),
        Place::Absent(_) if can_be_made => None,
        Place::Absent(_) | Place::Unknown | Place::Ambiguous(_) => {
            let fix = "first name the application";
            return requirement.missing("no application yet", fix, Vec::new());
        }
        Place::Unread(why) => return requirement.unread(*why),
    };
    let (_, requirement) = match look(target, requirement, edits()) {
        Ok(found) => found,
        Err(finding) => return finding,
    };
    let clients = match target.snapshot.connection_clients.known() {
        Ok(clients) => clients,
        Err(why) => return requirement.unread(why),
    };
    match client_id {
        Some(client_id) if clients.contains(client_id) => requirement.ok("enabled"),
        Some(_) => requirement.missing(
            "not enabled",
            "turn it on on the connection's page, under Applications",
            edits(),
        ),
        None => requirement.missing("no application yet", "", edits()),
    }
}

/// Applications of other people see none but domain-level connections, and somebody has to sign in.
pub(super) fn login_of_third_parties(target: &Target<'_>) -> Finding {
    let requirement = requirement(
        "third_parties.login_connection",
        "a sign-in for people who come by third-party clients",
        "a connection for signing in at domain level",
        "third-party clients can use no other connection",
    );
    let all = match target.snapshot.every_connection.known() {
        Ok(all) => all,
        Err(why) => return requirement.unread(why),
    };
    let candidates: Vec<&Connection> = all.iter().filter(|one| is_for_login(one)).collect();
    let names = |some: &[&Connection]| {
        let names: Vec<&str> = some.iter().map(|one| one.name.as_str()).take(FEW).collect();
        quoted(names)
    };
    let at_domain_level: Vec<&Connection> =
        candidates.iter().copied().filter(|one| one.is_domain_connection == Some(true)).collect();
    if !at_domain_level.is_empty() {
        return requirement.ok(names(&at_domain_level));
    }
    let fix = |which: String| format!("turn on Enable Domain-level Connection for {which}");
    let databases: Vec<&Connection> =
        candidates.iter().copied().filter(|one| one.strategy == DATABASE).collect();
    // Which of several it should be is not for us to say.
    match (candidates.as_slice(), databases.as_slice()) {
        ([], _) => requirement.missing(
            "no connection for signing in",
            "make one under Authentication, and turn on Enable Domain-level Connection",
            Vec::new(),
        ),
        ([one], _) | (_, [one]) => {
            let object = Object::LoginConnection { id: one.id.clone() };
            let from = shown_switch(one.is_domain_connection);
            requirement.missing(
                format!("{} is not at domain level", names(&[one])),
                fix(names(&[one])),
                vec![set(&object, Action::Update, "is_domain_connection", from, true)],
            )
        }
        _ => requirement.missing(
            format!("none of {} is at domain level", names(&candidates)),
            fix("the one that people shall sign in with".to_owned()),
            Vec::new(),
        ),
    }
}

/// What nothing but an exchange can show.
pub(super) fn exchange(target: &Target<'_>) -> Finding {
    let requirement = requirement(
        "vault.exchange",
        "a Bitbucket token from Token Vault",
        "an exchange that works",
        "settings can look right and not work, such as a consumer's secret",
    );
    match target.wanted.proved {
        Some(_) => requirement.ok("it has worked since the server was started"),
        None => requirement
            .cannot_tell("not tried since the server was started", "try it with `test_connection`"),
    }
}

fn text<'a>(options: &'a ConnectionOptions, key: &str) -> Option<&'a str> {
    options.0.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// A list, or what spaces and commas part.
fn texts(options: &ConnectionOptions, key: &str) -> Vec<String> {
    match options.0.get(key) {
        Some(Value::Array(all)) => {
            all.iter().filter_map(|one| Some(one.as_str()?.to_owned())).collect()
        }
        Some(Value::String(all)) => {
            all.split([' ', ',']).filter(|one| !one.is_empty()).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

//! The person on this machine: where their sign-in is kept, and whether it leads to Bitbucket.

use super::Line;
use crate::bitbucket::Scopes;
use crate::broker::{Failure, Probe};
use crate::cli::configured;
use crate::config::Config;
use crate::identity::Kind;
use crate::setup::Row;
use crate::text::clean_line;
use crate::tool::Person as _;

const KEYRING: Line = Line {
    id: "local.keyring",
    requirement: "where a sign-in is kept",
    wanted: "the system's keyring, or else a file of its owner's",
    why: "whoever signs in has to do so again every time",
};

const SIGN_IN: Line = Line {
    id: "local.sign_in",
    requirement: "somebody is signed in",
    wanted: "a sign-in that can be read",
    why: "no tool can act for anybody before",
};

const EXCHANGE: Line = Line {
    id: "local.exchange",
    requirement: "Token Vault gives a token, and Bitbucket takes it",
    wanted: "an account that is linked, with all scopes that the tools need",
    why: "tools fail",
};

/// The rows, and whether an exchange has worked.
pub(super) async fn rows(config: &Config) -> (Vec<Row>, bool) {
    let keep = configured::keep_of_sign_ins(config);
    let keyring = match keep.kind().await {
        Kind::Keyring => KEYRING.ok("the system's keyring"),
        Kind::File { path, why } => {
            let why = why.map(|why| {
                format!(", since the keyring cannot be used: {}", clean_line(&why, 200))
            });
            KEYRING.ok(format!("`{}`{}", path.display(), why.unwrap_or_default()))
        }
    };
    let mut rows = vec![keyring];
    if config.auth0.is_none() {
        let fix = "set the application up: `setup apply`";
        rows.push(SIGN_IN.missing("the settings name no application to sign in to", fix));
        return (rows, false);
    }
    let local = match configured::local(config) {
        Ok(local) => local,
        Err(error) => {
            rows.push(SIGN_IN.cannot_tell(format!("{error:#}"), "mend the settings first"));
            return (rows, false);
        }
    };
    match local.session.current().await {
        Ok(None) => {
            rows.push(SIGN_IN.missing("nobody", "bitbucket-vault-mcp login"));
            return (rows, false);
        }
        Err(error) => {
            let fix =
                "give yourself the right to read it, or sign in again: `bitbucket-vault-mcp login`";
            rows.push(SIGN_IN.wrong(error.to_string(), fix));
            return (rows, false);
        }
        Ok(Some(person)) => {
            let who = person.identity.map(|identity| identity.name.unwrap_or(identity.subject));
            let who = who
                .map_or_else(|| "by `AUTH0_REFRESH_TOKEN`".to_owned(), |who| clean_line(&who, 120));
            rows.push(SIGN_IN.ok(who));
        }
    }
    let probe = local.probe(configured::limits(config)).await;
    let proved = probe.is_ok();
    rows.push(exchange(probe, &configured::scopes(config)));
    (rows, proved)
}

fn exchange(probe: Probe, wanted: &[&'static str]) -> Row {
    let failed =
        probe.steps.iter().find_map(|step| Some((step.name, step.outcome.as_ref().err()?)));
    if let Some((step, Failure { why, fix })) = failed {
        return EXCHANGE.wrong(format!("{step}: {why}"), fix.clone());
    }
    let account = probe.account.map_or_else(|| "an account".to_owned(), |name| name.quoted());
    let Some(granted) = probe.scopes else { return EXCHANGE.ok(account) };
    let scopes: Scopes = granted.iter().map(String::as_str).collect();
    let lacking: Vec<&str> =
        wanted.iter().copied().filter(|scope| scopes.allows(scope) == Some(false)).collect();
    if lacking.is_empty() {
        return EXCHANGE.ok(account);
    }
    EXCHANGE.wrong(
        format!("{account} has not granted `{}`", lacking.join("`, `")),
        "tick these on the Bitbucket consumer, then link again: `bitbucket-vault-mcp link`",
    )
}

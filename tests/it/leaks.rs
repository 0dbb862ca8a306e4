//! Looks for secrets in what a program has written, and in where it has sent them.

use std::collections::HashSet;
use std::process::Command;

use bitbucket_vault_mcp::sandbox::{Recorded, Sandbox, Secrets, Service};
use serde_json::Value;

use crate::child::{Server, text};

/// Even this much of a secret is too much.
const TELLING: usize = 12;

/// What was written where people and agents look.
#[derive(Default)]
pub(crate) struct Told {
    output: Vec<String>,
    errors: Vec<String>,
    /// Addresses that link an account: for the agent, but for no log.
    pub(crate) pages: Vec<String>,
}

impl Told {
    pub(crate) fn by(&mut self, server: Server) {
        let (output, errors) = server.everything();
        assert!(errors.contains("TRACE") || errors.contains("DEBUG"), "the log is on");
        self.output.push(output);
        self.errors.push(errors);
    }

    pub(crate) fn run(&mut self, mut command: Command) {
        let output = command.output().unwrap();
        self.output.push(String::from_utf8(output.stdout).unwrap());
        self.errors.push(String::from_utf8(output.stderr).unwrap());
    }

    /// The page that a refusal names.
    pub(crate) fn page(&mut self, result: &Value) -> Option<String> {
        let (_, rest) = text(result).split_once("\nhint: ask the user to open ")?;
        let page = rest.split_once(' ')?.0.to_owned();
        self.pages.push(page.clone());
        Some(page)
    }

    pub(crate) fn hold_no(&self, secrets: &Secrets) {
        for text in self.output.iter().chain(&self.errors) {
            assert_eq!(found(text, secrets), None);
        }
        let log = self.errors.join("\n");
        for page in &self.pages {
            let ticket = page.rsplit('/').next().unwrap();
            // A command for a terminal has no other place for it than its hint.
            let mut lines = log.lines().filter(|line| !line.trim_start().starts_with("hint: "));
            let line = lines.find(|line| line.contains(ticket));
            assert_eq!(line, None, "a page that links an account is in the log");
        }
        assert!(!log.contains("MARKED"));
    }
}

/// The place around a piece of a secret.
pub(crate) fn found(text: &str, secrets: &Secrets) -> Option<String> {
    let all = all(secrets);
    let pieces: HashSet<&[u8]> =
        all.iter().flat_map(|secret| secret.as_bytes().windows(TELLING)).collect();
    assert!(!pieces.is_empty());
    let at = text.as_bytes().windows(TELLING).position(|piece| pieces.contains(piece))?;
    let around = &text.as_bytes()[at.saturating_sub(200)..text.len().min(at + TELLING)];
    Some(format!("…{}…", String::from_utf8_lossy(around)))
}

fn all(secrets: &Secrets) -> Vec<&String> {
    let lists = [
        &secrets.refresh_tokens,
        &secrets.my_account_tokens,
        &secrets.access_tokens,
        &secrets.codes,
        &secrets.connects,
        &secrets.bitbucket_tokens,
    ];
    lists.into_iter().flatten().chain([&secrets.client_secret]).collect()
}

pub(crate) fn every_secret_went_only_where_it_belongs(sandbox: &Sandbox) {
    let secrets = sandbox.world().secrets();
    let requests = sandbox.requests();
    let bitbucket = host(&sandbox.bitbucket_api_url());
    let auth0 = host(&sandbox.auth0_domain());
    let (mut exchanges, mut calls) = (0, 0);
    for request in &requests {
        let token_endpoint = request.service == Service::Auth0
            && ["/oauth/token", "/oauth/revoke"].contains(&request.path.as_str());
        let my_account = request.service == Service::Auth0 && request.path.starts_with("/me/");
        let header = request.authorization.as_deref().unwrap_or_default();
        let expected = if request.service == Service::Auth0 { &auth0 } else { &bitbucket };
        assert_eq!(request.host.as_ref(), Some(expected), "{request:?}");
        let places = [("path", &*request.path), ("header", header), ("body", &*request.body)];
        let only_in = |secret: &String, allowed: &[&str]| {
            for (place, text) in places {
                let belongs = allowed.contains(&place);
                assert!(belongs || !text.contains(secret.as_str()), "{request:?}: in the {place}");
            }
        };
        let at_token_endpoint: &[&str] = if token_endpoint { &["body"] } else { &[] };
        only_in(&secrets.client_secret, at_token_endpoint);
        secrets.refresh_tokens.iter().for_each(|token| only_in(token, at_token_endpoint));
        secrets.access_tokens.iter().for_each(|token| only_in(token, &[]));
        for token in &secrets.my_account_tokens {
            only_in(token, if my_account { &["header"] } else { &[] });
        }
        for token in &secrets.bitbucket_tokens {
            let right = request.service == Service::Bitbucket
                && request.authorization == Some(format!("Bearer {token}"));
            only_in(token, if right { &["header"] } else { &[] });
            calls += usize::from(right);
        }
        if !is_a_browsers(request) {
            for code in &secrets.codes {
                only_in(code, at_token_endpoint);
            }
            for part in &secrets.connects {
                only_in(part, if my_account { &["body"] } else { &[] });
            }
        }
        exchanges += usize::from(token_endpoint);
    }
    assert!(exchanges > 0 && calls + exchanges > 0, "the test saw nothing");
}

/// Whether it came from the person's browser, which carries codes and tickets by design.
fn is_a_browsers(request: &Recorded) -> bool {
    request.service == Service::Auth0
        && ["/authorize", "/u/", "/connected-accounts/", "/login"]
            .iter()
            .any(|path| request.path.starts_with(path))
}

fn host(url: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    format!("{}:{}", url.host_str().unwrap(), url.port().unwrap())
}

//! How each kind of value is read from text.

mod http;

use std::time::Duration;

use globset::GlobBuilder;
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;
use url::Url;

pub(super) use http::{TlsMisfit, address, host, network, origin, public_url, tls};

use super::problems::{Misfit, nearest, shown};
use super::{Approval, LogFormat};
use crate::net::is_loopback;

type Fit<T> = Result<T, Misfit>;

/// An Auth0 domain as a base URL that ends in a slash, like the issuer that the tenant names.
pub(super) fn domain(text: &str) -> Fit<Url> {
    let hint = "give the tenant's domain alone, as in `acme.eu.auth0.com`";
    let full = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = base(&full, hint)?;
    if url.path() != "/" {
        return Err(Misfit::new("must not have a path", hint));
    }
    let dotted = url.domain().is_none_or(|name| name.trim_end_matches('.').contains('.'));
    if !dotted && !is_loopback(&url) {
        return Err(Misfit::new(format!("is not a whole domain: `{}`", shown(text)), hint));
    }
    Ok(url)
}

/// An API's base URL, without a slash at its end.
pub(super) fn api_url(text: &str) -> Fit<Url> {
    let mut url = base(text, "give a URL such as `https://api.bitbucket.org/2.0`")?;
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// The value itself is shown only once it is sure to hold no password.
fn base(text: &str, hint: &str) -> Fit<Url> {
    if text.contains('@') {
        return Err(Misfit::new("must not have a user name or password", hint));
    }
    let Ok(url) = Url::parse(text) else {
        return Err(Misfit::new(format!("is not a URL: `{}`", shown(text)), hint));
    };
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Misfit::new("must not have a query or a fragment", hint));
    }
    match url.scheme() {
        "https" if url.has_host() => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(Misfit::new(
            format!("must use `https://`: `{}` is not on this machine", shown(text)),
            "write `https://`; `http://` is accepted for loopback only",
        )),
        _ => Err(Misfit::new(format!("is not an `https://` URL: `{}`", shown(text)), hint)),
    }
}

/// An identifier that Auth0 gives out or accepts: 1 to 128 characters that can be seen.
pub(super) fn identifier(text: &str) -> Fit<String> {
    let visible = text.chars().all(|letter| letter.is_ascii_graphic());
    if !visible || text.len() > 128 {
        return Err(Misfit::new(
            format!("is not an identifier: `{}`", shown(text)),
            "copy it from the Auth0 dashboard: 1 to 128 characters without spaces",
        ));
    }
    Ok(text.to_owned())
}

/// A client secret or a token. Nothing of it is ever shown.
pub(super) fn secret(text: &str) -> Fit<SecretString> {
    if !text.chars().all(|letter| letter.is_ascii_graphic()) {
        return Err(Misfit::new(
            "holds a space, a line break or a letter that no secret has",
            "copy it again, without quotes and whole",
        ));
    }
    Ok(SecretString::from(text))
}

/// A private key as PEM. Line breaks may be written `\n`, since many places that keep variables
/// hold one line only.
pub(super) fn signing_key(text: &str) -> Fit<SecretString> {
    let text = text.replace("\\n", "\n");
    let inside = |text: &str| {
        let label = text.trim().strip_prefix("-----BEGIN ")?.split("-----").next()?;
        let end = format!("-----END {label}-----");
        (label.ends_with("PRIVATE KEY") && text.trim().ends_with(&end)).then_some(())
    };
    if inside(&text).is_none() {
        return Err(Misfit::new(
            "is not a private key in PEM",
            "give the whole text, from `-----BEGIN PRIVATE KEY-----` to `-----END PRIVATE KEY-----`",
        ));
    }
    Ok(SecretString::from(text))
}

/// `true` or `false`, in the ways that people write them.
pub(super) fn switch(text: &str) -> Fit<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(Misfit::new(
            format!("is neither true nor false: `{}`", shown(text)),
            "give `true` or `false`",
        )),
    }
}

/// A duration such as `50s` or `15m`, within bounds. A bare number counts seconds.
pub(super) fn duration(text: &str, least: Duration, most: Duration) -> Fit<Duration> {
    let hint = format!(
        "give a duration such as `50s` or `15m`, from {} to {} seconds",
        least.as_secs(),
        most.as_secs()
    );
    let parsed = match text.parse::<u32>() {
        Ok(seconds) => Some(Duration::from_secs(seconds.into())),
        Err(_) => text
            .parse::<jiff::SignedDuration>()
            .ok()
            .and_then(|duration| Duration::try_from(duration).ok()),
    };
    match parsed {
        Some(duration) if (least..=most).contains(&duration) => Ok(duration),
        Some(_) => Err(Misfit::new(format!("is out of bounds: `{}`", shown(text)), hint)),
        None => Err(Misfit::new(format!("is not a duration: `{}`", shown(text)), hint)),
    }
}

/// A count within bounds.
pub(super) fn count(text: &str, least: usize, most: usize) -> Fit<usize> {
    match text.parse() {
        Ok(count) if (least..=most).contains(&count) => Ok(count),
        _ => Err(Misfit::new(
            format!("is not a number from {least} to {most}: `{}`", shown(text)),
            format!("give a number from {least} to {most}"),
        )),
    }
}

/// Words with commas between them. A comma inside braces belongs to a glob.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let parts = text.split(|letter| {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    });
    parts.map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Checks that `word` is one of `known`, which are called `kind`.
pub(super) fn one_of(word: &str, kind: &str, known: &[&str]) -> Fit<()> {
    if known.contains(&word) {
        return Ok(());
    }
    let hint = match nearest(word, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`? `bitbucket-vault-mcp tools` lists all"),
        None => "leave it out".to_owned(),
    };
    Err(Misfit::new(format!("names no {kind}: `{}`", shown(word)), hint))
}

/// A glob over `workspace/repository`.
pub(super) fn repository_glob(text: &str) -> Fit<String> {
    let hint = "write `workspace/repository`, as in `acme/shop` or `acme/*`";
    // `.` and `..` are steps through folders in a path, and name no workspace and no repository.
    let names = |half: &str| !matches!(half, "" | "." | "..") && !half.contains('/');
    let halves = text
        .split_once('/')
        .filter(|(workspace, repository)| names(workspace) && names(repository));
    let glob = GlobBuilder::new(text).literal_separator(true).build();
    if halves.is_none() || glob.is_err() || text.contains(char::is_whitespace) {
        let what = format!("is not a glob of `workspace/repository`: `{}`", shown(text));
        return Err(Misfit::new(what, hint));
    }
    Ok(text.to_owned())
}

/// Who says yes.
pub(super) fn approval(text: &str) -> Fit<Approval> {
    match text {
        "auto" => Ok(Approval::Auto),
        "required" => Ok(Approval::Required),
        "off" => Ok(Approval::Off),
        "ciba" => Err(Misfit::new(
            "is `ciba`, which is not available yet",
            "`required` also lets nothing irreversible pass without a person's yes",
        )),
        _ => Err(Misfit::new(
            format!("is not a way of approval: `{}`", shown(text)),
            "give `auto`, `required` or `off`",
        )),
    }
}

/// Directives for the log.
pub(super) fn log(text: &str) -> Fit<String> {
    const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];
    // The filter takes a bare word that is no level for a target and a number for a level, so that
    // something else would be logged than was meant.
    let clear = text.split(',').map(str::trim).all(|directive| {
        let (target, level) = directive.rsplit_once('=').unwrap_or(("all", directive));
        let target = !target.is_empty() && !target.contains(char::is_whitespace);
        target && LEVELS.contains(&level.to_ascii_lowercase().as_str())
    });
    if !clear || EnvFilter::try_new(text).is_err() {
        return Err(Misfit::new(
            format!("does not say what to log: `{}`", shown(text)),
            "give `off`, `error`, `warn`, `info`, `debug` or `trace`, or `target=level` with commas between them",
        ));
    }
    Ok(text.to_owned())
}

/// How the log is written.
pub(super) fn log_format(text: &str) -> Fit<LogFormat> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(Misfit::new(
            format!("is not a log format: `{}`", shown(text)),
            "give `text` or `json`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn said<T: ToString>(read: Fit<T>) -> String {
        match read {
            Ok(value) => value.to_string(),
            Err(misfit) => misfit.what,
        }
    }

    #[test]
    fn takes_a_bare_host_for_https_and_http_for_loopback_only() {
        let given = [
            "acme.eu.auth0.com",
            "https://login.acme.com/",
            "http://127.0.0.1:4400",
            "http://localhost:4400/",
            "http://acme.localhost:4400/",
            "[::1]:4400",
            "http://acme.eu.auth0.com",
            "acme",
            "acme.eu.auth0.com/authorize",
            "https://ana:secret@acme.eu.auth0.com",
            "acme.eu.auth0.com?x=1",
            "ftp://acme.eu.auth0.com",
            "http://127.0.0.1.evil.example",
            "ac me.auth0.com",
        ];
        let lines: Vec<String> =
            given.iter().map(|text| format!("{text} -> {}", said(domain(text)))).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
    acme.eu.auth0.com -> https://acme.eu.auth0.com/
    https://login.acme.com/ -> https://login.acme.com/
    http://127.0.0.1:4400 -> http://127.0.0.1:4400/
    http://localhost:4400/ -> http://localhost:4400/
    http://acme.localhost:4400/ -> must use `https://`: `http://acme.localhost:4400/` is not on this machine
    [::1]:4400 -> https://[::1]:4400/
    http://acme.eu.auth0.com -> must use `https://`: `http://acme.eu.auth0.com` is not on this machine
    acme -> is not a whole domain: `acme`
    acme.eu.auth0.com/authorize -> must not have a path
    https://ana:secret@acme.eu.auth0.com -> must not have a user name or password
    acme.eu.auth0.com?x=1 -> must not have a query or a fragment
    ftp://acme.eu.auth0.com -> is not an `https://` URL: `ftp://acme.eu.auth0.com`
    http://127.0.0.1.evil.example -> must use `https://`: `http://127.0.0.1.evil.example` is not on this machine
    ac me.auth0.com -> is not a URL: `https://ac me.auth0.com`
    "#);
    }

    #[test]
    fn keeps_an_api_url_without_its_last_slash() {
        assert_eq!(said(api_url("http://127.0.0.1:9/2.0/")), "http://127.0.0.1:9/2.0");
        assert_eq!(said(api_url("api.bitbucket.org/2.0")), "is not a URL: `api.bitbucket.org/2.0`");
    }

    #[test]
    fn reads_durations_as_people_write_them_and_holds_their_bounds() {
        let read = |text| duration(text, Duration::from_secs(5), Duration::from_secs(600));
        for (text, seconds) in [("50s", 50), ("10m", 600), ("1m 30s", 90), ("7", 7)] {
            assert_eq!(read(text).unwrap(), Duration::from_secs(seconds), "{text}");
        }
        for (text, what) in [
            ("4s", "is out of bounds: `4s`"),
            ("11m", "is out of bounds: `11m`"),
            ("-9s", "is not a duration: `-9s`"),
            ("soon", "is not a duration: `soon`"),
        ] {
            assert_eq!(read(text).unwrap_err().what, what);
        }
    }

    #[test]
    fn splits_words_at_commas_but_not_inside_a_globs_braces() {
        assert_eq!(
            words(" acme/{shop,docs}, side-projects/* ,"),
            ["acme/{shop,docs}", "side-projects/*"]
        );
    }

    #[test]
    fn refuses_a_glob_that_is_not_workspace_and_repository() {
        let not = [
            "shop",
            "acme/",
            "/shop",
            "acme/shop/src",
            "acme/[",
            "acme/a b",
            "../..",
            "acme/.",
            "/",
        ];
        for text in not {
            assert!(repository_glob(text).is_err(), "{text}");
        }
        for text in ["acme/shop", "acme/*", "*/docs", "acme/{shop,docs}", "acme/.github"] {
            assert!(repository_glob(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn takes_a_signing_key_on_one_line() {
        let key = "-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\\n";
        assert_eq!(
            signing_key(key).unwrap().expose_secret(),
            "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"
        );
        assert!(signing_key("-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----").is_err());
    }

    #[test]
    fn refuses_a_log_setting_that_would_log_nothing() {
        for text in
            ["verbose", "lots", "3", "hyper=lots", "hyper=", "=debug", "hyper =debug", "info,"]
        {
            assert!(log(text).is_err(), "{text}");
        }
        for text in ["warn,bitbucket_vault_mcp=debug", "INFO", "off", "hyper[connect]=trace"] {
            assert!(log(text).is_ok(), "{text}");
        }
    }
}

//! Arguments that only these tools take.

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use crate::bitbucket::{Repository, Resolved};
use crate::text::{Foreign, clean_line};
use crate::tools::lookup;
use crate::tools::shown::{NAME, place};
use crate::{Error, Result};

/// How many reports are looked at for a near miss.
const LOOKED_AT: usize = 100;

/// A page for people: https, without credentials.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, with = "String", extend("pattern" = "^https://"))]
pub(super) struct HttpsUrl(pub(super) String);

impl TryFrom<String> for HttpsUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_plain = !text.chars().any(|c| c.is_control() || c.is_whitespace());
        let fits = Url::parse(&text).is_ok_and(|url| {
            url.scheme() == "https"
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
        });
        if fits && is_plain && text.len() <= 2_000 {
            Ok(Self(text))
        } else {
            Err(format!("`{}` is no https address of a page", clean_line(&text, 80)))
        }
    }
}

/// What a report is known by: the id of its maker, or a `{uuid}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, with = "String")]
pub(super) struct ReportId(pub(super) String);

impl TryFrom<String> for ReportId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._:-{}".contains(c);
        let fits = !text.is_empty()
            && text.chars().count() <= 200
            && text.chars().all(plain)
            && !matches!(text.as_str(), "." | "..");
        if fits {
            Ok(Self(text))
        } else {
            Err(format!(
                "`{}` is no report's id: letters, digits, `.`, `_`, `:` and `-` alone",
                clean_line(&text, 80)
            ))
        }
    }
}

/// There is no such report on the commit, or not even the commit.
pub(super) async fn no_report(
    repository: &Repository<'_>,
    resolved: &Resolved,
    report: &ReportId,
) -> Error {
    let there = match repository.reports(&resolved.hash, LOOKED_AT, None).await {
        Ok(page) => page.values,
        Err(error) if error.is_not_found() => {
            return lookup::no_commit(repository, &resolved.hash).await;
        }
        Err(error) => return error.into(),
    };
    let ids = there.iter().map(|report| (report.id().to_owned(), report.id().to_owned()));
    let near = lookup::nearest(&report.0, ids);
    let hint = if near.is_empty() {
        "call `list_reports` for the ones there are; a report belongs to one commit".to_owned()
    } else {
        format!("did you mean {near}? `list_reports` shows all")
    };
    let id = Foreign::line(&report.0, NAME).quoted();
    Error::not_found(format!("no report {id} on {}", place(repository.id(), resolved)), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_only_pages_that_a_person_can_open_safely() {
        for good in ["https://ci.example.test/1", "https://ci.example.test/{commit.hash}?a=b#c"] {
            assert!(HttpsUrl::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in [
            "http://ci.example.test/1",
            "javascript:alert(1)",
            "https://user:pass@ci.example.test/",
            "https://",
            "https://ci.example.test/\u{7}",
            "https://ci.example.test/a b",
            "//ci.example.test",
        ] {
            assert!(HttpsUrl::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn keeps_a_reports_id_in_its_place_in_an_address() {
        assert!(ReportId::try_from("lint-001".to_owned()).is_ok());
        for bad in ["", "..", "a/b", "a b", "a%2fb", "a?b"] {
            assert!(ReportId::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}

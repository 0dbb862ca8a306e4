//! Arguments that several tools take, each a type that cannot hold a wrong value.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::bitbucket::{FilePath, RepositoryId, Segment};
use crate::{Error, Result};

// Every tool that takes one of these repeats its schema, so what the types check is not said there too.

/// How long the name or address of a repository may be, in bytes.
const LONGEST_REPOSITORY: usize = 500;
/// How long a path may be, in characters.
const LONGEST_PATH: usize = 1_024;
/// How long a revision may be, in bytes.
const LONGEST_REVISION: usize = 255;

/// A workspace's slug or `{uuid}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, with = "String")]
pub(super) struct WorkspaceArgument(pub(super) Segment);

impl TryFrom<String> for WorkspaceArgument {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Segment::try_from(text.as_str()).map(Self).map_err(|error| format!("`workspace`: {error}"))
    }
}

/// A repository: `repository`, `workspace/repository`, or a page of it on bitbucket.org.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct RepositoryArgument {
    workspace: Option<Segment>,
    slug: Segment,
    number: Option<u32>,
}

impl JsonSchema for RepositoryArgument {
    fn schema_name() -> Cow<'static, str> {
        "Repository".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl TryFrom<String> for RepositoryArgument {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = |what: &str| {
            format!(
                "`repository`: {what}; give `workspace/repository`, a slug, or a bitbucket.org URL"
            )
        };
        if text.len() > LONGEST_REPOSITORY {
            return Err(wrong("this is too long"));
        }
        // What `git remote -v` shows: the scp form is no URL, but says the same as one.
        let remote = text.strip_prefix("git@bitbucket.org:");
        let url = remote.map(|path| format!("ssh://git@bitbucket.org/{path}"));
        let url = url.as_deref().unwrap_or(&text);
        if ["https://", "http://", "ssh://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Self::from_url(url)
                .ok_or_else(|| wrong("this is no page of a repository on bitbucket.org"));
        }
        let segment =
            |part: &str| Segment::try_from(part).map_err(|error| wrong(&error.to_string()));
        match text.split_once('/') {
            Some((workspace, slug)) => Ok(Self {
                workspace: Some(segment(workspace)?),
                slug: segment(slug.strip_suffix(".git").unwrap_or(slug))?,
                number: None,
            }),
            None => Ok(Self { workspace: None, slug: segment(&text)?, number: None }),
        }
    }
}

impl RepositoryArgument {
    /// `https://bitbucket.org/acme/shop/pull-requests/42/…`
    fn from_url(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        if !matches!(url.host_str(), Some("bitbucket.org" | "www.bitbucket.org")) {
            return None;
        }
        let decoded = |part: &str| {
            let part = percent_encoding::percent_decode_str(part).decode_utf8().ok()?;
            Segment::try_from(part.strip_suffix(".git").unwrap_or(&part)).ok()
        };
        let mut parts = url.path_segments()?;
        let workspace = decoded(parts.next()?)?;
        let slug = decoded(parts.next()?)?;
        let number = match (parts.next(), parts.next()) {
            (Some("pull-requests"), Some(number)) => number.parse().ok(),
            _ => None,
        };
        Some(Self { workspace: Some(workspace), slug, number })
    }

    /// The repository that this and the `workspace` argument name together.
    pub(super) fn id(&self, workspace: Option<&WorkspaceArgument>) -> Result<RepositoryId> {
        let workspace = match (&self.workspace, workspace) {
            (Some(ours), Some(theirs)) if ours != &theirs.0 => {
                return Err(Error::InvalidArguments(format!(
                    "`workspace` says `{}`, but `repository` says `{ours}`",
                    theirs.0
                )));
            }
            (Some(workspace), _) => workspace,
            (None, Some(workspace)) => &workspace.0,
            (None, None) => {
                return Err(Error::InvalidArguments(format!(
                    "`repository` names no workspace: give `workspace` too, or `workspace/{}`",
                    self.slug
                )));
            }
        };
        Ok(RepositoryId { workspace: workspace.clone(), slug: self.slug.clone() })
    }

    /// The pull request that this and the `number` argument name together.
    pub(super) fn pull_request(
        &self,
        workspace: Option<&WorkspaceArgument>,
        number: Option<Number>,
    ) -> Result<(RepositoryId, u32)> {
        let id = self.id(workspace)?;
        match (self.number, number) {
            (Some(ours), Some(theirs)) if ours != theirs.0 => Err(Error::InvalidArguments(
                format!("`number` says {}, but the URL in `repository` says {ours}", theirs.0),
            )),
            (Some(number), _) | (None, Some(Number(number))) => Ok((id, number)),
            (None, None) => Err(Error::InvalidArguments(
                "`number` is missing: the pull request's number".to_owned(),
            )),
        }
    }
}

/// A pull request's number.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Number(#[schemars(range(min = 1, max = 2_147_483_647))] pub(super) u32);

/// A branch (slashes included), tag, or hash, whole or short.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, with = "String")]
pub(super) struct Revision(pub(super) String);

impl TryFrom<String> for Revision {
    type Error = String;

    /// The rules of `git check-ref-format` that keep a name from meaning something else in a URL
    /// or a range.
    fn try_from(text: String) -> Result<Self, String> {
        let wrong = text.is_empty()
            || text.len() > LONGEST_REVISION
            || text.contains("..")
            || text.contains("@{")
            || text.starts_with(['/', '-'])
            || text.ends_with(['/', '.'])
            || text.contains("//")
            || text.chars().any(|c| c.is_control() || " ~^:?*[\\".contains(c));
        if wrong {
            return Err(format!(
                "`{}` is no branch, tag or hash",
                crate::text::clean_line(&text, 60)
            ));
        }
        Ok(Self(text))
    }
}

impl Revision {
    /// The name of a branch or tag that is to be made, by the rules of `git check-ref-format` that
    /// looking one up does not need.
    pub(super) fn new_name(&self, argument: &str) -> Result<&str> {
        let name = self.0.as_str();
        let bad = |part: &str| part.starts_with('.') || part.ends_with(".lock");
        if name.starts_with("refs/") || matches!(name, "HEAD" | "@") || name.split('/').any(bad) {
            let shown = crate::text::clean_line(name, 80);
            return Err(Error::InvalidArguments(format!(
                "`{argument}`: `{shown}` cannot name a branch or tag"
            )));
        }
        Ok(name)
    }
}

/// The commit that the agent believes a branch to be at.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("pattern" = "^[0-9a-fA-F]{7,40}$"))]
pub(super) struct ExpectedHead(pub(super) String);

/// Whether two hashes, of which either may be cut short, name the same commit.
pub(super) fn same_commit(one: &str, other: &str) -> bool {
    let length = one.len().min(other.len());
    match (one.get(..length), other.get(..length)) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        _ => false,
    }
}

/// A path inside the repository, without a leading slash.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, with = "String")]
pub(super) struct PathArgument(pub(super) FilePath);

impl TryFrom<String> for PathArgument {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.chars().nth(LONGEST_PATH).is_some() {
            return Err(format!("`path` is longer than {LONGEST_PATH} characters"));
        }
        FilePath::try_from(text.as_str()).map(Self).map_err(|error| format!("`path`: {error}"))
    }
}

/// How many items a list gives at once.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Limit(#[schemars(range(min = 1, max = 100))] pub(super) u32);

impl Limit {
    /// As a length.
    pub(super) fn get(self) -> usize {
        self.0 as usize
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(25)
    }
}

/// How much text an answer may hold.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct MaxBytes(#[schemars(range(min = 1024, max = 262_144))] pub(super) u32);

impl MaxBytes {
    /// As a length.
    pub(super) fn get(self) -> usize {
        self.0 as usize
    }
}

impl Default for MaxBytes {
    fn default() -> Self {
        Self(32 * 1024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_a_commit_by_a_short_hash() {
        assert!(same_commit("3F2A1BC", "3f2a1bc9d0e1"));
        assert!(!same_commit("3f2a1bd", "3f2a1bc9d0e1"));
    }

    fn repository(text: &str) -> std::result::Result<RepositoryArgument, String> {
        text.to_owned().try_into()
    }

    #[test]
    fn reads_a_repository_in_every_form_people_have_at_hand() {
        for text in [
            "acme/shop",
            "acme/shop.git",
            "https://bitbucket.org/acme/shop",
            "https://bitbucket.org/acme/shop/src/main/README.md",
            "https://bitbucket.org/acme/shop.git",
            "https://ana@bitbucket.org/acme/shop.git",
            "git@bitbucket.org:acme/shop.git",
            "ssh://git@bitbucket.org/acme/shop.git",
        ] {
            let id = repository(text).unwrap().id(None).unwrap();
            assert_eq!(id.to_string(), "acme/shop", "{text}");
        }
        let url = repository("https://bitbucket.org/acme/shop/pull-requests/42/diff#x").unwrap();
        assert_eq!(url.pull_request(None, None).unwrap().1, 42);
    }

    #[test]
    fn keeps_a_name_from_leaving_its_path_segment() {
        for text in
            ["../..", "acme/..", "..", "acme/shop/x", "a b/c", "https://bitbucket.org/%2e%2e/shop"]
        {
            let refused = repository(text);
            assert!(refused.is_err(), "{text}: {refused:?}");
        }
        assert!(repository("https://evil.example/acme/shop").is_err());
        assert!(
            repository(&format!("https://bitbucket.org/acme/shop/{}", "x".repeat(500))).is_err()
        );
    }

    #[test]
    fn says_when_two_arguments_disagree() {
        let workspace = WorkspaceArgument::try_from("other".to_owned()).unwrap();
        let error = repository("acme/shop").unwrap().id(Some(&workspace)).unwrap_err();
        assert_eq!(error.to_string(), "`workspace` says `other`, but `repository` says `acme`");
    }

    #[test]
    fn takes_only_revisions_that_git_could_name() {
        for good in ["main", "feature/checkout-rounding", "v1.2.0", "9f2c1d7"] {
            assert!(Revision::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in
            ["", "a..b", "../x", "a b", "x~1", "-x", "a\u{7}", "a//b", "x/", &"x".repeat(256)]
        {
            assert!(Revision::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_argument_leads_out_of_its_place_in_an_address(text in "(?s).{0,60}") {
            if let Ok(id) = repository(&text).and_then(|found| found.id(None).map_err(|e| e.to_string())) {
                for part in [id.workspace.as_str(), id.slug.as_str()] {
                    assert!(!matches!(part, "" | "." | ".."), "{text:?}");
                    assert!(!part.contains(['/', '\\', '%', '?', '#', ' ']), "{text:?}");
                }
            }
            if let Ok(Revision(name)) = Revision::try_from(text.clone()) {
                assert!(!name.contains("..") && !name.starts_with(['/', '-']), "{text:?}");
            }
        }
    }
}

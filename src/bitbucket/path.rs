//! Addresses below the API's base, built so that no argument can leave its place in them.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// Everything but RFC 3986's unreserved characters is encoded, so that `/`, `%`, `?`, `\` and the
/// braces of a uuid stay inside their segment.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// How long a path inside a repository may be.
const LONGEST_FILE_PATH: usize = 4_096;

/// A slug, or a uuid in braces: one segment of an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Segment(String);

/// A repository's full name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RepositoryId {
    /// The workspace that it is in.
    pub workspace: Segment,
    /// Its own slug or uuid.
    pub slug: Segment,
}

/// A file or folder inside a repository; empty for the root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct FilePath(String);

/// Text that cannot be what it was given as.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(String);

/// The address of an endpoint, relative to the API's base. It may hold a query.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    text: String,
    refused: Option<String>,
}

impl Unfit {
    pub(super) fn new(text: &str, meant: &str) -> Self {
        Self(format!("{} is not {meant}", shown(text)))
    }
}

impl Segment {
    /// The slug or uuid as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a uuid in braces.
    #[must_use]
    pub fn is_uuid(&self) -> bool {
        self.0.starts_with('{')
    }
}

impl TryFrom<&str> for Segment {
    type Error = Unfit;

    fn try_from(text: &str) -> Result<Self, Unfit> {
        if is_slug(text) || is_uuid(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Unfit::new(text, "a slug or a uuid in braces"))
        }
    }
}

impl TryFrom<String> for Segment {
    type Error = Unfit;

    fn try_from(text: String) -> Result<Self, Unfit> {
        Self::try_from(text.as_str())
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<&str> for RepositoryId {
    type Error = Unfit;

    /// Reads `workspace/repository`.
    fn try_from(text: &str) -> Result<Self, Unfit> {
        let (workspace, slug) =
            text.split_once('/').ok_or_else(|| Unfit::new(text, "`workspace/repository`"))?;
        Ok(Self { workspace: workspace.try_into()?, slug: slug.try_into()? })
    }
}

impl fmt::Display for RepositoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.workspace, self.slug)
    }
}

impl FilePath {
    /// The path, without slashes at its ends.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the root of the repository.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<&str> for FilePath {
    type Error = Unfit;

    /// Takes slashes and a `./` at the ends away; refuses `.`, `..` and empty parts inside.
    fn try_from(text: &str) -> Result<Self, Unfit> {
        let path = text.strip_prefix("./").unwrap_or(text).trim_matches('/');
        let path = if path == "." { "" } else { path };
        let fits = path.is_empty()
            || path.split('/').all(|part| !matches!(part, "" | "." | "..")) && !path.contains('\0');
        if fits && path.len() <= LONGEST_FILE_PATH {
            Ok(Self(path.to_owned()))
        } else {
            Err(Unfit::new(text, "a path inside a repository"))
        }
    }
}

impl TryFrom<String> for FilePath {
    type Error = Unfit;

    fn try_from(text: String) -> Result<Self, Unfit> {
        Self::try_from(text.as_str())
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Path {
    /// Starts with a word of the API, for example `user`.
    pub(crate) fn new(word: &'static str) -> Self {
        Self { text: word.to_owned(), refused: None }
    }

    /// An address that the API itself gave, relative to its base; checked by the caller.
    pub(super) fn given(relative: &str) -> Self {
        Self { text: relative.to_owned(), refused: None }
    }

    /// Goes on with words of the API, for example `refs/branches`.
    pub(crate) fn fixed(mut self, words: &'static str) -> Self {
        self.text.push('/');
        self.text.push_str(words);
        self
    }

    /// Goes on with `text` as one segment, whatever characters it holds.
    ///
    /// `.` and `..` have no encoding that keeps them from being read as a step, so the call ends
    /// in an error.
    pub(crate) fn segment(mut self, text: &str) -> Self {
        if matches!(text, "" | "." | "..") {
            self.refused.get_or_insert_with(|| text.to_owned());
        }
        self.text.push('/');
        self.text.extend(utf8_percent_encode(text, ENCODED));
        self
    }

    /// Goes on with a path of the repository, whose slashes stay.
    pub(crate) fn rest(mut self, path: &FilePath) -> Self {
        for part in path.0.split('/').filter(|part| !part.is_empty()) {
            self = self.segment(part);
        }
        self
    }

    /// Ends with a slash, as folders do.
    pub(crate) fn folder(mut self) -> Self {
        self.text.push('/');
        self
    }

    /// The address, for people to read; nothing if it cannot be one.
    pub(crate) fn shown(&self) -> Option<&str> {
        self.checked().ok()
    }

    /// The text, or the argument that cannot be part of an address.
    pub(super) fn checked(&self) -> Result<&str, &str> {
        match &self.refused {
            Some(refused) => Err(refused),
            None => Ok(&self.text),
        }
    }
}

fn is_slug(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && !matches!(text, "." | "..")
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn is_uuid(text: &str) -> bool {
    text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).is_some_and(|uuid| {
        uuid.len() == 36
            && uuid.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'))
    })
}

/// An argument, quoted and short enough for an error.
fn shown(text: &str) -> String {
    format!("`{}`", crate::text::clean_line(text, 80).replace('`', "'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_slugs_and_uuids_only() {
        for text in ["acme", "a.b_c-D9", "{1c9a4bd8-7bd6-4a19-8f6b-7e3a1a6d7f10}", "..."] {
            assert_eq!(Segment::try_from(text).unwrap().as_str(), text);
        }
        for text in ["", ".", "..", "acme/..", "a b", "a%2Fb", "{x}", "{}", "ñ", "a\\b", "a\n"] {
            assert!(Segment::try_from(text).is_err(), "{text:?}");
        }
        assert_eq!(
            Segment::try_from("../..").unwrap_err().to_string(),
            "`../..` is not a slug or a uuid in braces"
        );
    }

    #[test]
    fn keeps_an_argument_inside_its_segment() {
        let path = Path::new("repositories").segment("{u}").segment("a/b%2F?#\\ü").fixed("src");
        assert_eq!(path.checked(), Ok("repositories/%7Bu%7D/a%2Fb%252F%3F%23%5C%C3%BC/src"));
        assert_eq!(Path::new("user").segment("..").fixed("x").checked(), Err(".."));
        assert_eq!(Path::new("user").segment("").checked(), Err(""));
    }

    #[test]
    fn keeps_a_file_path_inside_the_repository() {
        let path = FilePath::try_from("./docs/été/a b.md").unwrap();
        let path = Path::new("src").rest(&path).folder();
        assert_eq!(path.checked(), Ok("src/docs/%C3%A9t%C3%A9/a%20b.md/"));
        assert!(FilePath::try_from("/").unwrap().is_root());
        assert!(FilePath::try_from(".").unwrap().is_root());
        for text in ["../x", "a/../b", "a//b", "a/.", "a\0b"] {
            assert!(FilePath::try_from(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn reads_a_full_name() {
        assert_eq!(RepositoryId::try_from("acme/shop").unwrap().to_string(), "acme/shop");
        assert_eq!(
            RepositoryId::try_from("shop").unwrap_err().to_string(),
            "`shop` is not `workspace/repository`"
        );
        assert!(RepositoryId::try_from("acme/shop/x").is_err());
    }
}

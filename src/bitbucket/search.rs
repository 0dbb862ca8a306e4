//! Code search, by Bitbucket's index of the main branches.
//!
//! The index knows whole words, whatever their case, and no punctuation. Atlassian marked the endpoint
//! as deprecated from 2026-11-01 on, without a replacement; where it is off it answers 404, and where
//! it is gone 410.

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use url::Url;

use super::wire::null_as_default;
use super::{Error, Page, RepositoryId, Resume, Workspace};

/// The most files on a page.
const PAGE: u32 = 100;

/// What to look for.
#[derive(Clone, Debug, Default)]
pub(crate) struct SearchQuery {
    words: Vec<String>,
    filters: Vec<String>,
}

/// A file in which something was found.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub(crate) repository: RepositoryId,
    /// The commit that the index was made of.
    pub(crate) commit: String,
    pub(crate) path: String,
    /// Numbers and texts of the lines with a match; none where only the path matches.
    pub(crate) lines: Vec<(u32, String)>,
}

#[derive(Deserialize)]
struct HitData {
    #[serde(default, deserialize_with = "null_as_default")]
    content_matches: Vec<ContentMatch>,
    file: FileData,
}

#[derive(Deserialize)]
struct FileData {
    path: String,
    links: Links,
}

#[derive(Deserialize)]
struct Links {
    #[serde(rename = "self")]
    this: Link,
}

#[derive(Deserialize)]
struct Link {
    href: String,
}

#[derive(Deserialize)]
struct ContentMatch {
    #[serde(default, deserialize_with = "null_as_default")]
    lines: Vec<LineData>,
}

#[derive(Deserialize)]
struct LineData {
    line: u32,
    #[serde(default, deserialize_with = "null_as_default")]
    segments: Vec<SegmentData>,
}

#[derive(Deserialize)]
struct SegmentData {
    #[serde(default, deserialize_with = "null_as_default")]
    text: String,
    #[serde(default, rename = "match", deserialize_with = "null_as_default")]
    is_match: bool,
}

impl SearchQuery {
    /// `text` as one phrase. Nothing in it is taken for a filter or an operator.
    pub(crate) fn phrase(text: &str) -> Self {
        let plain: String =
            text.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { ' ' }).collect();
        let words = plain.split_whitespace().map(str::to_owned).collect();
        Self { words, filters: Vec::new() }
    }

    /// Whether the index has anything to go by.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Only in the repository with this slug.
    pub(crate) fn repository(self, slug: &str) -> Self {
        self.filter("repo", slug)
    }

    /// Only below this folder, or in this file.
    pub(crate) fn path(self, path: &str) -> Self {
        self.filter("path", path)
    }

    /// Only in files whose name ends so.
    pub(crate) fn extension(self, extension: &str) -> Self {
        self.filter("ext", extension)
    }

    fn filter(mut self, name: &str, value: &str) -> Self {
        let plain = |c: char| c.is_alphanumeric() || "._-/".contains(c);
        // What a filter cannot hold is left to whoever reads the hits.
        if !value.is_empty() && value.chars().all(plain) {
            self.filters.push(format!("{name}:{value}"));
        }
        self
    }

    fn text(&self) -> String {
        let words = self.words.join(" ");
        let phrase = if self.words.len() > 1 { format!("\"{words}\"") } else { words };
        let mut parts = vec![phrase];
        parts.extend(self.filters.iter().cloned());
        parts.join(" ")
    }
}

impl Workspace<'_> {
    /// `GET search/code`
    pub(crate) async fn search_code(
        &self,
        query: &SearchQuery,
        limit: usize,
        resume: Option<&Resume>,
    ) -> Result<Page<Hit>, Error> {
        let page: Page<HitData> = self
            .client
            .get(self.path().fixed("search/code"))
            .query("search_query", query.text())
            .fields(concat!(
                "values.content_matches,values.file.path,values.file.links.self.href,",
                "next,size,page,pagelen"
            ))
            .search()
            .page(PAGE, limit, resume)
            .await?;
        let values = page.values.into_iter().filter_map(HitData::hit).collect();
        Ok(Page { values, next: page.next, size: page.size })
    }
}

impl HitData {
    /// Nothing where the address of the file does not say which repository it is in.
    fn hit(self) -> Option<Hit> {
        let (repository, commit) = place(&self.file.links.this.href)?;
        let mut lines = Vec::new();
        for line in self.content_matches.into_iter().flat_map(|part| part.lines) {
            if line.segments.iter().any(|segment| segment.is_match) {
                let text = line.segments.into_iter().map(|segment| segment.text).collect();
                lines.push((line.line, text));
            }
        }
        Some(Hit { repository, commit, path: self.file.path, lines })
    }
}

/// `…/2.0/repositories/{workspace}/{repository}/src/{commit}/…`
fn place(href: &str) -> Option<(RepositoryId, String)> {
    let url = Url::parse(href).ok()?;
    let mut parts = url.path_segments()?.skip_while(|part| *part != "repositories").skip(1);
    let mut next = || Some(percent_decode_str(parts.next()?).decode_utf8().ok()?.into_owned());
    let id = RepositoryId {
        workspace: next()?.as_str().try_into().ok()?,
        slug: next()?.as_str().try_into().ok()?,
    };
    let commit = next().filter(|part| part == "src").and_then(|_| next())?;
    super::is_hash(&commit).then_some((id, commit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_no_part_of_a_phrase_for_a_filter() {
        let text = |query: SearchQuery| query.text();
        assert_eq!(text(SearchQuery::phrase("total").repository("shop")), "total repo:shop");
        assert_eq!(
            text(SearchQuery::phrase("a repo:other \"b\" NOT c").repository("shop")),
            "\"a repo other b NOT c\" repo:shop"
        );
        assert_eq!(text(SearchQuery::phrase("x").path("src/a b").extension("ts")), "x ext:ts");
        assert!(SearchQuery::phrase("=> {").is_empty());
    }

    #[test]
    fn reads_where_a_hit_is_off_its_address() {
        let hash = "ad6964b5fe2880dbd9ddcad1c89000f1dbcbc24b";
        let api = "https://api.bitbucket.org/2.0/repositories";
        let (id, commit) = place(&format!("{api}/acme/shop/src/{hash}/src/a.py")).unwrap();
        assert_eq!((id.to_string(), commit.as_str()), ("acme/shop".to_owned(), hash));
        assert!(place(&format!("{api}/acme/shop/src/main/a.py")).is_none());
        assert!(place("elsewhere").is_none());
    }
}

//! What a query asks for: words, phrases, and filters such as `repo:shop`.

use super::super::errors::ApiError;

/// The longest query, and the most words and filters in it
/// (<https://support.atlassian.com/bitbucket-cloud/docs/search-in-bitbucket-cloud/>).
const LONGEST: usize = 250;
const MOST: usize = 9;

/// A query that was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Phrases of one word or more, in lower case; all must stand in the file.
    pub(super) phrases: Vec<Vec<String>>,
    /// Phrases that must not.
    pub(super) excluded: Vec<Vec<String>>,
    repositories: Vec<String>,
    extensions: Vec<String>,
    paths: Vec<String>,
    languages: Vec<String>,
}

impl Wanted {
    pub(super) fn parse(query: &str) -> Result<Self, ApiError> {
        if query.trim().is_empty() {
            return Err(ApiError::bad_request("search_query must not be empty"));
        }
        if query.chars().count() > LONGEST {
            return Err(ApiError::bad_request("The search query is too long."));
        }
        let mut wanted = Self::default();
        let mut negated = false;
        let terms = terms(query);
        if terms.len() > MOST {
            return Err(ApiError::bad_request("The search query has too many expressions."));
        }
        for (term, quoted) in terms {
            let (negative, term) = match term.strip_prefix('-') {
                Some(rest) if !quoted => (true, rest.to_owned()),
                _ => (negated, term),
            };
            negated = false;
            match (term.as_str(), quoted) {
                ("AND", false) => continue,
                ("NOT", false) => {
                    negated = true;
                    continue;
                }
                _ => {}
            }
            if !quoted && let Some((name, value)) = term.split_once(':') {
                let list = match name {
                    "repo" => &mut wanted.repositories,
                    "ext" => &mut wanted.extensions,
                    "path" => &mut wanted.paths,
                    "lang" => &mut wanted.languages,
                    _ => return Err(ApiError::bad_request(format!("Unknown modifier: {name}"))),
                };
                list.push(value.to_lowercase());
                continue;
            }
            let phrase: Vec<String> = words(&term).map(|(_, word)| word.to_lowercase()).collect();
            if !phrase.is_empty() {
                let list = if negative { &mut wanted.excluded } else { &mut wanted.phrases };
                list.push(phrase);
            }
        }
        if wanted.phrases.is_empty() {
            return Err(ApiError::bad_request("The search query needs a term to search for."));
        }
        Ok(wanted)
    }

    pub(super) fn takes_repository(&self, slug: &str) -> bool {
        self.repositories.is_empty() || self.repositories.iter().any(|name| name == slug)
    }

    pub(super) fn takes_path(&self, path: &str) -> bool {
        let path = path.to_lowercase();
        let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
        let below = |folder: &String| {
            let folder = folder.trim_matches('/');
            path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let speaks = |language: &String| endings(language).contains(&extension);
        (self.extensions.is_empty() || self.extensions.iter().any(|ending| ending == extension))
            && (self.paths.is_empty() || self.paths.iter().any(below))
            && (self.languages.is_empty() || self.languages.iter().any(speaks))
    }
}

/// The words of a text and where they start, in bytes. Punctuation is none of them.
pub(super) fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = 0;
    text.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')).filter_map(
        move |word| {
            let start = rest;
            rest += word.len();
            rest += text.get(rest..).and_then(|tail| tail.chars().next()).map_or(0, char::len_utf8);
            (!word.is_empty()).then_some((start, word))
        },
    )
}

/// The parts of a query, and whether they were in quotes.
fn terms(query: &str) -> Vec<(String, bool)> {
    let mut terms = Vec::new();
    for (index, part) in query.split('"').enumerate() {
        if index % 2 == 1 {
            terms.push((part.to_owned(), true));
        } else {
            terms.extend(part.split_whitespace().map(|word| (word.to_owned(), false)));
        }
    }
    terms
}

fn endings(language: &str) -> &'static [&'static str] {
    match language {
        "typescript" => &["ts", "tsx"],
        "javascript" => &["js", "jsx", "mjs"],
        "rust" => &["rs"],
        "markdown" => &["md"],
        "json" => &["json"],
        "yaml" => &["yml", "yaml"],
        _ => &[],
    }
}

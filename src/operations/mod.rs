//! Every operation that Bitbucket Cloud documents, as one table of our own.
//!
//! `table.tsv` was made once from Bitbucket's OpenAPI document, with a line of ours for each operation
//! and with what the document gets wrong put right: bodies that it leaves out, query parameters that it
//! does not declare, the scope that running a pipeline needs. A test compares the two where it is given
//! the document.

mod body;
mod index;
mod read;
mod review;

use std::fmt;
use std::sync::LazyLock;

pub(crate) use body::nearest;
pub use index::search;

static TABLE: LazyLock<Vec<Operation>> =
    LazyLock::new(|| read::table(include_str!("table.tsv")).unwrap_or_default());

/// An operation of Bitbucket's API.
#[derive(Debug)]
pub struct Operation {
    /// What we call it: Bitbucket's own `operationId` where there is one.
    pub name: &'static str,
    /// How it is asked.
    pub method: Method,
    /// Its path below the API's base, with parameters in braces.
    pub path: &'static str,
    /// The scopes that it needs, all of them.
    pub scopes: Vec<&'static str>,
    /// The statuses that Bitbucket documents for success, redirects included.
    pub success: Vec<u16>,
    /// Whether it answers with a list that comes in pages.
    pub paged: bool,
    /// Whether Bitbucket means to take it away.
    pub deprecated: bool,
    /// What its query takes, besides what [`takes_query`](Self::takes_query) allows everywhere.
    pub query: Vec<Field>,
    /// What it takes as a body.
    pub body: Option<Body>,
    /// The tool of ours that does the same better.
    pub tool: Option<&'static str>,
    /// What it does, in one line.
    pub line: &'static str,
}

/// How an operation is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `DELETE`
    Delete,
}

/// A parameter, or a member of a body.
#[derive(Debug)]
pub struct Field {
    /// What it is called; in a body with dots for what lies deeper.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it has to be there; one that lies deeper, where what holds it is there.
    pub required: bool,
    /// Whether it may come more than once.
    pub repeated: bool,
    /// The values that it may have; any if there are none.
    pub values: Vec<&'static str>,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// An object.
    Object,
    /// A list.
    List,
    /// The content of a file, in a form.
    File,
}

/// What an operation takes as a body.
#[derive(Debug)]
pub struct Body {
    /// How it is written.
    pub shape: Shape,
    /// Whether it has to be there.
    pub required: bool,
    /// The `type` that Bitbucket insists on.
    pub discriminator: Option<&'static str>,
    /// Its members, or those of each element of a list.
    pub fields: Vec<Field>,
    /// Whether it may have members that are not known here.
    pub open: bool,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As a JSON object.
    Object,
    /// As a JSON array of objects.
    List,
    /// As a form.
    Form,
}

/// Every operation, in the order of Bitbucket's document.
#[must_use]
pub fn all() -> &'static [Operation] {
    &TABLE
}

/// The operation that `text` names: by its name, or as `GET /path/{template}`.
#[must_use]
pub fn named(text: &str) -> Option<&'static Operation> {
    let text = text.trim();
    let by_name = || all().iter().find(|operation| operation.name.eq_ignore_ascii_case(text));
    match text.split_once(' ') {
        Some((method, path)) => {
            let method = Method::named(method)?;
            let asked = |operation: &&Operation| {
                operation.method == method && operation.path == path.trim()
            };
            all().iter().find(asked)
        }
        None => by_name(),
    }
}

/// The operation that a request to `path` below the API's base is; the query does not matter.
#[must_use]
pub fn find(method: &str, path: &str) -> Option<&'static Operation> {
    let method = Method::named(method)?;
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = path.strip_prefix('/').unwrap_or(path);
    let parts: Vec<&str> = path.split('/').collect();
    all()
        .iter()
        .filter(|operation| operation.method == method)
        .filter_map(|operation| Some((operation.likeness(&parts)?, operation)))
        .max_by_key(|(likeness, _)| *likeness)
        .map(|(_, operation)| operation)
}

impl Operation {
    /// The parameters in its path, in order.
    pub fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(parameter)
    }

    /// Whether its path holds the parameter `name`.
    #[must_use]
    pub fn has_parameter(&self, name: &str) -> bool {
        self.parameters().any(|parameter| parameter == name)
    }

    /// Whether the query may hold `name`.
    ///
    /// Every answer can be narrowed by `fields`, and every list filtered, sorted and paged, whether the
    /// document says so or not.
    #[must_use]
    pub fn takes_query(&self, name: &str) -> bool {
        self.query.iter().any(|field| field.name == name)
            || name == "fields"
            || self.paged && matches!(name, "q" | "sort" | "page" | "pagelen")
    }

    /// How many parts of its path `parts` have word for word, if the others fit.
    fn likeness(&self, parts: &[&str]) -> Option<usize> {
        let mut template = self.path.trim_start_matches('/').split('/').peekable();
        let mut words = 0;
        let mut place = 0;
        while let Some(wanted) = template.next() {
            match parameter(wanted) {
                // A path inside a repository goes on to the end, and may be empty.
                Some("path") if template.peek().is_none() => {
                    return (parts.len() > place).then_some(words);
                }
                Some(_) if parts.get(place).is_some_and(|part| !part.is_empty()) => {}
                None if parts.get(place) == Some(&wanted) => words += 1,
                _ => return None,
            }
            place += 1;
        }
        (parts.len() == place).then_some(words)
    }
}

impl Method {
    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Get, Self::Post, Self::Put, Self::Delete]
            .into_iter()
            .find(|method| method.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Kind {
    /// What it is called in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "a whole number",
            Self::Boolean => "true or false",
            Self::Object => "an object",
            Self::List => "a list",
            Self::File => "a file",
        }
    }
}

/// The name of a parameter that a part of a path stands for.
fn parameter(part: &str) -> Option<&str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn holds_every_operation_once() {
        assert_eq!(all().len(), 294);
        let names: BTreeSet<&str> = all().iter().map(|operation| operation.name).collect();
        assert_eq!(names.len(), 294);
        let places: BTreeSet<String> =
            all().iter().map(|one| format!("{} {}", one.method, one.path)).collect();
        assert_eq!(places.len(), 294);
    }

    #[test]
    fn says_of_each_what_it_does_in_words_of_its_own() {
        let mut lines = BTreeSet::new();
        for operation in all() {
            let length = operation.line.len();
            assert!((10..=170).contains(&length), "{}: {}", operation.name, operation.line);
            assert!(!operation.line.ends_with('.'), "{}", operation.name);
            assert!(lines.insert(operation.line), "{}: {}", operation.name, operation.line);
        }
    }

    #[test]
    fn finds_the_operation_that_a_request_is() {
        for (request, name) in [
            ("GET user", "getCurrentUser"),
            ("GET repositories/acme?role=member", "listRepositories"),
            ("GET repositories/acme/%7Bu%7D/pullrequests/activity", "listActivity"),
            ("GET repositories/acme/shop/pullrequests/7", "getPullRequest"),
            ("POST /repositories/acme/shop/pullrequests/7/merge", "mergePullRequest"),
            ("GET repositories/acme/shop/src/9f2c/", "getSource"),
            ("GET repositories/acme/shop/src/9f2c/src/cart/mod.rs", "getSource"),
            ("GET repositories/acme/shop/src", "getRootDirectory"),
            ("GET repositories/acme/shop/refs/branches/feature%2Fx", "getBranch"),
            ("GET snippets/acme/kx7/commits", "listSnippetCommits"),
            ("GET snippets/acme/kx7/files/a/b.txt", "getSnippetFile"),
            ("GET snippets/acme/kx7/9f2c/files/a.txt", "getSnippetRevisionFile"),
            ("GET snippets/acme/kx7/9f2c", "getSnippetRevision"),
        ] {
            let (method, path) = request.split_once(' ').unwrap();
            assert_eq!(find(method, path).map(|one| one.name), Some(name), "{request}");
        }
        for request in ["PATCH user", "GET users", "GET repositories/acme/shop/issues", "GET user/"]
        {
            let (method, path) = request.split_once(' ').unwrap();
            assert!(find(method, path).is_none(), "{request}");
        }
    }

    #[test]
    fn knows_an_operation_by_name_and_by_method_and_path() {
        for text in ["getUser", "getuser", " getUser ", "GET /users/{selected_user}"] {
            assert_eq!(named(text).map(|one| one.name), Some("getUser"), "{text}");
        }
        assert!(named("GET /users/x").is_none());
    }
}

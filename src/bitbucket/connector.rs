//! Where the API is. One per process.

use std::fmt;

use url::Url;

use super::Error;
use super::path::Path;
use crate::net::{self, Http};

/// The way to Bitbucket that all clients of a process share.
pub struct Connector {
    http: Http,
    base: Url,
}

impl Connector {
    /// A connector to the API at `base`, for example `https://api.bitbucket.org/2.0`.
    #[must_use]
    pub fn new(http: Http, mut base: Url) -> Self {
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        base.set_query(None);
        base.set_fragment(None);
        Self { http, base }
    }

    /// Where the API is.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.base
    }

    pub(super) fn http(&self) -> &Http {
        &self.http
    }

    /// Whether the API is on this machine, as in tests and the sandbox.
    pub(super) fn is_loopback(&self) -> bool {
        net::is_loopback(&self.base)
    }

    /// Whether `url` has the scheme, host and port of the API.
    pub(super) fn is_same_origin(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// The whole address of `path`.
    pub(super) fn url(&self, path: &Path) -> Result<Url, Error> {
        let relative = path
            .checked()
            .map_err(|refused| Error::Unaddressable { argument: refused.to_owned() })?;
        let unaddressable = || Error::Unaddressable { argument: relative.to_owned() };
        let text = format!("{}/{relative}", self.base.as_str().trim_end_matches('/'));
        let url = Url::parse(&text).map_err(|_| unaddressable())?;
        // The parser resolves dots and rewrites backslashes: whatever it changed was not ours.
        let meant = relative.split_once('?').map_or(relative, |(path, _)| path);
        let is_as_meant = self.is_same_origin(&url)
            && url.path().strip_prefix(self.base_path()).and_then(|path| path.strip_prefix('/'))
                == Some(meant);
        if is_as_meant { Ok(url) } else { Err(unaddressable()) }
    }

    /// `url` relative to the API's base; `None` if it is not below it.
    pub(super) fn relative(&self, url: &Url) -> Option<String> {
        if !self.is_same_origin(url) || !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let path = url.path().strip_prefix(self.base_path())?.strip_prefix('/')?;
        Some(match url.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        })
    }

    fn base_path(&self) -> &str {
        self.base.path().trim_end_matches('/')
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_is_below_the_api() {
        let base = Url::parse("https://api.bitbucket.org/2.0/").unwrap();
        let connector = Connector::new(Http::new(), base);
        let relative = |url: &str| connector.relative(&Url::parse(url).unwrap());
        assert_eq!(relative("https://api.bitbucket.org/2.0/user?a=b").as_deref(), Some("user?a=b"));
        for url in [
            "https://api.bitbucket.org/2.0",
            "https://api.bitbucket.org/2.0x/user",
            "https://api.bitbucket.org/1.0/user",
            "https://api.bitbucket.org/2.0/%2e%2e/user",
            "http://api.bitbucket.org/2.0/user",
            "https://api.bitbucket.org:444/2.0/user",
            "https://me@api.bitbucket.org/2.0/user",
            "https://bitbucket.org/2.0/user",
        ] {
            assert_eq!(relative(url), None, "{url}");
        }
        let url = connector.url(&Path::new("workspaces").segment("{a}")).unwrap();
        assert_eq!(url.as_str(), "https://api.bitbucket.org/2.0/workspaces/%7Ba%7D");
        assert!(connector.url(&Path::given("../1.0/user")).is_err());
        assert!(connector.url(&Path::given("a/%2E%2E/b")).is_err());
    }
}

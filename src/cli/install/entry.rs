//! What a client's file says about a server.

use serde_json::{Map, Value, json};
use url::Url;

use super::client::Client;

/// The name of this program, by which an entry is known as ours.
const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// A server as we enter it. There is no place in it for a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A program that the client starts.
    Program {
        /// Its absolute path.
        command: String,
        /// What it is called with.
        arguments: Vec<String>,
    },
    /// A server that runs elsewhere.
    Address(Url),
}

impl Entry {
    /// The entry in a client's own words; nothing where the client has no words for it.
    pub(super) fn keys(&self, client: Client) -> Option<Vec<(&'static str, Value)>> {
        let (kind, words) = match self {
            Self::Program { command, arguments } => {
                ("stdio", vec![("command", json!(command)), ("args", json!(arguments))])
            }
            Self::Address(url) => ("http", vec![(client.url_key()?, json!(url.as_str()))]),
        };
        let kind = client.types().then(|| ("type", json!(kind)));
        Some(kind.into_iter().chain(words).collect())
    }
}

/// An entry as it was found.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cli) struct Found {
    /// Everything that it says.
    pub(super) keys: Map<String, Value>,
}

impl Found {
    /// The program that it starts, where it starts one.
    pub(in crate::cli) fn command(&self) -> Option<&str> {
        self.keys.get("command").and_then(Value::as_str)
    }

    /// The server that it names, where it names one.
    pub(in crate::cli) fn url(&self) -> Option<&str> {
        ["url", "serverUrl", "httpUrl"].iter().find_map(|key| self.keys.get(*key)?.as_str())
    }

    /// Whether the program that it starts is this one, wherever that is and of whatever version.
    pub(in crate::cli) fn starts_us(&self) -> bool {
        self.command().is_some_and(|command| {
            let name = command.rsplit(['/', '\\']).next().unwrap_or_default();
            let name = name
                .get(..name.len().saturating_sub(4))
                .filter(|_| name.to_ascii_lowercase().ends_with(".exe"))
                .unwrap_or(name);
            name == PROGRAM
        })
    }

    /// Whether it is one that we wrote: it starts this program, or names just this server.
    pub(super) fn is_ours(&self, url: Option<&Url>) -> bool {
        let same = |found: &str| Url::parse(found).ok().as_ref() == url;
        self.starts_us() || (url.is_some() && self.url().is_some_and(same))
    }

    /// Whether it already says all of this.
    pub(super) fn says(&self, keys: &[(&'static str, Value)]) -> bool {
        keys.iter().all(|(key, value)| self.keys.get(*key) == Some(value))
    }

    /// Whether it is for the same transport as `entry`, so that whatever else it says still fits.
    pub(super) fn fits(&self, entry: &Entry) -> bool {
        match entry {
            Entry::Program { .. } => self.command().is_some() && self.url().is_none(),
            Entry::Address(_) => self.command().is_none() && self.url().is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(value: Value) -> Found {
        let Value::Object(keys) = value else { panic!("{value} is no entry") };
        Found { keys }
    }

    #[test]
    fn knows_what_is_ours_by_the_program_and_not_by_the_name() {
        for (entry, ours) in [
            (json!({ "command": "/opt/bin/bitbucket-vault-mcp" }), true),
            (json!({ "command": "bitbucket-vault-mcp", "args": ["stdio", "--read-only"] }), true),
            (json!({ "command": "C:\\Tools\\bitbucket-vault-mcp.EXE" }), true),
            (json!({ "command": "/opt/bin/bitbucket-vault-mcp-wrapper" }), false),
            (json!({ "command": "npx", "args": ["-y", "bitbucket-vault-mcp"] }), false),
            (json!({ "command": "exe" }), false),
            (json!({ "command": { "path": "bitbucket-vault-mcp" } }), false),
            (json!({ "serverUrl": "https://mcp.example.com/mcp" }), true),
            (json!({ "url": "https://other.example.com/mcp" }), false),
            (json!({}), false),
        ] {
            let url = Url::parse("https://mcp.example.com/mcp").unwrap();
            assert_eq!(found(entry.clone()).is_ours(Some(&url)), ours, "{entry}");
        }
        assert!(!found(json!({ "url": "https://mcp.example.com/mcp" })).is_ours(None));
    }
}

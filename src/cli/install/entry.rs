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
    /// The same with the options that the person has added to an entry of ours: they may be what keeps
    /// the agent from writing, and nobody is to lose that to an update.
    pub(super) fn with_options_of(self, found: &Found) -> Self {
        let Self::Program { command, arguments } = self else { return self };
        let options: Option<Vec<String>> = found
            .keys
            .get("args")
            .and_then(Value::as_array)
            .and_then(|all| all.iter().map(|one| one.as_str().map(str::to_owned)).collect());
        match options {
            Some(options) if found.starts_us() && begins_alike(&options, &arguments) => {
                Self::Program { command, arguments: merged(options, &arguments) }
            }
            _ => Self::Program { command, arguments },
        }
    }

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

    /// The configuration file that it names to our program, where it does.
    pub(in crate::cli) fn config(&self) -> Option<&str> {
        let arguments = self.keys.get("args")?.as_array()?;
        let mut arguments = arguments.iter().filter_map(Value::as_str);
        arguments.find_map(|argument| argument.strip_prefix("--config=")).or_else(|| {
            let mut arguments = self.keys.get("args")?.as_array()?.iter().filter_map(Value::as_str);
            arguments.find(|argument| *argument == "--config")?;
            arguments.next()
        })
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

fn begins_alike(options: &[String], arguments: &[String]) -> bool {
    options.first() == arguments.first()
}

/// Another file of settings takes the place of the one that was named.
fn merged(options: Vec<String>, arguments: &[String]) -> Vec<String> {
    let [_, flag, file] = arguments else { return options };
    let mut merged = Vec::new();
    let mut options = options.into_iter();
    while let Some(option) = options.next() {
        if option == *flag {
            options.next();
        } else if !option.strip_prefix(flag.as_str()).is_some_and(|rest| rest.starts_with('=')) {
            merged.push(option);
        }
    }
    merged.extend([flag.clone(), file.clone()]);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loses_no_option_that_the_person_has_added() {
        let entry = |arguments: &[&str]| Entry::Program {
            command: "/bin/bitbucket-vault-mcp".to_owned(),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        };
        let ours = found(json!({
            "command": "bitbucket-vault-mcp",
            "args": ["stdio", "--config", "old.toml", "--read-only", "--config=older.toml"],
        }));
        let plain = entry(&["stdio"]).with_options_of(&ours);
        let kept = ["stdio", "--config", "old.toml", "--read-only", "--config=older.toml"];
        assert_eq!(plain, entry(&kept));
        let named = entry(&["stdio", "--config", "/new.toml"]).with_options_of(&ours);
        assert_eq!(named, entry(&["stdio", "--read-only", "--config", "/new.toml"]));
        for other in [
            json!({ "command": "npx", "args": ["stdio", "--read-only"] }),
            json!({ "command": "bitbucket-vault-mcp", "args": ["http"] }),
            json!({ "command": "bitbucket-vault-mcp", "args": ["stdio", 1] }),
        ] {
            assert_eq!(entry(&["stdio"]).with_options_of(&found(other)), entry(&["stdio"]));
        }
    }

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

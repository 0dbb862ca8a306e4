//! What would change in a client's file, and how it is shown.
//!
//! Only the entry is shown, never the lines around it: other servers' entries hold their secrets.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::Value;
use url::Url;

use super::client::Client;
use super::document::{self, Keys};
use super::entry::{Entry, Found};
use super::file::ClientFile;

/// An entry to be written or taken away.
pub(super) struct Wish<'a> {
    pub(super) client: Client,
    /// The client's file.
    pub(super) path: &'a Path,
    /// The entry's name.
    pub(super) name: &'a str,
    /// Overwrite or take away what is not ours.
    pub(super) force: bool,
}

/// What is to be done.
pub(super) enum Decision {
    /// Nothing, and why.
    Nothing(String),
    /// This.
    Change(Change),
}

/// A change, ready to be written.
pub(super) struct Change {
    file: ClientFile,
    path: PathBuf,
    after: String,
    lines: String,
}

impl Wish<'_> {
    /// What it takes for `entry` to be there.
    pub(super) fn install(&self, entry: Entry) -> anyhow::Result<Decision> {
        let (client, name) = (self.client, self.name);
        let (file, found) = self.read()?;
        let entry = match &found {
            Some(found) => entry.with_options_of(found),
            None => entry,
        };
        let keys =
            entry.keys(client).with_context(|| format!("{} takes no URL", client.title()))?;
        let place = (client.table(), name);
        let url = match &entry {
            Entry::Address(url) => Some(url),
            Entry::Program { .. } => None,
        };
        let (after, lines) = match &found {
            None => {
                let after = document::put(client.language(), file.text(), place, &keys);
                (self.in_file(after)?, shown('+', &self.snippet(&keys)))
            }
            Some(found) if found.fits(&entry) && found.says(&keys) => {
                return Ok(Decision::Nothing(format!(
                    "{} already has `{name}` just so in `{}`",
                    client.title(),
                    self.path.display()
                )));
            }
            Some(found) if !found.is_ours(url) && !self.force => return self.refuse(found),
            Some(found) if found.fits(&entry) && found.is_ours(url) => {
                let after = document::update(client.language(), file.text(), place, &keys);
                (self.in_file(after)?, self.updated(found, &keys))
            }
            Some(found) => {
                let after = document::put(client.language(), file.text(), place, &keys);
                let new = shown('+', &self.snippet(&keys));
                (self.in_file(after)?, format!("{}\n{new}", shown('-', &outline(name, found))))
            }
        };
        Ok(Decision::Change(Change { file, path: self.path.to_owned(), after, lines }))
    }

    /// What it takes for the entry not to be there.
    pub(super) fn remove(&self, url: Option<&Url>) -> anyhow::Result<Decision> {
        let (file, found) = self.read()?;
        let Some(found) = found else {
            return Ok(Decision::Nothing(format!(
                "{} has no `{}` in `{}`",
                self.client.title(),
                self.name,
                self.path.display()
            )));
        };
        if !found.is_ours(url) && !self.force {
            return self.refuse(&found);
        }
        let place = (self.client.table(), self.name);
        let after = document::remove(self.client.language(), file.text(), place);
        let lines = shown('-', &outline(self.name, &found));
        Ok(Decision::Change(Change {
            after: self.in_file(after)?,
            file,
            path: self.path.to_owned(),
            lines,
        }))
    }

    fn read(&self) -> anyhow::Result<(ClientFile, Option<Found>)> {
        let file = ClientFile::read(self.path)?;
        let entries = document::entries(self.client.language(), file.text(), self.client.table());
        let found = self.in_file(entries)?.remove(self.name).map(|keys| Found { keys });
        Ok((file, found))
    }

    fn in_file<T>(&self, outcome: Result<T, document::Misfit>) -> anyhow::Result<T> {
        outcome.with_context(|| format!("`{}` is left as it is", self.path.display()))
    }

    fn refuse(&self, found: &Found) -> anyhow::Result<Decision> {
        let what = match (found.command(), found.url()) {
            (Some(_), _) => "starts another program",
            (None, Some(_)) => "names another server",
            (None, None) => "is not one of ours",
        };
        bail!(
            "`{}` in `{}` {what}; `--force` replaces it all the same, `--name` gives ours another name",
            self.name,
            self.path.display()
        )
    }

    fn snippet(&self, keys: Keys<'_>) -> String {
        document::show(self.client.language(), self.client.table(), self.name, keys)
    }

    /// The keys that change in an entry of ours, and the names of those that stay.
    fn updated(&self, found: &Found, keys: Keys<'_>) -> String {
        let mut lines = format!("  {} → {}", self.client.table(), self.name);
        for (key, value) in keys {
            match found.keys.get(*key) {
                Some(old) if old == value => {}
                old => {
                    if let Some(old) = old {
                        let _ = write!(lines, "\n- {key} = {old}");
                    }
                    let _ = write!(lines, "\n+ {key} = {value}");
                }
            }
        }
        let kept: Vec<&str> = found
            .keys
            .keys()
            .filter(|key| keys.iter().all(|(ours, _)| ours != key))
            .map(String::as_str)
            .collect();
        if !kept.is_empty() {
            let _ = write!(lines, "\n  kept: {}", kept.join(", "));
        }
        lines
    }
}

impl Change {
    /// The change as people see it: the file, and the lines that come and go.
    pub(super) fn shown(&self) -> String {
        let new = if self.file.exists() { "" } else { " (a new file)" };
        format!("{}{new}\n{}", self.path.display(), self.lines)
    }

    /// Writes it.
    pub(super) fn write(&self) -> anyhow::Result<()> {
        self.file.write(&self.after)
    }
}

/// An entry that goes: what it starts or names, and which keys it has besides. Their values, and the
/// arguments of another program, may be secrets.
fn outline(name: &str, found: &Found) -> String {
    let mut lines = vec![format!("{name}:")];
    for (key, value) in &found.keys {
        let shown = match (key.as_str(), value) {
            ("command" | "type", Value::String(text)) => text.clone(),
            ("args", value) if found.starts_us() => value.to_string(),
            ("url" | "serverUrl" | "httpUrl", Value::String(text)) => match Url::parse(text) {
                Ok(url) => url.origin().ascii_serialization(),
                Err(_) => "…".to_owned(),
            },
            _ => "…".to_owned(),
        };
        lines.push(format!("  {key} = {shown}"));
    }
    lines.join("\n")
}

/// Every line with a sign in front.
fn shown(sign: char, text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("{sign} {line}")).collect();
    lines.join("\n")
}

//! `install`: this server in a client's configuration.

mod change;
mod client;
mod document;
mod entry;
mod file;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use url::Url;

use change::{Decision, Wish};
use entry::Entry;

pub(super) use client::Client;
pub(super) use entry::Found;
pub(super) use file::ClientFile;

use super::output;
use super::terminal::{TerminalAsk, say};
use crate::config::{self, Flags, Need, Places, Sources, settings};
use crate::net;
use crate::tool::{Answered, Ask as _};

/// Write this server into a client's configuration, showing the change first.
///
/// What is in the file stays, comments included. No secret is ever written there: the server finds its
/// settings itself.
#[derive(Debug, Args)]
pub(super) struct Install {
    /// The client.
    #[arg(value_enum)]
    client: Client,
    /// Take the entry away instead.
    #[arg(long)]
    remove: bool,
    /// Print the change, and change nothing.
    #[arg(long)]
    print: bool,
    /// Whether the client starts the server, or finds it at a URL. Left out: at a URL if `--url` is
    /// given.
    #[arg(long, value_enum)]
    transport: Option<Transport>,
    /// Where `http` is reached, up to and including `/mcp`. Left out, as `BITBUCKET_MCP_PUBLIC_URL` says.
    #[arg(long, value_name = "URL", value_parser = address)]
    url: Option<Url>,
    /// What the client calls the server.
    #[arg(long, default_value = "bitbucket", value_parser = name)]
    name: String,
    /// Write the file of the project in the current folder: claude-code, cursor, vscode, codex, gemini.
    #[arg(long)]
    project: bool,
    /// Replace or take away an entry that is not ours, and make the folder of a client that is not here.
    #[arg(long)]
    force: bool,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
    /// The configuration file that the server shall use, where it is not at its usual place.
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
}

/// How a client reaches the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Transport {
    Stdio,
    Http,
}

impl Install {
    /// The settings that were given as flags.
    pub(super) fn flags(&self) -> Flags {
        let config = self.config.clone();
        config.map(|path| (settings::CONFIG.variable, vec![path])).into_iter().collect()
    }

    pub(super) async fn run(self, sources: Sources) -> anyhow::Result<ExitCode> {
        let places = Places::gather(&sources).context("this machine's folders are not known")?;
        let url = match self.transport() {
            // Whatever else is wrong with the settings, taking an entry away must be possible.
            _ if self.remove => self.address(&sources).ok().flatten(),
            Transport::Http => self.address(&sources)?,
            Transport::Stdio if self.url.is_some() => bail!("`--url` is for `--transport http`"),
            Transport::Stdio => None,
        };
        let path = self.file(&places)?;
        let change = match self.decide(&places, &path, url, config_file(&sources))? {
            Decision::Nothing(why) => {
                say(&why);
                return Ok(ExitCode::SUCCESS);
            }
            Decision::Change(change) => change,
        };
        if self.print {
            writeln!(output::stdout(), "{}", change.shown())?;
            return Ok(ExitCode::SUCCESS);
        }
        say(&change.shown());
        let question = if self.remove { "Take this away?" } else { "Write this?" };
        let ask = TerminalAsk { yes: self.yes };
        if ask.confirm(question).await? != Answered::Yes {
            bail!("nothing was changed");
        }
        change.write()?;
        if self.remove {
            say(&format!("done: `{}` is gone from `{}`", self.name, path.display()));
            return Ok(ExitCode::SUCCESS);
        }
        say(&format!("done: {}", self.client.afterwards()));
        if self.transport() == Transport::Stdio {
            for note in notes(&places, sources) {
                say(&format!("note: {note}"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn transport(&self) -> Transport {
        let with_url = if self.url.is_some() { Transport::Http } else { Transport::Stdio };
        self.transport.unwrap_or(with_url)
    }

    /// The file to write, if the client is on this machine.
    fn file(&self, places: &Places) -> anyhow::Result<PathBuf> {
        if self.project {
            let file = self.client.project_file(&places.current);
            return file.with_context(|| {
                format!("{} has no configuration of a project", self.client.title())
            });
        }
        let place = self.client.place(places);
        if !self.force
            && !self.remove
            && !self.print
            && !place.signs.iter().any(|sign| sign.exists())
        {
            let sign = place.signs.last().unwrap_or(&place.file);
            bail!(
                "{} is not on this machine: there is no `{}`; `--force` writes the file all the same",
                self.client.title(),
                sign.display()
            );
        }
        Ok(place.file)
    }

    fn decide(
        &self,
        places: &Places,
        path: &Path,
        url: Option<Url>,
        config: Option<PathBuf>,
    ) -> anyhow::Result<Decision> {
        let wish = Wish { client: self.client, path, name: &self.name, force: self.force };
        if self.remove {
            return wish.remove(url.as_ref());
        }
        let entry = match self.transport() {
            Transport::Stdio => program(&places.program, config)?,
            Transport::Http if self.client.url_key().is_none() => bail!(
                "{} takes no URL in its file: add it there under Settings, Connectors",
                self.client.title()
            ),
            Transport::Http => Entry::Address(url.context(
                "where the server is reached is not known; say it with `--url https://HOST/mcp`",
            )?),
        };
        wish.install(entry)
    }

    /// Where the server is reached, as far as that was said.
    fn address(&self, sources: &Sources) -> anyhow::Result<Option<Url>> {
        if let Some(url) = &self.url {
            return Ok(Some(url.clone()));
        }
        let public_url = config::door(sources)?.public_url;
        Ok(public_url.map(|url| url.join("mcp")).transpose()?)
    }
}

/// The entries of a client's file by their names.
pub(super) fn entries(
    client: Client,
    text: &str,
) -> Result<BTreeMap<String, Found>, document::Misfit> {
    let entries = document::entries(client.language(), text, client.table())?;
    Ok(entries.into_iter().map(|(name, keys)| (name, Found { keys })).collect())
}

/// The entry of this program. A configuration file that was named must be named to the client too: it
/// starts the server without this terminal's environment.
fn program(program: &Path, config: Option<PathBuf>) -> anyhow::Result<Entry> {
    let text = |path: &Path| {
        let text = path.to_str().map(str::to_owned);
        text.with_context(|| format!("`{}` is not UTF-8, so no client can name it", path.display()))
    };
    let mut arguments = vec!["stdio".to_owned()];
    if let Some(config) = config {
        let config = std::path::absolute(config)?;
        arguments.extend(["--config".to_owned(), text(&config)?]);
    }
    Ok(Entry::Program { command: text(program)?, arguments })
}

/// The configuration file, where it was named.
fn config_file(sources: &Sources) -> Option<PathBuf> {
    let variable = settings::CONFIG.variable;
    let named = sources.flags.contains_key(variable)
        || sources.environment.get(variable).is_some_and(|path| !path.is_empty());
    sources.file.as_ref().filter(|_| named).map(|file| file.path.clone())
}

/// What will not work as it seems.
fn notes(places: &Places, mut sources: Sources) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(folder) = build_folder(&places.program) {
        notes.push(format!(
            "this program is in a build folder, `{}`, which the next `cargo clean` empties",
            folder.display()
        ));
    }
    // What the client will give the server.
    (sources.environment, sources.flags) = (BTreeMap::new(), Flags::new());
    if let Err(problems) = super::configured::load(&sources, Need::Auth0) {
        let names: Vec<&str> = problems.iter().map(|problem| problem.name.as_str()).collect();
        let file = sources.file.as_ref().map_or_else(
            || "its configuration file".to_owned(),
            |file| format!("`{}`", file.path.display()),
        );
        notes.push(format!(
            "the client starts the server without this terminal's environment, and {file} alone is not \
             enough; see to {}",
            names.join(", ")
        ));
    }
    notes
}

/// The folder of cargo's that a program is in.
fn build_folder(program: &Path) -> Option<&Path> {
    program.ancestors().find(|folder| folder.join(".rustc_info.json").is_file())
}

fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && net::is_loopback(&url));
    if !is_safe {
        return Err(
            "a server's URL begins with `https://`, unless it is on this machine".to_owned()
        );
    }
    // It is written into a file that others may read.
    if url.query().is_some() || url.fragment().is_some() {
        return Err("a server's URL ends with its path, as in `https://HOST/mcp`".to_owned());
    }
    if url.password().is_some() || !url.username().is_empty() {
        return Err("a name or password in a URL is no secret; leave it out".to_owned());
    }
    Ok(url)
}

/// What every client takes for a name, and what makes good names of tools: some put it in front of them.
fn name(text: &str) -> Result<String, String> {
    let fits = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    if text.is_empty() || text.len() > 64 || !text.chars().all(fits) {
        return Err("a name has 1 to 64 letters, digits, `-` and `_`".to_owned());
    }
    Ok(text.to_owned())
}

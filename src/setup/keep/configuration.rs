//! Adds settings to a configuration file, and changes nothing that is there.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// What stands above the lines that we add.
const HEADING: &str = "# Added when the tenant was set up";

/// One setting.
#[derive(Clone, Debug)]
pub(in crate::setup) struct Entry {
    /// Its variable.
    pub(in crate::setup) variable: &'static str,
    /// Its key in the file.
    pub(in crate::setup) key: &'static str,
    /// Its value.
    pub(in crate::setup) value: String,
    /// Other keys that say the same in another way. Where one of them is there, the person has decided.
    pub(in crate::setup) instead: &'static [&'static str],
}

/// Settings that only make sense together: where one is there with another value, none is added.
#[derive(Clone, Debug)]
pub(in crate::setup) struct Group {
    /// The settings.
    pub(in crate::setup) entries: Vec<Entry>,
    /// Whether all other groups are about this one as well.
    pub(in crate::setup) is_base: bool,
}

/// Whether the file can be extended.
pub(super) fn check(path: &Path) -> io::Result<()> {
    let target = target(path)?;
    parse(&read(&target)?)?;
    let folder = folder_of(&target)?;
    make(folder)?;
    tempfile::Builder::new().prefix(".config").tempfile_in(folder).map(drop)
}

/// Adds what is not there yet. For each setting, in order: whether the file says so now.
pub(super) fn extend(path: &Path, groups: &[Group]) -> io::Result<Vec<bool>> {
    let target = target(path)?;
    let text = read(&target)?;
    let table = parse(&text)?;
    let base_holds =
        groups.iter().filter(|group| group.is_base).all(|group| !clashes(group, &table));
    let mut said = Vec::new();
    let mut added = Vec::new();
    for group in groups {
        let fits = base_holds && !clashes(group, &table);
        for entry in &group.entries {
            let there = stands(entry, &table) == Standing::Said;
            if fits && !there {
                added.push(entry);
            }
            said.push(fits || there);
        }
    }
    if !added.is_empty() {
        replace(&target, &with(&text, &table, &added)?)?;
    }
    Ok(said)
}

/// How a setting stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// The file says just that.
    Said,
    /// It says something else.
    Otherwise,
    /// It says nothing.
    Unsaid,
}

fn clashes(group: &Group, table: &Table) -> bool {
    group.entries.iter().any(|entry| stands(entry, table) == Standing::Otherwise)
}

fn stands(entry: &Entry, table: &Table) -> Standing {
    match table.get(entry.key) {
        Some(Value::String(found)) if plain(found) == plain(&entry.value) => Standing::Said,
        Some(_) => Standing::Otherwise,
        None if entry.instead.iter().any(|key| table.contains_key(*key)) => Standing::Otherwise,
        None => Standing::Unsaid,
    }
}

/// A host may be written with its scheme and a slash.
fn plain(value: &str) -> &str {
    let value = value.trim();
    value.strip_prefix("https://").unwrap_or(value).trim_end_matches('/')
}

/// The text with the settings. A line at the end belongs to the last table, so where there are tables
/// they go to the top.
fn with(text: &str, table: &Table, added: &[&Entry]) -> io::Result<String> {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let lines = added
        .iter()
        .map(|entry| format!("{} = {}{end}", entry.key, Value::String(entry.value.clone())));
    let lines: String = std::iter::once(format!("{HEADING}{end}")).chain(lines).collect();
    let holds_tables = |value: &Value| match value {
        Value::Table(_) => true,
        Value::Array(values) => values.iter().any(Value::is_table),
        _ => false,
    };
    let extended = if table.values().any(holds_tables) {
        format!("{lines}{end}{text}")
    } else if text.is_empty() {
        lines
    } else if text.ends_with('\n') {
        format!("{text}{end}{lines}")
    } else {
        format!("{text}{end}{end}{lines}")
    };
    let now = parse(&extended)?;
    let whole = added.iter().all(|entry| stands(entry, &now) == Standing::Said)
        && now.len() == table.len() + added.len()
        && table.iter().all(|(key, value)| now.get(key) == Some(value));
    if whole { Ok(extended) } else { Err(invalid("its form is not known")) }
}

/// What the parser says could quote a secret.
fn parse(text: &str) -> io::Result<Table> {
    text.parse().map_err(|_| invalid("it is not TOML"))
}

fn invalid(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

fn read(path: &Path) -> io::Result<String> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read,
    }
}

/// The file itself. People keep their configuration elsewhere and link to it.
fn target(path: &Path) -> io::Result<PathBuf> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => std::fs::canonicalize(path),
        Ok(_) => Ok(path.to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => std::path::absolute(path),
        Err(error) => Err(error),
    }
}

/// A new file takes the old one's place in one step, with its mode; where there was none, it is its
/// owner's alone.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = folder_of(path)?;
    make(folder)?;
    let mut file = tempfile::Builder::new().prefix(".config").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    match std::fs::metadata(path) {
        Ok(found) => file.as_file().set_permissions(found.permissions())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn folder_of(path: &Path) -> io::Result<&Path> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    Ok(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
}

#[cfg(unix)]
fn make(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}

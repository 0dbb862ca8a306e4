//! What a commit is to change, as the call says it.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::Deserialize;

use super::editing::Edit;
use crate::bitbucket::FilePath;
use crate::text::Foreign;
use crate::tools::params::PathArgument;
use crate::tools::shown::PATH;
use crate::{Error, Result};

/// How much all files of a commit may be.
const LARGEST: usize = 10 * 1024 * 1024;

/// One file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct ChangeArgument {
    /// Where.
    path: PathArgument,
    /// Whole text of a new file.
    content: Option<String>,
    /// Whole bytes of a new file.
    content_base64: Option<String>,
    /// The `content` may replace an existing file.
    #[serde(default)]
    overwrite: bool,
    /// Replace parts of an existing file.
    #[serde(default)]
    edits: Vec<Edit>,
    /// Delete it.
    #[serde(default)]
    delete: bool,
    /// Move it here from there, then `edits`.
    move_from: Option<PathArgument>,
    /// Set or clear the executable bit; default: kept.
    executable: Option<bool>,
}

/// One change that makes sense by itself.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) path: FilePath,
    pub(super) what: What,
    pub(super) executable: Option<bool>,
}

/// What is done to a file.
#[derive(Debug)]
pub(super) enum What {
    /// The whole of it is given.
    Write {
        data: Vec<u8>,
        overwrite: bool,
    },
    /// Parts of it change, or its mode alone; it may come from elsewhere.
    Edit {
        from: Option<FilePath>,
        edits: Vec<Edit>,
    },
    Delete,
}

impl Change {
    /// Where the file is that is read or deleted, if there is to be one.
    pub(super) fn source(&self) -> Option<&FilePath> {
        match &self.what {
            What::Write { .. } => None,
            What::Edit { from: Some(from), .. } => Some(from),
            What::Edit { from: None, .. } | What::Delete => Some(&self.path),
        }
    }
}

/// All changes, if each makes sense and none gets in the way of another.
pub(super) fn read(arguments: &[ChangeArgument]) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    let mut size = 0;
    for argument in arguments {
        let change = argument
            .read()
            .map_err(|why| wrong(&format!("{}: {why}", quoted(&argument.path.0))))?;
        if let What::Write { data, .. } = &change.what {
            size += data.len();
        }
        changes.push(change);
    }
    if size > LARGEST {
        return Err(wrong("all contents together are more than 10 MB: use `git push`"));
    }
    check_paths(&changes)?;
    Ok(changes)
}

impl ChangeArgument {
    fn read(&self) -> Result<Change, String> {
        let path = fit(&self.path)?;
        let from = self.move_from.as_ref().map(fit).transpose()?;
        let content = self.content.is_some() || self.content_base64.is_some();
        let edits = !self.edits.is_empty() || from.is_some();
        let given = [content, edits, self.delete].iter().filter(|given| **given).count();
        if given > 1 || self.content.is_some() && self.content_base64.is_some() {
            return Err(
                "give one of `content`, `content_base64`, `edits` (with or without `move_from`) and \
                 `delete`"
                    .to_owned(),
            );
        }
        if given == 0 && self.executable.is_none() {
            return Err(
                "says nothing to do: give `content`, `edits`, `delete` or `move_from`".into()
            );
        }
        if self.edits.iter().any(|edit| edit.old.is_empty() || edit.old == edit.new) {
            return Err("an edit needs an `old` that is not empty and not the same as `new`".into());
        }
        if self.delete && self.executable.is_some() {
            return Err("a deleted file has no `executable`".into());
        }
        if self.overwrite && !content {
            return Err("`overwrite` goes with `content` only".into());
        }
        if from.as_ref() == Some(&path) {
            return Err("`move_from` is where it is already".into());
        }
        let what = if self.delete {
            What::Delete
        } else if let Some(text) = &self.content {
            What::Write { data: text.clone().into_bytes(), overwrite: self.overwrite }
        } else if let Some(text) = &self.content_base64 {
            let plain: String = text.split_ascii_whitespace().collect();
            let data = STANDARD.decode(plain).map_err(|_| "`content_base64` is not base64")?;
            What::Write { data, overwrite: self.overwrite }
        } else {
            What::Edit { from, edits: self.edits.clone() }
        };
        Ok(Change { path, what, executable: self.executable })
    }
}

/// A path that git takes for a file.
fn fit(path: &PathArgument) -> Result<FilePath, String> {
    let path = path.0.clone();
    if path.is_root() {
        return Err("the root is no file".to_owned());
    }
    if path.as_str().split('/').any(|part| part.eq_ignore_ascii_case(".git")) {
        return Err("`.git` is git's own".to_owned());
    }
    if path.as_str().chars().any(|c| c.is_control() || c == '"') {
        return Err("quotes and control characters in paths need `git push`".to_owned());
    }
    Ok(path)
}

/// No path twice, and none that is a file here and a folder there.
fn check_paths(changes: &[Change]) -> Result<()> {
    let mut all: BTreeSet<&str> = BTreeSet::new();
    for change in changes {
        let from = match &change.what {
            What::Edit { from, .. } => from.as_ref(),
            _ => None,
        };
        for path in [Some(&change.path), from].into_iter().flatten() {
            if !all.insert(path.as_str()) {
                return Err(wrong(&format!("{} is named twice", quoted(path))));
            }
        }
    }
    let written = changes.iter().filter(|change| !matches!(change.what, What::Delete));
    let written: BTreeSet<&str> = written.map(|change| change.path.as_str()).collect();
    for path in &written {
        let mut above = *path;
        while let Some((folder, _)) = above.rsplit_once('/') {
            if written.contains(folder) {
                let folder = Foreign::line(folder, PATH).quoted();
                return Err(wrong(&format!("{folder} cannot be a file and a folder")));
            }
            above = folder;
        }
    }
    Ok(())
}

fn quoted(path: &FilePath) -> String {
    Foreign::line(path.as_str(), PATH).quoted()
}

fn wrong(why: &str) -> Error {
    Error::InvalidArguments(format!("`files`: {why}"))
}

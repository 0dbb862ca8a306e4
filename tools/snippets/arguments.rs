//! What these tools take and say alike.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::bitbucket::{self, Client};
use crate::text::{Foreign, clean_line};
use crate::tool::Context;
use crate::tools::content::{self, LARGEST};
use crate::tools::params::WorkspaceArgument;
use crate::tools::shown::NAME;
use crate::{Error, Result};

/// How long a title may be.
pub(super) const TITLE: usize = 255;

/// A snippet's id, as it stands in its address.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("pattern" = "^[A-Za-z0-9]{1,40}$"))]
pub(super) struct SnippetId(pub(super) String);

// A file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct File {
    /// Its name.
    name: String,
    /// Its text,
    text: Option<String>,
    /// or its bytes.
    base64: Option<String>,
}

/// Bitbucket, unless an allow-list of repositories is in force: a snippet is in no repository, so none
/// is on the list.
pub(super) async fn client(cx: &Context) -> Result<&Client> {
    if !cx.repositories().is_open() {
        return Err(Error::refused(
            "snippets are in no repository, and this server works in listed repositories only",
            "an administrator can take the list of repositories out of the server's settings",
        ));
    }
    cx.bitbucket().await
}

/// The files as they are sent: each name once, all together no larger than one call may be.
pub(super) fn contents(files: &[File]) -> Result<Vec<(String, Vec<u8>)>> {
    let mut contents: Vec<(String, Vec<u8>)> = Vec::new();
    for file in files {
        let shown = Foreign::line(&file.name, NAME).quoted();
        file_name(&file.name)?;
        if contents.iter().any(|(name, _)| *name == file.name) {
            return Err(Error::InvalidArguments(format!("`files`: {shown} is there twice")));
        }
        let data = content::bytes(&shown, file.text.as_deref(), file.base64.as_deref())?;
        contents.push((file.name.clone(), data));
    }
    let total: usize = contents.iter().map(|(_, data)| data.len()).sum();
    if total > LARGEST {
        return Err(Error::InvalidArguments(format!(
            "`files` have {total} bytes together; at most {LARGEST} can be sent"
        )));
    }
    Ok(contents)
}

/// Refuses what is no file's name.
pub(super) fn file_name(name: &str) -> Result<()> {
    if content::is_file_name(name) {
        return Ok(());
    }
    let name = clean_line(name, 80);
    Err(Error::InvalidArguments(format!("`{name}` is no file's name without a folder")))
}

/// There is no such snippet, if the `error` says so.
pub(super) fn no_snippet(
    workspace: &WorkspaceArgument,
    id: &SnippetId,
    error: bitbucket::Error,
) -> Error {
    if error.is_not_found() {
        Error::not_found(
            format!("no snippet `{}` in `{}`, or no access to it", id.0, workspace.0),
            "call `list_snippets` for the ones that can be reached",
        )
    } else {
        error.into()
    }
}

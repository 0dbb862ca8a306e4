//! Files that a repository offers for download.

mod add_download;
mod arguments;
mod delete_download;
mod list_downloads;

use super::Toolset;
use crate::tool::Entry;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "downloads",
    about: "See, add and delete the files that a repository offers for download.",
    default: false,
    needs_management: false,
    scopes: &["repository:write"],
    tools: &[
        Entry::of::<list_downloads::ListDownloads>(),
        Entry::of::<add_download::AddDownload>(),
        Entry::of::<delete_download::DeleteDownload>(),
    ],
};

//! Files and folders.

mod get_file;
mod list_directory;

use super::Toolset;
use crate::tool::Entry;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "source",
    about: "Read files and folders at any revision.",
    default: true,
    needs_management: false,
    scopes: &["repository"],
    tools: &[Entry::of::<list_directory::ListDirectory>(), Entry::of::<get_file::GetFile>()],
};

//! Files and folders.

mod changes;
mod commit_files;
mod editing;
mod get_file;
mod grep;
mod list_directory;
mod list_file_history;
mod matches;
mod search_code;
#[cfg(test)]
mod tests;
mod tree;

use super::Toolset;
use crate::tool::Entry;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "source",
    about: "Find, read and change files at any revision.",
    default: true,
    needs_management: false,
    scopes: &["repository:write"],
    tools: &[
        Entry::of::<list_directory::ListDirectory>(),
        Entry::of::<get_file::GetFile>(),
        Entry::of::<search_code::SearchCode>(),
        Entry::of::<list_file_history::ListFileHistory>(),
        Entry::of::<commit_files::CommitFiles>(),
    ],
};

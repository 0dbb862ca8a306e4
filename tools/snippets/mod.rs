//! Snippets: small files that people share.

mod arguments;
mod create_snippet;
mod delete_snippet;
mod get_snippet;
mod list_snippets;
mod update_snippet;

use super::Toolset;
use crate::tool::Entry;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "snippets",
    about: "See, write and delete snippets.",
    default: false,
    needs_management: false,
    scopes: &["snippet:write"],
    tools: &[
        Entry::of::<list_snippets::ListSnippets>(),
        Entry::of::<get_snippet::GetSnippet>(),
        Entry::of::<create_snippet::CreateSnippet>(),
        Entry::of::<update_snippet::UpdateSnippet>(),
        Entry::of::<delete_snippet::DeleteSnippet>(),
    ],
};

//! Repositories.

mod get_repository;
mod list_repositories;

use super::Toolset;
use crate::tool::Entry;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "repositories",
    about: "Find repositories and see what they are.",
    default: true,
    needs_management: false,
    scopes: &["repository"],
    tools: &[
        Entry::of::<list_repositories::ListRepositories>(),
        Entry::of::<get_repository::GetRepository>(),
    ],
};

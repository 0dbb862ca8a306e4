//! Branches and tags.

mod list_branches;

use super::Toolset;
use crate::tool::Entry;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "refs",
    about: "See branches and tags.",
    default: true,
    needs_management: false,
    scopes: &["repository"],
    tools: &[Entry::of::<list_branches::ListBranches>()],
};

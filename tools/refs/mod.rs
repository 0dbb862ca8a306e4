//! Branches and tags.

mod create_branch;
mod create_tag;
mod delete_branch;
mod delete_tag;
mod ending;
mod exists;
mod list_branches;
mod list_tags;

use super::Toolset;
use crate::tool::Entry;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "refs",
    about: "See, create and delete branches and tags.",
    default: true,
    needs_management: false,
    scopes: &["pullrequest", "repository:write"],
    tools: &[
        Entry::of::<list_branches::ListBranches>(),
        Entry::of::<create_branch::CreateBranch>(),
        Entry::of::<delete_branch::DeleteBranch>(),
        Entry::of::<list_tags::ListTags>(),
        Entry::of::<create_tag::CreateTag>(),
        Entry::of::<delete_tag::DeleteTag>(),
    ],
};

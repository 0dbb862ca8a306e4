//! Workspaces that the person belongs to.

mod list_workspaces;

use super::Toolset;
use crate::tool::Entry;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "workspaces",
    about: "See the workspaces that the user belongs to.",
    default: true,
    needs_management: false,
    scopes: &["account"],
    tools: &[Entry::of::<list_workspaces::ListWorkspaces>()],
};

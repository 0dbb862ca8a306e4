//! Workspaces that the person belongs to, their members and their projects.

mod list_members;
mod list_projects;
mod list_workspaces;

use super::Toolset;
use crate::tool::Entry;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "workspaces",
    about: "See the workspaces that the user belongs to, who else does, and their projects.",
    default: true,
    needs_management: false,
    scopes: &["account", "project"],
    tools: &[
        Entry::of::<list_workspaces::ListWorkspaces>(),
        Entry::of::<list_projects::ListProjects>(),
        Entry::of::<list_members::ListMembers>(),
    ],
};

//! Files that a repository offers for download.

use super::Toolset;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "downloads",
    about: "See, add and delete the files that a repository offers for download.",
    default: false,
    needs_management: false,
    scopes: &["repository:write"],
    tools: &[],
};

//! Every operation of Bitbucket, for what no tool does.

use super::Toolset;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "api",
    about: "Find and call any documented operation of Bitbucket Cloud.",
    default: false,
    needs_management: false,
    scopes: &["account", "repository"],
    tools: &[],
};

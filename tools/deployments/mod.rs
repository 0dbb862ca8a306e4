//! Environments, and what is deployed to them.

use super::Toolset;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "deployments",
    about: "See what is deployed where.",
    default: false,
    needs_management: false,
    scopes: &["pipeline"],
    tools: &[],
};

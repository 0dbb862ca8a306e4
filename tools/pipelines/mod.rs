//! Pipelines: see why they fail, run and stop them.

use super::Toolset;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "pipelines",
    about: "See pipelines, find out why one fails, run and stop them.",
    default: true,
    needs_management: false,
    scopes: &["pipeline", "pipeline:write"],
    tools: &[],
};

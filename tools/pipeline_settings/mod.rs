//! What pipelines run with: variables, schedules, caches.

use super::Toolset;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "pipeline_settings",
    about: "Set variables, schedules and caches of pipelines.",
    default: false,
    needs_management: false,
    scopes: &["pipeline", "pipeline:write", "pipeline:variable"],
    tools: &[],
};

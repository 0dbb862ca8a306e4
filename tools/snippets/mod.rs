//! Snippets: small files that people share.

use super::Toolset;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "snippets",
    about: "See, write and delete snippets.",
    default: false,
    needs_management: false,
    scopes: &["snippet:write"],
    tools: &[],
};

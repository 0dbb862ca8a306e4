//! Every operation of Bitbucket, for what no tool does.

mod address;
mod arguments;
mod call_operation;
mod compact;
mod find_operation;
mod request;
mod shown;
#[cfg(test)]
mod tests;

use super::Toolset;
use crate::tool::Entry;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "api",
    about: "Find and call any documented operation of Bitbucket Cloud.",
    default: false,
    needs_management: false,
    scopes: &["account", "repository"],
    tools: &[
        Entry::of::<find_operation::FindOperation>(),
        Entry::of::<call_operation::CallOperation>(),
    ],
};

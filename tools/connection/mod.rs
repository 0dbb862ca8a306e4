//! The Auth0 connection.
mod test_connection;

use super::Toolset;
use crate::tool::Entry;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "connection",
    about: "Set the connection up, and prove that it works.",
    default: false,
    tools: &[Entry::of::<test_connection::TestConnection>()],
};

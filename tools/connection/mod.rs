//! The connection between Auth0 Token Vault and Bitbucket: what it needs, what is missing, and the way
//! from the one to the other. It sets the tenant up, so it is for administrators.

mod applying;
mod arguments;
mod check_connection;
mod configure_connection;
mod get_app_snippet;
mod get_setup_guide;
mod plan_connection;
mod shown;
mod test_connection;

use super::Toolset;
use crate::tool::Entry;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "connection",
    about: "Set up Auth0 Token Vault for Bitbucket: check the tenant, plan, apply, test.",
    default: true,
    needs_management: true,
    scopes: &["account"],
    tools: &[
        Entry::of::<get_setup_guide::GetSetupGuide>(),
        Entry::of::<check_connection::CheckConnection>(),
        Entry::of::<plan_connection::PlanConnection>(),
        Entry::of::<configure_connection::ConfigureConnection>(),
        Entry::of::<test_connection::TestConnection>(),
        Entry::of::<get_app_snippet::GetAppSnippet>(),
    ],
};

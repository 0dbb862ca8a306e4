//! The person and their Bitbucket account: who is signed in, what is linked, link, unlink.

mod get_account;
mod link_account;
mod unlink_account;

use super::Toolset;
use crate::tool::Entry;

pub(super) const TOOLSET: Toolset = Toolset {
    name: "accounts",
    about: "See who is signed in, and link or unlink a Bitbucket account.",
    default: true,
    needs_management: false,
    scopes: &["account"],
    tools: &[
        Entry::of::<get_account::GetAccount>(),
        Entry::of::<link_account::LinkAccount>(),
        Entry::of::<unlink_account::UnlinkAccount>(),
    ],
};

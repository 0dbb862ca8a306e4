//! The sandbox's Auth0 tenant.

pub(crate) mod state;
mod tenant;

pub use tenant::Tenant;

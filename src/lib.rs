//! Bitbucket Cloud for agents, with each person's token brokered by Auth0 Token Vault.
//!
//! Read in this order: [`tool`] (what a tool is), [`tools`] (the tools themselves), [`server`] (how a
//! call arrives), [`broker`] (whose token it uses), [`bitbucket`] (where it goes), and [`identity`]
//! with [`auth0`] (who is asking). [`setup`] makes a tenant ready for it; [`sandbox`] is the outside world
//! on loopback.

pub mod tool;

/// What an agent can call. It lives beside `src/`, one file per tool.
#[path = "../tools/mod.rs"]
pub mod tools;

pub mod auth0;
pub mod bitbucket;
pub mod broker;
pub mod cli;
pub mod config;
mod diff;
pub mod error;
pub mod identity;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the tools that read logs are not in the catalogue yet")
)]
mod log;
pub mod net;
pub mod operations;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod seal;
pub mod server;
pub mod setup;
#[cfg(test)]
#[cfg(feature = "sandbox")]
mod testing;
pub mod text;

pub use error::{Error, Result};

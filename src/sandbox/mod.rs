//! Auth0 and Bitbucket Cloud on loopback, for working and testing offline.

mod auth0;
mod bitbucket;
mod git;
pub(crate) mod people;
mod seed;
pub(crate) mod world;

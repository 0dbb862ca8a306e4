//! .
mod auth0;
mod bitbucket;
mod git;
mod seed;

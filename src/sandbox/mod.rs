//! .
mod auth0;
mod bitbucket;

//! Tests from outside, in one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod approval;
mod browser;
mod child;
mod clients;
mod config;
mod conformance;
mod contracts;
mod doctor;
mod errors;
mod golden;
mod guide;
mod http;
mod install;
mod layers;
mod leaks;
mod link;
mod operations;
mod outside;
mod recordings;
mod secrets;
mod setup;
mod snippets;
mod stdio;
mod tls;

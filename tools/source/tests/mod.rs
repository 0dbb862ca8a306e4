//! What the tools that search and change files do, as agents see it.

mod committing;
mod searching;

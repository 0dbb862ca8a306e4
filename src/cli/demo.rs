//! `demo`: the whole story, offline.

use clap::Args;

/// Show the whole story offline: link an account, then read, review and merge a pull request.
#[derive(Debug, Args)]
pub(super) struct Demo {}

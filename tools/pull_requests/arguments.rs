//! Arguments that only these tools take.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::bitbucket::{self, PullRequest};
use crate::diff;
pub(super) use crate::tools::params::{ExpectedHead, same_commit};
use crate::{Error, Result};

/// What a reviewer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum Verdict {
    Approve,
    Unapprove,
    RequestChanges,
    WithdrawChanges,
}

/// Which file a line number counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum Side {
    New,
    Old,
}

impl ExpectedHead {
    /// Whether the source branch is still there. Hashes come in twelve digits or forty.
    pub(super) fn check(&self, pull_request: &PullRequest) -> Result<()> {
        let Some(head) = pull_request.head() else {
            return Err(Error::conflict(
                format!("the source branch of #{} is gone", pull_request.id),
                "read the pull request again with `get_pull_request`",
            ));
        };
        if same_commit(&self.0, head) {
            return Ok(());
        }
        Err(Error::conflict(
            format!("the head of #{} is {head}, not {}", pull_request.id, self.0),
            "somebody pushed: read what changed with `get_pull_request_diff`, then decide again",
        ))
    }
}

impl From<Verdict> for bitbucket::Verdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Approve => Self::Approve,
            Verdict::Unapprove => Self::Unapprove,
            Verdict::RequestChanges => Self::RequestChanges,
            Verdict::WithdrawChanges => Self::WithdrawChanges,
        }
    }
}

impl From<Side> for diff::Side {
    fn from(side: Side) -> Self {
        match side {
            Side::New => Self::New,
            Side::Old => Self::Old,
        }
    }
}

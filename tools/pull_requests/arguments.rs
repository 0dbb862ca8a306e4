//! Arguments that only these tools take.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::bitbucket::{self, PullRequest};
use crate::diff;
use crate::{Error, Result};

/// The commit that the agent believes the source branch to be at.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("pattern" = "^[0-9a-fA-F]{7,40}$"))]
pub(super) struct ExpectedHead(String);

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

/// Whether two hashes, of which either may be cut short, name the same commit.
pub(super) fn same_commit(one: &str, other: &str) -> bool {
    let length = one.len().min(other.len());
    match (one.get(..length), other.get(..length)) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        _ => false,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_a_commit_by_a_short_hash() {
        assert!(same_commit("3F2A1BC", "3f2a1bc9d0e1"));
        assert!(!same_commit("3f2a1bd", "3f2a1bc9d0e1"));
    }
}

//! Tries a connection for one person, step by step, and says which step failed and why.

use super::{Broker, Proof};
use crate::bitbucket::Limits;

/// How the steps went, in order. A step after a failed one is not tried and not listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    /// The steps.
    pub steps: Vec<Step>,
    /// The Bitbucket account, once it is known: its nickname or display name, as Bitbucket has it.
    pub account: Option<String>,
    /// The scopes that the account has granted, as Bitbucket itself says them.
    pub scopes: Option<Vec<String>>,
    /// How many seconds the Bitbucket token has left.
    pub expires_in: Option<u64>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was tried, in a few words.
    pub name: &'static str,
    /// What came of it; a sentence on the cause where it failed.
    pub outcome: Result<String, Failure>,
}

/// Why a step failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The cause.
    pub why: String,
    /// What mends it.
    pub fix: String,
}

impl Broker {
    /// Exchanges anew, whatever is cached, and asks Bitbucket who that is.
    pub async fn probe(&self, proof: &Proof, limits: Limits) -> Probe {
        let _ = (proof, limits);
        todo!()
    }
}

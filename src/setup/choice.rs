//! What is to be set up: the options that check, plan and apply share.

use serde::{Deserialize, Serialize};

/// Whom the connection is to serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transports {
    /// One person on their own machine.
    Stdio,
    /// Many people, over HTTP.
    Http,
    /// Both, each with an application of its own.
    Both,
}

/// What is to be set up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// For which transports; left out, for the one that the settings are made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transports: Option<Transports>,
    /// Whether people shall also sign in with the connection.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub login: bool,
    /// The application, by client id or name; created where no application is called so. Left out,
    /// the one that the settings name, else `bitbucket-vault-mcp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
}

impl Transports {
    /// Whether `stdio` is served.
    #[must_use]
    pub fn stdio(self) -> bool {
        matches!(self, Self::Stdio | Self::Both)
    }

    /// Whether `http` is served.
    #[must_use]
    pub fn http(self) -> bool {
        matches!(self, Self::Http | Self::Both)
    }

    /// Each transport that is served, alone.
    pub(super) fn each(self) -> impl Iterator<Item = Self> {
        let stdio = self.stdio().then_some(Self::Stdio);
        stdio.into_iter().chain(self.http().then_some(Self::Http))
    }
}
